"""Guards the whole path in a real browser: generate, hear, find, replay, delete, undo, and all of it after a restart."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser

from store import GenerationHistory
from tests.browser import DESKTOP, PHONE, Tab, running, tab

Theme = Literal["light", "dark"]


def on_phone(opened: Tab) -> bool:
    size = opened.page.viewport_size
    return size is not None and size["width"] < 761


def show(opened: Tab, sheet: str) -> None:
    """On a phone, bring up Create or Takes."""
    if on_phone(opened):
        opened.page.get_by_role("navigation", name="Pages").get_by_text(sheet, exact=True).click()


def generate(opened: Tab) -> str:
    """Generate a take and wait for its card; return its id."""
    before = set(opened.ids())
    show(opened, "Create")
    opened.generate()
    show(opened, "Takes")
    opened.wait(lambda: set(opened.ids()) - before, "a new card", 30)
    (new,) = set(opened.ids()) - before
    assert opened.ids()[0] == new, "the newest take stands first"
    return new


def act(opened: Tab, entry_id: str, action: str) -> None:
    """Press one of a card's buttons; on a phone they are in the details."""
    card = opened.card(entry_id)
    if on_phone(opened):
        card.get_by_role("button", name="Details of").click()
        opened.page.locator(".details").get_by_role("button", name=action).first.click()
    else:
        card.hover()
        card.get_by_role("button", name=action).first.click()


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_generate_hear_replay_delete_undo_and_still_there_tomorrow(
    browser: Browser, tmp_path: Path, viewport: dict[str, int], theme: Theme
) -> None:
    with running(tmp_path / "history") as app, tab(browser, app, viewport, color_scheme=theme) as opened:
        show(opened, "Create")
        opened.set_slider("brightness", -4)
        opened.set_slider("duration", 3)
        first = generate(opened)
        show(opened, "Create")
        opened.set_slider("brightness", 5)
        opened.set_slider("duration", 2)
        second = generate(opened)

        opened.card(first).click(position={"x": 80, "y": 85})
        opened.wait(lambda: opened.time_s() > 0.1, "the first take to sound")
        source = opened.page.evaluate("document.getElementById('history-audio').currentSrc")
        assert first in source
        if on_phone(opened):
            opened.page.keyboard.press("Escape")

        act(opened, first, "Replay")
        opened.wait(
            lambda: [opened.value("brightness"), opened.value("duration")] == ["-4", "3"], "the controls to be restored"
        )
        opened.page.keyboard.press("Escape")

        act(opened, second, "Delete")
        toast = opened.page.get_by_role("status").filter(has_text="Deleted")
        toast.wait_for()
        opened.keep(toast)
        opened.wait(lambda: opened.ids() == [first], "the card to go")
        toast.get_by_role("button", name="Undo").click()
        opened.wait(lambda: opened.ids() == [second, first], "the card to come back")
        seeds = {entry_id: _entry(app.history, entry_id).params["seed"] for entry_id in (first, second)}
        assert app.stop() == 0
        opened.complaints.clear()  # the page may say that its server is gone

    assert (tmp_path / "history" / "history.json").exists()
    with running(tmp_path / "history") as app, tab(browser, app, viewport, color_scheme=theme) as opened:
        opened.wait(lambda: opened.ids() == [second, first], "both takes after the restart")
        opened.card(second).click(position={"x": 80, "y": 85})
        opened.wait(lambda: opened.time_s() > 0.1, "the second take to sound")
        assert {entry_id: _entry(app.history, entry_id).params["seed"] for entry_id in (first, second)} == seeds


def _entry(root: Path, entry_id: str):  # type: ignore[no-untyped-def]
    with GenerationHistory(root) as history:
        entry = history.get(entry_id)
        assert entry is not None
        return entry
