"""Take a picture of every state of the page: `python -m tests.look FOLDER`.

Desktop and phone, light and dark: nothing yet, one take, many, playing, details, nothing found, an error. Look at them beside
the drawings they were made from, and fix what you would not be proud to show.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

from playwright.sync_api import sync_playwright

from generators import Generator, load_generator
from history_ui.take import make_take
from store import GenerationHistory
from tests.browser import DESKTOP, PHONE, Tab, launch, running, tab

HISTORY = "my-history"
MIDDLE = {"width": 1000, "height": 800}
BROKEN = """
from typing import Annotated
from generators import Range

def sing(prompt: str = "a bell", steps: Annotated[int, Range(1, 50)] = 20):
    raise MemoryError("2.6 GiB needed, 1.9 GiB free")
"""


def make_takes(root: Path, generator: Generator, count: int) -> None:
    """Fill a history with takes of every starting point, the newest from a minute ago, some of them cared for."""
    rng = random.Random(11)
    moment = datetime.now(timezone.utc) - timedelta(minutes=3 * count)
    presets = list(generator.presets)
    with GenerationHistory(root) as history:
        for number in range(count):
            preset = presets[-1 - number % len(presets)]
            params = {**generator.presets[preset], "seed": rng.randrange(100_000), "duration": rng.randint(4, 14)}
            if number >= len(presets):
                params["brightness"] = round(rng.uniform(-5, 5), 1)
            ready = generator.prepare(params)
            (sound,) = generator.run(params)
            take = make_take(sound, {**ready, "seed": sound.seed}, generator, preset_name=preset)
            moment += timedelta(minutes=3)
            with mock.patch("store.history.now", return_value=moment.isoformat(timespec="microseconds")):
                entry = take.save(history)
            if number % 5 == 3:
                history.update_entry(entry.entry_id, favorite=True, rating=4, tags=["pad"])
            if number % 6 == 1:
                history.update_entry(entry.entry_id, tags=["intro", "bell"], rating=3)


def play_newest(opened: Tab) -> None:
    """Play the second take, and let it run for a moment."""
    opened.cards().nth(1).click(position={"x": 80, "y": 85})
    opened.wait(lambda: opened.time_s() > 0.8, "the sound to move")


def show_details(opened: Tab) -> None:
    """Open the details of the newest take."""
    size = opened.page.viewport_size
    if size and size["width"] < 761:
        opened.cards().first.get_by_role("button", name="Details of").click()
    else:
        opened.cards().first.click(position={"x": 80, "y": 85})
    opened.page.wait_for_timeout(1_200)


def find_nothing(opened: Tab) -> None:
    """Search for what is not there."""
    size = opened.page.viewport_size
    if size and size["width"] < 761:
        opened.page.get_by_role("button", name="Search").first.click()
    opened.page.get_by_role("searchbox").fill("glass choir")
    opened.page.get_by_text("Nothing matches").wait_for()


def fail(opened: Tab) -> None:
    """Generate with a generator that raises."""
    size = opened.page.viewport_size
    if size and size["width"] < 761:
        opened.page.get_by_role("navigation", name="Pages").get_by_text("Create", exact=True).click()
    opened.page.locator("#generate").click()
    opened.page.get_by_text("The generator stopped").locator("visible=true").first.wait_for()


def delete(opened: Tab) -> None:
    """Delete a take, so that the toast with Undo stands."""
    opened.cards().first.focus()
    opened.page.keyboard.press("Delete")
    opened.page.get_by_role("status").filter(has_text="Deleted").wait_for()
    opened.page.wait_for_timeout(400)


def create(opened: Tab) -> None:
    """On a phone, open Create."""
    opened.page.get_by_role("navigation", name="Pages").get_by_text("Create", exact=True).click()


def nothing(opened: Tab) -> None:
    """Leave the page as it opens."""


def main(folder: Path) -> None:
    """Take all pictures into `folder`."""
    folder.mkdir(exist_ok=True)
    generator = load_generator(None)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        root = Path(made)
        (root / "broken.py").write_text(BROKEN)
        make_takes(root / "many" / HISTORY, generator, 40)
        make_takes(root / "one" / HISTORY, generator, 1)
        shutil.copytree(root / "many", root / "error")
        browser = launch(playwright)
        shots: list[tuple[str, str, Callable[[Tab], None], list[object]]] = [
            ("empty", "none", nothing, []),
            ("one", "one", nothing, []),
            ("many", "many", nothing, []),
            ("playing", "many", play_newest, []),
            ("details", "many", show_details, []),
            ("nothing-found", "many", find_nothing, []),
            ("error", "error", fail, ["--generator", f"{root / 'broken.py'}:sing"]),
            ("deleted", "error", delete, []),
        ]
        for name, history, act, arguments in shots:
            home = root / history
            with running(home / HISTORY, *arguments, HOME=str(home)) as app:
                sizes = {"desktop": DESKTOP, "phone": PHONE, "middle": MIDDLE}
                for size, viewport in sizes.items():
                    if size == "middle" and name not in ("many", "details"):
                        continue
                    for theme in ("light", "dark"):
                        with tab(browser, app, viewport, color_scheme=theme, device_scale_factor=2) as opened:
                            opened.page.wait_for_timeout(1_200)
                            act(opened)
                            opened.page.screenshot(path=folder / f"{size}-{name}-{theme}.png")
                            opened.complaints.clear()
                    if name == "many" and size == "phone":
                        with tab(browser, app, viewport, device_scale_factor=2) as opened:
                            create(opened)
                            opened.page.wait_for_timeout(600)
                            opened.page.screenshot(path=folder / "phone-create-light.png")
        browser.close()
    print(f"{len(list(folder.glob('*.png')))} pictures in {folder}/")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
