"""The index document, `history.json`: one valid JSON document, one sealed entry a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store.errors import IndexDamaged, UnsupportedVersion
from store.lines import DamagedLine, is_sealed, seal, unseal
from store.reading import open_regular
from store.values import Json

VERSION = 2
MOST = 10**15  # journals, entries, bytes: more than there can be, and whole numbers in any language
_END = b"]}"
_READS = 20
_BLOCK_BYTES = 1 << 20
_ENTRY_START = re.compile(r'"([^"\\]+)"\s*:\s*\{')


@dataclass(frozen=True)
class Header:
    """What a document says of itself: its history, the last journal it includes, how many entries it holds."""

    version: int
    history_id: str
    journal: int
    count: int


NOTHING = Header(version=VERSION, history_id="", journal=0, count=0)
"""What stands where there is no document yet: journal 1 begins on it."""


def write_lines(header: Header, entries: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the bytes of a document from its sealed entry lines.

    The header's line is sealed as if the list were empty and closed, then left open: `…,"entries":[` and a new line.
    """
    head = {"version": header.version, "history": header.history_id, "journal": header.journal, "count": header.count}
    yield seal({**head, "entries": []})[: -len(b"]}")] + b"\n"
    before = b""
    for line in entries:
        yield before + line
        before = b",\n"
    yield (b"\n" if before else b"") + _END + b"\n"


def read_header(path: Path) -> Header:
    """Read a document's first line. Raises `IndexDamaged`, `UnsupportedVersion`, or `FileNotFoundError`."""
    with open_regular(path) as file:
        return _header(path, file.readline(4096))


def _header(path: Path, line: bytes) -> Header:
    try:
        fields = unseal(line.rstrip(b"\n") + _END)
        version = fields["version"]
        if isinstance(version, int) and version > VERSION:
            raise UnsupportedVersion(path, version, VERSION)
        header = Header(version, fields["history"], fields["journal"], fields["count"])
    except (DamagedLine, KeyError) as error:
        raise IndexDamaged(path, "its first line does not carry its own CRC") from error
    if not _is_sound(header) or not line.endswith(b"\n"):
        raise IndexDamaged(path, f"its first line is not of format version {VERSION}")
    return header


def _is_sound(header: Header) -> bool:
    """Say whether the fields are what they must be: a good CRC does not say who wrote them."""
    numbers = all(is_place(number) for number in (header.journal, header.count))
    return header.version == VERSION and isinstance(header.history_id, str) and header.history_id != "" and numbers


def is_place(value: Json) -> bool:
    """Say whether a value of a header can be a number of journals, entries or bytes."""
    return type(value) is int and 0 <= value < MOST


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the sealed entry lines of a wholly good document; raise `IndexDamaged` at the first thing that is not."""
    count = 0
    header: Header | None = None
    for number, line, good in _scan(path):
        if number == 1:
            header = _header(path, line)
        elif not good:
            raise IndexDamaged(path, f"line {number} does not carry its own CRC, or the list is broken there")
        elif line != _END:
            count += 1
            yield line
        else:
            break
    else:
        raise IndexDamaged(path, "it ends before its list does")
    if header is None or header.count != count:
        raise IndexDamaged(path, f"it holds {count} entries where its first line says otherwise")


def last_lines(path: Path, most: int) -> list[bytes]:
    """Return the last sealed entry lines of a document, `most` at most, without reading the rest.

    Raises `IndexDamaged` where one of them is not as it was written.
    """
    with open_regular(path) as file:
        at = file.seek(0, 2)
        data = b""
        while at > 0 and data.count(b"\n") < most + 2:  # the end's line, and one that may begin in the middle
            size = min(at, _BLOCK_BYTES)
            at -= size
            file.seek(at)
            data = file.read(size) + data
    lines = data.split(b"\n")[1:-2][-most:]  # without the header's or a half line, the end's, and what follows it
    bare = [line.removesuffix(b",") for line in lines]
    if not data.endswith(b"\n" + _END + b"\n") or not all(map(is_sealed, bare)):
        raise IndexDamaged(path, "it does not end as it was written")
    return bare


def read_good_lines(path: Path) -> Iterator[bytes]:
    """Yield every entry line that carries its own CRC, whatever is wrong with the rest of the document."""
    for number, line, _ in _scan(path):
        bare = line.rstrip(b",\r\n")
        if number > 1 and is_sealed(bare):
            yield bare


def _scan(path: Path) -> Iterator[tuple[int, bytes, bool]]:
    """Yield (line number, line without its separator, whether line and separator are as written)."""
    with open_regular(path) as file:
        previous = b""
        for number, line in enumerate(file, 1):
            if number == 1:
                yield number, line, True
                continue
            if previous:
                yield number - 1, *_entry(previous, last=line.startswith(_END))
            previous = line
        if previous:
            yield number, previous.rstrip(b"\n"), previous == _END + b"\n"


def _entry(line: bytes, last: bool) -> tuple[bytes, bool]:
    separator = b"\n" if last else b",\n"
    if not line.endswith(separator):
        return line.rstrip(b",\n"), False
    bare = line[: -len(separator)]
    return bare, is_sealed(bare)


def is_version_1(path: Path) -> bool:
    """Say whether the file is a version 1 document: a JSON object with `version` 1 and no CRC.

    Raises `UnsupportedVersion` for a well-formed document without CRC that states a newer version, `FileNotFoundError`.
    """
    with open_regular(path) as file:
        if file.read(8) == b'{"crc":"':
            return False
    document = _parse(path)
    if not isinstance(document, dict):
        return False
    version = document.get("version")
    if isinstance(version, int) and version > VERSION:
        raise UnsupportedVersion(path, version, VERSION)
    return version == 1 and isinstance(document.get("entries"), dict)


def read_version_1(path: Path) -> dict[str, Any]:
    """Return the entries of a version 1 document by id, as they are: `Infinity` and `NaN` come back as numbers.

    Raises `IndexDamaged`.
    """
    document = _parse(path)
    if not isinstance(document, dict) or not isinstance(document.get("entries"), dict):
        raise IndexDamaged(path, "it is not a version 1 document")
    entries: dict[str, Any] = document["entries"]
    return entries


def read_good_version_1(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the entries of a version 1 document that can be read, whatever is wrong with the rest of it.

    Every object might be an entry, and one that turns out not to be was read in vain: that is done for so many times the
    file's length, or a file made of beginnings would take its square.
    """
    with open_regular(path) as file:
        text = file.read().decode("utf-8", "surrogateescape")
    decoder = json.JSONDecoder()
    position, in_vain = 0, 0
    while in_vain <= _READS * len(text) and (match := _ENTRY_START.search(text, position)):
        position = match.end()
        try:
            entry, position = decoder.raw_decode(text, match.end() - 1)
        except json.JSONDecodeError as error:
            in_vain += error.pos - match.start()
            continue
        except (ValueError, RecursionError):  # where it stopped is not told
            in_vain += len(text)
            continue
        if isinstance(entry, dict) and ("entry_id" in entry or "audio_file" in entry):
            yield {**entry, "entry_id": str(entry.get("entry_id", match.group(1)))}


def _parse(path: Path) -> Any:
    try:
        with open_regular(path) as file:
            return json.load(file)
    except (ValueError, RecursionError):
        return None
