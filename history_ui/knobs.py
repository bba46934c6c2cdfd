"""What a page can set: each control by its parameter's name, and how a stored value is brought back into it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gradio import components
from gradio.components.base import Component
from gradio.data_classes import FileData, GradioModel, GradioRootModel
from gradio.exceptions import Error as GradioError

from generators import Control, Fitted
from history_ui.wire import sendable
from history_ui.words import humanise, number_text, value_text

FLAGGED = "$gradio"
"""The key of a value that only its component can read back: `{"$gradio": "<what Component.flag() wrote>"}`."""


@dataclass(frozen=True)
class Knob:
    """One control: its parameter, its component, and the generator's `Control` where the page was built from one."""

    name: str
    component: Component
    control: Control | None = None

    @property
    def label(self) -> str:
        """The label as the user sees it."""
        label = self.control.label if self.control else self.component.label
        return str(label) if label else humanise(self.name)

    @property
    def minimum(self) -> float | None:
        """The smallest value, where there is one."""
        return self.control.minimum if self.control else getattr(self.component, "minimum", None)

    @property
    def maximum(self) -> float | None:
        """The largest value, where there is one."""
        return self.control.maximum if self.control else getattr(self.component, "maximum", None)

    @property
    def default(self) -> Any:
        """The value the page opens with."""
        return self.control.default if self.control else self.component.value

    @property
    def step(self) -> float | None:
        """The step, where there is one."""
        return self.control.step if self.control else getattr(self.component, "step", None)

    @property
    def is_slider(self) -> bool:
        """Whether the values lie on a slider."""
        return isinstance(self.component, components.Slider)

    def text(self, value: Any) -> str:
        """Write a value as this control shows it.

        A slider around zero shows signs and the decimals of its step, a length its unit, a choice its label.
        """
        if is_flagged(value):
            return f"a {type(self.component).__name__.lower()}"
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self._choice_text(value)
        if not self.is_slider or self.minimum is None or self.maximum is None:
            return self._choice_text(value)
        if self.minimum < 0 < self.maximum:
            return number_text(value, _decimals(self.step), signed=True)
        return number_text(value) + self._unit()

    def _unit(self) -> str:
        in_seconds = self.name == "duration" or self.name.endswith("_s")
        return " s" if in_seconds and "(" not in self.label else ""

    def _choice_text(self, value: Any) -> str:
        choices = self.control.choices if self.control else getattr(self.component, "choices", None)
        for choice in choices or ():
            if isinstance(choice, tuple) and choice[1] == value and type(choice[1]) is type(value):
                return str(choice[0])
        return value_text(value)

    def fit(self, value: Any) -> Fitted:
        """Bring a stored value to the nearest this control takes; `ok` is False where nothing of it fits."""
        if is_flagged(value):
            return self._read_flagged(value[FLAGGED])
        return self.control.fit(value) if self.control else fit_component(self.component, value)

    def _read_flagged(self, text: str) -> Fitted:
        try:
            return Fitted(Payload(self.component.read_from_flag(text)))
        except (ValueError, TypeError, KeyError, OSError) as error:
            return Fitted(None, ok=False, reason=f"{self.label} cannot be read back: {error}")

    def revive(self, value: Any) -> Any:
        """Return what the function gets for a value that only its component can read."""
        data = self.component.read_from_flag(value[FLAGGED]) if is_flagged(value) else value
        return self.component.preprocess(data)

    def payload(self, value: Any) -> Any:
        """Return what the browser gets for a fitted value."""
        if isinstance(value, Payload):
            value = value.data
        else:
            if self.control is not None and self.control.kind == "seed":
                value = None if value is None else str(value)
            value = postprocessed(self.component, value)
        return sendable(value.model_dump() if isinstance(value, GradioModel | GradioRootModel) else value)


@dataclass(frozen=True)
class Payload:
    """A value that already is what the browser gets."""

    data: Any


def is_flagged(value: Any) -> bool:
    """Whether a stored value is one that only its component can read."""
    return isinstance(value, dict) and len(value) == 1 and isinstance(value.get(FLAGGED), str)


def _decimals(step: float | None) -> int | None:
    if step is None or step <= 0:
        return None
    text = f"{step:.6f}".rstrip("0")
    return len(text.partition(".")[2])


def fit_component(component: Component, value: Any) -> Fitted:
    """Bring a value to the nearest that a component of any kind takes."""
    if isinstance(component, components.Slider | components.Number):
        return _fit_number(component, value)
    if isinstance(component, components.Dropdown | components.Radio):
        return _fit_choice(component, value)
    if isinstance(component, components.CheckboxGroup):
        return _fit_choices(component, value)
    if isinstance(component, components.Checkbox):
        return Fitted(value) if isinstance(value, bool) else Fitted(None, ok=False, reason="It is not on or off.")
    if isinstance(component, components.Textbox):
        return Fitted(value) if value is None or isinstance(value, str) else Fitted(value_text(value))
    return _fit_any(component, value)


def _fit_any(component: Component, value: Any) -> Fitted:
    """Take a value that the component itself takes; of files only those that are still there, never an address."""
    model = getattr(component, "data_model", None)
    if isinstance(value, str) and isinstance(model, type) and issubclass(model, FileData) and not Path(value).is_file():
        return Fitted(None, ok=False, reason="The file is not there any more.")
    try:
        postprocessed(component, value)
    except (ValueError, TypeError, KeyError, AttributeError, OSError, GradioError) as error:
        return Fitted(None, ok=False, reason=str(error))
    return Fitted(value)


def _fit_number(component: components.Slider | components.Number, value: Any) -> Fitted:
    if value is None and isinstance(component, components.Number):
        return Fitted(None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return Fitted(None, ok=False, reason="It is not a number.")
    low = value if component.minimum is None else max(value, component.minimum)
    fitted = low if component.maximum is None else min(low, component.maximum)
    return Fitted(fitted, clamped=fitted != value, reason="" if fitted == value else "It is out of range.")


def _fit_choice(component: components.Dropdown | components.Radio, value: Any) -> Fitted:
    if isinstance(value, list):
        return _fit_choices(component, value)
    values = [choice[1] for choice in component.choices]
    if component.type == "index" and isinstance(value, int) and not isinstance(value, bool):
        inside = 0 <= value < len(values)
        return Fitted(values[value]) if inside else Fitted(None, ok=False, reason="There is no such choice.")
    if value is None or value in values or getattr(component, "allow_custom_value", False):
        return Fitted(value)
    return Fitted(None, ok=False, reason="There is no such choice.")


def _fit_choices(component: Any, value: Any) -> Fitted:
    if not isinstance(value, list):
        return Fitted(None, ok=False, reason="It is not a list of choices.")
    values = [choice[1] for choice in component.choices]
    if component.type == "index":
        value = [values[item] for item in value if isinstance(item, int) and 0 <= item < len(values)]
    if getattr(component, "allow_custom_value", False):
        return Fitted(value)
    known = [item for item in value if item in values]
    return Fitted(known, clamped=known != value, reason="" if known == value else "Some choices are gone.")


def postprocessed(component: Component, value: Any) -> Any:
    """Return what a component makes of a function's value. Raises whatever the component does."""
    process: Any = component.postprocess
    return process(value)


def flagged(component: Component, value: Any) -> dict[str, str] | None:
    """Store a value through its component's own contract, `Component.flag`; None where that cannot be."""
    try:
        payload = postprocessed(component, value)
        data = payload.model_dump() if isinstance(payload, GradioModel | GradioRootModel) else payload
        if "path" in json.dumps(data):  # a file: flag() would copy it to a folder, which is the store's business
            return None
        return {FLAGGED: component.flag(data)}
    except (ValueError, TypeError, KeyError, OSError, AttributeError):
        return None


def knobs_of(
    controls: Mapping[str, Component], generator_controls: Mapping[str, Control] | None = None
) -> dict[str, Knob]:
    """Pair each named component with the generator's control of that name, where there is one."""
    known = generator_controls or {}
    return {name: Knob(name, component, known.get(name)) for name, component in controls.items()}
