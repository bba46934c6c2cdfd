"""Repair a history, and build one again from its audio files alone. Nothing is deleted, no sample is changed."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from store import files, media, pictures, sounds, verify
from store.chain import fields_of
from store.entry import AUDIO_FOLDER, HistoryEntry, from_document
from store.errors import InvalidAudio, InvalidEntry, from_os_error
from store.history import GenerationHistory
from store.index import Index
from store.progress import Progress, no_progress
from store.reading import open_regular
from store.upkeep import Upkeep
from store.verify import Finding, Verification
from store.wav import read_data_sha256

MANY = 10
"""More than one in so many takes touched asks for a second thought: it looks like a drive that is not mounted."""

MAKE_WHOLE, TAKE_BACK, POINT, TAG, DRAW = "make whole", "take back", "point", "tag", "draw"


@dataclass(frozen=True)
class Step:
    """One thing that a repair does: its kind, the file it is about, what is done in words, and for which take."""

    kind: str
    path: Path
    text: str
    entry_id: str | None = None


@dataclass(frozen=True)
class RepairPlan:
    """What a repair would do, and what it can do nothing about."""

    takes: int
    steps: tuple[Step, ...]
    left: tuple[Finding, ...]

    @property
    def drastic(self) -> bool:
        """Whether more than a tenth of the takes would be touched or have no sound: is a drive not mounted?"""
        touched = {step.entry_id for step in self.steps} - {None}
        silent = {finding.entry_id for finding in self.left if finding.kind == verify.MISSING_AUDIO}
        return max(len(touched), len(silent)) * MANY > self.takes

    def ids(self, kind: str) -> set[str | None]:
        """Return the takes that steps of one kind are about."""
        return {step.entry_id for step in self.steps if step.kind == kind}


@dataclass(frozen=True)
class Rebuilt:
    """What a rebuild found: how many takes, how many of them only audio files knew, and what else is to be said."""

    takes: int
    from_audio: int
    notes: tuple[str, ...]


def plan_repair(directory: str | Path, progress: Progress = no_progress) -> RepairPlan:
    """Find what a repair would do; write nothing. Raises like `verify`.

    Where the index is damaged, making it whole is the only step; what else there is to do shows after it.

    >>> from store import GenerationHistory
    >>> GenerationHistory(getfixture("tmp_path")).close()
    >>> plan_repair(getfixture("tmp_path"))
    RepairPlan(takes=0, steps=(), left=())
    """
    checked = verify.verify(directory, progress)
    damage = [finding for finding in checked.findings if finding.kind == verify.DAMAGED_INDEX]
    if damage:
        return RepairPlan(checked.takes, tuple(Step(MAKE_WHOLE, found.path, found.text) for found in damage), ())
    return _Planner(verify.folder_of(directory), checked).plan()


class _Planner:
    """Finds the step for each finding of a history whose index is whole."""

    def __init__(self, root: Path, checked: Verification) -> None:
        self._root = root
        self._checked = checked
        self._entries = {entry.entry_id: entry for entry in checked.entries}
        self._silent = {found.entry_id for found in checked.findings if found.kind in verify.WITHOUT_SOUND}
        self._missing = {
            found.entry_id: self._entries[found.entry_id]
            for found in checked.findings
            if found.kind == verify.MISSING_AUDIO and found.entry_id
        }

    def plan(self) -> RepairPlan:
        """Return the steps, and the findings that none of them settles."""
        pairs = [(found, self._step(found)) for found in self._checked.findings]
        steps = [step for _, step in pairs if step]
        steps += [Step(TAG, self._root / self._entries[id_].audio_file, _TAGGED, id_) for id_ in self._checked.behind]
        left = [found for found, step in pairs if step is None and not self._is_settled(found)]
        return RepairPlan(self._checked.takes, tuple(steps), tuple(left))

    def _is_settled(self, found: Finding) -> bool:
        """Say whether another step, or the next fold, takes care of a finding."""
        pointed = found.kind == verify.MISSING_AUDIO and found.entry_id not in self._missing
        return pointed or found.kind == verify.TEMPORARY_FILE

    def _step(self, found: Finding) -> Step | None:
        if found.kind == verify.ORPHAN_AUDIO:
            return self._of_orphan(found.path)
        if found.kind == verify.DAMAGED_PRESETS:
            return Step(MAKE_WHOLE, found.path, found.text)
        if found.kind == verify.ALTERED_TAGS:
            return Step(TAG, found.path, _TAGGED, found.entry_id)
        if found.kind in (verify.MISSING_THUMBNAIL, verify.ALTERED_THUMBNAIL) and self._can_be_drawn(found.entry_id):
            return Step(DRAW, found.path, "its waveform is drawn again", found.entry_id)
        return None

    def _can_be_drawn(self, entry_id: str | None) -> bool:
        """Say whether a take has a sound, and a thumbnail of its own: another file must not be drawn over."""
        entry = self._entries.get(entry_id or "")
        return entry is not None and entry_id not in self._silent and media.has_own_thumbnail(entry)

    def _of_orphan(self, path: Path) -> Step | None:
        """Find whose sound an orphan is: by the take it carries, or by its samples where it lost that."""
        carried = sounds.carried_entry(path)
        if carried is not None and carried["entry_id"] not in self._entries:
            return Step(TAKE_BACK, path, "its take is taken back into the index", carried["entry_id"])
        entry_id = carried["entry_id"] if carried is not None else self._with_samples(_samples_of(path))
        if entry_id not in self._missing:
            return None
        del self._missing[entry_id]
        return Step(POINT, path, f"take {entry_id}, whose sound is missing, is pointed to it", entry_id)

    def _with_samples(self, audio_sha256: str | None) -> str | None:
        found = (id_ for id_, entry in self._missing.items() if audio_sha256 and entry.audio_sha256 == audio_sha256)
        return next(found, None)


_TAGGED = "the take is written into its audio file, beside the samples"


def _samples_of(path: Path) -> str | None:
    try:
        with open_regular(path) as file:
            return read_data_sha256(file)
    except (OSError, InvalidAudio):
        return None


def repair(directory: str | Path, plan: RepairPlan, progress: Progress = no_progress) -> tuple[str, ...]:
    """Carry out a plan; return what is to be said of it. What a step cannot do is said, and changes nothing.

    A damaged index is made whole from its second chain, its good lines and the audio files, the damaged files set
    aside. Raises `HistoryError` where the history cannot be opened or written.
    """
    root = verify.folder_of(directory)
    with GenerationHistory(root, progress) as history:
        history.make_whole()
        history.presets.make_whole()
        if plan.ids(TAKE_BACK):
            history.take_back_orphans()
        history.fold()
        try:
            notes = _carry_out(root, plan)
        except OSError as error:
            raise from_os_error(error, root) from error
        history.fold()  # a take that was pointed to its sound is written into it
        return (*history.problems, *notes)


def _carry_out(root: Path, plan: RepairPlan) -> list[str]:
    index = Index(root)
    entries = _entries_of(index)
    for step in plan.steps:
        if step.kind == POINT and step.entry_id in entries:
            to = {"audio_file": f"{AUDIO_FOLDER}/{step.path.name}"}
            index.commit(step.entry_id, [{"set": step.entry_id, "to": to}])
        elif step.kind in (DRAW, TAKE_BACK) and step.entry_id in entries:
            _draw(root, entries[step.entry_id])
    tagged = [entries[id_].to_document() for id_ in plan.ids(TAG) if id_ in entries]
    _, position = index.present().read()
    Upkeep(root, index).write_snapshots(tagged, position)
    return index.notes


def _draw(root: Path, entry: HistoryEntry) -> None:
    if not media.has_own_thumbnail(entry):
        return
    path = media.inside(root, entry, entry.thumbnail_file, "thumbnail_file")
    png = pictures.drawn_thumbnail(media.inside(root, entry, entry.audio_file, "audio_file"))
    if png is not None:
        files.create(path, [png])
        files.sync_folder(path.parent)


def _entries_of(index: Index) -> dict[str, HistoryEntry]:
    """Read the takes in the index itself: what is written into audio files never comes from the catalog."""
    found = index.present()
    changes, _ = found.read()
    entries: dict[str, HistoryEntry] = {}
    for line in changes.applied(found.entries()):
        with contextlib.suppress(InvalidEntry):
            entry = from_document(fields_of(line))
            entries[entry.entry_id] = entry
    return entries


def rebuild(directory: str | Path, progress: Progress = no_progress) -> Rebuilt:
    """Build the index again: from its own good lines where there are any, and from the takes that audio files carry.

    An index that is whole keeps every take as it is, and takes back those that only audio files know. The catalog and
    the second chain are made anew. Raises `HistoryError` where the folder cannot be read or written.

    >>> from store import GenerationHistory
    >>> GenerationHistory(getfixture("tmp_path")).close()
    >>> rebuild(getfixture("tmp_path")).takes
    0
    """
    root = verify.folder_of(directory)
    with GenerationHistory(root, progress) as history:
        history.make_whole()
        adopted = history.take_back_orphans()
        history.fold()
        history.renew_catalog()
        takes = history.count() + history.count(deleted=True)
        return Rebuilt(takes, history.from_audio + adopted, history.problems)
