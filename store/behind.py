"""A thread that does one thing after the other behind whoever asks for it, who never waits."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue

Chore = Callable[[], None]


class Behind:
    """One thread, which stays until `end`: beginning one waits for it, and it waits for whatever else is running."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._chores: SimpleQueue[Chore | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def be_ready(self) -> bool:
        """Begin the thread where there is none (a forked child has none); False where none can be had."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            with contextlib.suppress(RuntimeError):
                self._thread.start()
        return self._thread.is_alive()

    def do(self, chore: Chore) -> bool:
        """Let the thread do `chore` next, unless one is waiting already; False where there is no thread."""
        if not self.be_ready():
            return False
        if self._chores.empty():
            self._chores.put(chore)
        return True

    def end(self) -> None:
        """Wait until everything is done, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is not None and thread.is_alive():
            self._chores.put(None)
            thread.join()

    def _run(self) -> None:
        while (chore := self._chores.get()) is not None:
            chore()
