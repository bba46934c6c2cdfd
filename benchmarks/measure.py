"""Time candidates beside each other, and set what was measured against what is promised.

>>> timings = interleave({"ours": lambda number: sum(range(10)), "the peer": lambda number: sum(range(10))}, rounds=3)
>>> len(timings.samples_ms["ours"]), timings.median("ours") > 0
(3, True)
"""

from __future__ import annotations

import gc
import random
import statistics
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")
OURS = "ours"
Act = Callable[[int], object]
"""What is timed; it is given the number of the round, from 0, those of the warm-up included."""


@dataclass(frozen=True)
class Timings:
    """How long each candidate took in each round, in milliseconds."""

    samples_ms: Mapping[str, Sequence[float]]

    def median(self, name: str) -> float:
        """Return a candidate's median."""
        return statistics.median(self.samples_ms[name])

    def longest(self, name: str) -> float:
        """Return a candidate's longest time."""
        return max(self.samples_ms[name])

    def medians(self, names: Iterable[str]) -> dict[str, float]:
        """Return the medians of those of `names` that took part."""
        return {name: self.median(name) for name in names if name in self.samples_ms}

    def ratio(self, of: str, name: str = OURS) -> float:
        """Return how many times as long `name` took as `of`, by their medians."""
        return self.median(name) / self.median(of)


def interleave(
    candidates: Mapping[str, Act], rounds: int, warm_up: int = 0, every: Mapping[str, int] | None = None
) -> Timings:
    """Run every candidate once a round, `warm_up` rounds first that do not count; each round has an order of its own.

    `every` says of slow candidates that they take part only in every so manieth round. What was made before is kept out of
    the garbage collector's sight, or the objects of one candidate would cost another one time.
    """
    samples: dict[str, list[float]] = {name: [] for name in candidates}
    gc.collect()
    gc.freeze()
    try:
        for number in range(warm_up + rounds):
            for name in shuffled(list(candidates), number):
                if number % (every or {}).get(name, 1):
                    continue
                begin_ns = time.perf_counter_ns()
                candidates[name](number)
                taken_ns = time.perf_counter_ns() - begin_ns
                if number >= warm_up:
                    samples[name].append(taken_ns / 1e6)
    finally:
        gc.unfreeze()
    return Timings({name: taken for name, taken in samples.items() if taken})


def shuffled(names: Sequence[T], number: int) -> list[T]:
    """Return names in an order of their own for every number: whoever comes after a slow one must not always be the same."""
    return random.Random(number).sample(names, len(names))


@dataclass(frozen=True)
class Bar:
    """One thing that is promised: `measured` is at most (or with `at_least` at least) `promised`, counted in `what`."""

    measured: float
    promised: float
    what: str
    at_least: bool = False

    @property
    def met(self) -> bool:
        """Whether the promise is kept."""
        return self.measured >= self.promised if self.at_least else self.measured <= self.promised

    @property
    def ratio(self) -> str:
        """What was measured, in words."""
        return f"{figure(self.measured)} {self.what}"

    @property
    def promise(self) -> str:
        """What is promised, in words."""
        return f"{'≥' if self.at_least else '≤'} {self.promised:,g} {self.what}"


@dataclass(frozen=True)
class Row:
    """One operation on a history of `n` takes: ours, the peers and the limit in `unit`, and the bars that ours must keep."""

    operation: str
    n: int
    ours: float
    peers: Mapping[str, float] = field(default_factory=dict)
    limit: Mapping[str, float] = field(default_factory=dict)
    bars: tuple[Bar, ...] = ()
    unit: str = "ms"

    @property
    def met(self) -> bool:
        """Whether every bar is met."""
        return all(bar.met for bar in self.bars)

    def cells(self) -> tuple[str, ...]:
        """Return the row's cells as texts, in the order of `COLUMNS`."""
        return (
            self.operation,
            f"{self.n:,}",
            f"{figure(self.ours)} {self.unit}",
            self._named(self.peers),
            self._named(self.limit),
            ", ".join(bar.ratio for bar in self.bars),
            ", ".join(bar.promise for bar in self.bars),
            "" if not self.bars else "met" if self.met else "**missed**",
        )

    def _named(self, values: Mapping[str, float]) -> str:
        return ", ".join(f"{name} {figure(value)} {self.unit}" for name, value in values.items())


COLUMNS = ("operation", "N", "ours", "the peers", "the limit", "ratios", "bar", "")


@dataclass(frozen=True)
class Table:
    """What one run measured, and where."""

    machine: str
    rows: tuple[Row, ...]

    def markdown(self) -> str:
        """Return the table as Markdown, where it was measured below it."""
        lines = [COLUMNS, tuple("---" for _ in COLUMNS), *(row.cells() for row in self.rows)]
        return "\n".join([*_piped(lines), "", self.machine, ""])


def _piped(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    for cells in rows:
        yield "| " + " | ".join(cells) + " |"


def figure(value: float) -> str:
    """Write a number with three figures that count.

    >>> figure(0.01234), figure(9.876), figure(123.4), figure(4321.0)
    ('0.0123', '9.88', '123', '4,321')
    """
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
