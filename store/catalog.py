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
from dataclasses import dataclass
from pathlib import Path

from store import entry, follow, newest, rows
from store.behind import Behind
from store.chain import Position
from store.database import Database, connect, open_at_rest, transaction
from store.entry import HistoryEntry
from store.errors import HistoryError, StoreUnavailable
from store.follow import position_of
from store.index import Delta, Index, Tail
from store.journal import name_of
from store.newest import Newest
from store.progress import Progress, no_progress
from store.query import Filters, sql_text
from store.reading import Peek
from store.recent import Recent
from store.values import Json

NAME = "catalog.sqlite"
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the second where a damaged schema is to be told
MOST_WEIGHT = 1_000  # of changes that are kept in memory until somebody asks for a list
STRETCH_S, PAUSE_S = 0.02, 0.005
FEWEST_BYTES, MOST_BYTES = 1 << 10, 64 << 10


@dataclass(frozen=True)
class Facet:
    """One value that takes can be filtered by: the value, how it reads, how many takes have it."""

    value: str
    label: str
    count: int


@dataclass(frozen=True)
class Building:
    """How many of how many entries have been read into a catalog that is being built."""

    done: int
    total: int


class _GivenUp(Exception):
    """The catalog is closed while it is being built."""


class Catalog:
    """A view of `index` kept in `catalog.sqlite` beside it. Every method may be called from any thread.

    Where it is not `patient`, `begin` does not wait until the catalog of a long history is built: until then lists are of
    the newest takes alone.
    """

    def __init__(self, index: Index, patient: bool = True, progress: Progress = no_progress) -> None:
        self._index = index
        self._patient = patient
        self._tell = progress
        self._path = index.root / NAME
        self._lock = threading.RLock()
        self._file = Database(self._path, self._lock, _make_tables)
        self._in_memory = False
        self._memory: sqlite3.Connection | None = None
        self._recent: Recent | None = None
        self._newest: Newest | None = None
        self._behind = Behind("retake-catalog")
        self._peek = Peek()
        self._closed = False
        self.building: Building | None = None
        self.missing: list[str] = []

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found damaged, in words; `missing` are changes that it had seen and the index has no longer."""
        return (*self.missing, *self._file.notes)

    # -- answering --------------------------------------------------------------------------------------------------

    def get(self, entry_id: str, tail: Tail | None = None) -> HistoryEntry | None:
        """Return the entry with this id, in the trash or not; None where there is none.

        Who holds the history's lock and has stepped to its `tail` spares looking for what others may have written.
        """
        found = self._entry(entry_id, tail)
        return None if found is None or found.entry_id != entry_id else found

    def wait_until_sure(self, entry_id: str) -> None:
        """Return when `get` can answer for something durable: the file is known to be what one of us closed.

        To be called before the history's lock is taken, so that nobody waits for that meanwhile.
        """
        if self._newest is not None:
            self.get(entry_id)
        self._file.wait_until_checked()

    def entries(self, filters: Filters, sort: str, limit: int | None, offset: int) -> list[HistoryEntry]:
        """Return the entries that pass `filters`, in the order of `sort`."""
        sql, values = filters.select(sort, filters.asks_words(sort) and self._is_in_order())
        found = self._rows(f"{sql} LIMIT ? OFFSET ?", [*values, -1 if limit is None else limit, offset], checked=True)
        return [entry.read(row[rows.DOCUMENT]) for row in found]

    def count(self, filters: Filters) -> int:
        """Return how many entries pass `filters`."""
        return self._number(*filters.count())

    def total_size(self, deleted: bool | None) -> int:
        """Return the bytes of audio and thumbnails, of all takes or of those in or out of the trash."""
        return self._number(
            "SELECT coalesce(sum(size_bytes), 0) FROM totals WHERE ?1 IS NULL OR deleted = ?1",
            [deleted if deleted is None else int(deleted)],
        )

    def models(self) -> list[Facet]:
        """Return the models of the takes outside the trash, the most used first, as the newest take of each names it."""
        return self._facets(
            """SELECT model, (
                SELECT model_name FROM entries WHERE deleted = 0 AND model_id = model ORDER BY time_us DESC, n DESC LIMIT 1
            ), takes
            FROM (SELECT model_id AS model, count(*) AS takes FROM entries WHERE deleted = 0 GROUP BY model_id)
            ORDER BY takes DESC, model"""
        )

    def tags(self) -> list[Facet]:
        """Return the tags of the takes outside the trash, the most used first."""
        return self._facets(
            "SELECT tag, tag, count(*) FROM tags WHERE deleted = 0 GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1000"
        )

    def presets(self) -> list[Facet]:
        """Return the ids of the presets of the takes outside the trash, the most used first."""
        return self._facets(
            "SELECT preset_id, preset_id, count(*) FROM entries WHERE deleted = 0 AND preset_id IS NOT NULL "
            "GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT 1000"
        )

    def revision(self) -> str:
        """Return a text that changes whenever any process changes the history (a fold changes nothing)."""
        return "-".join(map(str, self._rows("SELECT history, serial FROM state", [])[0]))

    def _is_in_order(self) -> bool:
        return bool(self._number("SELECT in_order FROM clock", []))

    def _facets(self, sql: str) -> list[Facet]:
        return [Facet(*row) for row in self._rows(sql, [])]

    def _number(self, sql: str, values: list[object]) -> int:
        found = self._rows(sql, values)
        return int(found[0][0]) if found else 0

    def _rows(self, sql: str, values: list[object], checked: bool = False) -> list[tuple[Json, ...]]:
        of_newest = self._rows_of_newest(sql, values)
        return self._rows_of_all(sql, values, checked) if of_newest is None else of_newest

    def _rows_of_all(self, sql: str, values: list[object], checked: bool = False) -> list[tuple[Json, ...]]:
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

    # -- one take ---------------------------------------------------------------------------------------------------

    def _entry(self, entry_id: str, tail: Tail | None) -> HistoryEntry | None:
        of_newest = self._rows_of_newest("SELECT * FROM entries WHERE entry_id = ?", [sql_text(entry_id)])
        if of_newest:
            return entry.read(of_newest[0][rows.DOCUMENT])
        with self._lock:
            with contextlib.suppress(OSError, *DAMAGE):
                recent = self._recent_now(tail)
                stored = rows.find(recent.database, entry_id)
                if stored is None or stored[-1] == rows.row_crc(stored[:-1]):
                    return recent.entry(entry_id, None if stored is None else stored[rows.DOCUMENT])
            found = self._rows_of_all("SELECT * FROM entries WHERE entry_id = ?", [sql_text(entry_id)], checked=True)
            return entry.read(found[0][rows.DOCUMENT]) if found else None

    def _recent_now(self, tail: Tail | None) -> Recent:
        """Return what the tables do not hold yet; they are brought up where that is not to be told without them."""
        database, recent = self._connection(), self._recent
        if recent is None or recent.database is not database:
            return self._brought_up()
        if tail is not None and recent.is_at(tail):
            return recent
        if not self._is_at(recent):
            position, delta = position_of(database), self._index.since(recent.position)
            if delta is None or not recent.covers(position, delta.position):
                return self._brought_up()
            recent.take(delta, self._index.quiet_since(delta.position, self._peek))
        return recent

    def _is_at(self, recent: Recent) -> bool:
        """Say whether nothing has come to the index since `recent` was last brought up."""
        return recent.quiet is not None and recent.quiet == self._index.quiet_since(recent.position, self._peek)

    def _brought_up(self) -> Recent:
        self._catch_up()
        if self._recent is None:
            raise sqlite3.OperationalError("the tables could not be brought up")
        return self._recent

    def wrote(self, delta: Delta) -> None:
        """Take in a change of this process's own, so that it need not be read again."""
        if self._newest is not None:
            return  # the tables are being built, and whoever builds them holds the lock
        with self._lock:
            recent = self._recent
            if recent is None or self._closed or not recent.take_own(delta):
                return
            if self._behind.be_ready() and recent.weight > MOST_WEIGHT:
                self._behind.do(self._catch_up_slowly)

    def _catch_up_slowly(self) -> None:
        """Bring the file's tables up in short stretches, over a connection of its own, so that nobody waits for the lock."""
        some_bytes = FEWEST_BYTES
        with contextlib.suppress(HistoryError, OSError, *DAMAGE), contextlib.closing(self._file.another()) as database:
            while not self._closed:
                begun_s = time.perf_counter()
                delta = self._stretch(database, some_bytes)
                took_s = time.perf_counter() - begun_s
                if delta is None or delta.whole:
                    return
                some_bytes = (
                    some_bytes * 2 if took_s < STRETCH_S / 2 else some_bytes // 2 if took_s > STRETCH_S else some_bytes
                )
                some_bytes = max(FEWEST_BYTES, min(MOST_BYTES, some_bytes))
                time.sleep(PAUSE_S)

    def _stretch(self, database: sqlite3.Connection, some_bytes: int) -> Delta | None:
        """Apply some changes to the file's tables; None where it cannot be done so, and whoever asks next does it."""
        with transaction(database):
            position = position_of(database)
            delta = self._index.since(position, some_bytes) if position else None
            if delta is not None and delta.position != position:
                follow.apply(database, self._index, delta)
        with self._lock:
            if delta is not None and self._recent is not None:
                self._recent = self._recent.after_stretch(delta)
        return delta

    # -- catching up ------------------------------------------------------------------------------------------------

    def _catch_up(self) -> sqlite3.Connection:
        database, recent = self._connection(), self._recent
        if recent and recent.database is database and recent.holds_nothing() and self._is_at(recent):
            return database
        with transaction(database):
            position = position_of(database)
            delta = self._index.since(position) if position else None
            if delta is None:
                self._note_missing(position)
                position = follow.build(database, self._index, self._note_progress, self._go_on)
            else:
                if delta.position != position:  # else the file need not change, nor its seal
                    follow.apply(database, self._index, delta)
                position = delta.position
        self._recent = Recent(database, position, position, self._index.quiet_since(position, self._peek))
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

    # -- while a long history is read -------------------------------------------------------------------------------

    def begin(self) -> None:
        """Come up to the index; in the background, where that is long and this is not patient."""
        if self._patient or not self._must_read_a_long_index():
            self.revision()
            return
        shown = self._newest = Newest(self._index)
        self.building = Building(0, shown.total)
        if not self._behind.do(lambda: self._build_behind(shown)):
            self._end_building(shown)

    def _must_read_a_long_index(self) -> bool:
        if not newest.is_long(self._index):
            return False
        with self._lock:
            try:
                position = position_of(self._connection())
                return position is None or self._index.since(position) is None
            except (OSError, *DAMAGE):
                return True

    def _build_behind(self, shown: Newest) -> None:
        try:
            with contextlib.suppress(HistoryError, OSError, _GivenUp), self._lock:  # who asks next is told
                self._rows_of_all("SELECT 1", [])
        finally:
            self._end_building(shown)

    def _end_building(self, shown: Newest) -> None:
        self._newest = self.building = None
        shown.close()

    def _rows_of_newest(self, sql: str, values: list[object]) -> list[tuple[Json, ...]] | None:
        showing = self._newest
        return None if showing is None else showing.rows(sql, values)

    def _note_progress(self, done: int, total: int) -> None:
        if self.building is not None:
            self.building = Building(done, total)
        if total >= newest.LONG:
            self._tell(done, total)

    def _go_on(self) -> None:
        if self._closed:
            raise _GivenUp

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
        """Bring the tables up, and seal the file where it is large: a killed process leaves the last seal behind."""
        with self._lock:
            self._peek.close()  # or a journal that is gone would keep its bytes until the next look
        self._catch_up_slowly()
        self._file.seal_behind()

    def close(self) -> None:
        """Close the database; what goes on behind is given up."""
        self._closed = True
        self._behind.end()
        with self._lock:
            with contextlib.suppress(
                HistoryError, OSError, _GivenUp, *DAMAGE
            ):  # what is not taken in now is read next time
                if self._recent is not None:
                    self._catch_up()
            self._closed = False
            self._recent = None
            self._peek.close()
            self._forget_memory()
            self._in_memory = False
            self._file.close()


def position_at_rest(root: Path) -> Position | None:
    """Return how far into the index a catalog had come that is as it was closed; None where there is no such."""
    database = open_at_rest(root / NAME)
    if database is None:
        return None
    with contextlib.closing(database):
        return position_of(database)


def _make_tables(database: sqlite3.Connection) -> None:
    if database.execute("PRAGMA user_version").fetchone()[0] == rows.SCHEMA_VERSION:
        return
    with transaction(database):
        if database.execute("PRAGMA user_version").fetchone()[0] == rows.SCHEMA_VERSION:
            return  # another process was faster
        rows.make_tables(database)
        database.execute(f"PRAGMA user_version = {rows.SCHEMA_VERSION}")
