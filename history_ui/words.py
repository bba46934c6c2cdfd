"""Numbers, sizes, lengths and paths as people read them."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path
from typing import Any

from history_ui.wire import big_int_text, number_name, to_text

MINUS = "\u2212"
_VALUE_CHARACTERS = 10_000
_NESTED_CHARACTERS = 500


def humanise(name: str) -> str:
    """Turn a parameter's name into a label.

    >>> humanise("spatial_width"), humanise("glass-bell"), humanise("Text to speak")
    ('Spatial width', 'Glass bell', 'Text to speak')
    """
    text = to_text(name).replace("_", " ").replace("-", " ").strip() or to_text(name)
    return text[:1].upper() + text[1:]


def cut(text: str, characters: int) -> str:
    """Return one line of at most so many characters, with an ellipsis where something is missing.

    >>> cut("The kettle is on\\nand singing", 12)
    'The kettle…'
    """
    line = " ".join(text.split())
    return line if len(line) <= characters else line[: characters - 1].rstrip(" ,.;:") + "…"


def number_text(value: float, decimals: int | None = None, signed: bool = False) -> str:
    """Write a number with a real minus sign, as few decimals as it needs, and a plus where `signed`.

    >>> number_text(-1.5), number_text(3, 1, signed=True), number_text(0.1 + 0.2)
    ('−1.5', '+3.0', '0.3')
    """
    if isinstance(value, float) and not math.isfinite(value):
        return number_name(value)
    if isinstance(value, int) and decimals is None:
        text = big_int_text(abs(value))
    elif decimals is not None and abs(value) < 1e15:
        text = f"{abs(value):.{decimals}f}"
    else:
        text = f"{abs(value):.6g}"
    if float(text.split()[0]) == 0 if text[0].isdigit() else False:
        return text
    return (MINUS if value < 0 else "+" if signed else "") + text


def value_text(value: Any) -> str:
    """Write any JSON value of a snapshot in words."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | float):
        return number_text(value)
    if isinstance(value, str):
        return to_text(value[:_VALUE_CHARACTERS]) + ("…" if len(value) > _VALUE_CHARACTERS else "")
    try:
        return cut(to_text(json.dumps(value, ensure_ascii=False)), _NESTED_CHARACTERS)
    except ValueError:
        return f"{len(value)} values"


def size_text(size_bytes: int) -> str:
    """Write a size in the units of a file manager.

    >>> size_text(2_304_044), size_text(512), size_text(3_600_000_000)
    ('2.3 MB', '512 bytes', '3.6 GB')
    """
    if size_bytes < 1000:
        return f"{size_bytes} bytes"
    size = float(size_bytes)
    for unit in ("KB", "MB", "GB", "TB"):
        size /= 1000
        if size < 999.95 or unit == "TB":
            break
    return f"{size:.0f} {unit}" if size >= 99.95 else f"{size:.1f} {unit}"


def length_text(duration_s: float) -> str:
    """Write a length in seconds, or in minutes and seconds from a minute on.

    >>> length_text(8.25), length_text(75)
    ('8.25 s', '1:15')
    """
    if duration_s < 60:
        return f"{duration_s:.2f}".rstrip("0").rstrip(".") + " s"
    minutes, seconds = divmod(round(duration_s), 60)
    return f"{minutes}:{seconds:02d}"


def rate_text(sample_rate: int) -> str:
    """Write a sample rate.

    >>> rate_text(44_100)
    '44.1 kHz'
    """
    return f"{sample_rate / 1000:.3f}".rstrip("0").rstrip(".") + " kHz"


def channels_text(channels: int) -> str:
    """Write a number of channels."""
    return {1: "mono", 2: "stereo"}.get(channels, f"{channels} channels")


def date_text(time_s: float) -> str:
    """Write a moment (POSIX seconds) in this machine's time zone; empty where there is none."""
    if not time_s:
        return ""
    try:
        moment = datetime.fromtimestamp(time_s).astimezone()
    except (OverflowError, OSError, ValueError):
        return ""
    return f"{moment:%A}, {moment.day} {moment:%B %Y, %H:%M:%S}"


def path_text(path: Path) -> str:
    """Write a folder's path with ~ for the home folder."""
    try:
        return "~/" + path.resolve().relative_to(Path.home().resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        return str(path)
