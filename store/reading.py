"""Open a file for reading that may be anything: only a regular file is ever read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO


def open_regular(path: Path) -> BinaryIO:
    """Open a regular file, or a link to one, for reading.

    A pipe, a device or a folder in its place would hang, never end, or do something when it is opened: that is an
    `OSError` (EINVAL) instead. Raises `FileNotFoundError` and other `OSError` as `open` does.
    """
    _require_regular(path, path.stat())
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        _require_regular(path, os.fstat(descriptor))  # it may have been replaced since
        return open(descriptor, "rb")  # noqa: PTH123 - the caller closes it
    except BaseException:
        os.close(descriptor)
        raise


def byte_at(path: str | Path, at: int) -> bytes:
    """Read one byte of a file; none where it ends before. Raises `FileNotFoundError` and other `OSError`."""
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        os.lseek(descriptor, at, os.SEEK_SET)
        return os.read(descriptor, 1)
    finally:
        os.close(descriptor)


class Peek:
    """Looks at single bytes of a file that it keeps open between two looks; for one thread at a time."""

    def __init__(self) -> None:
        self._key: tuple[object, ...] | None = None
        self._descriptor = -1

    def byte(self, path: str, at: int, *state: object) -> bytes:
        """Read one byte; none where the file ends before. It is opened anew where `path` or `state` is another.

        Raises `FileNotFoundError` and other `OSError`.
        """
        if not hasattr(os, "pread"):  # Windows, where nobody could remove an open file either
            return byte_at(path, at)
        if self._key != (path, *state):
            self.close()
            self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            self._key = (path, *state)
        return os.pread(self._descriptor, 1, at)

    def close(self) -> None:
        """Let the file go."""
        if self._key is not None:
            self._key = None
            os.close(self._descriptor)


def _require_regular(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "is not a regular file", str(path))
