"""What the page's functions work with, and how their errors reach the page."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from history_ui import view, words
from history_ui.errors import AudioMissing, BadRequest, ForeignRequest
from history_ui.jobs import Jobs
from history_ui.saving import Keeper
from history_ui.sources import Sources
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from history_ui.wire import to_wire
from store import EntryNotFound, GenerationHistory, HistoryEntry, HistoryError, StoreUnavailable

Json = dict[str, Any]


@dataclass(frozen=True)
class Desk:
    """What the functions work with: the history, what runs, what is unsaved, how audio is addressed, what can be loaded."""

    history: GenerationHistory
    jobs: Jobs
    unsaved: UnsavedTakes
    keeper: Keeper
    audio_url: Callable[[HistoryEntry], str]
    vocabulary: Vocabulary
    sources: Sources

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
        told = trouble_of(desk.history, error)
        if told is None:
            raise
        return error_reply(**told)
    return reply


def error_reply(kind: str, message: str) -> Json:
    """Return an error as the page reads it."""
    reply: Json = to_wire({"error": {"kind": kind, "message": message}})
    return reply


def trouble_of(history: GenerationHistory, error: Exception) -> dict[str, str] | None:
    """Return the kind and the sentence for an error of the history; None for one that is not the history's."""
    if is_unreachable(history, error):
        return {"kind": "FolderUnreachable", "message": f"{words.path_text(history.directory)} cannot be reached."}
    return {"kind": type(error).__name__, "message": str(error)} if isinstance(error, HistoryError) else None


def is_unreachable(history: GenerationHistory, error: Exception) -> bool:
    """Whether an error comes from the folder of the history being gone."""
    return isinstance(error, StoreUnavailable | OSError) and not history.directory.is_dir()
