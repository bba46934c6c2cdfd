"""The catalog's file: it is opened where it is byte for byte as it was closed, and makes way for a new one where not.

SQLite has no checksums of its own over its pages, so a seal lies beside the file: its size and CRC-32 when it was last
closed. Between two closings all changes stay in the write-ahead log: the file itself changes only while it has no
seal. So whoever comes first compares the file with its seal, and throws away a log that a killed process left; what it
held comes again from the index. A large file is compared in the background.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from store import files
from store.lines import DamagedLine, seal, unseal
from store.reading import open_regular

BUSY_S = 20.0
AT_ONCE_BYTES = 16 << 20  # about ten milliseconds
LOG_BYTES = 8 << 20
_BLOCK_BYTES = 1 << 20
_SEAL_BYTES = 1 << 10  # more than any of ours


class Database:
    """One process's connection to the catalog's file. `lock` guards it: hold it to use the connection."""

    def __init__(self, path: Path, lock: threading.RLock, prepare: Callable[[sqlite3.Connection], None]) -> None:
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._seal = _seal_of(path)
        self._lock = lock
        self._prepare = prepare
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] = (0, 0)
        self._use: files.Use | None = None
        self._check: _Check | None = None
        self._sealing: _Sealing | None = None
        self.notes: list[str] = []

    # -- opening ----------------------------------------------------------------------------------------------------

    def connection(self) -> sqlite3.Connection:
        """Return the connection, another one where the file was replaced or the process forked.

        Raises `sqlite3.Error` or `OSError` where the file cannot be used.
        """
        if self._connection is None or self._opened != (os.getpid(), inode_of(self._path)):
            self.disconnect()
            self._connection = self._connect()
            self._opened = (os.getpid(), inode_of(self._path))
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        if not _is_a_file(self._path):
            raise sqlite3.OperationalError("the catalog is not a file of its own")
        deadline_s = time.monotonic() + BUSY_S
        while time.monotonic() < deadline_s:
            with self._turn():
                if self._is_mine() or self._come_in():
                    if not self._path.exists():
                        files.remove(self._seal)
                    return connect(self._path, self._prepare)
            time.sleep(0.01)  # who came first is still comparing a large file with its seal
        raise sqlite3.OperationalError("the catalog is locked")

    def another(self) -> sqlite3.Connection:
        """Open a second connection to a file that is in use, for another thread to close. Raises `sqlite3.Error`, `OSError`."""
        with self._lock, self._turn():
            if not self._is_mine() or not _is_a_file(self._path) or not self._path.exists():
                raise sqlite3.OperationalError("the catalog's file is not in use")
            return connect(self._path, lambda _: None)

    def _turn(self) -> contextlib.AbstractContextManager[bool]:
        """Hold the lock under which the file is opened, closed and replaced."""
        return files.locked(self._path.with_name("catalog.lock"))

    def _is_mine(self) -> bool:
        return self._use is not None and self._use.holder == os.getpid()

    def _come_in(self) -> bool:
        """Join those who use the file, or be the first; False where the first is not ready."""
        use = files.Use(self._path.with_name("catalog.users.lock"))
        self._check = None
        try:
            if use.alone():
                self._come_first()
            if self._check is not None or use.share():
                self._use = use
        finally:
            if self._use is not use:
                use.leave()
        return self._use is use

    def _come_first(self) -> None:
        """Throw away what a killed process left behind, and the file itself where it is not as it was closed."""
        for suffix in ("-wal", "-shm", "-journal"):
            files.remove(self._path.with_name(self._path.name + suffix))
        stated = _read_seal(self._seal)
        if stated is None:
            files.remove(self._path)  # never closed, or its last user was killed while the file itself was written
        elif self._path.exists():
            size_bytes = files.size_of(self._path)
            if size_bytes > AT_ONCE_BYTES and size_bytes == stated[0]:
                self._check = _Check(self._path, stated, self._checked)
            elif size_bytes != stated[0] or _measure(self._path) != stated:
                self._discard()

    def _discard(self) -> None:
        self.notes.append("catalog.sqlite was damaged; it is built again from the index.")
        files.remove(self._path)

    # -- comparing a large file with its seal -----------------------------------------------------------------------

    def wait_until_checked(self) -> None:
        """Return when a large file has been compared with its seal. Not to be called with the lock held."""
        check = self._check
        if check is not None:
            check.join()

    def _checked(self, check: _Check) -> None:
        """Let others in, or throw the file away; called on the check's own thread."""
        while not self._lock.acquire(timeout=0.05):
            if check.abandoned:
                return
        try:
            if not check.abandoned:
                self._rest()
        finally:
            self._lock.release()

    def _end_check(self, wait: bool) -> bool:
        """End a check that goes on, at its end or now; False where it found that the file is damaged."""
        check, self._check = self._check, None
        if check is None:
            return True
        return check.end(wait)

    # -- closing ----------------------------------------------------------------------------------------------------

    def disconnect(self) -> None:
        """Close the connection; a later one finds the file as it is now."""
        if self._connection is not None and self._opened[0] == os.getpid():
            self._connection.close()
        self._connection = None
        self._opened = (0, 0)

    def settle(self, at_once: bool = False) -> None:
        """Bring the log into the file where it has become long (or `at_once`), and seal the file.

        Where others use the file too, it stays without a seal until the last of them closes it.
        """
        quiet = self._check is None and (self._sealing is None or not self._sealing.is_alive())
        if quiet and (at_once or size_of(self._log) > max(LOG_BYTES, size_of(self._path) // 2)):
            self._rest()

    def seal_behind(self) -> None:
        """Seal a file so large that building it again would be felt, while others go on using it; not under the lock.

        What a process leaves that is killed later can then be used on.
        """
        with contextlib.suppress(OSError, sqlite3.Error), self._lock, self._turn():
            idle = self._check is None and (self._sealing is None or not self._sealing.is_alive())
            if self._connection is None or not idle or size_of(self._path) <= AT_ONCE_BYTES or not self._is_only_user():
                return
            self._end_sealing()
            files.remove(self._seal)
            self._sealing = _Sealing(self._path, self._write_seal)

    def _is_only_user(self) -> bool:
        try:
            return self._use is not None and self._use.alone()
        finally:
            if self._use is not None:
                self._use.share()

    def _write_seal(self, sealing: _Sealing, measured: tuple[int, int]) -> None:
        """Write what was measured, unless that was given up or the file has changed since; on the sealing's own thread."""
        while not self._lock.acquire(timeout=0.05):
            if sealing.abandoned:
                return
        try:
            with self._turn():
                if not sealing.abandoned and self._is_only_user() and not sealing.has_changed():
                    files.write_unsynced(self._seal, _sealed(measured))
        finally:
            self._lock.release()

    def _end_sealing(self) -> None:
        sealing, self._sealing = self._sealing, None
        if sealing is not None:
            sealing.end()

    def _rest(self) -> None:
        with contextlib.suppress(OSError, sqlite3.Error), self._turn():
            if self._use is None:
                return
            try:
                if self._use.alone():
                    self._close_alone()
                elif self._connection is not None:
                    files.remove(self._seal)
                    self._connection.execute("PRAGMA wal_checkpoint")
            finally:
                self._use.share()

    def _close_alone(self) -> None:
        """Close the connection, which brings the log into the file, and seal the file where that changed it.

        The seal goes before the file changes. No file of our own may be open beside SQLite's when it connects:
        closing it would drop SQLite's locks.
        """
        self._end_sealing()
        changed = size_of(self._log) > 0 or not self._seal.exists()
        good = self._end_check(wait=changed)
        if changed or not good:
            files.remove(self._seal)
        self.disconnect()
        if not good:
            self._discard()
        elif changed and self._path.exists() and not self._log.exists():
            files.write_unsynced(self._seal, _sealed(_measure(self._path)))

    def replace(self) -> None:
        """Remove the file, unless another process has put a new one in its place already."""
        opened = self._opened[1]
        self._leave()
        with self._turn():
            if opened in (0, inode_of(self._path)):
                files.remove(self._seal)
                for suffix in ("", "-wal", "-shm"):
                    files.remove(self._path.with_name(self._path.name + suffix))

    def close(self) -> None:
        """Close the file, and seal it where nobody else uses it. What cannot be sealed is built again next time."""
        try:
            if self._use is not None and self._is_mine():
                with contextlib.suppress(OSError, sqlite3.Error), self._turn():
                    if self._use.alone():
                        self._close_alone()
        finally:
            self._leave()

    def _leave(self) -> None:
        self._end_check(wait=False)
        self._end_sealing()
        self.disconnect()
        use, self._use = self._use, None
        if use is not None:
            use.leave()


class _Check(threading.Thread):
    """Compares a file with its seal while it is in use. Nothing but the log is written meanwhile."""

    def __init__(self, path: Path, stated: tuple[int, int], then: Callable[[_Check], None]) -> None:
        super().__init__(name="retake-check", daemon=True)
        self._file = open_regular(path)
        self._stated = stated
        self._then = then
        self._read = threading.Event()
        self._good = True
        self.abandoned = False
        self.start()

    def run(self) -> None:
        """Read the whole file, unless it is given up meanwhile."""
        try:
            measured = _measure_file(self._file, lambda: self.abandoned)
            self._good = self.abandoned or measured == self._stated
        except OSError:
            self._good = False  # the disk cannot read it
        self._read.set()
        self._then(self)

    def end(self, wait: bool) -> bool:
        """Wait for the answer, or give it up; close the file. False where the file is not what its seal says."""
        if wait:
            self._read.wait()
        self.abandoned = True
        if threading.current_thread() is not self:
            self.join()
        self._file.close()
        return self._good


class _Sealing(threading.Thread):
    """Brings the log into a file that is in use, and measures the file. Nothing but the log is written meanwhile.

    The file stays open until `end`: closing it drops the locks of SQLite's connection, which must be closed right after.
    """

    def __init__(self, path: Path, then: Callable[[_Sealing, tuple[int, int]], None]) -> None:
        super().__init__(name="retake-seal", daemon=True)
        self._path = path
        self._then = then
        self._file: BinaryIO | None = None
        self._written_ns = 0
        self.abandoned = False
        self.start()

    def run(self) -> None:
        """Read the whole file, unless it is given up meanwhile. What fails leaves a file without a seal."""
        with contextlib.suppress(OSError, sqlite3.Error):
            with contextlib.closing(sqlite3.connect(self._path, timeout=BUSY_S)) as other:
                other.execute("PRAGMA synchronous = OFF")
                other.execute("PRAGMA wal_checkpoint(PASSIVE)")
            self._file = open_regular(self._path)
            self._written_ns = self._changed_ns()
            measured = _measure_file(self._file, lambda: self.abandoned)
            self._then(self, measured)

    def _changed_ns(self) -> int:
        return os.fstat(self._file.fileno()).st_mtime_ns if self._file else 0

    def has_changed(self) -> bool:
        """Say whether somebody has written the file since it began to be read."""
        return self._changed_ns() != self._written_ns

    def end(self) -> None:
        """Give it up where it goes on, and close the file."""
        self.abandoned = True
        self.join()
        if self._file is not None:
            self._file.close()


def _seal_of(path: Path) -> Path:
    return path.with_name(f"{path.name}-seal")


def _measure(path: Path) -> tuple[int, int]:
    with open_regular(path) as file:
        return _measure_file(file)


def _measure_file(file: BinaryIO, given_up: Callable[[], bool] = lambda: False) -> tuple[int, int]:
    """Return a file's size and CRC-32."""
    size_bytes, crc = 0, 0
    while not given_up() and (block := file.read(_BLOCK_BYTES)):
        size_bytes += len(block)
        crc = zlib.crc32(block, crc)
    return size_bytes, crc


def _sealed(measured: tuple[int, int]) -> bytes:
    return seal({"size_bytes": measured[0], "crc32": measured[1]}) + b"\n"


def _read_seal(path: Path) -> tuple[int, int] | None:
    try:
        with open_regular(path) as file:
            fields = unseal(file.read(_SEAL_BYTES).rstrip(b"\n"))
        return fields["size_bytes"], fields["crc32"]
    except (OSError, DamagedLine, KeyError):
        return None


def connect(path: Path | None, prepare: Callable[[sqlite3.Connection], None]) -> sqlite3.Connection:
    """Open a database, in memory where `path` is None, and make its tables. Raises `sqlite3.Error`."""
    database = sqlite3.connect(
        ":memory:" if path is None else path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
    )
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = OFF")  # what a power cut leaves does not match its seal
        database.execute("PRAGMA wal_autocheckpoint = 0")
        database.execute(f"PRAGMA journal_size_limit = {LOG_BYTES // 2}")
        prepare(database)
    except sqlite3.Error:
        database.close()
        raise
    return database


def open_at_rest(path: Path) -> sqlite3.Connection | None:
    """Open a file that nobody uses and that is as it was closed, to read it without a trace; None where it is not so."""
    if path.with_name(f"{path.name}-wal").exists() or not path.exists() or not _is_a_file(path):
        return None
    if _read_seal(_seal_of(path)) != _measure(path):
        return None
    return sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Iterator[None]:
    """Write all or nothing."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def inode_of(path: Path) -> int:
    """Return the number of the file that has this name now; 0 where there is none."""
    try:
        return os.stat(path).st_ino  # noqa: PTH116 - every question asks, and this takes half the time
    except OSError:
        return 0


def _is_a_file(path: Path) -> bool:
    """Say whether SQLite may open the path: it would follow a link out of the folder, and drop tables there."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return True


def size_of(path: Path) -> int:
    """Return a file's size in bytes; 0 where there is none."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
