"""What two takes were asked for differently: their parameters, sliders and seed, and only what differs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from store.values import Json

LONGEST_LIST = 64
"""A longer list is told as one thing: nobody reads a latent vector number by number."""


class Settings(Protocol):
    """What a take and a preset have in common."""

    @property
    def params(self) -> Json: ...
    @property
    def slider_positions(self) -> Json: ...
    @property
    def seed(self) -> int | None: ...


@dataclass(frozen=True)
class Difference:
    """One parameter that is not the same: its name, flattened, and both values; which of the two has it, if only one."""

    name: str
    a: Json
    b: Json
    only_in: str | None = None


def differences(a: Settings, b: Settings) -> tuple[Difference, ...]:
    """Return what differs between the settings of two takes (or presets), in the order of the first one's parameters.

    Names are flattened: `reverb.size`, `bands[2]`, `slider_positions[0]`. The seed is the one that made the sound.

    >>> from store import Preset
    >>> one = Preset(preset_id="1", name="A", model_id="m", model_name="M", params={"room": {"size": 3, "wet": 1}})
    >>> other = Preset(preset_id="2", name="B", model_id="m", model_name="M", params={"room": {"size": 5, "wet": 1}})
    >>> differences(one, other)
    (Difference(name='room.size', a=3, b=5, only_in=None),)
    """
    found: list[Difference] = []
    _compare("", _settings_of(a), _settings_of(b), found)
    return tuple(found)


def _settings_of(settings: Settings) -> dict[str, Json]:
    params = {} if settings.params is None else settings.params
    params = params if isinstance(params, dict) else {"params": params}
    seed = {} if settings.seed is None else {"seed": settings.seed}
    return {**params, **seed, "slider_positions": settings.slider_positions}


def _compare(name: str, a: Json, b: Json, found: list[Difference]) -> None:
    if _same(a, b):
        return
    if isinstance(a, dict) and isinstance(b, dict):
        for key in dict.fromkeys([*a, *b]):
            inner = f"{name}.{key}" if name else key
            if key in a and key in b:
                _compare(inner, a[key], b[key], found)
            else:
                found.append(Difference(inner, a.get(key), b.get(key), "a" if key in a else "b"))
    elif isinstance(a, list) and isinstance(b, list) and len(a) == len(b) <= LONGEST_LIST:
        for number, (one, other) in enumerate(zip(a, b, strict=True)):
            _compare(f"{name}[{number}]", one, other, found)
    else:
        found.append(Difference(name, a, b))


def _same(a: Json, b: Json) -> bool:
    """Say whether two values are the same: 1 and 1.0 are, 1 and true are not, and NaN is the same as NaN."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float) and isinstance(b, float) and math.isnan(a) and math.isnan(b):
        return True
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)
