"""Proves that a history does what a dictionary does, whatever is done to it in which order, and by whom."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from store import EntryNotFound, GenerationHistory
from store.repair import plan_repair, rebuild, repair
from store.verify import DAMAGED_INDEX, verify
from tests.conftest import tone
from tests.figures import Figures, tier

RUNS, STEPS = tier((50, 30), (2_000, 50))
EDITS = st.fixed_dictionaries(
    {},
    optional={
        "rating": st.none() | st.integers(1, 5),
        "favorite": st.booleans(),
        "note": st.sampled_from(["", "n", "ä\ud800"]),
        "tags": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
        "title": st.sampled_from(["", "t"]),
    },
)
INDEX = [
    "history.json",
    "history.json.bak",
    "the newest journal",
    "the newest journal",
    "the newest journal",
    "an older journal",
    "catalog.sqlite",
]
DAMAGES = ["remove", "empty", "cut", "flip", "rubbish"]


@dataclass
class Model:
    """What must be there: every take's fields by id in the order of adding, and what they were since the last fold."""

    takes: dict[str, dict[str, Any]] = field(default_factory=dict)
    since: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    purged: set[str] = field(default_factory=set)
    purged_since: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    """Takes that are back without their sound: the line that deleted them for good was damaged before any fold."""

    def keep_version(self, entry_id: str) -> None:
        """Note how a take is before it is changed."""
        self.since.setdefault(entry_id, []).append(dict(self.takes[entry_id]))

    def folded(self) -> None:
        """Note that everything stands in the document, and edits in the audio files."""
        self.since.clear()
        self.purged_since.clear()


class Machine(RuleBasedStateMachine):
    """Two opened histories of one folder, and a dictionary."""

    counted: dict[str, int]

    def __init__(self) -> None:
        super().__init__()
        shm = Path("/dev/shm")  # noqa: S108 - the proof is about order, not about the disk
        self.root = Path(tempfile.mkdtemp(prefix="retake-machine-", dir=shm if shm.is_dir() else None))
        self.model = Model()
        self.seeds = itertools.count()
        self.moment = datetime(2026, 1, 1, tzinfo=timezone.utc)
        self.clock = mock.patch("store.history.now", self._now)
        self.resting = mock.patch("store.folding.QUIET_SMALL_S", 10**6)  # folds come when the machine says so
        self.clock.start()
        self.resting.start()
        self.opened = [GenerationHistory(self.root), GenerationHistory(self.root)]
        self.turn = 0
        self.latent = False

    def _now(self) -> str:
        self.moment += timedelta(microseconds=1)
        return self.moment.isoformat(timespec="microseconds")

    @property
    def history(self) -> GenerationHistory:
        """The one of the two whose turn it is."""
        self.turn += 1
        return self.opened[self.turn % 2]

    def teardown(self) -> None:
        for history in self.opened:
            history.close()
        self.clock.stop()
        self.resting.stop()
        shutil.rmtree(self.root)

    def count(self, what: str, more: int) -> None:
        self.counted[what] = self.counted.get(what, 0) + more

    def some_id(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(list(self.model.takes)))

    # -- what a dictionary does too ---------------------------------------------------------------------------------

    @rule(title=st.sampled_from(["synth", "rave"]))
    def add(self, title: str) -> None:
        seed = next(self.seeds)
        entry = self.history.add_to_history(tone(seed, frames=16), title, title, params={"seed": seed})
        self.model.takes[entry.entry_id] = entry.to_document()

    @precondition(lambda self: self.model.takes)
    @rule(data=st.data(), edits=EDITS)
    def update(self, data: st.DataObject, edits: dict[str, Any]) -> None:
        entry_id = self.some_id(data)
        self.history.update_entry(entry_id, **edits)
        self.model.keep_version(entry_id)
        self.model.takes[entry_id].update(edits)

    @precondition(lambda self: self.model.takes)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        entry_id = self.some_id(data)
        assert self.history.delete_entry(entry_id)
        self.model.keep_version(entry_id)
        if self.model.takes[entry_id]["deleted_at"] is None:
            self.model.takes[entry_id]["deleted_at"] = self.moment.isoformat(timespec="microseconds")

    @precondition(lambda self: self.model.takes)
    @rule(data=st.data())
    def restore(self, data: st.DataObject) -> None:
        entry_id = self.some_id(data)
        self.model.keep_version(entry_id)
        self.history.restore_entry(entry_id)
        self.model.takes[entry_id]["deleted_at"] = None

    @precondition(lambda self: self.model.takes)
    @rule(data=st.data())
    def purge(self, data: st.DataObject) -> None:
        entry_id = self.some_id(data)
        assert self.history.delete_entry(entry_id, permanent=True)
        self.model.keep_version(entry_id)
        del self.model.takes[entry_id]
        self.model.purged.add(entry_id)
        self.model.purged_since.add(entry_id)
        assert not (self.root / "audio" / f"{entry_id}.wav").exists()

    @precondition(lambda self: self.model.purged)
    @rule(data=st.data())
    def nothing_can_be_done_with_what_is_gone(self, data: st.DataObject) -> None:
        entry_id = data.draw(st.sampled_from(sorted(self.model.purged)))
        history = self.history
        assert history.get(entry_id) is None
        assert not history.delete_entry(entry_id)
        with pytest.raises(EntryNotFound):
            history.update_entry(entry_id, rating=1)

    # -- what a dictionary does not notice --------------------------------------------------------------------------

    @rule()
    def fold(self) -> None:
        if self.history.fold():
            self.model.folded()

    @rule()
    def reopen(self) -> None:
        """Closing folds what this one has changed."""
        self.opened[self.turn % 2].close()
        self.opened[self.turn % 2] = GenerationHistory(self.root)

    @rule(seconds=st.sampled_from([-86_400, -1, 3_600]))
    def set_the_clock(self, seconds: int) -> None:
        self.moment += timedelta(seconds=seconds)

    @rule()
    def check_the_folder(self) -> None:
        found = verify(self.root)
        findings = [one for one in found.findings if one.entry_id not in self.model.silent]
        assert not findings or (self.latent and {one.kind for one in findings} == {DAMAGED_INDEX}), findings
        assert {one.entry_id for one in found.findings} >= self.model.silent & self.model.takes.keys(), "it is told"
        assert {entry.entry_id for entry in found.entries} == set(self.model.takes)

    @rule()
    def mend_what_is_whole(self) -> None:
        repair(self.root, plan_repair(self.root))
        self.latent = False

    @rule()
    def build_again(self) -> None:
        rebuild(self.root)
        self.model.folded()
        self.latent = False

    @precondition(lambda self: not self.latent)
    @rule(name=st.sampled_from(INDEX), how=st.sampled_from(DAMAGES), share=st.floats(0, 1, exclude_max=True))
    def damage(self, name: str, how: str, share: float) -> None:
        """Damage a file of the index while nobody has it open; what is not folded stays so, as after a kill.

        One file at a time: the next is damaged when a repair or a rebuild has made the second chain whole again.
        """
        for history in self.opened:
            history._folding.close()
            history._catalog.close()
        path = self._path_of(name)
        is_damaged = path is not None and _damage(path, how, share)
        self.latent = is_damaged and name != "catalog.sqlite"
        self.count("damages", int(is_damaged))
        self.opened = [GenerationHistory(self.root), GenerationHistory(self.root)]
        if is_damaged and name == "the newest journal":
            self._reconcile(self.opened[0])

    def _path_of(self, name: str) -> Path | None:
        journals = sorted(self.root.glob("journal-*.jsonl"), key=lambda path: int(path.stem[8:]))
        if name == "the newest journal":
            return journals[-1] if journals else None
        if name == "an older journal":
            return journals[-2] if len(journals) > 1 else None
        path = self.root / name
        return path if path.exists() else None

    def _reconcile(self, mended: GenerationHistory) -> None:
        """Take over what damage to lines that no fold had merged may cost: edits, also the last one, if that is told.

        Every take is there. Each field holds what it held at some time since the last fold; a take that was deleted for
        good since then may be back, without its sound.
        """
        found = contents(mended)
        wanted = {entry_id: without_size(take) for entry_id, take in self.model.takes.items()}
        if found == wanted:
            return
        assert mended.problems, "what is lost is told"
        assert found.keys() >= wanted.keys()
        assert found.keys() - wanted.keys() <= self.model.purged_since
        for entry_id, take in found.items():
            versions = [*self.model.since.get(entry_id, []), wanted.get(entry_id, take)]
            for name, value in take.items():
                assert any(without_size(version)[name] == value for version in versions), (entry_id, name)
        self.model.silent |= self.model.purged & found.keys()
        self.model.purged -= found.keys()
        self.model.takes = found
        self.count("losses_told", 1)

    # -- after every step -------------------------------------------------------------------------------------------

    @invariant()
    def both_answer_as_the_dictionary_does(self) -> None:
        self.count("steps", 1)
        for history in self.opened:
            found = contents(history)
            wanted = {entry_id: without_size(take) for entry_id, take in self.model.takes.items()}
            assert found == wanted
            newest = sorted(
                (take for take in self.model.takes.values() if take["deleted_at"] is None),
                key=lambda take: take["timestamp"],
                reverse=True,
            )
            assert [entry.timestamp for entry in history.list_entries()] == [take["timestamp"] for take in newest]
            assert history.count() == len(newest)
            assert history.count(deleted=True) == len(self.model.takes) - len(newest)
            rated = [take for take in newest if (take["rating"] or 0) >= 3]
            assert history.count(min_rating=3) == len(rated)


def _damage(path: Path, how: str, share: float) -> bool:
    """Damage a file; say whether it is another one now.

    A journal is not cut between two lines: that reads like one which was never written further.
    """
    data = path.read_bytes()
    at = int(len(data) * share)
    at -= how == "cut" and data[at - 1 : at] == b"\n"
    if how == "remove":
        path.unlink()
        return True
    if not data:
        return False
    changed = {
        "empty": b"",
        "cut": data[:at],
        "flip": data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1 :],
        "rubbish": data[:at] + b"\0" * 40 + data[at + 40 :],
    }[how]
    path.write_bytes(changed)
    return True


def contents(history: GenerationHistory) -> dict[str, dict[str, Any]]:
    takes = [*history.list_entries(), *history.list_entries(deleted=True)]
    return {take.entry_id: without_size(take.to_document()) for take in takes}


def without_size(take: dict[str, Any]) -> dict[str, Any]:
    """The size is that of the file, which a fold may write anew."""
    return {**take, "size_bytes": None}


@pytest.mark.proof
def test_a_history_does_what_a_dictionary_does(figures: Figures) -> None:
    Machine.counted = {}
    with mock.patch.object(Machine, "counted", Machine.counted):
        run_state_machine_as_test(
            Machine,
            settings=settings(
                max_examples=RUNS, stateful_step_count=STEPS, deadline=None, database=None, derandomize=True,
                suppress_health_check=list(HealthCheck), phases=(Phase.generate,), report_multiple_bugs=False,
            ),
        )  # fmt: skip
    figures.add("state machine against a dictionary", runs=RUNS, differences=0, **Machine.counted)
