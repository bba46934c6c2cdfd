"""One generator of every kind: each annotation, default, parameter and function that the contract knows.

Every one of them makes a sound of a twentieth of a second, so that all can be driven through a browser. ``ZOO`` lists
them; ``broken`` ones raise.
"""

from __future__ import annotations

import asyncio
import functools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Optional, Union

import gradio as gr
import numpy as np
import soundfile

from generators import Choice, Group, Help, Label, Range, Sound, describe

SAMPLE_RATE = 8_000
Blip = tuple[int, Any]


def blip(*heard: object) -> Blip:
    """Make a short tone whose pitch depends on what was heard."""
    hz = 200 + sum(repr(heard).encode()) % 1000
    return SAMPLE_RATE, 0.3 * np.sin(2 * np.pi * hz * np.arange(400) / SAMPLE_RATE)


def literal(voice: Literal["alto", "bass"] = "bass", octave: Literal[1, 2, 3] = 2) -> Blip:
    return blip(voice, octave)


def literal_to_choose(voice: Literal["alto", "bass"]) -> Blip:
    return blip(voice)


def literal_or_none(voice: Literal["alto", "bass", None] = None) -> Blip:
    return blip(voice)


def switch(loud: bool = True, wide: bool = False) -> Blip:
    return blip(loud, wide)


def switch_without_default(loud: bool) -> Blip:
    return blip(loud)


def numbers(steps: int = 4, gain: float = 0.5, either: Union[int, float] = 1) -> Blip:  # noqa: UP007 (the older spelling counts too)
    return blip(steps, gain, either)


def numbers_to_fill(steps: int, gain: float) -> Blip:
    return blip(steps, gain)


def numbers_or_none(steps: Optional[int] = None, gain: float | None = None) -> Blip:  # noqa: UP045 (the older spelling counts too)
    return blip(steps, gain)


def text(prompt: str = "rain") -> Blip:
    return blip(prompt)


def text_to_fill(prompt: str) -> Blip:
    return blip(prompt)


def text_or_none(prompt: str | None = None) -> Blip:
    return blip(prompt)


def no_annotations(prompt="rain", steps=4, gain=0.5, loud=True, nothing=None) -> Blip:
    return blip(prompt, steps, gain, loud, nothing)


def nothing_known(prompt) -> Blip:
    return blip(prompt)


def components(
    pitch: Annotated[int, gr.Slider(-10, 10, step=1)] = 3,
    gain: Annotated[float, gr.Number(minimum=0, maximum=2)] = 1.0,
    prompt: Annotated[str, gr.Textbox(lines=3, label="What to sing")] = "la",
    loud: Annotated[bool, gr.Checkbox()] = False,
    voice: Annotated[str, gr.Dropdown(["alto", "bass"])] = "alto",
    style: Annotated[str, gr.Radio([("Calm", "a"), ("Wild", "b")])] = "b",
    colour: Annotated[str, gr.ColorPicker()] = "#0a6b57",
) -> Blip:
    return blip(pitch, gain, prompt, loud, voice, style, colour)


def component_defaults(pitch: Annotated[int, gr.Slider(1, 9, value=7)], kind: Annotated[float, gr.Slider]) -> Blip:
    return blip(pitch, kind)


def hints(
    pitch: Annotated[float, Range(-5, 5, step=0.5), Group("Timbre"), Help("How high it is.")] = 0.0,
    steps: Annotated[int, Range(1, 8, random=False), Label("How many")] = 4,
    voice: Annotated[str, Choice(("Low", "bass"), "alto")] = "bass",
    unknown: Annotated[int, "somebody else's hint"] = 1,
) -> Blip:
    return blip(pitch, steps, voice, unknown)


def keyword_only(*, prompt: str = "rain", steps: int = 4) -> Blip:
    return blip(prompt, steps)


def positional_only(prompt: str = "rain", steps: int = 4, /, gain: float = 0.5) -> Blip:
    return blip(prompt, steps, gain)


def stars(prompt: str = "rain", *more: int, gain: float = 0.5, **settings: float) -> Blip:
    assert not more
    assert not settings
    return blip(prompt, gain)


def units(duration_s: float = 1.0, cutoff_hz: int = 440, _hidden_ms: float = 5.0) -> Blip:
    return blip(duration_s, cutoff_hz, _hidden_ms)


def left_alone(prompt: str = "rain", settings: dict[str, int] = {}, table: tuple[int, ...] = (1, 2)) -> Blip:  # noqa: B006 (never changed)
    assert settings == {}
    assert table == (1, 2)
    return blip(prompt)


def no_parameters() -> Blip:
    return blip()


def seeded(seed: int = -1) -> Blip:
    return blip(seed)


def seeded_with_default(seed: int = 42) -> Blip:
    return blip(seed)


def seeded_or_none(seed: int | None = None) -> Blip:
    return blip(seed)


def seeded_slider(seed: Annotated[int, gr.Slider(0, 99, step=1)] = 0) -> Blip:
    return blip(seed)


def draws_its_own_seed(pitch: int = 0) -> tuple[Blip, int]:
    return blip(pitch), 12345


def progress_by_default(steps: int = 2, progress: Any = gr.Progress()) -> Blip:  # noqa: B008 (Gradio's idiom)
    for _ in progress.tqdm(range(steps), desc="Steps"):
        pass
    progress(0.9, desc="Writing")
    return blip(steps)


def progress_and_request(request: gr.Request, progress: gr.Progress, steps: int = 2) -> Blip:
    progress((steps, 4), desc="Half")
    return blip(steps, request is None)


async def coroutine(prompt: str = "rain") -> Blip:
    await asyncio.sleep(0)
    return blip(prompt)


def generator(steps: int = 2) -> Iterator[Any]:
    for step in range(steps):
        yield (step + 1) / (steps + 1), f"step {step + 1}"
    yield "writing"
    yield blip(steps)


def several(count: int = 3) -> Iterator[Any]:
    for number in range(count):
        yield number / count
        yield blip(number)


def generator_that_returns(pitch: int = 0) -> Any:
    yield 0.5
    return blip(pitch)


async def async_generator(steps: int = 2) -> AsyncIterator[Any]:
    for step in range(steps):
        await asyncio.sleep(0)
        yield (step + 1) / (steps + 1)
    yield blip(steps)


def returns_list(count: int = 2) -> list[Blip]:
    return [blip(number) for number in range(count)]


def returns_path(pitch: int = 0) -> str:
    path = Path(tempfile.mkdtemp()) / "blip.wav"
    sample_rate, samples = blip(pitch)
    soundfile.write(path, samples, sample_rate)
    return str(path)


def returns_update(pitch: int = 0) -> Any:
    return gr.update(value=returns_path(pitch))


def returns_sound(pitch: int = 0) -> Sound:
    sample_rate, samples = blip(pitch)
    return Sound(sample_rate, samples, bit_depth=16)


@describe(model_id="zoo", model_name="The zoo", presets={"High": {"pitch": 9}}, versions={"zoo": "7"})
def described(pitch: int = 0) -> Blip:
    return blip(pitch)


@functools.wraps(described)
def wrapped(*args: Any, **settings: Any) -> Blip:
    return described(*args, **settings)


class Singer:
    """A callable object and a method are functions too."""

    def __call__(self, pitch: int = 0) -> Blip:
        return blip(pitch)

    def sing(self, pitch: int = 0) -> Blip:
        return blip(pitch)


singer = Singer()
partial_function = functools.partial(numbers, 8, gain=0.25)


def broken(message: str = "out of memory") -> Blip:
    raise RuntimeError(message)


def broken_later(steps: int = 2) -> Iterator[float]:
    for step in range(steps):
        yield step / steps
    raise RuntimeError(f"failed after {steps} steps")


ZOO: dict[str, Callable[..., Any]] = {
    function.__name__: function
    for function in (
        literal, literal_to_choose, literal_or_none, switch, switch_without_default, numbers, numbers_to_fill,
        numbers_or_none, text, text_to_fill, text_or_none, no_annotations, nothing_known, components,
        component_defaults, hints, keyword_only, positional_only, stars, units, left_alone, no_parameters, seeded,
        seeded_with_default, seeded_or_none, seeded_slider, draws_its_own_seed, progress_by_default,
        progress_and_request, coroutine, generator, several, generator_that_returns, async_generator, returns_list,
        returns_path, returns_update, returns_sound, described, singer.sing,
    )
}  # fmt: skip

TO_FILL: dict[str, dict[str, Any]] = {
    "literal_to_choose": {"voice": "alto"},
    "numbers_to_fill": {"steps": 3, "gain": 0.5},
    "text_to_fill": {"prompt": "wind"},
    "nothing_known": {"prompt": "wind"},
}
