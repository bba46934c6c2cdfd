"""Guards that a take plays on while a fold replaces its audio file to write an edit into it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from store import GenerationConfig, GenerationHistory, GenerationResult
from store.sounds import carried_entry
from tests.browser import running, tab

SECONDS = 300


def test_a_long_take_plays_on_and_seeks_after_its_file_was_replaced(browser: Browser, tmp_path: Path) -> None:
    """A new address or entity tag in the middle would end the playback with an error."""
    root = tmp_path / "history"
    with GenerationHistory(root) as history:
        noise = np.random.default_rng(0).uniform(-0.1, 0.1, (SECONDS * 48_000, 2)).astype(np.float32)
        entry = history.add_to_history(GenerationResult(noise, 48_000, config=GenerationConfig(bit_depth=24)), "m", "M")
    with running(root) as app, tab(browser, app) as opened:
        opened.card(entry.entry_id).get_by_role("button", name="Play").first.click()
        opened.wait(lambda: opened.time_s() > 0.5, "the sound plays")
        with GenerationHistory(root) as other:
            other.update_entry(entry.entry_id, favorite=True, note="n" * 20_000)  # more than the tag's padding
            other.fold()
        assert _is_favorite(root / entry.audio_file)
        for second in (120, 240, 30):
            opened.page.evaluate(f"document.getElementById('history-audio').currentTime = {second}")
            opened.wait(lambda second=second: opened.time_s() > second + 0.3, f"it plays on from {second} s")
            assert opened.playing()
        assert opened.page.evaluate("document.getElementById('history-audio').error") is None


def _is_favorite(path: Path) -> bool:
    carried = carried_entry(path)
    return carried is not None and carried["favorite"] is True
