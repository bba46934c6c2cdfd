"""Progress: what a running generator reports, whichever way it does."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from generators.sound import AUDIO_SUFFIXES

Report = Callable[[float | None, str], object]


def ignore(fraction: float | None, text: str) -> None:
    """Report to nobody."""


def read_progress(value: Any, report: Report) -> bool:
    """Report a yielded value if it is progress: a fraction, a text, or both; tell whether it was.

    >>> read_progress((0.5, "decoding"), lambda fraction, text: print(fraction, text))
    0.5 decoding
    True
    >>> read_progress((8000, [0.0]), print)
    False
    """
    if _is_text(value):
        report(None, str(value))
    elif _is_fraction(value):
        report(_bound(value), "")
    elif isinstance(value, (tuple, list)) and len(value) == 2 and _is_fraction(value[0]) and _is_text(value[1]):
        report(_bound(value[0]), str(value[1]))
    else:
        return False
    return True


class Progress:
    """Stand in for ``gr.Progress`` in a function that has one, and report to the caller.

    >>> seen = []
    >>> progress = Progress(lambda fraction, text: seen.append((fraction, text)))
    >>> progress((3, 4), desc="Denoising")
    >>> list(progress.tqdm(["a", "b"], desc="Steps"))
    ['a', 'b']
    >>> seen
    [(0.75, 'Denoising'), (0.0, 'Steps'), (0.5, 'Steps'), (1.0, 'Steps')]
    """

    def __init__(self, report: Report) -> None:
        self._report = report
        self._done = 0.0
        self._total: float | None = None
        self._text = ""

    def __call__(
        self,
        progress: float | tuple[int, int | None] | None,
        desc: str | None = None,
        total: float | None = None,  # noqa: ARG002 (Gradio's signature)
        unit: str = "steps",  # noqa: ARG002 (Gradio's signature)
    ) -> None:
        """Report a fraction, or (steps done, steps in all)."""
        if isinstance(progress, tuple):
            done, steps = progress
            progress = done / steps if steps else None
        self._report(None if progress is None else _bound(progress), desc or "")

    def tqdm(
        self,
        iterable: Iterable[Any] | None,
        desc: str | None = None,
        total: float | None = None,
        unit: str = "steps",  # noqa: ARG002 (Gradio's signature)
    ) -> Any:
        """Report every step through an iterable; without one, `update` counts them."""
        length = getattr(iterable, "__len__", None)
        self._done, self._total, self._text = 0.0, length() if length else total, desc or ""
        self.update(0)
        return self if iterable is None else self._count(iterable)

    def update(self, n: float = 1) -> None:
        """Count steps done."""
        self._done += n
        self._report(_bound(self._done / self._total) if self._total else None, self._text)

    def _count(self, iterable: Iterable[Any]) -> Iterator[Any]:
        for item in iterable:
            yield item
            self.update()


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not value.lower().endswith(AUDIO_SUFFIXES)


def _is_fraction(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool) and float(value) <= 1


def _bound(value: Any) -> float:
    return min(max(float(value), 0.0), 1.0)
