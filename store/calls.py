"""The operating system's calls that change a file, each under its own name and nothing else.

`store.files` is built on these and on nothing else, and no other module of the store changes a file (SQLite alone
changes the catalog, which is derived). So a test that replaces the functions of this module can fail, record and
replay every change there is. They raise plain `OSError`.
"""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no flock; msvcrt locks the first byte instead
    fcntl = None  # type: ignore[assignment]

CAN_SHARE_LOCKS = fcntl is not None
CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)  # a link could lead out of the history's folder
_ALWAYS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
CHANGE = os.O_RDWR
CHANGE_NO_LINK = CHANGE | _NO_LINK
CHANGE_OR_CREATE = os.O_RDWR | os.O_CREAT | _NO_LINK
READ = FOLDER = os.O_RDONLY
ON_WINDOWS = os.name == "nt"
WINDOWS_PATIENCE_S = 1.0
_REFUSED = {errno.ENOTSUP, errno.EINVAL, errno.ENOTTY}


def open_file(path: Path, flags: int) -> int:
    """Open a file with one of the flags above; return its descriptor, which no child process inherits."""
    return os.open(path, flags | _ALWAYS, 0o666)


def close(descriptor: int) -> None:
    """Close a descriptor."""
    os.close(descriptor)


def write(descriptor: int, data: memoryview, at: int | None = None) -> int:
    """Write some of `data` behind what was written last, or at byte `at` of the file; return how many bytes were written."""
    if at is not None:
        os.lseek(descriptor, at, os.SEEK_SET)  # pwrite is unknown to Windows
    return os.write(descriptor, data)


def sync(descriptor: int) -> None:
    """Make a file's bytes and size, or a folder's names, durable (fsync)."""
    if not _sync_on_macos(descriptor):
        os.fsync(descriptor)


def sync_data(descriptor: int) -> None:
    """Make a file's bytes and size durable (fdatasync where there is one)."""
    if not _sync_on_macos(descriptor):
        getattr(os, "fdatasync", os.fsync)(descriptor)


def _sync_on_macos(descriptor: int) -> bool:
    """Sync as macOS needs it, where fsync leaves the bytes in the drive's own cache; False where there is no such call.

    Tested with a stand-in only, not on macOS.
    """
    full_sync = getattr(fcntl, "F_FULLFSYNC", None)
    if full_sync is None:
        return False
    try:
        fcntl.fcntl(descriptor, full_sync)
    except OSError as error:
        if error.errno in _REFUSED:  # this file system has no such call; any other error is a sync that failed
            return False
        raise
    return True


def truncate(descriptor: int, size: int) -> None:
    """Cut a file to `size` bytes."""
    os.ftruncate(descriptor, size)


def replace(path: Path, name: Path) -> None:
    """Rename a file in one atomic step, over what has that name."""
    _patiently(lambda: os.replace(path, name))  # noqa: PTH105


def link(path: Path, name: Path) -> None:
    """Give a file a second name."""
    os.link(path, name)


def unlink(path: Path) -> None:
    """Take a name away."""
    _patiently(lambda: os.unlink(path))  # noqa: PTH108


def _patiently(act: Callable[[], None]) -> None:
    """Run `act`; on Windows try again for a second, because a file that anybody reads can be neither replaced nor removed.

    Tested with a stand-in only, not on Windows.
    """
    last_s = time.monotonic() + WINDOWS_PATIENCE_S
    while True:
        try:
            return act()
        except PermissionError:
            if not ON_WINDOWS or time.monotonic() >= last_s:
                raise
            time.sleep(0.01)


def make_folder(path: Path) -> None:
    """Make one folder."""
    os.mkdir(path)  # noqa: PTH102


def lock(descriptor: int, wait: bool) -> bool:
    """Lock an open file against every other open one of the same file; False where another holds it and `wait` is off."""
    if fcntl is None:
        return _lock_on_windows(descriptor, wait)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    return True


def lock_shared(descriptor: int) -> bool:
    """Lock an open file beside others that do so too, or turn a lock into such a one; False where another has it alone.

    Windows' C library has no such locks: nothing is done there.
    """
    if fcntl is None:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(descriptor: int) -> None:
    """Give up the lock on an open file, also for a forked child that shares it."""
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def is_only_opener(descriptor: int) -> bool:
    """Say whether nobody else has a file open, here or in another process; False where that cannot be told (not Linux)."""
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)  # given only to who is alone
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except (AttributeError, OSError):
        return False
    return True


def _lock_on_windows(descriptor: int, wait: bool) -> bool:
    import msvcrt

    mode = msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK  # type: ignore[attr-defined]
    while True:
        try:
            msvcrt.locking(descriptor, mode, 1)  # type: ignore[attr-defined]
        except OSError:
            if not wait:
                return False
            continue  # LK_LOCK gives up after ten seconds; we do not
        return True
