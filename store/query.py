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
BY_TIME = ("newest", "oldest")
_KINDS: dict[str, tuple[type, ...]] = {
    "model_id": (str,),
    "preset_id": (str,),
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
WORDS = {False: "words", True: "words_deleted"}
"""The tables of words: of takes outside the trash, and of those in it."""
_TAGS = 100
_MOST_WORDS = 100  # SQLite takes conditions up to a depth of 1,000
_TRIGRAM = 3
_TEXT_CHARACTERS = 20_000
_NAME_CHARACTERS = 1_000  # of a parameter with those it stands in
_QUERY_CHARACTERS = 1_000


@dataclass(frozen=True)
class Filters:
    """Which takes are asked for; None leaves a question open. `since` and `until` are seconds since 1970."""

    model_id: str | None = None
    preset_id: str | None = None
    query: str | None = None
    favorite: bool | None = None
    min_rating: int | None = None
    tags: tuple[str, ...] = ()
    to_check: bool | None = None
    since: float | None = None
    until: float | None = None
    deleted: bool = False

    def select(self, sort: str, in_order: bool) -> tuple[str, list[object]]:
        """Return the SQL that finds entries in the order of a named sort, and its values.

        Where the takes stand in the catalog `in_order` of their times, words are looked for from the newest take on, and
        no further than asked. Raises `InvalidEntry` for another sort.
        """
        if not isinstance(sort, str) or sort not in SORTS:
            raise InvalidEntry("sort", f"must be one of {', '.join(SORTS)}, not {shown(sort)}")
        if in_order and self.asks_words(sort):
            return self._select_by_words("DESC" if sort == "newest" else "ASC")
        where, values = self._where()
        return f"SELECT * FROM entries {where} ORDER BY {SORTS[sort]}", values  # noqa: S608 - made of constants

    def count(self) -> tuple[str, list[object]]:
        """Return the SQL that counts entries, and its values."""
        if self == Filters(deleted=self.deleted):
            return "SELECT takes FROM totals WHERE deleted = ?", [int(self.deleted)]
        words, values = self._of_words()
        if words and self == Filters(deleted=self.deleted, query=self.query):
            return f"SELECT count(*) FROM {self._words} WHERE {words}", values  # noqa: S608 - made of constants
        where, values = self._where()
        return f"SELECT count(*) FROM entries {where}", values  # noqa: S608 - made of constants

    def asks_words(self, sort: str) -> bool:
        """Say whether words are asked for, in the order of time."""
        return isinstance(sort, str) and sort in BY_TIME and bool(self._of_words()[0])

    @property
    def _words(self) -> str:
        return WORDS[self.deleted]

    def _select_by_words(self, direction: str) -> tuple[str, list[object]]:
        words, values = self._of_words()
        where, more = _all([*self._of_columns(), *self._of_tags()])
        joined = f"{self._words} CROSS JOIN entries ON entries.n = {self._words}.rowid"
        found = f"SELECT entries.* FROM {joined} WHERE {words} AND {where}"  # noqa: S608 - made of constants
        return f"{found} ORDER BY {self._words}.rowid {direction}", [*values, *more]

    def _where(self) -> tuple[str, list[object]]:
        conditions = [*self._of_columns(), *self._of_tags()]
        words, values = self._of_words()
        if words:
            conditions.append((f"n IN (SELECT rowid FROM {self._words} WHERE {words})", values))  # noqa: S608 - constants
        where, values = _all(conditions)
        return f"WHERE {where}", values

    def _of_columns(self) -> list[tuple[str, list[object]]]:
        asked: list[tuple[str, object]] = [
            ("deleted = ?", int(self.deleted)),
            ("model_id = ?", None if self.model_id is None else sql_text(self.model_id)),
            ("preset_id = ?", None if self.preset_id is None else sql_text(self.preset_id)),
            ("favorite = ?", None if self.favorite is None else int(self.favorite)),
            ("rating >= ?", None if self.min_rating is None else sql_int(self.min_rating)),
            ("to_check = ?", None if self.to_check is None else int(self.to_check)),
            ("time_us >= ?", None if self.since is None else _microseconds(self.since)),
            ("time_us < ?", None if self.until is None else _microseconds(self.until)),
        ]
        return [(condition, [value]) for condition, value in asked if value is not None]

    def _of_tags(self) -> list[tuple[str, list[object]]]:
        return [("n IN (SELECT n FROM tags WHERE tag = ?)", [sql_text(tag)]) for tag in self.tags]

    def _of_words(self) -> tuple[str, list[object]]:
        """Every word must be found, each anywhere: three characters or more by trigrams, shorter ones by looking."""
        words = (self.query or "")[:_QUERY_CHARACTERS].casefold().replace("\0", " ").split()
        words = list(dict.fromkeys(map(sql_text, words)))[:_MOST_WORDS]
        long = [word for word in words if len(word) >= _TRIGRAM]
        short = [word for word in words if len(word) < _TRIGRAM]
        conditions: list[tuple[str, list[object]]] = [("instr(text, ?)", [word]) for word in short]
        if long:
            phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
            conditions.append((f"{self._words} MATCH ?", [phrases]))
        return _all(conditions)


def _all(conditions: list[tuple[str, list[object]]]) -> tuple[str, list[object]]:
    return " AND ".join(text for text, _ in conditions), [value for _, values in conditions for value in values]


def _microseconds(seconds: float) -> int:
    most_s = _LARGEST // 10**6
    return round(max(-most_s, min(most_s, seconds)) * 1e6)


def sql_text(text: str) -> str:
    """Return text that SQLite can hold: lone surrogates become question marks here, not in the entry itself."""
    return text.encode("utf-8", "replace").decode("utf-8")


def sql_int(number: int) -> int:
    """Return a whole number that SQLite can hold, the nearest within ±2^53."""
    return max(-_LARGEST, min(_LARGEST, number))


TOLD = frozenset({"title", "tags", "note", "params", "model_name", "model_id", "preset_name", "seed"})
"""The fields that `text_of` tells."""


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
    asked = {name: value for name, value in asked.items() if value is not None or name not in _KINDS}
    if not asked:
        return EVERYTHING
    for name, value in asked.items():
        if name not in _KINDS:
            raise InvalidEntry(name, f"is no filter; there are {', '.join(_KINDS)}")
        if not _fits(value, _KINDS[name]):
            raise InvalidEntry(name, f"cannot be {shown(value)}")
    tags = asked.pop("tags", None) or ()
    if len(tags) > _TAGS or not all(isinstance(tag, str) for tag in tags):
        raise InvalidEntry("tags", f"must be a list of at most {_TAGS} texts")
    return Filters(**{**asked, "tags": tuple(tags), "deleted": bool(asked.get("deleted"))})


EVERYTHING = Filters()


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
