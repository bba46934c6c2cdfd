"""Measures of sounds, each of one thing that a slider of the synthesizer moves; all take (frames, channels)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyloudnorm

Audio = npt.NDArray[Any]
SAMPLE_RATE = 48_000


def power_spectrum(audio: Audio, window: int = 4096) -> tuple[Audio, Audio]:
    """Return frequencies in Hz and mean power, over Hann windows half overlapping."""
    mono = audio.astype(np.float64).mean(axis=1)
    count = (mono.size - window) // (window // 2) + 1
    starts = np.arange(count) * (window // 2)
    frames = mono[starts[:, None] + np.arange(window)] * np.hanning(window)
    return np.fft.rfftfreq(window, 1 / SAMPLE_RATE), (np.abs(np.fft.rfft(frames, axis=1)) ** 2).mean(axis=0)


def centroid_hz(audio: Audio) -> float:
    """Return the mean frequency, weighted by power."""
    hz, power = power_spectrum(audio)
    return float((hz * power).sum() / power.sum())


def bass_share(audio: Audio) -> float:
    """Return the share of power below 250 Hz."""
    hz, power = power_spectrum(audio)
    return float(power[hz < 250].sum() / power.sum())


def noisiness(audio: Audio) -> float:
    """Return the flatness of the spectrum from 100 Hz to 8 kHz: 0 for a tone, 1 for white noise."""
    hz, power = power_spectrum(audio)
    heard = power[(hz > 100) & (hz < 8000)] + 1e-20
    return float(np.exp(np.log(heard).mean()) / heard.mean())


def beating(audio: Audio) -> float:
    """Return how much the level wavers between 30 and 100 times a second, against its mean."""
    level = envelope(audio, 0.002)
    spectrum = np.abs(np.fft.rfft(level)) ** 2
    hz = np.fft.rfftfreq(level.size, 0.002)
    return float(np.sqrt(spectrum[(hz > 30) & (hz < 100)].sum() / spectrum[0]))


def pitch_hz(audio: Audio) -> float:
    """Return the lowest partial: the first peak of the spectrum within 30 dB of the highest."""
    hz, power = power_spectrum(audio, 16_384)
    inner = power[1:-1]
    peaks = (inner > power[:-2]) & (inner >= power[2:]) & (inner > power.max() / 1000)
    return float(hz[1:-1][np.argmax(peaks)])


def envelope(audio: Audio, step_s: float) -> Audio:
    """Return the root mean square of every stretch of `step_s`."""
    step = round(step_s * SAMPLE_RATE)
    count = audio.shape[0] // step
    squares = (audio[: count * step].astype(np.float64) ** 2).mean(axis=1)
    return np.sqrt(squares.reshape(count, step).mean(axis=1))


def attack_s(audio: Audio) -> float:
    """Return the time of the first rise from a tenth to nine tenths of the highest peak."""
    step = SAMPLE_RATE // 4000
    peaks = np.abs(audio[: audio.shape[0] // step * step]).max(axis=1).reshape(-1, step).max(axis=1)
    padded = np.concatenate([np.zeros(59), peaks])
    level = np.lib.stride_tricks.sliding_window_view(padded, 60).max(axis=1)  # held over the swings of a low tone
    top = int(np.argmax(level > 0.9 * level.max()))
    low = top
    while low > 0 and level[low] > 0.1 * level.max():
        low -= 1
    return (top - low) / 4000


def sounding_s(audio: Audio) -> float:
    """Return for how long the level is within 30 dB of the loudest."""
    level = envelope(audio, 0.01)
    return float((level > level.max() * 0.0316).sum() * 0.01)


def onsets(audio: Audio) -> int:
    """Count rises of the level by 3 dB within 40 ms that reach within 20 dB of the loudest."""
    level = envelope(audio, 0.01) + 1e-6
    rising = (level[4:] > 1.41 * level[:-4]) & (level[4:] > 0.1 * level.max())
    return int((rising[1:] & ~rising[:-1]).sum())


def side_share(audio: Audio) -> float:
    """Return the share of power in what differs between left and right."""
    left, right = audio[:, 0].astype(np.float64), audio[:, 1].astype(np.float64)
    side, middle = ((left - right) ** 2).sum(), ((left + right) ** 2).sum()
    return float(side / (side + middle))


def loudness_lufs(audio: Audio) -> float:
    """Return the loudness by ITU-R BS.1770-4."""
    measured: float = pyloudnorm.Meter(SAMPLE_RATE).integrated_loudness(audio.astype(np.float64))
    return measured


def balance_wander(audio: Audio) -> float:
    """Return by how many dB the balance of left and right varies (standard deviation), every 50 ms that sounds."""
    left, right = envelope(audio[:, :1], 0.05), envelope(audio[:, 1:], 0.05)
    heard = left + right > 0.05 * (left + right).max()
    return float(np.std(20 * np.log10((left[heard] + 1e-9) / (right[heard] + 1e-9))))


def gap_db(audio: Audio) -> float:
    """Return how far the quietest quarter of the first two thirds is below the loudest: a room fills the gaps."""
    level = envelope(audio, 0.01)
    return float(20 * np.log10(np.quantile(level[: level.size * 2 // 3], 0.25) / level.max() + 1e-6))


def third_octaves_db(audio: Audio) -> Audio:
    """Return the level in 24 bands of a third of an octave from 50 Hz, against the sum, no lower than -50 dB."""
    hz, power = power_spectrum(audio)
    edges = 50 * 2 ** (np.arange(25) / 3)
    bands = np.add.reduceat(power, np.searchsorted(hz, edges))[:-1]
    return np.maximum(10 * np.log10(bands / bands.sum() + 1e-12), -50)


def distance_db(one: Audio, other: Audio) -> float:
    """Return how far two spectra are apart: the root mean square of the difference of their third octaves."""
    return float(np.sqrt(((third_octaves_db(one) - third_octaves_db(other)) ** 2).mean()))
