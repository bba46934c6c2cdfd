"""Joins a panel's events to the components of a page."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

import gradio as gr
from gradio.components.base import Component

from history_ui.gallery import WaveformGallery
from history_ui.messages import Message
from history_ui.work import Maker

if TYPE_CHECKING:
    from history_ui.panel import HistoryPanel

_CHANGED = """() => {
  window.dispatchEvent(new CustomEvent("retake:changed"));
  return [];
}"""
_MIRROR = """(...values) => {
  const names = %s;
  const detail = Object.fromEntries(names.map((name, i) => [name, values[i]]));
  window.retakeControls = detail;
  window.dispatchEvent(new CustomEvent("retake:controls", {detail}));
  return [];
}"""


class Wiring:
    """The events of one panel on one page."""

    def __init__(
        self,
        panel: HistoryPanel,
        gallery: WaveformGallery,
        controls: list[Component],
        status: Component | None,
    ) -> None:
        self._panel = panel
        self._gallery = gallery
        self._controls = controls
        self._status = status

    def mirror(self) -> None:
        """Tell the page of every change of a control, and once at its start, without a request to the server.

        Gradio copies the state of every component that an event takes in or is shared by, each time. So each control has an
        event of its own, without inputs, and the page asks for all values once, however many have changed at a stroke.
        """
        knobs = self._panel.vocabulary.knobs
        names = [name for name, knob in knobs.items() if hasattr(knob.component, "change")]
        changing = [knobs[name].component for name in names]
        shown: dict[str, Any] = {"queue": False, "show_progress": "hidden"}
        if changing:
            for component in changing:
                component.change(None, None, None, js=_CHANGED, **shown)
            self._gallery.mirror(None, changing, None, js=_MIRROR % json.dumps(names), **shown)

    def replaying(self) -> None:
        """Wire replay, presets, their undo, and putting the controls back after the page was loaded anew."""
        panel, undo = self._panel, self._panel.undo
        raw: dict[str, Any] = {"preprocess": False, "postprocess": False}

        def replay(event: gr.EventData, request: gr.Request, before: list[Any], *current: Any) -> list[Any]:
            panel.admit(request)
            message, after, payloads = panel.events(request).replay(_asked(event), before, list(current))
            return [message, after, *payloads]

        def load_preset(event: gr.EventData, request: gr.Request, before: list[Any], *current: Any) -> list[Any]:
            panel.admit(request)
            message, after, payloads = panel.events(request).load_preset(_asked(event), before, list(current))
            return [message, after, *payloads]

        def undo_replay(request: gr.Request, before: list[Any], *current: Any) -> list[Any]:
            panel.admit(request)
            message, after, payloads = panel.events(request).undo_replay(before, list(current))
            return [message, after, *payloads]

        def put_back(event: gr.EventData, request: gr.Request, *current: Any) -> list[Any]:
            panel.admit(request)
            return panel.events(request).put_back(_asked(event), list(current))

        outputs = [self._gallery, undo, *self._controls]
        each: dict[str, Any] = {"trigger_mode": "multiple"}  # the page sends one after the other by itself
        inputs = [undo, *self._controls]
        self._gallery.replay(replay, inputs, outputs, **raw, **each, **_quiet("replay"))
        self._gallery.load_preset(load_preset, inputs, outputs, **raw, **each, **_quiet("load_preset"))
        self._gallery.undo_replay(undo_replay, inputs, outputs, **raw, **each, **_quiet("undo_replay"))
        if self._controls:
            self._gallery.put_back(put_back, self._controls, self._controls, **raw, **_quiet("put_back"))

    def keeping_presets(self) -> None:
        """Wire saving the controls' settings as a preset, and noting which one the page has loaded."""
        panel, names = self._panel, list(self._panel.vocabulary.knobs)

        def save_preset(event: gr.EventData, request: gr.Request, *values: Any) -> Message:
            panel.admit(request)
            return panel.events(request).save_preset(_asked(event), dict(zip(names, values, strict=True)))

        def hold_preset(event: gr.EventData, request: gr.Request) -> None:
            panel.admit(request)
            panel.events(request).hold_preset(_asked(event))

        each: dict[str, Any] = {"trigger_mode": "multiple"}
        self._gallery.save_preset(save_preset, self._controls, self._gallery, **each, **_quiet("save_preset"))
        self._gallery.hold_preset(hold_preset, None, None, **each, **_quiet("hold_preset"))

    def again(self) -> None:
        """Wire Generate again."""
        panel = self._panel

        async def again(event: gr.EventData, request: gr.Request) -> AsyncIterator[Message]:
            panel.admit(request)
            async for message in panel.events(request).again(_asked(event), request):
                yield message

        self._gallery.again(again, None, self._gallery, **self._running("again", "again"))

    def generating(self, button: gr.Button, maker: Maker, count: Component | None) -> None:
        """Wire a button that makes one take, or as many variations as `count` says."""
        panel, names = self._panel, list(self._panel.vocabulary.knobs)
        inputs = [] if count is None else [count]

        async def generate(request: gr.Request, *values: Any) -> AsyncIterator[Message]:
            panel.admit(request)
            number = 1 if count is None else int(values[0] or 1)
            params = dict(zip(names, values[len(inputs) :], strict=True))
            async for message in panel.events(request).generate(maker, params, number, request):
                yield message

        button.click(
            generate,
            [*inputs, *self._controls],
            self._gallery,
            **self._running(maker.generator.model_id, button.elem_id or "generate"),
        )

    def _running(self, queue: str, name: str) -> dict[str, Any]:
        """Return the settings of an event that runs a generator: one at a time, progress away from the panel."""
        shown: dict[str, Any] = {"show_progress": "hidden"}
        if self._status is not None:
            shown = {"show_progress": "minimal", "show_progress_on": self._status}
        limits = {"concurrency_limit": 1, "concurrency_id": f"retake-{queue}"}
        return {**limits, **shown, "api_visibility": "private", "api_name": f"panel_{name}"}


def _quiet(name: str) -> dict[str, Any]:
    """Return the settings of an event that is quick and shows nothing."""
    hidden = {"show_progress": "hidden", "api_visibility": "private", "api_name": f"panel_{name}"}
    return {"queue": False, **hidden}


def _asked(event: gr.EventData) -> dict[str, Any]:
    """Return what the page sent with an event."""
    data = getattr(event, "_data", None)
    return dict(data) if isinstance(data, dict) else {}
