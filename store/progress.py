"""Progress: told as numbers by whatever takes long, shown as a bar at a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tqdm import tqdm

Progress = Callable[[int, int], None]
"""Is told how many of how many things are done."""


def no_progress(done: int, of: int) -> None:
    """Tell nobody."""


@contextmanager
def bar(unit: str) -> Iterator[Progress]:
    """Show a bar on stderr while anything is told, and nothing where stderr is no terminal; `unit` is what is counted."""
    shown: tqdm | None = None

    def progress(done: int, of: int) -> None:
        nonlocal shown
        if shown is None:
            shown = tqdm(total=of, unit=f" {unit}", disable=None, leave=False)
        shown.total = of
        shown.update(done - shown.n)

    try:
        yield progress
    finally:
        if shown is not None:
            shown.close()
