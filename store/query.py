"""What a list is asked for: filters, words to find, order; and the text that words are found in."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

from store.entry import HistoryEntry, checked_count
from store.errors import InvalidEntry, shown
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
_TAGS = 100
_WORDS = 100  # SQLite takes conditions up to a depth of 1,000
_TRIGRAM = 3
_TEXT_CHARACTERS = 20_000
_NAME_CHARACTERS = 1_000  # of a parameter with those it stands in
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
        if not isinstance(sort, str) or sort not in SORTS:
            raise InvalidEntry("sort", f"must be one of {', '.join(SORTS)}, not {shown(sort)}")
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
            ("time_us >= ?", None if self.since is None else _microseconds(self.since)),
            ("time_us < ?", None if self.until is None else _microseconds(self.until)),
        ]
        return [(condition, [value]) for condition, value in asked if value is not None]

    def _of_tags(self) -> list[tuple[str, list[object]]]:
        return [("n IN (SELECT n FROM tags WHERE tag = ?)", [sql_text(tag)]) for tag in self.tags]

    def _of_words(self) -> list[tuple[str, list[object]]]:
        """Every word must be found, each anywhere: three characters or more by trigrams, shorter ones by looking."""
        words = (self.query or "")[:_QUERY_CHARACTERS].casefold().replace("\0", " ").split()
        words = list(dict.fromkeys(map(sql_text, words)))[:_WORDS]
        long = [word for word in words if len(word) >= _TRIGRAM]
        short = [word for word in words if len(word) < _TRIGRAM]
        conditions: list[tuple[str, list[object]]] = []
        if short:  # one look at the texts, however many words
            found = " AND ".join(["instr(text, ?)"] * len(short))
            conditions.append((f"n IN (SELECT rowid FROM search WHERE {found})", [*short]))  # noqa: S608 - constants
        if long:
            phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
            conditions.append(("n IN (SELECT rowid FROM search WHERE search MATCH ?)", [phrases]))
        return conditions


def _microseconds(seconds: float) -> int:
    most_s = _LARGEST // 10**6
    return round(max(-most_s, min(most_s, seconds)) * 1e6)


def sql_text(text: str) -> str:
    """Return text that SQLite can hold: lone surrogates become question marks here, not in the entry itself."""
    return text.encode("utf-8", "replace").decode("utf-8")


def sql_int(number: int) -> int:
    """Return a whole number that SQLite can hold, the nearest within ±2^53."""
    return max(-_LARGEST, min(_LARGEST, number))


def text_of(entry: HistoryEntry) -> str:
    """Return the text that words are found in: title, tags, note, parameters by name and value, model, preset, seed."""
    seed = () if entry.seed is None else (str(entry.seed),)
    named = (entry.model_name, entry.model_id, entry.preset_name)
    parts = chain((entry.title,), (f"#{tag}" for tag in entry.tags), (entry.note,), _scalars(entry.params), named, seed)
    text = "\n".join(_first(parts, _TEXT_CHARACTERS))[:_TEXT_CHARACTERS].casefold()
    return sql_text(text.replace("\0", " "))


def _first(parts: Iterable[str], characters: int) -> Iterator[str]:
    """Yield texts that are not empty until there are so many characters: a snapshot may hold millions of values."""
    for part in filter(None, parts):
        yield part[:characters]
        characters -= len(part) + 1
        if characters <= 0:
            return


def _scalars(value: Json, name: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _scalars(item, f"{name} {key}".strip()[:_NAME_CHARACTERS])
    elif isinstance(value, list):
        for item in value if len(value) <= 32 else ():
            yield from _scalars(item, name)
    elif value is not None:
        yield f"{name} {value}" if name else str(value)


def filters_of(**asked: Any) -> Filters:
    """Return filters from what a caller asked for. Raises `InvalidEntry` naming what there is not, or cannot be."""
    for name, value in asked.items():
        if name not in _KINDS:
            raise InvalidEntry(name, f"is no filter; there are {', '.join(_KINDS)}")
        if value is not None and not _fits(value, _KINDS[name]):
            raise InvalidEntry(name, f"cannot be {shown(value)}")
    tags = asked.pop("tags", None) or ()
    if len(tags) > _TAGS or not all(isinstance(tag, str) for tag in tags):
        raise InvalidEntry("tags", f"must be a list of at most {_TAGS} texts")
    return Filters(**{**asked, "tags": tuple(tags), "deleted": bool(asked.get("deleted"))})


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, kinds) and not (isinstance(value, float) and not math.isfinite(value))


def whole_number(name: str, value: Any) -> int:
    """Return a whole number that is 0 or more, or raise `InvalidEntry`."""
    number = checked_count(name, value)
    if number is None or number < 0:
        raise InvalidEntry(name, "must be 0 or more")
    return min(number, _LARGEST)
