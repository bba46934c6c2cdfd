"""Every change of a file that the store makes: create, sync, rename, link, remove, cut, lock.

Only this module changes anything, and only through `store.calls`. It raises plain `OSError`; the layers above say what
it means.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from store import calls

_TEMPORARY = re.compile(r"\.retake-\d+-\d+\.tmp")
BUFFER_BYTES = 1 << 20
PIECE_BYTES, REST_S = 1 << 20, 0.002
FREED_BYTES = 4 << 20
TURN_S, PATIENCE_S = 0.001, 0.25
_numbers = itertools.count()


def make_folder(path: Path) -> None:
    """Make a folder and its parents, durably where anything was made."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    for folder in reversed(missing):
        if folder.parent.exists() and not folder.parent.is_dir():
            raise NotADirectoryError(20, f"{folder.parent} is a file, not a folder", str(path))
        with contextlib.suppress(FileExistsError):
            calls.make_folder(folder)
        sync_folder(folder.parent)
    if not path.is_dir():
        raise NotADirectoryError(20, "is a file, not a folder", str(path))


def _close(descriptor: int) -> None:
    """Close a descriptor, which is gone whatever the system reports: all that matters was synced before."""
    with contextlib.suppress(OSError):
        calls.close(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in a folder durable. Windows cannot open folders and needs no such call."""
    if calls.ON_WINDOWS:
        return
    descriptor = calls.open_file(path, calls.FOLDER)
    try:
        calls.sync(descriptor)
    finally:
        _close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview, at: int | None = None) -> None:
    """Write every byte, behind what was written last or at byte `at`, however often the system writes less than it was given."""
    rest = memoryview(data)
    while rest:
        written = calls.write(descriptor, rest, at)
        rest = rest[written:]
        at = None


Naming = Callable[[Path], AbstractContextManager[bool]]
"""Surrounds the step in which a finished temporary file takes its name; where it yields False, the file is dropped."""


def create(path: Path, chunks: Iterable[bytes | memoryview], naming: Naming | None = None) -> None:
    """Put a file at `path` in one atomic step, its bytes durable before its name; an older file is replaced.

    `naming` is given the temporary file when its bytes are durable and the old file still stands. The name itself is
    durable after `sync_folder(path.parent)`. On failure nothing stays behind.
    """
    descriptor, temporary = _open_temporary(path.parent)
    with contextlib.ExitStack() as closing:
        closing.callback(_close, descriptor)
        try:
            _write_in_pieces(descriptor, chunks)
            calls.sync(descriptor)
            _let_go_on_windows(closing)
            with naming(temporary) if naming else contextlib.nullcontext(True) as wanted:
                if wanted:
                    calls.replace(temporary, path)
                else:
                    calls.unlink(temporary)
        except BaseException:
            _let_go_on_windows(closing)
            with contextlib.suppress(OSError):
                calls.unlink(temporary)
            raise


def _write_in_pieces(descriptor: int, chunks: Iterable[bytes | memoryview]) -> None:
    """Write everything; sync a long file piece by piece, with rests, or its one sync would hold up every other on the disk."""
    unsynced_bytes = 0
    for chunk in _buffered(chunks):
        if unsynced_bytes >= PIECE_BYTES:
            calls.sync_data(descriptor)
            time.sleep(REST_S)
            unsynced_bytes = 0
        write_all(descriptor, chunk)
        unsynced_bytes += len(chunk)


def _let_go_on_windows(closing: contextlib.ExitStack) -> None:
    """Close a file that is to be renamed or removed: Windows does neither to an open one. Not tested there.

    Elsewhere it stays open, because the lock on it keeps the sweeps of others away until it has its name.
    """
    if calls.ON_WINDOWS:
        closing.close()


def write_unsynced(path: Path, data: bytes) -> None:
    """Write a new file that may be lost or stay half written: its own checksum must tell."""
    descriptor = calls.open_file(path, calls.CREATE)
    try:
        write_all(descriptor, data)
    finally:
        calls.close(descriptor)


def try_writing(folder: Path) -> None:
    """Write a temporary file and remove it. Raises `OSError` where nothing could be created in `folder`."""
    descriptor, temporary = _open_temporary(folder)
    try:
        write_all(descriptor, b"probe")
        calls.sync(descriptor)
    finally:
        _close(descriptor)
        calls.unlink(temporary)


def _buffered(chunks: Iterable[bytes | memoryview]) -> Iterator[bytes | memoryview]:
    """Gather small chunks, so that a document of many lines is written in few calls."""
    gathered: list[bytes | memoryview] = []
    size = 0
    for chunk in chunks:
        gathered.append(chunk)
        size += len(chunk)
        if size >= BUFFER_BYTES:
            yield gathered[0] if len(gathered) == 1 else b"".join(gathered)
            gathered, size = [], 0
    if gathered:
        yield gathered[0] if len(gathered) == 1 else b"".join(gathered)


def _open_temporary(folder: Path) -> tuple[int, Path]:
    """Open a fresh temporary file that is locked while it is written, so that no sweep takes it."""
    while True:
        path = folder / f".retake-{os.getpid()}-{next(_numbers)}.tmp"
        try:
            descriptor = calls.open_file(path, calls.CREATE)
        except FileExistsError:
            continue
        try:
            if calls.lock(descriptor, wait=False) and os.fstat(descriptor).st_nlink:
                return descriptor, path
        except BaseException:
            _close(descriptor)
            with contextlib.suppress(OSError):
                calls.unlink(path)
            raise
        _close(descriptor)  # a sweep was faster, and removes it


def is_temporary(name: str) -> bool:
    """Say whether a file's name is one that `create` gives to what it has not finished."""
    return _TEMPORARY.fullmatch(name) is not None


def sweep(folder: Path) -> int:
    """Remove the temporary files that dead processes left in `folder`; return how many."""
    swept = 0
    for path in [Path(item.path) for item in os.scandir(folder) if is_temporary(item.name)]:
        with contextlib.suppress(FileNotFoundError):
            descriptor = calls.open_file(path, calls.CHANGE)
            with contextlib.ExitStack() as closing:
                closing.callback(_close, descriptor)
                if calls.lock(descriptor, wait=False):
                    _let_go_on_windows(closing)
                    calls.unlink(path)
                    swept += 1
    return swept


class changing:  # noqa: N801
    """Open an existing file for writing into it; yield its descriptor."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> int:
        self._descriptor = calls.open_file(self._path, calls.CHANGE_NO_LINK)
        return self._descriptor

    def __exit__(self, *error: object) -> None:
        _close(self._descriptor)


def end_of(descriptor: int) -> int:
    """Return the size of an open file.

    Asking for its status instead would let the next write note its exact time, and the next sync write that too: so Linux
    does since 6.13, and it costs half a sync.
    """
    return os.lseek(descriptor, 0, os.SEEK_END)


def sync_data(descriptor: int) -> None:
    """Make a file's bytes durable. A failed call must not be tried again: the system forgets what it lost."""
    calls.sync_data(descriptor)


def shorten(descriptor: int, size: int) -> None:
    """Cut a file to `size` bytes; durable with the file's next sync."""
    calls.truncate(descriptor, size)


def cut(descriptor: int, size: int) -> None:
    """Cut a file to `size` bytes, durably."""
    calls.truncate(descriptor, size)
    calls.sync(descriptor)


def size_of(path: Path) -> int:
    """Return a file's size in bytes."""
    return os.stat(path).st_size  # noqa: PTH116 - half the time


def keep_as(path: Path, name: Path) -> None:
    """Give the file at `path` a second name, replacing what has it, in one atomic step; the bytes are not copied."""
    temporary = path.parent / f".retake-{os.getpid()}-{next(_numbers)}.tmp"
    with _locked_against_sweeps(path):
        try:
            calls.link(path, temporary)
        except FileNotFoundError:
            raise
        except OSError:
            create(name, [path.read_bytes()])  # a file system without hard links
            return
        try:
            with _freed_afterwards(name):
                calls.replace(temporary, name)
        finally:
            # what a failed rename leaves, and one that does nothing because both names are one file already
            with contextlib.suppress(OSError):
                calls.unlink(temporary)


@contextlib.contextmanager
def _freed_afterwards(path: Path) -> Iterator[None]:
    """Keep the bytes of a file that is about to lose its last name until it has, and free them then.

    Freeing many of them in the same step holds up everybody who looks into the folder.
    """
    if calls.ON_WINDOWS:
        yield  # an open file could not be replaced there
        return
    try:
        descriptor = calls.open_file(path, calls.CHANGE_NO_LINK)
    except OSError:
        yield
        return
    try:
        yield
        _free(descriptor)
    finally:
        _close(descriptor)


def _free(descriptor: int) -> None:
    """Cut a long file without a name piece by piece, with rests: freed at once, it would hold up every sync on the disk.

    Not where somebody has it open, and reads it to its end. What is not freed here is when it is closed.
    """
    with contextlib.suppress(OSError):
        left_bytes = end_of(descriptor)
        if left_bytes <= FREED_BYTES or os.fstat(descriptor).st_nlink or not calls.is_only_opener(descriptor):
            return
        while left_bytes:
            left_bytes = max(0, left_bytes - FREED_BYTES)
            calls.truncate(descriptor, left_bytes)
            time.sleep(REST_S)


@contextlib.contextmanager
def _locked_against_sweeps(path: Path) -> Iterator[None]:
    """Hold a lock on a file, whatever its names are, so that no sweep takes a temporary one."""
    if calls.ON_WINDOWS:
        yield  # an open file could not be renamed there
        return
    descriptor = calls.open_file(path, calls.CHANGE)
    try:
        calls.lock(descriptor, wait=True)
        yield
    finally:
        _close(descriptor)


def keep_aside(path: Path, why: str) -> Path:
    """Give a file the first unused name `<name>.<why>-<n>` too, durably; it stays in its place. Return the new path."""
    aside = _unused(path, why)
    keep_as(path, aside)
    sync_folder(path.parent)
    return aside


def keep_bytes_aside(path: Path, data: bytes, why: str) -> Path:
    """Write bytes that are to be cut from `path` to the first unused `<name>.<why>-<n>` beside it, durably."""
    aside = _unused(path, why)
    create(aside, [data])
    sync_folder(path.parent)
    return aside


def _unused(path: Path, why: str) -> Path:
    """Return a name that nothing has; the caller holds the history's lock, so nobody else takes it meanwhile."""
    names = (path.with_name(f"{path.name}.{why}-{number}") for number in itertools.count(1))
    return next(name for name in names if not os.path.lexists(name))


def remove(path: Path) -> bool:
    """Remove a file; say whether it was there."""
    try:
        with _freed_afterwards(path):
            calls.unlink(path)
    except FileNotFoundError:
        return False
    return True


def _lock_patiently(descriptor: int) -> bool:
    """Wait for a lock: at first by trying now and then, so that whoever holds it may take it several times in a row.

    Handing it over at each release would cost everybody a change of processes for every change of the history. Nobody
    stands back for long: who has tried for `PATIENCE_S` queues up in the kernel.
    """
    if calls.lock(descriptor, wait=False):
        return True
    queues_up_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < queues_up_s:
        time.sleep(TURN_S)
        if calls.lock(descriptor, wait=False):
            return True
    return calls.lock(descriptor, wait=True)


class locked:  # noqa: N801 - used as a function; a class takes half the time of a generator
    """Hold the lock file at `path`; yield False where it is held by another and `wait` is off.

    The lock belongs to an open file, so the kernel releases it when its process ends, however it ends. It is opened
    anew for each hold: a forked child shares its parent's descriptors and would share the lock.
    """

    def __init__(self, path: Path, wait: bool = True) -> None:
        self._path, self._wait = path, wait
        self._descriptor: int | None = None

    def __enter__(self) -> bool:
        while True:
            descriptor = calls.open_file(self._path, calls.CHANGE_OR_CREATE)
            try:
                if not (_lock_patiently(descriptor) if self._wait else calls.lock(descriptor, wait=False)):
                    break
                if _is_at(descriptor, self._path):
                    self._descriptor = descriptor
                    return True
                # else somebody replaced the lock file while we waited for the old one
            finally:
                if self._descriptor is None:
                    _close(descriptor)
        return False

    def __exit__(self, *error: object) -> None:
        if self._descriptor is not None:
            try:
                _unlock(self._descriptor)
            finally:
                _close(self._descriptor)


@contextlib.contextmanager
def kept_still(path: Path) -> Iterator[None]:
    """Keep out whoever changes what the lock file at `path` guards, and change nothing, not even the lock file.

    Nobody is kept out where there is no such file, or where a lock cannot be shared (Windows).
    """
    try:
        descriptor = calls.open_file(path, calls.READ)
    except OSError:
        yield
        return
    try:
        while not calls.lock_shared(descriptor):
            time.sleep(0.005)
        yield
    finally:
        _unlock(descriptor)
        _close(descriptor)


def _unlock(descriptor: int) -> None:
    """Give up a lock: a child that was forked meanwhile shares the open file, and would keep it locked."""
    with contextlib.suppress(OSError):  # closing it gives up the lock too, where no child shares it
        calls.unlock(descriptor)


class Use:
    """Tells other processes, and others in this one, that a file is in use; the kernel ends it with the process.

    Where locks cannot be shared (Windows) nobody ever is alone.
    """

    def __init__(self, path: Path) -> None:
        self._descriptor = calls.open_file(path, calls.CHANGE_OR_CREATE)
        self.holder = os.getpid()

    def alone(self) -> bool:
        """Keep all others out where nobody else is in; say whether it is so. Where not, nothing is held."""
        return calls.CAN_SHARE_LOCKS and calls.lock(self._descriptor, wait=False)

    def share(self) -> bool:
        """Be in beside others; False where somebody keeps all others out."""
        return calls.lock_shared(self._descriptor)

    def leave(self) -> None:
        """End it. In a forked child, that of the parent goes on."""
        try:
            if self.holder == os.getpid():
                _unlock(self._descriptor)
        finally:
            _close(self._descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        named = os.stat(path)  # noqa: PTH116 - half the time
    except FileNotFoundError:
        return False
    opened = os.fstat(descriptor)
    return opened.st_ino == named.st_ino and opened.st_dev == named.st_dev
