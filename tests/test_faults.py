"""Guards that a system call which fails costs nothing: each call of each operation, in each way, once and for good."""

from __future__ import annotations

import errno
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store import CommitUncertain, GenerationHistory, HistoryError, StoreFull, StoreUnavailable
from store.verify import MISSING_THUMBNAIL, ORPHAN_AUDIO, verify
from tests.conftest import add, leave
from tests.faults import LASTING, ONCE, Fault, Faults
from tests.figures import Figures, tier
from tests.operations import NEW, NEXT, OPERATIONS, Operation, all_takes, make_states

pytestmark = pytest.mark.proof

FAULTS = [*ONCE, *tier([fault for fault in LASTING if fault.number in (errno.ENOSPC, errno.EROFS)], LASTING)]

Content = dict[int, dict[str, Any]]


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one: thousands of histories are copied into it."""
    memory = Path("/dev/shm")  # noqa: S108
    folder = Path(tempfile.mkdtemp(dir=memory if memory.is_dir() else None))
    make_states(folder / "states")
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(autouse=True)
def quick(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no fold begin by itself, and give all takes one waveform."""
    monkeypatch.setattr("store.folding.QUIET_SMALL_S", 3_600.0)
    png = next((scratch / "states" / "whole" / "thumbnails").iterdir()).read_bytes()
    monkeypatch.setattr("store.history.draw_thumbnail", lambda envelope: png)


def content(history: GenerationHistory) -> Content:
    """Return what must not be lost, by seed: every field but those that a new run of the same operation changes."""
    takes: Content = {}
    for entry in all_takes(history):
        assert entry.seed is not None
        assert entry.seed not in takes, "a take is there twice"
        fields = {**entry.to_document(), "size_bytes": None, "deleted_at": entry.deleted}
        if entry.seed in (NEW, NEXT):
            fields = {"params": fields["params"], "audio_sha256": fields["audio_sha256"]}
        takes[entry.seed] = fields
    return takes


class Trial:
    """One operation on a copy of the history that it begins with."""

    def __init__(self, scratch: Path, operation: Operation, faults: Faults) -> None:
        self.root = scratch / "trial"
        self.operation = operation
        self.faults = faults
        shutil.rmtree(self.root, ignore_errors=True)
        if (scratch / "states" / operation.state).exists():
            shutil.copytree(scratch / "states" / operation.state, self.root)
        self.history = GenerationHistory(self.root) if operation.to_history else None
        if operation.name == "close":
            assert self.history
            self.history._folding.changed()

    def run(self, number: int | None = None, fault: Fault | None = None) -> BaseException | None:
        """Do it, with a fault or without; return what was raised."""
        try:
            with self.faults.at(number, fault):
                if self.operation.to_history:
                    self.operation.to_history(self.history)
                else:
                    self.operation.to_folder(self.root)
        except (HistoryError, KeyboardInterrupt) as error:
            return error
        return None

    def content(self) -> Content:
        """Return what the history holds now, as the process that did it sees it, or a new one."""
        if self.history is None or self.operation.name == "close":
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


def before_and_after(scratch: Path, operation: Operation, faults: Faults) -> tuple[Content, Content, list[str]]:
    """Return what a history holds before and after an operation that nothing disturbs, and the calls it makes."""
    untouched = Trial(scratch, operation, faults)
    before = untouched.content()
    untouched.end()
    trial = Trial(scratch, operation, faults)
    assert trial.run() is None
    trace = faults.trace
    after = trial.content()
    trial.end()
    return before, after, trace


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
def test_no_failing_call_costs_anything(
    scratch: Path, monkeypatch: pytest.MonkeyPatch, figures: Figures, operation: Operation
) -> None:
    faults = Faults(monkeypatch)
    before, after, trace = before_and_after(scratch, operation, faults)
    assert trace, "an operation that makes no call proves nothing"
    runs, wrong = 0, []
    for fault in FAULTS:
        for number, call in enumerate(trace):
            if fault.short and call != "write":
                continue
            trial = Trial(scratch, operation, faults)
            error = trial.run(number, fault)
            try:
                check(trial, fault, error, before, after)
            except (AssertionError, HistoryError) as found:
                wrong.append(f"{fault.name} at call {number}, {call}: {error!r}: {type(found).__name__} {found}")
            finally:
                trial.end()
            runs += 1
    assert not wrong, "\n".join([f"{len(wrong)} of {runs}:", *wrong])
    figures.add("a fault at every call", operations=1, faults=runs, lost=0)


def check(trial: Trial, fault: Fault, error: BaseException | None, before: Content, after: Content) -> None:
    if not fault.done:
        assert not trial.faults.open, "a descriptor stays open"
    check_error(fault, error)
    found = trial.content()
    if error is None:
        assert found == after
    elif trial.operation.in_steps:
        assert found.keys() >= before.keys()
        assert all(fields in (before.get(seed), after[seed]) for seed, fields in found.items())
    elif isinstance(error, CommitUncertain | KeyboardInterrupt):
        assert found in (before, after)
    else:
        assert found == before
    next_take = add(trial.history, NEXT)
    assert trial.history.get(next_take.entry_id) == next_take
    found = {**found, NEXT: content(trial.history)[NEXT]}
    assert trial.reopened() == found
    trial.history._fold_quietly()
    assert content(trial.history) == found
    left = {finding.kind for finding in verify(trial.root).findings}
    assert left <= allowed(trial.operation, fault, error), left
    assert stray_thumbnails(trial.history) == [] or fault.lasting or fault.number is None


def check_error(fault: Fault, error: BaseException | None) -> None:
    if fault.number is None:
        assert isinstance(error, KeyboardInterrupt)
    elif isinstance(error, StoreUnavailable) and fault.number in (errno.ENOSPC, errno.EDQUOT):
        assert isinstance(error, StoreFull)
    elif error is not None:
        assert isinstance(error, StoreUnavailable | CommitUncertain)


def allowed(operation: Operation, fault: Fault, error: BaseException | None) -> set[str]:
    """Return what verify may find. What could not be removed, or was interrupted, is an orphan that repair takes back."""
    kinds = set()
    if "version 1" in operation.state or operation.state == "untidy":
        kinds.add(MISSING_THUMBNAIL)
    if error is not None or fault.lasting:
        kinds.add(ORPHAN_AUDIO)
    return kinds


def stray_thumbnails(history: GenerationHistory) -> list[str]:
    named = {entry.thumbnail_file for entry in all_takes(history)}
    return [path.name for path in (history.directory / "thumbnails").iterdir() if f"thumbnails/{path.name}" not in named]
