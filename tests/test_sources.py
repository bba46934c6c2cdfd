"""What a take keeps of the preset it came from: the server compares the settings, whatever the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from generators import Control
from history_ui.knobs import knobs_of
from history_ui.sources import BUILT_IN, Loaded, Origin, Sources
from history_ui.titles import Vocabulary
from store import Preset, PresetNotFound, Presets

CONTROLS = {
    "tone": Control("tone", "Tone", "slider", 0.0, -5, 5, 0.5),
    "text": Control("text", "Text", "text", ""),
    "seed": Control("seed", "Seed", "seed", integer=True),
    "duration": Control("duration", "Duration", "slider", 8.0, 1, 30, 0.5),
}
KNOBS = knobs_of({name: gr.Slider(-5, 30) if name != "text" else gr.Textbox() for name in CONTROLS}, CONTROLS)
VOCABULARY = Vocabulary("toy", KNOBS, {"glass-bell": {"tone": 2.0}, "hum": {"text": "hm"}})


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(Presets(tmp_path), VOCABULARY, "toy", "Toy")


def save(sources: Sources, **params: Any) -> Preset:
    return sources.presets.save("Pad", model_id="toy", model_name="Toy", params=params, seed=params.get("seed"))


@pytest.mark.parametrize(
    ("settings", "changed"),
    [
        ({"tone": 2.5, "text": "hi", "seed": None, "duration": 3.0}, False),
        ({"tone": 2.5, "text": "hi", "seed": None, "duration": 30.0}, False),  # a preset does not say how long
        ({"tone": 2.0, "text": "hi", "seed": None, "duration": 3.0}, True),
        ({"tone": 2.5, "text": "ho", "seed": None, "duration": 3.0}, True),
        ({"tone": 2.5, "text": "hi", "seed": 7, "duration": 3.0}, True),
        ({"tone": 2.5}, False),
    ],
)
def test_a_take_says_whether_the_controls_were_changed_since(
    sources: Sources, settings: dict[str, Any], changed: bool
) -> None:
    pad = save(sources, tone=2.5, text="hi", seed=None, duration=3.0)
    assert sources.find(pad.preset_id).origin(settings, KNOBS) == Origin(pad.preset_id, "Pad", changed)


def test_what_a_control_cannot_take_is_no_change_of_the_users(sources: Sources) -> None:
    pad = save(sources, tone=99.0, gone=1)
    source = sources.find(pad.preset_id)
    assert source.fitted_to(KNOBS).report.clamped[0].given == "+5.0"
    assert not source.is_left_by({"tone": 5.0}, KNOBS)
    assert source.is_left_by({"tone": 4.5}, KNOBS)


def test_a_kept_seed_that_was_drawn_again_is_a_change(sources: Sources) -> None:
    source = sources.find(save(sources, seed=7).preset_id)
    assert not source.is_left_by({"seed": "7"}, KNOBS)
    assert source.is_left_by({"seed": ""}, KNOBS)


def test_a_preset_without_duration_reports_nothing_missing_for_it(sources: Sources) -> None:
    report = sources.find(save(sources, tone=1.0, text="").preset_id).fitted_to(KNOBS).report
    assert (report.applied, report.missing) == (2, ("seed",))


def test_a_starting_point_sets_what_any_of_them_names_and_has_no_id(sources: Sources) -> None:
    bell = sources.find(BUILT_IN + "glass-bell")
    assert bell.params == {"tone": 2.0, "text": ""}
    assert bell.fitted_to(KNOBS).report.missing == ()
    assert bell.origin({"tone": 2.0, "text": "", "seed": 7}, KNOBS) == Origin(None, "glass-bell", False)
    assert sources.label_of(bell) == "Glass bell"


@pytest.mark.parametrize("key", ["", "nothing", BUILT_IN, BUILT_IN + "none", "../presets.json"])
def test_what_is_not_there_is_not_found(sources: Sources, key: str) -> None:
    with pytest.raises(PresetNotFound):
        sources.find(key)


def test_a_deleted_preset_is_no_source_until_it_is_restored(sources: Sources) -> None:
    pad = save(sources, tone=1.0)
    sources.presets.delete(pad.preset_id)
    with pytest.raises(PresetNotFound):
        sources.find(pad.preset_id)
    assert sources.key_of(pad.preset_id, "Pad", "toy") is None
    sources.presets.restore(pad.preset_id)
    assert sources.key_of(pad.preset_id, "Pad", "toy") == pad.preset_id


def test_a_name_is_a_starting_point_only_for_its_own_model(sources: Sources) -> None:
    assert sources.key_of(None, "hum", "toy") == BUILT_IN + "hum"
    assert sources.key_of(None, "hum", "other") is None
    assert sources.key_of(None, "custom", "toy") is None


def test_each_page_has_its_own_and_long_unused_ones_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("history_ui.sources._MOST_SESSIONS", 2)
    loaded = Loaded("start")
    for session in ("a", "b", "c"):
        loaded.note(session, session.upper())
    loaded.note(None, "nobody's")
    assert [loaded.by(session) for session in ("a", "b", "c", None)] == ["start", "B", "C", None]
