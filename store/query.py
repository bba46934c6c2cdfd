"""What a list is asked for: filters, words to find, order; and the text that words are found in."""

from __future__ import annotations

from dataclasses import dataclass

from store.entry import HistoryEntry
from store.errors import InvalidEntry
from store.values import Json

SORTS = {
    "newest": "time_us DESC, n DESC",
    "oldest": "time_us, n",
    "longest": "duration_s DESC, n DESC",
    "loudest": "loudness DESC, n DESC",
}
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
            ("model_id = ?", self.model_id),
            ("favorite = ?", None if self.favorite is None else int(self.favorite)),
            ("rating >= ?", self.min_rating),
            ("to_check = ?", None if self.to_check is None else int(self.to_check)),
            ("time_us >= ?", None if self.since is None else round(self.since * 1e6)),
            ("time_us < ?", None if self.until is None else round(self.until * 1e6)),
        ]
        return [(condition, [value]) for condition, value in asked if value is not None]

    def _of_tags(self) -> list[tuple[str, list[object]]]:
        return [("n IN (SELECT n FROM tags WHERE tag = ?)", [tag]) for tag in self.tags]

    def _of_words(self) -> list[tuple[str, list[object]]]:
        """Every word must be found, each anywhere: three characters or more by trigrams, shorter ones by looking."""
        words = (self.query or "")[:_QUERY_CHARACTERS].casefold().replace("\0", " ").split()
        words = [word.encode("utf-8", "replace").decode("utf-8") for word in words]
        long = [word for word in words if len(word) >= _TRIGRAM]
        conditions: list[tuple[str, list[object]]] = [
            ("n IN (SELECT rowid FROM search WHERE instr(text, ?))", [word]) for word in words if len(word) < _TRIGRAM
        ]
        if long:
            phrases = " AND ".join('"' + word.replace('"', '""') + '"' for word in long)
            conditions.append(("n IN (SELECT rowid FROM search WHERE search MATCH ?)", [phrases]))
        return conditions


def text_of(entry: HistoryEntry) -> str:
    """Return the text that words are found in: title, tags, note, parameters by name and value, model, preset, seed."""
    parts = [entry.title, *(f"#{tag}" for tag in entry.tags), entry.note, *_scalars(entry.params)]
    parts += [entry.model_name, entry.model_id, entry.preset_name, "" if entry.seed is None else str(entry.seed)]
    text = "\n".join(part for part in parts if part)[:_TEXT_CHARACTERS].casefold()
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")


def _scalars(value: Json, name: str = "") -> list[str]:
    if isinstance(value, dict):
        return [text for key, item in value.items() for text in _scalars(item, f"{name} {key}".strip())]
    if isinstance(value, list):
        return [text for item in value for text in _scalars(item, name)] if len(value) <= 32 else []
    if value is None:
        return []
    return [f"{name} {value}" if name else str(value)]
