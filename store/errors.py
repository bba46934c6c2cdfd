"""What can go wrong in a history, as exceptions that carry their facts."""

from __future__ import annotations

import errno
from pathlib import Path


def shown(value: object) -> str:
    """Return what a message shows of any value: its beginning, on one line."""
    try:
        text = repr(value[:100] if isinstance(value, str) else value)
    except (ValueError, RecursionError):  # Python refuses to print over 4,300 digits, and nests only so deep
        text = f"a {type(value).__name__} that is too large to show"
    return text if len(text) <= 80 else text[:80] + "…"


class HistoryError(Exception):
    """The root of every error that the store raises on purpose."""


class EntryNotFound(HistoryError):
    """No entry has this id."""

    def __init__(self, entry_id: str) -> None:
        super().__init__(f"There is no take with the id {shown(entry_id)}.")
        self.entry_id = entry_id


class InvalidAudio(HistoryError):
    """The audio cannot be kept: its shape, samples, rate or file are not what they must be."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class InvalidEntry(HistoryError):
    """A field of an entry holds what it cannot hold."""

    def __init__(self, field: str, reason: str, entry_id: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" + (f" (take {entry_id})" if entry_id else ""))
        self.field = field
        self.reason = reason
        self.entry_id = entry_id


class PresetNotFound(HistoryError):
    """No preset has this id, or it is deleted and must be restored first."""

    def __init__(self, preset_id: str) -> None:
        super().__init__(f"There is no preset with the id {shown(preset_id)}.")
        self.preset_id = preset_id


class InvalidPreset(HistoryError):
    """A preset, or a folder of presets, cannot be as it was asked for; `field` is what does not fit."""

    def __init__(self, field: str, reason: str, preset_id: str | None = None) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason
        self.preset_id = preset_id


class IndexDamaged(HistoryError):
    """A file of the index does not read as it was written."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path.name} is damaged: {reason}")
        self.path = path
        self.reason = reason


class UnsupportedVersion(HistoryError):
    """The history was written by a newer program; nothing was touched."""

    def __init__(self, path: Path, found: object, supported: int) -> None:
        super().__init__(f"{path} has format version {found}; this program reads up to version {supported}.")
        self.path = path
        self.found = found
        self.supported = supported


class StoreUnavailable(HistoryError):
    """The folder cannot be read or written; nothing was changed."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


class StoreFull(StoreUnavailable):
    """The disk or the quota is full; nothing was changed."""


class CommitUncertain(HistoryError):
    """A change was written, but whether it survives a power cut is not known.

    Try an addition again with `add_to_history(..., again=error.entry_id)`: a blind retry would make a duplicate.
    `what` is a take, a preset or a folder of presets, and `entry_id` its id or name.
    """

    def __init__(self, entry_id: str, reason: str, what: str = "take") -> None:
        super().__init__(f"It is not certain that {what} {entry_id} was saved: {reason}")
        self.what = what
        self.entry_id = entry_id
        self.reason = reason


_REASONS = {
    errno.ENOSPC: "disk is full",
    errno.EDQUOT: "disk quota is used up",
    errno.ENOENT: "folder cannot be found",
    errno.EACCES: "writing is not allowed",
    errno.EPERM: "writing is not allowed",
    errno.EROFS: "disk is read-only",
    errno.EIO: "disk reports an error",
    errno.EMFILE: "too many open files",
}


def reason_of(error: OSError) -> str:
    """Say in a few words what the operating system refused.

    >>> reason_of(OSError(errno.ENOSPC, "No space left on device"))
    'disk is full'
    """
    return _REASONS.get(error.errno or 0, error.strerror or str(error))


def from_os_error(error: OSError, path: Path) -> StoreUnavailable:
    """Translate an operating system's error on `path` into the store's own."""
    reason = reason_of(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull(path, reason)
    return StoreUnavailable(path, reason)
