"""Guards what is on the disk after a power cut: every legal state opens, and nothing acknowledged is lost.

The states are enumerated, not sampled (`tests.disk`); the same judge then has to catch every mutant of the store: each
sync left out, each order swapped.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from store import GenerationHistory, HistoryEntry, chain, document, files
from store.chain import BACKUP, DOCUMENT, Chain
from store.document import Header
from store.index import Index, Tail, Upkeep
from store.journal import name_of
from store.values import Json
from tests.conftest import add
from tests.damage import append
from tests.figures import Figures, tier
from tests.trial import HISTORY, Case, Contents, Judge, Trial, contents, settle

pytestmark = pytest.mark.proof

Scenario = Callable[[Trial], None]
Swap = Callable[[pytest.MonkeyPatch], None]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder in memory, where there is one: thousands of small histories are made and opened there."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(prefix="retake-crash-", dir=memory if memory.is_dir() else None) as name:
        yield Path(name)


# -- what happens before the power is cut ---------------------------------------------------------------------------


def everyday(trial: Trial) -> None:
    """Five takes and everything that is done to them, three folds, and a take that another process adds meanwhile."""
    history = trial.open()
    ids = [trial.add(history, seed).entry_id for seed in range(5)]
    trial.update(history, ids[0], rating=4, tags=["pad", "slow"])
    trial.trash(history, ids[1])
    trial.trash(history, ids[2])
    trial.restore(history, ids[1])
    trial.purge(history, ids[2])
    history.fold()
    other = trial.open()
    trial.update(other, ids[3], note="after the fold", favorite=True)
    while_folding(history, lambda: trial.add(other, 5))
    trial.purge(history, ids[0])
    trial.trash(other, ids[4])
    history.fold()
    trial.add(history, 6)
    history.close()
    other.close()


def while_folding(history: GenerationHistory, act: Callable[[], object]) -> None:
    """Fold, and let another process act when the next journal has begun and the document is not yet written."""
    write = Index.write_document

    def acting(*given: object) -> None:
        act()
        write(*given)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Index, "write_document", acting)
        assert history.fold()


def first_change_of_version_1(trial: Trial) -> None:
    """A history of version 1 is opened, changed and folded."""
    history = trial.open()
    trial.ledger = contents(history)
    trial.possible = [trial.ledger]
    trial.update(history, next(iter(trial.ledger)), rating=5)
    trial.add(history, 3)
    history.fold()
    history.close()


def go_on(trial: Trial, history: GenerationHistory) -> None:
    """What a process does after another was killed."""
    trial.add(history, 20)
    trial.update(history, max(trial.ledger), note="later")
    history.fold()
    trial.add(history, 21)


def fold(history: GenerationHistory) -> None:
    history.fold()


def delete_the_first(history: GenerationHistory) -> None:
    history.delete_entry(min(contents(history)), permanent=True)


def rate_the_first(history: GenerationHistory) -> None:
    history.update_entry(min(contents(history)), rating=1)


def add_one(history: GenerationHistory) -> None:
    add(history, 10)


def killed(act: Callable[[GenerationHistory], None], at: int, other_is_open: bool) -> Scenario:
    """One process is killed at its change number `at`; another goes on that was open before, or comes after it.

    The scenario raises `Finished` where the process ends before that change.
    """

    def scenario(trial: Trial) -> None:
        if act is delete_the_first:
            trial.purged = frozenset({min(trial.ledger)})
        one = trial.open()
        other = trial.open() if other_is_open else None
        if other:
            trial.update(other, max(trial.ledger), rating=2)
        if act is add_one:
            trial.may_come_back = frozenset({10})
        if not trial.killed(lambda: act(one), at):
            raise Finished
        other = other or trial.open()
        trial.see(other)
        go_on(trial, other)
        other.close()

    return scenario


class Finished(Exception):
    """The process ended before it could be killed."""


def sync_fails(trial: Trial) -> None:
    """A change is refused because its sync failed, which the system then forgets; others go on."""
    history, other = trial.open(), trial.open()
    trial.add(other, 10)
    trial.refused(history, max(trial.ledger), rating=1)
    go_on(trial, other)
    trial.refused(other, max(trial.ledger), rating=1)
    go_on(trial, history)


def killed_unsynced_then_sync_fails(trial: Trial) -> None:
    """A process dies between a write and its sync; the next one's sync fails."""
    other = trial.open()
    trial.add(other, 10)
    one = trial.open()
    assert trial.killed(lambda: rate_the_first(one), at=3)  # the lock, the journal, the line; not its sync
    trial.see(other)
    trial.refused(other, max(trial.ledger), rating=4)
    go_on(trial, other)


def interrupted(trial: Trial) -> None:
    """The user interrupts the program between a write and its sync: the change was refused, and must not come back."""
    history = trial.open()
    trial.interrupted(history, max(trial.ledger), rating=1)
    go_on(trial, history)


def folders_are_missing(trial: Trial) -> None:
    """A history without takes has lost its folders; they are made again, and takes are added."""
    with trial.open() as history:
        trial.add(history, 10)


def deletion_alone(trial: Trial) -> None:
    """A fold that has nothing to do but a deletion for good, and a change after it."""
    history = trial.open()
    history.fold()
    trial.purge(history, min(trial.ledger))
    history.fold()
    trial.update(history, max(trial.ledger), rating=1)
    history.close()


def torn_line(trial: Trial) -> None:
    """The newest journal ends in a line that was half written when the power was cut before."""
    newest = max(trial.directory.glob("journal-*.jsonl"))
    torn = b'{"crc":"00000000","set":"' + b"\\0" * 40
    append(newest, torn)
    trial.begin_anew()
    trial.evidence = (torn,)
    history = trial.open()
    go_on(trial, history)


def damaged(names: tuple[str, ...]) -> Scenario:
    """Bits of these files have flipped; opening makes the history whole again, and the power is cut meanwhile."""

    def scenario(trial: Trial) -> None:
        evidence = []
        for name in names:
            path = trial.directory / name
            data = bytearray(path.read_bytes())
            lines = bytes(data).split(b"\n")
            data[len(data) * 2 // 3] ^= 1
            path.write_bytes(data)
            evidence.append(next(line for line in bytes(data).split(b"\n") if line not in lines))
        trial.begin_anew()
        trial.evidence, trial.damaged = tuple(evidence), "history.json" in names
        before, trial.possible = trial.ledger, []
        history = trial.do(lambda: made_whole(trial), lambda _, opened: contents(opened))
        assert trial.ledger == before or names[-1] == "journal-3.jsonl", "one damaged file of two chains costs nothing"
        go_on(trial, history)

    return scenario


def made_whole(trial: Trial) -> GenerationHistory:
    """Open a history, and read it to its end."""
    history = trial.open()
    history.make_whole()
    return history


# -- the proofs -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bench:
    """Where trials are held: a scratch folder, and histories to begin with."""

    scratch: Path
    folded: Path
    version_1: Path

    def hold(self, name: str, scenario: Scenario, leave_out: str | None = None) -> Trial:
        """Run a scenario and return its trial."""
        root = self.scratch / "live"
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        begun = self._begin(name, root / HISTORY)
        with Trial(root, begun, leave_out, most=MUTANT_STATES if leave_out else None) as trial:
            scenario(trial)
        return trial

    def _begin(self, name: str, directory: Path) -> Contents:
        if name == "everyday":
            return {}
        if name == "folders are missing":
            directory.mkdir()
            Index(directory).begin()
            return {}
        shutil.copytree(self.version_1 if name == "version 1" else self.folded, directory)
        with GenerationHistory(directory) as history:
            return contents(history)


@pytest.fixture(scope="module")
def bench(scratch: Path) -> Bench:
    """A history with a document, a backup, and changes after each; and one of version 1."""
    folded, version_1 = scratch / "folded", scratch / "version-1"
    with pytest.MonkeyPatch.context() as patch:
        settle(patch, seed=2)
        history = GenerationHistory(folded)
        entries = [add(history, seed) for seed in range(3)]
        history.fold()
        history.update_entry(entries[0].entry_id, rating=2)
        history.fold()
        history.delete_entry(entries[1].entry_id)
        history.delete_entry(entries[2].entry_id, permanent=True)
        add(history, 3)
        history.close()
    shutil.copytree(folded, version_1, ignore=shutil.ignore_patterns("history*", "journal*", "catalog*", "*.lock"))
    with GenerationHistory(folded) as history:
        past = {each.entry_id: {**each.to_document(), "audio_sha256": None} for each in contents(history).values()}
    (version_1 / "history.json").write_text(json.dumps({"version": 1, "entries": past}))
    return Bench(scratch, folded, version_1)


DAMAGES = (
    ("history.json",),
    ("history.json.bak",),
    ("history.json", "journal-3.jsonl"),
    ("history.json", "history.json.bak", "journal-2.jsonl", "journal-3.jsonl"),
)
SCENARIOS: dict[str, Scenario] = {
    "deletion alone": deletion_alone,
    "deletion killed before its files went": killed(delete_the_first, 3, other_is_open=False),
    "everyday": everyday,
    "version 1": first_change_of_version_1,
    "interrupted": interrupted,
    "folders are missing": folders_are_missing,
    "killed unsynced, then a sync fails": killed_unsynced_then_sync_fails,
    "torn line": torn_line,
    **{f"damaged {' '.join(names)}": damaged(names) for names in DAMAGES},
    "sync fails": sync_fails,
}
KILLED = (fold, delete_the_first, rate_the_first, add_one)
KEEP_TWO_CHAINS = ("everyday", "deletion alone", "damaged history.json.bak")
MUTANT_STATES = 16


def kills() -> Iterator[Iterator[tuple[str, Scenario]]]:
    """Yield for each operation, with another process that was open before or comes after, a kill at each change.

    At every commit one of the two kinds of other processes is met at each change, in turns.
    """
    for act in KILLED:
        for other_is_open in (False, True):
            changes = count() if tier(False, True) else count(int(other_is_open), 2)
            other = "before" if other_is_open else "after"
            yield (
                (f"{act.__name__} killed at {at}, another open {other}", killed(act, at, other_is_open))
                for at in changes
            )


@dataclass(frozen=True)
class Held:
    """A trial that was held: its scenario, where the store syncs in it, and the cases that no trial before it had."""

    scenario: Scenario
    sites: frozenset[str]
    cases: list[Case]


class Court:
    """Holds every trial, and judges each different case once."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.judge = Judge(bench.scratch)
        self.trials: dict[str, Held] = {}
        self._met: set[object] = set()
        for name, scenario in SCENARIOS.items():
            self._hold(name, scenario)
        for kills_of_one in kills():
            with contextlib.suppress(Finished):
                for name, scenario in kills_of_one:
                    self._hold(name, scenario)

    def _hold(self, name: str, scenario: Scenario) -> None:
        trial = self.bench.hold(name, scenario)
        cases = trial.cases()
        new = [case for key, case in cases.items() if key not in self._met]
        self._met.update(cases)
        self.trials[name] = Held(scenario, frozenset(trial.sites), new)

    def complaints(self, name: str, cases: list[Case], one_of: int = 1) -> list[str]:
        """Judge cases: in the soak with every catalog, folded before the second cut and not; else these take turns.

        At every commit only `one_of` so many cases is judged.
        """
        soak = tier(False, True)
        found = []
        for number, case in enumerate(cases):
            catalogs = (b"", case.older_catalog, case.newer_catalog)
            for turn in range(6) if soak else [number // one_of] if number % one_of == 0 else []:
                complaint = self.judge.complaint(case, catalogs[turn % 3], fold=turn % 2 == 0)
                found += [f"{name}: {complaint}"] if complaint else []
        return found

    def catches(self, swap: Swap = lambda patch: None, leave_out: str | None = None) -> bool:
        """Hold the trials again with a mutant of the store; say whether any is judged wrong."""
        return any(
            self._convicts(name, held.scenario, swap, leave_out)
            for name, held in self.trials.items()
            if leave_out is None or leave_out in held.sites
        )

    def _convicts(self, name: str, scenario: Scenario, swap: Swap, leave_out: str | None) -> bool:
        try:
            with pytest.MonkeyPatch.context() as patch:
                swap(patch)
                trial = self.bench.hold(name, scenario, leave_out)
        except Finished:
            return False
        two_chains = name in KEEP_TWO_CHAINS
        return any(
            self.judge.complaint(case, fold=True) or (two_chains and self.judge.complaint_without_document(case))
            for key, case in trial.cases().items()
            if key not in self._met
        )


@pytest.fixture(scope="module")
def court(bench: Bench) -> Court:
    return Court(bench)


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_power_cut_loses_what_was_acknowledged(court: Court, figures: Figures, name: str) -> None:
    cases = court.trials[name].cases
    before, stale = court.judge.judged, court.judge.with_stale_catalog
    assert court.complaints(name, cases, one_of=8 if "sync fails" in name else 2) == []
    opened, stale = court.judge.judged - before, court.judge.with_stale_catalog - stale
    assert stale > opened // 4, "a catalog that is stale must be used, not thrown away"
    figures.add("power cuts", states=len(cases), openings=opened, with_stale_catalog=stale, wrong=0)


def test_no_power_cut_after_a_kill_at_any_change_loses_what_was_acknowledged(court: Court, figures: Figures) -> None:
    after_kills = {name: held.cases for name, held in court.trials.items() if name not in SCENARIOS}
    before = court.judge.judged
    complaints = [wrong for name, cases in after_kills.items() for wrong in court.complaints(name, cases, one_of=8)]
    assert complaints == []
    states, openings = sum(map(len, after_kills.values())), court.judge.judged - before
    figures.add("power cuts after a kill", kills=len(after_kills), states=states, openings=openings, wrong=0)


def test_a_power_cut_always_leaves_two_whole_chains(court: Court, figures: Figures) -> None:
    """After the power cut the document is lost as well: the backup and its journals hold everything."""
    cases = court.trials["everyday"].cases
    assert [complaint for complaint in map(court.judge.complaint_without_document, cases) if complaint] == []
    figures.add("power cuts, and then no document", states=len(cases), wrong=0)


# -- the mutants ----------------------------------------------------------------------------------------------------


def test_every_sync_is_needed(court: Court, figures: Figures) -> None:
    """Each sync of the store is left out: some power cut must then be judged wrong."""
    sites = sorted({site for held in court.trials.values() for site in held.sites})
    sites = [site for site in sites if not site.startswith("database.")]  # the catalog and its seal are derived
    assert [site for site in sites if not court.catches(leave_out=site)] == []
    figures.add("syncs left out", mutants=len(sites), caught=len(sites))


def index_before_audio(patch: pytest.MonkeyPatch) -> None:
    keep = GenerationHistory._keep

    def swapped(self: GenerationHistory, entry: HistoryEntry, *files_and_more: Any, **named: Any) -> None:
        self._index.commit(entry.entry_id, [{"add": entry.to_document()}])
        keep(self, entry, *files_and_more, **named)

    patch.setattr(GenerationHistory, "_keep", swapped)


def backup_after_the_rename(patch: pytest.MonkeyPatch) -> None:
    def swapped(self: Index, header: Header, lines: Iterable[bytes], keep_backup: bool) -> None:
        files.create(self.root / DOCUMENT, document.write_lines(header, lines))
        files.keep_as(self.root / DOCUMENT, self.root / BACKUP)
        files.sync_folder(self.root)
        self.drop_unneeded_journals()

    patch.setattr(Index, "replace_document", swapped)


def journals_dropped_before_the_document_stands(patch: pytest.MonkeyPatch) -> None:
    replace_document = Index.replace_document

    def swapped(self: Index, header: Header, lines: Iterable[bytes], keep_backup: bool) -> None:
        whole = list(lines)
        for number in chain.journal_numbers(self.root):
            if number <= header.journal:
                files.remove(self.root / name_of(number))
        replace_document(self, header, whole, keep_backup)

    patch.setattr(Index, "replace_document", swapped)


def files_removed_before_the_deletion_is_written(patch: pytest.MonkeyPatch) -> None:
    purge = GenerationHistory._purge

    def swapped(self: GenerationHistory, entry_id: str) -> None:
        self._upkeep.purge([self._require(entry_id).to_document()])
        purge(self, entry_id)

    patch.setattr(GenerationHistory, "_purge", swapped)


def files_removed_after_the_document_stands(patch: pytest.MonkeyPatch) -> None:
    write_document = Index.write_document

    def swapped(self: Index, older: Chain, tail: Tail, upkeep: Upkeep) -> None:
        removed: list[dict[str, Json]] = []
        with pytest.MonkeyPatch.context() as late:
            late.setattr(upkeep, "purge", removed.extend)
            write_document(self, older, tail, upkeep)
        upkeep.purge(removed)

    patch.setattr(Index, "write_document", swapped)


def folded_into_the_document_before_the_next_journal_begins(patch: pytest.MonkeyPatch) -> None:
    create_journal = Index.create_journal
    replace_document = Index.replace_document
    begun: list[tuple[int, str, int | None, int | None]] = []

    def later(self: Index, number: int, history_id: str, after: int | None, after_bytes: int | None) -> Tail:
        if number == 1:
            return create_journal(self, number, history_id, after, after_bytes)
        begun.append((number, history_id, after, after_bytes))
        return Tail(self.root / name_of(number), history_id, number, 0, 0)

    def swapped(self: Index, header: Header, lines: Iterable[bytes], keep_backup: bool) -> None:
        replace_document(self, header, lines, keep_backup)
        create_journal(self, *begun.pop())

    patch.setattr(Index, "create_journal", later)
    patch.setattr(Index, "replace_document", swapped)


SWAPS = (
    index_before_audio,
    backup_after_the_rename,
    journals_dropped_before_the_document_stands,
    files_removed_before_the_deletion_is_written,
    files_removed_after_the_document_stands,
    folded_into_the_document_before_the_next_journal_begins,
)


@pytest.mark.parametrize("swap", SWAPS, ids=lambda swap: swap.__name__)
def test_every_order_is_needed(court: Court, figures: Figures, swap: Swap) -> None:
    """Two steps change places: some power cut must then be judged wrong."""
    assert court.catches(swap)
    figures.add("orders swapped", mutants=1, caught=1)
