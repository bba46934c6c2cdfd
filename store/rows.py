"""How an entry stands in the catalog's tables."""

from __future__ import annotations

import math
import sqlite3
import zlib
from pathlib import Path

from store import media
from store.entry import HistoryEntry, from_document
from store.errors import InvalidEntry
from store.query import sql_int, sql_text, text_of
from store.values import Json, dumps, loads

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 1), history TEXT, journal INT, line_start INT, end INT, crc TEXT,
    serial INT
);
CREATE TABLE IF NOT EXISTS entries (
    n INTEGER PRIMARY KEY, entry_id TEXT UNIQUE NOT NULL, time_us INT, model_id TEXT, model_name TEXT, favorite INT,
    rating INT, to_check INT, deleted INT, duration_s REAL, loudness REAL, size_bytes INT, document BLOB, crc INT
);
CREATE TABLE IF NOT EXISTS tags (tag TEXT, n INT, deleted INT, PRIMARY KEY (tag, n)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_by_entry ON tags (n);
CREATE INDEX IF NOT EXISTS by_time ON entries (deleted, time_us, n);
CREATE INDEX IF NOT EXISTS by_model ON entries (deleted, model_id, time_us, n);
CREATE INDEX IF NOT EXISTS by_favorite ON entries (deleted, time_us, n) WHERE favorite;
CREATE INDEX IF NOT EXISTS by_rating ON entries (deleted, rating, time_us, n) WHERE rating IS NOT NULL;
CREATE INDEX IF NOT EXISTS by_check ON entries (deleted, time_us, n) WHERE to_check;
CREATE INDEX IF NOT EXISTS by_duration ON entries (deleted, duration_s, n);
CREATE INDEX IF NOT EXISTS by_loudness ON entries (deleted, loudness, n);
CREATE TABLE IF NOT EXISTS totals (deleted INTEGER PRIMARY KEY, takes INT NOT NULL, size_bytes INT NOT NULL);
CREATE VIRTUAL TABLE IF NOT EXISTS search USING fts5(text, tokenize='trigram');
CREATE TRIGGER IF NOT EXISTS counted AFTER INSERT ON entries BEGIN
    INSERT INTO totals VALUES (new.deleted, 1, new.size_bytes)
    ON CONFLICT (deleted) DO UPDATE SET takes = takes + 1, size_bytes = size_bytes + new.size_bytes;
END;
CREATE TRIGGER IF NOT EXISTS uncounted AFTER DELETE ON entries BEGIN
    UPDATE totals SET takes = takes - 1, size_bytes = size_bytes - old.size_bytes WHERE deleted = old.deleted;
END;
"""
TABLES = ("state", "entries", "tags", "totals", "search")
DOCUMENT_COLUMN, CRC_COLUMN = 12, 13
_INSERT = f"INSERT INTO entries VALUES ({', '.join('?' * (CRC_COLUMN + 1))})"  # noqa: S608


def insert(database: sqlite3.Connection, root: Path, document: dict[str, Json], n: int | None = None) -> None:
    """Put an entry into the tables, at place `n` or behind the last; what is no entry is left out (verify names it)."""
    try:
        entry = from_document(document)
    except InvalidEntry:
        return
    if n is None:
        remove(database, entry.entry_id)
        n = database.execute("SELECT coalesce(max(n), 0) + 1 FROM entries").fetchone()[0]
    row = (n, *_columns(entry, root), dumps(document))
    database.execute(_INSERT, (*row, row_crc(row)))
    database.execute("INSERT INTO search (rowid, text) VALUES (?, ?)", (n, text_of(entry)))
    if entry.tags:
        rows = [(sql_text(tag), n, int(entry.deleted)) for tag in set(entry.tags)]
        database.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", rows)


def _columns(entry: HistoryEntry, root: Path) -> tuple[object, ...]:
    quality = entry.quality_score if isinstance(entry.quality_score, dict) else {}
    return (
        sql_text(entry.entry_id),
        entry.time_us,
        sql_text(entry.model_id),
        sql_text(entry.model_name),
        int(entry.favorite),
        None if entry.rating is None else sql_int(entry.rating),
        int(quality.get("rating") in ("yellow", "red")),
        int(entry.deleted),
        _sql_real(entry.duration_s),
        _sql_real(quality.get("rms_dbfs")),
        sql_int(_size(entry, root) if entry.size_bytes is None else entry.size_bytes),
    )


def _size(entry: HistoryEntry, root: Path) -> int:
    """Look at the audio file of an entry that does not state its size, as version 1 entries do not."""
    try:
        return media.inside(root, entry, entry.audio_file, "audio_file").stat().st_size
    except (OSError, InvalidEntry):
        return 0


def _sql_real(number: Json) -> float | None:
    """Return a number SQLite can order; it would store NaN as NULL, which is what other things become here."""
    if isinstance(number, bool) or not isinstance(number, int | float) or not math.isfinite(number):
        return None
    return float(number)


def row_crc(row: tuple[object, ...]) -> int:
    """Return the checksum of a row without its last column, which holds it."""
    return zlib.crc32(repr(row).encode("utf-8", "backslashreplace"))


def _find(database: sqlite3.Connection, entry_id: str) -> tuple[int, bytes] | None:
    row = database.execute("SELECT n, document FROM entries WHERE entry_id = ?", (sql_text(entry_id),)).fetchone()
    return None if row is None else (row[0], row[1])


def edit(database: sqlite3.Connection, root: Path, entry_id: str, to: dict[str, Json]) -> None:
    """Set fields of an entry; nothing where there is no such entry."""
    found = _find(database, entry_id)
    if found is not None:
        remove(database, entry_id)
        insert(database, root, {**loads(found[1]), **to}, found[0])


def remove(database: sqlite3.Connection, entry_id: str) -> None:
    """Take an entry out of the tables."""
    found = _find(database, entry_id)
    if found is not None:
        for table, column in (("entries", "n"), ("search", "rowid"), ("tags", "n")):
            database.execute(f"DELETE FROM {table} WHERE {column} = ?", (found[0],))  # noqa: S608 - constants
