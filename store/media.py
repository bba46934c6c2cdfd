"""The files of a take: where they are, and nothing outside the history's folder."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, TypeVar

from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER, HistoryEntry
from store.errors import InvalidAudio, InvalidEntry, shown
from store.reading import open_regular

T = TypeVar("T")

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def audio_name(entry_id: str) -> str:
    """Return the name of a take's audio file, relative to the history."""
    return f"{AUDIO_FOLDER}/{entry_id}.wav"


def thumbnail_name(entry_id: str) -> str:
    """Return the name of a take's thumbnail, relative to the history."""
    return f"{THUMBNAIL_FOLDER}/{entry_id}.png"


def inside(root: Path, entry: HistoryEntry, name: str, field: str) -> Path:
    """Return the path of an entry's file. Raises `InvalidEntry` where it would lie outside the history's media folders.

    Links are followed before the answer: what the index says is not believed. A file that has the name we give it, and is
    no link, lies where it should.
    """
    if not name or "\0" in name:
        raise InvalidEntry(field, "names no file", entry.entry_id)
    path = root / name
    is_ours = name in (audio_name(entry.entry_id), thumbnail_name(entry.entry_id)) and is_uuid(entry.entry_id)
    if is_ours and not os.path.islink(path):  # noqa: PTH114 - half the time
        return path
    try:
        real = path.resolve()
        folders = [(root / folder).resolve() for folder in (AUDIO_FOLDER, THUMBNAIL_FOLDER)]
    except (OSError, RuntimeError, ValueError) as error:
        raise InvalidEntry(field, f"{shown(name)} cannot be resolved", entry.entry_id) from error
    if not any(folder in real.parents for folder in folders):
        raise InvalidEntry(field, f"{shown(name)} lies outside the history", entry.entry_id)
    return path


def has_own_audio(entry: HistoryEntry) -> bool:
    """Say whether a take's sound is named after it, and so can be no other take's."""
    return _is_own(entry, entry.audio_file, audio_name(entry.entry_id))


def has_own_thumbnail(entry: HistoryEntry) -> bool:
    """Say whether a take's thumbnail is named after it, and so can be no other take's."""
    return _is_own(entry, entry.thumbnail_file, thumbnail_name(entry.entry_id))


def _is_own(entry: HistoryEntry, name: str, own_name: str) -> bool:
    return name == own_name and Path(name).stem == entry.entry_id  # an id could hold a path: ./<another id>


def is_uuid(text: str) -> bool:
    """Say whether a text is an id as the history gives them."""
    return _UUID.fullmatch(text) is not None


def is_there(path: Path) -> bool:
    """Say whether a regular file is at `path`."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def read_audio(audio: Path | None, read: Callable[[BinaryIO], T]) -> T | None:
    """Return what is read of an audio file; None where there is none, or none that can be read."""
    if audio is None or not is_there(audio):
        return None
    try:
        with open_regular(audio) as file:
            return read(file)
    except (OSError, InvalidAudio):
        return None


def file_safe(entry_id: str) -> str:
    """Return an entry id as a text that is safe in a file's name: itself where it is a UUID, a hash of it where not."""
    if is_uuid(entry_id):
        return entry_id
    return hashlib.sha256(entry_id.encode("utf-8", "backslashreplace")).hexdigest()
