"""Guards that a system call which fails costs nothing: each call of each operation, in each way, once and for good."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store import CommitUncertain, GenerationHistory, HistoryError, StoreFull, StoreUnavailable
from store.repair import rebuild
from store.verify import ORPHAN_AUDIO, verify
from tests.children import scratch_folder
from tests.conftest import add, leave
from tests.faults import LASTING, ONCE, Fault, Faults
from tests.figures import Figures, tier
from tests.operations import NEXT, OPERATIONS, Content, Operation, all_takes, check_content, content, make_states

pytestmark = pytest.mark.proof

FAULTS = [*ONCE, *LASTING]
EIO = next(fault for fault in ONCE if fault.number == errno.EIO)


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder for thousands of small histories, with those that the operations begin with."""
    with scratch_folder() as folder:
        make_states(folder / "states")
        yield folder


@pytest.fixture(autouse=True)
def quick(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no fold begin by itself, and give all takes one waveform."""
    monkeypatch.setattr("store.folding.QUIET_SMALL_S", 3_600.0)
    png = next((scratch / "states" / "whole" / "thumbnails").iterdir()).read_bytes()
    monkeypatch.setattr("store.history.draw_thumbnail", lambda envelope: png)


class Trial:
    """One operation on a copy of the history that it begins with."""

    def __init__(self, scratch: Path, operation: Operation, faults: Faults) -> None:
        self.root = scratch / "trial"
        self.operation = operation
        self.faults = faults
        faults.open.clear()
        shutil.rmtree(self.root, ignore_errors=True)
        if (scratch / "states" / operation.state).exists():
            shutil.copytree(scratch / "states" / operation.state, self.root)
        self.history = GenerationHistory(self.root) if operation.to_history else None
        if operation.name == "close":
            assert self.history
            self.history._folding.changed()

    def run(self, fault_at: tuple[int, Fault] | None = None) -> BaseException | None:
        """Do it, with a fault or without; return what was raised."""
        try:
            with self.faults.at(*fault_at) if fault_at else self.faults.counting():
                if self.operation.to_history:
                    self.operation.to_history(self.history)
                else:
                    self.operation.to_folder(self.root)
        except (HistoryError, KeyboardInterrupt, OSError) as error:
            return error
        return None

    def content(self) -> Content:
        """Return what the history holds now, as the process that did it sees it, or a new one."""
        if self.operation.name == "close":
            leave(self.history)
            self.history = None
        if self.history is None:
            self.history = GenerationHistory(self.root)
        return content(self.history)

    def reopened(self) -> Content:
        """Return what the index holds, read anew."""
        if self.history:
            leave(self.history)
        for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
            (self.root / name).unlink(missing_ok=True)
        self.history = GenerationHistory(self.root)
        return content(self.history)

    def end(self) -> None:
        if self.history:
            leave(self.history)


@dataclass(frozen=True)
class Undisturbed:
    """An operation that nothing disturbs: what the history holds before and after it, its calls, what verify finds then."""

    before: Content
    after: Content
    trace: list[str]
    findings: set[str]


def undisturbed(scratch: Path, operation: Operation, faults: Faults) -> Undisturbed:
    untouched = Trial(scratch, operation, faults)
    before = untouched.content()
    untouched.end()
    findings = kinds(untouched.root)
    trial = Trial(scratch, operation, faults)
    assert trial.run() is None
    trace = faults.trace
    after = trial.content()
    trial.history._fold_quietly()
    trial.end()
    return Undisturbed(before, after, trace, findings | kinds(trial.root))


def kinds(root: Path) -> set[str]:
    return {finding.kind for finding in verify(root).findings} if root.exists() else set()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_failing_call_costs_anything(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, operation: Operation
) -> None:
    faults = Faults(monkeypatch)
    smooth = undisturbed(scratch, operation, faults)
    assert smooth.trace, "an operation that makes no call proves nothing"
    runs, wrong = 0, []
    for number, call in enumerate(smooth.trace):
        for fault in faults_for(number, call):
            if fault.short and call != "write":
                continue
            trial = Trial(scratch, operation, faults)
            error = trial.run((number, fault))
            try:
                check(trial, fault, error, smooth)
                trial.end()
                assert not faults.open or fault.done, "a descriptor stays open"
            except (AssertionError, HistoryError, OSError) as found:
                wrong.append(f"{fault.name} at call {number}, {call}: {error!r}: {type(found).__name__} {found}")
            runs += 1
    assert not wrong, "\n".join([f"{len(wrong)} of {runs}:", *wrong])
    figures.add("a fault at every call", operations=1, faults=runs, lost=0)


def faults_for(number: int, call: str) -> list[Fault]:
    """Return what befalls a call: everything in the soak; at every commit one thing, and EIO where a change is committed."""
    turn = FAULTS[number % len(FAULTS)]
    return tier([turn, EIO] if call == "sync_data" and turn is not EIO else [turn], FAULTS)


def check(trial: Trial, fault: Fault, error: BaseException | None, smooth: Undisturbed) -> None:
    check_error(fault, error)
    found = trial.content()
    check_content(trial.operation, error, found, smooth.before, smooth.after)
    next_take = add(trial.history, NEXT)
    assert trial.history.get(next_take.entry_id) == next_take
    found = {**found, NEXT: content(trial.history)[NEXT]}
    assert trial.reopened() == found
    trial.history._fold_quietly()
    assert content(trial.history) == found
    removed = error is None and not fault.lasting and trial.faults.victim != "unlink"
    left = kinds(trial.root)
    assert left - smooth.findings <= (set() if removed else {ORPHAN_AUDIO}), left
    if trial.operation.left_to_repair <= found.keys():
        assert stray_thumbnails(trial.history) == [] or fault.lasting or fault.number is None
    else:
        leave(trial.history)
        rebuild(trial.root)
        assert trial.operation.left_to_repair <= trial.reopened().keys()


def check_error(fault: Fault, error: BaseException | None) -> None:
    if fault.number is None:
        assert isinstance(error, KeyboardInterrupt)
    elif isinstance(error, StoreUnavailable) and fault.number in (errno.ENOSPC, errno.EDQUOT):
        assert isinstance(error, StoreFull)
    elif error is not None:
        assert isinstance(error, StoreUnavailable | CommitUncertain)


def stray_thumbnails(history: GenerationHistory) -> list[str]:
    named = {entry.thumbnail_file for entry in all_takes(history)}
    return [
        path.name for path in (history.directory / "thumbnails").iterdir() if f"thumbnails/{path.name}" not in named
    ]
