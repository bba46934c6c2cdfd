"""Arithmetic whose results are the same, bit for bit, on every machine.

IEEE 754 fixes the result of ``+ - * /``, square root, rounding and comparison; it does not fix sine, exponential or
logarithm, and NumPy's own differ by a last bit between processors, as do its sums where it uses SIMD and its products
of matrices. So everything here is built of the fixed operations, one ufunc at a time (compilers may fuse a multiply
with an add inside one loop, not across two), and sums run in order.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import overload

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

LN_2 = 0.6931471805599453
TWO_PI = 6.283185307179586
SQRT_2 = 1.4142135623730951
GOLDEN = 0x9E3779B97F4A7C15
SINE_SERIES = tuple((-1.0) ** n / math.factorial(2 * n + 1) for n in range(9))
EXP_SERIES = tuple(1.0 / math.factorial(n) for n in range(14))
LOG_SERIES = tuple(1.0 / (2 * n + 1) for n in range(10))


def sine(turns: Floats) -> Floats:
    """Return the sine of angles given in turns, within 1e-11."""
    x = turns - np.rint(turns)
    x = np.where(np.abs(x) > 0.25, np.copysign(0.5, x) - x, x) * TWO_PI
    return _polynomial(x * x, SINE_SERIES) * x


def cosine(turns: Floats) -> Floats:
    """Return the cosine of angles given in turns, within 1e-11."""
    return sine(turns + 0.25)


@overload
def exp2(exponent: float) -> float: ...
@overload
def exp2(exponent: Floats) -> Floats: ...
def exp2(exponent: float | Floats) -> float | Floats:
    """Return two to a power from -1000 to 1000, within 1e-13 of its size; numbers and arrays come out alike."""
    if not isinstance(exponent, np.ndarray):
        x = min(max(float(exponent), -1000.0), 1000.0)
        return math.ldexp(_polynomial_of((x - round(x)) * LN_2, EXP_SERIES), round(x))
    clipped = np.clip(exponent, -1000.0, 1000.0)
    whole = np.rint(clipped)
    return np.ldexp(_polynomial((clipped - whole) * LN_2, EXP_SERIES), whole.astype(np.int32))


@overload
def log2(value: float) -> float: ...
@overload
def log2(value: Floats) -> Floats: ...
def log2(value: float | Floats) -> float | Floats:
    """Return the binary logarithm of what is positive, within 1e-13; numbers and arrays come out alike."""
    if not isinstance(value, np.ndarray):
        part, whole = math.frexp(float(value))
        if part * SQRT_2 < 1.0:
            part, whole = part * 2.0, whole - 1
        slope = (part - 1.0) / (part + 1.0)
        return whole + _polynomial_of(slope * slope, LOG_SERIES) * slope * (2.0 / LN_2)
    mantissa, exponent = np.frexp(value)
    low = mantissa * SQRT_2 < 1.0
    mantissa = np.where(low, mantissa * 2.0, mantissa)
    ratio = (mantissa - 1.0) / (mantissa + 1.0)
    logarithm: Floats = (exponent - low) + _polynomial(ratio * ratio, LOG_SERIES) * ratio * (2.0 / LN_2)
    return logarithm


@overload
def power(base: float, exponent: float) -> float: ...
@overload
def power(base: Floats, exponent: float) -> Floats: ...
def power(base: float | Floats, exponent: float) -> float | Floats:
    """Return a positive base to a power."""
    return exp2(log2(base) * exponent)


@overload
def smooth(value: float) -> float: ...
@overload
def smooth(value: Floats) -> Floats: ...
def smooth(value: float | Floats) -> float | Floats:
    """Rise from 0 at 0 to 1 at 1 along 3x² - 2x³, flat beyond."""
    if not isinstance(value, np.ndarray):
        x = min(max(float(value), 0.0), 1.0)
        return x * x * (3.0 - 2.0 * x)
    clipped = np.clip(value, 0.0, 1.0)
    return clipped * clipped * (3.0 - 2.0 * clipped)


def _polynomial(x: Floats, coefficients: Sequence[float]) -> Floats:
    """Return the polynomial of x with these coefficients, the constant first (Horner)."""
    result = np.full_like(x, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        result *= x
        result += coefficient
    return result


def _polynomial_of(x: float, coefficients: Sequence[float]) -> float:
    """Return the same polynomial of one number."""
    result = coefficients[-1]
    for coefficient in coefficients[-2::-1]:
        result = result * x + coefficient
    return result


def indices(count: int) -> Floats:
    """Return 0, 1, 2, ... as floats."""
    return np.arange(count, dtype=np.float64)


def total(values: Floats) -> float:
    """Add up values in their order."""
    return float(np.cumsum(values)[-1]) if values.size else 0.0


def rms(values: Floats) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(total(values * values) / max(values.size, 1)))


def moving_average(values: Floats, width: int) -> Floats:
    """Average every `width` neighbours along the last axis, centred, with zeros beyond the ends."""
    return averages(values, (width,))[0]


def averages(values: Floats, widths: Sequence[int]) -> list[Floats]:
    """Return a `moving_average` for every width, from one running sum."""
    frames, most = values.shape[-1], max(widths)
    sums = np.zeros((*values.shape[:-1], frames + 2 * most + 1))
    np.cumsum(values, axis=-1, out=sums[..., most + 1 : most + 1 + frames])
    sums[..., most + 1 + frames :] = sums[..., most + frames, None]
    starts = [most - width // 2 for width in widths]
    return [
        (sums[..., start + width : start + width + frames] - sums[..., start : start + frames]) / width
        for start, width in zip(starts, widths, strict=True)
    ]


def uniforms(seed: int, stream: int, count: int) -> Floats:
    """Draw numbers in [0, 1) by hashing seed, stream and index with SplitMix64 (Steele, Lea and Flood, 2014)."""
    key = _mix(np.array([seed], dtype=np.uint64) + np.uint64((stream * GOLDEN) % 2**64))
    counter = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN)
    drawn: Floats = (_mix(counter + key) >> np.uint64(11)).astype(np.float64) / 2.0**53
    return drawn


def _mix(state: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: npt.NDArray[np.uint64] = state ^ (state >> np.uint64(31))
    return mixed
