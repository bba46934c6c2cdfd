"""The values of a call as plain JSON, so that they can be kept and put back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from history_ui.knobs import Knob, flagged
from store import HistoryError
from store.values import plain

_LARGEST_ARRAY = 1024


def snapshot(values: Mapping[str, Any], knobs: Mapping[str, Knob]) -> dict[str, Any]:
    """Return every value as plain JSON; what JSON cannot hold goes through its component, or is only described.

    Never raises: a snapshot with one value missing is better than none.
    """
    return {name: _plain(value, knobs.get(name)) for name, value in values.items()}


def _plain(value: Any, knob: Knob | None) -> Any:
    if isinstance(value, Path):
        return str(value)
    if not (isinstance(value, np.ndarray) and value.size > _LARGEST_ARRAY):
        try:
            return plain(value, "params")
        except HistoryError:
            pass
    kept = flagged(knob.component, value) if knob is not None else None
    return kept if kept is not None else describe(value)


def describe(value: Any) -> dict[str, Any]:
    """Say what a value was that cannot be kept: its type, and for arrays their shape.

    >>> describe(np.zeros((3, 2), np.float32))
    {'$not_kept': 'ndarray', 'shape': [3, 2], 'dtype': 'float32'}
    """
    described: dict[str, Any] = {"$not_kept": type(value).__name__}
    if isinstance(value, np.ndarray):
        described |= {"shape": list(value.shape), "dtype": str(value.dtype)}
    return described


def is_kept(value: Any) -> bool:
    """Whether a stored value is the value, and not only a description of it.

    >>> is_kept({"$not_kept": "ndarray"}), is_kept({"a": 1})
    (False, True)
    """
    return not (isinstance(value, dict) and "$not_kept" in value)
