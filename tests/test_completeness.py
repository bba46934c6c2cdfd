"""Guards that a snapshot is complete: what Replay puts back makes the same samples, for every control there is."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from generators import Control, load_generator
from history_ui import HistoryPanel
from history_ui.take import Take
from store import GenerationHistory, HistoryEntry
from tests.pages import Browser, app_page

GENERATOR = load_generator()
CONTROLS = GENERATOR.controls


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HistoryPanel, Browser]]:
    """The built-in synthesizer's own page, served, and one tab on it."""
    with app_page(tmp_path_factory.mktemp("complete") / "history", GENERATOR) as (made, address):
        browser = Browser(address)
        yield made, browser
        browser.close()


def drawn(control: Control, rng: random.Random) -> Any:
    """Draw a value as the page would send it: any value the control can have, short takes."""
    if control.name == "seed":
        return str(rng.randrange(2**31))
    if control.name == "duration":
        return rng.choice([1, 1.5, 2])
    if control.choices:
        return rng.choice([choice[1] if isinstance(choice, tuple) else choice for choice in control.choices])
    assert control.minimum is not None
    assert control.maximum is not None
    step = control.step or 1
    return round(control.minimum + step * rng.randrange(round((control.maximum - control.minimum) / step) + 1), 6)


def settings(rng: random.Random) -> list[Any]:
    return [drawn(control, rng) for control in CONTROLS]


def generate(browser: Browser, history: GenerationHistory, values: list[Any]) -> HistoryEntry:
    """Press Generate with these values in the controls."""
    steps = browser.trigger("panel_generate", values)
    assert any("made" in str(step) for step in steps), steps
    return history.list_entries(limit=1)[0]


def comes_back(panel: tuple[HistoryPanel, Browser], values: list[Any], others: list[Any]) -> bool:
    """Generate, change every control, replay, generate: say whether the samples are the same."""
    made, browser = panel
    first = generate(browser, made.history, values)
    _, _, *restored = browser.quick("panel_replay", [None, *others], id=first.entry_id)
    again = generate(browser, made.history, restored)
    assert again.entry_id != first.entry_id
    return again.audio_sha256 == first.audio_sha256


def test_fifty_random_settings_come_back_sample_for_sample(panel: tuple[HistoryPanel, Browser]) -> None:
    rng = random.Random(50)
    for number in range(50):
        values, others = settings(rng), settings(rng)
        assert comes_back(panel, values, others), (number, values)


@pytest.mark.parametrize("left_out", [control.name for control in CONTROLS])
def test_a_snapshot_without_any_one_control_is_noticed(
    panel: tuple[HistoryPanel, Browser], monkeypatch: pytest.MonkeyPatch, left_out: str
) -> None:
    save = Take.save

    def save_without(take: Take, history: GenerationHistory) -> HistoryEntry:
        return save(replace(take, params={k: v for k, v in take.params.items() if k != left_out}), history)

    monkeypatch.setattr(Take, "save", save_without)
    rng = random.Random(left_out)
    names = [control.name for control in CONTROLS]
    values = settings(rng)
    others = list(values)
    index = names.index(left_out)
    while others[index] == values[index]:
        others[index] = drawn(CONTROLS[index], rng)
    assert not comes_back(panel, values, others)
