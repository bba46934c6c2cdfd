"""Guards that use does not make a history heavier: memory, open files and the catalog stay flat however much is done."""

from __future__ import annotations

import pytest

from store.database import LOG_BYTES
from tests.children import report_of, scratch_folder, start
from tests.figures import Figures, tier

ENTRIES, CYCLES = tier((200, 60), (10_000, 1_000))


@pytest.mark.proof
def test_adding_playing_and_deleting_leaves_nothing_behind(figures: Figures) -> None:
    with scratch_folder() as folder:
        seen = report_of(start("tests.growth", folder / "history", ENTRIES, CYCLES))
    warm, last = seen[len(seen) // 2], seen[-1]
    assert last["memory_bytes"] < warm["memory_bytes"] * 1.1 + (4 << 20)
    assert last["catalog_bytes"] < warm["catalog_bytes"] * 1.1 + 1.25 * LOG_BYTES, "its log grows, and begins anew"
    assert last["history_bytes"] < warm["history_bytes"] * 1.1 + (1 << 20)
    assert last["open_files"] == warm["open_files"]
    assert last["threads"] <= warm["threads"] + 1
    figures.add("growth", takes=ENTRIES, cycles=CYCLES)
