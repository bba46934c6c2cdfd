"""Titles, values and facts as people read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from generators import Control
from history_ui import words
from history_ui.knobs import Knob, knobs_of
from history_ui.titles import Vocabulary, title
from history_ui.view import document_text, parameters, quality_text
from history_ui.wire import to_wire
from store import GenerationHistory
from tests.conftest import add

SLIDERS = ("brightness", "attack", "width")


@pytest.fixture
def vocabulary() -> Vocabulary:
    controls = {name: Control(name, name.title(), "slider", 0.0, -10, 10, 0.5) for name in SLIDERS} | {
        "stereo_mode": Control(
            "stereo_mode", "Stereo", "dropdown", "mono", choices=(("Mono", "mono"), ("Wide", "wide"))
        ),
        "loop": Control("loop", "Loop", "checkbox", False),
        "text": Control("text", "Text", "text", ""),
        "seed": Control("seed", "Seed", "seed"),
    }
    components = {name: gr.Slider(-10, 10) if name in SLIDERS else gr.Textbox() for name in controls}
    return Vocabulary("synth", knobs_of(components, controls), {"glass-bell": {"brightness": 2.0, "attack": -4.0}})


def named(vocabulary: Vocabulary, params: Any, preset: str = "custom", own: str = "") -> str:
    return title(own, params, preset, "Synth", vocabulary)


def test_a_take_is_called_what_its_owner_called_it(vocabulary: Vocabulary) -> None:
    assert named(vocabulary, {"text": "rain"}, own="Choir,\n no attack ") == "Choir, no attack"


def test_a_take_of_words_is_called_by_them(vocabulary: Vocabulary) -> None:
    assert (
        named(vocabulary, {"text": "The kettle is on.\nAnd singing", "brightness": 4})
        == "The kettle is on. And singing"
    )
    assert named(vocabulary, {"Prompt": "low brass"}) == "low brass"
    assert len(named(vocabulary, {"text": "a " * 500})) <= 120


@pytest.mark.parametrize(
    ("params", "preset", "expected"),
    [
        ({"brightness": 4.0, "attack": -3.0}, "custom", "Brightness +4, Attack −3"),
        ({"brightness": 0.5, "attack": -8.0, "width": 3.0}, "custom", "Attack −8, Width +3"),
        ({"brightness": 2.0, "attack": -4.0}, "glass-bell", "Glass bell"),
        ({"brightness": 6.0, "attack": -4.0}, "glass-bell", "Glass bell, brighter"),
        ({"brightness": -1.0, "attack": 5.0}, "glass-bell", "Glass bell, slower, darker"),
        ({"brightness": 0.0, "stereo_mode": "wide"}, "custom", "Stereo Wide"),
        ({"loop": True}, "custom", "Loop"),
        ({"brightness": 0.0, "seed": 7}, "custom", "Synth"),
        ({}, "custom", "Synth"),
        (None, "custom", "Synth"),
        (None, "rain_on_tape", "Rain on tape"),
        ({"brightness": "loud"}, "custom", "Brightness loud"),
    ],
)
def test_a_take_without_words_is_called_by_its_settings(
    vocabulary: Vocabulary, params: Any, preset: str, expected: str
) -> None:
    assert named(vocabulary, params, preset) == expected


def test_another_models_takes_are_not_read_with_our_labels(vocabulary: Vocabulary) -> None:
    assert vocabulary.of("espeak").label("brightness_db") == "Brightness db"
    assert vocabulary.of("synth").label("stereo_mode") == "Stereo"


def test_parameters_come_in_the_order_of_the_controls(history: GenerationHistory, vocabulary: Vocabulary) -> None:
    params = {
        "unknown_one": [1, 2],
        "seed": 48213,
        "brightness": 3.0,
        "attack": -1.5,
        "loop": False,
        "stereo_mode": "wide",
    }
    told = {one["label"]: one["text"] for one in parameters(add(history, params=params), vocabulary)}
    assert list(told.items()) == [
        ("Brightness", "+3.0"),
        ("Attack", "−1.5"),
        ("Stereo", "Wide"),
        ("Loop", "off"),
        ("Seed", "48213"),
        ("Unknown one", "[1, 2]"),
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "none"),
        (True, "on"),
        (0, "0"),
        (-3, "−3"),
        (0.30000000000000004, "0.3"),
        (1e-9, "1e-09"),
        (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"),
        (2**70, str(2**70)),
        ("a\nb", "a\nb"),
        ("\ud83c!", "\ufffd!"),
        ({"a": [1]}, '{"a": [1]}'),
        ([float("nan")], "[NaN]"),
    ],
)
def test_any_value_of_a_snapshot_has_words(value: Any, text: str) -> None:
    assert words.value_text(value) == text


def test_monstrous_values_stay_short_enough_for_a_page() -> None:
    assert len(words.value_text("x" * 10**6)) < 11_000
    assert len(words.value_text(list(range(10**5)))) <= 500
    assert words.value_text(10**5000).endswith("bits")


def test_sizes_lengths_and_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [words.size_text(n) for n in (0, 999, 1000, 2_304_044, 123_400_000)] == [
        "0 bytes",
        "999 bytes",
        "1.0 KB",
        "2.3 MB",
        "123 MB",
    ]
    assert [words.length_text(s) for s in (0.01, 8, 59.99, 60, 3725)] == ["0.01 s", "8 s", "59.99 s", "1:00", "62:05"]
    monkeypatch.setenv("HOME", str(tmp_path))
    assert words.path_text(tmp_path / "my-history") == "~/my-history"
    assert words.path_text(Path("/srv/takes")) == "/srv/takes"


def test_the_copied_json_is_exact_where_the_pages_numbers_are_not(history: GenerationHistory) -> None:
    entry = add(history, params={"seed": 2**70, "gain": float("inf")})
    assert json.loads(document_text(entry))["params"] == {"seed": 2**70, "gain": {"$number": "Infinity"}}
    assert to_wire(entry.to_dict())["params"]["seed"] == str(2**70)


def test_quality_is_told_in_words(history: GenerationHistory) -> None:
    assert "peak −" in quality_text(add(history))


@pytest.mark.parametrize("score", [None, [], "green", {"rating": 7}, {"peak_dbfs": "loud"}, {"rating": "red"}])
def test_quality_scores_of_other_programs_do_no_harm(history: GenerationHistory, score: Any) -> None:
    import msgspec

    from history_ui.view import card

    entry = msgspec.structs.replace(add(history), quality_score=score)
    shown = card(history, entry, lambda _: "", Vocabulary())
    assert shown["quality"] in ("green", "red")
    assert isinstance(quality_text(entry), str)


def test_a_knob_writes_values_as_its_control_shows_them() -> None:
    slider = Knob("gain", gr.Slider(0, 2, 1, step=0.25, label="Gain"))
    assert (slider.text(1), slider.text(0.5), slider.label) == ("1", "0.5", "Gain")
    assert Knob("pan", gr.Slider(-1, 1, 0, step=0.25)).text(0.5) == "+0.50"
    assert Knob("duration", gr.Slider(1, 30)).text(8.0) == "8 s"
    assert Knob("mode", gr.Dropdown([("Wide open", "wide")])).text("wide") == "Wide open"
    assert Knob("voice_speed", gr.Number()).label == "Voice speed"
