"""Guards how a signature becomes controls, what values they take, and the Gradio components they are."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import generators_zoo as zoo
import gradio as gr
import pytest

from generators import Control, GeneratorError, generator_from
from generators.controls import build
from generators.signature import controls_of, injected_in

# name of the function -> its controls as (name, kind, default), a trailing "!" on the name where it must be filled in
TABLE: dict[str, list[tuple[str, str, Any]]] = {
    "literal": [("voice", "dropdown", "bass"), ("octave", "dropdown", 2)],
    "literal_to_choose": [("voice!", "dropdown", None)],
    "literal_or_none": [("voice", "dropdown", None)],
    "switch": [("loud", "checkbox", True), ("wide", "checkbox", False)],
    "switch_without_default": [("loud", "checkbox", False)],
    "numbers": [("steps", "number", 4), ("gain", "number", 0.5), ("either", "number", 1)],
    "numbers_to_fill": [("steps!", "number", None), ("gain!", "number", None)],
    "numbers_or_none": [("steps", "number", None), ("gain", "number", None)],
    "text": [("prompt", "text", "rain")],
    "text_to_fill": [("prompt!", "text", None)],
    "text_or_none": [("prompt", "text", None)],
    "no_annotations": [
        ("prompt", "text", "rain"),
        ("steps", "number", 4),
        ("gain", "number", 0.5),
        ("loud", "checkbox", True),
        ("nothing", "text", None),
    ],
    "nothing_known": [("prompt!", "text", None)],
    "components": [
        ("pitch", "slider", 3),
        ("gain", "number", 1.0),
        ("prompt", "text", "la"),
        ("loud", "checkbox", False),
        ("voice", "dropdown", "alto"),
        ("style", "dropdown", "b"),
        ("colour", "component", "#0a6b57"),
    ],
    "component_defaults": [("pitch", "slider", 7), ("kind", "slider", 0)],
    "hints": [
        ("pitch", "slider", 0.0),
        ("steps", "slider", 4),
        ("voice", "dropdown", "bass"),
        ("unknown", "number", 1),
    ],
    "keyword_only": [("prompt", "text", "rain"), ("steps", "number", 4)],
    "positional_only": [("prompt", "text", "rain"), ("steps", "number", 4), ("gain", "number", 0.5)],
    "stars": [("prompt", "text", "rain"), ("gain", "number", 0.5)],
    "units": [("duration_s", "number", 1.0), ("cutoff_hz", "number", 440), ("_hidden_ms", "number", 5.0)],
    "left_alone": [("prompt", "text", "rain")],
    "no_parameters": [],
    "seeded": [("seed", "seed", None)],
    "seeded_with_default": [("seed", "seed", 42)],
    "seeded_or_none": [("seed", "seed", None)],
    "seeded_slider": [("seed", "slider", 0)],
    "draws_its_own_seed": [("pitch", "number", 0)],
    "progress_by_default": [("steps", "number", 2)],
    "progress_and_request": [("steps", "number", 2)],
    "coroutine": [("prompt", "text", "rain")],
    "generator": [("steps", "number", 2)],
    "several": [("count", "number", 3)],
    "generator_that_returns": [("pitch", "number", 0)],
    "async_generator": [("steps", "number", 2)],
    "returns_list": [("count", "number", 2)],
    "returns_path": [("pitch", "number", 0)],
    "returns_update": [("pitch", "number", 0)],
    "returns_sound": [("pitch", "number", 0)],
    "described": [("pitch", "number", 0)],
    "sing": [("pitch", "number", 0)],
}


def built(controls: Iterable[Control]) -> list[Any]:
    """Build controls on a page, inside an event loop: without one, `gr.Blocks` makes its own and leaves them open."""

    async def build_page() -> list[Any]:
        with gr.Blocks():
            return [build(control) for control in controls]

    return asyncio.run(build_page())


def test_the_table_names_every_animal_of_the_zoo() -> None:
    assert TABLE.keys() == zoo.ZOO.keys()


@pytest.mark.parametrize("name", TABLE)
def test_a_signature_becomes_controls(name: str) -> None:
    controls = controls_of(zoo.ZOO[name])
    found = [(control.name + "!" * control.required, control.kind, control.default) for control in controls]
    assert found == TABLE[name]


@pytest.mark.parametrize(
    ("function", "names"),
    [(zoo.wrapped, ["pitch"]), (zoo.singer, ["pitch"]), (zoo.partial_function, ["gain", "either"])],
)
def test_wrapped_partial_and_callable_objects_are_read_too(function: Any, names: list[str]) -> None:
    assert [control.name for control in controls_of(function)] == names


def test_labels_are_the_words_of_the_name() -> None:
    assert [control.label for control in controls_of(zoo.units)] == ["Duration (s)", "Cutoff (Hz)", "Hidden (ms)"]
    assert [control.label for control in controls_of(zoo.no_annotations)][:2] == ["Prompt", "Steps"]


def test_hints_set_range_group_help_label_and_choices() -> None:
    pitch, steps, voice, unknown = controls_of(zoo.hints)
    assert (pitch.minimum, pitch.maximum, pitch.step, pitch.group) == (-5, 5, 0.5, "Timbre")
    assert pitch.info == "How high it is."
    assert pitch.random
    assert (steps.label, steps.step, steps.integer, steps.random) == ("How many", 1, True, False)
    assert voice.choices == (("Low", "bass"), ("alto", "alto"))
    assert (unknown.kind, unknown.group) == ("number", "")


def test_components_keep_their_ranges_labels_and_choices() -> None:
    pitch, gain, prompt, _, voice, style, _ = controls_of(zoo.components)
    assert (pitch.minimum, pitch.maximum, pitch.integer) == (-10, 10, True)
    assert (gain.minimum, gain.maximum) == (0, 2)
    assert prompt.label == "What to sing"
    assert voice.choices == (("alto", "alto"), ("bass", "bass"))
    assert style.choices == (("Calm", "a"), ("Wild", "b"))


def test_what_gradio_fills_in_is_no_control() -> None:
    assert [item.what for item in injected_in(zoo.progress_and_request)] == ["Request", "Progress"]
    assert [item.name for item in injected_in(zoo.progress_by_default)] == ["progress"]


def unreadable(pitch: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821 (the point of it)


def unsettable(model: bytes) -> None: ...


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (unreadable, "annotation of “pitch” cannot be read: name 'Missing'"),
        (unsettable, "“model” is of the type bytes"),
    ],
)
def test_a_signature_without_meaning_says_what_is_wrong(function: Any, words: str) -> None:
    with pytest.raises(GeneratorError, match=words):
        controls_of(function)


WHOLE = Control("steps", "Steps", "slider", default=4, minimum=1, maximum=8, step=1, integer=True)
REAL = Control("gain", "Gain", "number", default=0.5, minimum=0, maximum=2)
FREE = Control("gain", "Gain", "number", default=0.5)
WORDS = Control("prompt", "Prompt", "text", default="rain")
MUST = Control("prompt", "Prompt", "text", required=True)
MAYBE = Control("gain", "Gain", "number", optional=True)
VOICE = Control("voice", "Voice", "dropdown", default="bass", choices=(("Low", "bass"), ("High", "alto")))
DEPTH = Control("depth", "Depth", "dropdown", default=24, choices=(("16 bit", 16), ("24 bit", 24)))
SEVERAL = Control("voices", "Voices", "dropdown", default=[], choices=(("a", "a"), ("b", "b")))
LOUD = Control("loud", "Loud", "checkbox", default=False)
SEED = Control("seed", "Seed", "seed", integer=True)
COLOUR = Control("colour", "Colour", "component", default="#000")


@pytest.mark.parametrize(
    ("control", "given", "value", "state"),
    [
        (WHOLE, 3, 3, "ok"),
        (WHOLE, "3", 3, "ok"),
        (WHOLE, 3.0, 3, "ok"),
        (WHOLE, 3.6, 4, "clamped"),
        (WHOLE, 9000, 8, "clamped"),
        (WHOLE, -1, 1, "clamped"),
        (WHOLE, "many", 4, "unfit"),
        (WHOLE, None, 4, "unfit"),
        (WHOLE, True, 4, "unfit"),
        (REAL, 1, 1.0, "ok"),
        (REAL, float("nan"), 0.5, "unfit"),
        (REAL, float("inf"), 0.5, "unfit"),
        (REAL, [1], 0.5, "unfit"),
        (FREE, -1e9, -1e9, "ok"),
        pytest.param(FREE, 10**400, 0.5, "unfit", id="enormous"),
        (MAYBE, None, None, "ok"),
        (MAYBE, "", None, "ok"),
        (WORDS, "wind", "wind", "ok"),
        (WORDS, 7, "7", "ok"),
        (WORDS, None, "", "ok"),
        (WORDS, ["wind"], "rain", "unfit"),
        (MUST, "", None, "unfit"),
        (MUST, None, None, "unfit"),
        (VOICE, "alto", "alto", "ok"),
        (VOICE, "tenor", "bass", "unfit"),
        (VOICE, None, "bass", "unfit"),
        (DEPTH, "16", 16, "ok"),
        (DEPTH, 16.0, 16, "ok"),
        (SEVERAL, ["b"], ["b"], "ok"),
        (SEVERAL, ["b", "z"], ["b"], "clamped"),
        (LOUD, True, True, "ok"),
        (LOUD, 1, True, "ok"),
        (LOUD, "false", False, "ok"),
        (LOUD, "perhaps", False, "unfit"),
        (LOUD, None, False, "unfit"),
        (SEED, 7, 7, "ok"),
        (SEED, "7", 7, "ok"),
        (SEED, 7.0, 7, "ok"),
        (SEED, "", None, "ok"),
        (SEED, -1, None, "ok"),
        (SEED, "-1", None, "ok"),
        (SEED, -2, None, "unfit"),
        (SEED, 2**53, None, "unfit"),
        (SEED, "seven", None, "unfit"),
        (SEED, [7], None, "unfit"),
        (SEED, True, None, "unfit"),
        (COLOUR, {"any": "thing"}, {"any": "thing"}, "ok"),
    ],
)
def test_values_are_fitted(control: Control, given: Any, value: Any, state: str) -> None:
    fitted = control.fit(given)
    assert fitted.value == value
    assert type(fitted.value) is type(value)
    assert ("clamped" if fitted.clamped else "ok" if fitted.ok else "unfit") == state
    assert bool(fitted.reason) == (state != "ok")


def test_parsing_raises_what_fitting_would_change() -> None:
    with pytest.raises(GeneratorError, match=r"Steps must be from 1 to 8\."):
        WHOLE.parse(9)
    with pytest.raises(GeneratorError, match=r"Prompt must be filled in\."):
        MUST.parse("")
    with pytest.raises(GeneratorError, match="Voice has no choice “tenor”"):
        VOICE.parse("tenor")


def test_surprise_draws_steps_of_sliders_only() -> None:
    generator = generator_from(zoo.hints)
    rng = random.Random(1)
    drawn = [generator.surprise(rng) for _ in range(300)]
    assert {tuple(values) for values in drawn} == {("pitch",)}
    assert {values["pitch"] for values in drawn} == {number / 2 for number in range(-10, 11)}


KINDS: dict[str, list[type]] = {
    "literal": [gr.Dropdown, gr.Dropdown],
    "switch": [gr.Checkbox, gr.Checkbox],
    "numbers": [gr.Number, gr.Number, gr.Number],
    "numbers_to_fill": [gr.Textbox, gr.Textbox],  # an empty gr.Number shows 0
    "text_to_fill": [gr.Textbox],
    "seeded": [gr.Textbox],
    "hints": [gr.Slider, gr.Slider, gr.Dropdown, gr.Number],
    "components": [gr.Slider, gr.Number, gr.Textbox, gr.Checkbox, gr.Dropdown, gr.Radio, gr.ColorPicker],
}


@pytest.mark.parametrize("name", KINDS)
def test_controls_become_components(name: str) -> None:
    controls = controls_of(zoo.ZOO[name])
    components = built(controls)
    assert [type(component) for component in components] == KINDS[name]
    assert [component.elem_id for component in components] == [f"param-{control.name}" for control in controls]
    assert [component.label for component in components] == [control.label for control in controls]
    assert all(component.interactive for component in components)


@pytest.mark.parametrize("name", zoo.ZOO)
def test_a_component_starts_at_the_default_and_what_it_gives_fits(name: str) -> None:
    """What a component holds at first passes through the control, or asks to be filled in."""
    for control in controls_of(zoo.ZOO[name]):
        fitted = control.fit(build(control).value)
        assert fitted.ok != control.required
        assert not fitted.clamped
        if control.default is not None:
            assert fitted.value == control.default


def test_a_components_own_settings_stay_on_every_page_anew() -> None:
    controls = controls_of(zoo.components)
    first, second = built(controls), built(controls)
    assert first[2].lines == 3
    assert (first[0].minimum, first[0].maximum, first[0].value) == (-10, 10, 3)
    assert not {component._id for component in first} & {component._id for component in second}


def test_the_seed_field_says_that_it_is_drawn() -> None:
    [component] = built(controls_of(zoo.seeded))
    assert (component.placeholder, component.value) == ("drawn each time", None)
