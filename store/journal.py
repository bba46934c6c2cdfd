"""A journal, `journal-<n>.jsonl`: a sealed header line, then one sealed change a line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from store.errors import IndexDamaged
from store.lines import DamagedLine, crc_of, is_sealed, seal, unseal
from store.values import Json

_NAME = re.compile(r"journal-([1-9][0-9]*)\.jsonl")


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


@dataclass(frozen=True)
class Part:
    """What was read of a journal from some offset on: good lines, where they end, and what follows them."""

    lines: list[bytes]
    end: int
    tail: bytes
    last_crc: str

    def changes(self) -> Iterator[dict[str, Json]]:
        """Yield each line's change: `{"add": …}`, `{"set": id, "to": …}` or `{"del": id}`."""
        for line in self.lines:
            yield unseal(line)


def name_of(number: int) -> str:
    """Return the file name of journal `number`."""
    return f"journal-{number}.jsonl"


def number_of(name: str) -> int | None:
    """Return the number in a journal's file name, or None for any other name."""
    match = _NAME.fullmatch(name)
    return int(match.group(1)) if match else None


def read_header(path: Path) -> JournalHeader:
    """Read a journal's first line. Raises `IndexDamaged` and `FileNotFoundError`."""
    with path.open("rb") as file:
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
    if not line.endswith(b"\n") or path.name != name_of(header.number):
        raise IndexDamaged(path, "its first line is another journal's")
    return header


def header_size(path: Path) -> int:
    """Return where a journal's first change begins."""
    with path.open("rb") as file:
        return len(file.readline(4096))


def read_part(path: Path, start: int, limit: int | None = None) -> Part:
    """Read a journal's changes from byte `start` to `limit` (its present end where None).

    A bad last line is left as `tail`: it was never acknowledged, or it was damaged since. A bad line with good ones
    after it, and any bad line before `limit`, is damage: `IndexDamaged`.
    """
    with path.open("rb") as file:
        file.seek(start)
        data = file.read() if limit is None else file.read(max(0, limit - start))
    if limit is not None and len(data) < limit - start:
        raise IndexDamaged(path, f"it ends before byte {limit}, where the next journal says it ends")
    part = _split(path, start, data)
    if limit is not None and part.tail:
        raise IndexDamaged(path, f"the line at byte {part.end} does not carry its own CRC")
    return part


def _split(path: Path, start: int, data: bytes) -> Part:
    lines: list[bytes] = []
    end = start
    for line in data.split(b"\n")[:-1]:
        if not is_sealed(line):
            break
        lines.append(line)
        end += len(line) + 1
    tail = data[end - start :]
    if any(is_sealed(line) for line in tail.split(b"\n")[1:]):
        raise IndexDamaged(path, f"the line at byte {end} does not carry its own CRC")
    return Part(lines, end, tail, crc_of(lines[-1]) if lines else "")


def read_good_changes(path: Path) -> Iterator[dict[str, Json]]:
    """Yield every change whose line carries its own CRC, whatever is wrong with the rest of the journal."""
    for line in path.read_bytes().split(b"\n"):
        try:
            fields = unseal(line)
        except DamagedLine:
            continue
        if "journal" not in fields:
            yield fields
