"""Draw a take's waveform as the 400×60 picture that its card shows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from store.canvas import Canvas
from store.envelope import Envelope

WIDTH, HEIGHT = 400, 60
ENVELOPE_ALPHA, CORE_ALPHA = 0.42, 1.0
HALF_LINE = 0.5  # px: silence is a line of one pixel


def draw(envelope: Envelope) -> bytes:
    """Draw an envelope as a PNG of exactly 400×60 whose alpha alone carries information, so that a CSS mask can tint it.

    The smallest to largest sample at alpha 0.42, the RMS core at 1.0, the amplitude linear, full height 0 dBFS; the centre line is
    at least one pixel high, over the whole width. Column i of 400 is pixel i exactly. Threads may draw at the same time.
    """
    low, high, rms = (_columns(values) for values in (envelope.low, envelope.high, envelope.rms))
    canvas = Canvas(WIDTH, HEIGHT)
    canvas.fill(_outline(low, high), ENVELOPE_ALPHA)
    canvas.fill(_outline(np.maximum(-rms, low), np.minimum(rms, high)), CORE_ALPHA)
    return canvas.png()


def _columns(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Bring values to one a pixel, within ±1."""
    if len(values) != WIDTH:
        raise ValueError(f"a thumbnail needs an envelope of {WIDTH} columns, not {len(values)}")
    return np.clip(np.nan_to_num(values.astype(np.float64), posinf=1, neginf=-1), -1, 1)


def _outline(low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trace a shape in steps, so that each column fills its pixel: forth along the top, back along the bottom."""
    centre = HEIGHT / 2
    top = np.maximum(centre + high * centre, centre + HALF_LINE)
    bottom = np.minimum(centre + low * centre, centre - HALF_LINE)
    steps = np.arange(WIDTH + 1).repeat(2)[1:-1]
    return np.stack(
        (np.concatenate((steps, steps[::-1])), np.concatenate((top.repeat(2), bottom.repeat(2)[::-1]))), axis=1
    )
