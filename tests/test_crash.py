"""Guards what is on the disk after a power cut: every legal state opens, and nothing acknowledged is lost.

The states are enumerated, not sampled (`tests.disk`); the same judge then has to catch every mutant of the store: each
sync left out, each order swapped.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store import GenerationHistory
from store.folding import Folding
from store.index import Index
from tests.conftest import add
from tests.figures import Figures, tier
from tests.trial import HISTORY, Case, Contents, Judge, Trial, contents, settle

pytestmark = pytest.mark.proof

Scenario = Callable[[Trial], None]


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
    """One process is killed at its change number `at`; another goes on that was open before, or comes after it."""

    def scenario(trial: Trial) -> None:
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
    one, other = trial.open(), trial.open()
    trial.add(other, 10)
    assert trial.killed(lambda: rate_the_first(one), 3)
    trial.see(other)
    trial.refused(other, max(trial.ledger), rating=4)
    go_on(trial, other)


def torn_line(trial: Trial) -> None:
    """The newest journal ends in a line that was half written when the power was cut before."""
    newest = max(trial.directory.glob("journal-*.jsonl"))
    torn = b'{"crc":"00000000","set":"' + b"\\0" * 40
    with newest.open("ab") as file:
        file.write(torn)
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
        trial.evidence, trial.damaged = tuple(evidence), True
        before, trial.possible = trial.ledger, []
        history = trial.do(trial.open, lambda _, opened: contents(opened))
        assert trial.ledger == before or names[-1] == "journal-3.jsonl", "one damaged file of two chains costs nothing"
        go_on(trial, history)

    return scenario




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
        with Trial(root, begun, leave_out) as trial:
            scenario(trial)
        return trial

    def _begin(self, name: str, directory: Path) -> Contents:
        if name == "everyday":
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


def scenarios() -> dict[str, Scenario]:
    """Return everything that may happen before a power cut, but the kills."""
    return {
        "everyday": everyday,
        "version 1": first_change_of_version_1,
        "sync fails": sync_fails,
        "killed unsynced, then a sync fails": killed_unsynced_then_sync_fails,
        "torn line": torn_line,
        **{f"damaged {' '.join(names)}": damaged(names) for names in DAMAGES},
    }


DAMAGES = (
    ("history.json",),
    ("history.json", "journal-3.jsonl"),
    ("history.json", "history.json.bak", "journal-2.jsonl", "journal-3.jsonl"),
)


KILLED = (fold, delete_the_first, rate_the_first, add_one)
KILLS_A_FOLD = 40
"""More than the changes of any of these operations."""


def kills() -> dict[str, Scenario]:
    """Return every kill: each operation at each of its changes, with another process that was open before, or comes after."""
    return {
        f"{act.__name__} killed at {at}, the other open {'before' if other_is_open else 'after'}": killed(
            act, at, other_is_open
        )
        for act in KILLED
        for other_is_open in (False, True)
        for at in range(MOST_CHANGES)
    }


class Court:
    """Holds trials and judges each different case once."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.judge = Judge(bench.scratch)
        self.met: dict[object, Case] = {}
        self.sites: dict[str, list[str]] = {}

    def try_all(self, scenarios: dict[str, Scenario], every: int = 1) -> list[str]:
        """Run scenarios and judge every case, or every n-th; return the complaints."""
        complaints = []
        for name, scenario in scenarios.items():
            try:
                trial = self.bench.hold(name, scenario)
            except Finished:
                continue
            for site in set(trial.sites):
                self.sites.setdefault(site, []).append(name)
            for case in self._new(trial):
                if len(self.met) % every == 0:
                    complaints += [f"{name}: {complaint}" for complaint in self.verdicts(case)]
        return complaints

    def _new(self, trial: Trial) -> Iterator[Case]:
        for key, case in trial.cases().items():
            if key not in self.met:
                self.met[key] = case
                yield case

    def verdicts(self, case: Case) -> list[str]:
        """Judge a case without a catalog and, in the soak, with stale ones; at every commit these three take turns."""
        ...

