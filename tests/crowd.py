"""One of several processes that use a history at once: `python -m tests.crowd ROLE FOLDER [NUMBER TAKES]`.

A writer prints each id when its take is acknowledged. The others go on until their standard input is closed, and print
nothing; whatever one of them raises ends it with an error.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable
from contextlib import nullcontext, suppress
from pathlib import Path

from store import EntryNotFound, GenerationHistory
from store.wav import read_data_sha256
from tests.conftest import add

GONE = (EntryNotFound, FileNotFoundError)
DOOMED = 10
"""Every take whose seed this divides is for the deleters."""


def write(history: GenerationHistory, number: int, takes: int) -> None:
    """Add takes and rate them; fold now and then."""
    for seed in range(number * takes, (number + 1) * takes):
        entry = add(history, seed)
        print(entry.entry_id, flush=True)
        if not is_doomed(seed):
            assert history.get(entry.entry_id) == entry
            history.update_entry(entry.entry_id, rating=seed % 5 + 1)


def read(history: GenerationHistory) -> None:
    """List, and hear the newest takes: one may be deleted meanwhile, no other may be missing."""
    for entry in history.list_entries(limit=5):
        with suppress(*GONE) if is_doomed(entry.seed) else nullcontext():
            assert history.thumbnail(entry.entry_id) or is_doomed(entry.seed), entry
            with history.audio_path(entry.entry_id).open("rb") as file:
                assert read_data_sha256(file) == entry.audio_sha256
    assert history.count(query="synth") <= history.count() + history.count(deleted=True) + 1_000


def delete(history: GenerationHistory) -> None:
    """Delete doomed takes, every other one for good."""
    for entry in [entry for entry in history.list_entries() if is_doomed(entry.seed)]:
        history.delete_entry(entry.entry_id, permanent=(entry.seed or 0) % 20 == 0)


def fold(history: GenerationHistory) -> None:
    """Fold."""
    history.fold()


def is_doomed(seed: int | None) -> bool:
    return seed is not None and seed % DOOMED == 0


def main(role: str, folder: str, *numbers: str) -> None:
    """Play one role."""
    others: dict[str, Callable[[GenerationHistory], None]] = {"reader": read, "deleter": delete, "folder": fold}
    with GenerationHistory(Path(folder)) as history:
        if role == "writer":
            write(history, *map(int, numbers))
            return
        while not select.select([sys.stdin], [], [], 0.01)[0]:
            others[role](history)
        others[role](history)


if __name__ == "__main__":
    main(*sys.argv[1:])
