"""Read WAV files by their chunks, without believing what their headers say.

The format is RIFF/WAVE as in Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" (1991): chunks of a
four-letter name, a 32-bit size and a payload padded to an even length. Everything here streams: memory does not grow with the file.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from store.errors import InvalidAudio

PCM, FLOAT, EXTENSIBLE = 0x0001, 0x0003, 0xFFFE
SAMPLE_TYPES = {
    (PCM, 8): "u1",
    (PCM, 16): "<i2",
    (PCM, 24): "u1",
    (PCM, 32): "<i4",
    (FLOAT, 32): "<f4",
    (FLOAT, 64): "<f8",
}
MAX_CHANNELS = 32
MAX_SAMPLE_RATE_HZ = 384_000
MAX_CHUNKS = 1000  # files in the wild have fewer than ten; a hostile one could hold hundreds of millions
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a RIFF file: its name, and where its payload lies, in bytes."""

    name: bytes
    start: int
    size: int

    @property
    def stop(self) -> int:
        """Give the offset behind the payload, its padding byte not counted."""
        return self.start + self.size


@dataclass(frozen=True, slots=True)
class Probe:
    """What a WAV file holds, as its header says and its length confirms."""

    frames: int
    channels: int
    sample_rate: int
    bit_depth: int
    duration_s: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything in a WAV file lies, and how its samples are encoded."""

    chunks: tuple[Chunk, ...]
    data: Chunk
    encoding: int
    channels: int
    sample_rate: int
    bit_depth: int

    @property
    def frame_bytes(self) -> int:
        """Give the size of one frame: one sample of every channel."""
        return self.channels * self.bit_depth // 8

    @property
    def frames(self) -> int:
        """Give the length of the audio."""
        return self.data.size // self.frame_bytes


def read_layout(file: BinaryIO) -> Layout:
    """Find the chunks of a WAV file and check that they agree with each other and with the file's length.

    Raises `InvalidAudio` where the file is cut short, its sizes lie, or its samples are encoded in another way than
    8, 16, 24 or 32-bit PCM or 32 or 64-bit float. Reads a few dozen bytes a chunk, never the samples.
    """
    chunks = _read_chunks(file)
    head, data = _only(chunks, b"fmt "), _only(chunks, b"data")
    if head.size < 16:
        raise InvalidAudio(f"The WAV file's format chunk has {head.size} bytes; it needs 16.")
    file.seek(head.start)
    fields = file.read(min(head.size, 40))
    encoding, channels, sample_rate, _, frame_bytes, bit_depth = struct.unpack("<HHIIHH", fields[:16])
    if encoding == EXTENSIBLE and len(fields) >= 26:
        encoding = int.from_bytes(fields[24:26], "little")
    if (encoding, bit_depth) not in SAMPLE_TYPES:
        raise InvalidAudio(f"The WAV file's encoding {encoding} with {bit_depth} bits is not one that can be read.")
    if channels == 0 or sample_rate == 0 or frame_bytes != channels * bit_depth // 8:
        raise InvalidAudio(
            f"The WAV file's header contradicts itself: {channels} channels of {bit_depth} bits, {frame_bytes} bytes a frame, {sample_rate} Hz."
        )
    if data.size % frame_bytes:
        raise InvalidAudio(f"The WAV file's {data.size} bytes of samples are not whole frames of {frame_bytes} bytes.")
    return Layout(chunks, data, encoding, channels, sample_rate, bit_depth)


def _read_chunks(file: BinaryIO) -> tuple[Chunk, ...]:
    file_bytes = file.seek(0, 2)
    file.seek(0)
    head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        raise InvalidAudio("This is not a WAV file: it does not begin as RIFF/WAVE.")
    end = 8 + int.from_bytes(head[4:8], "little")
    if end > file_bytes:
        raise InvalidAudio(f"The WAV file is cut short: it says {end} bytes and has {file_bytes}.")
    chunks: list[Chunk] = []
    offset = 12
    while offset + 8 <= end:
        file.seek(offset)
        name, size = struct.unpack("<4sI", file.read(8))
        chunk = Chunk(name, offset + 8, size)
        if chunk.stop > end:
            raise InvalidAudio(
                f"The WAV file's {_printable(name)} chunk says {size} bytes; only {end - chunk.start} are left."
            )
        chunks.append(chunk)
        if len(chunks) > MAX_CHUNKS:
            raise InvalidAudio(f"The WAV file has more than {MAX_CHUNKS} chunks.")
        offset = chunk.stop + size % 2
    if offset < end:
        raise InvalidAudio(f"The WAV file has {end - offset} bytes behind its last chunk that belong to none.")
    return tuple(chunks)


def _only(chunks: tuple[Chunk, ...], name: bytes) -> Chunk:
    found = [chunk for chunk in chunks if chunk.name == name]
    if len(found) != 1:
        raise InvalidAudio(f"The WAV file has {len(found)} {_printable(name)} chunks; it needs exactly one.")
    return found[0]


def _printable(name: bytes) -> str:
    return repr(name.decode("latin-1").strip())


def probe(file: BinaryIO) -> Probe:
    """Tell length, channels, sample rate (Hz) and bit depth of a WAV file; raise `InvalidAudio` where it is damaged."""
    layout = read_layout(file)
    return Probe(
        layout.frames, layout.channels, layout.sample_rate, layout.bit_depth, layout.frames / layout.sample_rate
    )


def read_data_sha256(file: BinaryIO) -> str:
    """Compute the SHA-256 of the `data` chunk's bytes, as hexadecimal; raise `InvalidAudio` where the file is damaged."""
    data = read_layout(file).data
    digest = hashlib.sha256()
    file.seek(data.start)
    left = data.size
    while left:
        block = file.read(min(left, BLOCK_BYTES))
        if not block:
            raise InvalidAudio(f"The WAV file ends {left} bytes before its samples do.")
        digest.update(block)
        left -= len(block)
    return digest.hexdigest()


class Reader:
    """Read any stretch of a WAV file's samples as float32 in [-1, 1], shape (frames, channels).

    Raises `InvalidAudio` where the file is damaged, and for more channels or a higher rate than any take has: memory for
    windows of its sound would grow with them.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.layout = layout = read_layout(file)
        if layout.channels > MAX_CHANNELS or layout.sample_rate > MAX_SAMPLE_RATE_HZ:
            raise InvalidAudio(
                f"The WAV file has {layout.channels:,} channels at {layout.sample_rate:,} Hz; "
                f"{MAX_CHANNELS} at {MAX_SAMPLE_RATE_HZ:,} Hz are the most that are read."
            )
        self.frames = self.layout.frames
        self.channels = self.layout.channels
        self.sample_rate = self.layout.sample_rate

    def read(self, start: int, frames: int) -> NDArray[np.float32]:
        """Read `frames` frames from frame `start` on, fewer at the end of the file; 24-bit and shorter samples are exact."""
        layout = self.layout
        frames = max(0, min(frames, self.frames - start))
        self._file.seek(layout.data.start + start * layout.frame_bytes)
        raw = self._file.read(frames * layout.frame_bytes)
        if len(raw) != frames * layout.frame_bytes:
            raise InvalidAudio("The WAV file became shorter while it was read.")
        return _to_float(raw, layout).reshape(frames, layout.channels)


def _to_float(raw: bytes, layout: Layout) -> NDArray[np.float32]:
    stored: NDArray[Any] = np.frombuffer(raw, SAMPLE_TYPES[layout.encoding, layout.bit_depth])
    if layout.bit_depth == 24:
        wide = np.zeros((len(stored) // 3, 4), np.uint8)
        wide[:, 1:] = stored.reshape(-1, 3)
        stored = wide.view("<i4").reshape(-1)
    with np.errstate(over="ignore"):  # a double beyond float32 becomes infinite; only damaged or foreign files hold one
        samples: NDArray[np.float32] = stored.astype(np.float32)
    if layout.encoding == FLOAT:
        return samples
    if layout.bit_depth == 8:  # the one unsigned PCM
        samples -= np.float32(128)
    samples *= np.float32(2.0 ** (1 - 8 * stored.itemsize))
    return samples


def decode(file: BinaryIO) -> tuple[NDArray[np.float32], int]:
    """Read a whole WAV file: its samples as float32 in [-1, 1], shape (frames, channels), and its sample rate in Hz."""
    reader = Reader(file)
    return reader.read(0, reader.frames), reader.sample_rate
