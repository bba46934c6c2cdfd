"""Reduce audio to its exact envelope: what a waveform picture shows.

>>> shape = envelope(np.array([[0.5, -0.5], [0.0, 0.25]], np.float32), columns=2)
>>> shape.low.tolist(), shape.high.tolist()
([-0.5, 0.0], [0.5, 0.25])
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from store.wav import Reader

BLOCK_SAMPLES = 1 << 18  # of each pass a megabyte, which stays in the processor's cache
FILE_BLOCK_SAMPLES = 1 << 20  # 4 MiB of float32
INT32_SCALE = np.float32(2.0**-31)


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """The smallest and largest sample of all channels, and their RMS, in each column: float32 arrays of equal length."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    rms: NDArray[np.float32]

    @property
    def columns(self) -> int:
        """Give the number of columns."""
        return len(self.low)


def envelope(audio: NDArray[Any], columns: int) -> Envelope:
    """Reduce audio to `columns` columns; every sample of every channel counts.

    `audio` is (frames,) or (frames, channels), float in [-1, 1] or left-justified int32 PCM. Channels share one shape and are never
    averaged: their mean would hide an anti-phase stereo signal. With fewer frames than columns, frames repeat.
    """
    frames = audio.reshape(len(audio), -1)
    fold = _Fold(len(frames), columns)
    step = max(1, BLOCK_SAMPLES // max(1, frames.shape[1]))
    for start in range(0, len(frames), step):
        fold.add(start, frames[start : start + step])
    return fold.result()


def envelope_of_file(file: BinaryIO, columns: int) -> Envelope:
    """Reduce a WAV file to its envelope, reading it block by block; raise `InvalidAudio` where it is damaged."""
    reader = Reader(file)
    fold = _Fold(reader.frames, columns)
    step = max(1, FILE_BLOCK_SAMPLES // reader.channels)
    for start in range(0, reader.frames, step):
        fold.add(start, reader.read(start, step))
    return fold.result()


class _Fold:
    """Collect an envelope from consecutive blocks of frames."""

    def __init__(self, frames: int, columns: int) -> None:
        if columns < 1:
            raise ValueError("an envelope needs at least one column")
        self._frames = frames
        self._columns = columns
        self._held = min(frames, columns)  # with fewer frames than columns every frame is a column, repeated at the end
        self._first = np.arange(self._held + 1, dtype=np.int64) * frames // max(1, self._held)
        self._low = np.full(self._held, np.inf, np.float32)
        self._high = np.full(self._held, -np.inf, np.float32)
        self._energy = np.zeros(self._held, np.float64)
        self._channels = 1

    def add(self, start: int, block: NDArray[Any]) -> None:
        """Take in the block (frames, channels) that begins at frame `start`."""
        self._channels = block.shape[1]
        begin = int(np.searchsorted(self._first, start, "right")) - 1
        end = int(np.searchsorted(self._first[:-1], start + len(block), "left"))
        edges = (np.maximum(self._first[begin:end], start) - start) * block.shape[1]
        flat = block.ravel()
        scale = INT32_SCALE if flat.dtype == np.int32 else np.float32(1)
        here = slice(begin, end)
        # reduceat over the raveled frames is ten times faster than a reduction along an axis.
        low = np.minimum.reduceat(flat, edges).astype(np.float32) * scale
        high = np.maximum.reduceat(flat, edges).astype(np.float32) * scale
        np.minimum(self._low[here], low, out=self._low[here])
        np.maximum(self._high[here], high, out=self._high[here])
        level = flat.astype(np.float32)
        level *= scale
        with np.errstate(over="ignore"):  # float samples far beyond ±1 may have an infinite square
            np.multiply(level, level, out=level)
            self._energy[here] += np.add.reduceat(level, edges)

    def result(self) -> Envelope:
        """Give the envelope of all blocks."""
        if self._held == 0:
            silence = np.zeros(self._columns, np.float32)
            return Envelope(silence, silence, silence)
        rms = np.sqrt(self._energy / (np.diff(self._first) * self._channels)).astype(np.float32)
        if self._held == self._columns:
            return Envelope(self._low, self._high, rms)
        frame = np.arange(self._columns) * self._frames // self._columns
        return Envelope(self._low[frame], self._high[frame], rms[frame])
