"""What the files of takes need when the index has changed: gone with a deletion for good, and tagged with later edits.

A fold calls this before it replaces the document, so whatever a killed fold left undone is done by the next one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from store import files, media, pictures
from store.chain import NOT_IN_SNAPSHOTS, Position
from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER, HistoryEntry, from_document
from store.errors import CommitUncertain, IndexDamaged, InvalidAudio, InvalidEntry, StoreUnavailable
from store.index import Index
from store.reading import open_regular
from store.snapshot import with_snapshot
from store.sounds import carried_entry
from store.values import Json, dumps
from store.wav import read_data_sha256


def snapshot_text(entry: HistoryEntry) -> str:
    """Return an entry as its audio file carries it: ASCII JSON, without what the file itself tells."""
    return dumps({**entry.to_document(), **dict.fromkeys(NOT_IN_SNAPSHOTS)}, ascii_only=True).decode("ascii")


class Upkeep:
    """The files of one history's takes, brought up to what its index says."""

    def __init__(self, root: Path, index: Index) -> None:
        self._root = root
        self._index = index

    def purge(self, removed: list[dict[str, Json]]) -> None:
        """Remove the files of entries that are gone for good; what cannot be removed now is an orphan that verify names."""
        for document in removed:
            with contextlib.suppress(InvalidEntry, OSError):
                self._remove_files_of(from_document(document))
        if removed:
            for folder in (AUDIO_FOLDER, THUMBNAIL_FOLDER):
                with contextlib.suppress(FileNotFoundError):
                    files.sync_folder(self._root / folder)

    def _remove_files_of(self, entry: HistoryEntry) -> None:
        """Remove a take's files, but none that is another's, whatever the entry names.

        A file is the take's where it is named after the id, or where it is a sound that carries this take.
        """
        with contextlib.suppress(InvalidEntry):
            path = media.inside(self._root, entry, entry.audio_file, "audio_file")
            if media.has_own_audio(entry) or _carries(path, entry):
                files.remove(path)
        with contextlib.suppress(InvalidEntry):
            path = media.inside(self._root, entry, entry.thumbnail_file, "thumbnail_file")
            if media.has_own_thumbnail(entry):
                files.remove(path)
        pictures.forget(self._root, entry.entry_id)

    def write_snapshots(self, edited: list[dict[str, Json]], since: Position) -> None:
        """Let the audio file of each entry carry the entry as it is now, unless it was deleted for good after `since`.

        A file whose samples are not the entry's is left alone, and noted; a take without a sound has nowhere to write
        to, and is passed over. What fails is noted: the edits are in the index in any case.
        """
        if not edited:
            return
        later = _Deletions(self._index, since)
        troubles: list[str] = []
        for document in edited:
            try:
                entry = from_document(document)
                self._write_snapshot(entry, later)
            except (FileNotFoundError, InvalidEntry):
                continue
            except (InvalidAudio, StoreUnavailable, CommitUncertain, OSError) as error:
                troubles.append(f"take {entry.entry_id}: {error}")
        with contextlib.suppress(FileNotFoundError):
            files.sync_folder(self._root / AUDIO_FOLDER)
        if troubles:
            more = f", and {len(troubles) - 1} more" if len(troubles) > 1 else ""
            self._index.notes.append(
                f"Edits could not be written into audio files, only into the index: {troubles[0]}{more}."
            )

    def _write_snapshot(self, entry: HistoryEntry, later: _Deletions) -> None:
        """Replace a take's audio file by one with the same samples that carries the entry as it is now.

        The samples are hashed before and again in the new file, which takes the old one's name only where both are the
        entry's. Raises `InvalidAudio`, `InvalidEntry` or `OSError` with the old file as it was.
        """
        path = media.inside(self._root, entry, entry.audio_file, "audio_file")
        carried = carried_entry(path)
        if carried is not None and carried["entry_id"] != entry.entry_id:
            raise InvalidAudio(f"it is the sound of take {carried['entry_id']}")
        if carried is None and not _may_be_of(path, entry):
            raise InvalidAudio("it carries no take, and its name does not say that it is this one's")
        with open_regular(path) as old:
            before = read_data_sha256(old)
            if entry.audio_sha256 not in (None, before):
                raise InvalidAudio("its samples are not those that were saved")

            @contextlib.contextmanager
            def naming(new: Path) -> Iterator[bool]:
                with new.open("rb") as file:
                    if read_data_sha256(file) != before:
                        raise InvalidAudio("its samples did not survive being copied")
                with self._index.locked():
                    size_bytes = files.size_of(new)
                    wanted = entry.entry_id not in later.ids()
                    yield wanted
                    if wanted and entry.size_bytes not in (None, size_bytes):  # version 1 states none
                        resized: dict[str, Json] = {"set": entry.entry_id, "to": {"size_bytes": size_bytes}}
                        self._index.commit(entry.entry_id, [resized])

            files.create(path, with_snapshot(old, snapshot_text(entry)), naming)


def _carries(path: Path, entry: HistoryEntry) -> bool:
    carried = carried_entry(path)
    return carried is not None and carried["entry_id"] == entry.entry_id


def _may_be_of(path: Path, entry: HistoryEntry) -> bool:
    """Say whether a sound that carries no take may be this one's: by its name, or by samples that are known."""
    return media.has_own_audio(entry) or (entry.audio_sha256 is not None and not media.is_uuid(path.stem))


class _Deletions:
    """The ids that were deleted for good after a position; to be asked under the history's lock."""

    def __init__(self, index: Index, since: Position) -> None:
        self._index = index
        self._position = since
        self._ids: set[str] = set()

    def ids(self) -> set[str]:
        """Return the ids up to now. Raises `IndexDamaged`."""
        delta = self._index.since(self._position)
        if delta is None:
            raise IndexDamaged(self._index.root, "a journal is gone that a fold needs")
        self._position = delta.position
        self._ids |= {change["del"] for change in delta.changes if "del" in change}
        return self._ids
