"""Replay: what a take was made with is back in the controls, and the report says what is not."""

from __future__ import annotations

from typing import Any

import gradio as gr
import numpy as np
import pytest

from generators import Control
from history_ui.knobs import fit_component, flagged, knobs_of
from history_ui.replay import replay
from history_ui.seeds import resolved, seed_of
from history_ui.snapshot import is_kept, snapshot


def test_every_value_that_fits_is_applied() -> None:
    knobs = knobs_of({"text": gr.Textbox(), "speed": gr.Slider(0, 10), "loud": gr.Checkbox()})
    done = replay({"text": "hi", "speed": 3.5, "loud": True}, None, knobs)
    assert done.payloads == {"text": "hi", "speed": 3.5, "loud": True}
    assert done.report.to_dict() == {"applied": 3, "changed": [], "clamped": [], "missing": [], "unused": []}


def test_what_does_not_fit_is_reported_by_name() -> None:
    knobs = knobs_of(
        {
            "speed": gr.Slider(0, 10, step=1, label="Speed"),
            "voice": gr.Dropdown(["ada", "bob"]),
            "pitch": gr.Number(),
        }
    )
    done = replay({"speed": 99, "voice": "cleo", "old_name": 1}, None, knobs)
    assert done.payloads == {"speed": 10}
    assert done.report.to_dict() == {
        "applied": 0,
        "changed": [],
        "clamped": [{"name": "speed", "label": "Speed", "wanted": "99", "given": "10"}],
        "missing": ["voice", "pitch"],
        "unused": ["Old name"],
    }


def test_the_generators_own_controls_say_what_fits() -> None:
    controls = {
        "seed": Control("seed", "Seed", "seed", integer=True),
        "n": Control("n", "N", "slider", 1, 0, 5, 1, integer=True),
    }
    knobs = knobs_of({"seed": gr.Textbox(), "n": gr.Slider(0, 5)}, controls)
    done = replay({"seed": 48213, "n": 7}, 48213, knobs)
    assert done.payloads == {"seed": "48213", "n": 5}
    assert done.report.applied == 1


def test_a_drawn_seed_comes_back_as_drawn_and_its_switch_goes_off() -> None:
    knobs = knobs_of({"seed": gr.Number(precision=0), "randomize_seed": gr.Checkbox()})
    done = replay({"seed": -1, "randomize_seed": True}, 48213, knobs)
    assert done.payloads == {"seed": 48213, "randomize_seed": False}


@pytest.mark.parametrize("params", [None, [], "x", 7, {}])
def test_a_take_without_parameters_leaves_the_controls_alone(params: Any) -> None:
    done = replay(params, None, knobs_of({"text": gr.Textbox()}))
    assert done.payloads == {}
    assert done.report.missing == ("text",)


@pytest.mark.parametrize(
    ("component", "value", "expected"),
    [
        (lambda: gr.Slider(0, 10), 4, 4),
        (lambda: gr.Slider(0, 10), -4, 0),
        (lambda: gr.Number(minimum=2), 1, 2),
        (gr.Number, 1e9, 1e9),
        (gr.Number, None, None),
        (lambda: gr.Radio(["a", "b"]), "b", "b"),
        (lambda: gr.Dropdown(["a", "b"], type="index"), 1, "b"),
        (lambda: gr.Dropdown(["a"], allow_custom_value=True), "z", "z"),
        (lambda: gr.Dropdown(["a", "b"], multiselect=True), ["b", "z"], ["b"]),
        (lambda: gr.CheckboxGroup(["a", "b"]), ["a", "b"], ["a", "b"]),
        (lambda: gr.CheckboxGroup(["a", "b"], type="index"), [1], ["b"]),
        (gr.Textbox, 7, "7"),
        (gr.JSON, {"a": [1]}, {"a": [1]}),
    ],
)
def test_any_component_takes_the_nearest_value(component: Any, value: Any, expected: Any) -> None:
    fitted = fit_component(component(), value)
    assert fitted.ok
    assert fitted.value == expected


@pytest.mark.parametrize(
    ("component", "value"),
    [
        (lambda: gr.Slider(0, 10), "loud"),
        (lambda: gr.Slider(0, 10), True),
        (lambda: gr.Slider(0, 10), None),
        (lambda: gr.Slider(0, 10), float("nan")),
        (lambda: gr.Radio(["a", "b"]), "z"),
        (lambda: gr.Dropdown(["a", "b"], type="index"), 9),
        (lambda: gr.CheckboxGroup(["a", "b"]), "a"),
        (gr.Audio, "/gone/clip.wav"),
        (gr.Audio, "http://evil.example/clip.wav"),
        (gr.Audio, {"sneaky": 1}),
        (gr.Checkbox, "yes"),
    ],
)
def test_what_no_component_can_take_is_no_fit(component: Any, value: Any) -> None:
    assert not fit_component(component(), value).ok


def test_a_value_that_json_cannot_hold_goes_through_its_component_and_back() -> None:
    import pandas

    table = gr.Dataframe(headers=["note", "beats"])
    knobs = knobs_of({"score": table})
    frame = pandas.DataFrame({"note": ["c", "e"], "beats": [1, 2]})
    kept = snapshot({"score": frame}, knobs)
    assert list(kept["score"]) == ["$gradio"]
    done = replay(kept, None, knobs)
    assert done.report.applied == 1
    assert done.payloads["score"]["data"] == [["c", 1], ["e", 2]]


def test_what_cannot_be_kept_is_described_and_never_put_back() -> None:
    kept = snapshot({"clip": np.zeros(48_000, np.float32), "model": object(), "n": np.float32(0.1)}, {})
    assert kept["clip"] == {"$not_kept": "ndarray", "shape": [48000], "dtype": "float32"}
    assert kept["n"] == 0.1
    assert [is_kept(value) for value in kept.values()] == [False, False, True]
    knobs = knobs_of({"clip": gr.Audio(), "n": gr.Number()})
    assert replay(kept, None, knobs).report.missing == ("clip",)


def test_files_are_never_kept_by_copying_them_behind_the_stores_back(tmp_path: Any) -> None:
    clip = tmp_path / "clip.wav"
    clip.write_bytes(b"RIFF")
    assert flagged(gr.File(), str(clip)) is None


@pytest.mark.parametrize(
    ("seed", "read"),
    [
        (7, 7),
        ("7", 7),
        (7.0, 7),
        (-1, None),
        ("", None),
        (None, None),
        (True, None),
        (0.5, None),
        ("x", None),
        (2**60, 2**60),
    ],
)
def test_seeds_are_read_from_whatever_controls_hold(seed: Any, read: int | None) -> None:
    assert seed_of({"seed": seed}) == read


def test_a_snapshot_without_a_seed_gets_none() -> None:
    assert resolved({"text": "hi"}, 7) == {"text": "hi"}
