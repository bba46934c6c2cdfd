"""The patch: a latent point read as settings of the instrument, in physical units."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generators.synthesizer.exact import Floats, cosine, exp2, indices, log2, power, smooth
from generators.synthesizer.latent import Point

PARTIALS = 40
A4_HZ = 440.0
VOWELS_HZ = ((730, 1090, 2440), (530, 1840, 2480), (270, 2290, 3010), (570, 840, 2410), (300, 870, 2240))
BELL = (1.0, 2.0, 2.366, 3.012, 4.0, 5.028, 5.324, 6.022, 8.332, 10.866, 13.592, 16.43)
BAR = (1.0, 2.756, 5.404, 8.933, 13.34, 18.64)
PLATE = (1.0, 1.52, 1.94, 2.71, 3.14, 3.62, 4.33, 5.02, 5.47, 6.19, 7.08, 7.73)


@dataclass(frozen=True)
class Patch:
    """What the instrument is set to for one take.

    Attributes
    ----------
    root_hz : float
        The keynote, on the equally tempered scale of A 440 Hz.
    ratios, levels, damping : numpy.ndarray
        The partials of a note: frequency over the note's, amplitude, and ring over the note's.
    vowels : numpy.ndarray
        (2, 3) formants in Hz between which notes move; `vocal`, 0 to 1, is how much they are heard.
    warmth : float
        The slider, which tilts the spectrum about 350 Hz.
    breath, noise : float
        0 to 1: how far partials blur into breath, and tone gives way to noise about `noise_hz`.
    drive, beat_depth, beat_hz : float
        Roughness: saturation, and beating.
    attack_s, ring_s, sustain : float
        The envelope: rise, fall by 60 dB, and how much is held (0 to 1).
    notes_per_s, scatter, grains : float
        How often notes come, how far from the beat, and how many grains each is in a texture.
    chord : float
        1 to 3 voices at once.
    vibrato, width, sway_hz, depth, room_s : float
        Movement in pitch (0 to 1), of the stereo image, and the room.
    """

    root_hz: float
    ratios: Floats
    levels: Floats
    damping: Floats
    vowels: Floats
    vocal: float
    warmth: float
    breath: float
    noise: float
    noise_hz: float
    noise_octaves: float
    drive: float
    beat_depth: float
    beat_hz: float
    attack_s: float
    ring_s: float
    sustain: float
    notes_per_s: float
    scatter: float
    grains: float
    chord: float
    vibrato: float
    width: float
    sway_hz: float
    depth: float
    room_s: float


def read_patch(point: Point) -> Patch:
    """Read a latent point, ten sliders first, as settings of the instrument."""
    bright, warmth, air, rough, tension, attack, decay, pulse, width, depth = point.positions
    colour = point.colour
    sustain = smooth((decay - 0.5) / 3.5)
    slow = smooth((attack + 1.5) / 4.5)
    grainy = smooth((air - 1.0) / 3.0) * smooth((pulse - 0.5) / 4.0)
    return Patch(
        root_hz=_root_hz(bright, warmth, tension),
        ratios=_ratios(tension, colour[0]),
        levels=_levels(bright, colour[1:18]),
        damping=_damping(bright, tension, _ratios(tension, colour[0])),
        vowels=_vowels(colour[18], colour[19]),
        vocal=smooth((1.0 - tension) / 5.0),
        warmth=warmth,
        breath=power(unit(air), 2.3),
        noise=power(unit(air), 3.5),
        noise_hz=exp2(9.6 + 0.58 * bright - 0.25 * warmth + 0.5 * colour[20]),
        noise_octaves=exp2(0.1 - 0.3 * tension + 0.1 * air),
        drive=12.0 * power(unit(rough), 4.0),
        beat_depth=power(unit(rough), 2.0),
        beat_hz=58.0 + 40.0 * colour[21],
        attack_s=exp2((0.473 + 0.0534 * (attack + 5.0)) * (attack + 5.0) - 9.3),
        ring_s=exp2(0.62 * decay - 0.1),
        sustain=sustain,
        notes_per_s=exp2(0.55 * (pulse + 5.0) - 2.6),
        scatter=0.03 + 0.45 * grainy + 0.02 * smooth(air / 5.0),
        grains=1.0 + 4.0 * grainy,
        chord=1.0 + 2.0 * slow * smooth((decay + 1.0) / 3.0),
        vibrato=max(slow, 0.8 * sustain) * smooth((4.0 - tension) / 6.0),
        width=1.5 * power(unit(width), 1.3),
        sway_hz=exp2(-2.2 + 1.2 * colour[22]),
        depth=power(unit(depth), 1.6),
        room_s=exp2(-0.6 + 2.6 * unit(depth) + 0.4 * colour[23]),
    )


def unit(position: float) -> float:
    """Bring a slider's position to (0, 1]."""
    return min(max((position + 5.0) / 10.0, 1e-6), 1.0)


def tilt(frequencies: Floats, patch: Patch) -> Floats:
    """Return what warmth makes of an amplitude at its frequency; above 13 kHz it fades."""
    warm = power(1.0 + frequencies * frequencies / (350.0 * 350.0), -0.055 * patch.warmth)
    return warm / (1.0 + power(frequencies / 13_000.0, 6.0))


def formants(frequencies: Floats, patch: Patch, drift: float) -> Floats:
    """Return the gain of the vowel at `drift` (0 to 1) of the way from the first to the second."""
    vowel = patch.vowels[0] + (patch.vowels[1] - patch.vowels[0]) * drift
    gain = np.full(frequencies.shape, 0.05)
    for formant, level in zip(vowel.tolist(), (1.0, 0.55, 0.3), strict=True):
        offset = (frequencies - formant) / (45.0 + 0.09 * formant)
        gain = gain + level / (1.0 + offset * offset)
    return 1.0 - patch.vocal + patch.vocal * 2.5 * gain


def _root_hz(bright: float, warmth: float, tension: float) -> float:
    octaves = -0.9 + 0.14 * bright - 0.24 * warmth + 0.09 * tension
    return A4_HZ * exp2(round(12.0 * octaves) / 12.0)


def _ratios(tension: float, colour: float) -> Floats:
    """Go from harmonic partials to those of a bell, sometimes a bar or a plate, evenly in pitch."""
    number = indices(PARTIALS) + 1.0
    modes = (BAR, BELL, PLATE)[min(int((colour + 0.5) * 3.0), 2)]
    known = np.array(modes)
    count = number - len(modes)
    stretched = known[-1] * np.where(count > 0, power(1.0 + np.maximum(count, 0.0) * 0.14, 1.2), 1.0)
    target = np.where(count > 0, stretched, np.resize(known, PARTIALS))
    mixed = power(unit(tension), 6.0)
    harmonic = log2(number)
    return exp2(harmonic + (log2(target) - harmonic) * mixed)


def _levels(bright: float, colour: tuple[float, ...]) -> Floats:
    """Let partials fall off by brightness, with a colour of the take's own."""
    number = indices(PARTIALS) + 1.0
    slope = 1.35 - 0.26 * bright + 0.016 * bright * bright
    own = np.resize(np.array(colour[1:]), PARTIALS)
    even = np.where(number % 2.0 == 0.0, exp2(-2.0 * smooth(0.5 + colour[0] * 1.6)), 1.0)
    return power(number, -slope) * exp2(1.6 * own) * even


def _damping(bright: float, tension: float, ratios: Floats) -> Floats:
    """Let high partials die sooner, the more so the duller; those of metal ring on."""
    exponent = 0.85 - 0.07 * bright - 0.07 * tension
    return power(ratios, -max(exponent, 0.1))


def _vowels(first: float, second: float) -> Floats:
    """Choose the two vowels of a take on the circle a, e, i, o, u."""
    places = np.array([first, second]) + 0.5
    known = np.array(VOWELS_HZ, dtype=np.float64)
    turns = indices(5) / 5.0
    weights = np.maximum(cosine(places[:, None] - turns), 0.0)
    weights = weights * weights * weights
    shares = weights / np.cumsum(weights, axis=1)[:, -1:]
    return np.cumsum(shares[:, :, None] * known, axis=1)[:, -1]
