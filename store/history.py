"""The history of takes: add, list, get, change, delete and restore."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from msgspec.structs import replace as with_fields

from store import files, media, pictures, recovery, sounds
from store.audio import Samples, encode_samples, prepare
from store.beside import Beside
from store.catalog import Building, Catalog, Facet
from store.entry import (
    AUDIO_FOLDER,
    EDITABLE,
    THUMBNAIL_FOLDER,
    GenerationConfig,
    GenerationResult,
    HistoryEntry,
    checked_bool,
    checked_count,
    checked_edits,
    checked_name,
    from_document,
    new_id,
    now,
    requested,
)
from store.envelope import Envelope, envelope
from store.errors import (
    CommitUncertain,
    EntryNotFound,
    HistoryError,
    IndexDamaged,
    InvalidEntry,
    StoreFull,
    StoreUnavailable,
    from_os_error,
    shown,
)
from store.folding import Folding
from store.index import FOLD_LINES, Index, Tail
from store.loudness import Level, measure
from store.preset import Preset
from store.presets import Presets
from store.progress import Progress, no_progress
from store.quality import quality
from store.query import filters_of, whole_number
from store.snapshot import embed_snapshot
from store.thumbnail import WIDTH
from store.thumbnail import draw as draw_thumbnail
from store.upkeep import Upkeep, snapshot_text
from store.values import MAX_BYTES, MAX_LISTS, Json, brackets, is_surely_shorter, plain
from store.votes import Vote, with_vote

T = TypeVar("T")
MOST_COLUMNS = 100_000
WORTH_A_THREAD = 48_000  # frames


@dataclass(frozen=True)
class RepairReport:
    """What does not match: ids of entries whose audio is missing, and audio files that no entry names."""

    missing: tuple[str, ...]
    orphans: tuple[str, ...]


class GenerationHistory:
    """Every generation of a folder, kept with its parameters, audio and thumbnail until it is deleted.

    Opening makes the folder where there is none, and repairs a damaged index from its second copy or the audio files
    (`problems` says what was found). Where much must be read, `progress` is told how much of it has been: entries, or
    audio files. With `patient=False` a long history is open at once although its catalog is missing: until that is
    built (`building`), lists, counts and sums are of the newest takes alone. Raises `StoreUnavailable` where the folder
    cannot be used, `UnsupportedVersion` where a newer program wrote it; nothing is touched then. Methods may be called
    from any thread; several processes may use one folder at once.

    >>> from store import GenerationHistory, GenerationResult
    >>> with GenerationHistory(getfixture("tmp_path")) as history:
    ...     entry = history.add_to_history(GenerationResult([0.0, 0.5, -0.5] * 100, 48_000, seed_used=7), "synth", "Synth")
    ...     history.count(), history.get(entry.entry_id).seed
    (1, 7)
    """

    def __init__(self, directory: str | Path, progress: Progress = no_progress, patient: bool = True) -> None:
        self.directory = _absolute(directory)
        self._prepare_folder()
        self._progress = progress
        self.from_audio = 0
        self.presets = Presets(self.directory)
        self._index = Index(self.directory)
        self._upkeep = Upkeep(self.directory, self._index)
        self._catalog = Catalog(self._index, patient, progress)
        self._folding = Folding(self._fold_quietly, self._index.takes_about, self._fold_overdue)
        try:
            self._reliably(self._open)
        except BaseException:
            self._catalog.close()
            raise

    def _prepare_folder(self) -> None:
        if "\0" in str(self.directory):
            raise StoreUnavailable(self.directory, "no folder's name can hold NUL")
        folders = (self.directory, self.directory / AUDIO_FOLDER, self.directory / THUMBNAIL_FOLDER)
        try:
            for folder in folders:
                files.make_folder(folder)
        except OSError as error:
            if not os.path.isdir(self.directory):  # noqa: PTH112 - is_dir() raises where the name is too long
                raise from_os_error(error, self.directory) from error

    def _open(self) -> None:
        found = self._index.present()
        if not found.base and not found.links and sounds.has_takes(self.directory):
            raise IndexDamaged(
                self.directory / "history.json", "it is missing, and there are takes in the audio folder"
            )
        self._catalog.begin()
        with contextlib.suppress(StoreUnavailable):  # a folder that cannot be written is left as it is
            self._cut_bad_tail()

    def _cut_bad_tail(self) -> None:
        """Come to the newest journal's good end; take back the takes whose lines had to be cut off."""
        with self._index.locked():
            self._index.step()
        if self._index.was_cut() or self._catalog.missing:
            self._adopt_orphans()

    def make_whole(self) -> None:
        """Read the whole index, and make it whole where it is not; opening looks only at what it needs."""
        self._reliably(self._recover)
        recovery.renew_backup(self._index)

    def _recover(self) -> None:
        self.from_audio += recovery.recover(self._index, self._upkeep, self._progress)

    def renew_catalog(self) -> None:
        """Throw the catalog away; it is built again from the index when next asked."""
        self._catalog.give_up_file()

    def take_back_orphans(self) -> int:
        """Take back the takes that audio files carry and the index does not know; return how many.

        A take whose deletion for good is still in a journal stays deleted: its file is about to go.
        """
        return self._reliably(self._adopt_orphans)

    def _adopt_orphans(self) -> int:
        """Ask the index itself which takes there are: a wrong "no" would put a take back as it was when it was added."""
        known = self._index.known_ids()  # before looking: a fold removes a deleted take's file, and then the line
        unnamed = [path for path in sounds.audio_files(self.directory) if path.stem not in known]
        found = sounds.look_through(unnamed, self._progress)
        adopted = 0
        with self._index.locked():
            known |= self._index.known_ids()
            for document in found.entries:
                if document["entry_id"] not in known:
                    self._index.commit(document["entry_id"], [{"add": document}])
                    adopted += 1
        self._index.notes += recovery.left_over(found)
        if adopted:
            self._index.notes.append(f"Takes taken back from their audio files: {adopted:,}.")
            self._folding.changed()
        return adopted

    def close(self) -> None:
        """Fold what is waiting into the document, and close. A fold that fails loses nothing: the journals stay."""
        try:
            if self._folding.close():
                self._fold_quietly()
            self._index.leave_no_room()
        finally:
            self._catalog.close()

    def __enter__(self) -> GenerationHistory:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def problems(self) -> tuple[str, ...]:
        """What was found damaged and set aside or built again since opening, in words."""
        return (*self._index.notes, *self._catalog.notes, *self.presets.problems)

    @property
    def building(self) -> Building | None:
        """How far a catalog has come that is being built, where this is not patient; None where lists are whole."""
        return self._catalog.building

    def require_writable(self) -> None:
        """Raise `StoreUnavailable` (or `StoreFull`) where nothing could be added now."""
        try:
            files.try_writing(self.directory / AUDIO_FOLDER)
        except OSError as error:
            raise from_os_error(error, self.directory) from error

    # -- adding -----------------------------------------------------------------------------------------------------

    def add_to_history(
        self,
        result: GenerationResult,
        model_id: str,
        model_name: str,
        slider_positions: Any = None,
        n_components: int = 0,
        preset_name: str = "custom",
        params: Any = None,
        parent_id: str | None = None,
        *,
        again: str | None = None,
        preset_id: str | None = None,
        preset_changed: bool | None = None,
    ) -> HistoryEntry:
        """Keep a generation, with everything that was asked for; when this returns, it survives a power cut.

        The audio is kept as it is at the depth of `result.config.bit_depth` (16 or 24 bit PCM, or 32-bit float).
        Raises `InvalidAudio`, `InvalidEntry`, `StoreFull` or `StoreUnavailable` with nothing left behind, or
        `CommitUncertain`. To try that one again, pass its `entry_id` as `again`: where the take is there after all, it
        is returned as it is, and otherwise it is added under that same id, so that it can never be there twice.
        `preset_id` is the preset that the controls were loaded from, `preset_changed` whether they were changed since.
        """
        if again is not None and (saved := self.get(again)) is not None:
            return saved
        if not isinstance(result, GenerationResult) or not isinstance(result.config, GenerationConfig):
            raise InvalidEntry("result", "must be a GenerationResult with a GenerationConfig")
        samples = prepare(result.audio, result.sample_rate, result.config.bit_depth)
        looked_at = Beside(lambda: _looked_at(samples)) if samples.frames >= WORTH_A_THREAD else None
        wav, audio_sha256 = encode_samples(samples)
        measured, thumbnail = looked_at.result() if looked_at else _looked_at(samples)
        given = {} if result.quality is None else plain(result.quality, "quality")
        if not isinstance(given, dict):
            raise InvalidEntry("quality", f"must be an object, not {shown(given)}")
        entry_id = again or new_id()
        asked = requested(result, model_id, model_name, slider_positions, n_components, preset_name)
        entry = HistoryEntry(
            **asked,
            entry_id=entry_id,
            timestamp=now(),
            params=plain(params, "params"),
            parent_id=None if parent_id is None else checked_name("parent_id", parent_id),
            preset_id=None if preset_id is None else checked_name("preset_id", preset_id),
            preset_changed=None if preset_changed is None else checked_bool("preset_changed", preset_changed),
            duration_s=samples.duration_s,
            sample_rate=samples.sample_rate,
            bit_depth=samples.bit_depth,
            channels=samples.channels,
            frames=samples.frames,
            audio_sha256=audio_sha256,
            quality_score={**measured, **given},
            audio_file=media.audio_name(entry_id),
            thumbnail_file=media.thumbnail_name(entry_id),
        )
        _checked_snapshot(entry)
        with_snapshot = embed_snapshot(wav, snapshot_text(entry))
        entry = from_document({**entry.to_document(), "size_bytes": len(with_snapshot)})
        self._keep(entry, with_snapshot, thumbnail, is_new=again is None)
        return entry

    def _keep(self, entry: HistoryEntry, wav: bytes, thumbnail: bytes, is_new: bool) -> None:
        """Write the files, then the index: an entry never names a file that is not there.

        What fails leaves no files behind, unless a line of an earlier attempt may name them after a power cut.
        """
        paths = [self.directory / entry.audio_file, self.directory / entry.thumbnail_file]
        try:
            self._reliably(self._index.begin)
            for path, data in zip(paths, (wav, thumbnail), strict=True):
                files.create(path, [data])
                files.sync_folder(path.parent)
            self._reliably(lambda: self._index.commit(entry.entry_id, [{"add": entry.to_document()}]))
        except CommitUncertain:
            raise
        except BaseException as error:
            if is_new and not self._may_hold(entry.entry_id):
                for path in paths:
                    with contextlib.suppress(OSError):
                        files.remove(path)
            if isinstance(error, OSError):
                raise from_os_error(error, self.directory) from error
            raise
        self._folding.changed()

    def _may_hold(self, entry_id: str) -> bool:
        """Say whether the index may name an entry whose adding failed: Ctrl-C can come behind the commit point."""
        try:
            return self._catalog.get(entry_id) is not None
        except (HistoryError, OSError):
            return True

    # -- asking -----------------------------------------------------------------------------------------------------

    def list_entries(
        self,
        model_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        sort: str = "newest",
        **filters: Any,
    ) -> list[HistoryEntry]:
        """Return entries, newest first, or in the order of `sort`: newest, oldest, longest, loudest.

        `filters`: `query` (every word found in title, tags, note, parameters, model, preset or seed), `preset_id`, `favorite`,
        `min_rating`, `tags` (all of them), `to_check`, `since` and `until` (seconds since 1970), `deleted` (the trash
        instead). Ties of time are in order of adding. Raises `InvalidEntry` for a filter that cannot be.
        """
        asked = filters_of(model_id=model_id, **filters)
        most = None if limit is None else whole_number("limit", limit)
        start = whole_number("offset", offset)
        return self._reliably(lambda: self._catalog.entries(asked, sort, most, start))

    def count(self, model_id: str | None = None, **filters: Any) -> int:
        """Return how many entries pass the filters of `list_entries`."""
        asked = filters_of(model_id=model_id, **filters)
        return self._reliably(lambda: self._catalog.count(asked))

    def get(self, entry_id: str) -> HistoryEntry | None:
        """Return the entry with this id, deleted or not; None where there is none."""
        if not isinstance(entry_id, str):
            return None
        return self._reliably(lambda: self._catalog.get(entry_id))

    def get_total_size(self, deleted: bool | None = None) -> int:
        """Return the bytes of all audio files, the trash included; with `deleted`, of the takes in it or out of it."""
        of = None if deleted is None else checked_bool("deleted", deleted)
        return self._reliably(lambda: self._catalog.total_size(of))

    def models(self) -> list[Facet]:
        """Return the models of the takes outside the trash, the most used first."""
        return self._reliably(self._catalog.models)

    def tags(self) -> list[Facet]:
        """Return the tags of the takes outside the trash, the most used first."""
        return self._reliably(self._catalog.tags)

    def used_presets(self) -> list[Facet]:
        """Return the presets that takes outside the trash came from, the most used first; value and label are the id."""
        return self._reliably(self._catalog.presets)

    def revision(self) -> str:
        """Return a text that changes whenever any process changes the history. Raises `StoreUnavailable`."""
        return self._reliably(self._catalog.revision)

    # -- changing ---------------------------------------------------------------------------------------------------

    def update_entry(self, entry_id: str, **edits: Any) -> HistoryEntry:
        """Change `favorite`, `rating` (1 to 5 or None), `tags`, `note` or `title`; return the entry as it is then.

        Raises `EntryNotFound` and `InvalidEntry` with nothing changed.
        """
        return self._set(entry_id, checked_edits(edits))

    def delete_entry(self, entry_id: str, permanent: bool = False) -> bool:
        """Move an entry to the trash, or with `permanent` remove it and its files; False where there is none."""
        for_good = checked_bool("permanent", permanent)
        try:
            if for_good:
                self._purge(entry_id)
            else:
                self._set(entry_id, {"deleted_at": now()}, unless=lambda entry: entry.deleted)
        except EntryNotFound:
            return False
        return True

    def restore_entry(self, entry_id: str) -> HistoryEntry:
        """Take an entry out of the trash. Raises `EntryNotFound`."""
        return self._set(entry_id, {"deleted_at": None}, unless=lambda entry: not entry.deleted)

    def record_vote(
        self,
        preferred_id: str,
        other_id: str,
        *,
        blind: bool = False,
        trial: int | None = None,
        series: str | None = None,
    ) -> Vote:
        """Let two takes keep that the first was preferred; return the vote as the preferred take keeps it.

        Each keeps its newest 200 votes. Both lines are written at once; a power cut before this returns may leave one of them.
        Raises `EntryNotFound` and `InvalidEntry` with nothing changed.
        """
        if preferred_id == other_id:
            raise InvalidEntry("other_id", "must be another take")
        vote = Vote(
            vote_id=new_id(),
            at=now(),
            against=other_id,
            preferred=True,
            blind=checked_bool("blind", blind),
            trial=checked_count("trial", trial, optional=True),
            series=None if series is None else checked_name("series", series),
        )
        votes = {preferred_id: vote, other_id: with_fields(vote, against=preferred_id, preferred=False)}

        def change() -> None:
            for entry_id in votes:
                self._catalog.wait_until_sure(entry_id)
            with self._index.locked():
                tail = self._index.step()
                entries = [self._require(entry_id, tail) for entry_id in votes]
                to = {entry.entry_id: {"votes": with_vote(entry.votes, votes[entry.entry_id])} for entry in entries}
                for entry in entries:
                    _checked_snapshot(with_fields(entry, **to[entry.entry_id]))
                changes = [{"set": entry_id, "to": fields} for entry_id, fields in to.items()]
                self._catalog.wrote(self._index.commit(preferred_id, changes, tail))

        self._with_room(change)
        self._folding.changed()
        return vote

    def save_preset(self, entry_id: str, name: str, *, folder: str = "", with_duration: bool = False) -> Preset:
        """Keep the settings of a take as a preset, without its duration unless told. Raises `EntryNotFound`, `InvalidPreset`."""
        entry = self._entry_of(entry_id)
        return self.presets.save_take(entry, name, folder=folder, with_duration=with_duration)

    def _set(
        self, entry_id: str, to: dict[str, Json], unless: Callable[[HistoryEntry], bool] | None = None
    ) -> HistoryEntry:
        def change() -> HistoryEntry:
            self._catalog.wait_until_sure(entry_id)
            with self._index.locked():
                tail = self._index.step()
                entry = self._require(entry_id, tail)
                if to and not (unless and unless(entry)):
                    edited = with_fields(entry, **to)
                    if not to.keys().isdisjoint(EDITABLE):
                        _checked_snapshot(edited)
                    self._catalog.wrote(self._index.commit(entry_id, [{"set": entry_id, "to": to}], tail))
                    return edited
                return entry

        entry = self._with_room(change)
        self._folding.changed()
        return entry

    def _purge(self, entry_id: str) -> None:
        def change() -> HistoryEntry:
            self._catalog.wait_until_sure(entry_id)
            with self._index.locked():
                tail = self._index.step()
                entry = self._require(entry_id, tail)
                self._catalog.wrote(self._index.commit(entry_id, [{"del": entry_id}], tail))
                return entry

        entry = self._with_room(change)
        with contextlib.suppress(OSError):  # the take is gone when its line is durable; a fold removes what is left
            self._upkeep.purge([entry.to_document()])
        self._folding.changed()

    def _require(self, entry_id: str, tail: Tail | None = None) -> HistoryEntry:
        entry = self._catalog.get(entry_id, tail) if isinstance(entry_id, str) else None
        if entry is None:
            raise EntryNotFound(entry_id)
        return entry

    def _with_room(self, change: Callable[[], T]) -> T:
        """Run a change that must work on a full disk too: the catalog gives up its space for it."""
        try:
            return self._reliably(change)
        except StoreFull:
            self._catalog.give_up_file()
            return self._reliably(change)

    # -- files ------------------------------------------------------------------------------------------------------

    def audio_path(self, take: str | HistoryEntry) -> Path:
        """Return where a take's audio is or should be, by its id or from its entry without looking it up.

        Raises `EntryNotFound` for an id there is not, `InvalidEntry` for a path that leads out of the history.
        """
        entry = self._entry_of(take)
        return media.inside(self.directory, entry, entry.audio_file, "audio_file")

    def thumbnail_path(self, take: str | HistoryEntry) -> Path:
        """Return where a take's thumbnail is or should be. Raises like `audio_path`."""
        entry = self._entry_of(take)
        return media.inside(self.directory, entry, entry.thumbnail_file, "thumbnail_file")

    def audio_exists(self, take: str | HistoryEntry) -> bool:
        """Say whether a take's audio file is there. Raises `EntryNotFound`."""
        path = self._inside(self.audio_path, take)
        return path is not None and media.is_there(path)

    def thumbnail(self, take: str | HistoryEntry) -> bytes | None:
        """Return a take's waveform as a 400×60 alpha-only PNG; drawn anew where the stored one is missing or another's.

        None where it would have to be drawn and the audio is missing or cannot be read. Raises `EntryNotFound`.
        """
        entry = self._entry_of(take)
        stored = self._inside(self.thumbnail_path, entry)
        return pictures.thumbnail(self.directory, entry.entry_id, stored, self._inside(self.audio_path, entry))

    def _entry_of(self, take: str | HistoryEntry) -> HistoryEntry:
        return take if isinstance(take, HistoryEntry) else self._reliably(lambda: self._require(take))

    def spectrogram(self, entry_id: str) -> bytes | None:
        """Return a take's log-frequency spectrogram as an alpha-only PNG; None without readable audio."""
        return pictures.spectrogram(self.directory, entry_id, self._inside(self.audio_path, entry_id))

    def envelope(self, entry_id: str, columns: int) -> Envelope | None:
        """Return the exact peaks of a take in `columns` columns (1 to 100,000); None without readable audio.

        Raises `EntryNotFound`, `InvalidEntry`.
        """
        wanted = whole_number("columns", columns)
        if not 1 <= wanted <= MOST_COLUMNS:
            raise InvalidEntry("columns", f"must be 1 to {MOST_COLUMNS:,}")
        return pictures.envelope(self._inside(self.audio_path, entry_id), wanted)

    def level(self, entry_id: str) -> Level | None:
        """Return how loud a take is (ITU-R BS.1770) and its highest sample; None without readable audio.

        It is measured when it is first asked for, and kept in the entry, where that can be written. Raises `EntryNotFound`.
        """
        entry = self._entry_of(entry_id)
        if entry.peak_dbfs is not None:
            return Level(entry.loudness_lufs, entry.peak_dbfs)
        level = media.read_audio(self._inside(self.audio_path, entry_id), measure)
        if level is not None:
            with contextlib.suppress(StoreUnavailable, CommitUncertain):  # it is measured again next time
                self._set(entry_id, asdict(level))
        return level

    def loudness(self, entry_id: str) -> float | None:
        """Return a take's integrated loudness in LUFS; None for silence, and without readable audio. Raises `EntryNotFound`."""
        level = self.level(entry_id)
        return None if level is None else level.loudness_lufs

    def _inside(self, path_of: Callable[[T], Path], take: T) -> Path | None:
        with contextlib.suppress(InvalidEntry):
            return path_of(take)
        return None

    # -- care -------------------------------------------------------------------------------------------------------

    def repair_history(self) -> RepairReport:
        """Report entries whose audio is missing and audio files that no entry names. Both are kept, neither is changed."""
        entries = [*self.list_entries(), *self.list_entries(deleted=True)]
        missing = [entry.entry_id for entry in entries if not self.audio_exists(entry)]
        named = {entry.audio_file for entry in entries}
        found = (f"{AUDIO_FOLDER}/{path.name}" for path in sounds.audio_files(self.directory))
        return RepairReport(tuple(missing), tuple(name for name in found if name not in named))

    def fold(self) -> bool:
        """Write the document anew with everything that the journals hold; False where there was nothing to write."""
        return self._reliably(lambda: self._index.fold(self._upkeep))

    def _fold_quietly(self) -> None:
        """Fold; a failure is noted and loses nothing, the journals stay."""
        try:
            self._sweep()
            self.fold()
            self._catalog.folded()
        except HistoryError as error:
            self._index.notes.append(f"history.json was not written anew: {error}")

    def _sweep(self) -> None:
        for folder in (self.directory, self.directory / AUDIO_FOLDER, self.directory / THUMBNAIL_FOLDER):
            with contextlib.suppress(OSError):
                files.sweep(folder)

    def _fold_overdue(self) -> bool:
        return self._index.pending_lines() > max(FOLD_LINES, self._index.takes_about() // 4)

    def _reliably(self, act: Callable[[], T]) -> T:
        """Run `act`; where the index turns out damaged, make it whole and run it once more."""
        try:
            return self._translated(act)
        except IndexDamaged:
            self._recover()
            return self._translated(act)

    def _translated(self, act: Callable[[], T]) -> T:
        try:
            return act()
        except OSError as error:
            raise from_os_error(error, self.directory) from error


def _looked_at(samples: Samples) -> tuple[dict[str, Any], bytes]:
    """Return what is measured of a take, and its picture."""
    return quality(samples), draw_thumbnail(envelope(samples.pcm, WIDTH))


def _absolute(directory: str | Path) -> Path:
    try:
        return Path(os.path.abspath(Path(directory).expanduser()))  # noqa: PTH100 - absolute() keeps ".."
    except RuntimeError as error:  # ~ of a user that there is not
        raise StoreUnavailable(Path(directory), str(error)) from error


def _checked_snapshot(entry: HistoryEntry) -> None:
    """Raise `InvalidEntry` where an entry is too large to be read back from its audio file."""
    if is_surely_shorter(entry, MAX_LISTS):
        return
    text = snapshot_text(entry)
    if len(text) > MAX_BYTES:
        raise InvalidEntry("entry", f"is {len(text):,} bytes of JSON; the most is {MAX_BYTES:,}")
    if brackets(text) > MAX_LISTS:
        raise InvalidEntry("entry", f"holds more than {MAX_LISTS:,} lists and objects")
