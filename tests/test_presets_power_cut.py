"""Guards presets against a power cut at every call, after a kill at every call, and with every sync left out.

The states are enumerated as for the index (`tests.disk`); the same judge has to catch every sync that is left out.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from store import CommitUncertain, HistoryError, Presets
from store.presets_file import PRESETS, PRESETS_BACKUP
from tests.children import scratch_folder
from tests.disk import Disk, Killed, Recorder, State, write_state
from tests.figures import Figures, tier
from tests.presets import FILES, Act, Content, content, copy_of, id_of, make_small_shelf, save

pytestmark = pytest.mark.proof

HISTORY = "history"
CHANGES: dict[str, Act] = {
    "save": lambda presets: save(presets, "new", "Pads"),
    "rename": lambda presets: presets.rename(id_of(presets, "Bell"), "Gong"),
    "delete": lambda presets: presets.delete(id_of(presets, "odd")),
    "delete a folder": lambda presets: presets.delete_folder("Pads"),
    "import": lambda presets: presets.import_presets(presets.export_presets()),
}


def flip(path: Path) -> None:
    """Flip a bit of the presets' lines."""
    data = bytearray(path.read_bytes())
    data[len(data) * 2 // 3] ^= 1
    path.write_bytes(data)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "the first is damaged": lambda root: flip(root / PRESETS),
    "the second is damaged": lambda root: flip(root / PRESETS_BACKUP),
    "the first is missing": lambda root: (root / PRESETS).unlink(),
    "both are damaged": lambda root: [flip(root / name) for name in FILES],
}


@dataclass(frozen=True)
class Case:
    """A state of the disk after a power cut, and what may be found then.

    `at_rest` says that nothing was under way; `evidence` are damaged bytes that must be in some file still, None where
    nothing was damaged.
    """

    state: State
    possible: tuple[Content, ...]
    at_rest: bool
    evidence: tuple[bytes, ...] | None


class Trial:
    """Presets in `root/history` whose every change is recorded, with the states that a power cut may leave then."""

    def __init__(self, root: Path, leave_out: str | None = None, evidence: tuple[bytes, ...] | None = None) -> None:
        self.root, self.directory = root, root / HISTORY
        self.possible: tuple[Content, ...] = ()
        self.cases: dict[object, Case] = {}
        self._evidence = evidence
        self._at_rest = False
        self.recorder = Recorder(Disk(root), self._heard, leave_out=leave_out)

    def _heard(self) -> None:
        for state in self.recorder.disk.states():
            case = Case(state, self.possible, self._at_rest, self._evidence)
            self.cases.setdefault((frozenset(state.items()), repr(self.possible), self._at_rest), case)

    def do(self, act: Act) -> None:
        """Change the presets in a new process; meanwhile both what was before and what comes after are possible."""
        before, after = what_comes_of(self.directory, lambda _: None), what_comes_of(self.directory, act)
        self.possible = (*dict.fromkeys((*self.possible, before, after)),)
        with self.recorder:
            act(Presets(self.directory))
        self.rest(after)

    def rest(self, now: Content) -> None:
        """Take what is there for certain."""
        assert what_comes_of(self.directory, lambda _: None) == now
        self.possible, self._at_rest = (now,), True
        self._heard()
        self._at_rest = False

    def is_killed(self, act: Act, at: int) -> bool:
        """Change the presets in a process that is killed before its change number `at`; say whether it was."""
        before, after = what_comes_of(self.directory, lambda _: None), what_comes_of(self.directory, act)
        self.possible = (before, after)
        with self.recorder:
            self.recorder.kill_after(at)
            try:
                act(Presets(self.directory))
            except Killed:
                return True
            finally:
                self.recorder.revive()
        return False


def what_comes_of(directory: Path, act: Act) -> Content:
    """Return what is on a shelf after a change, made to a copy of it."""
    with copy_of(directory) as copy:
        presets = Presets(copy)
        act(presets)
        return content(presets)


def complaint(scratch: Path, case: Case) -> str | None:
    """Open the presets of a case, save another, cut the power again; return what is wrong."""
    if any(all(lost not in (data or b"") for data in case.state.values()) for lost in case.evidence or ()):
        return "what was damaged is nowhere any more"
    try:
        return _complaint(scratch, case.state, case.possible, quiet=case.evidence is None) or next(
            filter(None, (_complaint(scratch, state, case.possible, quiet=False) for state in with_one_lost(case))),
            None,
        )
    except (HistoryError, OSError) as error:
        return f"{type(error).__name__}: {error}"


def with_one_lost(case: Case) -> Iterator[State]:
    """Yield the state without the first file, and without the second, where there are two that must hold everything."""
    names = [f"{HISTORY}/{name}" for name in FILES]
    if set(names) <= case.state.keys() and (case.at_rest or case.evidence is None):
        for name in names:
            yield {path: data for path, data in case.state.items() if path != name}


def _complaint(scratch: Path, state: State, possible: tuple[Content, ...], quiet: bool) -> str | None:
    root = emptied(scratch / "first")
    write_state(state, root)
    with Recorder(Disk(root)) as recorder:
        presets = Presets(root / HISTORY)
        found = content(presets)
        if found not in possible:
            return f"holds {found}, not one of {possible}"
        if quiet and presets.problems:
            return f"calls a plain power cut damage: {presets.problems}"
        save(presets, "after the cut")
        saved = content(presets)
    after = emptied(scratch / "second")
    write_state(recorder.disk.worst(), after)
    if content(Presets(after / HISTORY)) != saved:
        return "lost what was saved after the first power cut"
    return None


def emptied(root: Path) -> Path:
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    return root


# -- what happens before the power is cut ---------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        make_small_shelf(folder / "shelf" / HISTORY)
        yield folder


def begin(scratch: Path, leave_out: str | None = None, damage: str | None = None) -> Trial:
    """Begin a trial on a small shelf, or a damaged one."""
    root = scratch / "live"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(scratch / "shelf", root)
    if damage is None:
        return Trial(root, leave_out)
    whole = {name: (root / HISTORY / name).read_bytes().split(b"\n") for name in FILES}
    DAMAGES[damage](root / HISTORY)
    files = [path for name in FILES if (path := root / HISTORY / name).exists()]
    broken = [line for path in files for line in path.read_bytes().split(b"\n") if line not in whole[path.name]]
    return Trial(root, leave_out, evidence=tuple(broken))


def first_of_all(scratch: Path, leave_out: str | None = None) -> Trial:
    """The first preset is saved, in a folder that is not there yet."""
    trial = Trial(emptied(scratch / "live"), leave_out)
    trial.do(lambda presets: save(presets, "first"))
    return trial


def everyday(scratch: Path, leave_out: str | None = None) -> Trial:
    """One change after the other."""
    trial = begin(scratch, leave_out)
    for act in CHANGES.values():
        trial.do(act)
    return trial


def uncertain(scratch: Path, leave_out: str | None = None) -> Trial:
    """The folder cannot be synced: the change is seen, and may come or go; then others go on."""
    trial = begin(scratch, leave_out)
    act = CHANGES["save"]
    trial.possible = (what_comes_of(trial.directory, lambda _: None), what_comes_of(trial.directory, act))
    with trial.recorder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.files.sync_folder", _fail)
        with pytest.raises(CommitUncertain):
            act(Presets(trial.directory))
    trial.do(CHANGES["rename"])
    return trial


def _fail(path: Path) -> None:
    raise OSError(errno.EIO, os.strerror(errno.EIO))


def damaged(damage: str) -> Callable[..., Trial]:
    def scenario(scratch: Path, leave_out: str | None = None) -> Trial:
        """Damage is found, set aside and repaired; then a change comes."""
        trial = begin(scratch, leave_out, damage)
        trial.do(content)
        trial.do(CHANGES["save"])
        return trial

    return scenario


SCENARIOS: dict[str, Callable[..., Trial]] = {
    "first of all": first_of_all,
    "everyday": everyday,
    "uncertain": uncertain,
    **{damage: damaged(damage) for damage in DAMAGES},
}


@pytest.mark.parametrize("name", SCENARIOS)
def test_no_power_cut_loses_a_preset_that_was_acknowledged(scratch: Path, figures: Figures, name: str) -> None:
    trial = SCENARIOS[name](scratch)
    cases = list(trial.cases.values())
    assert [wrong for case in cases if (wrong := complaint(scratch, case))] == []
    assert any(case.at_rest for case in trial.cases.values())
    figures.add("presets: power cuts", states=len(trial.cases), wrong=0)


@pytest.mark.parametrize("name", CHANGES)
def test_no_power_cut_after_a_kill_loses_a_preset(scratch: Path, figures: Figures, name: str) -> None:
    kills = 0
    for at in count():
        trial = begin(scratch)
        if not trial.is_killed(CHANGES[name], at):
            break
        kills += 1
        trial.do(lambda presets: save(presets, "later"))
        cases = list(trial.cases.values())[:: tier(2, 1)]
        assert [wrong for case in cases if (wrong := complaint(scratch, case))] == [], f"killed at {at}"
        figures.add("presets: power cuts after a kill", kills=1, opened=len(cases), wrong=0)
    assert kills > 8


def sites_of(scratch: Path) -> dict[str, list[str]]:
    """Return where the store syncs, each with the scenarios in which it does."""
    sites: dict[str, list[str]] = {}
    for name, scenario in SCENARIOS.items():
        for site in dict.fromkeys(scenario(scratch).recorder.sites):
            sites.setdefault(site, []).append(name)
    return sites


def test_every_sync_is_needed(scratch: Path, figures: Figures) -> None:
    sites = sites_of(scratch)
    missed = []
    for site, names in sites.items():
        trials = (SCENARIOS[name](scratch, leave_out=site) for name in names)
        cases = (case for trial in trials for case in trial.cases.values())
        if not any(complaint(scratch, case) for case in cases):
            missed.append(site)
    assert missed == []
    assert len(sites) >= 7
    figures.add("presets: syncs left out", syncs=len(sites), caught=len(sites))
