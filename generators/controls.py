"""Controls: what a user can set on a generator, and the values each of them takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from generators.errors import GeneratorError
from generators.seeds import is_unresolved, read_seed, resolve_seed

Kind = Literal["slider", "number", "text", "checkbox", "dropdown", "seed", "component"]
Choices = tuple[tuple[str, Any], ...]


@dataclass(frozen=True)
class Fitted:
    """A value made to fit a control: `clamped` when it had to be changed, not `ok` when nothing of it fits."""

    value: Any
    clamped: bool = False
    ok: bool = True
    reason: str = ""


@dataclass(frozen=True)
class Control:
    """One parameter of a generator as a user sees it.

    `choices` are pairs (label, value). `default` is None for a control that starts empty; `required` ones must then be
    filled. `component` is the Gradio component the author gave, if any. `random` says that "Surprise me" may set it.

    >>> speed = Control("speed", "Speed", "slider", default=175, minimum=80, maximum=450, step=1, integer=True)
    >>> speed.fit(9000)
    Fitted(value=450, clamped=True, ok=True, reason='Speed must be from 80 to 450.')
    >>> speed.parse("200")
    200
    """

    name: str
    label: str
    kind: Kind
    default: Any = None
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    choices: Choices = ()
    info: str = ""
    group: str = ""
    random: bool = False
    component: Any = None
    integer: bool = False
    optional: bool = False
    required: bool = False

    def fit(self, value: Any) -> Fitted:
        """Bring any value, as from an old snapshot, to the nearest that this control takes; never raises."""
        if self.kind == "seed":
            return self._fit_seed(value)
        if value is None or (value == "" and isinstance(value, str)):
            return self._fit_empty()
        if self.kind in ("slider", "number"):
            return self._fit_number(value)
        if self.kind == "checkbox":
            return self._fit_checkbox(value)
        if self.kind == "dropdown":
            return self._fit_dropdown(value)
        if self.kind == "text":
            return self._fit_text(value)
        return Fitted(value)

    def parse(self, value: Any) -> Any:
        """Return the value to hand to the function; an unresolved seed is drawn here.

        Raises
        ------
        GeneratorError
            With a sentence for the user, when the value is missing, out of range or of another type.
        """
        fitted = self.fit(value)
        if fitted.clamped or not fitted.ok:
            raise GeneratorError("", fitted.reason)
        return resolve_seed(fitted.value) if self.kind == "seed" else fitted.value

    def _fit_seed(self, value: Any) -> Fitted:
        if is_unresolved(value):
            return Fitted(None)
        try:
            return Fitted(read_seed(value))
        except ValueError as error:
            return Fitted(self.default, ok=False, reason=str(error))

    def _fit_empty(self) -> Fitted:
        if self.optional or self.kind == "component":
            return Fitted(None)
        if self.kind == "text" and not self.required:
            return Fitted("")
        wanted = {"dropdown": "chosen", "checkbox": "on or off"}.get(self.kind, "filled in")
        return self._misfit(f"{self.label} must be {wanted}.")

    def _fit_number(self, value: Any) -> Fitted:
        wanted = "a whole number" if self.integer else "a number"
        number = _number(value)
        if number is None:
            return self._misfit(f"{self.label} must be {wanted}.")
        low = number if self.minimum is None else max(number, self.minimum)
        fitted = low if self.maximum is None else min(low, self.maximum)
        if fitted != number:
            return Fitted(self._cast(fitted), clamped=True, reason=f"{self.label} must be {self._range()}.")
        if self.integer and fitted != int(fitted):
            return Fitted(round(fitted), clamped=True, reason=f"{self.label} must be {wanted}.")
        return Fitted(self._cast(fitted))

    def _fit_checkbox(self, value: Any) -> Fitted:
        words = {"true": True, "false": False, "1": True, "0": False}
        state = words.get(str(value).lower())
        return self._misfit(f"{self.label} must be on or off.") if state is None else Fitted(state)

    def _fit_dropdown(self, value: Any) -> Fitted:
        values = [choice for _, choice in self.choices]
        if isinstance(value, list):  # a dropdown of several choices, which only a Gradio component can be
            known = [item for item in value if item in values]
            return Fitted(known) if known == value else Fitted(known, True, True, f"{self.label} has no such choice.")
        for choice in values:
            if choice == value or str(choice) == str(value):
                return Fitted(choice)
        return self._misfit(f"{self.label} has no choice “{value}”.")

    def _fit_text(self, value: Any) -> Fitted:
        if isinstance(value, (str, int, float)):
            return Fitted(str(value))
        return self._misfit(f"{self.label} must be text.")

    def _misfit(self, reason: str) -> Fitted:
        return Fitted(self.default, ok=False, reason=reason)

    def _cast(self, number: float) -> float:
        return (
            int(number) if self.integer and number == int(number) else (float(number) if not self.integer else number)
        )

    def _range(self) -> str:
        if self.minimum is None:
            return f"at most {self.maximum:g}"
        if self.maximum is None:
            return f"at least {self.minimum:g}"
        return f"from {self.minimum:g} to {self.maximum:g}"


def _number(value: Any) -> float | None:
    """Read a finite number from a number or its text; None where there is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    if isinstance(value, bool) or not math.isfinite(number):
        return None
    return value if isinstance(value, int) else number


def build(control: Control) -> Any:
    """Make the Gradio component of a control, inside the `gr.Blocks` being built.

    Its ``elem_id`` is ``param-<name>``. Gradio is imported here, and only here.
    """
    from generators.components import build_component

    return build_component(control)
