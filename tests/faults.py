"""Make the operating system's calls fail, in the one module through which files are changed."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from store import calls

CALLS = (
    "open_file", "close", "write", "sync", "sync_data", "truncate",
    "replace", "link", "unlink", "make_folder", "lock", "lock_shared", "unlock",
)  # fmt: skip
"""Every function of `store.calls`."""

Call = Callable[..., Any]


@dataclass(frozen=True)
class Fault:
    """What happens to a call, or with `lasting` to it and every call after it: an error number, or Ctrl-C.

    `done`: the call does its work all the same, as when Ctrl-C comes just behind it. `short`: a write writes half, and
    the next one fails. A `close` always closes, as the kernel does whatever it reports.
    """

    name: str
    number: int | None = None
    done: bool = False
    short: bool = False
    lasting: bool = False

    def error(self) -> BaseException:
        """Return what is raised."""
        return KeyboardInterrupt() if self.number is None else OSError(self.number, os.strerror(self.number))


NUMBERS = (errno.ENOSPC, errno.EIO, errno.EACCES, errno.EROFS, errno.EDQUOT, errno.EMFILE, errno.EINTR)
ERRORS = [Fault(errno.errorcode[number], number) for number in NUMBERS]
SHORT_WRITE = Fault("short write", errno.ENOSPC, short=True)
INTERRUPTS = [Fault("Ctrl-C before"), Fault("Ctrl-C behind", done=True)]
ONCE = [*ERRORS, SHORT_WRITE, *INTERRUPTS]
LASTING = [replace(fault, name=f"{fault.name} from then on", lasting=True) for fault in ERRORS]


class Faults:
    """Counts the calls that this thread makes, and makes some of them fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._patch = monkeypatch
        self._thread = threading.get_ident()
        self._counts = False
        self._armed: tuple[int, Fault] | None = None
        self.trace: list[str] = []
        self.open: set[int] = set()
        self.victim: str | None = None
        for name in CALLS:
            monkeypatch.setattr(calls, name, self._watched(name, getattr(calls, name)))

    def fail(self, call: str, error_number: int, times: int = 1) -> None:
        """Make the next `times` calls of one function fail."""
        real = getattr(calls, call)
        left = [times]

        def failing(*arguments: object, **named: object) -> object:
            if left[0] > 0:
                left[0] -= 1
                if call == "close":
                    real(*arguments)
                raise OSError(error_number, os.strerror(error_number))
            return real(*arguments, **named)

        self._patch.setattr(calls, call, failing)

    @contextlib.contextmanager
    def at(self, number: int, fault: Fault) -> Iterator[None]:
        """Let `fault` befall the call with this number, counted from 0.

        After it `trace` names the calls, `victim` the one that failed first; `open` are descriptors not closed since.
        """
        with self.counting():
            self._armed = (number, fault)
            yield

    @contextlib.contextmanager
    def counting(self) -> Iterator[None]:
        """Let every call do what it does, and name them in `trace`."""
        self.trace, self.victim, self._counts = [], None, True
        try:
            yield
        finally:
            self._counts, self._armed = False, None

    def _watched(self, name: str, real: Call) -> Call:
        def call(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() != self._thread:
                return real(*arguments, **named)
            at = len(self.trace)
            if self._counts:
                self.trace.append(name)
            number, fault = self._armed or (0, None)
            if fault is None or not self._befalls(fault, name, at - number):
                return self._noted(name, arguments, real(*arguments, **named))
            if fault.short and at == number:
                return real(arguments[0], arguments[1][: len(arguments[1]) // 2], *arguments[2:])
            self.victim = self.victim or name
            if fault.done or name == "close":
                with contextlib.suppress(OSError):
                    self._noted(name, arguments, real(*arguments, **named))
            raise fault.error()

        return call

    def _befalls(self, fault: Fault, name: str, behind: int) -> bool:
        """Say whether a call so many places behind the one that was chosen fails."""
        if behind <= 0:
            return behind == 0
        return fault.lasting or (fault.short and name == "write" and not self.victim)

    def _noted(self, name: str, arguments: tuple[Any, ...], result: Any) -> Any:
        if name == "open_file":
            self.open.add(result)
        elif name == "close":
            self.open.discard(arguments[0])
        return result
