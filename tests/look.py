"""Take a picture of every state of the page: `python -m tests.look FOLDER`, or of some: `… FOLDER many details`.

Desktop and phone, light and dark: nothing yet, one take, many, playing, details, nothing found, an error, presets. Look at them beside
the drawings they were made from, and fix what you would not be proud to show.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from unittest import mock

import numpy as np
import soundfile
from playwright.sync_api import expect, sync_playwright

from generators import Generator, load_generator
from history_ui.sources import Origin
from history_ui.take import make_take
from store import GenerationHistory, GenerationResult, HistoryEntry
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
            take = make_take(
                sound, {**ready, "seed": sound.seed}, generator, origin=Origin(None, preset, number >= len(presets))
            )
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


def make_presets(root: Path) -> None:
    """Save presets into a history, and a take that came from one of them."""
    with GenerationHistory(root) as history:
        take = history.list_entries(limit=1)[0]
        history.presets.create_folder("Pads")
        history.presets.create_folder("Percussion")
        pad = history.save_preset(take.entry_id, "warm pads", folder="Pads")
        for name, folder in (("Choir behind glass", "Pads"), ("kick", "Percussion"), ("Bell for the intro", "")):
            history.save_preset(take.entry_id, name, folder=folder)
        result = GenerationResult(*read_sound(history, take), seed_used=take.seed)
        history.add_to_history(
            result,
            take.model_id,
            take.model_name,
            params={**take.params, "warmth": 4.0},
            preset_name=pad.name,
            preset_id=pad.preset_id,
            preset_changed=True,
        )


def read_sound(history: GenerationHistory, take: HistoryEntry) -> tuple[np.ndarray, int]:
    """Return a take's samples and their rate."""
    samples, sample_rate = soundfile.read(history.audio_path(take.entry_id))
    return samples, int(sample_rate)


def change_preset(opened: Tab) -> None:
    """Load a preset and move a slider."""
    size = opened.page.viewport_size
    if size and size["width"] < 761:
        create(opened)
    opened.page.get_by_role("combobox", name="Preset").select_option(label="warm pads")
    opened.page.locator(".toast").filter(has_text="Loaded").wait_for()
    opened.set_slider("warmth", 2)
    opened.page.wait_for_timeout(300)


def manage_presets(opened: Tab) -> None:
    """See all presets, and what can be done with one."""
    change_preset(opened)
    opened.page.get_by_role("button", name="Preset actions").click()
    opened.page.get_by_role("menuitem", name="Manage presets").click()
    opened.page.get_by_role("button", name="Actions for kick").click()
    opened.page.wait_for_timeout(400)


def name_preset(opened: Tab) -> None:
    """Save the controls under a name that is taken."""
    change_preset(opened)
    opened.page.get_by_role("button", name="Save as").click()
    opened.page.get_by_label("Name", exact=True).fill("Warm pads")
    opened.page.keyboard.press("Enter")
    opened.page.get_by_text("is taken").wait_for()


def compare(opened: Tab) -> None:
    """Compare the newest take with the third, and let it play for a moment."""
    first, third = opened.ids()[0], opened.ids()[2]
    for entry_id in (first, third):
        opened.card(entry_id).focus()
        opened.page.keyboard.press("b")
    play = opened.page.locator(".compare-dock .player-play")
    expect(play).to_be_enabled(timeout=20_000)
    play.click()
    opened.page.wait_for_timeout(3_000)


def compare_looping(opened: Tab) -> None:
    """Compare, with a stretch that is looped and the other take heard."""
    compare(opened)
    box = opened.page.locator(".axis-position").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    opened.page.mouse.move(box["x"] + box["width"] * 0.25, middle)
    opened.page.mouse.down()
    opened.page.mouse.move(box["x"] + box["width"] * 0.6, middle, steps=5)
    opened.page.mouse.up()
    opened.page.keyboard.press("Shift+Space")
    opened.page.wait_for_timeout(1_000)


def compare_blind(opened: Tab) -> None:
    """Compare blind, before the vote."""
    compare(opened)
    opened.page.get_by_role("switch", name="Blind").click()
    opened.page.locator(".compare-dock .player-play").click()
    opened.page.wait_for_timeout(2_000)


def compare_revealed(opened: Tab) -> None:
    """Compare blind, and vote."""
    compare_blind(opened)
    opened.page.get_by_role("button", name="Prefer Y").click()
    opened.page.get_by_role("button", name="Next trial").wait_for()
    opened.page.wait_for_timeout(400)


def keep(opened: Tab) -> None:
    """Compare, and be asked for the preset's name."""
    compare(opened)
    opened.page.get_by_role("button", name="Keep A").click()
    opened.page.get_by_role("textbox", name="Preset name").fill("Glass bell, far away")


def nothing(opened: Tab) -> None:
    """Leave the page as it opens."""


def main(folder: Path, only: Sequence[str] = ()) -> None:
    """Take all pictures into `folder`, or those of the states that are named."""
    folder.mkdir(exist_ok=True)
    generator = load_generator(None)
    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        root = Path(made)
        (root / "broken.py").write_text(BROKEN)
        make_takes(root / "many" / HISTORY, generator, 40)
        make_takes(root / "one" / HISTORY, generator, 1)
        shutil.copytree(root / "many", root / "error")
        shutil.copytree(root / "many", root / "presets")
        make_presets(root / "presets" / HISTORY)
        browser = launch(playwright)
        shots: list[tuple[str, str, Callable[[Tab], None], list[object]]] = [
            ("empty", "none", nothing, []),
            ("one", "one", nothing, []),
            ("many", "many", nothing, []),
            ("playing", "many", play_newest, []),
            ("details", "many", show_details, []),
            ("nothing-found", "many", find_nothing, []),
            ("error", "error", fail, ["--generator", f"{root / 'broken.py'}:sing"]),
            ("compare", "many", compare, []),
            ("compare-looping", "many", compare_looping, []),
            ("compare-blind", "many", compare_blind, []),
            ("compare-revealed", "error", compare_revealed, []),
            ("compare-keep", "many", keep, []),
            ("deleted", "error", delete, []),
            ("preset", "presets", change_preset, []),
            ("preset-details", "presets", show_details, []),
            ("presets", "presets", manage_presets, []),
            ("preset-name", "presets", name_preset, []),
        ]
        for name, history, act, arguments in shots:
            if only and name not in only:
                continue
            home = root / history
            with running(home / HISTORY, *arguments, HOME=str(home)) as app:
                sizes = {"desktop": DESKTOP, "phone": PHONE, "middle": MIDDLE}
                for size, viewport in sizes.items():
                    if size == "middle" and name not in ("many", "details", "compare"):
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
    main(Path(sys.argv[1]), sys.argv[2:])
