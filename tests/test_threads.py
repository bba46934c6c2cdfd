"""Guards that the threads of one process share one history, and lose nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from store import GenerationHistory
from store.verify import verify
from tests.conftest import add
from tests.figures import Figures

THREADS, TAKES = 8, 100


@pytest.mark.proof
def test_threads_add_change_delete_and_list_at_once(tmp_path: Path, figures: Figures) -> None:
    over = Event()
    with GenerationHistory(tmp_path) as history:

        def write(number: int) -> None:
            for seed in range(number * TAKES, (number + 1) * TAKES):
                entry = add(history, seed)
                assert entry in history.list_entries(limit=10 * THREADS)
                assert history.update_entry(entry.entry_id, rating=seed % 5 + 1).rating == seed % 5 + 1
                if seed % 10 == 0:
                    assert history.delete_entry(entry.entry_id, permanent=seed % 20 == 0)

        def read() -> int:
            listed = 0
            while not over.wait(0.1):
                entries = history.list_entries()
                assert len({entry.entry_id for entry in entries}) == len(entries)
                history.fold()
                listed += 1
            return listed

        with ThreadPoolExecutor(THREADS + 2) as pool:
            readers = [pool.submit(read) for _ in range(2)]
            try:
                list(pool.map(write, range(THREADS)))
            finally:
                over.set()
            assert all(reader.result() for reader in readers)
        seeds = {entry.seed for entry in history.list_entries()}
        assert seeds == {seed for seed in range(THREADS * TAKES) if seed % 10}
        assert history.count(deleted=True) == THREADS * TAKES // 20
    assert verify(tmp_path).good
    figures.add("threads at once", threads=THREADS, takes=THREADS * TAKES, lost=0)
