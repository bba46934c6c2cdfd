"""What is left of an index none of whose chains is whole: every line that is as it was written, whatever file it is in."""

from __future__ import annotations

import contextlib
import uuid
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from store import chain, document, journal
from store.chain import BACKUP, DOCUMENT, VERSION_1
from store.errors import IndexDamaged
from store.values import Json


@dataclass(frozen=True)
class Piece:
    """A file of the index by what it says it is, not by its name: files change places when people copy them back.

    `history_id` is empty where its first line cannot be read; `number` is the last journal a document includes, or a
    journal's own.
    """

    path: Path
    is_document: bool
    history_id: str
    number: int


@dataclass
class Gathered:
    """Entries gathered line by line, each with the number of the last journal that its line includes."""

    entries: dict[str, dict[str, Json]] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)
    _includes: dict[str, int] = field(default_factory=dict)
    _waiting: dict[str, list[tuple[int, dict[str, Json]]]] = field(default_factory=dict)

    def offer(self, entry: dict[str, Json], includes: int) -> None:
        """Take in an entry that nothing better is known of, and the edits that came for it before it did."""
        entry_id = entry.get("entry_id")
        if isinstance(entry_id, str) and entry_id not in self.entries:
            self.entries[entry_id] = entry
            self._includes[entry_id] = includes
            for number, edits in self._waiting.pop(entry_id, []):
                if number > includes:
                    entry.update(edits)

    def change(self, change: dict[str, Json], number: int) -> None:
        """Take in a line of journal `number`. An edit whose take's line is damaged waits for the take's audio file."""
        entry_id = change["add"].get("entry_id") if "add" in change else change.get("set", change.get("del"))
        if not isinstance(entry_id, str) or number <= self._includes.get(entry_id, -1):
            return
        if "add" in change:
            self.offer(change["add"], number - 1)
        elif "del" in change:
            self.entries.pop(entry_id, None)
            self._waiting.pop(entry_id, None)
            self.removed.add(entry_id)
        elif entry_id in self.entries:
            self.entries[entry_id].update(change["to"])
        else:
            self._waiting.setdefault(entry_id, []).append((number, change["to"]))


def pieces(root: Path) -> list[Piece]:
    """Return the document, the backup and the journals that are there, as they present themselves."""
    journals = [root / journal.name_of(number) for number in chain.journal_numbers(root)]
    return [_piece(path) for path in (root / DOCUMENT, root / BACKUP, *journals) if path.exists()]


def _piece(path: Path) -> Piece:
    with contextlib.suppress(IndexDamaged):
        stated = document.read_header(path)
        return Piece(path, True, stated.history_id, stated.journal)
    with contextlib.suppress(IndexDamaged):
        header = journal.read_header_under_any_name(path)
        return Piece(path, False, header.history_id, header.number)
    number = journal.number_of(path.name)
    return Piece(path, number is None, "", number or 0)


def history_of(found: list[Piece]) -> str:
    """Return the id that most files of an index state; a new one where none can be read."""
    ids = Counter(piece.history_id for piece in found if piece.history_id)
    return ids.most_common(1)[0][0] if ids else str(uuid.uuid4())


def is_whole(piece: Piece) -> bool:
    """Say whether a file has its own name and every line of it is as it was written."""
    try:
        if piece.path.name in (DOCUMENT, BACKUP):
            for _ in () if document.is_version_1(piece.path) else document.read_lines(piece.path):
                pass
            return True
        journal.read_header(piece.path)
        part = journal.read_part(piece.path, journal.header_size(piece.path))
        return not part.tail and all(part.changes())
    except IndexDamaged:
        return False


def folded_up_to(found: list[Piece]) -> int:
    """Return the last journal that some document includes: what came before it is in the audio files.

    Where no document says so, it is the one before the newest journal with changes: an empty one behind it may have been
    begun by a repair that was cut off.
    """
    stated = [piece.number for piece in found if piece.is_document and piece.history_id]
    if stated:
        return max(stated)
    return max((piece.number for piece in found if not piece.is_document and _has_changes(piece)), default=1) - 1


def _has_changes(piece: Piece) -> bool:
    return any(journal.read_good_changes(piece.path))


def gather(root: Path, found: list[Piece]) -> Gathered:
    """Gather every good line of these files: entries from the newest document that has them, then what journals changed."""
    gathered = Gathered()
    for piece in found:
        if piece.is_document:
            for line in document.read_good_lines(piece.path):
                gathered.offer(chain.fields_of(line), piece.number)
            if piece.history_id and is_whole(piece):
                break  # what an older document has beyond this one was deleted for good
    for path in (root / DOCUMENT, root / VERSION_1):
        with contextlib.suppress(FileNotFoundError):
            for entry in document.read_good_version_1(path):
                gathered.offer(entry, 0)
    for piece in sorted((piece for piece in found if not piece.is_document), key=lambda piece: piece.number):
        for change in journal.read_good_changes(piece.path):
            gathered.change(change, piece.number)
    return gathered
