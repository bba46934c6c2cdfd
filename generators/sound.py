"""Sounds: what a generator makes, read from the many shapes in which functions return it."""

from __future__ import annotations

import numbers
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from generators.errors import GeneratorError
from generators.seeds import LARGEST_SEED

AUDIO_SUFFIXES = (
    ".wav",
    ".flac",
    ".ogg",
    ".oga",
    ".opus",
    ".mp3",
    ".aiff",
    ".aif",
    ".aifc",
    ".au",
    ".caf",
    ".w64",
    ".rf64",
)
SUBTYPE_DEPTHS = {"PCM_16": 16, "PCM_U8": 16, "PCM_S8": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 32}


@dataclass(frozen=True, eq=False)
class Sound:
    """One sound and what is known of its making.

    Attributes
    ----------
    sample_rate : int
        In Hz.
    audio : numpy.ndarray
        (frames,) or (frames, channels), floats in [-1, 1] or integer PCM.
    seed : int or None
        The seed that made it, where one did.
    latent_vector, slider_positions, n_components, stereo_mode
        Where the generator has them.
    bit_depth : int
        At which it wants to be kept: 16, 24 or 32 (float).
    partial : bool
        Whether more of it was to come.
    """

    sample_rate: int
    audio: npt.NDArray[Any]
    seed: int | None = None
    latent_vector: list[float] | None = None
    slider_positions: list[float] | None = None
    n_components: int = 0
    stereo_mode: str | None = None
    bit_depth: int = 24
    partial: bool = False


def as_sound(returned: Any) -> Sound | list[Sound]:
    """Read what a generator returned: its one sound, or a list of them when there are several.

    See `as_sounds` for what is understood.

    >>> as_sound(((8000, [0.0, 0.5, 0.0]), 7)).seed
    7
    """
    sounds = as_sounds(returned)
    return sounds[0] if len(sounds) == 1 else sounds


def as_sounds(returned: Any) -> list[Sound]:
    """Read every sound in what a generator returned.

    Understood are `Sound`; ``(sample_rate, array)``; the path of an audio file, which is read at once; an object with
    `audio` and `sample_rate`; ``gr.update(value=...)`` of these; and tuples and lists of them beside other outputs,
    where a whole number after a sound is the seed that made it.

    Raises
    ------
    GeneratorError
        When there is no sound in it, or its file cannot be read.

    >>> [sound.sample_rate for sound in as_sounds([(8000, [0.0]), "a caption", (16000, [0.0])])]
    [8000, 16000]
    """
    if isinstance(returned, (str, os.PathLike)):
        return [read_file(Path(returned))]
    sounds = list(_find(returned))
    if not sounds:
        raise GeneratorError("", f"The generator returned {_describe(returned)}, which is no sound.")
    return sounds


def is_audio_path(value: object) -> bool:
    """Tell whether a value is the path of an audio file that is there."""
    if not isinstance(value, (str, os.PathLike)) or not os.fspath(value):
        return False
    path = Path(value)
    return path.suffix.lower() in AUDIO_SUFFIXES and path.is_file()


def read_file(path: Path) -> Sound:
    """Read an audio file into memory, as float32 (frames, channels), with the depth it has on disk.

    Raises
    ------
    GeneratorError
        When it is missing or is no audio file.
    """
    import soundfile  # here, so that reading controls needs no libsndfile

    if not path.is_file():
        raise GeneratorError("", f"The generator returned the path {path}, but there is no such file.")
    try:
        with soundfile.SoundFile(path) as file:
            depth = SUBTYPE_DEPTHS.get(file.subtype, 24)
            return Sound(int(file.samplerate), file.read(dtype="float32", always_2d=True), bit_depth=depth)
    except soundfile.SoundFileError as error:
        raise GeneratorError("", f"The generator returned {path}, which cannot be read as audio: {error}") from error


def _find(value: Any) -> Iterator[Sound]:
    """Yield the sounds in a value, in order; whatever else it holds is passed over."""
    if isinstance(value, Sound):
        yield value
    elif _is_pair(value):
        samples = _as_array(value[1])
        yield Sound(int(value[0]), samples, bit_depth=16 if samples.dtype == np.int16 else 24)
    elif is_audio_path(value):
        yield read_file(Path(value))
    elif isinstance(value, dict):
        yield from _find(value.get("value", value.get("path")))
    elif isinstance(value, (list, tuple)):
        yield from _with_seed([sound for item in value for sound in _find(item)], value)
    elif hasattr(value, "audio") and hasattr(value, "sample_rate"):
        yield _from_result(value)


def _is_pair(value: Any) -> bool:
    """Tell whether a value is ``(sample_rate, array)``."""
    if not isinstance(value, (tuple, list)) or len(value) != 2 or not _is_whole(value[0]):
        return False
    samples = value[1]
    return hasattr(samples, "__array__") or (isinstance(samples, (list, tuple)) and _is_numeric(samples))


def _is_numeric(samples: Any) -> bool:
    first = samples[0] if samples else 0.0
    return isinstance(first, numbers.Real) or (isinstance(first, (list, tuple)) and _is_numeric(first))


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def _as_array(samples: Any) -> npt.NDArray[Any]:
    """Bring samples to NumPy, also from a tensor that is on a GPU or records gradients."""
    if hasattr(samples, "detach") and hasattr(samples, "cpu"):
        samples = samples.detach().cpu()
    return np.asarray(samples)


def _with_seed(sounds: list[Sound], outputs: Any) -> list[Sound]:
    """Give the sounds the seed that stands beside them as a whole number."""
    seeds = [int(item) for item in outputs if _is_whole(item) and 0 <= item <= LARGEST_SEED]
    if not seeds:
        return sounds
    return [sound if sound.seed is not None else replace(sound, seed=seeds[0]) for sound in sounds]


def _from_result(result: Any) -> Sound:
    """Read a GenerationResult, or anything with its fields."""
    config = getattr(result, "config", None)
    latent = getattr(config, "latent_vector", None)
    return Sound(
        sample_rate=int(result.sample_rate),
        audio=_as_array(result.audio),
        seed=getattr(result, "seed_used", None),
        latent_vector=None if latent is None else [float(value) for value in latent],
        stereo_mode=getattr(config, "stereo_mode", None),
        bit_depth=getattr(config, "bit_depth", 24),
    )


def _describe(value: Any) -> str:
    if value is None:
        return "nothing"
    article = "an" if type(value).__name__[0].lower() in "aeiou" else "a"
    return f"{article} {type(value).__name__}"
