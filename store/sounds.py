"""The audio folder: which files lie in it, and which takes they say they are."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from store import files
from store.entry import AUDIO_FOLDER, from_document
from store.errors import InvalidAudio, InvalidEntry
from store.progress import Progress, no_progress
from store.reading import open_regular
from store.snapshot import read_snapshot
from store.values import MAX_BYTES, MAX_DEPTH, MAX_LISTS, Json, brackets, loads, nests_deeper

MOST_CHARACTERS = 2 * MAX_BYTES
MOST_LEVELS = MAX_DEPTH + 5  # so that a line of the index can hold the entry


@dataclass(frozen=True)
class Sounds:
    """What a look through audio files found.

    `entries` are the takes they carry, oldest first; `copies` are files that carry a take which another file carries
    too; `strangers` carry none that can be read.
    """

    entries: tuple[dict[str, Json], ...]
    copies: tuple[Path, ...]
    strangers: tuple[Path, ...]


def audio_files(root: Path) -> list[Path]:
    """Return the WAV files of the audio folder: regular files only, in the order of their names."""
    try:
        with os.scandir(root / AUDIO_FOLDER) as items:
            found = [Path(item.path) for item in items if item.name.endswith(".wav") and _is_regular(item)]
    except FileNotFoundError:
        return []
    return sorted(found)


def _is_regular(item: os.DirEntry[str]) -> bool:
    return item.is_file(follow_symlinks=False) and not files.is_temporary(item.name)


def carried_entry(path: Path) -> dict[str, Json] | None:
    """Return the entry that an audio file carries, its file's name and size as they are now; None without a good one."""
    try:
        with open_regular(path) as file:
            text = read_snapshot(file)
            size_bytes = file.seek(0, 2)
        is_small = text is not None and len(text) <= MOST_CHARACTERS and brackets(text) <= MAX_LISTS
        entry = loads(text) if text and is_small else None
        from_document(entry)
    except (OSError, InvalidAudio, InvalidEntry, ValueError):
        return None
    if not isinstance(entry, dict) or nests_deeper(entry, MOST_LEVELS):
        return None
    return {**entry, "audio_file": f"{AUDIO_FOLDER}/{path.name}", "size_bytes": size_bytes}


def has_takes(root: Path) -> bool:
    """Say whether any audio file carries a take."""
    return any(carried_entry(path) is not None for path in audio_files(root))


def look_through(paths: list[Path], progress: Progress = no_progress) -> Sounds:
    """Read the takes that these audio files carry.

    Of several files with the same take, the one that is named after it counts, or else the first by name.
    """
    found: dict[str, dict[str, Json]] = {}
    copies, strangers = [], []
    for done, path in enumerate(sorted(paths, key=lambda path: path.name), 1):
        entry = carried_entry(path)
        if entry is None:
            strangers.append(path)
        elif entry["entry_id"] not in found:
            found[entry["entry_id"]] = entry
        elif path.stem == entry["entry_id"]:
            copies.append(path.with_name(Path(found[path.stem]["audio_file"]).name))
            found[path.stem] = entry
        else:
            copies.append(path)
        progress(done, len(paths))
    entries = sorted(found.values(), key=lambda entry: (from_document(entry).time_us, entry["entry_id"]))
    return Sounds(tuple(entries), tuple(copies), tuple(strangers))
