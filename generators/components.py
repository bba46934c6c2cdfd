"""Gradio components for controls. The only module of generators that imports Gradio."""

from __future__ import annotations

import inspect
from typing import Any

import gradio as gr

from generators.controls import Control

DRAWN = "drawn each time"


def build_component(control: Control) -> Any:
    """Make the component of a control: the author's own, anew for every page, or the one of its kind."""
    shared = {
        "label": control.label,
        "info": control.info or None,
        "elem_id": f"param-{control.name}",
        "interactive": True,
    }
    if control.component is not None:
        return _remake(control, shared)
    if control.kind == "slider":
        return gr.Slider(
            control.minimum, control.maximum, value=control.default, step=control.step, buttons=[], **shared
        )
    if control.kind == "number" and control.default is not None:
        return _number_field(control, shared)
    if control.kind == "checkbox":
        return gr.Checkbox(value=bool(control.default), buttons=[], **shared)
    if control.kind == "dropdown":
        return gr.Dropdown(list(control.choices), value=control.default, buttons=[], **shared)
    return _text_field(control, shared)


def _number_field(control: Control, shared: dict[str, Any]) -> Any:
    return gr.Number(
        value=control.default,
        precision=0 if control.integer else None,
        step=control.step or (1 if control.integer else 0.1),
        minimum=control.minimum,
        maximum=control.maximum,
        buttons=[],
        **shared,
    )


def _text_field(control: Control, shared: dict[str, Any]) -> Any:
    """Make a text field; numbers that start empty and seeds are text too, since an empty `gr.Number` shows 0."""
    placeholder = {"seed": DRAWN, "number": "a whole number" if control.integer else "a number"}.get(control.kind)
    if control.kind == "text":
        return gr.Textbox(value=control.default, buttons=[], **shared)
    plain = gr.InputHTMLAttributes(autocorrect="off", spellcheck=False)
    value = None if control.default is None else str(control.default)
    return gr.Textbox(value=value, placeholder=placeholder, html_attributes=plain, buttons=[], max_lines=1, **shared)


def _remake(control: Control, shared: dict[str, Any]) -> Any:
    """Make the author's component anew, since one instance can stand on one page only."""
    given = control.component
    kind, settings = type(given), given._constructor_args[0]
    merged = {**shared, **{name: value for name, value in settings.items() if value is not None}}
    merged["elem_id"] = shared["elem_id"]
    if control.default is not None:
        merged["value"] = control.default
    merged.setdefault("buttons", [])
    merged.pop("render", None)  # the author's own stands nowhere; this one stands on the page
    known = inspect.signature(kind).parameters
    return kind(**{name: value for name, value in merged.items() if name in known})
