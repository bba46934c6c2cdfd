"""JSON values: what a snapshot may hold, and how it is written so that it reads back equal."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any, TypeAlias

import msgspec
import numpy as np

from store.errors import InvalidEntry, shown

Json: TypeAlias = Any
"""None, bool, int, float (non-finite too), str, and lists and str-keyed dicts of these."""

MAX_DEPTH = 100
_MAX_DEPTH_WRITTEN = MAX_DEPTH + 10  # an entry and its line stand around a value, and more may come
MAX_BYTES = 16 * 2**20
MAX_LISTS = 1_000_000  # and objects: an empty one takes three bytes of JSON and ninety of memory
_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_ESCAPE = "$number"
_OUTER = frozenset({list, dict})
_NO_JSON = (msgspec.MsgspecError, ValueError, TypeError, RecursionError)
_encoder, _decoder = msgspec.json.Encoder(), msgspec.json.Decoder()


def plain(value: object, field: str, depth: int = 0) -> Json:
    """Return `value` as plain lists, dicts, strings, numbers, booleans and None.

    NumPy scalars and arrays become numbers and lists; a float32 becomes the shortest decimal that reads back as that
    float32. Raises `InvalidEntry`, naming `field`, for anything JSON cannot hold or that nests deeper than 100 levels.
    """
    if depth > MAX_DEPTH:
        raise InvalidEntry(field, f"nests deeper than {MAX_DEPTH} levels")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, np.generic | np.ndarray):
        return _from_numpy(value, field, depth)
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, list | tuple):
        return [plain(item, field, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_key(key, field): plain(item, field, depth + 1) for key, item in value.items()}
    raise InvalidEntry(field, f"holds a {type(value).__name__}, which JSON cannot hold")


def _key(key: object, field: str) -> str:
    if isinstance(key, str):
        return str(key)
    raise InvalidEntry(field, f"has the key {shown(key)}; keys must be text")


def _from_numpy(value: np.generic | np.ndarray, field: str, depth: int) -> Json:
    if value.dtype.kind not in "bifuU":
        raise InvalidEntry(field, f"holds NumPy data of type {value.dtype}, which JSON cannot hold")
    if value.dtype.kind == "f" and value.dtype.itemsize < 8:
        return _map_floats(np.asarray(value).astype(str).tolist())
    return plain(value.tolist(), field, depth)


def _map_floats(nested: Any) -> Json:
    return [_map_floats(item) for item in nested] if isinstance(nested, list) else float(nested)


def encode(value: Json) -> Json:
    """Return `value` with non-finite numbers written as `{"$number": "NaN"}`, and look-alikes escaped by another `$`."""
    if isinstance(value, float) and not math.isfinite(value):
        return {_ESCAPE: "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"}
    if isinstance(value, list):
        return [encode(item) for item in value]
    if isinstance(value, dict):
        encoded = {key: encode(item) for key, item in value.items()}
        return _rename_only_key(encoded, add=True)
    return value


def decode(value: Json) -> Json:
    """Undo `encode`."""
    if isinstance(value, list):
        return [decode(item) for item in value]
    if isinstance(value, dict):
        if len(value) == 1 and isinstance(value.get(_ESCAPE), str) and value[_ESCAPE] in _NUMBERS:
            return _NUMBERS[value[_ESCAPE]]
        return _rename_only_key({key: decode(item) for key, item in value.items()}, add=False)
    return value


def _rename_only_key(value: dict[str, Json], add: bool) -> dict[str, Json]:
    if len(value) != 1:
        return value
    (key,) = value
    if key.lstrip("$") != "number" or not key.startswith("$" if add else "$$"):
        return value
    return {"$" + key if add else key[1:]: value[key]}


def dumps(value: Json, ascii_only: bool = False) -> bytes:
    """Write plain JSON `value` on one line; UTF-8 where the text allows it, ASCII where it holds lone surrogates.

    Raises `InvalidEntry` for numbers that Python will not write (over 4,300 digits) and what nests too deep to be read.
    """
    data = _dumps_quickly(value)
    if (data is None or brackets(data) > _MAX_DEPTH_WRITTEN) and nests_deeper(value, _MAX_DEPTH_WRITTEN):
        raise InvalidEntry("entry", f"nests deeper than {MAX_DEPTH} levels")
    if data is None or (ascii_only and not data.isascii()):
        data = _dumps_anything(value, ascii_only)
    return data


def _dumps_quickly(value: Json) -> bytes | None:
    """Write `value` by msgspec, seven times as fast; None for what does not read back equal without our escapes.

    It writes null for numbers that are not finite, and takes things that are no JSON.
    """
    try:
        data = _encoder.encode(value)
        return None if b'"$' in data or _decoder.decode(data) != value else data
    except _NO_JSON:
        return None


def _dumps_anything(value: Json, ascii_only: bool) -> bytes:
    try:
        text = json.dumps(encode(value), ensure_ascii=ascii_only, allow_nan=False, separators=(",", ":"))
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _dumps_anything(value, ascii_only=True)
    except ValueError as error:
        raise InvalidEntry("entry", f"cannot be written as JSON: {error}") from error


def loads(data: bytes | str) -> Json:
    """Read what `dumps` wrote. Raises `ValueError` for anything that is not JSON or nests deeper than `dumps` writes."""
    value = _parsed(data)
    if brackets(data) > _MAX_DEPTH_WRITTEN and nests_deeper(value, _MAX_DEPTH_WRITTEN + 1):
        raise ValueError("nests too deep")
    mark: Any = b'"$' if isinstance(data, bytes) else '"$'
    return decode(value) if mark in data else value


def _parsed(data: bytes | str) -> Json:
    """Parse by msgspec, four times as fast, which reads the same values; it refuses lone surrogates and numbers over 1e308."""
    try:
        return _decoder.decode(data)
    except _NO_JSON:
        pass
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nests too deep") from error


def is_surely_shorter(value: Json | msgspec.Struct, size_bytes: int) -> bool:
    """Say whether `value` takes less than `size_bytes` of ASCII JSON, cheaply; False where that is not sure."""
    try:
        return 6 * len(_encoder.encode(value)) < size_bytes  # one byte becomes six at most, and null an escape of 23
    except _NO_JSON:
        return False


def is_plain(data: bytes) -> bool:
    """Say whether JSON surely needs nothing but a parser: none of our escapes, no depth to be counted."""
    return b'"$' not in data and brackets(data) <= _MAX_DEPTH_WRITTEN


def brackets(data: bytes | str) -> int:
    """Count what could begin a list or an object: nearly always so few that a value need not be walked through."""
    if isinstance(data, bytes):
        return data.count(b"[") + data.count(b"{")
    return data.count("[") + data.count("{")


def nests_deeper(value: Json, levels: int) -> bool:
    """Say whether lists and objects stand in each other more than so many levels deep; takes no stack for it."""
    level = [value] if type(value) in _OUTER else []
    for _ in range(levels):
        level = [item for outer in level for item in _items(outer) if type(item) in _OUTER]
        if not level:
            return False
    return bool(level)


def _items(outer: Json) -> Iterable[Json]:
    return outer.values() if isinstance(outer, dict) else outer
