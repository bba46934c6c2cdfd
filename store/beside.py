"""Do one thing beside another: most of what a take is measured by holds no interpreter lock."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Beside(Generic[T]):
    """Runs `act` on a thread of its own; where none can be had, `result` runs it."""

    def __init__(self, act: Callable[[], T]) -> None:
        self._act = act
        self._done: list[T] = []
        self._error: BaseException | None = None
        self._thread: threading.Thread | None = threading.Thread(target=self._run, name="retake-beside", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            self._thread = None

    def _run(self) -> None:
        try:
            self._done.append(self._act())
        except BaseException as error:  # noqa: BLE001 - raised again where the result is asked for
            self._error = error

    def result(self) -> T:
        """Return what `act` returned, or raise what it raised."""
        if self._thread is None:
            return self._act()
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._done[0]
