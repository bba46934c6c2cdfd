"""Guards that the page's benchmarks run, at sizes that say nothing about speed."""

from __future__ import annotations

import math
from pathlib import Path

from playwright.sync_api import Browser

from benchmarks import pages, run_history
from benchmarks.__main__ import GROUPS
from benchmarks.run import Run


def test_clicks_are_timed_on_both_sides(browser: Browser, tmp_path: Path) -> None:
    for row in pages.hearing(Run(tmp_path, (1,), share=0.1), browser, 1):
        assert 0 < row.ours < 20_000, row
        assert 0 < row.peers[pages.BARE] < 20_000, row


def test_flips_and_letters_are_timed_on_both_sides(browser: Browser, tmp_path: Path) -> None:
    rows = list(pages.leafing(Run(tmp_path, (300,), share=0.05), browser))
    assert [(row.operation.partition(" →")[0], row.n) for row in rows] == [
        ("page flip", 100),
        ("search keystroke", 100),
        ("page flip", 300),
        ("search keystroke", 300),
    ]
    assert all(math.isfinite(bar.measured) and bar.measured > 0 for row in rows for bar in row.bars)


def test_replays_are_timed_until_the_controls_show_the_same_on_both_sides(browser: Browser, tmp_path: Path) -> None:
    row = pages.replaying(Run(tmp_path, (1,), share=0.1), browser)
    assert row.ours > 0
    assert row.peers[pages.EVENT] > 0


def test_a_run_history_forgets_at_a_restart_what_retake_keeps(browser: Browser, tmp_path: Path) -> None:
    theirs = run_history.survivors(browser, "gradio", tmp_path, 2, run_history._runs)
    ours = run_history.survivors(browser, "retake", tmp_path, 2, run_history._takes)
    assert list(theirs.values()) == [2, 0, 0]
    assert list(ours.values()) == [2, 2, 2]


def test_the_groups_are_found_by_name() -> None:
    assert {"pages", "survival"} <= set(GROUPS)
