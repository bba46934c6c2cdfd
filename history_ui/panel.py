"""HistoryPanel: the history of takes inside any Gradio page. Layout and wiring only."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar, overload
from uuid import uuid4

import gradio as gr
from gradio.components.base import Component
from gradio.context import LocalContext
from starlette.middleware import Middleware

from generators import Generator
from history_ui.calls import as_generator, parameter_names
from history_ui.desk import Desk, Handler, answer, error_reply
from history_ui.errors import ForeignRequest
from history_ui.events import Events
from history_ui.gallery import WaveformGallery
from history_ui.guard import Guard, allow, check_request
from history_ui.handlers import HANDLERS
from history_ui.jobs import Jobs
from history_ui.knobs import knobs_of
from history_ui.limits import Limits
from history_ui.login import Login
from history_ui.media import Media
from history_ui.messages import Message, Messages
from history_ui.preset_bar import PresetBar
from history_ui.record import Recorder, Recording, recording_of
from history_ui.saving import Keeper
from history_ui.sources import BUILT_IN, Loaded, Origin, Sources
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from history_ui.wiring import Wiring
from history_ui.work import Maker
from store import GenerationHistory, HistoryError

Function = TypeVar("Function", bound=Callable[..., Any])


class HistoryPanel:
    """A history, its gallery, and what they need to know of the page around them.

    Parameters
    ----------
    history
        An open `GenerationHistory`, or the folder of one, which is then opened here.
    allowed_hosts
        Host names under which the page may be reached beside this machine's own: "my-box.lan", "*.hf.space".
    standalone
        Whether the panel is a page of its own with a Create column, rather than a part of a host's page.

    Examples
    --------
    In a host app: record the function, render the panel, name the controls to restore.

    >>> panel = HistoryPanel(getfixture("tmp_path"))
    >>> @panel.record
    ... def speak(text, speed=1.0): return 8000, [0.0] * 800
    >>> with gr.Blocks() as page:
    ...     text, speed = gr.Textbox(label="Text"), gr.Slider(0.5, 2, 1, label="Speed")
    ...     sound, button = gr.Audio(), gr.Button("Speak")
    ...     _ = button.click(speak, [text, speed], sound)
    ...     gallery = panel.render()
    ...     panel.attach({"text": text, "speed": speed}, generate=speak)
    >>> rate, samples = speak("hello")
    >>> panel.history.list_entries()[0].params
    {'text': 'hello', 'speed': 1.0}
    >>> panel.close()
    """

    def __init__(
        self, history: GenerationHistory | str | Path, *, allowed_hosts: Sequence[str] = (), standalone: bool = False
    ) -> None:
        self.history = history if isinstance(history, GenerationHistory) else GenerationHistory(history)
        self.standalone = standalone
        self.jobs = Jobs()
        self.unsaved = UnsavedTakes()
        self.policy = allow(allowed_hosts)
        self._keeper = Keeper(self.history, self.unsaved)
        self._messages = Messages()
        self._media = Media(self.history, lambda: self.vocabulary, self.policy)
        self._makers: dict[str, Maker] = {}
        self._gallery: WaveformGallery | None = None
        self.undo: gr.State | None = None
        self.vocabulary = Vocabulary()
        self.sources = Sources(self.history.presets)
        self.loaded = Loaded()
        self._bar_id = f"history-presets-{uuid4().hex[:8]}"  # a page may have several panels, each with its own bar

    # -- recording --------------------------------------------------------------------------------------------------

    @overload
    def record(self, fn: Generator) -> Callable[..., Any]: ...

    @overload
    def record(
        self,
        fn: Function,
        *,
        model_id: str | None = None,
        model_name: str | None = None,
        names: Sequence[str] = (),
        audio: int | Sequence[int] | None = None,
        seed: int | None = None,
        every_yield: bool = False,
    ) -> Function: ...

    def record(
        self,
        fn: Callable[..., Any] | Generator,
        *,
        model_id: str | None = None,
        model_name: str | None = None,
        names: Sequence[str] = (),
        audio: int | Sequence[int] | None = None,
        seed: int | None = None,
        every_yield: bool = False,
    ) -> Callable[..., Any]:
        """Wrap a function so that every sound it returns is saved before it goes on its way.

        The function keeps its kind (plain, async, generator, async generator), its signature, what it returns and what
        it raises. A save that fails never breaks it: the take is kept in memory and shown, to be saved later.

        Parameters
        ----------
        fn
            The event function, or a `Generator`, whose function it then is.
        model_id, model_name
            Whose takes they are; by default the function's name.
        names
            Names for what a `*args` function is given; by default parameters are named by the signature.
        audio, seed
            Which outputs hold the sounds and the seed that was drawn, by position; by default they are found: a sound is
            `(sample_rate, array)`, the path of an audio file, or an update with one, and a whole number is its seed.
        every_yield
            For generator functions: every sound that is yielded is a take, not only the last.
        """
        if isinstance(fn, Generator):
            generator, function = fn, fn.function
        else:
            generator, function = as_generator(fn, model_id, model_name), fn
        recording = Recording(
            generator,
            tuple(names) or parameter_names(function),
            (audio,) if isinstance(audio, int) else None if audio is None else tuple(audio),
            seed,
            every_yield,
        )
        self._makers[generator.model_id] = Maker(generator, self.jobs, self._keeper, self._messages)
        recorder = Recorder(recording, self._keeper, self.jobs, lambda: self.vocabulary.knobs, self._origin_of)
        return recorder.wrap(function)

    def _origin_of(self, settings: Mapping[str, Any]) -> Origin:
        """Return what a take keeps of the preset that the page of the event that is running had loaded."""
        return self.events(LocalContext.request.get(None)).origin_of(settings)

    # -- layout -----------------------------------------------------------------------------------------------------

    def render(self) -> WaveformGallery:
        """Make the gallery, with details and player, in the `gr.Blocks` being built."""
        functions = {name: self._served(handler) for name, handler in HANDLERS.items()}
        gallery = WaveformGallery(None, functions, self.standalone, bar_id=self._bar_id, elem_id="history-panel")
        self._gallery, self.undo = gallery, gr.State([])
        return gallery

    def render_presets(self) -> PresetBar:
        """Make the bar that loads, saves and manages presets, above the controls in the `gr.Blocks` being built."""
        return PresetBar(elem_id=self._bar_id)

    def _served(self, handler: Handler) -> Callable[..., Message]:
        def serve(asked: Any, request: gr.Request) -> Message:
            try:
                check_request(request, self.policy)
            except ForeignRequest as error:
                return error_reply("ForeignRequest", str(error))
            return answer(handler, self.desk(request), asked)

        return serve

    def desk(self, request: Any = None) -> Desk:
        """Return what the functions of `handlers` work with; audio is addressed as the request's browser reaches it."""
        root = _root_path(request)
        self._media.add_route(_scope(request).get("app"))
        return Desk(
            self.history,
            self.jobs,
            self.unsaved,
            self._keeper,
            lambda entry: root + self._media.url(entry),
            self.vocabulary,
            self.sources,
        )

    # -- wiring -----------------------------------------------------------------------------------------------------

    def attach(
        self,
        controls: Mapping[str, Component],
        *,
        generate: Callable[..., Any] | None = None,
        button: gr.Button | None = None,
        variations: gr.Button | None = None,
        count: Component | None = None,
        status: Component | None = None,
    ) -> None:
        """Name the controls that Replay restores, by the parameters they fill, and wire the panel's events.

        Parameters
        ----------
        controls
            Component by parameter name.
        generate
            The function that `record` returned: Generate again runs it, titles are made from its settings, and presets
            are kept for its model. The only one that was recorded needs no naming for presets.
        button, variations, count, status
            Where the panel shall run the generator by itself, with progress, Stop and up to 16 variations: what starts
            it, how many variations, and where progress is drawn.
        """
        gallery = self._gallery
        if gallery is None:
            raise RuntimeError("Call render() before attach(): there is no gallery yet.")
        recording = recording_of(generate)
        generator = recording.generator if recording else None
        self.vocabulary = _vocabulary(controls, generator, self._saved)
        self.sources = self._sources(generator)
        start = next(iter(self.vocabulary.presets), None) if self.standalone else None
        self.loaded = Loaded(BUILT_IN + start if start is not None else None)
        maker = self._makers.get(generator.model_id) if generator else None
        wiring = Wiring(self, gallery, list(controls.values()), status)
        wiring.mirror()
        wiring.replaying()
        wiring.keeping_presets()
        wiring.again()
        if maker is not None:
            if button is not None:
                wiring.generating(button, maker, None)
            if variations is not None:
                wiring.generating(variations, maker, count)

    def _sources(self, generator: Generator | None) -> Sources:
        """Return what the controls can be loaded from: where nobody says whose they are, the only recorded function's."""
        only = next(iter(self._makers.values())).generator if len(self._makers) == 1 else None
        model = generator or only
        if model is None:
            return Sources(self.history.presets, self.vocabulary)
        return Sources(self.history.presets, self.vocabulary, model.model_id, model.model_name)

    def _saved(self, preset_id: str) -> Mapping[str, Any] | None:
        """Return the parameters of a preset, for a take's title; None where there is none, or they are out of reach."""
        with contextlib.suppress(HistoryError, OSError):
            preset = self.history.presets.get(preset_id)
            return preset.params if preset is not None and isinstance(preset.params, dict) else None
        return None

    def admit(self, request: Any) -> None:
        """Raise `gr.Error` for a request from another web site, or under a host name that is not allowed."""
        try:
            check_request(request, self.policy)
        except ForeignRequest as error:
            raise gr.Error(str(error), print_exception=False) from error

    def events(self, request: Any = None) -> Events:
        """Return the events of this panel, for one request."""
        session = getattr(request, "session_hash", None)
        return Events(self.desk(request), self._messages, self._makers, self.loaded, session)

    def maker(self, generate: Callable[..., Any]) -> Maker | None:
        """Return what runs a recorded function on a thread of its own."""
        recording = recording_of(generate)
        return self._makers.get(recording.generator.model_id) if recording else None

    # -- serving ----------------------------------------------------------------------------------------------------

    def launch_options(self) -> dict[str, Any]:
        """Return what to give `launch()`: the route that serves audio, and the guard against other web sites.

        On a page of its own the login stands before everything, and what a request may bring is bounded. A host's
        page keeps its own login and its own uploads.
        """
        own = [Middleware(Login), Middleware(Limits)] if self.standalone else []
        return {
            "app_kwargs": {
                "routes": [self._media.route()],
                "middleware": [Middleware(Guard, policy=self.policy), *own],
            }
        }

    def close(self, timeout_s: float = 2.0) -> None:
        """Stop what runs, try once more to save what could not be saved, and close the history.

        What is running may take so long to end; `unsaved` still holds what is lost when the process ends.
        """
        self.jobs.stop_all(timeout_s)
        self._keeper.retry_all()
        self.history.close()


def _vocabulary(
    controls: Mapping[str, Component],
    generator: Generator | None,
    saved: Callable[[str], Mapping[str, Any] | None],
) -> Vocabulary:
    if generator is None:
        return Vocabulary(None, knobs_of(controls), saved=saved)
    own = {control.name: control for control in generator.controls if control.kind != "component"}
    return Vocabulary(generator.model_id, knobs_of(controls, own), generator.presets, saved)


def _root_path(request: Any) -> str:
    """Return the path under which a host app serves Gradio, where it is not the root of the server."""
    return str(_scope(request).get("root_path", "")).rstrip("/")


def _scope(request: Any) -> Mapping[str, Any]:
    return getattr(getattr(request, "request", request), "scope", None) or {}
