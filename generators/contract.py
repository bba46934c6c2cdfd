"""The contract: a Python function as a generator of sounds."""

from __future__ import annotations

import asyncio
import inspect
import math
import random
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from collections.abc import Generator as PlainGenerator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from generators.controls import Control
from generators.errors import GeneratorError
from generators.progress import Progress, Report, ignore, read_progress
from generators.seeds import is_unresolved, resolve_seed
from generators.signature import Injected, parameters_of
from generators.sound import Sound, as_sounds

Function = TypeVar("Function", bound=Callable[..., Any])
Params = Mapping[str, Any]
DESCRIPTION = "__retake_description__"


@dataclass(frozen=True)
class Description:
    """What `describe` says of a function."""

    model_id: str = ""
    model_name: str = ""
    presets: Mapping[str, Params] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)


def describe(
    model_id: str = "",
    model_name: str = "",
    presets: Mapping[str, Params] | None = None,
    versions: Mapping[str, str] | None = None,
) -> Callable[[Function], Function]:
    """Name a generator, give it starting points, and say which versions make its sound.

    >>> @describe(model_id="hum", model_name="Hum", presets={"Low": {"pitch": -5}})
    ... def hum(pitch: float = 0): ...
    """

    def mark(function: Function) -> Function:
        setattr(function, DESCRIPTION, Description(model_id, model_name, presets or {}, versions or {}))
        return function

    return mark


@dataclass(frozen=True)
class Generator:
    """A function, what it is called, its controls and its starting points.

    `versions` names what made its sounds: Python, NumPy, the hash of its source, and what `describe` adds.
    `injected` are parameters that no user sets.
    """

    spec: str
    function: Callable[..., Any]
    model_id: str
    model_name: str
    controls: tuple[Control, ...]
    presets: Mapping[str, Params] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    injected: tuple[Injected, ...] = ()

    def defaults(self) -> dict[str, Any]:
        """Return what the controls show at first."""
        return {control.name: control.default for control in self.controls}

    def prepare(self, params: Params) -> dict[str, Any]:
        """Return the full snapshot of a run: every control by name, defaults filled in, values checked, seed drawn.

        Names that are no control are passed over. Preparing a snapshot again changes nothing.

        Raises
        ------
        GeneratorError
            With a sentence for the user, when a value is missing or does not fit.
        """
        return {control.name: self._value(control, params) for control in self.controls}

    def surprise(self, rng: random.Random) -> dict[str, Any]:
        """Draw a value for every control that "Surprise me" may set."""
        return {control.name: _draw(control, rng) for control in self.controls if control.random}

    def run(self, params: Params, progress: Report | None = None, request: Any = None) -> Iterator[Sound]:
        """Run the function and yield its sounds as they come: at least one.

        Plain, async, generator and async generator functions run alike. What they yield is a sound, several, or
        progress: a number from 0 to 1, a text, or both as ``(0.5, "decoding")``. Closing the iterator stops a
        generator function at its next ``yield``. Call it from a thread that runs no event loop.

        Parameters
        ----------
        params
            Values by name; they pass through `prepare`, whose seed every sound without its own is given.
        progress
            Called with (fraction from 0 to 1 or None, text).
        request
            Handed to a parameter annotated ``gr.Request``.

        Raises
        ------
        GeneratorError
            When a value does not fit, or no sound came.
        Exception
            Whatever the function raises.
        """
        report = progress or ignore
        ready = self.prepare(params)
        arguments = self._arguments(ready, report, request)
        seed = ready.get("seed")
        count = 0
        for value, returned in _values(self.function, *arguments):
            if not returned and read_progress(value, report):
                continue
            for sound in self._sounds(value):
                count += 1
                known = sound.seed is not None or not isinstance(seed, int)
                yield sound if known else replace(sound, seed=seed)
        if not count:
            raise GeneratorError(self.spec, "The generator ended without a sound.")

    def _value(self, control: Control, params: Params) -> Any:
        value = params.get(control.name, control.default)
        try:
            if control.name == "seed" and control.integer and is_unresolved(value):
                return _within(control, resolve_seed(value))
            return control.parse(value)
        except GeneratorError as error:
            raise GeneratorError(self.spec, error.reason) from None

    def _sounds(self, value: Any) -> list[Sound]:
        if _says_nothing(value):
            return []
        try:
            return as_sounds(value)
        except GeneratorError as error:
            raise GeneratorError(self.spec, error.reason) from error.__cause__

    def _arguments(self, ready: Params, report: Report, request: Any) -> tuple[list[Any], dict[str, Any]]:
        """Lay out the call: by name, except for positional-only parameters."""
        values = dict(ready)
        for injected in self.injected:
            values[injected.name] = Progress(report) if injected.what == "Progress" else request
        positional = []
        for parameter in parameters_of(self.function):
            if parameter.kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(values.pop(parameter.name, parameter.default))
        return positional, values


def _within(control: Control, seed: int) -> int:
    """Bring a drawn seed into the range of a seed that is a slider."""
    low, high = int(control.minimum or 0), control.maximum
    return low + seed % (int(high) - low + 1) if high is not None else seed


def _draw(control: Control, rng: random.Random) -> float:
    """Draw a position of a slider, all of its steps alike."""
    low, high = control.minimum or 0, control.maximum or 0
    step = control.step or (high - low) / 100
    value = round(low + step * rng.randint(0, math.floor((high - low) / step + 1e-9)), 9)
    return int(value) if control.integer else value


def _says_nothing(value: Any) -> bool:
    """Tell whether a yielded or returned value stands for no change: None, or Gradio's update without a value."""
    if isinstance(value, (tuple, list)):
        return all(_says_nothing(item) for item in value)
    return value is None or (isinstance(value, dict) and value.get("value", value.get("path")) is None)


def _values(function: Callable[..., Any], positional: list[Any], named: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
    """Call a function of any kind; yield what it yields, with False, and what it returns, with True."""
    result: Any = function(*positional, **named)
    if inspect.isasyncgen(result):
        yield from _drive_steps(result)
    elif inspect.isawaitable(result):
        yield asyncio.run(_finish(result)), True
    elif inspect.isgenerator(result):
        returned = yield from _steps(result)
        yield returned, True
    else:
        yield result, True


def _steps(result: Any) -> PlainGenerator[tuple[Any, bool], None, Any]:
    """Yield what a generator yields and return what it returns; close it when this is closed."""
    try:
        while True:
            try:
                value = next(result)
            except StopIteration as end:
                return end.value
            yield value, False
    finally:
        result.close()


def _drive_steps(stream: Any) -> Iterator[tuple[Any, bool]]:
    """Run an async generator step by step on an event loop of its own; close it when this is closed."""
    loop = asyncio.new_event_loop()
    end = object()
    try:
        while (value := loop.run_until_complete(_next(stream, end))) is not end:
            yield value, False
    finally:
        loop.run_until_complete(stream.aclose())
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _finish(awaitable: Any) -> Any:
    return await awaitable


async def _next(stream: AsyncGenerator[Any, None], end: object) -> Any:
    return await anext(stream, end)
