"""The lens: an SQLite view of the index that answers lists, searches, filters and counts. Never the source of anything.

It remembers how far into which journal it has come, and catches up before it answers. Where it is stale beyond that,
damaged, of another version or of another history, it is wiped and built again; where the folder cannot be written it is
built in memory. `store.database` sees to it that the file is what one of us closed.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from store import rows
from store.chain import Position, fields_of
from store.database import AT_ONCE_BYTES, Database, connect, open_at_rest, size_of, transaction
from store.entry import HistoryEntry, from_document
from store.errors import StoreUnavailable
from store.index import Delta, Index
from store.journal import name_of
from store.query import Filters, sql_text
from store.rows import SCHEMA, SCHEMA_VERSION, TABLES
from store.values import Json, loads

NAME = "catalog.sqlite"
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the second where a damaged schema is to be told


@dataclass(frozen=True)
class Facet:
    """One value that takes can be filtered by: the value, how it reads, how many takes have it."""

    value: str
    label: str
    count: int


class Catalog:
    """A view of `index` kept in `catalog.sqlite` beside it. Every method may be called from any thread."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._path = index.root / NAME
        self._lock = threading.RLock()
        self._file = Database(self._path, self._lock, _make_tables)
        self._in_memory = False
        self._memory: sqlite3.Connection | None = None
        self._seen: tuple[sqlite3.Connection, tuple[int, ...]] | None = None
        self.missing: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found damaged, in words; `missing` are changes that it had seen and the index has no longer."""
        return (*self.missing, *self._file.notes)

    # -- answering --------------------------------------------------------------------------------------------------

    def get(self, entry_id: str) -> HistoryEntry | None:
        """Return the entry with this id, in the trash or not; None where there is none."""
        found = self._entries("WHERE entry_id = ?", [sql_text(entry_id)])
        return found[0] if found and found[0].entry_id == entry_id else None

    def sure(self, entry_id: str) -> HistoryEntry | None:
        """Return what `get` does, for something durable: not before the file is known to be what one of us closed."""
        self._file.wait_until_checked()
        return self.get(entry_id)

    def entries(self, filters: Filters, sort: str, limit: int | None, offset: int) -> list[HistoryEntry]:
        """Return the entries that pass `filters`, in the order of `sort`."""
        where, values = filters.where()
        tail = f"{where} ORDER BY {filters.order(sort)} LIMIT ? OFFSET ?"
        return self._entries(tail, [*values, -1 if limit is None else limit, offset])

    def count(self, filters: Filters) -> int:
        """Return how many entries pass `filters`."""
        if filters.only_deleted_counts():
            return self._number("SELECT takes FROM totals WHERE deleted = ?", [int(filters.deleted)])
        where, values = filters.where()
        return self._number(f"SELECT count(*) FROM entries {where}", values)  # noqa: S608 - made of constants

    def total_size(self, deleted: bool | None) -> int:
        """Return the bytes of audio and thumbnails, of all takes or of those in or out of the trash."""
        return self._number(
            "SELECT coalesce(sum(size_bytes), 0) FROM totals WHERE ?1 IS NULL OR deleted = ?1",
            [deleted if deleted is None else int(deleted)],
        )

    def models(self) -> list[Facet]:
        """Return the models of the takes outside the trash, the most used first."""
        return self._facets(
            "SELECT model_id, max(model_name), count(*) FROM entries WHERE deleted = 0 GROUP BY 1 ORDER BY 3 DESC, 1"
        )

    def tags(self) -> list[Facet]:
        """Return the tags of the takes outside the trash, the most used first."""
        return self._facets(
            "SELECT tag, tag, count(*) FROM tags WHERE deleted = 0 GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1000"
        )

    def revision(self) -> str:
        """Return a text that changes whenever any process changes the history (a fold changes nothing)."""
        with self._lock:
            return "-".join(map(str, self._rows("SELECT history, serial FROM state", [])[0]))

    def _facets(self, sql: str) -> list[Facet]:
        return [Facet(*row) for row in self._rows(sql, [])]

    def _number(self, sql: str, values: list[object]) -> int:
        found = self._rows(sql, values)
        return int(found[0][0]) if found else 0

    def _entries(self, tail: str, values: list[object]) -> list[HistoryEntry]:
        found = self._rows(f"SELECT * FROM entries {tail}", values, checked=True)  # noqa: S608 - made of constants
        return [from_document(loads(row[rows.DOCUMENT_COLUMN])) for row in found]

    def _rows(self, sql: str, values: list[object], checked: bool = False) -> list[tuple[Json, ...]]:
        """Answer a query after catching up.

        A database that turns out damaged is built again from the index; one that cannot be used (a folder that cannot
        be written, a full disk, a lock that is never released) gives way to one in memory.
        """
        with self._lock:
            for last in (False, False, True):
                try:
                    found = self._catch_up().execute(sql, values).fetchall()
                    if not checked or all(row[-1] == rows.row_crc(row[:-1]) for row in found):
                        return found
                except sqlite3.OperationalError as error:
                    if last:
                        raise self._unusable(error) from error
                    self._in_memory = True
                    self._forget_memory()
                    continue
                except DAMAGE as error:
                    if last:
                        raise self._unusable(error) from error
                self._note_damage()
                self._file.replace()
        raise self._unusable("it does not answer as it was built")

    def _unusable(self, reason: object) -> StoreUnavailable:
        return StoreUnavailable(self._path, f"the catalog cannot be used, not even in memory: {reason}")

    # -- catching up ------------------------------------------------------------------------------------------------

    def _catch_up(self) -> sqlite3.Connection:
        database = self._connection()
        position = _position(database)
        signature = self._index.signature(position.journal if position else 0)
        if self._seen == (database, signature):
            return database
        with transaction(database):
            position = _position(database)
            seen = self._index.signature(position.journal if position else 0)
            delta = self._index.since(position) if position else None
            if delta is None:
                self._note_missing(position)
                position = self._build(database)
            else:
                if delta.position != position:  # else the file need not change, nor its seal
                    self._apply(database, delta)
                position = delta.position
        self._seen = (database, seen) if seen[2] == position.journal else None
        if database is self._memory:
            return database
        self._file.settle()
        return self._connection()

    def _note_missing(self, position: Position | None) -> None:
        """Say where the newest journal ends before what was seen of it: nothing else would tell that it was cut there."""
        bytes_missing = self._index.missing_before(position) if position else 0
        if position and bytes_missing:
            name = name_of(position.journal)
            self.missing.append(f"{name} ends {bytes_missing} bytes before the changes that had been read from it.")

    def _serial(self, database: sqlite3.Connection) -> int:
        row = database.execute("SELECT serial FROM state").fetchone()
        return row[0] if row else time.time_ns()

    def _apply(self, database: sqlite3.Connection, delta: Delta) -> None:
        for change in delta.changes:
            if "add" in change:
                rows.insert(database, self._index.root, change["add"])
            elif "set" in change:
                rows.edit(database, self._index.root, change["set"], change["to"])
            elif "del" in change:
                rows.remove(database, change["del"])
        self._remember(database, delta.position, self._serial(database) + len(delta.changes))

    def _build(self, database: sqlite3.Connection) -> Position:
        """Empty the tables and fill them from the whole index. Raises `IndexDamaged`, and then nothing has changed."""
        serial = self._serial(database) + 1
        for table in TABLES:
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
        while True:
            found = self._index.present()
            try:
                changes, position = found.read()
                self._fill(database, changes.applied(found.entries()))
                break
            except FileNotFoundError:
                continue  # folded away while we read
        self._remember(database, position, serial)
        return position

    def _fill(self, database: sqlite3.Connection, lines: Iterable[bytes]) -> None:
        for line in lines:
            rows.insert(database, self._index.root, fields_of(line))

    def _remember(self, database: sqlite3.Connection, position: Position, serial: int) -> None:
        database.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, ?)", (*astuple(position), serial))

    # -- the database -----------------------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        if not self._in_memory:
            try:
                return self._file.connection()
            except (sqlite3.OperationalError, OSError):
                self._in_memory = True
            except DAMAGE:
                self._note_damage()
                self._file.replace()
                return self._file.connection()
        if self._memory is None:
            self._memory = connect(None, _make_tables)
        return self._memory

    def _forget_memory(self) -> None:
        if self._memory is not None:
            self._memory.close()
            self._memory = None

    def _note_damage(self) -> None:
        self._file.notes.append("catalog.sqlite was damaged; it is built again from the index.")

    def give_up_file(self) -> None:
        """Remove the file, to free its space on a full disk; it is built again when next asked."""
        with self._lock, contextlib.suppress(OSError):
            self._file.replace()

    def folded(self) -> None:
        """Seal a file so large that building it again would be felt: a killed process leaves the last seal behind."""
        with self._lock:
            if size_of(self._path) > AT_ONCE_BYTES:
                self._file.settle(at_once=True)

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._forget_memory()
            self._in_memory = False
            self._file.close()


def _position(database: sqlite3.Connection) -> Position | None:
    row = database.execute("SELECT history, journal, line_start, end, crc FROM state").fetchone()
    return Position(*row) if row else None


def position_at_rest(root: Path) -> Position | None:
    """Return how far into the index a catalog had come that is as it was closed; None where there is no such."""
    database = open_at_rest(root / NAME)
    if database is None:
        return None
    with contextlib.closing(database):
        return _position(database)


def _make_tables(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
        return
    with transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
            return  # another process was faster
        for table in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table[0] in TABLES:
                database.execute(f"DROP TABLE {table[0]}")
        for statement in _statements(SCHEMA):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
