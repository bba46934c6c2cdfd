"""What the page's functions work with, and how their errors reach the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from history_ui import view, words
from history_ui.errors import AudioMissing, BadRequest, ForeignRequest
from history_ui.jobs import Jobs
from history_ui.saving import Keeper
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from history_ui.wire import to_wire
from store import EntryNotFound, GenerationHistory, HistoryEntry, HistoryError, StoreUnavailable

Json = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """What the functions work with: the history, what runs, what is unsaved, and how audio is addressed."""

    history: GenerationHistory
    jobs: Jobs
    unsaved: UnsavedTakes
    keeper: Keeper
    audio_url: Callable[[HistoryEntry], str]
    vocabulary: Vocabulary

    def card(self, entry: HistoryEntry) -> Json:
        """Return what the gallery draws of a take."""
        return view.card(self.history, entry, self.audio_url, self.vocabulary)

    def entry(self, entry_id: str) -> HistoryEntry:
        """Return a take. Raises `EntryNotFound`."""
        entry = self.history.get(entry_id)
        if entry is None:
            raise EntryNotFound(entry_id)
        return entry


Handler = Callable[[Desk, Any], Json]


def answer(handler: Handler, desk: Desk, request: object) -> Json:
    """Run a handler; a refused request, the store's errors and a folder that is gone become an error object."""
    try:
        reply: Json = to_wire(handler(desk, request))
    except (BadRequest, ForeignRequest, AudioMissing) as error:
        return error_reply(type(error).__name__, str(error))
    except (HistoryError, OSError) as error:
        if is_unreachable(desk.history, error):
            return error_reply("FolderUnreachable", f"{words.path_text(desk.history.directory)} cannot be reached.")
        if isinstance(error, OSError):
            raise
        return error_reply(type(error).__name__, str(error))
    return reply


def error_reply(kind: str, message: str) -> Json:
    """Return an error as the page reads it."""
    reply: Json = to_wire({"error": {"kind": kind, "message": message}})
    return reply


def is_unreachable(history: GenerationHistory, error: Exception) -> bool:
    """Whether an error comes from the folder of the history being gone."""
    return isinstance(error, StoreUnavailable | OSError) and not history.directory.is_dir()
