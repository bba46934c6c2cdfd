"""Noise: octave bands of it, made once for a take, and what notes cut from them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from generators.synthesizer.exact import Floats, averages, exp2, indices, log2, moving_average, rms, total, uniforms
from generators.synthesizer.patch import Patch, formants, tilt

BANDS = 7
LOWEST_BAND_HZ = 110.0
BREATH_HZ = 60.0
HEARD = 0.003  # of breath or noise
NOISE_STREAM, BREATH_STREAM = 20, 21


@dataclass(frozen=True)
class NoiseBed:
    """Noise to cut from: `bands` (bands, frames) of level 1 about `centres_hz`, and slow `breath` (frames,)."""

    bands: Floats
    centres_hz: Floats
    breath: Floats


def make_bed(patch: Patch, seed: int, frames: int, sample_rate: int) -> NoiseBed:
    """Make as much of the noise as the patch lets be heard."""
    centres_hz = LOWEST_BAND_HZ * exp2(indices(BANDS))
    bands = _octaves(seed, frames, sample_rate, centres_hz) if patch.noise > HEARD else np.zeros((BANDS, frames))
    breath = _slow(seed, frames, sample_rate) if patch.breath > HEARD else np.zeros(frames)
    return NoiseBed(bands, centres_hz, breath)


def _octaves(seed: int, frames: int, sample_rate: int, centres_hz: Floats) -> Floats:
    """Split white noise into octaves by differences of smoothed copies of itself."""
    white = uniforms(seed, NOISE_STREAM, frames) - 0.5
    widths = [_width(sample_rate, hz * 0.7071) for hz in centres_hz.tolist()]
    once = averages(white, widths)
    edges = [*(moving_average(edge, width) for edge, width in zip(once, widths, strict=True)), white]
    bands = [upper - lower for lower, upper in itertools.pairwise(edges)]
    return np.stack([band / rms(band) for band in bands])


def _slow(seed: int, frames: int, sample_rate: int) -> Floats:
    """Smooth white noise until it wavers as slowly as breath."""
    width = _width(sample_rate, BREATH_HZ)
    breath = moving_average(moving_average(uniforms(seed, BREATH_STREAM, frames) - 0.5, width), width)
    steady: Floats = breath / rms(breath)
    return steady


def band_levels(bed: NoiseBed, patch: Patch, octaves_up: float, drift: float) -> Floats:
    """Return the level of every band for a note so many octaves above the keynote, all together 1."""
    distance = (log2(bed.centres_hz / patch.noise_hz) - 0.6 * octaves_up) / patch.noise_octaves
    levels = exp2(-0.7 * distance * distance) * tilt(bed.centres_hz, patch) * formants(bed.centres_hz, patch, drift)
    levels = levels + 1e-9  # never all of them silent
    together: Floats = levels / np.sqrt(total(levels * levels))
    return together


def cut(bed: NoiseBed, levels: Floats, start: int, frames: int) -> Floats:
    """Mix the bands at their levels, from a place in the bed on; bands 50 dB down are left out."""
    mixed = np.zeros(frames)
    for band, level in zip(bed.bands, levels.tolist(), strict=True):
        if level > 0.003:
            mixed += band[start : start + frames] * level
    return mixed


def _width(sample_rate: int, cutoff_hz: float) -> int:
    """Return over how many frames to average, twice, to be 3 dB down near the cutoff."""
    return max(int(0.32 * sample_rate / cutoff_hz), 1)
