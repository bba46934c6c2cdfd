"""The sounds in what a host's function returned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from generators import GeneratorError, Sound, as_sounds


def find_sounds(returned: Any, audio: tuple[int, ...] | None = None, seed: int | None = None) -> list[Sound]:
    """Return the sounds in what an event function returned: one output, several, or a dict by component.

    Nothing is raised: outputs without a sound, such as a status text, hold none.
    """
    outputs = list(returned.values()) if _is_by_component(returned) else returned
    outputs = [_value_of(one) for one in outputs] if isinstance(outputs, list | tuple) else _value_of(outputs)
    try:
        chosen = outputs if audio is None else [outputs[position] for position in audio]
        sounds = as_sounds(chosen)
        drawn = None if seed is None else int(outputs[seed])
    except (GeneratorError, TypeError, ValueError, LookupError):
        return []
    return sounds if drawn is None else [replace(sound, seed=drawn) for sound in sounds]


def _is_by_component(returned: Any) -> bool:
    return isinstance(returned, dict) and bool(returned) and not any(isinstance(key, str) for key in returned)


def _value_of(output: Any) -> Any:
    """Return the value in a component that a function returned to update one (`gr.Audio(path)`)."""
    settings = getattr(output, "constructor_args", None)
    if getattr(output, "_is_component_update", False):
        settings = vars(output)
    return settings.get("value") if isinstance(settings, dict) else output
