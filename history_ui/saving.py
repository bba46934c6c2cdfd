"""Save takes in such a way that a failed save never costs a sound."""

from __future__ import annotations

import contextlib
import logging
import threading
from dataclasses import dataclass, replace

from history_ui.take import Take
from history_ui.unsaved import Unsaved, UnsavedTakes
from store import CommitUncertain, GenerationHistory, HistoryEntry, HistoryError

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Failure:
    """Why a take is not saved, or where it may be saved all the same."""

    kind: str
    reason: str
    uncertain_id: str | None = None


@dataclass(frozen=True)
class Saved:
    """The take that a retry saved, or found saved: by the attempt before it, or by another page's retry."""

    entry: HistoryEntry
    was_there: bool


class Keeper:
    """Saves takes into a history, and keeps in memory what it could not save."""

    def __init__(self, history: GenerationHistory, unsaved: UnsavedTakes) -> None:
        self._history = history
        self._unsaved = unsaved
        self._retrying = threading.Lock()
        self._saved: dict[str, str] = {}

    def save(self, take: Take) -> HistoryEntry | Unsaved:
        """Save a take, or keep it in memory with the reason. Raises nothing: the sound was made and must not be lost."""
        try:
            return take.save(self._history)
        except Exception as error:  # noqa: BLE001 - the promise above holds for our own mistakes too
            failure = _failure(error)
            return self._unsaved.keep(take, failure.kind, failure.reason, failure.uncertain_id)

    def retry(self, unsaved_id: str) -> Saved | None:
        """Save an unsaved take now, exactly once, however often and from how many pages it is asked for.

        None where there is no such take. Raises what saving raises when it still cannot be saved; the take then stays,
        with the new reason.
        """
        with self._retrying:
            if entry := self._saved_before(unsaved_id):
                return Saved(entry, was_there=True)
            unsaved = self._unsaved.get(unsaved_id)
            if unsaved is None:
                return None
            saved = self._save_again(unsaved)
            self._saved[unsaved_id] = saved.entry.entry_id
            self._unsaved.drop(unsaved_id)
            return saved

    def retry_all(self) -> None:
        """Try once more to save everything; what still cannot be saved stays."""
        for unsaved in self._unsaved.to_list():
            with contextlib.suppress(HistoryError, OSError):
                self.retry(unsaved.id)

    def _saved_before(self, unsaved_id: str) -> HistoryEntry | None:
        saved_id = self._saved.get(unsaved_id)
        return self._history.get(saved_id) if saved_id else None

    def _save_again(self, unsaved: Unsaved) -> Saved:
        try:
            if unsaved.uncertain_id and (entry := self._history.get(unsaved.uncertain_id)):
                return Saved(entry, was_there=True)
            return Saved(unsaved.take.save(self._history, again=unsaved.uncertain_id), was_there=False)
        except Exception as error:
            failure = _failure(error)
            uncertain_id = failure.uncertain_id or unsaved.uncertain_id  # what may be on the disk may be there for ever
            kind = "CommitUncertain" if uncertain_id else failure.kind
            self._unsaved.replace(replace(unsaved, kind=kind, reason=failure.reason, uncertain_id=uncertain_id))
            raise


def _failure(error: Exception) -> Failure:
    kind = type(error).__name__
    if isinstance(error, CommitUncertain):
        return Failure(kind, error.reason, error.entry_id)
    if isinstance(error, HistoryError):
        return Failure(kind, reason_of(error))
    _log.error("A take could not be saved", exc_info=error)
    return Failure(kind, str(error) or kind)


def reason_of(error: HistoryError) -> str:
    """Return why something failed, without the path that the page need not show."""
    return str(getattr(error, "reason", "") or error)
