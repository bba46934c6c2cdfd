"""Seeds: what a user may write in a seed field, and drawing one."""

from __future__ import annotations

import secrets

from generators.errors import GeneratorError

DRAWN_BELOW = 2**31
LARGEST_SEED = 2**53 - 1  # what a browser still shows exactly


def is_unresolved(value: object) -> bool:
    """Tell whether a seed is left to be drawn: empty, None or -1.

    >>> [is_unresolved(value) for value in (None, " ", -1, "-1", -1.0, 0, "7")]
    [True, True, True, True, True, False, False]
    """
    if value is None or (isinstance(value, str) and value.strip() in ("", "-1")):
        return True
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == -1


def read_seed(value: object) -> int:
    """Read a seed that is not left to be drawn.

    Raises
    ------
    ValueError
        With a sentence for the user, unless it is a whole number from 0 to 2**53 - 1.
    """
    sentence = f"Seed must be a whole number from 0 to {LARGEST_SEED}, or empty to draw one."
    try:
        number = int(str(value).strip().removesuffix(".0"))
    except ValueError:
        raise ValueError(sentence) from None
    if not 0 <= number <= LARGEST_SEED:
        raise ValueError(sentence)
    return number


def resolve_seed(value: object) -> int:
    """Return the given seed, or draw one in [0, 2**31) where it is empty, None or -1.

    Raises
    ------
    GeneratorError
        When it is anything else than a whole number from 0 to 2**53 - 1.

    >>> resolve_seed("48213")
    48213
    >>> 0 <= resolve_seed(-1) < 2**31
    True
    """
    if is_unresolved(value):
        return secrets.randbelow(DRAWN_BELOW)
    try:
        return read_seed(value)
    except ValueError as error:
        raise GeneratorError("", str(error)) from None
