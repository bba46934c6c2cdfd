"""The snapshot of one take: what was asked for, what came out, and what was thought of it."""

from __future__ import annotations

import sys
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from store.errors import InvalidEntry, shown
from store.values import Json, is_plain, loads, plain

AUDIO_FOLDER, THUMBNAIL_FOLDER = "audio", "thumbnails"
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


@dataclass(frozen=True)
class GenerationConfig:
    """What the generator was asked for, beside its parameters.

    >>> GenerationConfig(stereo_mode="stereo", bit_depth=24).bit_depth
    24
    """

    latent_vector: Any = None
    duration_s: float | None = None
    seed: int | None = None
    stereo_mode: str = "mono"
    bit_depth: int = 24


@dataclass(frozen=True)
class GenerationResult:
    """One generated sound: samples of shape `(frames,)` or `(frames, channels)`, float in [-1, 1] or integer PCM.

    >>> GenerationResult([0.0, 0.5, -0.5], sample_rate=48_000, seed_used=7).seed_used
    7
    """

    audio: Any
    sample_rate: int
    seed_used: int | None = None
    config: GenerationConfig = field(default_factory=GenerationConfig)
    quality: Json = None
    elapsed_s: float | None = None
    generator: dict[str, str] | None = None


class HistoryEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One take as the history knows it; `extra` holds the fields that this program does not know.

    >>> from store import GenerationHistory, GenerationResult
    >>> history = GenerationHistory(getfixture("tmp_path"))
    >>> entry = history.add_to_history(GenerationResult([0.0] * 480, 48_000), "synth", "Synth")
    >>> entry.frames, entry.duration_s
    (480, 0.01)
    >>> history.close()
    """

    entry_id: str
    timestamp: str
    model_id: str
    model_name: str
    slider_positions: Json = None
    n_components: int = 0
    seed: int | None = None
    duration_s: float = 0.0
    sample_rate: int = 0
    stereo_mode: str = "mono"
    preset_name: str = "custom"
    audio_file: str = ""
    thumbnail_file: str = ""
    quality_score: Json = None
    latent_vector: Json = None
    params: Json = None
    bit_depth: int | None = None
    channels: int | None = None
    frames: int | None = None
    size_bytes: int | None = None
    audio_sha256: str | None = None
    favorite: bool = False
    rating: int | None = None
    tags: list[str] = []
    note: str = ""
    title: str = ""
    parent_id: str | None = None
    elapsed_s: float | None = None
    generator: Json = None
    deleted_at: str | None = None
    preset_id: str | None = None
    preset_changed: bool | None = None
    loudness_lufs: float | None = None
    peak_dbfs: float | None = None
    votes: list[dict[str, Any]] = []
    extra: dict[str, Any] = {}

    @property
    def deleted(self) -> bool:
        """Whether the take lies in the trash."""
        return self.deleted_at is not None

    @property
    def time_us(self) -> int:
        """Microseconds since 1970 (UTC); 0 where the timestamp cannot be read."""
        return parse_time_us(self.timestamp)

    def to_document(self) -> dict[str, Json]:
        """Return the entry as the index and the audio files hold it: one flat object, unknown fields beside the known."""
        fields = {name: getattr(self, name) for name in self.__struct_fields__ if name != "extra"}
        return {**fields, **{name: value for name, value in self.extra.items() if name not in fields}}

    def to_dict(self) -> dict[str, Json]:
        """Return the entry as plain lists and dicts, under its field names."""
        return self.to_document()


FIELDS = frozenset(HistoryEntry.__struct_fields__) - {"extra"}
_decoder = msgspec.json.Decoder(HistoryEntry)


def from_document(document: Json) -> HistoryEntry:
    """Read an entry from the object the index holds. Raises `InvalidEntry` naming the first field that does not fit."""
    if not isinstance(document, dict):
        raise InvalidEntry("entry", f"is a {type(document).__name__}, not an object")
    known, extra = document, {}
    if not document.keys() <= FIELDS:
        known = {name: value for name, value in document.items() if name in FIELDS}
        extra = {name: value for name, value in document.items() if name not in FIELDS}
    try:
        return msgspec.convert({**known, "extra": extra}, HistoryEntry)
    except msgspec.ValidationError as error:
        raise InvalidEntry("entry", str(error), _text(document.get("entry_id"))) from error


def read(data: bytes) -> HistoryEntry:
    """Read an entry from the JSON of the object the index holds. Raises `InvalidEntry`, `ValueError`."""
    if is_plain(data) and b'"extra"' not in data:
        try:
            return _decoder.decode(data)
        except msgspec.MsgspecError:
            pass  # fields that we do not know, or what msgspec does not read
    return from_document(loads(data))


def fits(fields: dict[str, Json]) -> bool:
    """Say whether an entry may have fields of these names with these values."""
    try:
        from_document({"entry_id": "", "timestamp": "", "model_id": "", "model_name": "", **fields})
    except InvalidEntry:
        return False
    return True


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def new_id() -> str:
    """Return a fresh entry id."""
    return str(uuid.uuid4())


def now() -> str:
    """Return the present moment as ISO 8601 in UTC, to the microsecond."""
    return datetime.now(timezone.utc).isoformat(timespec="microseconds")


def parse_time_us(timestamp: str) -> int:
    """Return microseconds since 1970 for an ISO 8601 text; without an offset it is UTC; 0 for any other text."""
    try:
        moment = datetime.fromisoformat(timestamp.strip().replace("Z", "+00:00"))
    except ValueError:
        return 0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(microseconds=1)


MOST_TAGS = 1_000
EDITABLE = ("favorite", "rating", "tags", "note", "title")


def checked_edits(edits: dict[str, Any]) -> dict[str, Json]:
    """Return the edits of a take as plain values, or raise `InvalidEntry` naming the one that cannot be.

    `favorite` is a bool, `rating` 1 to 5 or None, `tags` a list of texts (trimmed, no duplicates), `note` and `title`
    texts.
    """
    checks = {"favorite": _checked_flag, "rating": _checked_rating, "tags": _checked_tags}
    edited: dict[str, Json] = {}
    for name, value in edits.items():
        if name not in EDITABLE:
            raise InvalidEntry(name, f"cannot be edited; what can: {', '.join(EDITABLE)}")
        edited[name] = checks.get(name, _checked_text)(name, value)
    return edited


def _checked_flag(name: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise InvalidEntry(name, f"must be true or false, not {shown(value)}")


def _checked_rating(name: str, value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 5):
        return value
    raise InvalidEntry(name, f"must be 1 to 5, or none, not {shown(value)}")


def _checked_tags(name: str, value: object) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(tag, str) for tag in value):
        raise InvalidEntry(name, "must be a list of texts")
    if len(value) > MOST_TAGS:
        raise InvalidEntry(name, f"are {len(value):,}; {MOST_TAGS:,} are the most")
    return list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))


def _checked_text(name: str, value: object) -> str:
    if isinstance(value, str):
        return str(value)
    raise InvalidEntry(name, f"must be text, not {type(value).__name__}")


def checked_name(name: str, value: object) -> str:
    """Return a text that must not be empty, or raise `InvalidEntry`."""
    text = _checked_text(name, value)
    if not text:
        raise InvalidEntry(name, "must not be empty")
    return text


def checked_count(name: str, value: object, optional: bool = False) -> int | None:
    """Return a whole number (NumPy's too), or raise `InvalidEntry`."""
    number = plain(value, name)
    if (number is None and optional) or (isinstance(number, int) and not isinstance(number, bool)):
        return number
    raise InvalidEntry(name, f"must be a whole number, not {shown(value)}")


def checked_seconds(name: str, value: object) -> float | None:
    """Return a finite number of seconds or None, or raise `InvalidEntry`."""
    number = plain(value, name)
    if number is None:
        return None
    if isinstance(number, int | float) and not isinstance(number, bool) and abs(number) <= sys.float_info.max:
        return float(number)
    raise InvalidEntry(name, f"must be a number of seconds, not {shown(value)}")


def checked_bool(name: str, value: object) -> bool:
    """Return true or false (NumPy's too), or raise `InvalidEntry`."""
    return _checked_flag(name, plain(value, name))


def requested(
    result: GenerationResult,
    model_id: str,
    model_name: str,
    slider_positions: Any,
    n_components: int,
    preset_name: str,
) -> dict[str, Any]:
    """Return the fields that say what was asked for, as plain values, or raise `InvalidEntry` naming the first bad one."""
    config = result.config
    seed = config.seed if result.seed_used is None else result.seed_used
    generator = plain(result.generator, "generator")
    return {
        "model_id": checked_name("model_id", model_id),
        "model_name": checked_name("model_name", model_name),
        "slider_positions": plain(slider_positions, "slider_positions"),
        "n_components": checked_count("n_components", n_components),
        "preset_name": checked_name("preset_name", preset_name),
        "seed": checked_count("seed", seed, optional=True),
        "stereo_mode": checked_name("stereo_mode", config.stereo_mode),
        "latent_vector": plain(config.latent_vector, "latent_vector"),
        "elapsed_s": checked_seconds("elapsed_s", result.elapsed_s),
        "generator": generator,
    }
