"""How the catalog's tables follow the index: what they have come to, what is applied to them, how all is read anew."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from dataclasses import astuple

from store import rows
from store.chain import Position
from store.index import Delta, Index
from store.progress import Progress, no_progress

CACHE_BYTES = 64 << 20  # pages of words are written over and over while all is read anew


def position_of(database: sqlite3.Connection) -> Position | None:
    """Return how far into the index the tables have come; None while they are empty."""
    row = database.execute("SELECT history, journal, line_start, end, crc FROM state").fetchone()
    return Position(*row) if row else None


def apply(database: sqlite3.Connection, index: Index, delta: Delta) -> None:
    """Bring the tables up to the position after `delta`, within the caller's transaction."""
    for change in delta.changes:
        if "add" in change:
            rows.insert(database, index.root, change["add"])
        elif "set" in change:
            rows.edit(database, index.root, change["set"], change["to"])
        else:
            rows.remove(database, change["del"])
    remember(database, delta.position, serial_of(database) + len(delta.changes))


def build(
    database: sqlite3.Connection,
    index: Index,
    progress: Progress = no_progress,
    go_on: Callable[[], None] = lambda: None,
) -> Position:
    """Make the tables anew and fill them from the whole index, within the caller's transaction; return its position.

    `go_on` is called now and then, and may raise. Raises `IndexDamaged`; the caller rolls back then.
    """
    serial = serial_of(database) + 1
    database.execute(f"PRAGMA cache_size = -{CACHE_BYTES >> 10}")
    try:
        while True:
            found = index.present()
            try:
                changes, position = found.read()
                total = found.header.count + len(changes.added)
                for done in rows.fill(database, index.root, changes.applied(found.entries())):
                    progress(done, total)
                    go_on()
                break
            except FileNotFoundError:
                continue  # folded away while we read
    finally:
        database.execute("PRAGMA cache_size = -2000")
    remember(database, position, serial)
    return position


def serial_of(database: sqlite3.Connection) -> int:
    """Return the number that grows with every change the tables take in; it begins with the time."""
    row = database.execute("SELECT serial FROM state").fetchone()
    return row[0] if row else time.time_ns()


def remember(database: sqlite3.Connection, position: Position, serial: int) -> None:
    """Note how far the tables have come."""
    database.execute("INSERT OR REPLACE INTO state VALUES (1, ?, ?, ?, ?, ?, ?)", (*astuple(position), serial))
