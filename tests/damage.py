"""Damage: a small history with everything in it, kept in memory, and copies of it that are damaged in many ways."""

from __future__ import annotations

import hashlib
import math
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from store import GenerationHistory
from store.lines import seal
from tests.conftest import add

DOCUMENT, BACKUP, FOLDED, NEWEST = "history.json", "history.json.bak", "journal-2.jsonl", "journal-3.jsonl"
CATALOG_FILES = ("catalog.sqlite", "catalog.sqlite-seal")
INDEX_FILES = (DOCUMENT, BACKUP, FOLDED, NEWEST)
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made in it


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a folder that is gone afterwards, in memory where the system has such a place."""
    with tempfile.TemporaryDirectory(prefix="retake-", dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def hashes(root: Path) -> dict[str, str]:
    """Return every file under `root` with the SHA-256 of its bytes."""
    paths = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def flipped(data: bytes, bit: int) -> bytes:
    """Return `data` with one bit, counted from its start, turned over."""
    turned = bytearray(data)
    turned[bit // 8] ^= 1 << bit % 8
    return bytes(turned)


def append(path: Path, data: bytes) -> None:
    """Write bytes behind the last line of a journal, into its room, as the store does."""
    before = path.read_bytes()
    end = len(before.rstrip(b"\n")) + 1
    path.write_bytes(before[:end] + data + before[end + len(data) :])


def seal_of(catalog: bytes) -> bytes:
    """Return the seal that says of a catalog that it is as it was closed."""
    return seal({"size_bytes": len(catalog), "crc32": zlib.crc32(catalog)}) + b"\n"


def make_small_history(root: Path, seed: int = 0) -> None:
    """Write a history of two folds with something of everything, and edits that are not folded."""
    history = GenerationHistory(root)
    plain_take = add(history, seed + 1, params={"Ünïcode": "كلام \u2028", "odd": [math.nan, -math.inf]})
    rated, trashed, purged, late = (add(history, seed + number) for number in range(2, 6))
    history.fold()
    history.update_entry(rated.entry_id, rating=4, favorite=True, tags=["pad", "ß"], note="first\nsecond")
    history.delete_entry(trashed.entry_id)
    history.delete_entry(purged.entry_id, permanent=True)
    history.fold()
    history.update_entry(plain_take.entry_id, title="not folded", tags=["late"])
    history.update_entry(rated.entry_id, rating=None)
    history.delete_entry(late.entry_id, permanent=True)
    new = add(history, seed + 6)
    history.update_entry(new.entry_id, favorite=True)
    history.restore_entry(trashed.entry_id)
    add(history, seed + 7)
    history._folding.close()  # as if the process had ended here: nothing more is folded
    history._index.leave_no_room()  # damage to the room is told by tests of its own
    history._catalog.close()


@dataclass(frozen=True)
class Original:
    """A history in memory: the bytes of its index and its catalog, and the folder where its audio lies."""

    root: Path
    index: dict[str, bytes]
    catalog: dict[str, bytes]

    @classmethod
    def at(cls, root: Path) -> Original:
        """Read the small history at `root`."""
        index = {name: (root / name).read_bytes() for name in INDEX_FILES}
        return cls(root, index, {name: (root / name).read_bytes() for name in CATALOG_FILES})

    def copy_to(self, copy: Path, damage: dict[str, bytes | None] | None = None) -> Path:
        """Make `copy` anew as this history with some files of the index replaced, or (None) missing.

        The audio is hard-linked: the store replaces such files and never writes into them.
        """
        shutil.rmtree(copy, ignore_errors=True)
        for folder in ("audio", "thumbnails"):
            (copy / folder).mkdir(parents=True)
            for item in os.scandir(self.root / folder):
                os.link(item.path, copy / folder / item.name)
        for name, data in {**self.index, **(damage or {})}.items():
            if data is not None:
                (copy / name).write_bytes(data)
        return copy
