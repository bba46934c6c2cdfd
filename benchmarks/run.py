"""One run of the benchmarks: where its histories lie, how large they are, how often things are timed, what is profiled."""

from __future__ import annotations

import cProfile
import os
import pstats
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import OURS, Act, Timings, interleave
from benchmarks.peers import SQLite
from benchmarks.records import records, write_history
from benchmarks.retake import Retake

SIZES = (0, 1_000, 10_000, 100_000)
LARGE_SIZES = (*SIZES, 1_000_000)
QUICK_SIZES, QUICK_SHARE = (0, 1_000), 0.1
_REPLACED = ("history.json", "history.json.bak")  # never changed in place: a copy may share them


@dataclass
class Run:
    """What all groups of one run share. Histories are made once for each size, and handed out as copies.

    `sizes` are the takes that histories hold, the smallest first; `share` is the part of the usual rounds that is run;
    `profile` names the operation whose time is looked into; `operations` are those that were timed, and
    `build_ms` how long the catalog of each size took to build.
    """

    folder: Path
    sizes: tuple[int, ...] = SIZES
    share: float = 1.0
    profile: str | None = None
    build_ms: dict[int, float] = field(init=False, default_factory=dict)
    operations: list[str] = field(init=False, default_factory=list)
    _profiler: cProfile.Profile = field(init=False, default_factory=cProfile.Profile)
    _copies: int = field(init=False, default=0)

    @property
    def filled(self) -> tuple[int, ...]:
        """The sizes of histories that hold something."""
        return tuple(n for n in self.sizes if n)

    @property
    def large(self) -> tuple[int, ...]:
        """The sizes that are compared with the smallest."""
        return tuple(n for n in self.filled if n >= SIZES[-1]) or self.filled[-1:]

    def rounds(self, usual: int) -> int:
        """Return how many rounds to run of something that is run `usual` times otherwise."""
        return max(1, round(usual * self.share))

    # -- histories --------------------------------------------------------------------------------------------------

    def history(self, n: int) -> Path:
        """Return a history of `n` takes with its catalog, for reading."""
        root = self.folder / f"history-{n}"
        if not root.exists():
            tell(f"making a history of {n:,} takes")
            write_history(root, n)
            begin_s = time.perf_counter()
            with closing(Retake(root)) as ours:
                ours.newest(1)
            self.build_ms[n] = (time.perf_counter() - begin_s) * 1e3
            tell(f"its catalog took {self.build_ms[n] / 1e3:,.1f} s to build")
            os.sync()  # what was made is not to be written while others are timed
        return root

    def sqlite(self, n: int) -> Path:
        """Return an SQLite database of the same takes, for reading."""
        path = self.folder / f"peer-{n}.sqlite"
        if not path.exists():
            with closing(SQLite(path)) as peer:
                peer.fill(records(0, n))
            os.sync()
        return path

    @contextmanager
    def copies(self, n: int) -> Iterator[Copies]:
        """Yield a history and a database of `n` takes to change; they are removed afterwards."""
        self._copies += 1
        folder = self.folder / f"copies-{self._copies}"
        folder.mkdir()
        _copy_history(self.history(n), folder / "history")
        shutil.copy(self.sqlite(n), folder / "peer.sqlite")
        os.sync()
        try:
            yield Copies(n, folder, folder / "history", folder / "peer.sqlite")
        finally:
            shutil.rmtree(folder)

    # -- timing -----------------------------------------------------------------------------------------------------

    def interleave(
        self,
        operation: str,
        candidates: Mapping[str, Act],
        rounds: int,
        warm_up: int = 3,
        every: Mapping[str, int] | None = None,
    ) -> Timings:
        """Time candidates beside each other; where `operation` is the one to profile, look into ours."""
        self.operations.append(operation)
        if operation == self.profile:
            ours = candidates[OURS]
            candidates = {**candidates, OURS: lambda number: self._profiler.runcall(ours, number)}
        return interleave(candidates, rounds, warm_up, every)

    def print_profile(self) -> None:
        """Print the 25 functions in which the profiled operation spent most of its time; which there are, if it is none."""
        if self.profile not in self.operations:
            print(f"There is no operation {self.profile}; there are {', '.join(dict.fromkeys(self.operations))}.")
            return
        pstats.Stats(self._profiler).sort_stats("tottime").print_stats(25)


@dataclass(frozen=True)
class Copies:
    """A history and an SQLite database of the same `n` takes, in a folder of their own."""

    n: int
    folder: Path
    history: Path
    sqlite: Path


@contextmanager
def both(copies: Copies) -> Iterator[tuple[Retake, SQLite]]:
    """Open the history and the database of some copies."""
    with ExitStack() as stack:
        ours = stack.enter_context(closing(Retake(copies.history)))
        yield ours, stack.enter_context(closing(SQLite(copies.sqlite)))


def _copy_history(source: Path, target: Path) -> None:
    def copy(path: str, name: str) -> None:
        (os.link if Path(path).name in _REPLACED else shutil.copy)(path, name)

    shutil.copytree(source, target, copy_function=copy)


def tell(text: str) -> None:
    """Say what is going on, to whoever waits."""
    print(text, file=sys.stderr, flush=True)
