"""Save takes in such a way that a failed save never costs a sound."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from history_ui.take import Take
from history_ui.unsaved import Unsaved, UnsavedTakes
from store import CommitUncertain, GenerationHistory, HistoryEntry, HistoryError

_log = logging.getLogger(__name__)


class Keeper:
    """Saves takes into a history, and keeps in memory what it could not save."""

    def __init__(self, history: GenerationHistory, unsaved: UnsavedTakes) -> None:
        self._history = history
        self._unsaved = unsaved
        self._retrying = threading.Lock()

    def save(self, take: Take) -> HistoryEntry | Unsaved:
        """Save a take, or keep it in memory with the reason. Raises nothing: the sound was made and must not be lost."""
        try:
            return take.save(self._history)
        except CommitUncertain as error:
            return self._unsaved.keep(take, "CommitUncertain", reason_of(error), uncertain_id=error.entry_id)
        except HistoryError as error:
            return self._unsaved.keep(take, type(error).__name__, reason_of(error))
        except Exception as error:  # noqa: BLE001 - the promise above holds for our own mistakes too
            _log.exception("A take could not be saved")
            return self._unsaved.keep(take, type(error).__name__, str(error) or type(error).__name__)

    def retry(self, unsaved_id: str) -> HistoryEntry | None:
        """Save an unsaved take now, exactly once; None where there is no such take.

        Raises `HistoryError` when it still cannot be saved; the take then stays, with the new reason.
        """
        with self._retrying:
            unsaved = self._unsaved.get(unsaved_id)
            if unsaved is None:
                return None
            entry = self._find_saved(unsaved) or self._save_again(unsaved)
            self._unsaved.drop(unsaved_id)
            return entry

    def _find_saved(self, unsaved: Unsaved) -> HistoryEntry | None:
        return None if unsaved.uncertain_id is None else self._history.get(unsaved.uncertain_id)

    def _save_again(self, unsaved: Unsaved) -> HistoryEntry:
        try:
            return unsaved.take.save(self._history)
        except HistoryError as error:
            uncertain_id = error.entry_id if isinstance(error, CommitUncertain) else None
            self._unsaved.replace(
                replace(unsaved, kind=type(error).__name__, reason=reason_of(error), uncertain_id=uncertain_id)
            )
            raise


def reason_of(error: HistoryError) -> str:
    """Return why something failed, without the path that the page need not show."""
    return str(getattr(error, "reason", "") or error)
