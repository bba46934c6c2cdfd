"""Ours, asked as the peers are asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.peers import PAGE
from store import GenerationHistory, HistoryEntry

Fields = dict[str, Any]


class Retake:
    """A history, through the names that an app uses; `add` alone goes to the index (see there)."""

    def __init__(self, path: Path) -> None:
        self.history = GenerationHistory(path)

    def add(self, record: Fields) -> None:
        """Commit a take whose files are there: the part of `add_to_history` behind the files, which `benchmarks.audio` times.

        Nothing of the commit is left out. The catalog takes the line in when it is next asked.
        """
        self.history._index.commit(record["entry_id"], [{"add": record}])

    def update(self, entry_id: str, to: Fields) -> HistoryEntry:
        return self.history.update_entry(entry_id, **to)

    def delete(self, entry_id: str) -> bool:
        return self.history.delete_entry(entry_id)

    def newest(self, limit: int = PAGE) -> list[HistoryEntry]:
        return self.history.list_entries(limit=limit)

    def page(self, number: int) -> list[HistoryEntry]:
        return self.history.list_entries(limit=PAGE, offset=(number - 1) * PAGE)

    def by_model(self, model_id: str) -> list[HistoryEntry]:
        return self.history.list_entries(model_id=model_id, limit=PAGE)

    def count(self) -> int:
        return self.history.count()

    def total_size(self) -> int:
        return self.history.get_total_size(deleted=False)

    def search(self, words: str) -> list[HistoryEntry]:
        return self.history.list_entries(query=words, limit=PAGE)

    def found(self, words: str) -> int:
        return self.history.count(query=words)

    def get(self, entry_id: str) -> HistoryEntry | None:
        return self.history.get(entry_id)

    def close(self) -> None:
        self.history.close()
