"""Level: one loudness for all takes, and no peak above the ceiling. All take (channels, frames)."""

from __future__ import annotations

import numpy as np

from generators.synthesizer.exact import Floats, averages, indices, moving_average, smooth, total

TARGET_POWER = 0.0128  # mean square, channels added; measured by BS.1770 in full it comes to -20 LUFS
CEILING = 0.885  # -1.06 dBFS
ROUNDS = 3
LOOK_AHEAD_S = 0.004
GATE_BLOCK_S = 0.4


def level(audio: Floats, sample_rate: int) -> Floats:
    """Bring a sound to -20 LUFS with peaks under -1 dBFS and no direct current; silence stays."""
    gain, limited = 1.0, audio
    for _ in range(ROUNDS):
        power = _gated_power(limited, sample_rate)
        if power <= 0.0:
            return audio
        gain *= float(np.sqrt(TARGET_POWER / power))
        limited = audio * gain
        peaks = _peaks(limited)
        if float(peaks.max()) <= CEILING:
            break
        limited = limited * _turned_down(peaks, sample_rate)
    return _without_dc(limited)


def _without_dc(audio: Floats) -> Floats:
    """Take away the mean with an arch that is 0 at both ends."""
    frames = audio.shape[1]
    ramp = indices(frames)
    arch = smooth(np.minimum(ramp, ramp[::-1]) / (0.2 * frames))
    arch /= total(arch)
    return np.stack([channel - arch * total(channel) for channel in audio])


def _gated_power(audio: Floats, sample_rate: int) -> float:
    """Return the mean square of what is loud, near to BS.1770: weighted, in blocks, gated 10 dB below their mean."""
    weighted = _weighted(audio, sample_rate)
    power = np.cumsum(weighted * weighted, axis=0)[-1]
    sums = np.concatenate([np.zeros(1), np.cumsum(power)])
    block = min(int(GATE_BLOCK_S * sample_rate), power.size)
    starts = np.arange(0, power.size - block + 1, max(block // 4, 1))
    means = (sums[starts + block] - sums[starts]) / block
    loud = means[means > 1e-7 * float(means.max())]
    if not loud.size:
        return 0.0
    kept: Floats = loud[loud > 0.1 * total(loud) / loud.size]
    return total(kept) / kept.size


def _weighted(audio: Floats, sample_rate: int) -> Floats:
    """Lift what is above about 1.5 kHz by 4 dB and take away what is below 40 Hz, as the ear does."""
    soft, bass = averages(audio, (sample_rate // 2100, sample_rate // 90))
    bass = moving_average(bass, sample_rate // 90)
    weighted: Floats = audio + 0.585 * (audio - soft) - bass
    return weighted


def _peaks(audio: Floats) -> Floats:
    """Return the largest of all channels in every frame."""
    peaks: Floats = np.abs(audio[0])
    for channel in audio[1:]:
        peaks = np.maximum(peaks, np.abs(channel))
    return peaks


def _turned_down(peaks: Floats, sample_rate: int) -> Floats:
    """Return a gain that keeps peaks under the ceiling, turned down ahead of them so smoothly that it is not heard."""
    reach = int(LOOK_AHEAD_S * sample_rate)
    lowest = _minimum_around(CEILING / np.maximum(peaks, CEILING), reach)
    gain: Floats = 1.0 - moving_average(1.0 - lowest, reach)
    return gain


def _minimum_around(values: Floats, reach: int) -> Floats:
    """Return the smallest of the values within `reach` on either side, by doubling the span."""
    lowest: Floats = np.concatenate([np.ones(reach), values, np.ones(reach)])
    span, wanted = 1, 2 * reach + 1
    while span < wanted:
        step = min(span, wanted - span)
        lowest = np.minimum(lowest[: lowest.size - step], lowest[step:])
        span += step
    return lowest
