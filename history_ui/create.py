"""The Create column: a generator's controls, and the buttons that make takes."""

from __future__ import annotations

import html
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import gradio as gr
from gradio.components.base import Component

from generators import Control, Generator
from generators.controls import build
from history_ui.events import MOST_VARIATIONS

LAST_GROUP = "Take"
FIRST_GROUP = "Settings"
_VARIATIONS = 4
_QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_visibility": "private"}

_HEAD = """
<h1 class="wordmark"><span data-mark aria-hidden="true"></span>Retake</h1>
<button type="button" data-action="theme" aria-label="Theme"></button>
<button type="button" data-action="help" aria-label="Help and keyboard shortcuts"></button>
"""  # the page's script puts the mark and the icons in


class CreateColumn:
    """The column as components, by what they are for; made inside the `gr.Blocks` being built.

    `controls` are the generator's, by parameter; `generate` and `variations` are the buttons, `count` says how many
    variations (both None for a generator without a seed), `status` is where progress and the generator's errors are
    shown. `above` makes what stands between the head and the controls.
    """

    def __init__(self, generator: Generator, above: Callable[[], object] | None = None) -> None:
        self.controls: dict[str, Component] = {}
        self.count: gr.Slider | None = None
        self.variations: gr.Button | None = None
        self._generator = generator
        self._start = next(iter(generator.presets), None)
        with gr.Column(elem_id="create"):
            gr.HTML(_HEAD, elem_id="create-head")
            if above is not None:
                above()
            with gr.Column(elem_id="create-controls"):
                self._build_controls()
            with gr.Column(elem_id="create-actions"):
                self.status = gr.HTML("", elem_id="create-status")
                self.generate = gr.Button("Generate", elem_id="generate", variant="primary")
                with gr.Row(elem_id="create-more"):
                    surprise = gr.Button("Surprise me", elem_id="surprise") if self._randoms() else None
                    if self.count is not None:
                        self.variations = gr.Button(f"{_VARIATIONS} variations", elem_id="variations")
        self.controls = {control.name: self.controls[control.name] for control in generator.controls}
        self._wire_surprise(surprise)

    def _build_controls(self) -> None:
        for name, controls in grouped(self._generator.controls):
            with gr.Column(elem_classes=["control-group"]):
                gr.HTML(f'<h2 class="group-title">{html.escape(name)}</h2>')
                for control in controls:
                    self.controls[control.name] = build(self._opening(control))
                if name == LAST_GROUP and self._is_seeded():
                    self.count = self._build_count()

    def _is_seeded(self) -> bool:
        """Whether takes with the same settings differ: without a seed there are no variations to make."""
        return any(control.kind == "seed" or control.name == "seed" for control in self._generator.controls)

    def _build_count(self) -> gr.Slider:
        label, elem_id = "Variations", "variations-count"
        return gr.Slider(1, MOST_VARIATIONS, _VARIATIONS, step=1, label=label, elem_id=elem_id, buttons=[])

    def _opening(self, control: Control) -> Control:
        """Return the control as the page opens: at the first starting point's value, where that names one."""
        return control_at(control, self._generator.presets[self._start]) if self._start is not None else control

    def _randoms(self) -> list[str]:
        return [control.name for control in self._generator.controls if control.random]

    def _wire_surprise(self, button: gr.Button | None) -> None:
        if button is None:
            return
        names = self._randoms()
        outputs: list[Component] = [self.controls[name] for name in names]

        def surprise() -> Any:
            drawn = self._generator.surprise(random.Random())  # noqa: S311 - a game of dice, not a secret
            values = [drawn[name] for name in names]
            return values if len(values) > 1 else values[0]

        button.click(surprise, None, outputs, api_name="panel_surprise", **_QUIET)


def grouped(controls: tuple[Control, ...]) -> Iterator[tuple[str, list[Control]]]:
    """Return the controls by group, in the order of the groups' first controls; "Take", with the seed, comes last.

    >>> tone, seed = Control("tone", "Tone", "slider", minimum=0, maximum=1), Control("seed", "Seed", "seed")
    >>> [(name, [control.name for control in some]) for name, some in grouped((seed, tone))]
    [('Settings', ['tone']), ('Take', ['seed'])]
    """
    names = [_group(control) for control in controls]
    order = [name for name in dict.fromkeys(names) if name != LAST_GROUP] + [LAST_GROUP] * (LAST_GROUP in names)
    for name in order:
        yield name, [control for control in controls if _group(control) == name]


def _group(control: Control) -> str:
    is_seed = control.kind == "seed" or control.name == "seed"
    return LAST_GROUP if is_seed else control.group or FIRST_GROUP


def control_at(control: Control, values: Mapping[str, Any]) -> Control:
    """Return a control whose default is what these values say."""
    return replace(control, default=values[control.name]) if control.name in values else control
