"""Presets through the page's own events: saved from the controls, loaded into them, and kept with the takes made then."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import gradio as gr
import numpy as np
import pytest

from generators import Range, describe
from history_ui import HistoryPanel
from store import GenerationHistory, HistoryEntry, Presets
from tests.conftest import add
from tests.pages import Browser, app_page, closing_loops, generator_of, served

pytestmark = [  # Gradio's queue uses what pandas is about to take away
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

RATE = 8_000


@describe(model_id="toy", model_name="Toy", presets={"slow": {"speed": -4.0}, "fast": {"speed": 6.0}})
def toy(
    speed: Annotated[float, Range(-10, 10, 0.5)] = 0.0,
    text: str = "",
    seed: int = -1,
    duration: Annotated[float, Range(1, 30, random=False)] = 2.0,
) -> Any:
    """A quick generator for tests."""
    return RATE, np.random.default_rng(seed).uniform(-0.3, 0.3, 400).astype(np.float32)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HistoryPanel, str]]:
    """One page that all tests of this module share, since starting one takes a second."""
    with app_page(tmp_path_factory.mktemp("standing") / "history", generator_of(toy)) as page:
        yield page


@pytest.fixture
def history(standing: tuple[HistoryPanel, str]) -> GenerationHistory:
    """The page's history, its presets gone."""
    history = standing[0].history
    for preset in history.presets.list_presets():
        history.presets.delete(preset.preset_id, permanent=True)
    return history


@pytest.fixture
def presets(history: GenerationHistory) -> Presets:
    return history.presets


@pytest.fixture
def browser(standing: tuple[HistoryPanel, str], history: GenerationHistory) -> Iterator[Browser]:
    opened = Browser(standing[1])
    yield opened
    opened.close()


def save(browser: Browser, *values: Any, **asked: Any) -> dict[str, Any]:
    [message] = browser.quick("panel_save_preset", list(values), asked=1, **asked)
    told: dict[str, Any] = message
    return told


def generate(browser: Browser, history: GenerationHistory, *values: Any) -> HistoryEntry:
    browser.trigger("panel_generate", list(values))
    return history.list_entries(limit=1)[0]


def origin(entry: HistoryEntry) -> tuple[str | None, str, bool | None]:
    return entry.preset_id, entry.preset_name, entry.preset_changed


def test_the_controls_are_kept_as_a_preset_without_duration_or_a_drawn_seed(browser: Browser, presets: Presets) -> None:
    message = save(browser, 2.5, "hi", "", 5.0, name="warm", folder="Pads")
    assert (message["kind"], message["asked"], message["preset"]["folder"]) == ("preset_saved", 1, "Pads")
    [preset] = presets.list_presets()
    assert (preset.params, preset.seed) == ({"speed": 2.5, "text": "hi", "seed": None}, None)
    assert (preset.slider_positions, preset.n_components, preset.model_id) == ([2.5], 1, "toy")
    save(browser, 2.5, "hi", "7", 5.0, name="exact", with_duration=True)
    exact = presets.list_presets(folder="")[0]
    assert (exact.params, exact.seed) == ({"speed": 2.5, "text": "hi", "seed": 7, "duration": 5.0}, 7)


def test_a_preset_comes_back_into_the_controls_with_a_report_and_an_undo(browser: Browser, presets: Presets) -> None:
    pad = presets.save("warm", model_id="toy", model_name="Toy", params={"speed": 99, "text": "hi", "old": 1})
    browser.quick("panel_load_preset", [None, 0.0, "", "", 9.0], id="built-in:fast")
    message, _, *values = browser.quick("panel_load_preset", [None, 6.0, "", "5", 9.0], id=pad.preset_id)
    assert values == [10.0, "hi", "5", 9.0]
    assert (message["kind"], message["key"], message["name"]) == ("loaded", pad.preset_id, "warm")
    assert message["report"] == {
        "applied": 1,
        "changed": ["Speed", "Text"],
        "clamped": [{"name": "speed", "label": "Speed", "wanted": "+99.0", "given": "+10.0"}],
        "missing": ["seed"],
        "unused": ["Old"],
    }
    message, _, *values = browser.quick("panel_undo_replay", [None, *values])
    assert (message["kind"], message["loaded"], values) == ("undone", "built-in:fast", [6.0, "", "5", 9.0])
    assert browser.ask("fetch_preset", id=pad.preset_id)["values"] == {"speed": 10.0, "text": "hi"}


def test_a_take_keeps_its_preset_and_whether_the_controls_were_changed(
    browser: Browser, history: GenerationHistory
) -> None:
    pad = save(browser, 2.5, "", "", 5.0, name="warm")["preset"]["id"]
    assert origin(generate(browser, history, 2.5, "", "", 9.0)) == (pad, "warm", False)
    assert origin(generate(browser, history, 3.0, "", "", 9.0)) == (pad, "warm", True)
    browser.quick("panel_load_preset", [None, 3.0, "", "", 9.0], id="built-in:fast")
    assert origin(generate(browser, history, 6.0, "", "", 9.0)) == (None, "fast", False)
    browser.quick("panel_undo_replay", [None, 6.0, "", "", 9.0])
    assert origin(generate(browser, history, 2.5, "", "", 9.0)) == (pad, "warm", False)


def test_variations_of_an_unchanged_preset_are_unchanged_though_their_seeds_count_up(
    browser: Browser, history: GenerationHistory
) -> None:
    pad = save(browser, 2.5, "", "7", 5.0, name="warm")["preset"]["id"]
    browser.trigger("panel_variations", [3, 2.5, "", "7", 5.0])
    entries = history.list_entries(preset_id=pad)
    assert sorted(entry.seed or 0 for entry in entries) == [7, 8, 9]
    assert {entry.preset_changed for entry in entries} == {False}


def test_another_page_is_not_said_to_have_loaded_it(browser: Browser, history: GenerationHistory) -> None:
    save(browser, 2.5, "", "", 5.0, name="warm")
    other = Browser(str(browser.http.base_url))
    assert origin(generate(other, history, -4.0, "", "", 2.0)) == (None, "slow", False)
    other.close()


def test_replay_and_generate_again_keep_where_a_take_came_from(browser: Browser, history: GenerationHistory) -> None:
    pad = save(browser, 2.5, "", "7", 5.0, name="warm")["preset"]["id"]
    first = generate(browser, history, 2.5, "", "7", 5.0)
    browser.quick("panel_hold_preset", [], id=None)
    browser.trigger("panel_again", [], id=first.entry_id)
    assert origin(history.list_entries(limit=1)[0]) == (pad, "warm", False)
    message, *_ = browser.quick("panel_replay", [None, 0.0, "", "", 5.0], id=first.entry_id)
    assert message["loaded"] == pad
    assert origin(generate(browser, history, 2.0, "", "7", 5.0)) == (pad, "warm", True)


def test_a_preset_that_was_deleted_meanwhile_is_no_takes_beginning(
    browser: Browser, history: GenerationHistory
) -> None:
    pad = save(browser, 2.5, "", "", 5.0, name="warm")["preset"]["id"]
    history.presets.delete(pad)
    assert origin(generate(browser, history, 2.5, "", "", 5.0)) == (None, "custom", None)
    assert browser.quick("panel_load_preset", [None, 2.5, "", "", 5.0], id=pad)[0]["kind"] == "refused"


def test_saving_over_a_preset_says_what_it_held(browser: Browser, presets: Presets) -> None:
    pad = save(browser, 2.5, "", "7", 5.0, name="warm", with_duration=True)["preset"]["id"]
    message = save(browser, -1.0, "new", "", 6.0, id=pad)
    changed = presets.get(pad)
    assert changed is not None
    assert changed.params == {"speed": -1.0, "text": "new", "seed": None, "duration": 6.0}, "it keeps having a duration"
    assert browser.ask("revert_preset", id=pad, before=message["before"])["preset"]["id"] == pad
    back = presets.get(pad)
    assert back is not None
    assert (back.params, back.seed) == ({"speed": 2.5, "text": "", "seed": 7, "duration": 5.0}, 7)


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"name": ""}, "InvalidPreset"),
        ({"name": "x" * 2_000}, "BadRequest"),
        ({"name": 7}, "BadRequest"),
        ({"id": "nothing"}, "PresetNotFound"),
        ({"id": "built-in:slow"}, "BadRequest"),
        ({"name": "x", "more": 1}, "BadRequest"),
        ({"name": "x", "with_duration": "yes"}, "BadRequest"),
    ],
)
def test_what_cannot_be_saved_is_refused_by_kind(
    browser: Browser, presets: Presets, asked: dict[str, Any], kind: str
) -> None:
    message = save(browser, 0.0, "", "", 2.0, **asked)
    assert (message["kind"], message["error"]["kind"]) == ("preset_refused", kind)
    assert presets.list_presets() == []


def test_a_value_that_its_control_refuses_is_not_kept(browser: Browser, presets: Presets) -> None:
    message = save(browser, 0.0, "", "seven", 2.0, name="x")
    assert message["error"]["kind"] == "GeneratorError"
    assert message["error"]["message"].startswith("Seed must be a whole number")
    assert presets.list_presets() == []


def test_a_preset_of_another_model_is_not_saved_over(browser: Browser, presets: Presets) -> None:
    other = presets.save("ada", model_id="espeak", model_name="eSpeak", params={"text": "hi"})
    assert save(browser, 0.0, "", "", 2.0, id=other.preset_id)["error"]["kind"] == "PresetNotFound"
    assert browser.quick("panel_load_preset", [None, 0.0, "", "", 2.0], id=other.preset_id)[0]["kind"] == "refused"
    assert presets.get(other.preset_id) == other


# -- in a host's page -------------------------------------------------------------------------------------------------


def host(panel: HistoryPanel) -> gr.Blocks:
    """A host's own page: the bar above its controls, its own button, a panel below."""

    @panel.record
    def speak(text: str, speed: float) -> Any:
        return RATE, np.zeros(400, np.int16)

    with gr.Blocks(analytics_enabled=False) as page:
        panel.render_presets()
        text, speed = gr.Textbox(label="Text"), gr.Slider(0, 2, 1, label="Speed")
        gr.Button("Speak").click(speak, [text, speed], gr.Audio(), api_name="speak")
        panel.render()
        panel.attach({"text": text, "speed": speed})
    return page


def test_a_hosts_own_event_makes_takes_that_keep_the_preset(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing_loops(monkeypatch):
        panel = HistoryPanel(tmp_path / "host")
        with served(host(panel), panel) as address:
            tab = Browser(address)
            pad = save(tab, "hello", 1.5, name="brisk")["preset"]
            assert pad["own"]
            tab.trigger("speak", ["hello", 1.5])
            tab.trigger("speak", ["hello", 0.5])
            tab.quick("panel_hold_preset", [], id=None)
            tab.trigger("speak", ["hello", 1.5])
            origins = [origin(entry) for entry in panel.history.list_entries(sort="oldest")]
            assert origins == [(pad["id"], "brisk", False), (pad["id"], "brisk", True), (None, "custom", None)]
            tab.close()
        panel.close()


def test_a_page_that_does_not_say_whose_controls_it_has_keeps_none(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing_loops(monkeypatch):
        panel = HistoryPanel(tmp_path / "host")
        with gr.Blocks(analytics_enabled=False) as page:
            text = gr.Textbox()
            panel.render()
            panel.attach({"text": text})
        add(panel.history)
        with served(page, panel) as address:
            tab = Browser(address)
            assert not tab.ask("fetch_presets")["can_save"]
            assert save(tab, "hello", name="x")["error"]["kind"] == "BadRequest"
            tab.close()
        panel.close()
