"""Asking: the first page of a process that has just begun, lists, counts, and words to find."""

from __future__ import annotations

import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

from benchmarks.measure import OURS, Act, Bar, Row, shuffled
from benchmarks.peers import PAGE, Answering, Raw, SQLite
from benchmarks.processes import KNOWS_MEMORY, open_once
from benchmarks.records import ABSENT, COMMON, RARE, id_of, model_of, record
from benchmarks.retake import Retake
from benchmarks.run import Run
from store.lines import seal

SQLITE, LIKE, RAW = "SQLite", "LIKE", "raw commit"
FLAT_FROM = 10_000
FLAT = 1.25  # as flat as few samples of a process can tell
LIKE_IS_SLOW_MS = 5
PAGE_NUMBER = 1_000
OPENINGS = 9
TWO_LETTERS = "qx"

Query = Callable[[Answering, int], object]
"""What is asked of a history of so many takes."""


def rows(run: Run) -> Iterator[Row]:
    """Measure the group."""
    yield from opened(run)
    for n in run.large:
        yield from asked(run, run.filled[0], n)
        yield from searched(run, n)
        yield from cared_for(run, n)


# -- the first page -------------------------------------------------------------------------------------------------


def opened(run: Run) -> Iterator[Row]:
    """Time opening and listing the first page in a new process, from behind its imports on; and say how long those take.

    The process is new; the system may still have the files in memory. The memory is the most that the process ever had,
    less what it had after its imports. The sizes take turns too, for opening must be as quick at every one of them.
    """
    if run.profile == "open":
        _profile_opening(run)
    paths = {(n, OURS): run.history(n) for n in run.filled} | {(n, SQLITE): run.sqlite(n) for n in run.filled}
    reports: dict[tuple[int, str], list[dict[str, float]]] = defaultdict(list)
    order = list(paths)
    for number in range(run.rounds(OPENINGS)):
        for n, candidate in shuffled(order, number):
            reports[n, candidate].append(open_once(candidate, paths[n, candidate]))

    def median(n: int, candidate: str, name: str) -> float:
        return statistics.median(report[name] for report in reports[n, candidate])

    for n in run.filled:
        ours, sqlite = (median(n, candidate, "open_ms") for candidate in (OURS, SQLITE))
        bars = [Bar(ours - sqlite, 10, "ms more than SQLite")]
        if n > FLAT_FROM and FLAT_FROM in run.filled:
            bars.append(Bar(ours / median(FLAT_FROM, OURS, "open_ms"), FLAT, f"× at {FLAT_FROM:,}"))
        yield Row("open + first page, new process", n, ours, {SQLITE: sqlite}, bars=tuple(bars))
    for n in run.filled if KNOWS_MEMORY else ():
        ours, sqlite = (median(n, candidate, "memory_mb") for candidate in (OURS, SQLITE))
        yield Row("open + first page: memory", n, ours, {SQLITE: sqlite}, bars=(Bar(ours, 50, "MB"),), unit="MB")
    n = run.filled[0]
    ours, sqlite = (median(n, candidate, "import_ms") for candidate in (OURS, SQLITE))
    yield Row("open + first page: imports before it", n, ours, {SQLITE: sqlite})


def cared_for(run: Run, n: int) -> Iterator[Row]:
    """Time once each what grows with a history and goes on behind: nobody waits for it, and docs/SCALE.md counts with it."""
    yield Row("building the catalog, once", n, run.build_ms[n])
    with run.copies(n) as copies, closing(Retake(copies.history)) as ours:
        begun_s = time.perf_counter()
        ours.history._catalog._file.wait_until_checked()
        yield Row("comparing the catalog with its seal, once", n, _ms_since(begun_s))
        ours.update(id_of(0), {"rating": 5})
        begun_s = time.perf_counter()
        ours.history.fold()
        yield Row("a fold, once", n, _ms_since(begun_s))
        begun_s = time.perf_counter()
        ours.found(TWO_LETTERS)
        yield Row("counting takes with two letters that none has, once", n, _ms_since(begun_s))


def _ms_since(begun_s: float) -> float:
    return (time.perf_counter() - begun_s) * 1e3


def _profile_opening(run: Run) -> None:
    def act(_: int) -> None:
        with closing(Retake(path)) as ours:
            ours.newest()

    path = run.history(run.large[0])
    run.interleave("open", {OURS: act}, run.rounds(OPENINGS))


# -- lists and counts -----------------------------------------------------------------------------------------------


def asked(run: Run, small: int, large: int) -> Iterator[Row]:
    """Time queries at both sizes beside SQLite's at the large one; takes come back decoded from both."""
    queries: dict[str, Query] = {
        f"newest {PAGE}": lambda store, _: store.newest(),
        f"page {PAGE_NUMBER:,}": lambda store, n: store.page(last_page(n)),
        "filter by model": lambda store, _: store.by_model(model),
        "count": lambda store, _: store.count(),
        "total size": lambda store, _: store.total_size(),
    }
    model = model_of(0)
    with ExitStack() as stack:
        ours, few = (stack.enter_context(closing(Retake(run.history(n)))) for n in (large, small))
        sqlite = stack.enter_context(closing(SQLite(run.sqlite(large))))
        at_small = f"ours at {small:,}"
        for operation, query in queries.items():
            timings = run.interleave(
                operation,
                {
                    OURS: _asking(query, ours, large),
                    SQLITE: _asking(query, sqlite, large),
                    at_small: _asking(query, few, small),
                },
                run.rounds(200),
            )
            bars = (
                Bar(timings.ratio(SQLITE), 1.3, "× SQLite"),
                Bar(timings.ratio(at_small), 3, f"× at {small:,}"),
            )
            yield Row(operation, large, timings.median(OURS), timings.medians((SQLITE, at_small)), bars=bars)


def last_page(n: int) -> int:
    """Return the number of the page to ask for: 1,000, or the last whole one of a smaller history."""
    return max(1, min(PAGE_NUMBER, n // PAGE))


def _asking(query: Query, store: Answering, n: int) -> Act:
    return lambda _: query(store, n)


# -- words ----------------------------------------------------------------------------------------------------------


def searched(run: Run, n: int) -> Iterator[Row]:
    """Time finding a rare, a common and an absent word: the newest 48 takes that hold it, and how many do."""
    line = seal({"add": record(n)}) + b"\n"
    words = {"rare": RARE, "common": COMMON, "absent": ABSENT}
    queries: dict[str, Callable[[Answering, str], object]] = {
        f"first {PAGE}": lambda store, word: store.search(word),
        "count": lambda store, word: store.found(word),
    }
    with ExitStack() as stack:
        ours = stack.enter_context(closing(Retake(run.history(n))))
        sqlite = stack.enter_context(closing(SQLite(run.sqlite(n))))
        raw = stack.enter_context(closing(Raw(run.folder / f"raw-{n}")))
        for kind, word in words.items():
            for name, query in queries.items():
                operation = f"search a {kind} word, {name}"
                timings = run.interleave(
                    operation,
                    {
                        OURS: _finding(query, ours, word),
                        LIKE: _finding(query, sqlite, word),
                        RAW: lambda _: raw.append(line),
                    },
                    run.rounds(20),
                )
                yield Row(
                    operation,
                    n,
                    timings.median(OURS),
                    timings.medians([LIKE]),
                    timings.medians([RAW]),
                    tuple(_bars(timings.ratio(RAW), timings.ratio(LIKE), timings.median(LIKE))),
                )


def _finding(query: Callable[[Answering, str], object], store: Answering, word: str) -> Act:
    return lambda _: query(store, word)


def _bars(commits: float, times_like: float, like_ms: float) -> Iterator[Bar]:
    yield Bar(commits, 50, "raw commits")
    if like_ms > LIKE_IS_SLOW_MS:
        yield Bar(times_like, 1, "× LIKE")
