"""A journal, `journal-<n>.jsonl`: a sealed header line, then one sealed change a line, then room for more: empty lines.

A line that goes into room does not change the file's size, so that syncing it takes one write of the disk instead of
the several that a longer file costs.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from store import document
from store.document import is_place
from store.entry import fits, from_document
from store.errors import IndexDamaged, InvalidEntry, UnsupportedVersion
from store.lines import DamagedLine, crc_of, is_sealed, seal, unseal
from store.reading import open_regular
from store.values import Json

_LINE = re.compile(rb'^\{"crc":"[^\r\n]*', re.MULTILINE)  # what could be a sealed line, however much rubbish is around
KINDS = frozenset({"add", "set", "del"})
ROOM = b"\n"
LEAST_ROOM_BYTES, MOST_ROOM_BYTES = 4 << 10, 256 << 10
FIRST_BYTES = 8 << 10
_NAME = re.compile(r"journal-([1-9][0-9]{0,14})\.jsonl")  # below document.MOST


@dataclass(frozen=True)
class JournalHeader:
    """Which journal this is, of which history, and where the one before it ends (None: nothing stands before it)."""

    number: int
    history_id: str
    after_journal: int | None
    after_bytes: int | None

    def line(self) -> bytes:
        """Return the header as the journal's first line."""
        after = None if self.after_journal is None else {"journal": self.after_journal, "bytes": self.after_bytes}
        return seal({"journal": self.number, "history": self.history_id, "after": after}) + b"\n"

    def is_sound(self) -> bool:
        """Say whether the fields are what they must be: a good CRC does not say who wrote them."""
        after = all(number is None or is_place(number) for number in (self.after_journal, self.after_bytes))
        return is_place(self.number) and isinstance(self.history_id, str) and self.history_id != "" and after


@dataclass(frozen=True)
class Part:
    """What was read of a journal from some offset on: good lines, where they end, and what follows them but is no room.

    It is not `whole` where the journal has more lines that were not read.
    """

    path: Path
    lines: list[bytes]
    end: int
    tail: bytes
    last_crc: str
    whole: bool = True

    def changes(self) -> Iterator[dict[str, Json]]:
        """Yield each line's change: `{"add": …}`, `{"set": id, "to": …}` or `{"del": id}`.

        Raises `IndexDamaged` where a line carries its own CRC and says what no change can be, `UnsupportedVersion` where
        it is a kind of change that this program does not know.
        """
        for line in self.lines:
            try:
                change = unseal(line)
            except DamagedLine as error:
                raise IndexDamaged(self.path, "a line carries its own CRC and is no change") from error
            if not KINDS & change.keys():
                raise UnsupportedVersion(self.path, f"with the change {next(iter(change), '')!r:.80}", document.VERSION)
            if not _is_sound(change):
                raise IndexDamaged(self.path, "a line carries its own CRC and says what no change can be")
            yield change


def _is_sound(change: dict[str, Json]) -> bool:
    """Say whether a change is one that an entry can take: a good CRC does not say who wrote it."""
    try:
        if "add" in change:
            from_document(change["add"])
        elif "set" in change:
            return isinstance(change["set"], str) and "entry_id" not in change["to"] and fits(change["to"])
        else:
            return isinstance(change.get("del"), str)
    except (InvalidEntry, KeyError, TypeError):
        return False
    return True


def name_of(number: int) -> str:
    """Return the file name of journal `number`."""
    return f"journal-{number}.jsonl"


def number_of(name: str) -> int | None:
    """Return the number in a journal's file name, or None for any other name."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def read_header(path: Path) -> JournalHeader:
    """Read a journal's first line. Raises `IndexDamaged`, also where its name is another's, and `FileNotFoundError`."""
    header = read_header_under_any_name(path)
    if path.name != name_of(header.number):
        raise IndexDamaged(path, "its first line is another journal's")
    return header


def read_header_under_any_name(path: Path) -> JournalHeader:
    """Read the first line of a journal that may have lost its name. Raises `IndexDamaged` and `FileNotFoundError`."""
    with open_regular(path) as file:
        line = file.readline(4096)
    try:
        fields = unseal(line.rstrip(b"\n"))
        after = fields["after"]
        header = JournalHeader(
            fields["journal"],
            fields["history"],
            None if after is None else after["journal"],
            None if after is None else after["bytes"],
        )
    except (DamagedLine, KeyError, TypeError) as error:
        raise IndexDamaged(path, "its first line does not carry its own CRC") from error
    if not line.endswith(b"\n") or not header.is_sound():
        raise IndexDamaged(path, "its first line is none of a journal")
    return header


def header_size(path: Path) -> int:
    """Return where a journal's first change begins."""
    with open_regular(path) as file:
        return len(file.readline(4096))


def room_after(end: int) -> bytes:
    """Return the room that is to stand behind the last line of a journal, where that ends and no room is left."""
    return ROOM * max(LEAST_ROOM_BYTES, min(end, MOST_ROOM_BYTES))


def read_part(path: Path, start: int, limit: int | None = None, most_bytes: int | None = None) -> Part:
    """Read a journal's changes from byte `start` to `limit` (its present end where None).

    A bad last line is left as `tail`: it was never acknowledged, or it was damaged since. A bad line with good ones
    after it, and any bad line before `limit`, is damage: `IndexDamaged`. With `most_bytes` about so many are read, and of
    the room no more than where it begins; all that follows is read where the first line is longer, or bad.
    """
    with open_regular(path) as file:
        if limit is not None and os.fstat(file.fileno()).st_size < limit:
            raise IndexDamaged(path, f"it ends before byte {limit}, where the next journal says it ends")
        file.seek(start)
        if most_bytes is not None:
            part = _read_some(path, file, start, limit, most_bytes)
            if part is not None:
                return part
            file.seek(start)
        data = file.read() if limit is None else file.read(max(0, limit - start))
    part = _split(path, start, data)
    if limit is not None and part.end < limit:
        raise IndexDamaged(path, f"the line at byte {part.end} does not carry its own CRC")
    return part


def _read_some(path: Path, file: BinaryIO, start: int, limit: int | None, most_bytes: int) -> Part | None:
    """Read good lines up to `most_bytes`, `limit` or the room, one at least; None where it takes more to tell what is there."""
    data = b""
    at_room = False
    while not at_room and (len(data) < most_bytes or b"\n" not in data):
        wanted = max(FIRST_BYTES, len(data))
        block = file.read(wanted if limit is None else min(wanted, max(0, limit - start - len(data))))
        at_room = not block or block.endswith(ROOM * 2)
        data += block
    part = _split(path, start, data[: data.rfind(b"\n") + 1])
    whole = at_room if limit is None else part.end == limit
    is_bad = part.tail or (at_room and not whole)
    is_clear = part.lines or (whole and data[:1] in (b"", ROOM))
    return replace(part, whole=whole) if is_clear and not is_bad else None


def _split(path: Path, start: int, data: bytes) -> Part:
    lines: list[bytes] = []
    at = 0
    while (stop := data.find(b"\n", at)) > at and is_sealed(data[at:stop]):
        lines.append(data[at:stop])
        at = stop + 1
    end, tail = start + at, _without_room(data[at:])
    if any(is_sealed(found.group()) for found in _LINE.finditer(tail, 1)):
        raise IndexDamaged(path, f"the line at byte {end} does not carry its own CRC")
    return Part(path, lines, end, tail, crc_of(lines[-1]) if lines else "")


def _without_room(rest: bytes) -> bytes:
    """Return what follows the last good line, without the room at its end; a line's own end is not room."""
    bytes_left = len(rest.rstrip(ROOM))
    return rest[: bytes_left + 1] if bytes_left else b""


def read_good_changes(path: Path) -> Iterator[dict[str, Json]]:
    """Yield every change whose line carries its own CRC, whatever is wrong with the rest of the journal."""
    with open_regular(path) as file:
        data = file.read()
    for found in _LINE.finditer(data):
        with contextlib.suppress(DamagedLine):
            change = unseal(found.group())
            if KINDS & change.keys() and _is_sound(change):
                yield change
