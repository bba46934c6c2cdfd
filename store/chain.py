"""A chain: a base document and every journal after it, which together are the whole history."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from store import document, journal
from store.document import NOTHING, Header
from store.errors import IndexDamaged, InvalidEntry
from store.journal import JournalHeader, Part
from store.lines import DamagedLine, crc_of, seal, seal_body, unseal
from store.values import Json, dumps, loads

NOT_IN_SNAPSHOTS = frozenset({"size_bytes", "loudness_lufs", "peak_dbfs"})
"""What the file itself tells: its size, and what is measured from its samples when it is first asked for."""
DOCUMENT, BACKUP, VERSION_1 = "history.json", "history.json.bak", "history.v1.json"
PART_BYTES = 256 << 10  # less than a millisecond's reading
_ID_START = b'{"crc":"00000000","entry_id":"'


@dataclass(frozen=True)
class Position:
    """How far the index has been read: the last line read, where it stands, and its CRC.

    `journal` is 0 while there is no journal; `history_id` then names the version 1 file, or is empty.
    """

    history_id: str
    journal: int
    line_start: int
    end: int
    crc: str

    def after(self, part: Part) -> Position:
        """Return the position after a part of the same journal that was read from here."""
        if not part.lines:
            return self
        return replace(self, line_start=part.end - len(part.lines[-1]) - 1, end=part.end, crc=part.last_crc)


@dataclass(frozen=True)
class Link:
    """One journal of a chain; `limit` is where the next journal says it ends, None for the newest."""

    path: Path
    header: JournalHeader
    limit: int | None

    def parts(self, start: int) -> Iterator[Part]:
        """Yield the lines from byte `start` on, some at a time; the last part says what follows them."""
        part = journal.read_part(self.path, start, self.limit, PART_BYTES)
        while not part.whole:
            yield part
            part = journal.read_part(self.path, part.end, self.limit, PART_BYTES)
        yield part
        if self.limit is None:
            yield journal.read_part(self.path, part.end)


@dataclass(frozen=True)
class Chain:
    """A base (None: nothing) with the journals after it. What `find` returns is consistent, but its lines are unread."""

    root: Path
    base: Path | None
    header: Header
    links: tuple[Link, ...]

    def entries(self) -> Iterator[bytes]:
        """Yield the sealed lines of the base's entries. Raises `IndexDamaged` where one is not as written."""
        if self.base is None:
            return iter(())
        if self.header.version == 1:
            return upgraded(self.base)
        return document.read_lines(self.base)

    def read(self, paced: Callable[[Iterator[Json]], Iterator[Json]] = iter) -> tuple[Changes, Position]:
        """Read every journal: what they change, and where the last one was found to end.

        The changes go through `paced`, which may take its time. Raises `IndexDamaged`; a bad last line of the newest
        journal is left out.
        """
        changes = Changes()
        position = Position(_version_1_name(self.base), 0, 0, 0, "")
        for link in self.links:
            first_line = link.header.line()
            position = Position(link.header.history_id, link.header.number, 0, len(first_line), crc_of(first_line))
            for part in link.parts(position.end):
                for change in paced(part.changes()):
                    changes.take(change)
                position = position.after(part)
        return changes, position


@dataclass
class Changes:
    """What journals do to the entries of a base: entries added, fields set, entries removed; `edited` are ids with fields set.

    What was added is kept as JSON, which takes a fifth of the memory.
    """

    added: dict[str, bytes] = field(default_factory=dict)
    fields: dict[str, dict[str, Json]] = field(default_factory=dict)
    removed: dict[str, dict[str, Json]] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)

    def take(self, change: dict[str, Json]) -> None:
        """Take in one line's change; values of `set` are absolute, so a later one wins field by field."""
        if "add" in change:
            entry_id = change["add"]["entry_id"]
            self.added[entry_id] = dumps(change["add"])
            self.fields.pop(entry_id, None)
        elif "set" in change:
            if change["to"].keys() - NOT_IN_SNAPSHOTS:
                self.edited.add(change["set"])
            self.fields.setdefault(change["set"], {}).update(change["to"])
        else:
            added = self.added.pop(change["del"], None)
            self.removed[change["del"]] = loads(added) if added else {}

    def applied(self, entries: Iterable[bytes]) -> Iterator[bytes]:
        """Yield the sealed entry lines after the changes: the base's in their order, then the added."""
        for line in entries:
            entry_id = id_of(line)
            if entry_id in self.removed:
                self.removed[entry_id] = fields_of(line)
            elif entry_id not in self.added:
                edits = self.fields.get(entry_id)
                fields = fields_of(line) if edits else None
                yield seal({**fields, **edits}) if fields and edits else line
        for entry_id, entry in self.added.items():
            edits = self.fields.get(entry_id)
            yield seal({**loads(entry), **edits}) if edits else seal_body(entry[1:])


def id_of(line: bytes) -> str:
    """Return the entry id of a sealed entry line, without parsing the line where that can be helped."""
    start = len(_ID_START)
    if line[17:start] == _ID_START[17:]:
        end = line.find(b'"', start)
        if b"\\" not in line[start:end]:
            return line[start:end].decode("utf-8")
    return str(fields_of(line).get("entry_id", ""))


def fields_of(line: bytes) -> dict[str, Json]:
    """Return a sealed entry line's fields; none where it carries its own CRC and is no object, which is no entry then."""
    try:
        return unseal(line)
    except DamagedLine:
        return {}


def find(root: Path, base_name: str | None) -> Chain:
    """Return the chain on `base_name` (None: on nothing), its headers checked against each other.

    Raises `IndexDamaged` where a journal that must be there is missing or is another's, `FileNotFoundError` where the
    base is missing, `UnsupportedVersion`.
    """
    base = None if base_name is None else root / base_name
    header = NOTHING if base is None else base_header(base)
    numbers = [number for number in journal_numbers(root) if number > header.journal]
    first = header.journal + 1
    if header.history_id and numbers[:1] != [first]:
        raise IndexDamaged(root / journal.name_of(first), "it is missing")
    if numbers != list(range(first, first + len(numbers))):
        raise IndexDamaged(root, f"a journal between {first} and {numbers[-1]} is missing")
    headers = [journal.read_header(root / journal.name_of(number)) for number in numbers]
    _check(root, base, header, headers)
    limits = [*(after.after_bytes for after in headers[1:]), None]
    links = [Link(root / journal.name_of(h.number), h, limit) for h, limit in zip(headers, limits, strict=False)]
    return Chain(root, base, header, tuple(links))


def _check(root: Path, base: Path | None, header: Header, headers: list[JournalHeader]) -> None:
    for found in headers:
        path = root / journal.name_of(found.number)
        if found.history_id != (header.history_id or headers[0].history_id):
            raise IndexDamaged(path, "it belongs to another history")
        if found.number > 1 and found.after_journal != found.number - 1:
            raise IndexDamaged(path, "it does not follow the journal before it")
    if headers and headers[0].number == 1:
        stands_on = headers[0].after_bytes
        if (base is None) != (stands_on is None):
            raise IndexDamaged(root, "the document that journal 1 stands on is missing")


def base_header(base: Path) -> Header:
    """Return the header of a version 2 document, or one made up for a version 1 document."""
    if document.is_version_1(base):
        return Header(version=1, history_id="", journal=0, count=len(document.read_version_1(base)))
    return document.read_header(base)


def upgraded(path: Path) -> Iterator[bytes]:
    """Yield a version 1 document's entries as sealed lines; values stay as they are, a missing id is the key's."""
    for entry_id, entry in document.read_version_1(path).items():
        if isinstance(entry, dict):
            with contextlib.suppress(InvalidEntry):  # nests too deep; the kept version 1 file still has it
                yield seal({"entry_id": str(entry_id), **{k: v for k, v in entry.items() if k != "entry_id"}})


def _version_1_name(base: Path | None) -> str:
    if base is None:
        return ""
    status = base.stat()
    return f"version-1:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}"


def journal_numbers(root: Path) -> list[int]:
    """Return the numbers of the journals in the folder, in order."""
    names = [name for name in os.listdir(root) if name.startswith("journal-")]  # noqa: PTH208 - half the time of iterdir
    return sorted(number for number in map(journal.number_of, names) if number is not None)


def present_base(root: Path) -> str | None:
    """Return the name of the base document that stands, or None where there is none yet.

    Raises `IndexDamaged` where the document is gone and what is left of the index shows that there was one.
    """
    if (root / DOCUMENT).exists():
        return DOCUMENT
    if (root / BACKUP).exists() or (root / VERSION_1).exists():
        raise IndexDamaged(root / DOCUMENT, "it is missing")
    return None
