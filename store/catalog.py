"""The lens: an SQLite view of the index that answers lists, searches, filters and counts. Never the source of anything.

It remembers how far into which journal it has come, and catches up before it answers. Where it is stale beyond that,
damaged, of another version or of another history, it is wiped and built again; where the folder cannot be written it is
built in memory.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from store import files, rows
from store.chain import Position, fields_of
from store.entry import HistoryEntry, from_document
from store.errors import StoreUnavailable
from store.index import Delta, Index
from store.query import Filters, sql_text
from store.rows import SCHEMA, SCHEMA_VERSION, TABLES
from store.values import Json, loads

BUSY_S = 20.0


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
        self._path = index.root / "catalog.sqlite"
        self._lock = threading.RLock()
        self._database: sqlite3.Connection | None = None
        self._opened: tuple[int, int] = (0, 0)
        self._in_memory = False
        self._seen: tuple[int, ...] = ()
        self.notes: list[str] = []

    # -- answering --------------------------------------------------------------------------------------------------

    def get(self, entry_id: str) -> HistoryEntry | None:
        """Return the entry with this id, in the trash or not; None where there is none."""
        found = self._entries("WHERE entry_id = ?", [sql_text(entry_id)])
        return found[0] if found and found[0].entry_id == entry_id else None

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
                    self._forget()
                    self._in_memory = True
                    continue
                except sqlite3.DatabaseError as error:
                    if last:
                        raise self._unusable(error) from error
                self.notes.append("catalog.sqlite was damaged; it is built again from the index.")
                self._replace_file()
        raise self._unusable("it does not answer as it was built")

    def _unusable(self, reason: object) -> StoreUnavailable:
        return StoreUnavailable(self._path, f"the catalog cannot be used, not even in memory: {reason}")

    # -- catching up ------------------------------------------------------------------------------------------------

    def _catch_up(self) -> sqlite3.Connection:
        database = self._connection()
        position = self._position(database)
        if self._seen and self._index.signature(position.journal if position else 0) == self._seen:
            return database
        with _transaction(database):
            position = self._position(database)
            seen = self._index.signature(position.journal if position else 0)
            delta = self._index.since(position) if position else None
            if delta is None:
                position = self._build(database)
            else:
                self._apply(database, delta)
                position = delta.position
        self._seen = seen if seen[2] == position.journal else ()
        return database

    def _position(self, database: sqlite3.Connection) -> Position | None:
        row = database.execute("SELECT history, journal, line_start, end, crc FROM state").fetchone()
        return Position(*row) if row else None

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

    # -- the file ---------------------------------------------------------------------------------------------------

    def _connection(self) -> sqlite3.Connection:
        if self._database is not None and self._opened == (os.getpid(), _inode(self._path)):
            return self._database
        self._forget()
        try:
            self._database = self._open(None if self._in_memory or not self._is_a_file() else self._path)
        except sqlite3.OperationalError:
            self._in_memory = True
            self._database = self._open(None)
        except sqlite3.DatabaseError:
            self.notes.append("catalog.sqlite was damaged; it is built again from the index.")
            self._replace_file()
            self._database = self._open(self._path)
        self._opened = (os.getpid(), _inode(self._path))
        self._in_memory = False
        return self._database

    def _is_a_file(self) -> bool:
        """Say whether SQLite may open the path: it would follow a link out of the folder, and drop tables there."""
        try:
            return stat.S_ISREG(self._path.lstat().st_mode)
        except OSError:
            return True

    def _open(self, path: Path | None) -> sqlite3.Connection:
        database = sqlite3.connect(
            ":memory:" if path is None else path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            if database.execute("PRAGMA user_version").fetchone()[0] != SCHEMA_VERSION:
                with _transaction(database):
                    self._make_tables(database)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _make_tables(self, database: sqlite3.Connection) -> None:
        if database.execute("PRAGMA user_version").fetchone()[0] == SCHEMA_VERSION:
            return  # another process was faster
        for table in database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall():
            if table[0] in TABLES:
                database.execute(f"DROP TABLE {table[0]}")
        for statement in _statements(SCHEMA):
            database.execute(statement)
        database.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _replace_file(self) -> None:
        """Remove the file under a lock of its own, unless another process has put a new one in its place already."""
        opened = self._opened[1]
        self._forget()
        with files.locked(self._index.root / "catalog.lock"):
            if opened in (0, _inode(self._path)):
                for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
                    files.remove(self._index.root / name)

    def _forget(self) -> None:
        if self._database is not None and self._opened[0] == os.getpid():
            self._database.close()
        self._database = None
        self._opened = (0, 0)
        self._seen = ()

    def give_up_file(self) -> None:
        """Remove the file, to free its space on a full disk; it is built again when next asked."""
        with self._lock:
            self._forget()
            with contextlib.suppress(OSError):
                self._replace_file()

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._forget()


@contextlib.contextmanager
def _transaction(database: sqlite3.Connection) -> Iterator[None]:
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines():
        statement += line + "\n"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except OSError:
        return 0
