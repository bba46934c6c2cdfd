"""Make a damaged index whole again, from its second chain, from what lines are good, and from the audio files.

Evidence is set aside under an unused name, never overwritten; what was lost and what was saved is told in words.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from store import chain, document, files, journal
from store.chain import BACKUP, DOCUMENT, VERSION_1, Chain
from store.document import Header
from store.entry import AUDIO_FOLDER, from_document
from store.errors import IndexDamaged, InvalidAudio, InvalidEntry, from_os_error
from store.index import Index, Purge
from store.lines import DamagedLine, seal, unseal
from store.snapshot import read_snapshot
from store.values import Json, decode

DAMAGED = "damaged"


def recover(index: Index, purge: Purge) -> None:
    """Make the index whole, or find that another process has done it.

    The second chain (the backup and its journals) is tried first, then the kept version 1 file, then journals that
    stand on nothing; where no chain is whole, every good line and every audio file's snapshot is gathered.
    """
    try:
        with files.locked(index.root / "fold.lock"), index.locked():
            if not _is_whole(index.root):
                _recover(index, purge)
    except OSError as error:
        raise from_os_error(error, index.root) from error


def _is_whole(root: Path) -> bool:
    try:
        found = chain.find(root, chain.present_base(root))
        _read_through(found)
    except IndexDamaged:
        return False
    return bool(found.base or found.links) or not has_audio(root)


def _read_through(found: Chain) -> None:
    changes, _ = found.read()
    for _ in changes.applied(found.entries()):
        pass


def _recover(index: Index, purge: Purge) -> None:
    headers = [_header_of(index.root / name) for name in (DOCUMENT, BACKUP)]
    newest = max((header.journal + 1 for header in headers if header), default=1)
    for base in (BACKUP, VERSION_1, None):
        with contextlib.suppress(IndexDamaged, FileNotFoundError):
            found = chain.find(index.root, base)
            if found.links and found.links[-1].header.number >= newest:
                _read_through(found)
                _stand_on(index, found, purge)
                return
    _salvage(index)


def _stand_on(index: Index, found: Chain, purge: Purge) -> None:
    """Write the document anew from another chain that is whole."""
    _set_aside(index, [index.root / DOCUMENT])
    name = found.base.name if found.base else "the journals"
    index.notes.append(f"history.json was damaged or missing; everything was read from {name} and what came after.")
    history_id, last = found.links[-1].header.history_id, found.links[-1]
    end = found.read()[1].end
    tail = index.create_journal(last.header.number + 1, history_id, last.header.number, end)
    index.write_document(found, replace(tail, number=last.header.number), purge)


@dataclass
class _Gathered:
    """Entries gathered line by line, each with the number of the last journal that its line includes."""

    entries: dict[str, dict[str, Json]] = field(default_factory=dict)
    includes: dict[str, int] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)

    def offer(self, document_: dict[str, Json], journal_number: int) -> None:
        entry_id = document_.get("entry_id")
        if isinstance(entry_id, str) and entry_id not in self.entries:
            self.entries[entry_id] = document_
            self.includes[entry_id] = journal_number

    def change(self, change: dict[str, Json], number: int) -> None:
        entry_id = change["add"].get("entry_id") if "add" in change else change.get("set", change.get("del"))
        if not isinstance(entry_id, str) or number <= self.includes.get(entry_id, -1):
            return
        if "add" in change:
            self.offer(change["add"], number - 1)
        elif "set" in change:
            self.entries.get(entry_id, {}).update(change["to"])
        else:
            self.entries.pop(entry_id, None)
            self.removed.add(entry_id)


def _salvage(index: Index) -> None:
    """Gather every line that is as it was written, then the audio files' own snapshots, and write a new document."""
    root = index.root
    numbers = chain.journal_numbers(root)
    headers = [header for header in map(_header_of, (root / DOCUMENT, root / BACKUP)) if header]
    highest = max([1, *numbers, *(header.journal for header in headers)])
    history_id = _history_id(root, headers, numbers)
    gathered = _gather(root, numbers)
    found_in_audio = _gather_audio(root, gathered)
    damaged = [path for path in _index_files(root, numbers) if not _is_good(path)]
    _set_aside(index, damaged)
    index.create_journal(highest + 1, history_id, highest, None)
    lines = [seal(entry) for entry in gathered.entries.values()]
    index.replace_document(Header(document.VERSION, history_id, highest, len(lines)), lines, keep_backup=False)
    names = ", ".join(path.name for path in damaged) or "the index"
    index.notes.append(
        f"{names}: damaged or missing. {len(lines)} takes were gathered again, {found_in_audio} of them from their audio "
        "files; edits that stood only on damaged lines are lost."
    )


def _gather(root: Path, numbers: list[int]) -> _Gathered:
    gathered = _Gathered()
    for path in (root / DOCUMENT, root / BACKUP):
        header = _header_of(path)
        with contextlib.suppress(FileNotFoundError, DamagedLine):
            for line in document.read_good_lines(path):
                gathered.offer(unseal(line), header.journal if header else 0)
    for path in (root / DOCUMENT, root / VERSION_1):
        with contextlib.suppress(FileNotFoundError):
            for entry in document.read_good_version_1(path):
                gathered.offer(entry, 0)
    for number in numbers:
        for change in journal.read_good_changes(root / journal.name_of(number)):
            gathered.change(change, number)
    return gathered


def _gather_audio(root: Path, gathered: _Gathered) -> int:
    """Offer the snapshots of audio files whose takes no line names; return how many were taken."""
    found = [
        entry for entry in audio_snapshots(root) if entry["entry_id"] not in {*gathered.entries, *gathered.removed}
    ]
    found.sort(key=lambda entry: (from_document(entry).time_us, entry["entry_id"]))
    for entry in found:
        gathered.offer(entry, 0)
    return len(found)


def audio_snapshots(root: Path) -> Iterator[dict[str, Json]]:
    """Yield the entry that each audio file carries, its file's name and size as they are now; skip files without one."""
    for path in audio_files(root):
        entry = read_audio_snapshot(path)
        if entry is not None:
            yield {**entry, "audio_file": f"{AUDIO_FOLDER}/{path.name}", "size_bytes": path.stat().st_size}


def read_audio_snapshot(path: Path) -> dict[str, Json] | None:
    """Return the entry that an audio file carries; None where it carries none that can be read."""
    try:
        with path.open("rb") as file:
            text = read_snapshot(file)
        entry = None if text is None else decode(json.loads(text))
        from_document(entry)
    except (OSError, InvalidAudio, InvalidEntry, ValueError, RecursionError):
        return None
    return entry if isinstance(entry, dict) else None


def audio_files(root: Path) -> list[Path]:
    """Return the WAV files of the audio folder: regular files only, in the order of their names."""
    try:
        with os.scandir(root / AUDIO_FOLDER) as items:
            found = [Path(item.path) for item in items if item.name.endswith(".wav") and _is_regular(item)]
    except FileNotFoundError:
        return []
    return sorted(found)


def _is_regular(item: os.DirEntry[str]) -> bool:
    return item.is_file(follow_symlinks=False) and not files.is_temporary(item.name)


def has_audio(root: Path) -> bool:
    """Say whether any audio file carries a snapshot of ours."""
    return any(read_audio_snapshot(path) is not None for path in audio_files(root))


def _index_files(root: Path, numbers: list[int]) -> list[Path]:
    paths = [root / DOCUMENT, root / BACKUP, *(root / journal.name_of(number) for number in numbers)]
    return [path for path in paths if path.exists()]


def _is_good(path: Path) -> bool:
    try:
        if path.name in (DOCUMENT, BACKUP):
            if document.is_version_1(path):
                return True
            for _ in document.read_lines(path):
                pass
        else:
            journal.read_header(path)
            return not journal.read_part(path, journal.header_size(path)).tail
    except IndexDamaged:
        return False
    return True


def _header_of(path: Path) -> Header | None:
    try:
        return document.read_header(path)
    except (IndexDamaged, FileNotFoundError):
        return None


def _history_id(root: Path, headers: list[Header], numbers: list[int]) -> str:
    for header in headers:
        return header.history_id
    for number in numbers:
        with contextlib.suppress(IndexDamaged):
            return journal.read_header(root / journal.name_of(number)).history_id
    return str(uuid.uuid4())


def _set_aside(index: Index, paths: list[Path]) -> None:
    for path in paths:
        if path.exists():
            aside = files.set_aside(path, DAMAGED)
            index.notes.append(f"{path.name} was damaged; it is kept as {aside.name}.")
    files.sync_folder(index.root)
