"""The changes that the catalog's tables do not hold yet, in memory: one take can be told without writing the tables."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field

from store.chain import Changes, Position
from store.entry import HistoryEntry, from_document, read
from store.index import Delta, Quiet, Tail
from store.values import loads


@dataclass
class Recent:
    """What came after `base`, where the tables of `database` stand, up to `position`.

    `quiet` is what `Index.quiet_since` said of `position`; None where more had come already.
    """

    database: sqlite3.Connection
    base: Position
    position: Position
    quiet: Quiet | None
    changes: Changes = field(default_factory=Changes)
    weight: int = 0
    """About how many changed fields are held."""

    def holds_nothing(self) -> bool:
        """Say whether the tables hold everything up to `position`."""
        return self.base == self.position

    def is_at(self, tail: Tail) -> bool:
        """Say whether nothing has come since that an index with this tail holds."""
        at = self.position
        return (at.end, at.journal, at.history_id) == (tail.end, tail.number, tail.history_id)

    def covers(self, position: Position | None, end: Position) -> bool:
        """Say whether tables at `position` hold nothing but what was there at `base` and what came since, up to `end`."""
        if position is None or position.history_id != self.base.history_id:
            return False
        first, at, last = ((place.journal, place.end) for place in (self.base, position, end))
        return first <= at <= last

    def after_stretch(self, delta: Delta) -> Recent:
        """Return what is to be held when the tables have come to the position after `delta`."""
        if delta.position == self.position:
            return Recent(self.database, self.position, self.position, self.quiet)
        return self

    def take(self, delta: Delta, quiet: Quiet | None) -> None:
        """Take in what came after `position`."""
        for change in delta.changes:
            self.changes.take(change)
            self.weight += len(change["add"]) if "add" in change else 1
        self.position, self.quiet = delta.position, quiet

    def take_own(self, delta: Delta) -> bool:
        """Take in what this process has just written where it stands right behind `position`; say whether it does.

        Under the history's lock it is known without looking that nothing has come since.
        """
        before, after = self.position, delta.position
        if (before.journal, before.history_id, before.end) != (after.journal, after.history_id, delta.start):
            return False
        if self.quiet is None:
            return False
        self.take(delta, (*self.quiet[:3], after.end))
        return True

    def entry(self, entry_id: str, stored: bytes | None) -> HistoryEntry | None:
        """Return an entry as it is now, from what the tables hold of it; None where there is none."""
        stored = self.changes.added.get(entry_id, stored)
        if stored is None or (entry_id in self.changes.removed and entry_id not in self.changes.added):
            return None
        edits = self.changes.fields.get(entry_id)
        return from_document({**loads(stored), **edits}) if edits else read(stored)
