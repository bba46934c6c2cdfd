"""The latent space: 64 dimensions, whose principal axes carry the sliders."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from generators.synthesizer.exact import Floats, uniforms

DIMENSIONS = 64
REFLECTIONS = 64
BASIS_SEED = 640_064
OFFSET_STREAM = 1
SLIDER_OFFSET = 0.1  # of a slider's units: how far a seed moves what the sliders set
COLOUR_OFFSET = 0.5
SPREAD = 0.94  # of each axis, relative to the one before it


@dataclass(frozen=True)
class Point:
    """A point of the latent space, read along its principal axes.

    `positions` are in the sliders' units, one for each slider; `colour` are the other axes, within [-0.5, 0.5].
    """

    positions: tuple[float, ...]
    colour: tuple[float, ...]


@functools.cache
def principal_axes() -> Floats:
    """Return the orthonormal axes as rows, (64, 64): a product of reflections with fixed mirrors (Householder)."""
    axes = np.eye(DIMENSIONS)
    for index in range(REFLECTIONS):
        mirror = uniforms(BASIS_SEED, index, DIMENSIONS) - 0.5
        projected = np.cumsum(axes * mirror, axis=1)[:, -1]
        axes = axes - (2.0 * projected / np.cumsum(mirror * mirror)[-1])[:, None] * mirror
    axes.setflags(write=False)
    return axes


def spreads() -> Floats:
    """Return the length of a unit along every axis, largest first."""
    steps = np.full(DIMENSIONS, SPREAD)
    steps[0] = 1.0
    return np.cumprod(steps)


def place(positions: Sequence[float], seed: int) -> Floats:
    """Return the latent vector of slider positions and a seed: 64 numbers that float32 holds exactly."""
    offset = uniforms(seed, OFFSET_STREAM, 2 * DIMENSIONS)
    offset = offset[:DIMENSIONS] - offset[DIMENSIONS:]  # triangular, in (-1, 1)
    coordinates = offset * COLOUR_OFFSET
    coordinates[: len(positions)] = np.array(positions) + offset[: len(positions)] * SLIDER_OFFSET
    weighted = principal_axes() * (coordinates * spreads())[:, None]
    vector: Floats = np.cumsum(weighted, axis=0)[-1].astype(np.float32).astype(np.float64)
    return vector


def read(vector: Floats, sliders: int) -> Point:
    """Read a latent vector along its principal axes, the first of which are the sliders."""
    coordinates = np.cumsum(principal_axes() * vector, axis=1)[:, -1] / spreads()
    return Point(tuple(coordinates[:sliders].tolist()), tuple(coordinates[sliders:].tolist()))
