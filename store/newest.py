"""The newest takes, in memory, to be shown while the catalog of a long history is built anew."""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from store import document, follow, rows
from store.chain import Changes, Position
from store.database import connect
from store.index import Index

MOST = 1_000
LONG = 5_000  # entries; reading fewer is not felt


def is_long(index: Index) -> bool:
    """Say whether reading the whole index takes so long that nobody should wait for it. Raises `IndexDamaged`."""
    return index.present().header.count >= LONG


class Newest:
    """The last takes of the document and everything that the journals add, each as it is now.

    Every line was compared with its checksum. Methods may be called from any thread. Raises `IndexDamaged`.
    """

    def __init__(self, index: Index) -> None:
        self._index = index
        self._lock = threading.Lock()
        self._database: sqlite3.Connection | None = connect(None, rows.make_tables)
        changes, self._position, self.total, lines = self._read()
        for _ in rows.fill(self._database, index.root, changes.applied(lines)):
            pass
        follow.remember(self._database, self._position, follow.serial_of(self._database))

    def _read(self) -> tuple[Changes, Position, int, list[bytes]]:
        while True:
            found = self._index.present()
            try:
                changes, position = found.read()
                total = found.header.count + len(changes.added)
                is_ours = found.base is not None and found.header.version == document.VERSION
                lines = document.last_lines(found.base, MOST) if found.base and is_ours else []
                return changes, position, total, lines
            except FileNotFoundError:
                continue  # folded away while we read

    def rows(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]] | None:
        """Answer a query over these takes alone; None where it cannot: the whole catalog is there, or must be waited for."""
        with self._lock:
            if self._database is None or not self._catch_up(self._database):
                return None
            return self._database.execute(sql, values).fetchall()

    def _catch_up(self, database: sqlite3.Connection) -> bool:
        delta = self._index.since(self._position)
        if delta is None:
            return False
        if delta.changes:
            follow.apply(database, self._index, delta)
        self._position = delta.position
        return True

    def close(self) -> None:
        """Answer nothing any more."""
        with self._lock:
            if self._database is not None:
                self._database.close()
            self._database = None
