"""How an entry stands in the catalog's tables."""

from __future__ import annotations

import itertools
import math
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from store import media
from store.entry import HistoryEntry, from_document
from store.errors import InvalidEntry
from store.lines import json_of
from store.query import TOLD, WORDS, sql_int, sql_text, text_of
from store.values import Json, dumps, loads

SCHEMA_VERSION = 4
COLUMNS = {
    "n": "INTEGER PRIMARY KEY",
    "entry_id": "TEXT UNIQUE NOT NULL",
    "time_us": "INT",
    "model_id": "TEXT",
    "model_name": "TEXT",
    "favorite": "INT",
    "rating": "INT",
    "to_check": "INT",
    "deleted": "INT",
    "duration_s": "REAL",
    "loudness": "REAL",
    "size_bytes": "INT",
    "preset_id": "TEXT",
    "document": "BLOB",
    "crc": "INT",
}
TABLES: dict[str, str] = {
    "state": """CREATE TABLE state (
        id INTEGER PRIMARY KEY CHECK (id = 1), history TEXT, journal INT, line_start INT, end INT, crc TEXT, serial INT
    )""",
    "entries": f"CREATE TABLE entries ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})",
    "tags": "CREATE TABLE tags (tag TEXT, n INT, deleted INT, PRIMARY KEY (tag, n)) WITHOUT ROWID",
    "totals": "CREATE TABLE totals (deleted INTEGER PRIMARY KEY, takes INT NOT NULL, size_bytes INT NOT NULL)",
    "clock": "CREATE TABLE clock (last_us INT NOT NULL, in_order INT NOT NULL)",
    **{name: f"CREATE VIRTUAL TABLE {name} USING fts5(text, tokenize='trigram')" for name in WORDS.values()},
}
OLD_TABLES = ("search",)  # of version 1
INDEXES = {
    "tags_by_entry": "tags (n)",
    "by_time": "entries (deleted, time_us, n)",
    "by_model": "entries (deleted, model_id, time_us, n)",
    "by_preset": "entries (deleted, preset_id, time_us, n) WHERE preset_id IS NOT NULL",
    "by_favorite": "entries (deleted, favorite, time_us, n)",
    "by_rating": "entries (deleted, rating, time_us, n) WHERE rating IS NOT NULL",
    "by_check": "entries (deleted, to_check, time_us, n)",
    "by_duration": "entries (deleted, duration_s, n)",
    "by_loudness": "entries (deleted, loudness, n)",
}
N, ENTRY_ID, TIME_US, DELETED, SIZE_BYTES, DOCUMENT, CRC = (
    list(COLUMNS).index(name) for name in ("n", "entry_id", "time_us", "deleted", "size_bytes", "document", "crc")
)
_INSERT = f"INSERT OR REPLACE INTO entries VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608 - constants
_NAMES = list(COLUMNS)
_BATCH = 500
Row: TypeAlias = tuple[Any, ...]
"""The values of one row of `entries`, in the order of `COLUMNS`."""


def make_tables(database: sqlite3.Connection) -> None:
    """Make the tables and their indexes anew, empty; whatever had their names is dropped."""
    there = {row[0] for row in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    for name in there & {*TABLES, *OLD_TABLES}:
        database.execute(f"DROP TABLE {name}")
    for statement in TABLES.values():
        database.execute(statement)
    database.execute("INSERT INTO clock VALUES (0, 1)")
    _make_indexes(database)


def _make_indexes(database: sqlite3.Connection) -> None:
    for name, columns in INDEXES.items():
        database.execute(f"CREATE INDEX IF NOT EXISTS {name} ON {columns}")


# -- one change at a time -------------------------------------------------------------------------------------------------


def insert(database: sqlite3.Connection, root: Path, document: dict[str, Json]) -> None:
    """Put an entry into the tables, behind the last; what is no entry is left out (verify names it)."""
    try:
        entry = from_document(document)
    except InvalidEntry:
        return
    remove(database, entry.entry_id)
    n = database.execute("SELECT coalesce(max(n), 0) + 1 FROM entries").fetchone()[0]
    row = _row(n, entry, root, dumps(document))
    database.execute(_INSERT, row)
    _add_words(database, entry, row)
    _count(database, row, 1)
    _note_time(database, row)


def edit(database: sqlite3.Connection, root: Path, entry_id: str, to: dict[str, Json]) -> None:
    """Set fields of an entry; nothing where there is no such entry. Only what the fields change is written."""
    old = find(database, entry_id)
    if old is None:
        return
    document = loads(old[DOCUMENT])
    text_before = text_of(from_document(document)) if to.keys() & TOLD else ""
    document.update(to)
    try:
        entry = from_document(document)
    except InvalidEntry:
        remove(database, entry_id)
        return
    row = _row(old[N], entry, root, dumps(document))
    _update(database, old, row)
    if row[DELETED] != old[DELETED] or (to.keys() & TOLD and text_of(entry) != text_before):
        _remove_words(database, old)
        _add_words(database, entry, row)
    if (row[DELETED], row[SIZE_BYTES]) != (old[DELETED], old[SIZE_BYTES]):
        _count(database, old, -1)
        _count(database, row, 1)
    if row[TIME_US] != old[TIME_US]:
        database.execute("UPDATE clock SET in_order = 0")


def _update(database: sqlite3.Connection, old: Row, row: Row) -> None:
    """Write the columns that differ, and so only the indexes over these."""
    changed = [place for place in range(len(_NAMES)) if row[place] != old[place]]
    if changed:
        to_set = ", ".join(f"{_NAMES[place]} = ?{place + 1}" for place in changed)
        database.execute(f"UPDATE entries SET {to_set} WHERE n = ?1", row)  # noqa: S608 - constants


def remove(database: sqlite3.Connection, entry_id: str) -> None:
    """Take an entry out of the tables."""
    old = find(database, entry_id)
    if old is not None:
        database.execute("DELETE FROM entries WHERE n = ?", (old[N],))
        _remove_words(database, old)
        _count(database, old, -1)


def find(database: sqlite3.Connection, entry_id: str) -> Row | None:
    """Return the row of an entry; None where there is none."""
    row: Row | None = database.execute("SELECT * FROM entries WHERE entry_id = ?", (sql_text(entry_id),)).fetchone()
    return row


def _add_words(database: sqlite3.Connection, entry: HistoryEntry, row: Row) -> None:
    database.execute(_insert_words(entry.deleted), (row[N], text_of(entry)))
    if entry.tags:
        database.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", _tags(entry, row))


def _remove_words(database: sqlite3.Connection, row: Row) -> None:
    database.execute(f"DELETE FROM {WORDS[row[DELETED]]} WHERE rowid = ?", (row[N],))  # noqa: S608 - constants
    database.execute("DELETE FROM tags WHERE n = ?", (row[N],))


def _insert_words(deleted: bool) -> str:
    return f"INSERT INTO {WORDS[deleted]} (rowid, text) VALUES (?, ?)"  # noqa: S608 - constants


def _tags(entry: HistoryEntry, row: Row) -> list[tuple[object, ...]]:
    return [(sql_text(tag), row[N], row[DELETED]) for tag in set(entry.tags)]


def _count(database: sqlite3.Connection, row: Row, takes: int) -> None:
    database.execute(
        """INSERT INTO totals VALUES (?1, ?2, ?3)
        ON CONFLICT (deleted) DO UPDATE SET takes = takes + ?2, size_bytes = size_bytes + ?3""",
        (row[DELETED], takes, takes * row[SIZE_BYTES]),
    )


def _note_time(database: sqlite3.Connection, row: Row) -> None:
    """Note whether the takes still stand in the order of their times: the newest are found fastest then."""
    database.execute(
        "UPDATE clock SET in_order = in_order AND ?1 >= last_us, last_us = max(last_us, ?1)", (row[TIME_US],)
    )


# -- everything at once ---------------------------------------------------------------------------------------------------


def fill(database: sqlite3.Connection, root: Path, lines: Iterable[bytes]) -> Iterator[int]:
    """Make the tables anew and put the entries of sealed lines in; yield how many lines are done, now and then.

    Of several lines with one id the last counts. Everything is there when the iterator has ended.
    """
    make_tables(database)
    for name in INDEXES:
        database.execute(f"DROP INDEX {name}")
    done, rows, clock = 0, 0, (0, True)
    each = iter(lines)
    while batch := list(itertools.islice(each, _BATCH)):
        found = [parsed for n, line in enumerate(batch, done + 1) if (parsed := _parsed(n, line, root))]
        _insert_many(database, found)
        clock = _later(clock, found)
        done, rows = done + len(batch), rows + len(found)
        yield done
    _drop_replaced(database, rows)
    _make_indexes(database)
    database.execute("INSERT INTO totals SELECT deleted, count(*), sum(size_bytes) FROM entries GROUP BY deleted")
    database.execute("UPDATE clock SET last_us = ?, in_order = ?", clock)


def _later(clock: tuple[int, bool], found: Sequence[tuple[Row, HistoryEntry]]) -> tuple[int, bool]:
    last_us, in_order = clock
    for row, _ in found:
        in_order = in_order and row[TIME_US] >= last_us
        last_us = max(last_us, row[TIME_US])
    return last_us, in_order


def _parsed(n: int, line: bytes, root: Path) -> tuple[Row, HistoryEntry] | None:
    data = json_of(line)
    try:
        entry = from_document(loads(data))
    except (InvalidEntry, ValueError):
        return None
    return _row(n, entry, root, data), entry


def _insert_many(database: sqlite3.Connection, found: Sequence[tuple[Row, HistoryEntry]]) -> None:
    database.executemany(_INSERT, [row for row, _ in found])
    for deleted in (False, True):
        texts = [(row[N], text_of(entry)) for row, entry in found if entry.deleted == deleted]
        database.executemany(_insert_words(deleted), texts)
    tags = [tag for row, entry in found if entry.tags for tag in _tags(entry, row)]
    database.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?, ?)", tags)


def _drop_replaced(database: sqlite3.Connection, rows: int) -> None:
    """Forget the words and tags of rows that a later line with the same id took the place of."""
    if database.execute("SELECT count(*) FROM entries").fetchone()[0] != rows:
        for table, column in ((WORDS[False], "rowid"), (WORDS[True], "rowid"), ("tags", "n")):
            database.execute(f"DELETE FROM {table} WHERE {column} NOT IN (SELECT n FROM entries)")  # noqa: S608 - constants


# -- a row ----------------------------------------------------------------------------------------------------------------


def _row(n: int, entry: HistoryEntry, root: Path, document: bytes) -> Row:
    quality = entry.quality_score if isinstance(entry.quality_score, dict) else {}
    row = (
        n,
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
        None if entry.preset_id is None else sql_text(entry.preset_id),
        document,
    )
    return (*row, row_crc(row))


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


def row_crc(row: Row) -> int:
    """Return the checksum of a row without its last column, which holds it; one of nothing is -1, as none is."""
    *others, document = row
    if not isinstance(document, bytes):
        return -1
    return zlib.crc32(document, zlib.crc32(repr(others).encode("utf-8", "backslashreplace")))
