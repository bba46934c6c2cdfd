"""The small values that Python sends the panel; the page acts on each because its `seq` is new."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Sequence
from typing import Any

from history_ui.replay import Report
from history_ui.wire import sendable

Message = dict[str, Any]


class Messages:
    """Makes the panel's messages, each with the next sequence number.

    >>> messages = Messages()
    >>> messages.stopped()
    {'seq': 1, 'kind': 'stopped'}
    >>> messages.made(["a"])["seq"]
    2
    """

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    def _message(self, kind: str, **fields: Any) -> Message:
        with self._lock:
            return {"seq": next(self._numbers), "kind": kind, **sendable(fields)}

    def replayed(self, entry_id: str, report: Report, loaded: str | None = None) -> Message:
        """Say that a take's parameters are back in the controls, what could not be, and which preset they came from."""
        return self._message("replayed", id=entry_id, report=report.to_dict(), loaded=loaded)

    def loaded(self, key: str, name: str, report: Report) -> Message:
        """Say that a preset is in the controls, and what could not be."""
        return self._message("loaded", key=key, name=name, report=report.to_dict())

    def undone(self, count: int, loaded: str | None = None) -> Message:
        """Say that the controls stand as before the last replay or preset; `count` is how many of them moved."""
        return self._message("undone", count=count, loaded=loaded)

    def preset_saved(self, asked: int, preset: Message, before: str | None = None) -> Message:
        """Say that the controls' settings are kept as a preset; `before` is what it held until now, as exported text."""
        return self._message("preset_saved", asked=asked, preset=preset, before=before)

    def preset_refused(self, asked: int, kind: str, message: str) -> Message:
        """Say why the controls' settings could not be kept as a preset."""
        return self._message("preset_refused", asked=asked, error={"kind": kind, "message": message})

    def made(
        self, ids: Sequence[str], again_of: str | None = None, verdict: str | None = None, detail: str = ""
    ) -> Message:
        """Say which takes were made and saved, and for Generate again whether the samples came out the same."""
        return self._message("made", ids=list(ids), again_of=again_of, verdict=verdict, detail=detail)

    def failed(self, kind: str, message: str, detail: str = "") -> Message:
        """Say that the generator raised: no take was made."""
        return self._message("failed", error={"type": kind, "message": message, "detail": detail})

    def refused(self, kind: str, message: str) -> Message:
        """Say why something that was asked for could not be started; nothing changed."""
        return self._message("refused", error={"kind": kind, "message": message})

    def unsaved(self, ids: Sequence[str], kind: str, message: str) -> Message:
        """Say that takes were made but could not be saved; they are kept in memory."""
        return self._message("unsaved", ids=list(ids), error={"kind": kind, "message": message})

    def stopped(self) -> Message:
        """Say that a generation was stopped."""
        return self._message("stopped")
