"""What ``Annotated`` may say about a control, without Gradio.

>>> from typing import Annotated
>>> def drone(brightness: Annotated[float, Range(-5, 5, 0.1), Group("Timbre"), Help("More high partials.")] = 0): ...
>>> from generators.signature import controls_of
>>> [control] = controls_of(drone)
>>> control.kind, control.minimum, control.maximum, control.group, control.info
('slider', -5, 5, 'Timbre', 'More high partials.')
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """Make a number a slider from minimum to maximum; `random` lets "Surprise me" set it."""

    minimum: float
    maximum: float
    step: float | None = None
    random: bool = True


@dataclass(frozen=True, init=False)
class Choice:
    """Make a value a dropdown of these values, each plain or as a pair (label, value)."""

    choices: tuple[tuple[str, str | int | float], ...]

    def __init__(self, *values: str | int | float | tuple[str, str | int | float]) -> None:
        pairs = tuple(value if isinstance(value, tuple) else (str(value), value) for value in values)
        object.__setattr__(self, "choices", pairs)


@dataclass(frozen=True)
class Group:
    """Put a control under this heading."""

    name: str


@dataclass(frozen=True)
class Label:
    """Name a control otherwise than its parameter."""

    text: str


@dataclass(frozen=True)
class Help:
    """Say in a sentence what a control does."""

    text: str
