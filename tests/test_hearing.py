"""Guards what a click on a take asks for, and when: the sound first and alone, pictures and words once it is heard."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Request, Route, expect

from tests.browser import App, Tab, running, tab
from tests.library import make_history

NOTE_PLAYING = """
addEventListener('playing', () => { window.playingAt ??= performance.now(); }, true);
addEventListener('click', () => { window.clickedAt ??= performance.now(); }, true);
"""
GIVE_UP_MS = 1500
SOUND, PEAKS = "**/*.wav", "**/*.peaks?*"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    root = tmp_path_factory.mktemp("hearing") / "history"
    make_history(root, 12)
    with running(root) as started:
        yield started


@pytest.fixture
def opened(browser: Browser, app: App) -> Iterator[Tab]:
    with tab(browser, app, script=NOTE_PLAYING) as page:
        expect(page.cards().first).to_be_visible(timeout=20_000)
        page.settle()
        page.page.wait_for_timeout(300)  # for the preset's values, which no news wait for
        yield page


@pytest.fixture
def asked(opened: Tab) -> list[str]:
    """What the page asks the server for: the ends of addresses and the names of functions, but for the watch's."""
    names: list[str] = []

    def note(request: Request) -> None:
        function = (request.post_data_json or {}).get("fn_name") if request.method == "POST" else None
        if function != "poll_status":
            names.append(function or request.url.rpartition("/")[2].partition("?")[0])

    opened.page.on("request", note)
    return names


def click(opened: Tab, entry_id: str) -> None:
    opened.card(entry_id).click(position={"x": 80, "y": 85})


class Hold:
    """Lets requests of a kind wait until they are released."""

    def __init__(self, opened: Tab, pattern: str) -> None:
        self.waiting: list[Route] = []
        self.released = ""
        opened.page.route(pattern, self._meet)

    def _meet(self, route: Route) -> None:
        if self.released and self.released in route.request.url:
            route.continue_()
        else:
            self.waiting.append(route)

    def release(self, named: str = "/") -> None:
        """Let those go on whose address has this in it, and all that are to come."""
        self.released = named
        for route in self.waiting:
            if named in route.request.url:
                route.continue_()

    def holds(self, named: str = "/") -> bool:
        return any(named in route.request.url for route in self.waiting)


def is_exact(opened: Tab, wave: str) -> bool:
    return opened.page.locator(f".{wave}[data-exact]").count() == 1


def test_the_click_asks_for_the_sound_and_for_nothing_else_before_it_is_heard(opened: Tab, asked: list[str]) -> None:
    entry_id = opened.ids()[2]
    held = Hold(opened, SOUND)
    click(opened, entry_id)
    opened.page.wait_for_timeout(700)
    assert asked == [f"{entry_id}.wav"]
    expect(opened.page.locator(".details .details-title")).to_be_visible()  # what the card knows is shown meanwhile
    held.release()
    opened.wait(lambda: {"fetch_take", f"{entry_id}.peaks", "fetch_spectrogram"} <= set(asked), "the rest to follow")


def test_what_never_sounds_is_shown_all_the_same(opened: Tab, asked: list[str]) -> None:
    held = Hold(opened, SOUND)
    click(opened, opened.ids()[3])
    opened.wait(lambda: "fetch_take" in asked, "the details, though the sound hangs")
    held.release()


def test_the_exact_picture_is_asked_for_after_the_sound_is_heard(opened: Tab) -> None:
    entry_id = opened.ids()[4]
    click(opened, entry_id)
    opened.wait(lambda: is_exact(opened, "player-wave") and is_exact(opened, "details-wave"), "both exact pictures")
    asked_at = opened.page.evaluate(
        "performance.getEntriesByType('resource').filter((one) => one.name.includes('.peaks')).map((one) => one.startTime)"
    )
    assert asked_at
    opened.wait(lambda: opened.page.evaluate("window.playingAt !== undefined"), "the sound")
    assert min(asked_at) >= opened.page.evaluate(f"Math.min(playingAt, clickedAt + {GIVE_UP_MS})")


def test_the_thumbnail_stands_in_for_the_exact_picture(opened: Tab) -> None:
    held = Hold(opened, PEAKS)
    click(opened, opened.ids()[5])
    opened.wait(lambda: opened.time_s() > 0 and held.holds(), "the sound")
    mask = "wave => getComputedStyle(wave.firstChild).maskImage"
    assert "data:image/png" in opened.page.locator(".player-wave").evaluate(mask)
    assert not is_exact(opened, "player-wave")
    held.release()
    opened.wait(lambda: is_exact(opened, "player-wave"), "the exact picture")
    assert opened.page.locator(".player-wave").evaluate(mask) == "none"


def test_another_take_chosen_takes_back_what_the_first_ones_picture_asked_for(opened: Tab) -> None:
    first, second = opened.ids()[6:8]
    given_up: list[str] = []
    opened.page.on("requestfailed", lambda request: given_up.append(request.url))
    held = Hold(opened, PEAKS)
    click(opened, first)
    opened.wait(lambda: held.holds(first), "the first take's peaks to be asked for")
    click(opened, second)
    opened.wait(lambda: any(f"{first}.peaks" in url for url in given_up), "them to be given up")
    opened.wait(lambda: held.holds(second), "the second take's")
    held.release(second)
    opened.wait(lambda: is_exact(opened, "player-wave"), "the second take's picture")


def test_of_quick_clicks_only_the_last_take_is_asked_about(opened: Tab, asked: list[str]) -> None:
    ids = opened.ids()[:4]
    opened.page.evaluate(
        "ids => ids.forEach((id) => document.querySelector(`[data-entry-id='${id}'] .take-play`).click())", ids
    )
    opened.wait(lambda: f"{ids[-1]}.peaks" in asked and "fetch_take" in asked, "the last take's picture")
    assert [name for name in asked if name.endswith(".peaks") and not name.startswith(ids[-1])] == []
    assert asked.count("fetch_take") == 1


def test_a_take_under_the_pointer_is_fetched_before_the_click(opened: Tab, asked: list[str]) -> None:
    entry_id = opened.ids()[1]
    opened.card(entry_id).hover()
    opened.wait(lambda: f"{entry_id}.wav" in asked, "the sound to be fetched")
    assert not opened.playing()
