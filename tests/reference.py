"""What a history holds, read from its JSON alone: simple, slow, and independent of the store."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
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
        change(entries, path.read_bytes().split(b"\n")[1:-1])
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
