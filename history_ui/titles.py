"""What a take is called when nobody named it: its text, else its starting point and what was changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from history_ui.knobs import Knob
from history_ui.wire import to_text
from history_ui.words import cut, humanise, number_text

TITLE_CHARACTERS = 120
_TEXT_PARAMETERS = ("prompt", "text", "caption", "description", "gen_text", "sentence", "words", "lyrics", "title")
_UNTOLD = frozenset({"seed", "variations"})
_GIST_CHANGES = 2
_COMPARATIVES = {  # parameter: (said of less, said of more)
    "attack": ("sharper", "slower"),
    "brightness": ("darker", "brighter"),
    "decay": ("shorter decay", "longer decay"),
    "density": ("sparser", "denser"),
    "depth": ("closer", "deeper"),
    "distance": ("closer", "farther"),
    "duration": ("shorter", "longer"),
    "noise": ("cleaner", "noisier"),
    "pitch": ("lower", "higher"),
    "roughness": ("smoother", "rougher"),
    "space": ("drier", "roomier"),
    "speed": ("slower", "faster"),
    "tension": ("looser", "tenser"),
    "warmth": ("colder", "warmer"),
    "width": ("narrower", "wider"),
}


@dataclass(frozen=True)
class Vocabulary:
    """What a panel knows of the generator it shows: its controls and its named starting points.

    Without a `model_id` it holds for every take. `saved` returns the parameters of a preset by its id, or None.
    """

    model_id: str | None = None
    knobs: Mapping[str, Knob] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    saved: Callable[[str], Mapping[str, Any] | None] = lambda _preset_id: None

    def of(self, model_id: str) -> Vocabulary:
        """Return the vocabulary that holds for a model's takes: this one for its own model, none for another."""
        return self if self.model_id in (None, model_id) else Vocabulary(model_id)

    def label(self, name: str) -> str:
        """Return a parameter's label."""
        knob = self.knobs.get(name)
        return knob.label if knob else humanise(name)


def title(
    own: str,
    params: Any,
    preset_name: str,
    model_name: str,
    vocabulary: Vocabulary,
    preset_id: str | None = None,
) -> str:
    """Return one line that tells a take from its neighbours.

    Its own title; else its prompt or text; else the preset or starting point with what was changed ("Glass bell, brighter"); else
    the settings that differ from the defaults ("Brightness +4, Attack −3"); else the model's name.
    """
    if own.strip():
        return cut(own, TITLE_CHARACTERS)
    params = params if isinstance(params, dict) else {}
    text = _text(params)
    if text:
        return cut(text, TITLE_CHARACTERS)
    if preset_name not in ("", "custom"):
        return _title_from(preset_name, preset_id, params, vocabulary)
    gist = ", ".join(_setting(change[0], change[1]) for change in _changes(params, None, vocabulary)[:_GIST_CHANGES])
    return gist or cut(model_name, TITLE_CHARACTERS) or "Take"


def _title_from(preset_name: str, preset_id: str | None, params: Mapping[str, Any], vocabulary: Vocabulary) -> str:
    """Name what a take started from, a preset as its user named it, and the largest changes since."""
    if preset_id is None:
        name, preset = humanise(preset_name), vocabulary.presets.get(preset_name)
    else:
        name, preset = cut(to_text(preset_name), TITLE_CHARACTERS), vocabulary.saved(preset_id)
        params = {key: value for key, value in params.items() if key in (preset or {})}  # of others it says nothing
    changes = _changes(params, preset, vocabulary) if preset is not None else []
    return ", ".join([name, *(_phrase(*change) for change in changes[:_GIST_CHANGES])])


def _text(params: Mapping[str, Any]) -> str:
    lowered = {name.lower(): value for name, value in params.items() if isinstance(value, str)}
    return next((lowered[name] for name in _TEXT_PARAMETERS if lowered.get(name, "").strip()), "")


def _changes(
    params: Mapping[str, Any], preset: Mapping[str, Any] | None, vocabulary: Vocabulary
) -> list[tuple[Knob, Any, Any]]:
    """Return the settings that differ from the starting point as (knob, value, base), the largest change first."""
    changes = []
    for name, knob in vocabulary.knobs.items():
        base = (preset or {}).get(name, knob.default)
        if name in params and name not in _UNTOLD and not _same(params[name], base):
            changes.append((knob, params[name], base))
    return sorted(changes, key=lambda change: -_size(*change))


def _same(value: Any, base: Any) -> bool:
    return bool(value == base) or (value in (None, "") and base in (None, ""))


def _size(knob: Knob, value: Any, base: Any) -> float:
    """Return how large a change is: a share of the control's range, or one for a change of kind."""
    if not (_is_number(value) and _is_number(base)) or knob.minimum is None or knob.maximum is None:
        return 1.0
    return abs(float(value) - float(base)) / max(float(knob.maximum) - float(knob.minimum), 1e-9)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _phrase(knob: Knob, value: Any, base: Any) -> str:
    """Say what was changed beside a starting point: "brighter", or the setting where there is no word for it."""
    words = _COMPARATIVES.get(knob.name) or _COMPARATIVES.get(knob.label.lower())
    if words and _is_number(value) and _is_number(base):
        return words[1] if value > base else words[0]
    return _setting(knob, value)


def _setting(knob: Knob, value: Any) -> str:
    if isinstance(value, bool):
        return knob.label if value else f"no {knob.label.lower()}"
    signed = _is_number(value) and knob.minimum is not None and knob.minimum < 0
    text = number_text(value, signed=True) if signed else knob.text(value)
    return cut(f"{knob.label} {text}", 40)
