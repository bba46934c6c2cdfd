"""The built-in synthesizer: ten sliders through a 64-dimensional latent space.

Each slider lies on a principal axis of the space; the seed adds a small step along all 64 axes and chooses the notes.
The point that is reached is read as the settings of an instrument of partials, breath and noise in a room. The latent
vector that is returned is all that the instrument is told, besides seed, duration and channels.

**The same parameters give the same samples, bit for bit.** All arithmetic is of the kind that IEEE 754 fixes to the
last bit (see `generators.synthesizer.exact`): it does not depend on the processor, its SIMD extensions, BLAS, the C
library or the version of NumPy. Only x86-64 was tested, with NumPy's SIMD code switched on and off; by construction it
holds wherever float64 is IEEE 754 and rounds to nearest, as on every processor that NumPy's wheels are made for.
A change of the sound itself raises ``versions["synth"]``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np

from generators.contract import describe
from generators.hints import Choice, Group, Help, Label, Range
from generators.seeds import resolve_seed
from generators.sound import Sound
from generators.synthesizer.exact import Floats
from generators.synthesizer.latent import place, read
from generators.synthesizer.level import level
from generators.synthesizer.noise import make_bed
from generators.synthesizer.patch import Patch, read_patch
from generators.synthesizer.phrase import compose, quiet_s
from generators.synthesizer.space import PLAYERS, add_room, fade, spread, take_rumble, widen
from generators.synthesizer.voice import sound_note

SAMPLE_RATE = 48_000
VERSION = "1"
SLIDERS = ("brightness", "warmth", "air", "roughness", "tension", "attack", "decay", "pulse", "width", "depth")
Position = Range(-5, 5, 0.1)

STARTING_POINTS = {
    "Glass bell": (3, -2, -4.5, -4, 3.8, -4.5, 3, -1.4, 1, 1.5),
    "Low brass": (1.8, 3.6, -3.5, -2, -3, 2.5, 3.5, -2.2, 0, 0),
    "Breath pad": (0, 0.5, 2.6, -4, -3.5, 4, 2.4, -1.8, 3, 2),
    "Plucked wire": (2.5, 0, -4, -3, 0.8, -4.8, -0.5, 1, 1, -2),
    "Rain on tape": (3, -1, 5, -4, 0, -4.8, -5, 3.4, 4, -1),
    "Sub pulse": (-3.5, 4.5, -4.5, -2, -4, -3, -2, 0.5, -4, -5),
    "Choir of three": (0, 0, -0.5, -4.5, -5, 2.8, 4.2, -2.6, 2, 2),
    "Bowed saw": (2.5, 1, -3, 1, -1.5, 2.5, 5, -5, 0.5, -1),
    "Metal roof": (4.5, 1, 0, 4.5, 5, -4.8, -1, 1.4, 2, 0),
    "Marimba, far away": (-1.5, 0.5, -4, -4.5, 3, -4.2, -1.5, 2, 2, 4.5),
    "Bell cluster": (1, 0, -4.5, -2, 5, -4.6, 2.4, 0.8, 3, 2),
    "Shortwave at night": (4, -3.5, 1.5, 5, 2, 0, 1, 3, 3, -2),
    "Gravel steps": (1, 2, 4.8, 3, 0, -4, -3.5, -0.5, 0, -3),
    "Piano, reversed": (2.5, 0.5, -4.5, -4, 1, 5, -3.5, -1.5, 1, -2),
    "Wind in the wires": (-2, 0, 4.6, -4, 5, 5, 5, -5, 4, 2),
    "Night organ": (1.5, -2, -2.5, -3.5, -2, 0.6, 5, -1.8, 2, 3.5),
}
PRESETS = {name: dict(zip(SLIDERS, positions, strict=True)) for name, positions in STARTING_POINTS.items()}


@describe(model_id="synth", model_name="Synth", presets=PRESETS, versions={"synth": VERSION})
def synthesize(
    *,
    brightness: Annotated[float, Position, Group("Timbre"), Help("From dull to glittering: more high partials.")] = 0.0,
    warmth: Annotated[float, Position, Group("Timbre"), Help("From thin to deep: lower notes, more bass.")] = 0.0,
    air: Annotated[float, Position, Group("Timbre"), Help("From pure tone over breath to noise.")] = 0.0,
    roughness: Annotated[float, Position, Group("Timbre"), Help("From smooth to growling: beating and grit.")] = 0.0,
    tension: Annotated[
        float, Position, Group("Timbre"), Help("From voice over string to bell and metal, rising in pitch.")
    ] = 0.0,
    attack: Annotated[float, Position, Group("Time"), Help("How slowly a note begins: 2 ms to 2 s.")] = 0.0,
    decay: Annotated[float, Position, Group("Time"), Help("How long a note rings, from a tick to held.")] = 0.0,
    pulse: Annotated[float, Position, Group("Time"), Help("How often notes come: one in 6 s to 7 a second.")] = 0.0,
    width: Annotated[float, Position, Group("Space"), Help("How far left and right differ and sway.")] = 0.0,
    depth: Annotated[float, Position, Group("Space"), Help("From close by to the far end of a hall.")] = 0.0,
    seed: Annotated[int | None, Group("Take"), Help("Chooses the notes and the fine print of the sound.")] = None,
    duration: Annotated[float, Range(1, 30, 0.5, random=False), Group("Take"), Help("In seconds.")] = 8.0,
    stereo_mode: Annotated[
        Literal["stereo", "mono"], Label("Channels"), Choice(("Stereo", "stereo"), ("Mono", "mono")), Group("Take")
    ] = "stereo",
    bit_depth: Annotated[
        Literal[16, 24, 32], Choice(("16 bit", 16), ("24 bit", 24), ("32 bit float", 32)), Group("Take")
    ] = 24,
) -> Sound:
    """Make a sound of 1 to 30 s at 48 kHz.

    Sliders go from -5 to 5. The audio is float32, (frames, 2) or (frames, 1), about -20 LUFS, its peak below -1 dBFS,
    silent at both ends.

    >>> sound = synthesize(**PRESETS["Glass bell"], seed=7, duration=1.0)
    >>> sound.audio.shape, len(sound.latent_vector), sound.n_components
    ((48000, 2), 64, 10)
    """
    seed = resolve_seed(seed)
    positions = [brightness, warmth, air, roughness, tension, attack, decay, pulse, width, depth]
    vector = place(positions, seed)
    patch = read_patch(read(vector, len(positions)))
    if stereo_mode == "mono":
        patch = replace(patch, width=0.0)
    audio = perform(patch, seed, duration, SAMPLE_RATE)
    if stereo_mode == "mono":
        audio = audio[:1]
    samples = np.ascontiguousarray(level(audio, SAMPLE_RATE).T, dtype=np.float32)
    return Sound(SAMPLE_RATE, samples, seed, vector.tolist(), positions, len(positions), stereo_mode, bit_depth)


def perform(patch: Patch, seed: int, duration_s: float, sample_rate: int) -> Floats:
    """Play the phrase of a take and put it into its space: (2, frames)."""
    frames = round(duration_s * sample_rate)
    notes = compose(patch, seed, duration_s)
    longest_s = max(note.length_s for note in notes)
    bed = make_bed(patch, seed, min(int((longest_s + 1.0) * sample_rate), frames), sample_rate)
    players = [np.zeros(frames) for _ in range(PLAYERS)]
    for note in notes:
        start = int(note.start_s * sample_rate)
        audio = sound_note(note, patch, bed, seed, sample_rate)[: frames - start]
        players[note.player % PLAYERS][start : start + audio.size] += audio
    audio = add_room(spread(players, patch, seed, sample_rate), patch, sample_rate)
    audio = take_rumble(widen(audio, patch.width), sample_rate)
    return fade(audio, sample_rate, quiet_s(patch, duration_s))
