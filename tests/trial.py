"""Try a history on a recorded disk: gather every state that a power cut may leave, and judge each."""

from __future__ import annotations

import hashlib
import re
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np
import pytest

from store import GenerationHistory, HistoryEntry, HistoryError, StoreUnavailable
from store.chain import DOCUMENT
from store.database import inode_of
from store.document import is_version_1, read_lines
from store.entry import EDITABLE
from store.envelope import envelope
from store.folding import Folding
from store.lines import unseal
from store.media import audio_name, thumbnail_name
from store.sounds import carried_entry
from store.thumbnail import WIDTH, draw
from store.wav import read_data_sha256
from tests.conftest import add
from tests.damage import CATALOG_FILES, seal_of
from tests.disk import Disk, Killed, Recorder, State, write_state

T = TypeVar("T")
Contents = dict[str, HistoryEntry]
HISTORY = "history"


def contents(history: GenerationHistory) -> Contents:
    """Return every entry of a history, the trash included, by id.

    Without the sizes of their files, which change when a fold writes edits into them.
    """
    entries = [entry for deleted in (False, True) for entry in history.list_entries(deleted=deleted)]
    return {entry.entry_id: without_size(entry) for entry in entries}


def without_size(entry: HistoryEntry) -> HistoryEntry:
    """Return an entry that does not tell how large its file is."""
    return msgspec.structs.replace(entry, size_bytes=None)


@dataclass(frozen=True)
class Case:
    """A state of the disk after a power cut, and what must be true of it.

    What the history may hold, and by their seeds the takes that were never acknowledged and may be taken back from their
    audio files; the takes whose deletion for good has begun, of which a fold leaves nothing where they are gone; whether something had been damaged, which must not pass in silence; bytes that must be in
    some file still; and catalogs from before and after the operation under way.
    """

    state: State
    possible: list[Contents]
    damaged: bool
    evidence: tuple[bytes, ...]
    may_come_back: frozenset[int]
    purged: frozenset[str]
    rank: int
    older_catalog: bytes
    catalogs: list[bytes]

    @property
    def newer_catalog(self) -> bytes:
        """A catalog that knows the operation that was under way."""
        return self.catalogs[-1]

    def key(self) -> object:
        """Tell cases apart by what matters."""
        may_be = frozenset(hashlib.sha256(repr(sorted(each.items())).encode()).digest() for each in self.possible)
        return frozenset(self.state.items()), may_be


class Trial:
    """A history in `root/history` whose every change is recorded. `possible` is what may be found after a power cut.

    With `leave_out` a sync is not made (see `Recorder`); with `most`, no more states than these are taken at a moment,
    those first of which the least is certain.
    """

    def __init__(
        self, root: Path, begun: Contents | None = None, leave_out: str | None = None, most: int | None = None
    ) -> None:
        self.root = root
        self.directory = root / HISTORY
        self.ledger: Contents = begun or {}
        self.possible: list[Contents] = [self.ledger]
        self.damaged = False
        self.evidence: tuple[bytes, ...] = ()
        self.may_come_back: frozenset[int] = frozenset()
        self.purged: frozenset[str] = frozenset()
        self.sites: list[str] = []
        self._leave_out, self._most = leave_out, most
        self._moments: dict[object, Case] = {}
        self._catalog = b""
        self._catalogs: list[bytes] = [b""]

    def __enter__(self) -> Trial:
        self._patch = pytest.MonkeyPatch()
        settle(self._patch)
        if self.directory.exists():
            self._catalog = _catalog_of(self.directory)
        self.recorder = Recorder(Disk(self.root), self._heard, leave_out=self._leave_out)
        self.recorder.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.recorder.__exit__()
        self.sites = self.recorder.sites
        self._patch.undo()

    def _heard(self) -> None:
        for rank, state in enumerate(islice(self.recorder.disk.states(), self._most)):
            key = (frozenset(state.items()), id(self.possible))
            if key not in self._moments:
                self._moments[key] = Case(
                    state,
                    self.possible,
                    self.damaged,
                    self.evidence,
                    self.may_come_back,
                    self.purged,
                    rank,
                    self._catalog,
                    self._catalogs,
                )

    def cases(self) -> dict[object, Case]:
        """Return the different cases that were met, those first of which the least is certain."""
        return {case.key(): case for case in sorted(self._moments.values(), key=lambda case: case.rank)}

    # -- operations -------------------------------------------------------------------------------------------------

    def open(self) -> GenerationHistory:
        """Open the history as another process would."""
        return GenerationHistory(self.directory)

    def do(self, act: Callable[[], T], after: Callable[[Contents, T], Contents], on_any: bool = False) -> T:
        """Run one operation; while it runs, its outcome is possible beside what was before; afterwards it is certain.

        With `on_any` its outcome is possible on everything that was possible before.
        """
        before = self.possible
        self.possible = list(before)
        self._catalogs = [self._catalog]
        possible, catalogs = self.possible, self._catalogs
        result = act()
        self.ledger = after(self.ledger, result)
        possible.append(self.ledger)
        if on_any:
            possible.extend(after(each, result) for each in before)
        self.possible = [self.ledger]
        self._catalog = _catalog_of(self.directory)
        catalogs.append(self._catalog)
        self._catalogs = [self._catalog]
        return result

    def add(self, history: GenerationHistory, seed: int) -> HistoryEntry:
        """Add a take; while that is under way, it may be taken back from its audio file whatever else is there."""
        return self.do(
            lambda: add(history, seed), lambda old, entry: {**old, entry.entry_id: without_size(entry)}, on_any=True
        )

    def update(self, history: GenerationHistory, entry_id: str, **edits: object) -> None:
        """Edit a take."""
        self.do(
            lambda: history.update_entry(entry_id, **edits), lambda old, entry: {**old, entry_id: without_size(entry)}
        )

    def trash(self, history: GenerationHistory, entry_id: str) -> None:
        """Put a take into the trash."""
        self.do(lambda: history.delete_entry(entry_id), lambda old, _: {**old, entry_id: _found(history, entry_id)})

    def restore(self, history: GenerationHistory, entry_id: str) -> None:
        """Take a take out of the trash."""
        self.do(lambda: history.restore_entry(entry_id), lambda old, entry: {**old, entry_id: without_size(entry)})

    def purge(self, history: GenerationHistory, entry_id: str) -> None:
        """Delete a take for good."""
        self.purged |= {entry_id}
        self.do(lambda: history.delete_entry(entry_id, permanent=True), lambda old, _: _without(old, entry_id))

    def refused(self, history: GenerationHistory, entry_id: str, **edits: object) -> None:
        """Edit a take where the sync fails: it must say so, and have done nothing."""
        self.recorder.fail_next_sync()
        self._fail(StoreUnavailable, history, entry_id, edits)

    def interrupted(self, history: GenerationHistory, entry_id: str, **edits: object) -> None:
        """Edit a take where the user interrupts the program between write and sync: nothing must have been done."""
        self.recorder.interrupt_next_write()
        self._fail(KeyboardInterrupt, history, entry_id, edits)

    def _fail(
        self, error: type[BaseException], history: GenerationHistory, entry_id: str, edits: dict[str, object]
    ) -> None:
        edited = {**self.ledger, entry_id: msgspec.structs.replace(self.ledger[entry_id], **edits)}
        self.possible = [*self.possible, edited]
        with pytest.raises(error):
            history.update_entry(entry_id, **edits)
        self.possible = [self.ledger]

    def killed(self, act: Callable[[], object], at: int) -> bool:
        """Run `act` in a process that is killed at its change number `at`; False where it ends before."""
        self.possible = list(self.possible)
        self.recorder.kill_after(at)
        try:
            act()
        except Killed:
            return True
        finally:
            self.recorder.revive()
        return False

    def see(self, history: GenerationHistory) -> None:
        """Let what a process sees after a kill be possible too; it goes on with that."""
        self.ledger = contents(history)
        if self.ledger not in self.possible:
            self.possible.append(self.ledger)

    def begin_anew(self) -> None:
        """Take everything as it is now for certain."""
        self.recorder.disk = Disk(self.root)


@cache
def _picture() -> bytes:
    return draw(envelope(np.zeros((480, 1), np.float32), WIDTH))


def settle(patch: pytest.MonkeyPatch, seed: int = 1) -> None:
    """Make a trial the same every time, and quick: no folds of their own, ids and times that are counted, one picture."""
    numbers = np.random.default_rng(seed)
    ticks = iter(range(10**6))
    patch.setattr(Folding, "changed", lambda self: None)
    patch.setattr("store.history.draw_thumbnail", lambda drawn: _picture())
    patch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=numbers.bytes(16)))
    patch.setattr("store.history.now", lambda: f"2026-01-01T00:00:00.{next(ticks):06}+00:00")


def _found(history: GenerationHistory, entry_id: str) -> HistoryEntry:
    entry = history.get(entry_id)
    assert entry is not None
    return without_size(entry)


def _without(old: Contents, entry_id: str) -> Contents:
    return {other: entry for other, entry in old.items() if other != entry_id}


def _catalog_of(directory: Path) -> bytes:
    """Return a catalog as closing it would leave it; the one in use is not touched."""
    with tempfile.NamedTemporaryFile(prefix="retake-catalog-") as file:
        database, copy = sqlite3.connect(directory / "catalog.sqlite"), sqlite3.connect(file.name)
        database.backup(copy)
        for opened in (copy, database):
            opened.close()
        return Path(file.name).read_bytes()


def _write_catalog(directory: Path, catalog: bytes) -> int:
    """Put a catalog into a history, sealed as if it had been closed; return which file it is."""
    for name, data in zip(CATALOG_FILES, (catalog, seal_of(catalog)), strict=True):
        (directory / name).write_bytes(data)
    return (directory / CATALOG_FILES[0]).stat().st_ino


# -- judging --------------------------------------------------------------------------------------------------------


class Judge:
    """Opens states of the disk in a scratch folder and says what is wrong with them."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.judged = self.with_stale_catalog = 0

    def complaint(self, case: Case, catalog: bytes = b"", fold: bool = False) -> str | None:
        """Open the history of a case with a catalog or with none, add to it, and cut the power again.

        Return what is wrong, None where nothing is. With `fold` the history is folded before the second cut.
        """
        self.judged += 1
        if not all(any(lost in (content or b"") for content in case.state.values()) for lost in case.evidence):
            return "what was damaged or cut is nowhere any more"
        with pytest.MonkeyPatch.context() as patch:
            settle(patch, seed=3)
            try:
                return self._complaint(case, catalog, fold)
            except (HistoryError, OSError) as error:
                return f"{type(error).__name__}: {error}"

    def complaint_without_document(self, case: Case) -> str | None:
        """Take away the document too, where there is a backup: then the second chain must hold everything."""
        document = f"{HISTORY}/history.json"
        if f"{document}.bak" not in case.state:
            return None
        state = {name: content for name, content in case.state.items() if name != document}
        return self.complaint(replace(case, state=state, damaged=True, evidence=()))

    def _complaint(self, case: Case, catalog: bytes, fold: bool) -> str | None:
        root = self._emptied("first")
        write_state(case.state, root)
        written = 0
        if catalog:
            (root / HISTORY).mkdir(exist_ok=True)
            written = _write_catalog(root / HISTORY, catalog)
        with Recorder(Disk(root)) as recorder, GenerationHistory(root / HISTORY) as history:
            found = contents(history)
            self.with_stale_catalog += bool(written) and inode_of(root / HISTORY / "catalog.sqlite") == written
            back = {*found} if any("taken back from their audio" in each for each in history.problems) else set()
            settled = {entry_id: entry for entry_id, entry in found.items() if entry.seed not in case.may_come_back}
            if settled not in case.possible and found not in case.possible:
                return f"holds {_told(found)}, not {' or '.join(map(_told, case.possible))}"
            for wrong in (
                *_wrong_files(history, found, back),
                *_wrong_snapshots(history, found, case),
                *_wrong_notes(history, case, seen=not catalog),
            ):
                return wrong
            extra = without_size(add(history, 99))
            if fold:
                history.fold()
                extra = _found(history, extra.entry_id)
                for wrong in _wrong_notes(history, case, seen=True):
                    return wrong
                names = [of(gone) for gone in case.purged - {*found} for of in (audio_name, thumbnail_name)]
                if left := [name for name in names if (history.directory / name).exists()]:
                    return f"a fold left files of takes deleted for good: {left}"
        after = self._emptied("second")
        write_state(recorder.disk.worst(), after)
        with GenerationHistory(after / HISTORY) as history:
            if contents(history) != {**found, extra.entry_id: extra}:
                return "does not hold what was found and added after the next power cut"
            for wrong in _wrong_files(history, {**found, extra.entry_id: extra}, without_picture=back):
                return f"after the next power cut: {wrong}"
        return None

    def _emptied(self, name: str) -> Path:
        root = self._scratch / name
        shutil.rmtree(root, ignore_errors=True)
        root.mkdir()
        return root


def _told(held: Contents) -> str:
    return f"{len(held)} takes" if held else "nothing"


def _wrong_files(history: GenerationHistory, found: Contents, without_picture: set[str]) -> Iterator[str]:
    for entry in found.values():
        path = history.directory / entry.audio_file
        if not path.exists():
            yield f"the audio of take {entry.seed} is missing"
        else:
            with path.open("rb") as file:
                if entry.audio_sha256 and read_data_sha256(file) != entry.audio_sha256:
                    yield f"the audio of take {entry.seed} is another's"
        picture = history.directory / entry.thumbnail_file
        if entry.entry_id in without_picture:
            continue  # it is drawn anew when it is asked for
        if not picture.exists() or not picture.read_bytes().endswith(b"IEND\xaeB`\x82"):
            yield f"the thumbnail of take {entry.seed} is not whole"


def _wrong_snapshots(history: GenerationHistory, found: Contents, case: Case) -> Iterator[str]:
    """Yield the takes whose edits are in the document and not in their audio files, from which a repair would read."""
    if case.damaged or not (history.directory / DOCUMENT).exists() or is_version_1(history.directory / DOCUMENT):
        return
    for line in read_lines(history.directory / DOCUMENT):
        folded = unseal(line)
        now, carried = found.get(folded["entry_id"]), carried_entry(history.directory / folded["audio_file"])
        for field in EDITABLE if now and carried else ():
            if carried[field] not in (folded[field], getattr(now, field)):
                yield f"the audio file of take {folded['seed']} does not carry its {field}"


def _wrong_notes(history: GenerationHistory, case: Case, seen: bool) -> Iterator[str]:
    """Yield what `problems` should say and does not, or the other way round; `seen`: the document was read."""
    usual = re.compile("no whole line|taken back from their audio files|bytes before the changes")
    noted = [problem for problem in history.problems if not usual.search(problem)]
    if case.damaged and seen and not noted and not list(history.directory.glob("*.damaged-*")):
        yield "damage passed in silence"
    if not case.damaged and noted:
        yield f"calls a plain power cut damage: {noted}"
