"""Record a host app's own function: every sound it returns becomes a take, and nothing else about it changes."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from generators import Generator, Sound
from history_ui.calls import bind
from history_ui.jobs import Job, Jobs
from history_ui.knobs import Knob
from history_ui.outputs import find_sounds
from history_ui.saving import Keeper
from history_ui.snapshot import snapshot
from history_ui.sources import NOWHERE, Origin
from history_ui.take import make_take
from history_ui.titles import Vocabulary, title

_log = logging.getLogger(__name__)

Function = TypeVar("Function", bound=Callable[..., Any])
Result = TypeVar("Result")
RECORDING = "__retake__"


@dataclass(frozen=True)
class Recording:
    """What a panel knows of a recorded function.

    `names` are the parameters in the order of the function's inputs. `seed` and `audio` say which of several outputs
    hold the seed and the sound, by position; without them they are found.
    """

    generator: Generator
    names: tuple[str, ...]
    audio: tuple[int, ...] | None = None
    seed: int | None = None
    every_yield: bool = False


def recording_of(function: object) -> Recording | None:
    """Return what is known of a recorded function; None for another."""
    found = getattr(function, RECORDING, None)
    return found if isinstance(found, Recording) else None


class Recorder:
    """Wraps functions so that what they return is saved before it goes on its way."""

    def __init__(
        self,
        recording: Recording,
        keeper: Keeper,
        jobs: Jobs,
        knobs: Callable[[], Mapping[str, Knob]],
        origin_of: Callable[[Mapping[str, Any]], Origin] = lambda _params: NOWHERE,
    ) -> None:
        self._recording = recording
        self._keeper = keeper
        self._jobs = jobs
        self._knobs = knobs
        self._origin_of = origin_of

    def wrap(self, function: Function) -> Function:
        """Return a function of the same kind and signature that records. What it returns and raises is unchanged."""
        if inspect.isasyncgenfunction(function):
            wrapped: Any = self._wrap_async_generator(function)
        elif inspect.iscoroutinefunction(function):
            wrapped = self._wrap_async(function)
        elif inspect.isgeneratorfunction(function):
            wrapped = self._wrap_generator(function)
        else:
            wrapped = self._wrap_plain(function)
        setattr(wrapped, RECORDING, self._recording)
        result: Function = wrapped
        return result

    def _wrap_plain(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            run = self._begin(function, args, kwargs)
            with run.told():
                returned = function(*args, **kwargs)
                run.save(returned)
            return returned

        return recorded

    def _wrap_async(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            run = self._begin(function, args, kwargs)
            with run.told():
                returned = await function(*args, **kwargs)
                await _shielded(run.save, returned)
            return returned

        return recorded

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def recorded(*args: Any, **kwargs: Any) -> Any:
            run = self._begin(function, args, kwargs)
            with run.told():
                try:
                    with contextlib.closing(function(*args, **kwargs)) as values:
                        for yielded in values:
                            run.hold(yielded)
                            yield yielded
                            if run.job.stopped:
                                break
                    run.complete = not run.job.stopped
                finally:  # also when the tab was closed, which arrives as GeneratorExit at the yield
                    run.save_held()

        return recorded

    def _wrap_async_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        async def recorded(*args: Any, **kwargs: Any) -> Any:
            run = self._begin(function, args, kwargs)
            with run.told():
                try:
                    async with contextlib.aclosing(function(*args, **kwargs)) as values:
                        async for yielded in values:
                            await _shielded(run.hold, yielded)
                            yield yielded
                            if run.job.stopped:
                                break
                    run.complete = not run.job.stopped
                finally:
                    await _shielded(run.save_held)

        return recorded

    def _begin(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> _Run:
        generator = self._recording.generator
        unknown: tuple[dict[str, Any], str] = {}, generator.model_name
        params, shown = _unbroken(lambda: self._describe(function, args, kwargs), unknown)
        origin = _unbroken(lambda: self._origin_of(params), NOWHERE)
        is_generator = inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function)
        job = self._jobs.start(shown, stoppable=is_generator)
        return _Run(self._recording, self._keeper, self._jobs, job, params, origin)

    def _describe(
        self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> tuple[dict[str, Any], str]:
        """Return the snapshot of a call, and what to call it while it runs."""
        generator, knobs = self._recording.generator, self._knobs()
        params = snapshot(bind(function, self._recording.names, args, kwargs), knobs)
        names = Vocabulary(generator.model_id, knobs, generator.presets)
        return params, title("", params, "custom", generator.model_name, names)


class _Run:
    """One call of a recorded function: what it was given, and the sounds that are to be saved."""

    def __init__(
        self,
        recording: Recording,
        keeper: Keeper,
        jobs: Jobs,
        job: Job,
        params: Mapping[str, Any],
        origin: Origin,
    ) -> None:
        self.job = job
        self.complete = False
        self._recording = recording
        self._keeper = keeper
        self._jobs = jobs
        self._params = params
        self._origin = origin
        self._held: list[Sound] = []
        self._started_s = time.perf_counter()

    def save(self, returned: Any) -> None:
        """Save every sound in what the function returned."""
        self._save(self._sounds(returned))

    def hold(self, yielded: Any) -> None:
        """Take note of what a generator function yielded: save it now, or hold it until something newer comes."""
        sounds = self._sounds(yielded)
        if self._recording.every_yield:
            self._save(sounds)
        elif sounds:
            self._held = [replace(sound, audio=sound.audio.copy()) for sound in sounds]

    def save_held(self) -> None:
        """Save the last sounds that were yielded; marked partial when the function did not come to its end."""
        sounds, self._held = self._held, []
        self._save([sound if self.complete else replace(sound, partial=True) for sound in sounds])

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """Tell the pages what the function raises, which is raised on, and that it is done."""
        try:
            yield
        except Exception as error:
            self._jobs.note_failure(type(error).__name__, str(error))
            raise
        finally:
            self._jobs.finish(self.job)

    def _save(self, sounds: Iterable[Sound]) -> None:
        elapsed_s = time.perf_counter() - self._started_s
        for sound in sounds:
            known: dict[str, Any] = {"origin": self._origin, "elapsed_s": elapsed_s}
            self._keeper.save(make_take(sound, self._params, self._recording.generator, **known))

    def _sounds(self, returned: Any) -> list[Sound]:
        return _unbroken(lambda: find_sounds(returned, self._recording.audio, self._recording.seed), [])


def _unbroken(act: Callable[[], Result], otherwise: Result) -> Result:
    """Do something for the record; whatever goes wrong with a host's values is logged, and its function goes on."""
    try:
        return act()
    except Exception:  # noqa: BLE001 - the border to a host's values: recording never breaks a generation
        _log.exception("A generation could not be recorded")
        return otherwise


async def _shielded(save: Callable[..., None], *args: Any) -> None:
    """Save on a thread; an event that is cancelled meanwhile waits for it, so that the take is whole on disk."""
    task = asyncio.ensure_future(asyncio.to_thread(save, *args))
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await task
        raise
