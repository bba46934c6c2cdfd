"""Guards that every kind of generator function can be driven in the page, once each in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from playwright.sync_api import Browser, expect

from app import build_page
from history_ui import HistoryPanel
from history_ui.serving import page_options
from tests.browser import App, Tab, running, tab
from tests.generators_zoo import TO_FILL, ZOO, broken, broken_later
from tests.pages import closing_loops, generator_of, served

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with closing_loops(monkeypatch):
        yield


def fill(opened: Tab, name: str, value: Any) -> None:
    """Give a control that starts empty a value."""
    control = opened.page.locator(f"#param-{name}")
    if isinstance(value, bool):
        control.get_by_role("checkbox").set_checked(value)
        return
    field = control.locator("input:not([type=range]), textarea").first
    if field.get_attribute("role") == "combobox":
        # not by Enter: what it chooses is taken a frame later, and a Tab before that clears it
        field.click()
        control.get_by_role("option", name=str(value), exact=True).click()
    else:
        field.fill(str(value))
    expect(field).to_have_value(str(value))


def wait_for_status(opened: Tab) -> None:
    """Wait until the panel has asked how things stand, and has been told."""
    with opened.page.expect_response(lambda response: "poll_status" in (response.request.post_data or "")):
        pass


@pytest.mark.parametrize("name", ZOO)
def test_every_kind_of_function_makes_a_take(browser: Browser, tmp_path: Path, name: str) -> None:
    panel = HistoryPanel(tmp_path / "history", standalone=True)
    with served(build_page(panel, generator_of(ZOO[name])), panel, **page_options()) as address:
        with tab(browser, App(address, tmp_path, None, None)) as opened:  # type: ignore[arg-type]
            for control, value in TO_FILL.get(name, {}).items():
                fill(opened, control, value)
            opened.generate()
            expect(opened.cards().first).to_be_visible(timeout=60_000)
        entry = panel.history.list_entries()[0]
        assert entry.frames == 400
        assert entry.quality_score["peak_dbfs"] > -20
    panel.close()


@pytest.mark.parametrize(("function", "words"), [(broken, "out of memory"), (broken_later, "failed after 2 steps")])
def test_a_generator_that_raises_says_so_and_the_page_goes_on(
    browser: Browser, tmp_path: Path, function: Any, words: str
) -> None:
    panel = HistoryPanel(tmp_path / "history", standalone=True)
    with served(build_page(panel, generator_of(function)), panel, **page_options()) as address:
        with tab(browser, App(address, tmp_path, None, None)) as opened:  # type: ignore[arg-type]
            for _ in range(2):
                opened.generate()
                expect(opened.page.get_by_text("The generator stopped")).to_be_visible()
                expect(opened.page.locator("#create-status")).to_contain_text(words)
                opened.page.get_by_role("button", name="Dismiss").click()
                expect(opened.page.get_by_text("The generator stopped")).to_be_hidden()
        assert panel.history.count() == 0
    panel.close()


LOOK_LATER = """
const fetched = window.fetch, asked = new Promise((done) => { window.look = done; });
window.fetch = async (...request) => {
  if (String(request[1]?.body).includes('poll_status')) await asked;
  return fetched(...request);
};
"""


def test_a_host_page_says_what_its_own_function_raised_since_it_was_opened(browser: Browser, tmp_path: Path) -> None:
    def make_sound(prompt: str) -> Any:
        raise RuntimeError(f"no such prompt: {prompt}")

    panel = HistoryPanel(tmp_path / "history")
    with gr.Blocks(analytics_enabled=False) as page:
        prompt, sound = gr.Textbox("a bell", label="Prompt"), gr.Audio()
        gr.Button("Make", elem_id="generate").click(panel.record(make_sound), [prompt], [sound])
        panel.render()
        panel.attach({"prompt": prompt})
    toast = ".toast:has-text('The generator stopped: no such prompt: a bell')"  # Gradio shows one of its own
    with served(page, panel) as address:
        app = App(address, tmp_path, None, None)  # type: ignore[arg-type]
        with tab(browser, app, script=LOOK_LATER) as opened:
            opened.page.locator("#generate").click()
            opened.wait(panel.jobs.failures, "the function to fail")
            opened.page.evaluate("window.look()")
            expect(opened.page.locator(toast)).to_be_visible()
        with tab(browser, app) as later:
            wait_for_status(later)
            later.page.wait_for_timeout(300)  # for what it was told to be shown
            assert later.page.locator(toast).count() == 0
    panel.close()


def test_speech_is_made_heard_and_put_back(browser: Browser, tmp_path: Path) -> None:
    speech = ["--generator", "examples/espeak_tts.py:speak"]
    with running(tmp_path / "history", *speech) as app, tab(browser, app) as opened:
        text = opened.page.locator("#param-text textarea, #param-text input").first
        text.fill("The kettle is on, and the rain has stopped.")
        opened.set_slider("speed", 220)
        opened.page.locator("#generate").click()
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        expect(opened.cards().first).to_contain_text("The kettle is on")
        opened.cards().first.click(position={"x": 80, "y": 85})
        opened.wait(lambda: opened.time_s() > 0.2, "the speech to sound")
        text.fill("Something else")
        opened.set_slider("speed", 120)
        opened.cards().first.hover()
        opened.cards().first.get_by_role("button", name="Replay").click()
        opened.wait(lambda: opened.value("speed") == "220", "the speed to come back")
        expect(text).to_have_value("The kettle is on, and the rain has stopped.")
        opened.cards().first.hover()
        opened.cards().first.get_by_role("button", name="Generate again").click()
        expect(opened.cards()).to_have_count(2, timeout=20_000)
        expect(opened.page.get_by_role("status").filter(has_text="identical")).to_be_visible()
