"""Sealed lines: one JSON object a line, its CRC-32 first, so that a flipped bit is seen."""

from __future__ import annotations

import zlib

from store.values import Json, dumps, loads

_OPEN, _CLOSE = b'{"crc":"', b'",'
_BODY = len(_OPEN) + 8 + len(_CLOSE)


class DamagedLine(Exception):
    """A line does not carry the CRC of its own bytes."""


def seal(fields: dict[str, Json]) -> bytes:
    """Write `fields` (not empty) as one line without its end: `{"crc":"<8 hex digits>",<fields>}`.

    The CRC-32 is over the bytes after its own comma, the closing brace included.
    """
    return seal_body(dumps(fields)[1:])


def seal_body(body: bytes) -> bytes:
    """Seal the bytes that follow the CRC's comma."""
    return b"%s%08x%s%s" % (_OPEN, zlib.crc32(body), _CLOSE, body)


def is_sealed(line: bytes) -> bool:
    """Say whether `line` carries the CRC of its own bytes."""
    if line[: len(_OPEN)] != _OPEN or line[_BODY - len(_CLOSE) : _BODY] != _CLOSE:
        return False
    return line[len(_OPEN) : len(_OPEN) + 8] == b"%08x" % zlib.crc32(line[_BODY:])


def json_of(line: bytes) -> bytes:
    """Return a sealed line's object as JSON, without the CRC."""
    return b"{" + line[_BODY:]


def crc_of(line: bytes) -> str:
    """Return the CRC that a sealed line states."""
    return line[len(_OPEN) : len(_OPEN) + 8].decode("ascii")


def unseal(line: bytes) -> dict[str, Json]:
    """Read a sealed line's fields, without the CRC. Raises `DamagedLine`."""
    if not is_sealed(line):
        raise DamagedLine
    try:
        fields = loads(json_of(line))
    except ValueError as error:
        raise DamagedLine from error
    if not isinstance(fields, dict):
        raise DamagedLine
    return fields
