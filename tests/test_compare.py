"""Guards the compare view in a browser: choosing two takes, hearing both, voting blind, keeping the better, and leaving."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from store import ABComparison, GenerationConfig, GenerationHistory, GenerationResult, HistoryEntry
from store.votes import votes_of
from tests.browser import PHONE, App, Tab, running, tab
from tests.sharing import Shared, sharing

HOSTILE = "<img src=x onerror=alert(1)> ${alert(2)} {{alert(3)}}"
LISTEN = """
(() => {
  const connect = AudioNode.prototype.connect;
  AudioNode.prototype.connect = function (to, ...rest) {
    if (to instanceof AudioDestinationNode && this.context instanceof AudioContext) {
      window.tap = this.context.createAnalyser();
      connect.call(this, window.tap);
    }
    return connect.call(this, to, ...rest);
  };
  window.heardHz = () => {
    const samples = new Float32Array(window.tap.fftSize);
    window.tap.getFloatTimeDomainData(samples);
    const loud = samples.some((sample) => Math.abs(sample) > 0.001);
    const crossings = samples.filter((sample, at) => at > 0 && sample >= 0 !== samples[at - 1] >= 0).length;
    return loud ? (crossings * window.tap.context.sampleRate) / samples.length / 2 : 0;
  };
})();
"""
FURTHEST = """() => {
  const position = document.querySelector('.axis-position');
  window.furthest = 0;
  new MutationObserver(() => { window.furthest = Math.max(window.furthest, Number(position.ariaValueNow)); })
    .observe(position, { attributes: true });
}"""
A_HZ, B_HZ = 300, 1_500
LENGTH_S = 6.0


def tone(
    hz: float, seconds: float = LENGTH_S, level: float = 0.2, rate: int = 48_000, channels: int = 1
) -> GenerationResult:
    time_s = np.arange(int(seconds * rate)) / rate
    wave = level * np.sin(2 * np.pi * hz * time_s)
    return GenerationResult(np.stack([wave] * channels, axis=1), rate, config=GenerationConfig(bit_depth=24))


def add(history: GenerationHistory, title: str, result: GenerationResult, **params: Any) -> HistoryEntry:
    entry = history.add_to_history(result, "synth", "Synth", params={"brightness": 0.0, "warmth": 1.0, **params})
    return history.update_entry(entry.entry_id, title=title)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared[App]]:
    def set_up() -> AbstractContextManager[App]:
        root = tmp_path_factory.mktemp("compare") / "history"
        with GenerationHistory(root) as history:
            for number in range(30):
                add(history, f"Filler {number}", tone(100 + number, 0.2))
            add(history, "Short", tone(700, 2.0))
            add(history, "Silent", tone(700, 2.0, level=0.0))
            add(history, "Old rate", tone(700, 2.0, rate=22_050, channels=6))
            add(history, HOSTILE, tone(900, 2.0), brightness=HOSTILE)
            add(history, "Low", tone(A_HZ, level=0.4, channels=2), brightness=-2.0, seed=7)
            add(history, "High", tone(B_HZ, level=0.1, channels=2), brightness=3.5, seed=8)
        return running(root)

    with sharing(set_up) as app:
        yield app


@pytest.fixture
def opened(browser: Browser, app: App) -> Iterator[Tab]:
    with tab(browser, app, script=LISTEN) as page:
        expect(page.cards().first).to_be_visible(timeout=20_000)
        yield page


def card(opened: Tab, title: str) -> Locator:
    found: Locator = opened.page.locator("[data-entry-id]").filter(has=opened.page.get_by_text(title, exact=True))
    return found


def view(opened: Tab) -> Locator:
    return opened.page.get_by_role("region", name="Compare")


def button(opened: Tab, name: str) -> Locator:
    return view(opened).get_by_role("button", name=name, exact=True)


def compare(opened: Tab, a: str = "Low", b: str = "High") -> None:
    for title in (a, b):
        card(opened, title).focus()
        opened.page.keyboard.press("b")
    expect(button(opened, "Play")).to_be_enabled(timeout=20_000)


def play(opened: Tab) -> None:
    button(opened, "Play").click()
    opened.wait(lambda: hz(opened) > 0, "sound")
    clock = "tap.context.currentTime"
    begun_s = opened.page.evaluate(clock)
    opened.wait(lambda: opened.page.evaluate(clock) > begun_s + 0.1, "what is measured, 43 ms, to be all sound")


def hz(opened: Tab) -> float:
    """Return the pitch of what comes out of the view just now; 0 for silence."""
    return float(opened.page.evaluate("heardHz()"))


def hears(opened: Tab, expected: float) -> None:
    opened.wait(lambda: abs(hz(opened) - expected) < expected / 5, f"a tone of {expected} Hz")


def place_s(opened: Tab) -> float:
    position = view(opened).get_by_role("slider", name="Position")
    return float(position.get_attribute("aria-valuenow") or "nan")


def entry_of(app: App, title: str) -> HistoryEntry:
    with GenerationHistory(app.history) as history:
        return next(entry for entry in history.list_entries() if entry.title == title)


# -- choosing two -----------------------------------------------------------------------------------------------------


def test_b_chooses_a_then_b_and_escape_leaves_everything_as_it_was(opened: Tab) -> None:
    page = opened.page
    card(opened, "High").click(position={"x": 80, "y": 85})
    page.mouse.move(800, 500)
    expect(page.get_by_role("region", name="Details")).to_contain_text("High")
    scroll = "document.querySelector('.scroller').scrollTop"
    page.mouse.wheel(0, 60)

    def rests() -> bool:
        before = page.evaluate(scroll)
        page.wait_for_timeout(150)
        return bool(before and before == page.evaluate(scroll))

    opened.wait(rests, "the list to have scrolled")
    card(opened, "Low").focus()
    page.keyboard.press("b")
    expect(page.get_by_role("status").filter(has_text="A is “Low”")).to_be_visible()
    expect(card(opened, "Low").get_by_title("A, to be compared")).to_have_text("A")
    assert "to be compared" in str(card(opened, "Low").get_attribute("aria-label"))
    card(opened, "High").focus()
    before = page.evaluate(scroll)
    assert before > 0
    page.keyboard.press("b")
    expect(view(opened)).to_be_visible()
    expect(view(opened).get_by_role("region", name="A: Low")).to_be_visible()
    expect(view(opened).get_by_role("region", name="B: High")).to_be_visible()
    assert page.locator("#history-gallery").evaluate("gallery => gallery.inert")
    page.keyboard.press("Escape")
    expect(view(opened)).to_have_count(0)
    focused = page.evaluate("document.activeElement.closest('[data-entry-id]')?.dataset.entryId")
    assert focused == card(opened, "High").get_attribute("data-entry-id")
    assert page.evaluate(scroll) == before
    assert not page.locator("#history-gallery").evaluate("gallery => gallery.inert")
    expect(page.get_by_role("region", name="Details")).to_contain_text("High")
    expect(page.get_by_title("A, to be compared")).to_have_count(0)


def test_b_once_more_or_escape_lets_go_of_a(opened: Tab) -> None:
    mark = opened.page.get_by_title("A, to be compared")
    for let_go in ("b", "Escape"):
        card(opened, "Low").focus()
        opened.page.keyboard.press("b")
        expect(mark).to_have_count(1)
        opened.page.keyboard.press(let_go)
        expect(mark).to_have_count(0)
    expect(view(opened)).to_have_count(0)


def test_from_the_details_a_take_is_compared_with_the_newest(opened: Tab) -> None:
    card(opened, "Short").click(position={"x": 80, "y": 85})
    details = opened.page.get_by_role("region", name="Details")
    details.get_by_role("button", name="Compare").click()
    opened.page.get_by_role("menuitem", name="With the newest").click()
    expect(view(opened).get_by_role("region", name="A: Short")).to_be_visible()
    expect(view(opened).get_by_role("region", name="B: High")).to_be_visible()


def test_a_cards_button_chooses_too(opened: Tab) -> None:
    for title in ("Low", "High"):
        card(opened, title).hover()
        card(opened, title).get_by_role("button", name=f"Compare {title}").click()
    expect(view(opened)).to_be_visible()


# -- hearing both -----------------------------------------------------------------------------------------------------


def test_the_switch_lets_the_other_be_heard_at_the_same_place(opened: Tab) -> None:
    compare(opened)
    opened.page.keyboard.press("l")  # round and round, however long this takes
    play(opened)
    hears(opened, A_HZ)
    opened.wait(lambda: place_s(opened) > 0.3, "the playhead to move")
    begun_s, before_s = time.monotonic(), place_s(opened)
    button(opened, "Hear B").last.click()
    hears(opened, B_HZ)
    assert (place_s(opened) - before_s) % LENGTH_S <= time.monotonic() - begun_s + 0.3
    expect(opened.page.locator("[aria-live=polite]").filter(has_text="Hearing B, High")).to_have_count(1)
    opened.page.keyboard.press("Shift+Space")
    hears(opened, A_HZ)
    opened.page.keyboard.press("2")
    hears(opened, B_HZ)
    view(opened).get_by_role("region", name="A: Low").locator(".lane-field").click()
    hears(opened, A_HZ)


def test_space_pauses_and_plays_on_and_arrows_seek(opened: Tab) -> None:
    compare(opened)
    opened.page.keyboard.press("l")
    play(opened)
    opened.page.keyboard.press(" ")
    expect(button(opened, "Play")).to_be_visible()
    opened.wait(lambda: hz(opened) == 0, "silence")
    rest = place_s(opened)
    opened.page.keyboard.press("ArrowRight")
    assert place_s(opened) == pytest.approx(rest + 0.12, abs=0.11)
    opened.page.keyboard.press("1")
    opened.page.keyboard.press(" ")
    hears(opened, A_HZ)


def test_a_stretch_is_looped_with_the_pointer_and_its_ends_move_with_keys(opened: Tab) -> None:
    compare(opened)
    box = view(opened).get_by_role("slider", name="Position").bounding_box()
    assert box is not None
    mouse, y = opened.page.mouse, box["y"] + 20
    mouse.move(box["x"] + box["width"] * 0.5, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.6, y, steps=4)
    mouse.up()
    expect(button(opened, "Loop")).to_have_attribute("aria-pressed", "true")
    start = view(opened).get_by_role("slider", name="Loop start")
    assert float(start.get_attribute("aria-valuenow") or 0) == pytest.approx(3.0, abs=0.1)
    start.press("ArrowRight")
    assert float(start.get_attribute("aria-valuenow") or 0) == pytest.approx(3.03, abs=0.1)
    play(opened)
    opened.page.wait_for_timeout(1_500)
    assert 3.0 <= place_s(opened) <= 3.7
    opened.page.evaluate(FURTHEST)
    opened.page.keyboard.press("l")
    expect(button(opened, "Loop")).to_have_attribute("aria-pressed", "false")
    opened.wait(lambda: opened.page.evaluate("furthest") > 3.8, "it to play on behind the loop")


def test_levels_are_matched_and_said_and_can_be_left_as_they_are(opened: Tab, app: App) -> None:
    with GenerationHistory(app.history) as history:
        gains = ABComparison(history, entry_of(app, "Low").entry_id, entry_of(app, "High").entry_id).gains()
    compare(opened)
    low, high = (view(opened).get_by_role("region", name=name) for name in ("A: Low", "B: High"))
    expect(low).to_contain_text(f"−{-gains.a_db:.1f} dB to match")
    expect(high).to_contain_text("0.0 dB to match")
    expect(view(opened)).to_contain_text(re.compile(r"Both play at −\d+\.\d LUFS"))
    view(opened).get_by_role("switch", name="Match levels").click()
    expect(low).to_contain_text("as it is")
    expect(view(opened).get_by_role("switch", name="Match levels")).to_have_attribute("aria-checked", "false")


def test_what_is_not_the_same_on_both_sides_is_said(opened: Tab) -> None:
    compare(opened, "Old rate", "Low")
    notes = view(opened).locator(".compare-notes")
    expect(notes).to_contain_text("A is 4.00 s shorter: silence follows it.")
    expect(notes).to_contain_text("A is resampled from 22.05 to 48 kHz.")
    expect(notes).to_contain_text("A has 6 channels: a stereo mix of them is heard.")


def test_silence_is_said_to_have_no_level(opened: Tab) -> None:
    compare(opened, "Silent", "Short")
    expect(view(opened).locator(".compare-notes")).to_contain_text("A is silent: there is no level to match.")
    expect(view(opened).get_by_role("region", name="B: Short")).to_contain_text("nothing to match")


def test_the_settings_that_differ_are_shown_and_only_those(opened: Tab) -> None:
    compare(opened)
    expect(view(opened).get_by_role("heading", name="1 setting and the seed differ")).to_be_visible()
    rows = view(opened).locator(".verdict-table tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("Brightness")
    expect(rows.first).to_contain_text("+5.5")
    expect(view(opened)).to_contain_text("Same in both: Warmth +1")


def test_takes_too_long_to_hold_are_compared_in_parts_and_that_is_said(browser: Browser, tmp_path: Path) -> None:
    root = tmp_path / "history"
    minutes = 18
    with GenerationHistory(root) as history:
        rate = 8_000
        sound = np.concatenate([np.zeros(rate * 60 * (minutes - 1)), tone(A_HZ, 60, rate=rate).audio[:, 0]])
        add(history, "Long", GenerationResult(sound, rate, config=GenerationConfig(bit_depth=16)))
        add(history, "Fine", tone(B_HZ, 1.0, rate=96_000))
    with running(root) as app, tab(browser, app, script=LISTEN) as opened:
        compare(opened, "Long", "Fine")
        notes = view(opened).locator(".compare-notes")
        expect(notes).to_contain_text(f"0:00 to 2:00 of {minutes}:00 is compared.")
        expect(button(opened, "Earlier")).to_be_disabled()
        for _ in range(8):
            button(opened, "Later").click()
            expect(button(opened, "Play")).to_be_enabled(timeout=20_000)
        expect(notes).to_contain_text("16:00 to 18:00 of 18:00 is compared.")
        view(opened).get_by_role("slider", name="Position").press("End")
        view(opened).get_by_role("slider", name="Position").press("PageDown")
        play(opened)
        hears(opened, A_HZ)
        for part in ("Earlier", "Later") * 3:
            view(opened).get_by_role("switch", name="Blind").click()
            button(opened, part).click()
            expect(button(opened, "Play")).to_be_enabled(timeout=20_000)
            expect(button(opened, "Hear X")).to_have_attribute(
                "aria-pressed", "true"
            )  # were it always A, it would tell
            view(opened).get_by_role("switch", name="Blind").click()


def test_audio_that_cannot_be_had_is_said_in_words(opened: Tab) -> None:
    opened.page.route("**/*.wav*", lambda route: route.fulfill(status=404))
    for title in ("Low", "High"):
        card(opened, title).focus()
        opened.page.keyboard.press("b")
    words = re.compile("[AB] cannot be compared: its audio file is missing or out of reach.")
    expect(view(opened).get_by_role("status")).to_have_text(words)
    opened.page.keyboard.press("Escape")
    expect(view(opened)).to_have_count(0)
    opened.complaints.clear()  # the browser's own line about the 404


def test_fetching_can_be_left_before_it_is_done(opened: Tab) -> None:
    waiting: list[Route] = []

    def hold(route: Route) -> None:
        waiting.append(route)

    opened.page.route("**/*.wav", hold)
    for title in ("Low", "High"):
        card(opened, title).focus()
        opened.page.keyboard.press("b")
    opened.wait(lambda: len(waiting) >= 2, "both to be asked for")
    opened.page.keyboard.press("Escape")
    expect(view(opened)).to_have_count(0)
    opened.page.unroute("**/*.wav")
    compare(opened)


# -- deciding ---------------------------------------------------------------------------------------------------------


def test_blind_shows_nothing_of_either_take_and_the_vote_goes_to_what_was_heard(opened: Tab, app: App) -> None:
    titles = {A_HZ: "Low", B_HZ: "High"}
    ids = [entry_of(app, title).entry_id for title in titles.values()]
    compare(opened)
    view(opened).get_by_role("switch", name="Blind").click()
    seen, drawn = set(), []
    for trial in range(1, 7):
        expect(view(opened).get_by_role("heading", name=f"Trial {trial}")).to_be_visible()
        shown = str(view(opened).evaluate("view => view.outerHTML")).replace(f"Trial {trial}", "Trial")
        seen.add(re.sub(r" style=\"[^\"]*\"| (width|height)=\"\d+\"", "", shown))
        assert not any(known in shown for known in [*titles.values(), *ids, "to match", "LUFS"])
        play(opened)
        x_hz = min(titles, key=lambda known: abs(known - hz(opened)))
        drawn.append(x_hz)
        before = entry_of(app, titles[x_hz])
        button(opened, "Prefer X").click()
        expect(view(opened).get_by_role("heading", name="You preferred X")).to_contain_text(titles[x_hz])
        after = votes_of(entry_of(app, titles[x_hz]).votes)
        assert len(after) == len(before.votes) + 1
        assert (after[-1].preferred, after[-1].blind, after[-1].trial) == (True, True, trial)
        button(opened, "Next trial").click()
    assert len(seen) == 1, "what is to be seen says which trial it is, or which take"
    low, high = (votes_of(entry_of(app, title).votes) for title in titles.values())
    assert [vote.vote_id for vote in low] == [vote.vote_id for vote in high]
    assert [vote.preferred for vote in low] == [known == A_HZ for known in drawn]


def test_blind_says_x_and_y_to_those_who_listen_too(opened: Tab) -> None:
    compare(opened)
    view(opened).get_by_role("switch", name="Blind").click()
    opened.page.keyboard.press("Shift+Space")
    expect(opened.page.locator("[aria-live=polite]").filter(has_text=re.compile("^Hearing Y$"))).to_have_count(1)
    opened.page.keyboard.press("a")
    expect(button(opened, "Hear X").last).to_be_visible()


def test_the_tally_and_the_coin_are_told_and_the_details_keep_them(opened: Tab) -> None:
    compare(opened, "Short", "Silent")
    view(opened).get_by_role("switch", name="Blind").click()
    button(opened, "Prefer Y").click()
    expect(view(opened)).to_contain_text(
        re.compile(r"A [01], B [01] in 1 blind trial\. A coin would do as well with probability 50\s%")
    )
    opened.page.keyboard.press("Escape")
    card(opened, "Short").click(position={"x": 80, "y": 85})
    details = opened.page.get_by_role("region", name="Details")
    expect(details.get_by_role("heading", name="Blind votes")).to_be_visible()
    expect(details).to_contain_text(re.compile(r"Preferred [01] of 1 times to Silent · a coin: 50\s%"))


def test_keeping_makes_a_favourite_and_a_preset_and_is_taken_back(opened: Tab, app: App) -> None:
    compare(opened)
    for name in ("Clear bell", "Clear bell"):
        button(opened, "Keep B").click()
        opened.page.get_by_role("textbox", name="Preset name").fill(name)
        opened.page.keyboard.press("Enter")
        if not presets(app):
            opened.wait(lambda: presets(app) == ["Clear bell"], "the preset")
            opened.keep(opened.page.locator(".toast", has_text="Kept"))
    expect(opened.page.get_by_role("alert")).to_contain_text("Clear bell")
    opened.page.keyboard.press("Escape")
    expect(view(opened)).to_be_visible()
    assert entry_of(app, "High").favorite
    opened.page.keyboard.press("z")
    opened.wait(lambda: presets(app) == [] and not entry_of(app, "High").favorite, "all to be as it was")


def presets(app: App) -> list[str]:
    with GenerationHistory(app.history) as history:
        return [preset.name for preset in history.presets.list_presets()]


# -- whoever, wherever ------------------------------------------------------------------------------------------------


def test_hostile_titles_and_settings_are_only_ever_text(opened: Tab) -> None:
    compare(opened, HOSTILE, "Short")
    expect(view(opened).get_by_role("heading", name=HOSTILE, exact=True)).to_be_visible()
    expect(view(opened).locator(".verdict-table")).to_contain_text(HOSTILE)
    button(opened, "Keep A").click()
    expect(opened.page.get_by_role("dialog")).to_contain_text(HOSTILE)
    assert view(opened).locator("img").count() == 0


def test_a_phone_compares_too(browser: Browser, app: App) -> None:
    with tab(browser, app, PHONE, script=LISTEN, has_touch=True) as opened:
        expect(opened.cards().first).to_be_visible(timeout=20_000)
        card(opened, "Low").get_by_role("button", name="Details of").tap()
        opened.page.get_by_role("region", name="Details").get_by_role("button", name="Compare").tap()
        opened.page.get_by_role("menuitem", name="With the newest").tap()
        expect(button(opened, "Play")).to_be_enabled(timeout=20_000)
        button(opened, "Loop").tap()  # round and round, however long this takes
        button(opened, "Play").tap()
        hears(opened, A_HZ)
        button(opened, "Hear B").last.tap()
        hears(opened, B_HZ)
        size = "view => [view.scrollWidth <= innerWidth, view.getBoundingClientRect().height === innerHeight]"
        assert view(opened).evaluate(size) == [True, True]
        small = "buttons => buttons.filter(b => b.checkVisibility() && b.getBoundingClientRect().height < 43.5).map(b => b.outerHTML)"
        assert view(opened).locator("button").evaluate_all(small) == []
        button(opened, "Close").tap()
        expect(opened.page.get_by_role("region", name="Details")).to_be_visible()


def test_every_control_is_reached_with_tab_and_has_a_name(opened: Tab) -> None:
    compare(opened)
    names = []
    for _ in range(16):
        opened.page.keyboard.press("Shift+Tab")
        names.append(
            opened.page.evaluate("(document.activeElement.ariaLabel || document.activeElement.textContent).trim()")
        )
    for name in ("Position", "Hear A", "Keep A", "Hear B", "Keep B", "Match levels", "Blind", "Close"):
        assert any(name in found for found in names), (name, names)
