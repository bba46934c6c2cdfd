"""Carry a take's snapshot inside its WAV file, as an ID3 frame that players and editors ignore.

The frame is `TXXX:retake` (ID3v2.4), its text ASCII-only JSON. Beside it stands `TXXX:retake-crc32`: the CRC-32 of every byte of
the file outside the samples, computed with its own eight digits as zeros. So damage anywhere in the file is found: in the samples
by their SHA-256, elsewhere by this.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import BinaryIO

from store import id3
from store.errors import InvalidAudio
from store.wav import BLOCK_BYTES, Chunk, Layout, read_layout

DESCRIPTION = "retake"
CHECK_DESCRIPTION = "retake-crc32"
CHECK_MARK = b"retake-crc32\x00"
NO_CHECK = b"00000000"
TAG_CHUNKS = frozenset({b"id3 ", b"ID3 "})
MAX_TAG_BYTES = 64 << 20  # ID3 sizes end at 256 MiB, and a reader must not be made to load that
PADDING_BYTES = 1024  # room for later ratings, tags and notes without a change of the file's size
MAX_PADDING_BYTES = 64 << 10

Piece = range | bytes  # a stretch of the old file, or new bytes


def embed_snapshot(wav: bytes, text: str) -> bytes:
    """Put a snapshot into a WAV file in memory, in place of any it has, and leave the sample data as it is.

    Other ID3 frames and other chunks stay. A new snapshot of about the old one's length keeps the file's length.
    Raises `ValueError` where the text is empty, not ASCII or has a NUL, `InvalidAudio` where the file is damaged or would be over 4 GiB.
    """
    view = memoryview(wav)
    pieces = _plan(BytesIO(wav), text)
    return b"".join([piece if isinstance(piece, bytes) else view[piece.start : piece.stop] for piece in pieces])


def with_snapshot(file: BinaryIO, text: str) -> Iterator[bytes]:
    """Yield, block by block, the WAV file with another snapshot inside: `embed_snapshot` for files of any length."""
    for piece in _plan(file, text):
        yield from _blocks(file, piece)


def read_snapshot(file: BinaryIO) -> str | None:
    """Read the snapshot from a WAV file; `None` where it has none. Does not read the samples.

    Raises `InvalidAudio` where the file or its tag is damaged.
    """
    chunk = _find_tag(read_layout(file))
    if chunk is None:
        return None
    return id3.read(_read_tag(file, chunk)).text(DESCRIPTION)


def check_container(file: BinaryIO) -> bool:
    """Tell whether all bytes outside the samples are as they were written; `False` where there is no checksum to tell by.

    Raises `InvalidAudio` where one was changed. Another program that edits the file's tags or chunks changes some too.
    """
    layout = read_layout(file)
    chunk = _find_tag(layout)
    if chunk is None or chunk.start < layout.data.stop:
        return False
    tag = _read_tag(file, chunk)
    if tag.count(CHECK_MARK) != 1:
        return False
    inside = tag.index(CHECK_MARK) + len(CHECK_MARK)
    at = chunk.start + inside
    behind = range(at + len(NO_CHECK), file.seek(0, 2))
    crc = _checksum(file, [range(layout.data.start), range(layout.data.stop, at), NO_CHECK, behind])
    if tag[inside : inside + len(NO_CHECK)] != b"%08x" % crc:
        raise InvalidAudio("The WAV file's header or tags are not as they were written.")
    return True


def without_chunks(wav: bytes, names: frozenset[bytes]) -> bytes:
    """Leave the chunks of these names out of a WAV file in memory."""
    view = memoryview(wav)
    kept = _kept(read_layout(BytesIO(wav)), names)
    parts = [piece if isinstance(piece, bytes) else view[piece.start : piece.stop] for piece in kept]
    return b"".join([_head(4 + sum(map(len, parts))), *parts])


def _plan(file: BinaryIO, text: str) -> list[Piece]:
    """Lay out the file with its new tag behind everything else: what is to be copied, and what is new."""
    if not text or not text.isascii() or "\x00" in text:
        raise ValueError("a snapshot must be ASCII text without NUL, and not empty")
    layout = read_layout(file)
    chunk = _find_tag(layout)
    tag = _build(text, b"" if chunk is None else _read_tag(file, chunk))
    kept = _kept(layout, TAG_CHUNKS)
    riff_bytes = 4 + sum(map(len, kept)) + 8 + len(tag)
    if riff_bytes + 8 > 2**32 - 1:
        raise InvalidAudio("With its snapshot the take is over 4 GiB, more than a WAV file can hold.")
    pieces = [_head(riff_bytes), *kept, b"id3 " + len(tag).to_bytes(4, "little")]
    samples = range(layout.data.start, layout.data.stop)
    crc = _checksum(file, [piece for piece in pieces if piece != samples] + [tag])
    return [*pieces, tag.replace(CHECK_MARK + NO_CHECK, CHECK_MARK + b"%08x" % crc, 1)]


def _kept(layout: Layout, dropped: frozenset[bytes]) -> list[Piece]:
    """List what stays of a file, chunk by chunk, the samples as a piece of their own."""
    pieces: list[Piece] = []
    for chunk in layout.chunks:
        if chunk.name not in dropped:
            pieces += [range(chunk.start - 8, chunk.start), range(chunk.start, chunk.stop), b"\x00" * (chunk.size % 2)]
    return pieces


def _head(riff_bytes: int) -> bytes:
    return b"RIFF" + riff_bytes.to_bytes(4, "little") + b"WAVE"


def _checksum(file: BinaryIO, pieces: Iterable[Piece]) -> int:
    crc = 0
    for piece in pieces:
        for block in _blocks(file, piece):
            crc = zlib.crc32(block, crc)
    return crc


def _blocks(file: BinaryIO, piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, bytes):
        yield piece
        return
    file.seek(piece.start)
    left = len(piece)
    while left:
        block = file.read(min(left, BLOCK_BYTES))
        if not block:
            raise InvalidAudio("The WAV file became shorter while it was read.")
        yield block
        left -= len(block)


def _find_tag(layout: Layout) -> Chunk | None:
    return next((chunk for chunk in layout.chunks if chunk.name in TAG_CHUNKS), None)


def _read_tag(file: BinaryIO, chunk: Chunk) -> bytes:
    if chunk.size > MAX_TAG_BYTES:
        raise InvalidAudio(f"The WAV file's tag has {chunk.size:,} bytes; {MAX_TAG_BYTES:,} are the most.")
    return b"".join(_blocks(file, range(chunk.start, chunk.stop)))


def _build(text: str, old: bytes) -> bytes:
    """Make the ID3 tag: the snapshot, an empty checksum, and whatever else the old tag holds."""
    try:
        kept = id3.read(old) if old else id3.Tag()
    except InvalidAudio:
        kept = id3.Tag()  # what cannot be read cannot be kept
    tag = kept.with_texts({DESCRIPTION: text, CHECK_DESCRIPTION: NO_CHECK.decode()})
    size_bytes = tag.size_bytes()
    if size_bytes + PADDING_BYTES > MAX_TAG_BYTES:
        raise InvalidAudio(f"The take's snapshot has {len(text):,} characters; about {MAX_TAG_BYTES:,} are the most.")
    room = len(old) - size_bytes
    room = room if 0 <= room <= MAX_PADDING_BYTES else PADDING_BYTES
    return tag.write(room + (size_bytes + room) % 2)
