"""When to fold: soon after the last change for a small history, later for a large one, at once when much has come."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

SMALL_HISTORY = 1_000
QUIET_SMALL_S, QUIET_S = 2.0, 60.0


class Folding:
    """Calls `fold` on a thread of its own when the changes have rested long enough, or when `overdue` says so.

    The thread lives only while something is waiting to be folded.
    """

    def __init__(self, fold: Callable[[], object], takes: Callable[[], int], overdue: Callable[[], bool]) -> None:
        self._fold, self._takes, self._overdue = fold, takes, overdue
        self._condition = threading.Condition()
        self._due_s: float | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def changed(self) -> None:
        """Note that something was changed just now."""
        quiet_s = QUIET_SMALL_S if self._takes() < SMALL_HISTORY else QUIET_S
        with self._condition:
            due_s, self._due_s = self._due_s, time.monotonic() + (0 if self._overdue() else quiet_s)
            if due_s is not None and self._due_s < due_s:
                self._condition.notify_all()  # later is seen when it wakes
            if self._thread is None and not self._closed:
                thread = threading.Thread(target=self._run, name="retake-fold", daemon=True)
                with contextlib.suppress(RuntimeError):  # no thread to be had: the next change tries again, or closing
                    thread.start()
                    self._thread = thread

    def close(self) -> bool:
        """Stop the thread; say whether anything was still waiting."""
        with self._condition:
            self._closed = True
            waiting, self._due_s = self._due_s is not None, None
            self._condition.notify_all()
            thread = self._thread
        if thread is not None:
            thread.join()
        return waiting

    def _run(self) -> None:
        while self._wait():
            self._fold()

    def _wait(self) -> bool:
        """Wait until a fold is due; False where there is nothing left to wait for."""
        with self._condition:
            while not self._closed and self._due_s is not None:
                left_s = self._due_s - time.monotonic()
                if left_s <= 0:
                    self._due_s = None
                    return True
                self._condition.wait(left_s)
            self._thread = None
            return False
