"""Seeds in a snapshot: the one that was drawn, and the switch that had it drawn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

RANDOM_SWITCHES = frozenset({"random_seed", "randomize_seed", "randomise_seed", "use_random_seed", "seed_random"})


def seed_of(params: Mapping[str, Any]) -> int | None:
    """Return the seed that a snapshot names; None where it was left to be drawn.

    >>> seed_of({"seed": "7"}), seed_of({"seed": -1})
    (7, None)
    """
    value = params.get("seed")
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, float) and not value.is_integer():
        return None
    try:
        seed = int(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return seed if seed >= 0 else None


def resolved(params: Mapping[str, Any], seed: int | None) -> dict[str, Any]:
    """Return a snapshot that makes the same again: the drawn seed in its place, "random seed" switches off.

    >>> resolved({"text": "hi", "seed": -1, "randomize_seed": True}, 48213)
    {'text': 'hi', 'seed': 48213, 'randomize_seed': False}
    """
    settled = dict(params)
    if seed is None:
        return settled
    if "seed" in settled:
        settled["seed"] = seed
    for name in RANDOM_SWITCHES & settled.keys():
        if settled[name] is True:
            settled[name] = False
    return settled
