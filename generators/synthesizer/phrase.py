"""The phrase: which notes sound when, chosen by the seed within the patch's rhythm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from generators.synthesizer.exact import Floats, exp2, smooth, uniforms
from generators.synthesizer.patch import Patch

SCALES = (
    (0, 2, 4, 7, 9),  # major pentatonic
    (0, 3, 5, 7, 10),  # minor pentatonic
    (0, 2, 3, 5, 7, 9, 10),  # dorian
    (0, 2, 4, 6, 7, 9, 11),  # lydian
    (0, 2, 3, 7, 8),  # hirajoshi
    (0, 2, 5, 7, 10),  # suspended pentatonic
)
RHYTHMS = (
    (1.0, 1.0, 1.0, 1.0),
    (1.5, 0.5, 1.0, 1.0),
    (0.75, 0.75, 0.5, 1.0, 1.0),
    (1.0, 1.0, 0.5, 0.5, 1.0),
    (1.0, 0.5, 0.5, 1.0, 1.0),
    (1.5, 1.5, 1.0),
)
CHORD = (0, 2, 4)  # steps of the scale
LOWEST_HZ, HIGHEST_HZ = 41.0, 4200.0
MOST_NOTES = 600
LEAD_IN_S = 0.012
PHRASE_STREAM, ONSET_STREAM, PITCH_STREAM, FORCE_STREAM = 10, 11, 12, 13


@dataclass(frozen=True)
class Note:
    """One note: when it starts, how long it may sound, its pitch and force (0 to 1), and which of the players has it."""

    start_s: float
    length_s: float
    pitch_hz: float
    force: float
    player: int
    drift: float
    number: int


def compose(patch: Patch, seed: int, duration_s: float) -> list[Note]:
    """Choose the notes of a take: a walk through a scale, on a rhythm, that has died away when the take ends."""
    choice = uniforms(seed, PHRASE_STREAM, 8)
    scale = SCALES[int(choice[0] * len(SCALES))]
    key = int(choice[1] * 7.0) - 3
    onsets = _onsets(patch, seed, duration_s, RHYTHMS[int(choice[2] * len(RHYTHMS))])
    degrees = _walk(uniforms(seed, PITCH_STREAM, len(onsets)), len(scale))
    forces = _forces(uniforms(seed, FORCE_STREAM, len(onsets)), patch)
    end_s = duration_s - quiet_s(patch, duration_s)
    nexts = [*onsets[1:], end_s]
    notes = []
    for number, (start_s, next_s, degree, force) in enumerate(zip(onsets, nexts, degrees, forces, strict=True)):
        held_s = patch.sustain * 1.15 * (next_s - start_s)
        length_s = min(max(note_s(patch), held_s), end_s - start_s)
        for voice, level in enumerate(_voices(patch)):
            pitch_hz = _pitch(patch.root_hz, scale, key, degree + CHORD[voice])
            drift = number / max(len(onsets) - 1, 1)
            notes.append(Note(start_s, length_s, pitch_hz, force * level, number + voice, drift, number))
    return notes


def note_s(patch: Patch) -> float:
    """Return how long a note sounds: its ring, but no more than a few notes at once."""
    spacing_s = 1.0 / (patch.notes_per_s * patch.grains)
    ring_s = patch.ring_s * (1.1 + 2.0 * patch.sustain) + patch.attack_s
    return min(ring_s, max(3.5 * spacing_s * (1.0 - 0.65 * patch.sustain), 0.1))


def tail_s(patch: Patch, duration_s: float) -> float:
    """Return how long before the end the last note starts."""
    return min(max(0.7 * note_s(patch) + quiet_s(patch, duration_s), 0.25), 0.6 * duration_s)


def quiet_s(patch: Patch, duration_s: float) -> float:
    """Return how long before the end all notes are over and only the room sounds."""
    return min(0.06 + 0.5 * patch.room_s * patch.depth, 0.25 * duration_s)


def _onsets(patch: Patch, seed: int, duration_s: float, rhythm: tuple[float, ...]) -> list[float]:
    """Lay notes on the rhythm, near to it, until it is time to die away."""
    span_s = duration_s - tail_s(patch, duration_s) - LEAD_IN_S
    spacing_s = max(1.0 / (patch.notes_per_s * patch.grains), span_s / MOST_NOTES)
    lateness = (uniforms(seed, ONSET_STREAM, 2 * MOST_NOTES) * 2.0 - 1.0) * patch.scatter
    even = smooth((patch.grains - 1.0) * 2.0)  # a texture has no rhythm
    onsets, beat = [LEAD_IN_S], 0.0
    for index, late in enumerate(lateness.tolist()):
        step = rhythm[index % len(rhythm)]
        beat += step + (1.0 - step) * even
        if beat * spacing_s > span_s:
            break
        onsets.append(LEAD_IN_S + min(max((beat + late) * spacing_s, 0.0), span_s))
    return onsets


def _walk(draws: Floats, size: int) -> list[int]:
    """Walk up and down the scale from the keynote by small steps, within about an octave and a half."""
    degree, degrees = 0, []
    for index, draw in enumerate(draws.tolist()):
        if index:
            degree += (-2, -1, -1, 1, 1, 2, 3)[int(draw * 7.0)]
        degree = degree - size if degree > size + 2 else degree + size if degree < -3 else degree
        degrees.append(degree)
    return degrees


def _forces(draws: Floats, patch: Patch) -> list[float]:
    """Strike the first of every four notes harder; the grains of a texture differ most."""
    uneven = 0.35 + 0.5 * smooth((patch.grains - 1.0) / 3.0)
    accents = np.where(np.arange(draws.size) % 4 == 0, 1.0, 0.75)
    forces: list[float] = (accents * (1.0 - uneven * draws)).tolist()
    return forces


def _voices(patch: Patch) -> list[float]:
    """Return the level of every voice of the chord that is heard."""
    levels = [min(max(patch.chord - voice, 0.0), 1.0) for voice in range(3)]
    return [level for level in levels if level > 0.02]


def _pitch(root_hz: float, scale: tuple[int, ...], key: int, degree: int) -> float:
    octave, step = divmod(degree, len(scale))
    hz = root_hz * exp2(octave + (scale[step] + key) / 12.0)
    while hz > HIGHEST_HZ:
        hz *= 0.5
    while hz < LOWEST_HZ:
        hz *= 2.0
    return hz
