"""Values on their way to the browser: what its JSON and its numbers can hold."""

from __future__ import annotations

import math
from typing import Any

LARGEST_EXACT_INT = 2**53 - 1
LARGEST_INT_64 = 2**63 - 1
_MAX_DEPTH = 100
_MARKS = frozenset({"path", "_type", "__type__"})


def to_wire(value: Any, largest_int: int = LARGEST_EXACT_INT, depth: int = 0) -> Any:
    """Return plain JSON that arrives as it was sent.

    Whole numbers beyond `largest_int` become text, since a browser would round them; numbers that are not finite become
    `{"$number": "NaN"}` as on disk; lone surrogates, which UTF-8 cannot hold, become U+FFFD.

    >>> to_wire({"seed": 2**60, "gain": float("inf")})
    {'seed': '1152921504606846976', 'gain': {'$number': 'Infinity'}}
    """
    if depth > _MAX_DEPTH:
        return None
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) <= largest_int else big_int_text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else {"$number": number_name(value)}
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, list | tuple):
        return [to_wire(item, largest_int, depth + 1) for item in value]
    if isinstance(value, dict):
        return {to_text(str(key)): to_wire(item, largest_int, depth + 1) for key, item in value.items()}
    raise TypeError(f"{type(value).__name__} is not plain JSON")


def sendable(value: Any) -> Any:
    """Return plain JSON whose texts UTF-8 can hold, numbers as they are: for values that Gradio itself sends.

    >>> sendable({"prompt": [chr(0xD800), 2.5]}) == {"prompt": [chr(0xFFFD), 2.5]}
    True
    """
    if isinstance(value, str):
        return to_text(value)
    if isinstance(value, list | tuple):
        return [sendable(item) for item in value]
    if isinstance(value, dict):
        return {to_text(str(key)): sendable(item) for key, item in value.items()}
    return value


def harmless(value: Any) -> Any:
    """Return plain JSON in which neither Gradio nor its client sees a file to fetch or an update to make.

    They act on objects of their own shape wherever these stand in an answer, gradio_client on any with a text under
    "path"; a take's parameters are anyone's. Such keys get a `$` in front.

    >>> harmless({"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}})
    {'$path': '/etc/passwd', 'meta': {'$_type': 'gradio.FileData'}}
    """
    if isinstance(value, list):
        return [harmless(item) for item in value]
    if isinstance(value, dict):
        return {
            ("$" + key if key in _MARKS and isinstance(item, str) else key): harmless(item)
            for key, item in value.items()
        }
    return value


def to_text(text: str) -> str:
    """Return text that UTF-8 can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def number_name(number: float) -> str:
    """Return the name of a number that is not finite: NaN, Infinity or -Infinity."""
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def big_int_text(number: int) -> str:
    """Return a whole number's digits, or its size in words where it has more than Python writes."""
    try:
        return str(number)
    except ValueError:
        return f"a whole number of {number.bit_length():,} bits"
