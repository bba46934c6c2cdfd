"""Guards presets in a real browser: saved, loaded, kept with takes, put in order, by pointer, keys and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from store import GenerationHistory, Preset, Presets
from tests.browser import PHONE, App, Tab, running, serving, tab
from tests.pages import free_port
from tests.sharing import Shared, sharing
from tests.test_journey import generate, show

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "${alert(1)}",
    "{{alert(1)}}",
    '"><svg onload=alert(1)>',
    "C:\\new\\table",
    "\u202eright to left\u202c كلام",
    "a" * 100,
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[App]]:
    with sharing(lambda: running(tmp_path_factory.mktemp("presets") / "history")) as app:
        yield app


@pytest.fixture
def presets(app: App) -> Presets:
    """The app's presets, as another program sees them: none yet."""
    found = Presets(app.history)
    for preset in found.list_presets():
        found.delete(preset.preset_id, permanent=True)
    for folder in found.folders():
        found.delete_folder(folder)
    return found


@pytest.fixture
def opened(browser: Browser, app: App, presets: Presets) -> Iterator[Tab]:
    with tab(browser, app) as page:
        chosen(page, "Glass bell")
        yield page


def save(presets: Presets, name: str, folder: str = "", **params: Any) -> Preset:
    if folder and folder not in presets.folders():
        presets.create_folder(folder)
    return presets.save(
        name, model_id="synth", model_name="Synth", params=params or {"brightness": 3.0, "warmth": -2.0}, folder=folder
    )


def bar(opened: Tab) -> Locator:
    return opened.page.get_by_role("group", name="Presets")


def chosen(opened: Tab, name: str) -> None:
    """Wait until the bar says that this is loaded."""
    expect(opened.page.locator(".preset-list option:checked")).to_have_text(name, timeout=15_000)


def choose(opened: Tab, name: str) -> None:
    opened.page.get_by_role("combobox", name="Preset").select_option(label=name)


def toast(opened: Tab, words: str) -> Locator:
    return opened.page.locator(".toast").filter(has_text=words)


def save_as(opened: Tab, name: str, folder: str | None = None) -> None:
    bar(opened).get_by_role("button", name="Save as").click()
    dialog = opened.page.get_by_role("dialog")
    dialog.get_by_label("Name", exact=True).fill(name)
    if folder:
        dialog.get_by_label("Folder", exact=True).select_option(label="New folder…")
        dialog.get_by_label("New folder").fill(folder)
    dialog.get_by_role("button", name="Save").click()
    expect(dialog).to_have_count(0)


def manage(opened: Tab) -> Locator:
    bar(opened).get_by_role("button", name="Preset actions").click()
    opened.page.get_by_role("menuitem", name="Manage presets").click()
    return opened.page.get_by_role("dialog", name="Presets")


def act(opened: Tab, on: str, label: str) -> None:
    """Choose from a menu in the sheet."""
    sheet = opened.page.get_by_role("dialog", name="Presets")
    sheet.get_by_role("button", name=f"Actions for {on}", exact=True).click()
    sheet.get_by_role("menuitem", name=label).click()


def test_what_was_saved_comes_back_with_a_report_and_one_key_undoes_it(opened: Tab, presets: Presets) -> None:
    opened.set_slider("brightness", -4)
    expect(bar(opened).get_by_text("Changed")).to_be_visible()
    save_as(opened, "warm pads", folder="Pads")
    chosen(opened, "warm pads")
    expect(bar(opened).get_by_text("Changed")).to_have_count(0)
    [preset] = presets.list_presets(folder="Pads")
    assert preset.params["brightness"] == -4
    assert "duration" not in preset.params

    opened.set_slider("brightness", 2)
    opened.set_slider("duration", 3)
    expect(bar(opened).get_by_text("Changed")).to_be_visible()
    choose(opened, "Night organ")
    opened.wait(lambda: opened.value("brightness") == "1.5", "another preset in the controls")
    expect(toast(opened, "Loaded “Night organ”: 10 applied")).to_be_visible()
    choose(opened, "warm pads")
    opened.wait(lambda: opened.value("brightness") == "-4", "the preset in the controls")
    assert opened.value("duration") == "3", "a preset does not say how long"
    expect(toast(opened, "Loaded “warm pads”: 13 applied")).to_be_visible()
    expect(toast(opened, "Loaded")).to_have_count(1)

    opened.page.keyboard.press("z")
    opened.wait(lambda: opened.value("brightness") == "1.5", "the controls as before")
    chosen(opened, "Night organ")


def test_put_back_and_save_are_offered_when_something_changed(opened: Tab, presets: Presets) -> None:
    pad = save(presets, "warm", brightness=3.0)
    expect(opened.page.locator(".preset-list option", has_text="warm")).to_have_count(1)
    choose(opened, "warm")
    opened.wait(lambda: opened.value("brightness") == "3", "the preset in the controls")
    expect(bar(opened).get_by_role("button", name="Put back")).to_be_hidden()
    opened.set_slider("brightness", 1)
    bar(opened).get_by_role("button", name="Put back").click()
    opened.wait(lambda: opened.value("brightness") == "3", "the preset back in the controls")
    opened.set_slider("brightness", 1)
    bar(opened).get_by_role("button", name="Save", exact=True).click()
    opened.keep(toast(opened, "Saved “warm”"))
    expect(bar(opened).get_by_text("Changed")).to_have_count(0)
    saved = presets.get(pad.preset_id)
    assert saved is not None
    assert saved.params["brightness"] == 1
    toast(opened, "Saved “warm”").get_by_role("button", name="Undo").click()
    opened.said("as it was before")
    assert presets.get(pad.preset_id).params == pad.params  # type: ignore[union-attr]
    expect(bar(opened).get_by_text("Changed")).to_be_visible()


def test_a_take_says_which_preset_it_came_from_and_the_gallery_lists_by_it(opened: Tab, app: App) -> None:
    opened.set_slider("duration", 1)
    save_as(opened, "pads for rain")
    unchanged = generate(opened)
    opened.set_slider("warmth", 4)
    changed = generate(opened)
    choose(opened, "Night organ")
    chosen(opened, "Night organ")
    opened.wait(lambda: opened.value("brightness") == "1.5", "another preset in the controls")
    other = generate(opened)
    with GenerationHistory(app.history) as history:
        kept = [history.get(entry_id) for entry_id in (unchanged, changed, other)]
    assert [entry and (entry.preset_name, entry.preset_changed) for entry in kept] == [
        ("pads for rain", False),
        ("pads for rain", True),
        ("Night organ", False),
    ]
    opened.card(changed).click(position={"x": 80, "y": 85})
    expect(opened.page.locator(".details-preset")).to_have_text("Preset: pads for rain (changed since)")
    opened.page.get_by_role("button", name="Show the takes of pads for rain").click()
    opened.wait(lambda: opened.ids() == [changed, unchanged], "only the takes of the preset")
    opened.page.locator(".chip", has_text="pads for rain").click()
    opened.wait(lambda: other in opened.ids(), "all takes again")
    opened.page.locator(".chip", has_text="Preset").click()
    opened.page.get_by_role("menuitem", name="pads for rain").click()
    opened.wait(lambda: opened.ids() == [changed, unchanged], "only the takes of the preset")


def test_replay_brings_back_which_preset_a_take_came_from(opened: Tab) -> None:
    opened.set_slider("duration", 1)
    save_as(opened, "for replay")
    made = generate(opened)
    choose(opened, "Night organ")
    chosen(opened, "Night organ")
    opened.card(made).focus()
    opened.page.keyboard.press("r")
    chosen(opened, "for replay")
    expect(bar(opened).get_by_text("Changed")).to_be_visible()  # the seed that was drawn is in the controls now
    opened.keep(toast(opened, "Settings restored"))
    opened.page.keyboard.press("z")
    chosen(opened, "Night organ")


def test_a_take_is_kept_as_a_preset_from_its_details(opened: Tab, presets: Presets) -> None:
    opened.set_slider("duration", 1)
    made = generate(opened)
    opened.card(made).focus()
    opened.page.keyboard.press("p")
    dialog = opened.page.get_by_role("dialog")
    expect(dialog.get_by_label("Name", exact=True)).to_be_focused()
    dialog.get_by_label("Name", exact=True).fill("from a take")
    dialog.get_by_label("With duration").check()
    opened.page.keyboard.press("Enter")
    expect(dialog).to_have_count(0)
    [preset] = presets.list_presets()
    assert (preset.name, preset.entry_id, preset.params["duration"]) == ("from a take", made, 1)
    opened.keep(toast(opened, "Saved “from a take”"))
    toast(opened, "Saved “from a take”").get_by_role("button", name="Load").click()
    chosen(opened, "from a take")


def test_presets_and_folders_are_put_in_order(opened: Tab, presets: Presets) -> None:
    save(presets, "one")
    save(presets, "two", folder="Pads")
    sheet = manage(opened)
    expect(sheet.locator("[data-preset-id]")).to_have_count(2)
    act(opened, "one", "Rename…")
    naming = opened.page.get_by_role("dialog", name="Rename the preset")
    naming.get_by_label("Name", exact=True).fill("first")
    naming.get_by_role("button", name="Rename").click()
    expect(sheet.get_by_role("button", name="first", exact=True)).to_be_visible()
    act(opened, "first", "Move to Pads")
    expect(sheet.get_by_role("region", name="Pads").locator("[data-preset-id]")).to_have_count(2)
    act(opened, "first", "Duplicate")
    expect(sheet.get_by_role("button", name="first copy", exact=True)).to_be_visible()
    act(opened, "first copy", "Delete")
    expect(sheet.get_by_role("button", name="first copy", exact=True)).to_have_count(0)
    opened.page.keyboard.press("z")
    expect(sheet.get_by_role("button", name="first copy", exact=True)).to_be_visible()

    act(opened, "the folder Pads", "Rename…")
    naming = opened.page.get_by_role("dialog", name="Rename the folder")
    naming.get_by_label("Name", exact=True).fill("Beds")
    naming.get_by_role("button", name="Rename").click()
    expect(sheet.get_by_role("heading", name="Beds")).to_be_visible()
    act(opened, "the folder Beds", "Delete")
    opened.said("3 presets came out of it")
    assert presets.folders() == []
    opened.page.keyboard.press("z")
    expect(sheet.get_by_role("region", name="Beds").locator("[data-preset-id]")).to_have_count(3)
    opened.said("Restored the folder “Beds” with 3 presets")
    act(opened, "the folder Beds", "Delete")
    opened.wait(lambda: presets.folders() == [], "the folder to be gone again")
    assert [preset.name for preset in presets.list_presets()] == ["first", "first copy", "two"]


def test_a_menu_stays_open_when_presets_change_elsewhere(opened: Tab, presets: Presets) -> None:
    one, other = save(presets, "one"), save(presets, "other")
    sheet = manage(opened)
    expect(sheet.locator("[data-preset-id]")).to_have_count(2)
    sheet.get_by_role("button", name="Actions for one", exact=True).click()
    rename = sheet.get_by_role("menuitem", name="Rename")
    expect(rename).to_be_visible()
    presets.rename(other.preset_id, "renamed elsewhere")
    opened.page.wait_for_timeout(2_500)  # for the page to hear of it
    expect(rename).to_be_visible()
    opened.page.keyboard.press("Escape")
    expect(sheet.get_by_role("button", name="renamed elsewhere", exact=True)).to_be_visible()
    expect(sheet.locator(f"[data-preset-id='{one.preset_id}']").get_by_role("button").last).to_be_focused()


def test_a_name_that_is_taken_is_said_at_the_field_and_what_was_typed_stays(opened: Tab, presets: Presets) -> None:
    save(presets, "warm")
    bar(opened).get_by_role("button", name="Save as").click()
    dialog = opened.page.get_by_role("dialog")
    field = dialog.get_by_label("Name", exact=True)
    for name in ("WARM", "", "  "):
        field.fill(name)
        dialog.get_by_role("button", name="Save").click()
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(dialog.get_by_role("alert")).not_to_be_empty()
        assert field.input_value() == name
        expect(field).to_be_focused()
    opened.page.keyboard.press("Escape")
    assert len(presets.list_presets()) == 1


def test_deleting_the_loaded_preset_unloads_it_and_undo_loads_it_again(opened: Tab, presets: Presets) -> None:
    save_as(opened, "warm")
    bar(opened).get_by_role("button", name="Preset actions").click()
    opened.page.get_by_role("menuitem", name="Delete").click()
    chosen(opened, "No preset")
    toast(opened, "Deleted “warm”").get_by_role("button", name="Undo").click()
    chosen(opened, "warm")
    assert len(presets.list_presets()) == 1


def test_presets_travel_as_a_file(opened: Tab, presets: Presets, tmp_path: Path) -> None:
    pad = save(presets, "warm", folder="Pads", brightness=3.0, text="ü")
    sheet = manage(opened)
    with opened.page.expect_download() as download:
        act(opened, "warm", "Export")
    assert download.value.suggested_filename == "warm presets.json"
    download.value.save_as(tmp_path / "presets.json")
    presets.delete(pad.preset_id, permanent=True)
    expect(sheet.locator("[data-preset-id]")).to_have_count(0)
    with opened.page.expect_file_chooser() as chooser:
        sheet.get_by_role("button", name="Import").click()
    chooser.value.set_files(tmp_path / "presets.json")
    opened.said("Imported 1 preset")
    [back] = presets.list_presets(folder="Pads")
    assert (back.name, back.params) == ("warm", pad.params)

    (tmp_path / "bad.json").write_text(json.dumps({"retake_presets": 1, "presets": [{"name": 7}]}))
    (tmp_path / "large.json").write_bytes(b" " * 10_000_001)
    for name, words in (("bad.json", "Nothing was imported."), ("large.json", "is over 10")):
        with opened.page.expect_file_chooser() as chooser:
            sheet.get_by_role("button", name="Import").click()
        chooser.value.set_files(tmp_path / name)
        expect(sheet.get_by_role("alert")).to_contain_text(words)
    assert len(presets.list_presets()) == 1


def test_another_tab_and_another_program_show_without_reloading(
    browser: Browser, opened: Tab, app: App, presets: Presets
) -> None:
    with tab(browser, app) as other:
        chosen(other, "Glass bell")
        save_as(opened, "shared")
        choose(other, "shared")
        chosen(other, "shared")
        [pad] = presets.list_presets()
        presets.rename(pad.preset_id, "renamed elsewhere")
        chosen(other, "renamed elsewhere")
        presets.update(pad.preset_id, params={**pad.params, "brightness": 5.0})
        expect(bar(other).get_by_text("Changed")).to_be_visible()
        presets.delete(pad.preset_id)
        chosen(other, "No preset")
        chosen(opened, "No preset")


def test_a_page_loaded_again_at_once_knows_its_preset_and_its_controls(opened: Tab, app: App, presets: Presets) -> None:
    opened.set_slider("duration", 1)
    save_as(opened, "kept over a reload")
    opened.set_slider("warmth", 4)
    opened.page.reload()
    opened.page.wait_for_selector("#history-gallery[data-first]", state="attached")
    chosen(opened, "kept over a reload")
    opened.wait(lambda: opened.value("warmth") == "4", "the controls as they were")
    expect(bar(opened).get_by_text("Changed")).to_be_visible()
    made = generate(opened)
    with GenerationHistory(app.history) as history:
        entry = history.get(made)
    assert entry is not None
    assert (entry.preset_name, entry.preset_changed) == ("kept over a reload", True)


def test_surprising_settings_come_from_no_preset(opened: Tab) -> None:
    opened.page.locator("#surprise").click()
    chosen(opened, "No preset")


def test_nothing_that_a_name_says_runs(browser: Browser, app: App, presets: Presets) -> None:
    for number, name in enumerate(HOSTILE):
        save(presets, name, folder=HOSTILE[-1 - number])
    with tab(browser, app) as opened:
        chosen(opened, "Glass bell")
        sheet = manage(opened)
        expect(sheet.locator("[data-preset-id]")).to_have_count(len(HOSTILE))
        for name in HOSTILE:
            expect(sheet.locator(".preset-name").get_by_text(name, exact=True)).to_have_count(1)
        act(opened, HOSTILE[0], "Delete")
        expect(sheet.locator(".toast")).to_contain_text(HOSTILE[0])
        opened.page.keyboard.press("Escape")
        for name in HOSTILE[1:]:
            choose(opened, name)
            expect(toast(opened, "Loaded").last).to_contain_text(name[:59])
        assert (
            opened.page.locator(".presets script, .presets img, dialog script, .toast img, .toast svg[onload]").count()
            == 0
        )


def test_everything_is_done_with_the_keyboard_alone(opened: Tab, presets: Presets) -> None:
    keys = opened.page.keyboard
    opened.set_slider("brightness", -3)
    expect(bar(opened).get_by_role("button", name="Put back")).to_be_visible()
    bar(opened).get_by_role("combobox", name="Preset").focus()
    for _ in range(3):  # past the list: its actions, Put back, Save as
        keys.press("Tab")
    expect(bar(opened).get_by_role("button", name="Save as")).to_be_focused()
    keys.press("Enter")
    keys.type("by hand")
    keys.press("Enter")
    chosen(opened, "by hand")
    expect(bar(opened).get_by_role("button", name="Save as")).to_be_focused()

    bar(opened).get_by_role("button", name="Preset actions").focus()
    keys.press("Enter")
    keys.press("End")
    keys.press("Enter")
    sheet = opened.page.get_by_role("dialog", name="Presets")
    more = sheet.get_by_role("button", name="Actions for by hand")
    more.focus()
    keys.press("Enter")
    keys.press("Enter")
    keys.type("typed")
    keys.press("Enter")
    expect(sheet.get_by_role("button", name="Actions for typed")).to_be_focused()
    keys.press("Enter")
    keys.press("End")
    keys.press("Enter")
    expect(sheet.locator("[data-preset-id]")).to_have_count(0)
    keys.press("z")
    expect(sheet.locator("[data-preset-id]")).to_have_count(1)
    keys.press("Escape")
    expect(sheet).to_have_count(0)
    assert [preset.name for preset in presets.list_presets()] == ["typed"]


def test_a_phone_has_all_of_it(browser: Browser, app: App, presets: Presets) -> None:
    save(presets, "warm", folder="Pads", brightness=3.0)
    with tab(browser, app, PHONE, has_touch=True) as opened:
        show(opened, "Create")
        choose(opened, "warm")
        opened.wait(lambda: opened.value("brightness") == "3", "the preset in the controls")
        opened.set_slider("brightness", 1)
        save_as(opened, "thumbs")
        chosen(opened, "thumbs")
        small = (
            bar(opened)
            .locator("button:visible, select")
            .evaluate_all("all => all.map(one => one.getBoundingClientRect()).filter(box => box.height < 44).length")
        )
        assert small == 0, "targets are 44 high"
        sheet = manage(opened)
        expect(sheet.locator("[data-preset-id]")).to_have_count(2)
        assert opened.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        act(opened, "thumbs", "Delete")
        toast(opened, "Deleted “thumbs”").get_by_role("button", name="Undo").click()
        expect(sheet.locator("[data-preset-id]")).to_have_count(2)


def test_a_hosts_page_has_the_bar_where_it_was_put(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with serving(["-m", "tests.host", tmp_path / "host", port], port, {}):
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{port}")
        bar = page.get_by_role("group", name="Presets")
        expect(bar).to_be_visible(timeout=20_000)
        expect(bar.get_by_role("combobox", name="Preset")).to_have_value("")
        page.get_by_label("Text").fill("the kettle is on")
        bar.get_by_role("button", name="Save as").click()
        page.get_by_role("dialog").get_by_label("Name", exact=True).fill("kettle")
        page.keyboard.press("Enter")
        expect(bar.locator("option:checked")).to_have_text("kettle")
        page.get_by_role("button", name="Speak").click()
        expect(page.locator("[data-entry-id]")).to_have_count(1, timeout=20_000)
        page.get_by_label("Text").fill("the kettle is off")
        expect(bar.get_by_text("Changed")).to_be_visible()
        page.get_by_role("button", name="Speak").click()
        expect(page.locator("[data-entry-id]")).to_have_count(2, timeout=20_000)
        bar.get_by_role("button", name="Put back").click()
        expect(page.get_by_label("Text")).to_have_value("the kettle is on")
        page.close()
    with GenerationHistory(tmp_path / "host") as history:
        kept = [(entry.preset_name, entry.preset_changed) for entry in history.list_entries(sort="oldest")]
    assert kept == [("kettle", False), ("kettle", True)]
