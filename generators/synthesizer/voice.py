"""The voice: one note as samples."""

from __future__ import annotations

import numpy as np

from generators.synthesizer.exact import Floats, cosine, exp2, indices, log2, power, sine, smooth, uniforms
from generators.synthesizer.noise import HEARD, NoiseBed, band_levels, cut
from generators.synthesizer.patch import Patch, formants, tilt
from generators.synthesizer.phrase import Note

BLOCK = 256
BLOCKS_AT_ONCE = 64  # so that a stretch of a note stays in the processor's cache
HIGHEST_PARTIAL_HZ = 17_000.0
INAUDIBLE = 0.0004
LOG2_60_DB = 9.965784284662087
REGISTERS = (0, 3, 9)  # the first partial of the low, middle and high ones
PHASE_STREAM = 30


def sound_note(note: Note, patch: Patch, bed: NoiseBed, seed: int, sample_rate: int) -> Floats:
    """Sound one note: partials and breath, roughened, under their envelope."""
    frames = max(int(note.length_s * sample_rate), 64)
    time_s = indices(frames) / sample_rate
    rise, fall = _envelope(note, patch, time_s)
    mixed = np.zeros(frames)
    if patch.noise < 0.97:
        mixed += (1.0 - patch.noise) * _tone(note, patch, bed, seed, sample_rate, rise)
    if patch.noise > HEARD:
        mixed += 0.5 * patch.noise * _breath(note, patch, bed, sample_rate, time_s) * rise
    if patch.drive > 0.02:
        mixed = mixed * (1.0 + patch.drive) / (1.0 + patch.drive * np.abs(mixed))
    if patch.beat_depth > 0.01:
        beat = 0.5 - 0.5 * cosine(time_s * (patch.beat_hz * (1.0 + 0.03 * (note.number % 3))))
        mixed *= 1.0 - patch.beat_depth * beat
    return mixed * fall * note.force


def _envelope(note: Note, patch: Patch, time_s: Floats) -> tuple[Floats, Floats]:
    """Return how a note rises, and how it is let go before its length is over."""
    attack_s = min(patch.attack_s, 0.75 * note.length_s)
    held_s = min(0.25 * note.length_s, 0.15 + 0.7 * patch.attack_s)
    release_s = 0.03 + 0.6 * patch.ring_s * (1.0 - patch.sustain) + held_s * patch.sustain
    release_s = min(release_s, note.length_s - attack_s)
    swell = smooth(patch.attack_s / 0.8) * (1.0 - patch.sustain)
    ramp = np.minimum(time_s / attack_s, 1.0)
    rise = smooth(ramp) * (1.0 - swell) + ramp * ramp * ramp * swell
    fall = smooth((note.length_s - time_s) / release_s)
    return rise, fall


def _ring_s(patch: Patch, hz: float) -> float:
    """Return how long a note rings; held ones hardly fall, high ones die sooner."""
    held = patch.ring_s / (1.0 - 0.985 * patch.sustain) + 4.0 * patch.attack_s
    return held * power(220.0 / max(hz, 60.0), 0.25)


def _tone(note: Note, patch: Patch, bed: NoiseBed, seed: int, sample_rate: int, rise: Floats) -> Floats:
    """Add up the partials of a note; high ones come later where the attack is slow, as in brass."""
    hz = patch.ratios * note.pitch_hz
    levels = patch.levels * tilt(hz, patch) * formants(hz, patch, note.drift)
    levels = levels * power(patch.ratios, 0.5 * (note.force - 0.7))
    levels = np.where(hz < min(HIGHEST_PARTIAL_HZ, 0.45 * sample_rate), levels, 0.0)
    levels = levels / np.sqrt(np.cumsum(levels * levels)[-1] + 1e-30)
    rings = _ring_s(patch, note.pitch_hz) * sample_rate * patch.damping
    late = smooth((log2(patch.attack_s) + 5.0) / 4.0)
    drawn = uniforms(seed, PHASE_STREAM + note.number % 7, hz.size) - 0.5
    phases = 0.25 + drawn * (0.3 + 0.7 * late)  # what is struck starts together
    mixed = np.zeros(rise.size)
    envelope = rise
    registers = REGISTERS if late > 0.01 else REGISTERS[:1]
    for first, last in zip(registers, (*registers[1:], hz.size), strict=True):
        part = first + np.flatnonzero(levels[first:last] > INAUDIBLE)
        mixed += _partials(hz[part] / sample_rate, levels[part], phases[part], rings[part], rise.size) * envelope
        envelope = envelope * (1.0 - late + late * rise)
    if patch.breath > HEARD:
        start = _place(bed, note, rise.size)
        mixed *= (1.0 - patch.breath) + patch.breath * 1.2 * bed.breath[start : start + rise.size]
    return mixed


def _breath(note: Note, patch: Patch, bed: NoiseBed, sample_rate: int, time_s: Floats) -> Floats:
    """Cut the noise of a note and let it ring."""
    octaves_up = log2(note.pitch_hz / patch.root_hz)
    start = _place(bed, note, time_s.size)
    noise = cut(bed, band_levels(bed, patch, octaves_up, note.drift), start, time_s.size)
    return noise * _decay(0.6 * _ring_s(patch, note.pitch_hz), time_s.size, sample_rate)


def _place(bed: NoiseBed, note: Note, frames: int) -> int:
    """Choose where in the noise a note starts, another place for each."""
    room = bed.breath.size - frames
    return (note.number * 7919 + note.player * 104_729) % room if room > 0 else 0


def _decay(ring_s: float, frames: int, sample_rate: int) -> Floats:
    """Fall by 60 dB in `ring_s`, as blocks times a block."""
    rate = -LOG2_60_DB / (ring_s * sample_rate)
    blocks = -(-frames // BLOCK)
    curve = exp2(indices(blocks) * (rate * BLOCK))[:, None] * exp2(indices(BLOCK) * rate)
    return curve.reshape(-1)[:frames]


def _partials(steps: Floats, levels: Floats, phases: Floats, rings: Floats, frames: int) -> Floats:
    """Add up decaying sines, each turned on from block to block by sin(a + b) = sin a cos b + cos a sin b.

    Parameters
    ----------
    steps, levels, phases, rings
        Turns a frame, amplitude, turns at the start, and frames to fall by 60 dB, of every partial.
    """
    blocks = -(-frames // BLOCK)
    within, starts = indices(BLOCK), indices(blocks) * BLOCK
    rates = (-LOG2_60_DB / rings)[:, None]
    inner_fall = exp2(rates * within)
    inner_sine, inner_cosine = sine(steps[:, None] * within) * inner_fall, cosine(steps[:, None] * within) * inner_fall
    fall = levels[:, None] * exp2(rates * starts)
    outer = steps[:, None] * starts + phases[:, None]
    outer_sine, outer_cosine = sine(outer) * fall, cosine(outer) * fall
    audible = np.count_nonzero(fall > INAUDIBLE, axis=1).tolist()
    mixed = np.zeros((blocks, BLOCK))
    for start in range(0, blocks, BLOCKS_AT_ONCE):
        for partial, last in enumerate(audible):
            rows = slice(start, min(start + BLOCKS_AT_ONCE, last))
            if rows.stop > start:
                mixed[rows] += outer_sine[partial, rows, None] * inner_cosine[partial]
                mixed[rows] += outer_cosine[partial, rows, None] * inner_sine[partial]
    return mixed.reshape(-1)[:frames]
