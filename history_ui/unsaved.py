"""Takes that were made but could not be saved: kept in memory, playable, until saving works."""

from __future__ import annotations

import threading
import time
import uuid
from dataclasses import dataclass, field

from history_ui.take import Take

MOST_TAKES = 64
MOST_BYTES = 1 << 30


@dataclass(frozen=True, eq=False)
class Unsaved:
    """One take in memory, and why it is not on disk.

    `uncertain_id` is the entry's id where the store could not tell whether it was saved: it is saved again under that.
    """

    id: str
    take: Take
    kind: str
    reason: str
    uncertain_id: str | None = None
    thumbnail: bytes | None = None
    time_s: float = field(default_factory=time.time)


class UnsavedTakes:
    """The unsaved takes of one panel, oldest first, at most 64 and 1 GiB of samples. Thread-safe.

    When there is no more room the oldest go, and `lost` counts them: a bound is better than a process that is killed.
    The newest always stays.
    """

    def __init__(self, most_takes: int = MOST_TAKES, most_bytes: int = MOST_BYTES) -> None:
        self._most_takes = most_takes
        self._most_bytes = most_bytes
        self._takes: dict[str, Unsaved] = {}
        self._lock = threading.Lock()
        self.lost = 0

    def keep(self, take: Take, kind: str, reason: str, uncertain_id: str | None = None) -> Unsaved:
        """Keep a take that could not be saved, under an id that no other process gives: pages outlive their server."""
        unsaved = Unsaved(f"unsaved-{uuid.uuid4()}", take, kind, reason, uncertain_id, take.thumbnail())
        with self._lock:
            self._takes[unsaved.id] = unsaved
            while len(self._takes) > 1 and self._is_over():
                del self._takes[next(iter(self._takes))]
                self.lost += 1
        return unsaved

    def _is_over(self) -> bool:
        size_bytes = sum(unsaved.take.size_bytes for unsaved in self._takes.values())
        return len(self._takes) > self._most_takes or size_bytes > self._most_bytes

    def replace(self, unsaved: Unsaved) -> None:
        """Note a new reason, after a retry failed; a take that was dropped meanwhile stays dropped."""
        with self._lock:
            if unsaved.id in self._takes:
                self._takes[unsaved.id] = unsaved

    def get(self, unsaved_id: str) -> Unsaved | None:
        """Return an unsaved take, or None."""
        with self._lock:
            return self._takes.get(unsaved_id)

    def drop(self, unsaved_id: str) -> bool:
        """Forget an unsaved take; False where there is no such take."""
        with self._lock:
            return self._takes.pop(unsaved_id, None) is not None

    def to_list(self) -> list[Unsaved]:
        """Return the unsaved takes, oldest first."""
        with self._lock:
            return list(self._takes.values())
