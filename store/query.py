"""What a list is asked for: filters, words to find, order; and the text that words are found in."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from store.entry import HistoryEntry, checked_count
from store.errors import InvalidEntry
from store.values import Json

SORTS = {
    "newest": "time_us DESC, n DESC",
    "oldest": "time_us, n",
    "longest": "duration_s DESC, n DESC",
    "loudest": "loudness DESC, n DESC",
}
_KINDS: dict[str, tuple[type, ...]] = {
    "model_id": (str,),
    "query": (str,),
    "favorite": (bool,),
    "min_rating": (int,),
    "tags": (list, tuple),
    "to_check": (bool,),
    "since": (int, float),
    "until": (int, float),
    "deleted": (bool,),
}
_LARGEST = 2**53
_TRIGRAM = 3
_TEXT_CHARACTERS = 20_000
_QUERY_CHARACTERS = 1_000


@dataclass(frozen=True)
class Filters:
    """Which takes are asked for; None leaves a question open. `since` and `until` are seconds since 1970."""

    model_id: str | None = None
    query: str | None = None
    favorite: bool | None = None
    min_rating: int | None = None
    tags: tuple[str, ...] = ()
    to_check: bool | None = None
    since: float | None = None
    until: float | None = None
    deleted: bool = False

    def where(self) -> tuple[str, list[object]]:
        """Return an SQL condition over the catalog's `entries`, and its values."""
        conditions, values = ["deleted = ?"], [int(self.deleted)]
        found: list[tuple[str, list[object]]] = [*self._of_columns(), *self._of_tags(), *self._of_words()]
        conditions += [condition for condition, _ in found]
        return "WHERE " + " AND ".join(conditions), [*values, *(value for _, some in found for value in some)]

    def order(self, sort: str) -> str:
        """Return the SQL order of a named sort. Raises `InvalidEntry` for another name."""
        if sort not in SORTS:
            raise InvalidEntry("sort", f"must be one of {', '.join(SORTS)}, not {sort!r}")
        return SORTS[sort]

    def only_deleted_counts(self) -> bool:
        """Say whether nothing is asked but whether takes are in the trash."""
        return self == Filters(deleted=self.deleted)

    def _of_columns(self) -> list[tuple[str, list[object]]]:
        asked: list[tuple[str, object]] = [
            ("model_id = ?", None if self.model_id is None else sql_text(self.model_id)),
            ("favorite = ?", None if self.favorite is None else int(self.favorite)),
            ("rating >= ?", None if self.min_rating is None else sql_int(self.min_rating)),
            ("to_check = ?", None if self.to_check is None else int(self.to_check)),
            ("time_us >= ?", None if self.since is None else sql_int(round(self.since * 1e6))),
            ("time_us < ?", None if self.until is None else sql_int(round(self.until * 1e6))),
        ]
        return [(condition, [value]) for condition, value in asked if value is not None]

    def _of_tags(self) -> list[tuple[str, list[object]]]:
        return [("n IN (SELECT n FROM tags WHERE tag = ?)", [sql_text(tag)]) for tag in self.tags]

    def _of_words(self) -> list[tuple[str, list[object]]]:
        """Every word must be found, each anywhere: three characters or more by trigrams, shorter ones by looking."""
        words = (self.query or "")[:_QUERY_CHARACTERS].casefold().replace("\0", " ").split()
        words = [sql_text(word) for word in words]
        long = [word for word in words if len(word) >= _TRIGRAM]
        conditions: list[tuple[str, list[object]]] = [
            ("n IN (SELECT rowid FROM search WHERE instr(text, ?))", [word]) for word in words if len(word) < _TRIGRAM
        ]
        if long:
            phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
            conditions.append(("n IN (SELECT rowid FROM search WHERE search MATCH ?)", [phrases]))
        return conditions


def sql_text(text: str) -> str:
    """Return text that SQLite can hold: lone surrogates become question marks here, not in the entry itself."""
    return text.encode("utf-8", "replace").decode("utf-8")


def sql_int(number: int) -> int:
    """Return a whole number that SQLite can hold, the nearest within ±2^53."""
    return max(-_LARGEST, min(_LARGEST, number))


def text_of(entry: HistoryEntry) -> str:
    """Return the text that words are found in: title, tags, note, parameters by name and value, model, preset, seed."""
    parts = [entry.title, *(f"#{tag}" for tag in entry.tags), entry.note, *_scalars(entry.params)]
    parts += [entry.model_name, entry.model_id, entry.preset_name, "" if entry.seed is None else str(entry.seed)]
    text = "\n".join(part for part in parts if part)[:_TEXT_CHARACTERS].casefold()
    return sql_text(text.replace("\0", " "))


def _scalars(value: Json, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in _scalars(item, f"{name} {key}".strip())]
    if isinstance(value, list):
        return [text for item in value for text in _scalars(item, name)] if len(value) <= 32 else []
    if value is None:
        return []
    return [f"{name} {value}" if name else str(value)]


def filters_of(**asked: Any) -> Filters:
    """Return filters from what a caller asked for. Raises `InvalidEntry` naming what there is not, or cannot be."""
    for name, value in asked.items():
        if name not in _KINDS:
            raise InvalidEntry(name, f"is no filter; there are {', '.join(_KINDS)}")
        if value is not None and not _fits(value, _KINDS[name]):
            raise InvalidEntry(name, f"cannot be {value!r:.80}")
    tags = asked.pop("tags", None) or ()
    if not all(isinstance(tag, str) for tag in tags):
        raise InvalidEntry("tags", "must be a list of texts")
    return Filters(**{**asked, "tags": tuple(tags), "deleted": bool(asked.get("deleted"))})


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) and not (isinstance(value, float) and not math.isfinite(value))


def whole_number(name: str, value: Any) -> int:
    """Return a whole number that is 0 or more, or raise `InvalidEntry`."""
    number = checked_count(name, value)
    if number is None or number < 0:
        raise InvalidEntry(name, f"must be 0 or more, not {value!r}")
    return min(number, _LARGEST)
