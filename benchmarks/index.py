"""Changing the index: how long until it is durable, until another process shows it, at worst, and with four at once."""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import OURS, Act, Bar, Row, shuffled
from benchmarks.peers import Changing, Fields, Raw, SQLite, TinyDB, WholeFile
from benchmarks.processes import Process, shown, started
from benchmarks.records import id_of, records
from benchmarks.retake import Retake
from benchmarks.run import Copies, Run, both
from store import GenerationHistory
from store.entry import now
from store.lines import crc_of, seal

ADD, UPDATE, DELETE = "add", "update", "delete"
RAW, SQLITE, TINYDB, WHOLE_FILE = "raw append + fdatasync", "SQLite", "TinyDB", "whole-file JSON"
TOLD = "raw, told and read"
WARM_UP = 20
SLOW_UP_TO = 10_000
SLOW_EVERY, SLOW_TAKES = 30, 70  # every thirtieth round, and more seldom the larger they are
STRIDE = 7_919  # edits are spread over the whole history
SEEN_FIRST, STALL_FIRST = 1_000, 2_000  # each adds takes of its own
STALL_OPERATIONS, STALL_FOLDS = 10_000, 4
PROCESSES, EACH, TIMES = 4, 250, 3


def rows(run: Run) -> Iterator[Row]:
    """Measure the group."""
    for n in run.sizes:
        with run.copies(n) as copies:
            yield from durable(run, copies)
            yield from seen(run, copies)
            if n == run.large[0]:
                yield stall(run, copies)
    yield crowd(run, run.filled[0])


# -- until it is durable ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Changes:
    """The same changes for every candidate: takes to add, and afterwards to delete, and ids of takes to edit.

    `before` is the newest take that the history was made with, where there is one; it is never edited.
    """

    before: list[Fields]
    added: list[Fields]
    edited: list[str]

    @classmethod
    def to(cls, n: int, total: int, first: int = 0) -> Changes:
        """Make `total` changes of each kind to a history of `n` takes; what is added begins `first` numbers behind those."""
        edited = [id_of(number * STRIDE % (n - 1)) for number in range(total)] if n > 1 else []
        added = list(records(n + first, n + first + total))
        return cls(list(records(max(0, n - 1), n)), added, edited or [record["entry_id"] for record in added])

    def act(self, operation: str, store: Changing) -> Act:
        """Return what makes one change after the other."""
        if operation == ADD:
            return lambda number: store.add(self.added[number])
        if operation == UPDATE:
            return lambda number: store.update(self.edited[number], _edit(number))
        return lambda number: store.delete(self.added[number]["entry_id"])

    def lines(self, operation: str) -> list[bytes]:
        """Return the bytes that our journal holds for them."""
        return [seal(self._change(operation, number)) + b"\n" for number in range(len(self.added))]

    def _change(self, operation: str, number: int) -> Fields:
        if operation == ADD:
            return {"add": self.added[number]}
        if operation == UPDATE:
            return {"set": self.edited[number], "to": _edit(number)}
        return {"set": self.added[number]["entry_id"], "to": {"deleted_at": now()}}


def _edit(number: int) -> Fields:
    return {"rating": number % 5 + 1, "title": f"take {number}"}


def durable(run: Run, copies: Copies) -> Iterator[Row]:
    """Time one change until it is durable, of ours, the peers, and the same bytes appended to a plain file.

    Updating and deleting are `update_entry` and `delete_entry`, which first take in the change before. Adding is the commit
    of a take whose files are there (`Retake.add`): writing them is timed in another group. The whole-file rewrite and
    TinyDB take part in few of the rounds, because they are slow, and up to 10,000 takes.
    """
    warm_up, rounds = run.rounds(WARM_UP), run.rounds(300)
    changes = Changes.to(copies.n, warm_up + rounds)
    with both(copies) as (ours, sqlite), ExitStack() as stack:
        raw = stack.enter_context(closing(Raw(copies.folder / "raw")))
        slow = _slow_peers(copies, stack) if 0 < copies.n <= SLOW_UP_TO else {}
        seldom = max(SLOW_EVERY, copies.n // SLOW_TAKES)
        every = dict.fromkeys(slow, min(seldom, warm_up + rounds - 1))
        for operation in (ADD, UPDATE, DELETE):
            stores: dict[str, Changing] = {OURS: ours, SQLITE: sqlite, **slow}
            candidates = {name: changes.act(operation, store) for name, store in stores.items()}
            candidates[RAW] = _appending(raw, changes.lines(operation))
            timings = run.interleave(f"durable {operation}", candidates, rounds, warm_up, every)
            bars = [Bar(timings.ratio(RAW), 1.3, "× raw"), Bar(timings.ratio(SQLITE), 1.1, "× SQLite")]
            if copies.n == SLOW_UP_TO:
                bars.append(Bar(timings.ratio(OURS, WHOLE_FILE), 1_000, "× faster than the whole file", at_least=True))
            yield Row(
                f"durable {operation}",
                copies.n,
                timings.median(OURS),
                timings.medians((SQLITE, TINYDB, WHOLE_FILE)),
                timings.medians([RAW]),
                tuple(bars),
            )


def _slow_peers(copies: Copies, stack: ExitStack) -> dict[str, Changing]:
    tiny = stack.enter_context(closing(TinyDB(copies.folder / "tiny.json", records(0, copies.n))))
    return {TINYDB: tiny, WHOLE_FILE: WholeFile(copies.folder / "whole.json", records(0, copies.n))}


def _appending(raw: Raw, lines: list[bytes]) -> Act:
    return lambda number: raw.append(lines[number])


# -- until another process shows it -------------------------------------------------------------------------------


def seen(run: Run, copies: Copies) -> Iterator[Row]:
    """Time one change until another process, told through a pipe, has listed the newest take as it is now.

    Every answer is compared with what it must be. The limit is the append alone; beside it stands what an append takes that
    another process is told of, reads and parses.
    """
    warm_up, rounds = run.rounds(WARM_UP), run.rounds(100)
    changes = Changes.to(copies.n, warm_up + rounds, first=SEEN_FIRST)
    path = copies.folder / "told"
    with both(copies) as (ours, sqlite), closing(Raw(path)) as told, closing(Raw(copies.folder / "raw")) as raw:
        watching = started(
            Process("watch", "ours", copies.history),
            Process("watch", "SQLite", copies.sqlite),
            Process("watch", "raw", path),
        )
        with watching as (beside_ours, beside_sqlite, beside_raw):
            for operation in (ADD, UPDATE, DELETE):
                lines = changes.lines(operation)
                timings = run.interleave(
                    f"seen {operation}",
                    {
                        OURS: _shown_elsewhere(operation, changes, ours, beside_ours),
                        SQLITE: _shown_elsewhere(operation, changes, sqlite, beside_sqlite),
                        TOLD: _read_elsewhere(lines, told, beside_raw),
                        RAW: _appending(raw, lines),
                    },
                    rounds,
                    warm_up,
                )
                yield Row(
                    f"{operation}, until another process lists it",
                    copies.n,
                    timings.median(OURS),
                    timings.medians((SQLITE, TOLD)),
                    timings.medians([RAW]),
                    (Bar(timings.ratio(RAW), 2.5, "× raw"),),
                )


def _shown_elsewhere(operation: str, changes: Changes, store: Retake | SQLite, watcher: Process) -> Act:
    """Return what changes the newest take (adds one, edits it, deletes it) and asks another process for the newest."""
    newest = changes.added[-1]

    def change(number: int) -> list[Fields]:
        """Make the change; return the takes of which the last is the newest then."""
        if operation == ADD:
            store.add(changes.added[number])
            return changes.added[: number + 1]
        if operation == UPDATE:
            store.update(newest["entry_id"], _edit(number))
            return [{**newest, **_edit(number)}]
        store.delete(changes.added[-1 - number]["entry_id"])
        return [*changes.before, *changes.added[: -1 - number]]

    def act(number: int) -> None:
        expected = shown(change(number)[-1:])
        answer = watcher.ask()
        assert answer == expected, f"another process lists {answer!r}, not {expected!r}"

    return act


def _read_elsewhere(lines: list[bytes], raw: Raw, watcher: Process) -> Act:
    def act(number: int) -> None:
        raw.append(lines[number])
        assert watcher.ask() == crc_of(lines[number])

    return act


# -- at worst -------------------------------------------------------------------------------------------------------


class BackgroundFolds:
    """Folds a history every so many changes, on a thread of its own as `store.folding` does; never two at once."""

    def __init__(self, history: GenerationHistory, every: int) -> None:
        self._history, self._every = history, every
        self._threads: list[threading.Thread] = []

    def at(self, number: int) -> None:
        """Begin a fold where one is due at this change and the last one is through."""
        if number % self._every == self._every // 2 and not self._is_folding():
            self._threads.append(threading.Thread(target=self._history.fold))
            self._threads[-1].start()

    def finish(self) -> int:
        """Wait for the last one; return how many were through before."""
        through = len(self._threads) - self._is_folding()
        for thread in self._threads:
            thread.join()
        return through

    def _is_folding(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)


def stall(run: Run, copies: Copies) -> Row:
    """Find the longest of 10,000 changes, a third of each kind, while folds go on in the background.

    A history so large is folded after 25,000 changes; here it is folded four times over the 10,000. SQLite moves its log
    into its file every thousand pages by itself. The row says how many folds were through by the last change. The first changes
    are not counted: after opening they wait until the catalog has been compared with its seal, which has a row of its own.
    """
    warm_up, rounds = run.rounds(WARM_UP), run.rounds(STALL_OPERATIONS)
    changes = Changes.to(copies.n, rounds // 3 + 1, first=STALL_FIRST)
    lines = [changes.lines(operation) for operation in (ADD, UPDATE, DELETE)]
    with both(copies) as (ours, sqlite), closing(Raw(copies.folder / "raw")) as raw:
        folds = BackgroundFolds(ours.history, every=max(1, rounds // STALL_FOLDS))
        change = _mixed(changes, ours)

        def change_and_fold(number: int) -> None:
            folds.at(number)
            change(number)

        candidates = {
            OURS: change_and_fold,
            SQLITE: _mixed(changes, sqlite),
            RAW: lambda number: raw.append(lines[number % 3][number // 3]),
        }
        timings = run.interleave("stall", candidates, rounds - warm_up, warm_up)
        through = folds.finish()
    return Row(
        f"longest of {rounds:,} changes, {through} folds meanwhile",
        copies.n,
        timings.longest(OURS),
        {SQLITE: timings.longest(SQLITE), "the longest raw append": timings.longest(RAW)},
        timings.medians([RAW]),
        (
            Bar(timings.longest(OURS) / timings.longest(SQLITE), 3, "× SQLite's longest"),
            Bar(timings.longest(OURS) / timings.median(RAW), 50, "raw commits"),
        ),
    )


def _mixed(changes: Changes, store: Changing) -> Act:
    acts = [changes.act(operation, store) for operation in (ADD, UPDATE, DELETE)]
    return lambda number: acts[number % 3](number // 3)


# -- four at once ---------------------------------------------------------------------------------------------------


def crowd(run: Run, n: int) -> Row:
    """Count the takes a second that four processes add at once, 250 each (`Retake.add`, no folds), and those that are lost."""
    each = run.rounds(EACH)
    rates: dict[str, list[float]] = {OURS: [], SQLITE: []}
    lost = 0
    for number in range(run.rounds(TIMES)):
        for candidate in shuffled(list(rates), number):
            with run.copies(n) as copies:
                path = copies.history if candidate == OURS else copies.sqlite
                taken_s, acknowledged = _add_at_once(candidate, path, n, each)
                lost += _count_missing(candidate, path, acknowledged, n + PROCESSES * each)
            rates[candidate].append(PROCESSES * each / taken_s)
    ours, sqlite = (statistics.median(rates[name]) for name in (OURS, SQLITE))
    return Row(
        f"{PROCESSES} processes adding at once",
        n,
        ours,
        {SQLITE: sqlite},
        bars=(Bar(ours / sqlite, 1, "× SQLite", at_least=True), Bar(lost, 0, "lost")),
        unit="takes/s",
    )


def _add_at_once(candidate: str, path: Path, n: int, each: int) -> tuple[float, list[str]]:
    """Let processes begin together; return how long the last took, and which takes were acknowledged."""
    writers = [Process("add", candidate, path, n + number * each, each) for number in range(PROCESSES)]
    with started(*writers):
        begin_s = time.perf_counter()
        for writer in writers:
            writer.tell()
        answers = [writer.hear() for writer in writers]
        taken_s = time.perf_counter() - begin_s
    return taken_s, [entry_id for answer in answers for entry_id in json.loads(answer)]


def _count_missing(candidate: str, path: Path, acknowledged: list[str], expected: int) -> int:
    """Return how many acknowledged takes are not there, or how many fewer there are than expected."""
    opened = Retake(path) if candidate == OURS else SQLite(path)
    with closing(opened):
        missing = sum(opened.get(entry_id) is None for entry_id in acknowledged)
        return max(missing, expected - opened.count())
