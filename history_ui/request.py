"""Read a request of the page: every value checked for type, range and length before anything is done with it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from history_ui.errors import BadRequest
from history_ui.wire import to_text

T = TypeVar("T")

SORTS = ("newest", "oldest", "longest", "loudest")
LARGEST_PAGE = 200
_LARGEST_OFFSET = 10**9
_NAME_CHARACTERS = 1_000
_TITLE_CHARACTERS = 1_000
_NOTE_CHARACTERS = 100_000
_TAGS = 100
_TAG_CHARACTERS = 200
_QUERIES = 400


def read_object(request: object, allowed: Iterable[str]) -> dict[str, Any]:
    """Return the request as an object with no other keys than these. Raises `BadRequest`."""
    if request is None:
        return {}
    if not isinstance(request, dict):
        raise BadRequest("A request must be an object.")
    unknown = sorted(str(key)[:40] for key in request.keys() - set(allowed))
    if unknown:
        raise BadRequest(f"Unknown: {', '.join(unknown[:5])}.")
    return request


def read_text(value: object, name: str, characters: int = _NAME_CHARACTERS) -> str:
    """Return a text of at most so many characters; lone surrogates become U+FFFD."""
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text.")
    if len(value) > characters:
        raise BadRequest(f"{name} must be at most {characters:,} characters long.")
    return to_text(value)


def read_id(request: Mapping[str, Any]) -> str:
    """Return the id a request names."""
    entry_id = read_text(request.get("id"), "id")
    if not entry_id:
        raise BadRequest("id must not be empty.")
    return entry_id


def read_name(value: object, name: str) -> str:
    """Return a text that says something, without spaces around it."""
    text = read_text(value, name).strip()
    if not text:
        raise BadRequest(f"{name} must not be empty.")
    return text


def read_int(value: object, name: str, low: int, high: int) -> int:
    """Return a whole number from `low` to `high`."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"{name} must be a whole number from {low} to {high}.")
    return value


def read_flag(value: object, name: str) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise BadRequest(f"{name} must be true or false.")
    return value


def read_seconds(value: object, name: str) -> float:
    """Return a moment in seconds since 1970."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadRequest(f"{name} must be a number of seconds.")
    if abs(value) > 1e11:
        raise BadRequest(f"{name} is out of range.")
    return float(value)


def read_list(value: object, name: str, most: int, read: Callable[[object], T]) -> tuple[T, ...]:
    """Return a list of at most so many things."""
    if not isinstance(value, list) or len(value) > most:
        raise BadRequest(f"{name} must be a list of at most {most:,} things.")
    return tuple(read(item) for item in value)


def read_tags(value: object) -> tuple[str, ...]:
    """Return a list of tags."""
    return read_list(value, "tags", _TAGS, lambda tag: read_text(tag, "A tag", _TAG_CHARACTERS))


@dataclass(frozen=True)
class Filters:
    """Which takes the page asks for; what is None (or empty) leaves the question open."""

    query: str | None = None
    model_id: str | None = None
    preset_id: str | None = None
    favorite: bool | None = None
    min_rating: int | None = None
    to_check: bool | None = None
    tags: tuple[str, ...] = ()
    deleted: bool = False
    since: float | None = None
    until: float | None = None

    def to_arguments(self) -> dict[str, Any]:
        """Return the filters as keyword arguments of `list_entries` and `count`."""
        arguments = {field.name: getattr(self, field.name) for field in fields(self)}
        return {**arguments, "tags": list(self.tags) or None}


_READERS: dict[str, Any] = {
    "query": lambda value: read_text(value, "query") or None,
    "model_id": lambda value: read_text(value, "model_id"),
    "preset_id": lambda value: read_text(value, "preset_id"),
    "favorite": lambda value: read_flag(value, "favorite"),
    "min_rating": lambda value: read_int(value, "min_rating", 1, 5),
    "to_check": lambda value: read_flag(value, "to_check"),
    "tags": read_tags,
    "deleted": lambda value: read_flag(value, "deleted"),
    "since": lambda value: read_seconds(value, "since"),
    "until": lambda value: read_seconds(value, "until"),
}


def read_filters(value: object) -> Filters:
    """Read the filters of a request; null stands for a question left open."""
    given = read_object(value, _READERS)
    return Filters(**{name: _READERS[name](one) for name, one in given.items() if one is not None})


def read_queries(value: object) -> list[Filters]:
    """Read a list of filters."""
    return list(read_list(value, "queries", _QUERIES, read_filters))


def read_sort(value: object) -> str:
    """Return the order of a list; newest first where none is given."""
    if value is None:
        return SORTS[0]
    if value not in SORTS:
        raise BadRequest(f"sort must be one of {', '.join(SORTS)}.")
    return str(value)


_CHANGES: dict[str, Any] = {
    "favorite": lambda value: read_flag(value, "favorite"),
    "rating": lambda value: None if value in (None, 0) else read_int(value, "rating", 1, 5),
    "tags": lambda value: list(read_tags(value)),
    "note": lambda value: read_text(value, "note", _NOTE_CHARACTERS),
    "title": lambda value: read_text(value, "title", _TITLE_CHARACTERS),
}


def read_changes(value: object) -> dict[str, Any]:
    """Read the changes to a take: favorite, rating (0 or null: none), tags, note, title."""
    changes = {name: _CHANGES[name](one) for name, one in read_object(value, _CHANGES).items()}
    if not changes:
        raise BadRequest("changes must not be empty.")
    return changes
