"""The files of a take: where they are, and nothing outside the history's folder."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER, HistoryEntry
from store.errors import InvalidEntry

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def audio_name(entry_id: str) -> str:
    """Return the name of a take's audio file, relative to the history."""
    return f"{AUDIO_FOLDER}/{entry_id}.wav"


def thumbnail_name(entry_id: str) -> str:
    """Return the name of a take's thumbnail, relative to the history."""
    return f"{THUMBNAIL_FOLDER}/{entry_id}.png"


def inside(root: Path, entry: HistoryEntry, name: str, field: str) -> Path:
    """Return the path of an entry's file. Raises `InvalidEntry` where it would lie outside the history's media folders.

    Links are followed before the answer: what the index says is not believed.
    """
    if not name or "\0" in name:
        raise InvalidEntry(field, "names no file", entry.entry_id)
    path = root / name
    try:
        real = path.resolve()
        folders = [(root / folder).resolve() for folder in (AUDIO_FOLDER, THUMBNAIL_FOLDER)]
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidEntry(field, f"{name!r} cannot be resolved", entry.entry_id) from error
    if not any(folder in real.parents for folder in folders):
        raise InvalidEntry(field, f"{name!r} lies outside the history", entry.entry_id)
    return path


def is_there(path: Path) -> bool:
    """Say whether a regular file is at `path`."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def file_safe(entry_id: str) -> str:
    """Return an entry id as a text that is safe in a file's name: itself where it is a UUID, a hash of it where not."""
    if _UUID.fullmatch(entry_id):
        return entry_id
    return hashlib.sha256(entry_id.encode("utf-8", "backslashreplace")).hexdigest()
