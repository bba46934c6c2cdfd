"""What a take history could be kept in instead, with the same data and the same answers; and the limit, the disk itself.

Nothing but the standard library is imported until a peer needs more, so that a process which opens SQLite pays for
nothing else.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

Fields = dict[str, Any]
PAGE = 48


class Changing(Protocol):
    """What takes can be added to, changed in and deleted from; durable when each returns, where it says so."""

    def add(self, record: Fields) -> object:
        """Add a take."""

    def update(self, entry_id: str, to: Fields) -> object:
        """Set fields of a take."""

    def delete(self, entry_id: str) -> object:
        """Take one out of every list."""


class Answering(Changing, Protocol):
    """What also answers lists and counts; a peer's takes are dicts, ours are entries."""

    def newest(self, limit: int = PAGE) -> list[Any]:
        """Return the newest takes."""

    def page(self, number: int) -> list[Any]:
        """Return a page of `PAGE` takes, newest first; the first has number 1."""

    def by_model(self, model_id: str) -> list[Any]:
        """Return the newest takes of a model."""

    def count(self) -> int:
        """Return how many takes there are."""

    def total_size(self) -> int:
        """Return the bytes of all audio files."""

    def search(self, words: str) -> list[Any]:
        """Return the newest takes in which every word is found."""

    def found(self, words: str) -> int:
        """Return in how many takes every word is found."""

    def close(self) -> None:
        """Close it."""


class SQLite:
    """SQLite as an app would use it: write-ahead log, every commit synced, one JSON text and the columns it needs beside."""

    SCHEMA = """
        CREATE TABLE IF NOT EXISTS entries (
            n INTEGER PRIMARY KEY, entry_id TEXT UNIQUE NOT NULL, timestamp TEXT, model_id TEXT, size_bytes INT,
            text TEXT, document TEXT
        );
        CREATE INDEX IF NOT EXISTS by_time ON entries (timestamp, n);
        CREATE INDEX IF NOT EXISTS by_model ON entries (model_id, timestamp, n);
        CREATE INDEX IF NOT EXISTS by_size ON entries (size_bytes);
    """
    INSERT = "INSERT INTO entries (entry_id, timestamp, model_id, size_bytes, text, document) VALUES (?, ?, ?, ?, ?, ?)"
    UPDATE = "UPDATE entries SET timestamp = ?, model_id = ?, size_bytes = ?, text = ?, document = ? WHERE entry_id = ?"
    NEWEST = "ORDER BY timestamp DESC, n DESC LIMIT ? OFFSET ?"

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, timeout=60, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(self.SCHEMA)

    def fill(self, records: Iterable[Fields]) -> None:
        """Add many takes in one transaction."""
        self._database.execute("BEGIN IMMEDIATE")
        self._database.executemany(self.INSERT, map(self._row, records))
        self._database.execute("COMMIT")

    def add(self, record: Fields) -> None:
        """Add a take, durably."""
        self._database.execute(self.INSERT, self._row(record))

    def update(self, entry_id: str, to: Fields) -> Fields:
        """Set fields of a take, durably; return it as it is then."""
        self._database.execute("BEGIN IMMEDIATE")
        (text,) = self._database.execute("SELECT document FROM entries WHERE entry_id = ?", (entry_id,)).fetchone()
        record: Fields = {**json.loads(text), **to}
        self._database.execute(self.UPDATE, (*self._row(record)[1:], entry_id))
        self._database.execute("COMMIT")
        return record

    def delete(self, entry_id: str) -> None:
        """Remove a take, durably."""
        self._database.execute("DELETE FROM entries WHERE entry_id = ?", (entry_id,))

    def _row(self, record: Fields) -> tuple[object, ...]:
        return (
            record["entry_id"],
            record["timestamp"],
            record["model_id"],
            record["size_bytes"],
            _text_of(record),
            json.dumps(record, ensure_ascii=False, separators=(",", ":")),
        )

    def newest(self, limit: int = PAGE) -> list[Fields]:
        return self._listed("", (), limit)

    def page(self, number: int) -> list[Fields]:
        return self._listed("", (), PAGE, (number - 1) * PAGE)

    def by_model(self, model_id: str) -> list[Fields]:
        return self._listed("WHERE model_id = ?", (model_id,))

    def count(self) -> int:
        return self._number("SELECT count(*) FROM entries")

    def total_size(self) -> int:
        return self._number("SELECT coalesce(sum(size_bytes), 0) FROM entries")

    def search(self, words: str) -> list[Fields]:
        where, patterns = _like(words)
        return self._listed(where, patterns)

    def found(self, words: str) -> int:
        where, patterns = _like(words)
        return self._number(f"SELECT count(*) FROM entries {where}", patterns)  # noqa: S608 - made of constants

    def get(self, entry_id: str) -> Fields | None:
        """Return one take."""
        found = self._listed("WHERE entry_id = ?", (entry_id,), 1)
        return found[0] if found else None

    def close(self) -> None:
        """Close it; what the log holds goes into the file."""
        self._database.close()

    def _listed(self, where: str, values: tuple[object, ...], limit: int = PAGE, offset: int = 0) -> list[Fields]:
        sql = f"SELECT document FROM entries {where} {self.NEWEST}"  # noqa: S608 - made of constants
        return [json.loads(text) for (text,) in self._database.execute(sql, (*values, limit, offset))]

    def _number(self, sql: str, values: tuple[object, ...] = ()) -> int:
        return int(self._database.execute(sql, values).fetchone()[0])


def _text_of(record: Fields) -> str:
    """Return what words are looked for in; lower case already, which spares `LIKE` the work at every query."""
    parts = (record["title"], " ".join(record["tags"]), record["note"], record["params"]["prompt"])
    return "\n".join(parts).lower()


def _like(words: str) -> tuple[str, tuple[object, ...]]:
    asked = words.lower().split()
    return "WHERE " + " AND ".join(["text LIKE ?"] * len(asked)), tuple(f"%{word}%" for word in asked)


class WholeFile:
    """Every take in one JSON file, held in memory and written anew at each change: durable, and readable by eye."""

    def __init__(self, path: Path, records: Iterable[Fields]) -> None:
        self._path = path
        self._entries: dict[str, Fields] = {record["entry_id"]: record for record in records}
        self._write()

    def add(self, record: Fields) -> None:
        self._entries[record["entry_id"]] = record
        self._write()

    def update(self, entry_id: str, to: Fields) -> None:
        self._entries[entry_id] = {**self._entries[entry_id], **to}
        self._write()

    def delete(self, entry_id: str) -> None:
        del self._entries[entry_id]
        self._write()

    def _write(self) -> None:
        temporary = self._path.with_suffix(".tmp")
        with temporary.open("w", encoding="utf-8") as file:
            json.dump({"version": 1, "entries": self._entries}, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(self._path)


class TinyDB:
    """TinyDB as it comes. It overwrites its file in place and syncs nothing, so it is no more durable than that."""

    def __init__(self, path: Path, records: Iterable[Fields]) -> None:
        import tinydb

        self._database = tinydb.TinyDB(path)
        self._where = tinydb.where
        self._database.insert_multiple(records)

    def add(self, record: Fields) -> None:
        self._database.insert(record)

    def update(self, entry_id: str, to: Fields) -> None:
        self._database.update(to, self._where("entry_id") == entry_id)

    def delete(self, entry_id: str) -> None:
        self._database.remove(self._where("entry_id") == entry_id)

    def close(self) -> None:
        self._database.close()


class Raw:
    """The limit: bytes appended to a plain file and synced."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self._sync = getattr(os, "fdatasync", os.fsync)

    def append(self, data: bytes) -> None:
        """Append bytes, durably."""
        self._file.write(data)
        self._sync(self._file.fileno())

    def close(self) -> None:
        """Close the file."""
        self._file.close()
