"""Recording a host's function: it keeps its kind, signature, results and errors, and every sound it makes is kept."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import numpy as np
import pytest
import soundfile

from history_ui import HistoryPanel
from history_ui.calls import parameter_names
from history_ui.outputs import find_sounds
from store import CommitUncertain, GenerationHistory, HistoryEntry, RepairReport, StoreFull, calls
from tests.uncertain import syncs_that_fail

RATE = 8000


@pytest.fixture
def panel(history: GenerationHistory) -> HistoryPanel:
    return HistoryPanel(history)


def samples(peak: float = 0.25) -> np.ndarray:
    return (np.sin(np.arange(800) * 0.3) * peak).astype(np.float32)


def newest(panel: HistoryPanel) -> HistoryEntry:
    return panel.history.list_entries(limit=1)[0]


# -- kinds of functions -----------------------------------------------------------------------------------------------


def plain(text: str, speed: float = 1.0) -> Any:
    return RATE, samples()


async def coroutine(text: str, speed: float = 1.0) -> Any:
    await asyncio.sleep(0)
    return RATE, samples()


def generator(text: str, speed: float = 1.0) -> Iterator[Any]:
    yield None
    yield RATE, samples()


async def async_generator(text: str, speed: float = 1.0) -> AsyncIterator[Any]:
    yield None
    yield RATE, samples()


async def drain(stream: AsyncIterator[Any]) -> list[Any]:
    return [value async for value in stream]


def run(function: Any, *args: Any) -> list[Any]:
    """Call a function as Gradio does for its kind; return what it yields or returns."""
    if inspect.isasyncgenfunction(function):
        return asyncio.run(drain(function(*args)))
    if inspect.iscoroutinefunction(function):
        return [asyncio.run(function(*args))]
    return list(function(*args)) if inspect.isgeneratorfunction(function) else [function(*args)]


@pytest.mark.parametrize("function", [plain, coroutine, generator, async_generator])
def test_a_recorded_function_keeps_its_kind_and_its_takes(panel: HistoryPanel, function: Any) -> None:
    recorded = panel.record(function)
    for kind in (inspect.iscoroutinefunction, inspect.isgeneratorfunction, inspect.isasyncgenfunction):
        assert kind(recorded) == kind(function)
    assert inspect.signature(recorded) == inspect.signature(function)
    returned = run(recorded, "hello", 1.5)[-1]
    assert returned[0] == RATE
    entry = newest(panel)
    assert entry.params == {"text": "hello", "speed": 1.5}
    assert (entry.model_id, entry.model_name) == (function.__name__, function.__name__.replace("_", " ").capitalize())
    assert panel.history.count() == 1
    assert panel.jobs.to_list() == []


def test_what_comes_back_is_the_very_object(panel: HistoryPanel) -> None:
    sound = (RATE, samples())
    assert panel.record(lambda: sound)() is sound


@pytest.mark.parametrize("function", [plain, coroutine, generator, async_generator])
def test_an_error_goes_on_its_way_and_makes_no_take(panel: HistoryPanel, function: Any) -> None:
    class Broken(Exception):
        pass

    if inspect.isasyncgenfunction(function):

        async def broken() -> Any:
            raise Broken
            yield
    elif inspect.iscoroutinefunction(function):

        async def broken() -> Any:
            raise Broken
    elif inspect.isgeneratorfunction(function):

        def broken() -> Any:
            raise Broken
            yield
    else:

        def broken() -> Any:
            raise Broken

    with pytest.raises(Broken):
        run(panel.record(broken))
    assert panel.history.count() == 0
    assert panel.jobs.to_list() == []


def test_gradio_still_finds_what_it_injects(panel: HistoryPanel) -> None:
    from gradio.helpers import special_args

    def speak(text: str, request: gr.Request, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
        progress(0.5)
        return RATE, samples()

    recorded = panel.record(speak)
    inputs, progress_index, *_ = special_args(recorded, ["hello"], "the request")  # type: ignore[arg-type]
    assert (inputs[0], inputs[1], progress_index) == ("hello", "the request", 2)
    recorded(*inputs)
    assert newest(panel).params == {"text": "hello"}


# -- tabs that are closed ---------------------------------------------------------------------------------------------


def test_a_generator_that_is_closed_keeps_its_last_sound_as_partial(panel: HistoryPanel) -> None:
    def growing() -> Iterator[Any]:
        for length in (200, 400, 800):
            yield RATE, samples()[:length]

    stream = panel.record(growing)()
    next(stream), next(stream)
    stream.close()
    assert (newest(panel).frames, newest(panel).tags) == (400, ["partial"])
    list(panel.record(growing)())
    assert (newest(panel).frames, newest(panel).tags) == (800, [])


def test_an_async_generator_that_is_closed_keeps_its_last_sound(panel: HistoryPanel) -> None:
    async def growing() -> AsyncIterator[Any]:
        for length in (200, 400, 800):
            yield RATE, samples()[:length]

    async def closed() -> None:
        stream = panel.record(growing)()
        await anext(stream)
        await stream.aclose()

    asyncio.run(closed())
    assert (newest(panel).frames, newest(panel).tags) == (200, ["partial"])


def test_every_yield_can_be_a_take(panel: HistoryPanel) -> None:
    def several() -> Iterator[Any]:
        for peak in (0.1, 0.2, 0.3):
            yield RATE, samples(peak)

    list(panel.record(several, every_yield=True)())
    assert panel.history.count() == 3


def test_a_generator_that_reuses_its_buffer_is_kept_as_it_was(panel: HistoryPanel) -> None:
    def reusing() -> Iterator[Any]:
        buffer = samples(0.5)
        yield RATE, buffer
        buffer[:] = 0

    list(panel.record(reusing)())
    kept, _ = soundfile.read(panel.history.audio_path(newest(panel).entry_id))
    assert np.abs(kept).max() == pytest.approx(0.5, abs=0.01)


def test_stop_ends_a_recorded_generator_at_its_next_yield(panel: HistoryPanel) -> None:
    made = []

    def endless() -> Iterator[Any]:
        while True:
            made.append(1)
            yield RATE, samples()

    stream = panel.record(endless)()
    next(stream)
    [job] = panel.jobs.to_list()
    assert job["stoppable"]
    assert panel.jobs.stop(job["id"])
    assert list(stream) == []
    assert len(made) == 1
    assert newest(panel).tags == ["partial"]


def test_a_cancelled_event_finishes_the_save_it_is_in(panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    saving, go_on = threading.Event(), threading.Event()
    add = panel.history.add_to_history

    def slow(*args: Any, **kwargs: Any) -> HistoryEntry:
        saving.set()
        go_on.wait(5)
        return add(*args, **kwargs)

    monkeypatch.setattr(panel.history, "add_to_history", slow)

    async def cancelled() -> None:
        task = asyncio.create_task(panel.record(coroutine)("hello"))
        await asyncio.to_thread(saving.wait, 5)
        task.cancel()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert panel.history.count() == 1


# -- names of parameters ----------------------------------------------------------------------------------------------


def test_positional_inputs_are_named_by_the_signature(panel: HistoryPanel) -> None:
    def speak(text, voice="ada", *, speed=1.0, **more):  # type: ignore[no-untyped-def]
        return RATE, samples()

    panel.record(speak)("hello", "bob")
    assert newest(panel).params == {"text": "hello", "voice": "bob", "speed": 1.0}
    panel.record(speak)("hello", speed=2, loud=True)
    assert newest(panel).params == {"text": "hello", "voice": "ada", "speed": 2, "loud": True}


def test_star_args_are_named_as_told_or_numbered(panel: HistoryPanel) -> None:
    def speak(*values):  # type: ignore[no-untyped-def]
        return RATE, samples()

    panel.record(speak)("hello", 1.5)
    assert newest(panel).params == {"values_1": "hello", "values_2": 1.5}
    panel.record(speak, names=["text", "speed"])("hello", 1.5)
    assert newest(panel).params == {"text": "hello", "speed": 1.5}


@pytest.mark.parametrize("annotation", [gr.Request, gr.Request | None, "gr.Request", "gr.Request | None", gr.EventData])
def test_what_gradio_injects_is_no_parameter(annotation: Any) -> None:
    def speak(text, request):  # type: ignore[no-untyped-def]
        pass

    speak.__annotations__["request"] = annotation
    assert parameter_names(speak) == ("text",)


# -- shapes of results ------------------------------------------------------------------------------------------------


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "made.wav"
    soundfile.write(path, samples(), RATE, subtype="PCM_16")
    return path


def test_outputs_of_every_usual_shape_hold_their_sounds(wav: Path) -> None:
    sound = (RATE, samples())
    for returned, count in (
        (sound, 1),
        (str(wav), 1),
        (wav, 1),
        (gr.update(value=str(wav)), 1),
        ([sound, "spectrogram.png", "reference text", 48213], 1),
        ((sound, 48213), 1),
        ((sound, sound, sound), 3),
        ({gr.Audio(): sound, gr.Textbox(): "done"}, 1),
        (gr.Audio(str(wav)), 1),
        ("a status", 0),
        (None, 0),
        (gr.skip(), 0),
        ((None, "working…"), 0),
        ("/gone/made.wav", 0),
    ):
        assert len(find_sounds(returned)) == count, returned


def test_the_seed_that_a_function_returns_overrides_the_one_it_was_given(panel: HistoryPanel) -> None:
    def speak(text: str, seed: int = -1, randomize_seed: bool = True) -> Any:
        return (RATE, samples()), 48213

    panel.record(speak)("hello")
    assert newest(panel).seed == 48213
    assert newest(panel).params == {"text": "hello", "seed": 48213, "randomize_seed": False}


def test_which_output_is_what_can_be_told(panel: HistoryPanel) -> None:
    def speak(seed: int) -> Any:
        return "ref.wav", (RATE, samples(0.1)), 12, (RATE, samples(0.2)), 48213

    panel.record(speak, audio=3, seed=4)(1)
    assert (newest(panel).seed, panel.history.count()) == (48213, 1)
    assert newest(panel).quality_score["peak_dbfs"] == pytest.approx(-14, abs=0.1)


def test_a_file_that_is_deleted_afterwards_is_kept(panel: HistoryPanel, wav: Path) -> None:
    panel.record(lambda: str(wav))()
    wav.unlink()
    kept, rate = soundfile.read(panel.history.audio_path(newest(panel).entry_id), dtype="float32")
    assert rate == RATE
    assert np.abs(kept - samples()).max() < 2**-15


def test_quiet_sounds_stay_quiet(panel: HistoryPanel) -> None:
    panel.record(lambda: (RATE, samples(0.01)))()
    kept, _ = soundfile.read(panel.history.audio_path(newest(panel).entry_id))
    assert np.abs(kept).max() == pytest.approx(0.01, abs=1e-4)


# -- saving that fails ------------------------------------------------------------------------------------------------


def full(history: GenerationHistory) -> Any:
    """Return an `add_to_history` for which the disk is full."""

    def add_to_history(*_: Any, **__: Any) -> HistoryEntry:
        raise StoreFull(history.directory, "disk is full")

    return add_to_history


@pytest.mark.parametrize("error", [StoreFull(Path("x"), "disk is full"), OSError("gone"), RuntimeError("our mistake")])
@pytest.mark.parametrize("function", [plain, coroutine, generator, async_generator])
def test_a_failed_save_never_breaks_a_generation(
    panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch, function: Any, error: Exception
) -> None:
    def failing(*_: Any, **__: Any) -> HistoryEntry:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(panel.history, "add_to_history", failing)
        assert run(panel.record(function), "hello")[-1][0] == RATE
    [unsaved] = panel.unsaved.to_list()
    assert (unsaved.kind, unsaved.take.params["text"]) == (type(error).__name__, "hello")
    assert unsaved.take.wav()[:4] == b"RIFF"
    assert panel._keeper.retry(unsaved.id) is not None
    assert newest(panel).params["text"] == "hello"
    assert panel.unsaved.to_list() == []


def test_a_retry_after_an_uncertain_commit_never_duplicates(
    panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = panel.history.add_to_history

    def uncertain(*args: Any, **kwargs: Any) -> HistoryEntry:
        raise CommitUncertain(add(*args, **kwargs).entry_id, "the last sync failed")

    with monkeypatch.context() as patch:
        patch.setattr(panel.history, "add_to_history", uncertain)
        panel.record(plain)("hello")
    [unsaved] = panel.unsaved.to_list()
    assert unsaved.uncertain_id
    saved = panel._keeper.retry(unsaved.id)
    assert saved is not None
    assert saved.was_there
    assert [entry.entry_id for entry in panel.history.list_entries()] == [saved.entry.entry_id]


def test_a_retry_of_what_was_not_saved_after_all_keeps_its_id_so_that_it_cannot_come_twice(
    panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch
) -> None:
    panel.record(plain)("before")
    with monkeypatch.context() as patch:
        for name, function in syncs_that_fail(lambda: True, line_stays=False).items():
            patch.setattr(calls, name, function)
        panel.record(plain)("hello")
    [unsaved] = panel.unsaved.to_list()
    assert (unsaved.kind, unsaved.reason) == ("CommitUncertain", "disk reports an error")
    with monkeypatch.context() as patch:
        patch.setattr(panel.history, "add_to_history", full(panel.history))
        with pytest.raises(StoreFull):
            panel._keeper.retry(unsaved.id)
    [still] = panel.unsaved.to_list()
    assert (still.kind, still.uncertain_id) == ("CommitUncertain", unsaved.uncertain_id)
    saved = panel._keeper.retry(unsaved.id)
    assert saved is not None
    assert saved.entry.entry_id == unsaved.uncertain_id
    assert panel.history.repair_history() == RepairReport((), ())


def test_retrying_twice_at_once_saves_once(panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(panel.history, "add_to_history", full(panel.history))
        panel.record(plain)("hello")
    [unsaved] = panel.unsaved.to_list()
    threads = [threading.Thread(target=panel._keeper.retry, args=(unsaved.id,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert panel.history.count() == 1


def test_unsaved_takes_are_bounded_and_losses_counted(panel: HistoryPanel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel.history, "add_to_history", full(panel.history))
    recorded = panel.record(plain)
    for number in range(70):
        recorded(str(number))
    kept = panel.unsaved.to_list()
    assert len(kept) == 64
    assert panel.unsaved.lost == 6
    assert kept[-1].take.params["text"] == "69"


def test_audio_that_is_none_breaks_nothing(panel: HistoryPanel) -> None:
    panel.record(lambda: (RATE, np.full(100, np.nan, np.float32)))()
    [unsaved] = panel.unsaved.to_list()
    assert unsaved.kind == "InvalidAudio"
    assert unsaved.thumbnail is None


@pytest.mark.parametrize(
    "value",
    [object(), {1: 2}, {"a": object()}, np.array([object()]), float("nan"), 2**5000, "\ud800", b"x", {1, 2}, [[]] * 3],
)
def test_values_of_any_type_break_nothing(panel: HistoryPanel, value: Any) -> None:
    assert panel.record(lambda text: (RATE, samples()))(value)[0] == RATE
    assert panel.history.count() + len(panel.unsaved.to_list()) == 1


class Hostile:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("a result that cannot be looked at")


def test_results_of_any_type_break_nothing(panel: HistoryPanel) -> None:
    hostile = Hostile()
    assert panel.record(lambda: hostile)() is hostile
    assert panel.record(lambda: (hostile, 1))()[0] is hostile


def test_recorded_functions_run_at_once_on_many_threads(panel: HistoryPanel) -> None:
    recorded = panel.record(plain)
    threads = [threading.Thread(target=recorded, args=(str(number),)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.params["text"] for entry in panel.history.list_entries()) == sorted(map(str, range(16)))


def test_functions_without_a_name_get_one(panel: HistoryPanel) -> None:
    class Speaker:
        def __call__(self, text: str) -> Any:
            return RATE, samples()

    panel.record(Speaker())("hello")
    assert (newest(panel).model_id, newest(panel).params) == ("Speaker", {"text": "hello"})
    panel.record(lambda: (RATE, samples()))()
    assert newest(panel).model_id == "lambda"
