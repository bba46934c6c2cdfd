"""Takes as they are in use, made up from their number alone: 2.3 KB of JSON each, the same on every machine.

>>> record(7) == record(7), record(7)["entry_id"] == id_of(7)
(True, True)
"""

from __future__ import annotations

import os
import random
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta, timezone
from itertools import accumulate
from pathlib import Path

import numpy as np

from store import document, media
from store.audio import encode_samples, prepare
from store.document import Header
from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER
from store.envelope import envelope
from store.journal import JournalHeader, name_of
from store.lines import seal
from store.thumbnail import WIDTH, draw
from store.values import Json, plain

Fields = dict[str, Json]

RARE, COMMON, ABSENT = "theremin", "glass", "xylorimba"
"""Words to search for: in one prompt of 5,000, in about half of them, in none. No other text of a take holds them."""

RARE_EVERY = 5_000
_RARE_FIRST = 7
_WORDS = (
    "glass", "slow", "bell", "rain", "tape", "low", "brass", "swelling", "plucked", "wire", "breath", "pad", "metal",
    "roof", "choir", "of", "three", "bowed", "saw", "night", "organ", "gravel", "steps", "kettle", "drone", "shimmer",
    "felt", "piano", "reversed", "wind", "cluster", "marimba", "far", "away", "sub", "kick", "hat", "vinyl", "dust",
    "cathedral", "whisper", "granite", "ember", "tide", "lantern", "moth", "quartz", "harbour", "signal", "thaw",
)  # fmt: skip
_WEIGHTS = list(
    accumulate(1 / (5 + rank) for rank in range(len(_WORDS)))
)  # as in a language: few words are in many prompts
_MODELS = (("tidal-2", "Tidal 2"), ("synth", "Synth"), ("murmur-xl", "Murmur XL"), ("foley", "Foley"), ("test", "Test"))
_SHARES = list(accumulate((50, 30, 15, 4, 1)))
_SLIDERS = (
    "brightness", "warmth", "air", "roughness", "tension", "attack", "decay", "pulse", "width", "depth", "motion", "bloom",
)  # fmt: skip
_TAGS = ("keeper", "loop", "intro", "client", "draft", "layer")
_SAMPLERS = ("euler", "heun", "dpmpp")
_FIRST_MOMENT = datetime(2024, 1, 1, tzinfo=timezone.utc)
_BETWEEN = timedelta(seconds=37, microseconds=113)
_NAMESPACE = uuid.UUID("6f9d0d6e-5ad5-4d1c-9d61-6a7c6b2f3a10")
_LATENT = 64
_POOL: list[float] = plain(np.random.default_rng(64).standard_normal(4096).astype(np.float32), "latent_vector")
"""Numbers for latent vectors: the shortest decimals that read back as these float32."""
MOST_LINKS = 10_000
"""Takes that share one file: a file of ext4 has 65,000 names at most."""


def id_of(number: int) -> str:
    """Return the id of the take with this number."""
    return str(uuid.uuid5(_NAMESPACE, str(number)))


def model_of(number: int) -> str:
    """Return the model of the take with this number."""
    return str(record(number)["model_id"])


def record(number: int) -> Fields:
    """Return a take as the index holds it; later numbers have later timestamps."""
    rng = random.Random(number)
    entry_id = id_of(number)
    model_id, model_name = rng.choices(_MODELS, cum_weights=_SHARES)[0]
    sliders = [round(rng.uniform(-5, 5), 1) for _ in _SLIDERS]
    frames = rng.randrange(48_000, 1_440_000)
    seed = rng.getrandbits(31)
    favorite = rng.random() < 0.1
    return {
        "entry_id": entry_id,
        "timestamp": (_FIRST_MOMENT + number * _BETWEEN).isoformat(timespec="microseconds"),
        "model_id": model_id,
        "model_name": model_name,
        "slider_positions": sliders,
        "n_components": len(_SLIDERS),
        "seed": seed,
        "duration_s": frames / 48_000,
        "sample_rate": 48_000,
        "stereo_mode": "stereo",
        "preset_name": "custom",
        "audio_file": media.audio_name(entry_id),
        "thumbnail_file": media.thumbnail_name(entry_id),
        "quality_score": _quality(rng),
        "latent_vector": rng.choices(_POOL, k=_LATENT),
        "params": {
            "prompt": _prompt(rng, number),
            "sliders": dict(zip(_SLIDERS, sliders, strict=True)),
            "seed": seed,
            "steps": rng.randrange(20, 100),
            "guidance": round(rng.uniform(1, 12), 1),
            "sampler": rng.choice(_SAMPLERS),
        },
        "bit_depth": 24,
        "channels": 2,
        "frames": frames,
        "size_bytes": 4_096 + frames * 6,
        "audio_sha256": f"{rng.getrandbits(256):064x}",
        "favorite": favorite,
        "rating": rng.randrange(1, 6) if rng.random() < 0.3 else None,
        "tags": rng.sample(_TAGS, rng.choice((0, 0, 0, 1, 2))),
        "note": _phrase(rng, 9) if favorite else "",
        "title": _phrase(rng, 3) if rng.random() < 0.2 else "",
        "parent_id": id_of(rng.randrange(number)) if number and rng.random() < 0.2 else None,
        "elapsed_s": round(rng.uniform(0.5, 30), 3),
        "generator": {"retake": "0.1.0", "torch": "2.9.1", model_id: "2.0"},
        "deleted_at": None,
        "preset_id": None,
        "preset_changed": None,
        "loudness_lufs": None,
        "peak_dbfs": None,
        "votes": [],
    }


def records(first: int, end: int) -> Iterator[Fields]:
    """Yield the takes with the numbers from `first` up to `end`, that one left out."""
    return map(record, range(first, end))


def _phrase(rng: random.Random, words: int) -> str:
    return " ".join(rng.choices(_WORDS, cum_weights=_WEIGHTS, k=words))


def _prompt(rng: random.Random, number: int) -> str:
    words = _phrase(rng, rng.randrange(4, 16))
    return f"{words} {RARE}" if number % RARE_EVERY == _RARE_FIRST else words


def _quality(rng: random.Random) -> Fields:
    rating, reason = rng.choices(
        [("green", "Sounds fine"), ("yellow", "Mostly silence"), ("red", "Silent")], (90, 8, 2)
    )[0]
    return {
        "peak_dbfs": round(rng.uniform(-20, 0), 2),
        "rms_dbfs": round(rng.uniform(-40, -12), 2),
        "clipped_samples": 0,
        "longest_clip": 0,
        "silence_ratio": round(rng.random(), 4),
        "leading_silence_s": round(rng.random() / 10, 4),
        "trailing_silence_s": round(rng.random(), 4),
        "dc_offset": round(rng.uniform(-1e-3, 1e-3), 6),
        "rating": rating,
        "reason": reason,
        "words": "",
        "loudness": {"integrated_lufs": round(rng.uniform(-30, -10), 2), "range_lu": round(rng.uniform(1, 12), 2)},
        "spectrum": {
            "centroid_hz": round(rng.uniform(200, 6_000), 1),
            "bands": [round(rng.random(), 3) for _ in range(6)],
        },
    }


def write_history(root: Path, takes: int) -> None:
    """Write the index of a history of `takes` takes, as a fold leaves it, with neither media nor a catalog."""
    for folder in (AUDIO_FOLDER, THUMBNAIL_FOLDER):
        (root / folder).mkdir(parents=True)
    if takes == 0:
        return
    history_id = str(uuid.uuid5(_NAMESPACE, f"history of {takes}"))
    with (root / "history.json").open("wb") as file:
        file.writelines(document.write_lines(Header(2, history_id, 1, takes), map(seal, records(0, takes))))
    os.link(root / "history.json", root / "history.json.bak")
    (root / name_of(2)).write_bytes(JournalHeader(2, history_id, 1, 0).line())


def write_media(root: Path, numbers: Iterable[int], wav: bytes | None = None, png: bytes | None = None) -> None:
    """Give takes a sound and a picture, the same for all, under a name for each; made up where none is given."""
    if wav is None or png is None:
        made_wav, made_png = _tone()
        wav, png = wav or made_wav, png or made_png
    for at, number in enumerate(numbers):
        entry_id = id_of(number)
        paths = (root / media.audio_name(entry_id), root / media.thumbnail_name(entry_id))
        if at % MOST_LINKS == 0:
            shared = paths
            for path, data in zip(paths, (wav, png), strict=True):
                path.write_bytes(data)
        else:
            for path, existing in zip(paths, shared, strict=True):
                os.link(existing, path)


def _tone() -> tuple[bytes, bytes]:
    time_s = np.arange(48_000) / 48_000
    samples = prepare(0.7 * np.exp(-4 * time_s) * np.sin(2 * np.pi * 220 * time_s), 48_000, 24)
    return encode_samples(samples)[0], draw(envelope(samples.pcm, WIDTH))
