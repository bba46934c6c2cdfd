"""Judge a take by its samples: is it worth hearing, or did something go wrong?

>>> from store.audio import prepare
>>> quality(prepare([0.0] * 4800, 48_000, 24))["reason"]
'Silent'
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from store.audio import Samples

SILENCE = 10 ** (-60 / 20)
"""Silence is below -60 dBFS: the level to which reverberation must fall for a room to count as silent (RT60, ISO 3382)."""
FULL_SCALE = 1 - 2**-15
"""Full scale is the largest 16-bit sample, also in files of 24 bit, which often come from 16."""
CLIPPED_RUN = 3
"""Clipping is three or more equal full-scale samples in a row, the usual count of an "over" in studio meters (Sony PCM-1630)."""
HEAVILY_CLIPPED_SHARE = 0.01
HEAVILY_CLIPPED_RUN_S = 0.005
"""More than 1 % of all samples, or 5 ms at a stretch, can no longer be taken for a limiter at work: it is broken."""
QUIET_DBFS = -40.0
"""A peak below -40 dBFS is a hundredth of full scale: at the gain of its neighbours the take sounds like nothing."""
LOUD_END_DBFS = -20.0
END_S, LAST_S, STILL_LOUD = 0.005, 0.001, 0.35
"""A click is heard where loud sound stops within the ear's temporal resolution (about 2 to 5 ms): the end is cut off where its last
5 ms reach -20 dBFS and the last 1 ms still holds 35 % of that. A fade of 5 ms, as editors put on every cut, passes."""
SHORTEST_JUDGED_END_S = 0.05
"""Clicks and single cycles, shorter than 50 ms, have no ending to judge."""
MOSTLY_SILENT_SHARE = 0.8
NEARLY_ALL_SILENT_SHARE = 0.99
"""Silence before and between sounds counts from 80 % of the take on. Silence after the sound is what a struck sound with a long
take has, and counts only where less than 1 % of the take is heard."""
BLOCK_S = 0.005
BLOCK_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class _Levels:
    """What one pass over the samples measures; amplitudes are linear, 1 is full scale."""

    peak: float
    rms: float
    dc_offset: float
    silent_frames: int
    leading_frames: int
    trailing_frames: int


@dataclass(frozen=True, slots=True)
class _Clipping:
    """Full-scale samples: all of them, those in runs that count as clipping, and the longest run."""

    samples: int
    in_runs: int
    longest: int


@dataclass(frozen=True, slots=True)
class _Verdict:
    rating: str
    reason: str
    words: str


def quality(samples: Samples) -> dict[str, Any]:
    """Measure and rate samples; the result is plain JSON.

    `peak_dbfs`, `rms_dbfs` (None for digital silence), `clipped_samples` (at full scale or given beyond it), `longest_clip` (samples
    in a row in one channel), `silence_ratio` (share of frames in 5 ms blocks below -60 dBFS), `leading_silence_s`,
    `trailing_silence_s`, `dc_offset` (of the worst channel), `rating` ("green", "yellow", "red"), `reason` and `words` (for a card).
    """
    levels = _measure(samples)
    clipping = _find_clipping(samples) if levels.peak >= FULL_SCALE else _Clipping(0, 0, 0)
    clipped = max(clipping.samples, samples.over)
    return {
        "peak_dbfs": _dbfs(levels.peak),
        "rms_dbfs": _dbfs(levels.rms),
        "clipped_samples": clipped,
        "longest_clip": clipping.longest,
        "silence_ratio": round(levels.silent_frames / samples.frames, 4),
        "leading_silence_s": round(levels.leading_frames / samples.sample_rate, 4),
        "trailing_silence_s": round(levels.trailing_frames / samples.sample_rate, 4),
        "dc_offset": round(levels.dc_offset, 6),
        **asdict(_judge(samples, levels, clipping)),
    }


def _judge(samples: Samples, levels: _Levels, clipping: _Clipping) -> _Verdict:
    """Name the worst thing first."""
    if levels.peak < SILENCE:
        return _Verdict("red", "Silent", "silent")
    clipped = f"Clipped: {_count(clipping.longest, 'sample')} in a row"
    heavy_run = max(CLIPPED_RUN, HEAVILY_CLIPPED_RUN_S * samples.sample_rate)
    if clipping.longest >= heavy_run or clipping.in_runs > HEAVILY_CLIPPED_SHARE * samples.pcm.size:
        return _Verdict("red", clipped, "clipped")
    if clipping.longest >= CLIPPED_RUN:
        return _Verdict("yellow", clipped, "clipped")
    if samples.over:
        return _Verdict("yellow", f"Clipped: {_count(samples.over, 'sample')} beyond full scale", "clipped")
    if (end := _loud_end_dbfs(samples)) is not None:
        return _Verdict("yellow", f"Cut off: ends at {end:.0f} dBFS", "cut off")
    pauses = levels.silent_frames - levels.trailing_frames
    if (
        pauses >= MOSTLY_SILENT_SHARE * samples.frames
        or levels.silent_frames > NEARLY_ALL_SILENT_SHARE * samples.frames
    ):
        return _Verdict("yellow", "Mostly silence", "mostly silent")
    if (peak := _dbfs(levels.peak)) is not None and peak < QUIET_DBFS:
        return _Verdict("yellow", f"Very quiet: peak {peak:.0f} dBFS", "quiet")
    return _Verdict("green", "Sounds fine", "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _dbfs(amplitude: float) -> float | None:
    return round(20 * math.log10(amplitude), 2) if amplitude > 0 else None


def _as_float(pcm: NDArray[Any]) -> NDArray[np.float32]:
    floats = pcm.astype(np.float32)
    if pcm.dtype == np.int32:
        floats *= np.float32(2.0**-31)
    return floats


def _measure(samples: Samples) -> _Levels:
    """Measure levels in one pass, in blocks that stay in the processor's cache."""
    pcm, channels = samples.pcm, samples.channels
    span = max(1, round(BLOCK_S * samples.sample_rate))
    step = span * max(1, BLOCK_SAMPLES // (span * channels))
    energy, totals, peaks = 0.0, np.zeros(channels), []
    for start in range(0, samples.frames, step):
        block = _as_float(pcm[start : start + step])
        totals += (
            block.sum(axis=0, dtype=np.float64) if channels > 2 else [float(block[:, c].sum()) for c in range(channels)]
        )
        flat = np.abs(block, out=block).ravel()
        peaks.append(np.maximum.reduceat(flat, np.arange(0, len(flat), span * channels)))
        energy += _energy(flat)
    by_block = np.concatenate(peaks)
    heard = np.flatnonzero(by_block >= SILENCE)
    lengths = np.full(len(by_block), span)
    lengths[-1] = samples.frames - span * (len(by_block) - 1)
    leading, trailing = samples.frames, samples.frames
    if len(heard):
        leading = _first_heard(pcm, int(heard[0]) * span, span)
        trailing = samples.frames - 1 - _last_heard(pcm, int(heard[-1]) * span, span)
    return _Levels(
        peak=float(by_block.max()),
        rms=math.sqrt(energy / pcm.size),
        dc_offset=float(np.abs(totals).max()) / samples.frames,
        silent_frames=int(lengths[by_block < SILENCE].sum()),
        leading_frames=leading,
        trailing_frames=trailing,
    )


def _energy(flat: NDArray[np.float32]) -> float:
    largest = float(flat.max())
    if largest > 1e6:  # 32-bit float takes may hold anything; their squares do not fit in float32
        return float(np.square(flat, dtype=np.float64).sum())
    return float(np.dot(flat, flat))


def _heard(pcm: NDArray[Any], start: int, span: int) -> NDArray[np.intp]:
    return np.flatnonzero((np.abs(_as_float(pcm[start : start + span])) >= SILENCE).any(axis=1)) + start


def _first_heard(pcm: NDArray[Any], start: int, span: int) -> int:
    return int(_heard(pcm, start, span)[0])


def _last_heard(pcm: NDArray[Any], start: int, span: int) -> int:
    return int(_heard(pcm, start, span)[-1])


def _find_clipping(samples: Samples) -> _Clipping:
    """Count full-scale samples, and their runs: equal ones in a row, so that the round top of a loud slow wave is none."""
    total = in_runs = longest = 0
    for channel in range(samples.channels):
        level = np.clip(_as_float(samples.pcm[:, channel]), -1, 1)
        at = np.flatnonzero(np.abs(level) >= FULL_SCALE)
        if len(at) == 0:
            continue
        breaks = np.flatnonzero((np.diff(at) != 1) | (np.diff(level[at]) != 0)) + 1
        runs = np.diff(np.concatenate(([0], breaks, [len(at)])))
        total += len(at)
        in_runs += int(runs[runs >= CLIPPED_RUN].sum())
        longest = max(longest, int(runs.max()))
    return _Clipping(total, in_runs, longest)


def _loud_end_dbfs(samples: Samples) -> float | None:
    """Give the peak of the last 5 ms where they are loud and do not fall; `None` for an ending that is fine."""
    if samples.duration_s < SHORTEST_JUDGED_END_S:
        return None
    end = np.abs(_as_float(samples.pcm[-max(1, round(END_S * samples.sample_rate)) :]))
    last = end[-max(1, round(LAST_S * samples.sample_rate)) :]
    peak = float(end.max())
    level = _dbfs(peak)
    return level if level is not None and level >= LOUD_END_DBFS and float(last.max()) >= STILL_LOUD * peak else None
