"""Guards the page over a history that is there: searching, filtering, playing, keys, details, and what can go wrong."""

from __future__ import annotations

import hashlib
import re
import urllib.request
import wave
from collections.abc import Iterator
from contextlib import AbstractContextManager
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Route, expect

from store import GenerationHistory, GenerationResult, HistoryEntry
from tests.browser import PHONE, App, Tab, running, tab
from tests.conftest import add
from tests.library import make_history
from tests.sharing import Shared, sharing

PLAY = re.compile("^Play ")
PLAYED = "document.getElementById('history-audio').played"
SOURCE = "document.getElementById('history-audio').currentSrc"
HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "${alert(1)}",
    "{{alert(1)}}",
    '"><svg onload=alert(1)>',
    "javascript:alert(1)",
    "C:\\new\\table",
    "\u202eright to left\u202c كلام",
    "\ud800 lone",
    "a" * 3_000,
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[App]]:
    def set_up() -> AbstractContextManager[App]:
        root = tmp_path_factory.mktemp("page") / "history"
        make_history(root, 60)
        return running(root)

    with sharing(set_up) as app:
        yield app


@pytest.fixture
def opened(browser: Browser, app: App) -> Iterator[Tab]:
    with tab(browser, app) as page:
        expect(page.cards().first).to_be_visible(timeout=20_000)
        yield page


def entry_of(app: App, entry_id: str) -> HistoryEntry:
    with GenerationHistory(app.history) as history:
        entry = history.get(entry_id)
    assert entry is not None
    return entry


def deleted(app: App) -> int:
    with GenerationHistory(app.history) as history:
        return history.count(deleted=True)


def search(opened: Tab, words: str) -> None:
    opened.page.get_by_role("searchbox", name="Search takes").fill(words)


def test_newest_first_and_all_sixty_are_reached_by_scrolling(opened: Tab, app: App) -> None:
    with GenerationHistory(app.history) as history:
        expected = [entry.entry_id for entry in history.list_entries()]
    assert opened.ids()[:10] == expected[:10]
    seen = set(opened.ids())

    def scroll() -> bool:
        opened.page.mouse.move(800, 500)
        opened.page.mouse.wheel(0, 500)
        opened.page.wait_for_timeout(100)
        seen.update(opened.ids())
        return seen == set(expected)

    opened.wait(scroll, "every card to come by")


def test_words_narrow_the_list_and_nothing_matches_offers_a_way_back(opened: Tab) -> None:
    search(opened, "kettle")
    opened.wait(lambda: len(opened.ids()) == 10, "the ten takes about kettles")
    search(opened, "glass choir")
    expect(opened.page.get_by_text("Nothing matches")).to_be_visible()
    opened.page.get_by_role("button", name="Clear search").first.click()
    opened.wait(lambda: len(opened.ids()) > 20, "all takes")


def test_favourites_models_and_tags_filter(opened: Tab) -> None:
    page = opened.page
    page.get_by_role("button", name="Favourites 6").click()
    opened.wait(lambda: len(opened.ids()) == 6, "the six favourites")
    page.get_by_role("button", name="#pad").click()
    opened.wait(lambda: len(opened.ids()) == 3, "three favourites with the tag")
    page.get_by_role("button", name="Favourites").click()
    page.get_by_role("button", name="#pad").click()
    page.get_by_role("button", name="Model").click()
    page.locator("[role^=menuitem]:visible").filter(has_text="Voice").click()
    opened.wait(lambda: len(set(opened.ids())) == 20, "the twenty voices")


def test_takes_sort_by_length(opened: Tab, app: App) -> None:
    opened.page.get_by_role("button", name="Newest first").click()
    opened.page.get_by_role("menuitemradio", name="Longest").click()
    with GenerationHistory(app.history) as history:
        longest = [entry.entry_id for entry in history.list_entries(sort="longest", limit=10)]
    opened.wait(lambda: opened.ids()[:10] == longest, "the longest first")


def test_a_click_plays_exactly_that_take(opened: Tab, app: App) -> None:
    entry_id = opened.ids()[3]
    opened.card(entry_id).get_by_role("button", name=PLAY).click()
    opened.wait(lambda: entry_id in opened.page.evaluate(SOURCE), "the sound to be loaded")
    opened.wait(lambda: opened.time_s() > 0, "the sound to move")
    with urllib.request.urlopen(opened.page.evaluate(SOURCE)) as response, wave.open(BytesIO(response.read())) as file:
        served = hashlib.sha256(file.readframes(file.getnframes())).hexdigest()
    with GenerationHistory(app.history) as history:
        entry = history.get(entry_id)
        assert entry is not None
        assert served == entry.audio_sha256


NOTE_WHAT_SOUNDS = """() => {
  window.sounded = [];
  document.addEventListener('playing', ({target}) => {
    const alone = [...document.querySelectorAll('.rt audio')].every((audio) => audio === target || audio.paused);
    window.sounded.push({src: target.src, id: target.id, alone});
  }, true);
}"""


def test_a_take_that_was_fetched_under_the_pointer_plays_alone_and_from_its_start(opened: Tab) -> None:
    """Of two audio elements the one that has fetched the take plays, and the other falls silent."""
    page, (first, second) = opened.page, opened.ids()[2:4]
    page.evaluate(NOTE_WHAT_SOUNDS)
    for entry_id in (first, second, first):
        opened.card(entry_id).hover()
        page.wait_for_timeout(400)  # long enough for it to be fetched
        page.evaluate("window.sounded = []")
        opened.card(entry_id).get_by_role("button", name=PLAY).click()
        of_it = f"window.sounded.find(({{src}}) => src.includes('{entry_id}'))"
        page.wait_for_function(of_it)
        sounded = page.evaluate(of_it)
        assert (sounded["id"], sounded["alone"]) == ("history-audio", True)
        page.wait_for_function(f"{PLAYED}.length > 0")
        assert page.evaluate(f"{PLAYED}.start(0)") == 0
        page.wait_for_function(f"{SOURCE}.includes('{entry_id}')")
    page.keyboard.press("Escape")
    assert page.locator("#history-audio").count() == 1


def test_the_grid_is_one_tab_stop_and_arrows_move_in_it(opened: Tab) -> None:
    ids = opened.ids()
    opened.card(ids[0]).focus()
    opened.page.keyboard.press("ArrowRight")
    assert opened.focused() == ids[1]
    opened.page.keyboard.press("ArrowDown")
    below = opened.focused()
    assert below in ids[3:6]
    assert opened.page.locator('[data-entry-id][tabindex="0"]').count() == 1
    opened.page.keyboard.press("Enter")
    opened.wait(lambda: opened.time_s() > 0, "Enter to play")


def test_of_two_replays_the_last_one_counts_however_late_the_first_is_answered(opened: Tab, app: App) -> None:
    held: list[Route] = []
    with GenerationHistory(app.history) as history:
        _, last = takes = [add(history, seed) for seed in (101, 102)]
        opened.wait(lambda: opened.ids()[0] == last.entry_id, "the new cards")
        opened.page.route("**/run/predict*", lambda route: route.continue_() if held else held.append(route))
        for take in takes:
            opened.card(take.entry_id).locator("[data-act=replay]").evaluate("button => button.click()")
        opened.wait(lambda: held, "the first replay to be asked for")
        opened.page.wait_for_timeout(500)
        held[0].continue_()
        opened.wait(lambda: opened.value("seed") == str(last.seed), "the last take's seed")
        opened.page.wait_for_timeout(500)
        assert opened.value("seed") == str(last.seed)
        exact = "['player-wave', 'details-wave'].every((name) => document.querySelector(`.${name}[data-exact]`))"
        opened.page.wait_for_function(exact)  # nothing of theirs is fetched any more when they go
        for take in takes:
            history.delete_entry(take.entry_id, permanent=True)
        opened.wait(lambda: last.entry_id not in opened.ids(), "the app to see that they are gone")


def test_delete_moves_on_to_the_neighbour_and_z_undoes(opened: Tab, app: App) -> None:
    ids = opened.ids()
    opened.card(ids[2]).focus()
    opened.page.keyboard.press("Delete")
    deletion = opened.page.locator(".toast").filter(has_text="Deleted")
    expect(deletion).to_be_visible()
    opened.keep(deletion)
    opened.wait(lambda: ids[2] not in opened.ids(), "the card to go")
    opened.wait(lambda: opened.focused() == ids[3], "the neighbour to have the focus")
    opened.page.keyboard.press("z")
    opened.wait(lambda: opened.ids()[:4] == ids[:4], "the card to come back")
    opened.wait(lambda: deleted(app) == 0, "it to be out of the trash")


def test_a_key_that_is_held_deletes_one_take(opened: Tab, app: App) -> None:
    ids = opened.ids()
    opened.card(ids[2]).focus()
    for _ in range(3):
        opened.page.keyboard.down("Delete")  # from the second on it is a repeat
    opened.page.keyboard.up("Delete")
    opened.wait(lambda: deleted(app) == 1, "the deletion")
    opened.wait(lambda: opened.focused() == ids[3], "the neighbour to have the focus")
    opened.page.keyboard.press("z")
    opened.wait(lambda: opened.ids()[:4] == ids[:4] and deleted(app) == 0, "the card to come back")


def test_the_focus_stays_with_its_card_and_goes_to_the_list_when_that_is_gone(opened: Tab, app: App) -> None:
    ids = opened.ids()
    with GenerationHistory(app.history) as history:
        opened.card(ids[2]).focus()
        history.delete_entry(ids[1])
        opened.wait(lambda: ids[1] not in opened.ids(), "the card before it to go")
        assert opened.focused() == ids[2]
        history.restore_entry(ids[1])
        opened.wait(lambda: ids[1] in opened.ids(), "the card before it to come back")
        assert opened.focused() == ids[2]
        history.delete_entry(ids[2])
        opened.wait(lambda: ids[2] not in opened.ids(), "the card to go")
        assert opened.page.evaluate("document.activeElement.className") == "scroller"
        history.restore_entry(ids[2])
        opened.wait(lambda: opened.focused() == ids[2], "the card to have the focus again")
        history.delete_entry(ids[2])
        opened.wait(lambda: ids[2] not in opened.ids(), "the card to go again")
        opened.page.keyboard.press("ArrowRight")
        opened.wait(lambda: opened.focused() in ids, "the keys to go on from there")
        history.restore_entry(ids[2])
        opened.wait(lambda: ids[2] in opened.ids(), "the card to come back again")
        assert opened.focused() not in (None, ids[2])


def test_a_deletion_that_failed_is_taken_back_whatever_is_being_fetched(opened: Tab, app: App) -> None:
    """What was being fetched when a card left was thrown away, and the way back waited for that in vain."""
    ids = opened.ids()
    opened.settle()
    fetches, removals = opened.hold("fetch_page", most=1, offset=0), opened.hold("remove_take")
    with GenerationHistory(app.history) as history:
        history.delete_entry(ids[0])
        opened.wait(lambda: fetches, "the page to fetch what is new")
        opened.card(ids[2]).focus()
        opened.page.keyboard.press("Delete")
        opened.wait(lambda: removals and ids[2] not in opened.ids(), "the card to go before the server has answered")
        removals[0].fulfill(json={"error": {"kind": "StoreFull", "message": "The disk is full."}})
        expect(opened.page.get_by_text("The disk is full.")).to_be_visible()
        fetches[0].continue_()
        opened.wait(lambda: opened.ids()[:3] == ids[1:4], "the card to come back, and the deleted one to go")
        history.restore_entry(ids[0])
        opened.wait(lambda: opened.ids()[:3] == ids[:3], "all to be back")


def test_an_undo_never_overtakes_the_deletion_it_takes_back(opened: Tab, app: App) -> None:
    """Two requests at once may be handled in either order: the take then stayed in the trash."""
    entry_id, held = opened.ids()[2], opened.hold("remove_take")
    opened.card(entry_id).focus()
    opened.page.keyboard.press("Delete")
    opened.page.keyboard.press("z")
    opened.wait(lambda: held, "the deletion to be asked for")
    opened.page.wait_for_timeout(300)
    assert "bring_back" not in opened.calls
    held[0].continue_()
    opened.said("Restored")
    opened.wait(lambda: entry_id in opened.ids(), "the card to come back")
    assert deleted(app) == 0


NOTE_RETURN = """id => {
  window.returned = false;
  const isThere = () => Boolean(document.querySelector(`[data-entry-id="${id}"]`));
  new MutationObserver(() => { window.returned ||= isThere(); }).observe(document.body, {childList: true, subtree: true});
}"""


@pytest.mark.parametrize("late", ["fetch_page", "fetch_counts"])
def test_a_list_from_before_a_deletion_does_not_bring_its_card_back(
    browser: Browser, tmp_path: Path, late: str
) -> None:
    make_history(tmp_path / "history", 200)
    with running(tmp_path / "history") as app, tab(browser, app) as opened:
        opened.settle()
        entry_id, other = opened.ids()[2], opened.ids()[5]
        held = opened.hold(late, most=1)
        with GenerationHistory(app.history) as history:
            history.update_entry(other, title="Renamed elsewhere")
        opened.wait(lambda: held, "the list to be fetched anew")
        before = held[0].fetch()
        opened.card(entry_id).focus()
        opened.page.keyboard.press("Delete")
        opened.wait(lambda: entry_id not in opened.ids() and deleted(app) == 1, "the deletion")
        opened.page.evaluate(NOTE_RETURN, entry_id)
        held[0].fulfill(response=before)
        expect(opened.card(other)).to_contain_text("Renamed elsewhere")
        opened.settle()
        assert not opened.page.evaluate("window.returned")


def test_a_filter_just_chosen_stays_when_a_card_is_deleted_meanwhile(opened: Tab, app: App) -> None:
    """A deletion made every list under way too late, also the one of another filter."""
    entry_id = opened.ids()[2]
    opened.settle()
    held = opened.hold("fetch_page", most=1, filters={"favorite": True})
    opened.page.get_by_role("button", name="Favourites 6").click()
    opened.wait(lambda: held, "the favourites to be asked for")
    opened.card(entry_id).focus()
    opened.page.keyboard.press("Delete")
    opened.wait(lambda: deleted(app) == 1, "the deletion")
    held[0].continue_()
    opened.wait(lambda: 5 <= len(opened.ids()) <= 6, "the favourites")
    with GenerationHistory(app.history) as history:
        history.restore_entry(entry_id)
        opened.wait(lambda: len(opened.ids()) == 6, "all favourites")


def test_a_page_that_opens_fetches_its_list_once(browser: Browser, app: App) -> None:
    with tab(browser, app) as opened:
        opened.settle()
        assert opened.calls.count("fetch_summary") == 1
        assert opened.calls.count("fetch_page") <= 2, "the list, and what lies below it"


def test_the_trash_shows_restores_and_deletes_for_good(opened: Tab, app: App) -> None:
    page, ids = opened.page, opened.ids()
    for entry_id in ids[:2]:
        opened.card(entry_id).focus()
        page.keyboard.press("Delete")
        opened.wait(lambda gone=entry_id: gone not in opened.ids(), "the card to go")
    page.get_by_role("button", name="Deleted (2").click()
    opened.wait(lambda: sorted(opened.ids()) == sorted(ids[:2]), "the two in the trash")
    for entry_id, action in ((ids[0], "Restore"), (ids[1], "Delete for good")):
        opened.card(entry_id).hover()
        opened.card(entry_id).get_by_role("button", name=action).click()
        confirm = page.locator("dialog[open]").get_by_role("button", name="Delete for good")
        if confirm.count():
            confirm.click()
        opened.wait(lambda gone=entry_id: gone not in opened.ids(), "it to leave the trash")
    with GenerationHistory(app.history) as history:
        assert history.get(ids[1]) is None
        restored = history.get(ids[0])
        assert restored is not None
        assert not restored.deleted


def test_details_show_every_field_and_edits_are_kept(opened: Tab, app: App) -> None:
    page, entry_id = opened.page, opened.ids()[5]
    opened.card(entry_id).click(position={"x": 80, "y": 85})
    details = page.locator(".details")
    expect(details.get_by_role("img", name="Spectrogram")).to_be_visible()
    details.get_by_role("button", name="Title").click()
    details.get_by_role("textbox", name="Title").fill("A name of its own")
    page.keyboard.press("Enter")
    details.get_by_role("button", name="Rate 4").click()
    expect(opened.card(entry_id)).to_contain_text("A name of its own")

    def kept() -> bool:
        with GenerationHistory(app.history) as history:
            entry = history.get(entry_id)
            return entry is not None and (entry.title, entry.rating) == ("A name of its own", 4)

    opened.wait(kept, "the edits to be saved")
    details.get_by_text("All fields").click()
    with GenerationHistory(app.history) as history:
        entry = history.get(entry_id)
        assert entry is not None
        for text in (entry.audio_sha256, entry.entry_id, entry.audio_file):
            expect(details).to_contain_text(text or "")


def test_tags_are_typed_one_after_another_and_no_letter_acts_as_a_key(opened: Tab, app: App) -> None:
    page, entry_id = opened.page, opened.ids()[4]
    opened.card(entry_id).click(position={"x": 80, "y": 85})
    details = page.locator(".details")
    details.get_by_role("button", name="Add a tag").click()
    seed = opened.value("seed")
    page.keyboard.type("first")
    page.keyboard.press("Enter")
    opened.wait(lambda: "first" in entry_of(app, entry_id).tags, "the first tag to be saved")
    opened.settle()  # the answer has come, and the tags are shown anew
    page.keyboard.type("fresher gz")
    page.keyboard.press("Enter")
    opened.wait(lambda: {"first", "fresher gz"} <= set(entry_of(app, entry_id).tags), "both tags to be saved")
    assert not entry_of(app, entry_id).favorite
    assert opened.value("seed") == seed, "the letters typed must not replay the take"


def test_a_tag_typed_before_the_one_before_it_is_saved_costs_neither(opened: Tab, app: App) -> None:
    """The details were shown anew as they stood before the change, and the next change was built on that."""
    page, entry_id = opened.page, opened.ids()[6]
    opened.card(entry_id).click(position={"x": 80, "y": 85})
    details = page.locator(".details")
    expect(details.get_by_role("img", name="Spectrogram")).to_be_visible()
    held = opened.hold("change_take")
    details.get_by_role("button", name="Add a tag").click()
    for number, tag in enumerate(("one", "two", "three")):
        page.keyboard.type(tag)
        page.keyboard.press("Enter")
        page.wait_for_timeout(700)  # for the details to be fetched, and to be shown as they were
        if number:
            held[number - 1].continue_()
            opened.wait(lambda asked=number: len(held) > asked, "the change after it to be asked for")
    held[-1].continue_()
    opened.wait(lambda: {"one", "two", "three"} <= set(entry_of(app, entry_id).tags), "all three to be saved")


def test_what_another_process_adds_and_deletes_shows_by_itself(opened: Tab, app: App) -> None:
    before = opened.ids()[0]
    with GenerationHistory(app.history) as history:
        entry = add(history, 4_321)
        opened.wait(lambda: opened.ids()[0] == entry.entry_id, "the new card")
        history.delete_entry(entry.entry_id, permanent=True)
        opened.wait(lambda: opened.ids()[0] == before, "the card to go again")


def test_missing_audio_is_said_and_its_parameters_are_still_there(opened: Tab, app: App) -> None:
    entry_id = opened.ids()[8]
    audio = app.history / "audio" / f"{entry_id}.wav"
    away = audio.with_suffix(".away")
    audio.rename(away)
    try:
        opened.page.reload()
        expect(opened.card(entry_id)).to_contain_text("Audio file missing")
        opened.card(entry_id).click(position={"x": 80, "y": 85})
        expect(opened.page.locator(".details")).to_contain_text("Prompt")
        expect(opened.page.locator(".details").get_by_role("button", name="Restore settings")).to_be_visible()
        expect(opened.page.locator(".details")).to_contain_text("Audio file missing")
    finally:
        away.rename(audio)
        opened.complaints.clear()  # a file that is not there is told in the console too


def test_the_folder_can_go_and_come_back_under_the_running_app(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / "history"
    make_history(root, 3)
    with running(root) as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(3, timeout=20_000)
        away, second = tmp_path / "away", opened.ids()[1]
        opened.card(second).focus()
        root.rename(away)
        expect(opened.page.get_by_text("cannot be reached").first).to_be_visible()
        assert not root.exists()
        away.rename(root)
        expect(opened.cards()).to_have_count(3)
        expect(opened.page.get_by_text("cannot be reached").first).to_be_hidden()
        assert opened.focused() == second
        opened.complaints.clear()  # its sound, which could not be fetched for the focus, is told in the console


def test_a_take_that_cannot_be_saved_stays_playable_and_is_saved_once_later(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / "history"
    make_history(root, 2)
    with running(root) as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(2, timeout=20_000)
        (root / "audio").rename(root / "audio-away")
        (root / "audio").write_text("a file where the folder should be")
        opened.page.locator("#generate").click()
        unsaved = opened.page.locator(".take.unsaved").filter(has_text="Not saved")
        expect(unsaved).to_be_visible(timeout=20_000)
        (root / "audio").unlink()
        (root / "audio-away").rename(root / "audio")
        opened.page.get_by_role("button", name="Retry saving").click()
        expect(opened.cards()).to_have_count(3, timeout=20_000)
        expect(opened.page.get_by_role("button", name="Retry saving")).to_have_count(0)
        with GenerationHistory(root) as history:
            assert history.count() == 3
        opened.complaints.clear()  # sounds that could not be fetched meanwhile are told in the console


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_nothing_that_is_stored_runs_in_the_page(
    browser: Browser, tmp_path: Path, viewport: dict[str, int] | None
) -> None:
    root = tmp_path / "history"
    with GenerationHistory(root) as history:
        for text in HOSTILE:
            result = GenerationResult(np.linspace(-0.1, 0.1, 800), 8_000)
            entry = history.add_to_history(result, text, text, params={"prompt": text, text: text}, preset_name=text)
            history.update_entry(entry.entry_id, title=text, note=text, tags=[text])
    with running(root) as app, tab(browser, app, viewport) as opened:
        expect(opened.cards().first).to_be_visible(timeout=20_000)
        for entry_id in opened.ids()[:10]:
            if viewport:
                opened.card(entry_id).get_by_role("button", name="Details of").click()
            else:
                opened.card(entry_id).click(position={"x": 80, "y": 85})
            expect(opened.page.locator(".details")).to_be_visible()
            opened.page.wait_for_timeout(150)
            if viewport:
                opened.page.keyboard.press("Escape")
        assert (
            opened.page.evaluate(
                "document.querySelectorAll('.take script, .take img[src=x], .details svg[onload]').length"
            )
            == 0
        )


def test_an_empty_history_invites_to_make_the_first_take(browser: Browser, tmp_path: Path) -> None:
    with running(tmp_path / "new") as app, tab(browser, app) as opened:
        expect(opened.page.get_by_text("Make the first take")).to_be_visible(timeout=20_000)
        expect(opened.page.get_by_role("region", name="Player")).to_be_hidden()
        opened.page.locator("#history-gallery").get_by_role("button", name="Generate").click()
        expect(opened.cards()).to_have_count(1, timeout=30_000)


def test_among_five_thousand_the_oldest_is_reached_and_it_is_that_one_that_plays(
    browser: Browser, tmp_path: Path
) -> None:
    root = tmp_path / "history"
    oldest = make_history(root, 5_000)[0]
    with running(root) as app, tab(browser, app) as opened:
        expect(opened.cards().first).to_have_attribute("aria-setsize", "5000", timeout=90_000)
        assert opened.cards().count() < 500, "the page holds only what is near"
        opened.cards().first.focus()
        opened.page.keyboard.press("End")
        opened.wait(lambda: opened.card(oldest.entry_id).count() == 1, "the oldest card", 30)
        assert opened.cards().count() < 500
        opened.card(oldest.entry_id).get_by_role("button", name=PLAY).click()
        opened.wait(lambda: oldest.entry_id in opened.page.evaluate(SOURCE), "the oldest to be loaded")
        opened.wait(lambda: opened.time_s() > 0, "the oldest to sound")
        with urllib.request.urlopen(opened.page.evaluate(SOURCE)) as response:
            assert response.read() == (root / oldest.audio_file).read_bytes()


def test_while_a_long_history_is_read_the_page_says_how_far_and_goes_on(opened: Tab) -> None:
    """A page that opens meanwhile said for the whole time that the newest takes were all."""
    building: list[dict[str, int] | None] = [{"done": 25_000, "total": 100_000}]

    def answer_so(route: Route) -> None:
        response = route.fetch()
        told = response.json()
        if "unsaved_lost" in told:
            told["building"] = building[0]
        route.fulfill(response=response, json=told)

    opened.page.route("**/component_server/", answer_so)
    bar = opened.page.get_by_role("progressbar", name="Reading the history")
    expect(bar).to_be_visible()
    assert bar.evaluate("bar => bar.value / bar.max") == 0.25
    expect(opened.page.get_by_text("Its newest takes are here already")).to_be_visible()
    assert opened.cards().count() > 10
    expect(opened.page.locator(".place").first).to_contain_text("of 100,000 takes")
    building[0] = None
    expect(bar).to_be_hidden()
    opened.page.unroute_all(behavior="wait")


def test_every_button_has_a_name_that_is_read_aloud(opened: Tab) -> None:
    opened.card(opened.ids()[0]).click(position={"x": 80, "y": 85})
    opened.page.wait_for_timeout(500)
    nameless = opened.page.evaluate(
        """[...document.querySelectorAll('#retake button, #retake input, #retake a, #retake [role=slider]')]
        .filter((element) => element.checkVisibility())
        .filter((element) => !(element.getAttribute('aria-label') || element.textContent.trim() || element.title
            || element.labels?.length || element.getAttribute('aria-labelledby')))
        .map((element) => element.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


def test_a_card_names_its_acts(opened: Tab) -> None:
    card = opened.cards().first
    card.hover()
    for name in ("Play", "Replay", "Generate again", "Favourite", "Delete"):
        assert card.get_by_role("button", name=name).first.count() == 1, name
