"""How loud a sound is to the ear: integrated loudness by ITU-R BS.1770, and gains that make two sounds equally loud.

The weighting filters are pyloudnorm's, which is the recommendation's own at 48 kHz; they run over the file in blocks, so
that memory does not grow with it.

>>> from io import BytesIO
>>> from store.audio import encode_samples, prepare
>>> import numpy as np
>>> sine = 10 ** (-23 / 20) * np.sin(2 * np.pi * 1_000 * np.arange(48_000) / 48_000)
>>> level = measure(BytesIO(encode_samples(prepare(np.stack([sine, sine], axis=1), 48_000, 24))[0]))
>>> round(level.loudness_lufs, 1), round(level.peak_dbfs, 1)
(-23.0, -23.0)
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from store.errors import InvalidAudio
from store.wav import Reader

HOPS_PER_S, HOPS_PER_BLOCK = 10, 4
"""Gating blocks are 400 ms long and overlap by 75 %, so that one begins every 100 ms; one cut short by the end is left out."""
OFFSET_LUFS = -0.691
GATE_LUFS, RELATIVE_GATE_LU = -70.0, -10.0
SURROUND = 1.41
CHANNEL_WEIGHTS = {5: (1.0, 1.0, 1.0, SURROUND, SURROUND), 6: (1.0, 1.0, 1.0, 0.0, SURROUND, SURROUND)}
"""By the number of channels, in the order of a WAV file: L R C Ls Rs, and L R C LFE Ls Rs. Of any other number each counts 1."""
LOWEST_RATE_HZ = 1_000
REFERENCE_RATE_HZ = 48_000
FILTERED_RATE_HZ = 16_000
"""At a lower rate the filters' curve would be off by over 0.07 dB near its end: such a sound is resampled first."""
CONTEXT_FRAMES = 16  # scipy's resampling filter looks at 10 frames before and behind each
BLOCK_SAMPLES = 1 << 18
QUIETEST_DBFS = -200.0


@dataclass(frozen=True)
class Level:
    """How loud a sound is (LUFS; None for silence), and its highest sample (dBFS; -200 for digital silence)."""

    loudness_lufs: float | None
    peak_dbfs: float


@dataclass(frozen=True)
class Gains:
    """What to apply to two sounds, in dB and never above 0, and whether they are equally loud then."""

    a_db: float
    b_db: float
    matched: bool


def measure(file: BinaryIO) -> Level:
    """Measure the loudness of a WAV file of 1 to 32 channels at 1,000 to 384,000 Hz, and its highest sample.

    A sound shorter than a gating block (400 ms) is measured as a studio's meter would show it: as one block, with silence
    behind it. What stays below -70 LUFS in every block is silence, and has no loudness. Raises `InvalidAudio`.
    """
    reader = Reader(file)
    if reader.sample_rate < LOWEST_RATE_HZ:
        raise InvalidAudio(f"The sample rate is {reader.sample_rate:,} Hz; {LOWEST_RATE_HZ:,} Hz are the least.")
    weighting = _Weighting(reader)
    peak, energies = 0.0, [np.zeros(0)]
    for starts, stop in _stretches(reader):
        samples = weighting.read(int(starts[0]), stop)
        peak = max(peak, weighting.peak)
        energies.append(np.add.reduceat(samples, (starts - starts[0]) * weighting.times))
    powers = _block_powers(np.concatenate(energies) / weighting.times, reader)
    return Level(_gated_lufs(powers), _peak_dbfs(peak))


def on_two_loudspeakers(level: Level) -> Level:
    """Return how loud a sound of one channel is that comes out of both loudspeakers: 3 LU louder than it was measured.

    The recommendation sums up channels, and counts the one of a file once; a listener hears it twice.

    >>> on_two_loudspeakers(Level(-23.0, -6.0))
    Level(loudness_lufs=-19.99, peak_dbfs=-6.0)
    """
    if level.loudness_lufs is None:
        return level
    return Level(round(level.loudness_lufs + 10 * math.log10(2), 2), level.peak_dbfs)


def matched_gains(a: Level, b: Level) -> Gains:
    """Return the gains at which two sounds are equally loud: the louder one is turned down, neither is ever turned up.

    Where samples lie beyond full scale, as they may in float files, both are turned down until none does. Silence has no
    loudness to match; then that is all that is done. The gate at -70 LUFS does not move with a gain: of a take with long
    passages near it, what is measured after the gain may differ by some tenths.

    >>> matched_gains(Level(-14.0, -1.0), Level(-20.5, -6.0))
    Gains(a_db=-6.5, b_db=0.0, matched=True)
    """
    a_db = b_db = 0.0
    matched = a.loudness_lufs is not None and b.loudness_lufs is not None
    if a.loudness_lufs is not None and b.loudness_lufs is not None:
        quieter = min(a.loudness_lufs, b.loudness_lufs)
        a_db, b_db = quieter - a.loudness_lufs, quieter - b.loudness_lufs
    over_db = max(0.0, a.peak_dbfs + a_db, b.peak_dbfs + b_db)
    return Gains(a_db - over_db, b_db - over_db, matched)


def _stretches(reader: Reader) -> Iterator[tuple[NDArray[np.int64], int]]:
    """Yield the first frames of some hops of 100 ms, and where the last of them ends, from the start to the end of a file."""
    rate = reader.sample_rate
    hops = -(-reader.frames * HOPS_PER_S // rate)
    at_once = max(1, BLOCK_SAMPLES * HOPS_PER_S // (rate * reader.channels))
    for first in range(0, hops, at_once):
        last = min(first + at_once, hops)
        starts = np.arange(first, last, dtype=np.int64) * rate // HOPS_PER_S
        yield starts, min(reader.frames, last * rate // HOPS_PER_S)


class _Weighting:
    """Reads a file from its start to its end as the ear hears it: K-weighted, squared, its channels summed up by their weight.

    `times` says how many values there are for a frame; `peak` is the highest sample of what was read last.
    """

    def __init__(self, reader: Reader) -> None:
        from scipy.signal import resample_poly, sosfilt  # half a second, and few takes are ever compared

        self._resample, self._filter = resample_poly, sosfilt
        self._reader = reader
        self.peak = 0.0
        self.times = -(-FILTERED_RATE_HZ // reader.sample_rate)
        self._weights = np.array(CHANNEL_WEIGHTS.get(reader.channels, (1.0,) * reader.channels))
        self._sections = _k_weighting(reader.sample_rate * self.times)
        self._state = np.zeros((len(self._sections), 2, reader.channels))

    def read(self, start: int, stop: int) -> NDArray[np.float64]:
        """Return the power of each frame; the filters go on from where the last call ended. Raises `InvalidAudio`."""
        filtered, self._state = self._filter(self._sections, self._samples(start, stop), axis=0, zi=self._state)
        self._state[np.abs(self._state) < 1e-30] = 0.0  # in a long silence the smallest numbers there are would be slow
        power: NDArray[np.float64] = np.square(filtered, out=filtered) @ self._weights
        return power

    def _samples(self, start: int, stop: int) -> NDArray[np.float64]:
        before = min(start, CONTEXT_FRAMES) if self.times > 1 else 0
        behind = CONTEXT_FRAMES if self.times > 1 else 0
        samples = self._reader.read(start - before, stop + behind - (start - before)).astype(np.float64)
        self.peak = float(np.abs(samples).max())
        if not math.isfinite(self.peak):
            raise InvalidAudio("Some of the WAV file's samples are not finite numbers (NaN or infinite).")
        if self.times == 1:
            return samples
        resampled: NDArray[np.float64] = self._resample(samples, self.times, 1, axis=0)
        return resampled[before * self.times : (before + stop - start) * self.times]


def _k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Return the two filters as second-order sections.

    The second one is scaled to the gain that it has at 48 kHz, where the recommendation lists it: its zeros are given
    without a scale, and at other rates it would be off by up to 0.13 dB.
    """
    sections = _sections(sample_rate)
    sections[1, :3] *= _gain_at_the_top(_sections(REFERENCE_RATE_HZ)[1]) / _gain_at_the_top(sections[1])
    return sections


def _sections(sample_rate: int) -> NDArray[np.float64]:
    from pyloudnorm import Meter

    filters = Meter(sample_rate, filter_class="DeMan")._filters.values()
    return np.array([[*each.b, *each.a] for each in filters])


def _gain_at_the_top(section: NDArray[np.float64]) -> float:
    signs = np.array([1.0, -1.0, 1.0])
    return float(section[:3] @ signs / (section[3:] @ signs))


def _block_powers(energies: NDArray[np.float64], reader: Reader) -> NDArray[Any]:
    """Return the mean power of each gating block from the energies of its hops."""
    rate = reader.sample_rate
    edges = np.arange(len(energies) + 1, dtype=np.int64) * rate // HOPS_PER_S
    whole = int(np.searchsorted(edges, reader.frames, side="right")) - 1  # the last hop may be cut short
    blocks = whole - HOPS_PER_BLOCK + 1
    if blocks < 1:
        return np.array([energies.sum() / (rate * HOPS_PER_BLOCK / HOPS_PER_S)])
    sums = sum((energies[hop : hop + blocks] for hop in range(HOPS_PER_BLOCK)), np.zeros(blocks))
    return sums / (edges[HOPS_PER_BLOCK : HOPS_PER_BLOCK + blocks] - edges[:blocks])


def _gated_lufs(powers: NDArray[Any]) -> float | None:
    """Return the loudness of the blocks that are above both gates; None where all of them are below the first."""
    heard = powers[powers > _power(GATE_LUFS)]
    if not len(heard):
        return None
    loud = heard[heard > heard.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
    return round(OFFSET_LUFS + 10 * math.log10(loud.mean()), 2)


def _power(loudness_lufs: float) -> float:
    return float(10 ** ((loudness_lufs - OFFSET_LUFS) / 10))


def _peak_dbfs(peak: float) -> float:
    """Return a peak in dBFS, rounded up, so that a gain made from it never leaves a sample above full scale."""
    if peak <= 0:
        return QUIETEST_DBFS
    return max(QUIETEST_DBFS, math.ceil(20_000 * math.log10(peak)) / 1_000)
