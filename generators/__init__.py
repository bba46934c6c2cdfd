"""Turn Python functions into generators: load them, read their controls, run them.

A generator is a function whose keyword parameters are its controls and whose result is a sound:

>>> from generators import load_generator
>>> synth = load_generator("generators.synth:synthesize")
>>> synth.model_name
'Synth'
>>> [sound] = synth.run({"brightness": 3, "duration": 1, "seed": 7})
>>> sound.sample_rate, sound.audio.shape, sound.seed
(48000, (48000, 2), 7)
"""

from generators.contract import Generator, describe
from generators.controls import Control, Fitted
from generators.errors import GeneratorError
from generators.hints import Choice, Group, Help, Label, Range
from generators.loading import BUILT_IN, generator_from, load_generator
from generators.seeds import resolve_seed
from generators.sound import Sound, as_sound, as_sounds

__all__ = [
    "BUILT_IN",
    "Choice",
    "Control",
    "Fitted",
    "Generator",
    "GeneratorError",
    "Group",
    "Help",
    "Label",
    "Range",
    "Sound",
    "as_sound",
    "as_sounds",
    "describe",
    "generator_from",
    "load_generator",
    "resolve_seed",
]
