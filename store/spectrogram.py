"""Draw a take's spectrogram: what the details view shows under its waveform.

Each pixel is the smaller of two measurements, one through a long window, which tells close partials apart, and one through a short
window, which tells close onsets apart (a combined spectrogram after Cheung and Lim, "Combined multiresolution (wide-band/narrow-band)
spectrogram", IEEE Transactions on Signal Processing 40, 1992, here with the minimum, which keeps the background clean).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from store.canvas import Canvas
from store.wav import Reader

WIDTH, HEIGHT = 640, 240
LOW_HZ, HIGH_HZ = 60.0, 10_000.0
RANGE_DB = 74.0
FAINTEST_TOP_DB = -60.0  # a take whose loudest partial is below this stays pale: its noise is not blown up to black
LONG_WINDOW_S, SHORT_WINDOW_S = 0.17, 0.021
LONG_WINDOWS_IN_TAKE = 8  # a short take gets shorter windows, or it would be one smear
SHORTEST_WINDOW = 32  # frames
MOST_WINDOWS = 4  # of a long take, in each column
KAISER_BETA = 9.5  # side lobes as far down as the picture shows
MAIN_LOBE_BINS = 4  # half of it
LEAST_POWER = 1e-20
MOST_AMPLITUDE = 1e6  # 32-bit float takes may hold anything; powers must stay within float32

Samples = NDArray[np.float32]
Read = Callable[[int, int], Samples]  # (first frame, frames) -> (frames, channels)


def draw(audio: NDArray[Any], sample_rate: int) -> bytes:
    """Draw audio, (frames,) or (frames, channels), float or left-justified int32 PCM, as `draw_file` draws a file."""
    frames = audio.reshape(len(audio), -1)
    scale = np.float32(2.0**-31 if frames.dtype == np.int32 else 1)

    def read(start: int, count: int) -> Samples:
        floats: Samples = frames[start : start + count].astype(np.float32)
        floats *= scale
        return floats

    return _paint(_levels(read, len(frames), frames.shape[1], sample_rate))


def draw_file(file: BinaryIO) -> bytes:
    """Draw a WAV file as a PNG of 640×240 whose alpha is the level, from 74 dB below the loudest pixel up to it.

    Frequency rises logarithmically from 60 Hz at the bottom to 10 kHz at the top; there are no axes. The powers of all channels are
    added. Time and memory are bounded: of a long take, four stretches in each column are looked at.
    Raises `InvalidAudio` where the file is damaged.
    """
    reader = Reader(file)
    return _paint(_levels(reader.read, reader.frames, reader.channels, reader.sample_rate))


def _paint(levels: Samples) -> bytes:
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.paint(np.rint(levels * 255).astype(np.uint8))
    return canvas.png()


def _levels(read: Read, frames: int, channels: int, sample_rate: int) -> Samples:
    """Compute the picture, (HEIGHT, WIDTH), top row first: 0 is 74 dB down, 1 the loudest."""
    long = _Transform(min(LONG_WINDOW_S, frames / sample_rate / LONG_WINDOWS_IN_TAKE), sample_rate)
    short = _Transform(min(SHORT_WINDOW_S, long.frames / 4 / sample_rate), sample_rate)
    hop = frames / WIDTH
    powers = np.empty((HEIGHT, WIDTH), np.float32)
    for column in range(WIDTH):
        begin, end = column * hop, (column + 1) * hop
        if hop > long.frames / 2:  # a pixel is longer than what the short window would tell apart
            starts = _spread(begin, end, long.frames, MOST_WINDOWS)
            stretches = np.stack([_stretch(read, frames, channels, start, long.frames) for start in starts])
            powers[:, column] = long.rows(stretches)
        else:
            start = round((begin + end - long.frames) / 2)
            stretch = _stretch(read, frames, channels, start, long.frames)
            within = [at - start for at in _spread(begin, end, short.frames)]
            onsets = np.stack([stretch[at : at + short.frames] for at in within])
            powers[:, column] = np.minimum(long.rows(stretch[np.newaxis]), short.rows(onsets))
    decibels = 10 * np.log10(np.maximum(powers, LEAST_POWER))
    top = max(float(decibels.max()), FAINTEST_TOP_DB)
    levels: Samples = np.clip(1 + (decibels[::-1] - top) / RANGE_DB, 0, 1)
    return levels


def _spread(begin: float, end: float, window: int, most: int = 1 << 30) -> list[int]:
    """Give the first frames of windows spread over a column, so many that they cover it, or `most`."""
    count = max(1, min(most, math.ceil((end - begin) / window)))
    return [round(begin + (i + 0.5) * (end - begin) / count - window / 2) for i in range(count)]


def _stretch(read: Read, frames: int, channels: int, start: int, count: int) -> Samples:
    """Read frames (count, channels), silence where the take has none."""
    begin, end = max(start, 0), min(start + count, frames)  # a window's middle lies in its column, so in the take
    stretch = np.zeros((count, channels), np.float32)
    stretch[begin - start : end - start] = read(begin, end - begin)
    finite: Samples = np.nan_to_num(stretch, copy=False, posinf=MOST_AMPLITUDE, neginf=-MOST_AMPLITUDE)
    return np.clip(finite, -MOST_AMPLITUDE, MOST_AMPLITUDE, out=finite)


class _Transform:
    """A windowed Fourier transform of a power of two frames, read off at the picture's rows."""

    def __init__(self, window_s: float, sample_rate: int) -> None:
        self.frames = max(SHORTEST_WINDOW, 1 << round(math.log2(max(1.0, window_s * sample_rate))))
        self._window = np.kaiser(self.frames, KAISER_BETA).astype(np.float32)
        spread = np.fft.rfft(self._window)
        self._leak = (spread / spread[0]).astype(np.complex64)
        self._tells_offset = LOW_HZ * self.frames / sample_rate >= MAIN_LOBE_BINS
        self._scale = np.float32(4 / self._window.sum(dtype=np.float64) ** 2)
        edges = LOW_HZ * (HIGH_HZ / LOW_HZ) ** (np.arange(HEIGHT + 1) / HEIGHT) * self.frames / sample_rate  # in bins
        middles = np.sqrt(edges[1:] * edges[:-1])
        last = self.frames // 2
        self._below = np.minimum(middles.astype(np.intp), last - 1)
        self._share = np.minimum(middles - self._below, 1).astype(np.float32)
        starts = np.ceil(edges).astype(np.intp)
        self._wide = np.diff(starts) >= 2
        self._starts = np.minimum(starts, last)
        self._heard = middles <= last  # up to half the sample rate

    def rows(self, stretches: Samples) -> Samples:
        """Give the power at each row, from (stretches, frames, channels): channels added, the loudest stretch.

        A sine of amplitude 1 has the power 1. Where a row spans several bins the largest counts, so that no partial falls between
        two rows; where a bin spans several rows, they are interpolated. A constant offset would leak into all
        rows; it is taken out where the window is long enough to tell it from the lowest partial.
        """
        spectrum = np.fft.rfft(stretches.swapaxes(1, 2) * self._window)
        if self._tells_offset:
            spectrum -= spectrum[..., :1] * self._leak
        power = (spectrum.real**2 + spectrum.imag**2).sum(axis=1).max(axis=0) * self._scale
        np.maximum(power, LEAST_POWER, out=power)
        logarithm = np.log(power)
        below = logarithm[self._below]
        between = np.exp(below + (logarithm[self._below + 1] - below) * self._share)
        largest = np.maximum.reduceat(power, self._starts)[:-1]
        rows: Samples = np.where(self._heard, np.where(self._wide, largest, between), 0)
        return rows
