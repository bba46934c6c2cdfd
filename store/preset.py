"""One preset: a name for settings that are worth coming back to."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from store.entry import checked_bool, checked_count, checked_name
from store.errors import InvalidEntry, InvalidPreset, shown
from store.values import Json, dumps, plain

MOST_CHARACTERS = 100
"""A name is read on a menu; longer ones are notes."""
MOST_BYTES = 1 << 20
"""Of JSON, for one preset: settings, not samples."""
DURATIONS = frozenset(
    {
        "duration", "duration_s", "duration_sec", "duration_seconds", "audio_duration", "seconds", "seconds_total", "length_s",
        "length_seconds", "audio_length_in_s", "audio_end_in_s",
    }
)  # fmt: skip
"""How generators call the parameter that says how long a take is; a preset says how it sounds, and leaves these out."""
_BREAKING = frozenset({"Cc", "Cs", "Zl", "Zp"})  # Unicode's controls, lone surrogates, line and paragraph separators
_DIGITS = re.compile(r"(\d{1,18})")


class Preset(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of a model under a name; `extra` holds the fields that this program does not know.

    What the controls need to be put back, as for a take: `params`, `seed`, and the sliders' positions. A latent vector is
    not among it: a generator computes it from these. `folder` is empty at the top level; `entry_id` is the take it was
    saved from, if any. Times are ISO 8601 in UTC.

    >>> Preset(preset_id="1", name="Glass bell", model_id="synth", model_name="Synth", params={"brightness": 3}).deleted
    False
    """

    preset_id: str
    name: str
    model_id: str
    model_name: str
    folder: str = ""
    params: Json = None
    slider_positions: Json = None
    n_components: int = 0
    seed: int | None = None
    entry_id: str | None = None
    created_at: str = ""
    changed_at: str = ""
    deleted_at: str | None = None
    extra: dict[str, Any] = {}

    @property
    def deleted(self) -> bool:
        """Whether the preset is deleted and can be restored."""
        return self.deleted_at is not None

    @property
    def place(self) -> tuple[str, str, str]:
        """Where its name must be its own: in its model and folder, whatever the case."""
        return self.model_id, folded(self.folder), folded(self.name)

    def to_document(self) -> dict[str, Json]:
        """Return the preset as the file holds it: one flat object, unknown fields beside the known."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "extra"}
        return {**fields, **{name: value for name, value in self.extra.items() if name not in fields}}

    def to_dict(self) -> dict[str, Json]:
        """Return the preset as plain lists and dicts, under its field names."""
        return self.to_document()


FIELDS = frozenset(Preset.__struct_fields__) - {"extra"}
SETTINGS = ("params", "slider_positions", "n_components", "seed")


def from_document(document: Json) -> Preset:
    """Read a preset from the object a file holds. Raises `InvalidPreset` naming the first field that does not fit."""
    if not isinstance(document, dict):
        raise InvalidPreset("preset", f"is a {type(document).__name__}, not an object")
    known = {name: value for name, value in document.items() if name in FIELDS}
    extra = {name: value for name, value in document.items() if name not in FIELDS}
    try:
        return msgspec.convert({**known, "extra": extra}, Preset)
    except msgspec.ValidationError as error:
        raise InvalidPreset("preset", str(error)) from error


def checked_fields(given: dict[str, Any]) -> dict[str, Json]:
    """Return a preset's given fields as plain values, or raise `InvalidPreset` naming the first that cannot be."""
    checks: dict[str, Callable[[str, Any], Json]] = {
        "name": checked_label,
        "folder": checked_folder,
        "model_id": checked_name,
        "model_name": checked_name,
        "n_components": checked_count,
        "seed": lambda name, value: checked_count(name, value, optional=True),
        "entry_id": lambda name, value: None if value is None else checked_name(name, value),
    }
    with _as_preset_error():
        return {name: checks.get(name, _checked_json)(name, value) for name, value in given.items()}


def _checked_json(name: str, value: object) -> Json:
    return plain(value, name)


def checked_size(preset: Preset) -> Preset:
    """Return a preset that can be written. Raises `InvalidPreset` for one that is too large."""
    with _as_preset_error():
        size_bytes = len(dumps(preset.to_document(), ascii_only=True))
    if size_bytes > MOST_BYTES:
        raise InvalidPreset(
            "params", f"are {size_bytes:,} bytes of JSON; {MOST_BYTES:,} are the most", preset.preset_id
        )
    return preset


def checked_label(field: str, value: object) -> str:
    """Return the name of a preset or a folder without spaces around it: 1 to 100 characters on one line."""
    if not isinstance(value, str):
        raise InvalidPreset(field, f"must be text, not {type(value).__name__}")
    label = unicodedata.normalize("NFC", value).strip()
    if not label:
        raise InvalidPreset(field, "must not be empty")
    if len(label) > MOST_CHARACTERS:
        raise InvalidPreset(field, f"has {len(label):,} characters; {MOST_CHARACTERS} are the most")
    if any(unicodedata.category(character) in _BREAKING for character in label):
        raise InvalidPreset(field, f"holds a character that no name can: {shown(label)}")
    return label


def checked_folder(field: str, value: object) -> str:
    """Return a folder's name, or the empty text that stands for the top level."""
    return "" if value == "" else checked_label(field, value)


def checked_flag(field: str, value: object) -> bool:
    """Return true or false, or raise `InvalidPreset`."""
    with _as_preset_error():
        return checked_bool(field, value)


@contextlib.contextmanager
def _as_preset_error() -> Iterator[None]:
    try:
        yield
    except InvalidEntry as error:
        raise InvalidPreset(error.field, error.reason) from error


def without_duration(params: Json) -> Json:
    """Return parameters without those that say how long a take is.

    >>> without_duration({"brightness": 3, "duration": 8.0})
    {'brightness': 3}
    """
    if not isinstance(params, dict):
        return params
    return {name: value for name, value in params.items() if name.casefold() not in DURATIONS}


def folded(label: str) -> str:
    """Return a name as it is compared: without regard to case, and to how its characters are composed."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", label).casefold())


def order(preset: Preset) -> tuple[object, ...]:
    """Return a key that sorts presets as people do: the top level first, then by folder and name, 2 before 10."""
    return natural(preset.folder), natural(preset.name), preset.created_at, preset.preset_id


def natural(label: str) -> list[tuple[int, int, str]]:
    """Return a key that sorts names as people do, numbers in them by their value.

    >>> sorted(["Pad 10", "pad 2"], key=natural)
    ['pad 2', 'Pad 10']
    """
    parts = _DIGITS.split(folded(label))
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts if part]
