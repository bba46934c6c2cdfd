"""Use a history for long, and tell now and then how heavy it is: `python -m tests.growth FOLDER TAKES CYCLES`."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path

from store import GenerationHistory
from tests.conftest import add
from tests.library import make_history

LOOKS = 10


def weigh(history: GenerationHistory) -> dict[str, int]:
    """Return what the process and the folder take."""
    sizes = {path.name: path.stat().st_size for path in history.directory.rglob("*") if path.is_file()}
    catalog = sum(size for name, size in sizes.items() if name.startswith("catalog."))
    return {
        "memory_bytes": memory_bytes(),
        "open_files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208
        "threads": threading.active_count(),
        "catalog_bytes": catalog,
        "history_bytes": sum(sizes.values()) - catalog,
    }


def memory_bytes(process: int | str = "self") -> int:
    """Return the memory that a process has in use now, not at its highest."""
    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def cycle(history: GenerationHistory, seed: int) -> None:
    """Add a take, hear it, look at it, change it, list, and delete it for good."""
    entry = add(history, seed)
    history.audio_path(entry.entry_id).read_bytes()
    history.thumbnail(entry.entry_id)
    history.envelope(entry.entry_id, 100)
    history.update_entry(entry.entry_id, note=f"take {seed}")
    assert history.list_entries(limit=48)[0].entry_id == entry.entry_id
    history.delete_entry(entry.entry_id)
    history.delete_entry(entry.entry_id, permanent=True)


def main(root: Path, takes: int, cycles: int) -> list[dict[str, int]]:
    """Weigh ten times on the way."""
    make_history(root, takes)
    seen = []
    with GenerationHistory(root) as history:
        for seed in range(cycles):
            cycle(history, 1_000_000 + seed)
            if seed % (cycles // LOOKS) == 0:
                history.fold()
                seen.append(weigh(history))
    return seen


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
