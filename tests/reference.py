"""What a history holds, read from its JSON alone: simple, slow, and independent of the store."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

Entry = dict[str, Any]
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def read(root: Path) -> list[Entry]:
    """Return every entry of `history.json` and the journals after it, those in the trash too, in the order of adding."""
    document = json.loads((root / "history.json").read_text(encoding="utf-8"))
    entries = {entry["entry_id"]: entry for entry in document["entries"]}
    for number in range(document["journal"] + 1, 1_000_000):
        path = root / f"journal-{number}.jsonl"
        if not path.exists():
            break
        lines = path.read_bytes().split(b"\n")[1:-1]
        change(entries, itertools.takewhile(bool, lines))  # behind them is room
    return [plain(entry) for entry in entries.values()]


def change(entries: dict[str, Entry], lines: Iterable[bytes]) -> None:
    """Let the lines of a journal change `entries`."""
    for line in map(json.loads, lines):
        if "add" in line:
            entries[line["add"]["entry_id"]] = dict(line["add"])
        elif "set" in line:
            if line["set"] in entries:
                entries[line["set"]] = {**entries[line["set"]], **line["to"]}
        else:
            entries.pop(line["del"], None)


def plain(entry: Entry) -> Entry:
    """Return an entry without its checksum, its numbers as numbers."""
    return {name: _number(value) for name, value in entry.items() if name != "crc"}


def _number(value: Any) -> Any:
    if isinstance(value, list):
        return [_number(item) for item in value]
    if isinstance(value, dict):
        if list(value) == ["$number"] and value["$number"] in _NUMBERS:
            return _NUMBERS[value["$number"]]
        return {name: _number(item) for name, item in value.items()}
    return value


def same(one: Iterable[Entry], other: Iterable[Entry], but: tuple[str, ...] = ()) -> bool:
    """Say whether two lists of entries are equal, NaN to NaN, leaving the fields `but` out."""
    texts = ([_text(entry, but) for entry in entries] for entries in (one, other))
    return next(texts) == next(texts)


def _text(entry: Entry, but: tuple[str, ...]) -> str:
    return json.dumps({name: value for name, value in entry.items() if name not in but}, sort_keys=True)


class Answers:
    """The answers to everything that can be asked of a list of entries."""

    def __init__(self, entries: list[Entry]) -> None:
        self._entries = entries

    def list(self, sort: str = "newest", deleted: bool = False, **asked: Any) -> list[str]:
        """Return the ids of the entries that pass, in order."""
        found = [
            (number, entry)
            for number, entry in enumerate(self._entries)
            if (entry["deleted_at"] is not None) == deleted and all(_PASSES[name](entry, asked[name]) for name in asked)
        ]
        key, backwards = _ORDERS[sort]
        found.sort(key=lambda item: (key(item[1]), item[0]), reverse=backwards)
        return [entry["entry_id"] for _, entry in found]

    def count_by(self, values: Callable[[Entry], Iterable[str]]) -> dict[str, int]:
        """Return how many takes outside the trash have each value."""
        return dict(Counter(value for entry in self._entries if entry["deleted_at"] is None for value in values(entry)))

    def size(self, deleted: bool | None = None) -> int:
        """Return the bytes of all takes, or of those in or out of the trash."""
        return sum(
            entry["size_bytes"]
            for entry in self._entries
            if deleted is None or (entry["deleted_at"] is not None) == deleted
        )


_ORDERS: dict[str, tuple[Callable[[Entry], Any], bool]] = {
    "newest": (lambda entry: entry["timestamp"], True),
    "oldest": (lambda entry: entry["timestamp"], False),
    "longest": (lambda entry: entry["duration_s"], True),
    "loudest": (lambda entry: entry["quality_score"]["rms_dbfs"], True),
}
_PASSES: dict[str, Callable[[Entry, Any], bool]] = {
    "model_id": lambda entry, wanted: entry["model_id"] == wanted,
    "favorite": lambda entry, wanted: entry["favorite"] == wanted,
    "min_rating": lambda entry, wanted: (entry["rating"] or 0) >= wanted,
    "tags": lambda entry, wanted: set(wanted) <= set(entry["tags"]),
    "to_check": lambda entry, wanted: (entry["quality_score"]["rating"] in ("yellow", "red")) == wanted,
    "since": lambda entry, wanted: datetime.fromisoformat(entry["timestamp"]).timestamp() >= wanted,
    "until": lambda entry, wanted: datetime.fromisoformat(entry["timestamp"]).timestamp() < wanted,
    "query": lambda entry, wanted: all(word in _words(entry) for word in wanted.casefold().split()),
}


def _words(entry: Entry) -> str:
    params = [f"{name} {value}" for name, value in entry["params"].items()]
    texts = [entry["title"], entry["note"], *entry["tags"], *params, entry["model_name"], entry["model_id"]]
    return "\n".join([*texts, entry["preset_name"], str(entry["seed"])]).casefold()
