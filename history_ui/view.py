"""Entries as the page shows them: cards, and everything else in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any

from history_ui import words
from history_ui.titles import Vocabulary, title
from history_ui.wire import big_int_text, to_text
from store import GenerationHistory, HistoryEntry
from store.values import encode

NOTHING_KNOWN = Vocabulary()

AudioUrl = Callable[[HistoryEntry], str]


def title_of(entry: HistoryEntry, vocabulary: Vocabulary = NOTHING_KNOWN) -> str:
    """Return what a take is called: its own title, else one made from its settings."""
    names = vocabulary.of(entry.model_id)
    return title(entry.title, entry.params, entry.preset_name, entry.model_name, names, entry.preset_id)


def seed_text(seed: int | None) -> str:
    """Write a seed; empty where there was none."""
    return "" if seed is None else big_int_text(seed)


def card(
    history: GenerationHistory, entry: HistoryEntry, audio_url: AudioUrl, vocabulary: Vocabulary
) -> dict[str, Any]:
    """Return what the gallery draws of one take; `audio` is None where the file is missing."""
    score = entry.quality_score if isinstance(entry.quality_score, dict) else {}
    return {
        "id": entry.entry_id,
        "title": title_of(entry, vocabulary),
        "title_is_own": bool(entry.title.strip()),
        "model": entry.model_name or entry.model_id,
        "seed": entry.seed,
        "seed_text": seed_text(entry.seed),
        "duration_s": entry.duration_s,
        "time_s": entry.time_us / 1e6,
        "favorite": entry.favorite,
        "rating": entry.rating,
        "tags": list(entry.tags),
        "quality": _rating(score),
        "quality_words": _quality_words(score),
        "thumbnail": thumbnail_url(history, entry),
        "audio": audio_url(entry) if history.audio_exists(entry) else None,
        "deleted": entry.deleted,
        "size_bytes": entry.size_bytes or 0,
        "preset": preset_text(entry),
        "preset_id": entry.preset_id,
        "preset_changed": entry.preset_changed,
        "parent_id": entry.parent_id,
    }


def preset_text(entry: HistoryEntry) -> str:
    """Return what the preset or starting point of a take was called; empty where it had none."""
    if entry.preset_id is not None:
        return to_text(entry.preset_name)
    return "" if entry.preset_name in ("", "custom") else words.humanise(entry.preset_name)


def _preset_fact(entry: HistoryEntry) -> str:
    name = preset_text(entry)
    return f"{name} (changed since)" if name and entry.preset_changed else name


def thumbnail_url(history: GenerationHistory, entry: HistoryEntry) -> str | None:
    """Return a take's waveform as a data URL; None where there is none and none can be drawn."""
    data = history.thumbnail(entry)
    return png_url(data) if data else None


def png_url(data: bytes) -> str | None:
    """Return a PNG as a data URL; None for anything else."""
    return "data:image/png;base64," + base64.b64encode(data).decode() if data[:4] == b"\x89PNG" else None


def _rating(score: Mapping[str, Any]) -> str:
    rating = score.get("rating")
    return rating if rating in ("green", "yellow", "red") else "green"


def _quality_words(score: Mapping[str, Any]) -> str:
    if _rating(score) == "green":
        return ""
    said = score.get("words") or score.get("reason")
    return words.cut(str(said), 60) if said else "to check"


def document_text(entry: HistoryEntry) -> str:
    """Return the whole entry as JSON text: exact, also where a browser's numbers are not."""
    text = json.dumps(encode(entry.to_dict()), ensure_ascii=False, indent=2)
    return text if to_text(text) == text else json.dumps(encode(entry.to_dict()), indent=2)


def parameters(entry: HistoryEntry, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Return every parameter of a take as {name, label, value, text}: the page's controls first, in their order."""
    params = entry.params if isinstance(entry.params, dict) else {}
    names = vocabulary.of(entry.model_id)
    order = [*(name for name in names.knobs if name in params), *(name for name in params if name not in names.knobs)]
    return [
        {"name": name, "label": names.label(name), "value": params[name], "text": _text(names, name, params[name])}
        for name in order
    ]


def _text(vocabulary: Vocabulary, name: str, value: Any) -> str:
    knob = vocabulary.knobs.get(name)
    return knob.text(value) if knob else words.value_text(value)


def facts(entry: HistoryEntry) -> list[dict[str, str]]:
    """Return every other field of a take in words, as {label, text}; the unknown fields last, under their own names."""
    told = [
        ("Made", words.date_text(entry.time_us / 1e6) or entry.timestamp),
        ("Model", model_text(entry)),
        ("Preset", _preset_fact(entry)),
        ("Seed", seed_text(entry.seed) or "none"),
        ("Length", words.length_text(entry.duration_s)),
        ("Format", format_text(entry)),
        ("Size", words.size_text(entry.size_bytes) if entry.size_bytes else ""),
        ("Frames", words.number_text(entry.frames) if entry.frames else ""),
        ("Sound", quality_text(entry)),
        ("Took", words.length_text(entry.elapsed_s) if entry.elapsed_s else ""),
        ("Made with", _versions(entry.generator)),
        ("Stereo mode", words.humanise(entry.stereo_mode)),
        ("Sliders", _positions(entry)),
        ("Latent vector", _latent(entry.latent_vector)),
        ("Deleted", entry.deleted_at or ""),
        ("Audio file", entry.audio_file),
        ("Picture", entry.thumbnail_file),
        ("Samples' SHA-256", entry.audio_sha256 or ""),
        ("Id", entry.entry_id),
    ]
    told += [(words.humanise(name), words.value_text(value)) for name, value in entry.extra.items()]
    return [{"label": label, "text": text} for label, text in told if text]


def model_text(entry: HistoryEntry) -> str:
    """Write whose take it is: the model's name, with its id where that says something else."""
    same = entry.model_name.lower() == entry.model_id.lower() or not entry.model_name
    return entry.model_id if same else f"{entry.model_name} ({entry.model_id})"


def format_text(entry: HistoryEntry) -> str:
    """Write a take's format: "48 kHz stereo, 24 bit"."""
    channels = words.channels_text(entry.channels) if entry.channels else ""
    rate = words.rate_text(entry.sample_rate) if entry.sample_rate else ""
    depth = f"{entry.bit_depth} bit" if entry.bit_depth else ""
    return ", ".join(part for part in (" ".join(part for part in (rate, channels) if part), depth) if part)


def quality_text(entry: HistoryEntry) -> str:
    """Write what the measurement found: "Sounds fine, peak −1.1 dB, 0 % silence"."""
    score = entry.quality_score if isinstance(entry.quality_score, dict) else {}
    parts = [str(score.get("reason") or ("Sounds fine" if _rating(score) == "green" and score else ""))]
    for name, label in (("peak_dbfs", "peak"), ("rms_dbfs", "RMS")):
        level = score.get(name)
        if isinstance(level, int | float) and not isinstance(level, bool):
            parts.append(f"{label} {words.number_text(float(level), 1)} dB")
    return ", ".join(part for part in parts if part)


def _versions(generator: Any) -> str:
    if isinstance(generator, dict):
        return ", ".join(f"{name} {version}" for name, version in generator.items() if isinstance(version, str))
    return words.value_text(generator) if generator else ""


def _positions(entry: HistoryEntry) -> str:
    count = len(entry.slider_positions) if isinstance(entry.slider_positions, list) else 0
    parts = [f"{count} positions" if count else "", f"{entry.n_components} components" if entry.n_components else ""]
    return ", ".join(part for part in parts if part)


def _latent(latent: Any) -> str:
    return f"{len(latent)} numbers" if isinstance(latent, list) and latent else ""
