"""Make WAV files byte by byte, right ones and wrong ones."""

from __future__ import annotations

import struct


def chunk(name: bytes, payload: bytes) -> bytes:
    return name + struct.pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def head(encoding: int = 1, channels: int = 1, rate: int = 48_000, frame_bytes: int = 2, bits: int = 16) -> bytes:
    return chunk(b"fmt ", struct.pack("<HHIIHH", encoding, channels, rate, rate * frame_bytes, frame_bytes, bits))


def id3(*frames: bytes, version: int = 4, flags: int = 0, size: int | None = None) -> bytes:
    """An ID3 tag; `size` is what its header says, where that is not the truth."""
    body = b"".join(frames)
    return b"ID3" + bytes([version, 0, flags]) + _syncsafe(len(body) if size is None else size) + body


def frame(name: bytes, data: bytes, flags: int = 0, size: int | None = None, plain: bool = False) -> bytes:
    """An ID3 frame; `plain` writes its size as v2.3 does."""
    stated = len(data) if size is None else size
    return name + (struct.pack(">I", stated) if plain else _syncsafe(stated)) + struct.pack(">H", flags) + data


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def wav(tag: bytes = b"", samples: bytes = b"\0\0" * 480) -> bytes:
    """A 16-bit mono file with an ID3 tag."""
    return riff(head(), chunk(b"data", samples), *([chunk(b"id3 ", tag)] if tag else []))
