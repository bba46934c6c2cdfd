"""Guards the built-in synthesizer: what it sounds like, in numbers, and that it sounds the same everywhere."""

from __future__ import annotations

import ast
import functools
import hashlib
import itertools
import multiprocessing
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import listening
import numpy as np
import pytest

from generators import Generator, load_generator
from generators.synth import PRESETS, SAMPLE_RATE, SLIDERS, synthesize
from generators.synthesizer import exact, latent, patch

ROOT = Path(__file__).parent.parent
TAKES = 500
LOWER, UPPER = (-5.0, 5.0)
PLACES = (-5.0, -2.5, 0.0, 2.5, 5.0)
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Processes to measure in, one for each processor."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=multiprocessing.get_context("spawn")) as executor:
        yield executor


@functools.cache
def built_in() -> Generator:
    return load_generator()


def settings(number: int) -> dict[str, Any]:
    """Draw one setting of all controls, as "Surprise me" does."""
    rng = random.Random(number)
    return {
        **built_in().surprise(rng),
        "seed": rng.randrange(2**31),
        "duration": rng.choice((1.0, 1.5, 2.0)),
        "stereo_mode": rng.choice(("stereo", "stereo", "mono")),
    }


def bars(number: int) -> tuple[float, float, float, float, bool]:
    """Measure a random setting: peak in dBFS, mean, ends in dBFS, loudness in LUFS, and whether its form is right."""
    chosen = settings(number)
    audio = synthesize(**chosen).audio
    peak, ends = np.abs(audio).max(), max(np.abs(audio[0]).max(), np.abs(audio[-1]).max())
    channels = 1 if chosen["stereo_mode"] == "mono" else 2
    right = audio.shape == (round(chosen["duration"] * SAMPLE_RATE), channels) and audio.dtype == np.float32
    mean = np.abs(audio.mean(axis=0, dtype=np.float64)).max()
    return decibels(peak), float(mean), decibels(ends), listening.loudness_lufs(audio), right


def decibels(value: float) -> float:
    return float(20 * np.log10(value + 1e-12))


def test_five_hundred_random_settings_keep_the_bars(pool: Executor) -> None:
    measured = list(pool.map(bars, range(TAKES), chunksize=10))
    peaks, means, ends, loudness, right = (np.array(column) for column in zip(*measured, strict=True))
    assert right.all()
    assert peaks.max() <= -1.0
    assert means.max() < 0.001
    assert ends.max() < -60.0
    within = np.abs(loudness - np.median(loudness)) <= 3.0
    assert within.mean() >= 0.95
    assert abs(np.median(loudness) + 20.0) < 0.5


# What every slider moves, which way, and the setting where it is heard best.
MOVES: dict[str, tuple[Callable[[Any], float], dict[str, Any]]] = {
    "brightness": (listening.centroid_hz, {}),
    "warmth": (listening.bass_share, {}),
    "air": (listening.noisiness, {}),
    "roughness": (listening.beating, {"decay": 5, "attack": 1, "pulse": -5, "air": -5, "warmth": -5}),
    "tension": (listening.pitch_hz, {"air": -5, "pulse": -5, "warmth": -3, "roughness": -5}),
    "attack": (listening.attack_s, {"pulse": -5, "depth": -5, "warmth": -5, "roughness": -5, "air": -5}),
    "decay": (listening.sounding_s, {"pulse": -5, "depth": -5}),
    "pulse": (listening.onsets, {"attack": -5, "decay": -3, "depth": -5, "duration": 6.0}),
    "width": (listening.side_share, {}),
    "depth": (listening.gap_db, {"decay": -3, "attack": -4}),
}


def moved(slider: str, seed: int) -> list[float]:
    """Measure what a slider moves at five places along it."""
    measure, setting = MOVES[slider]
    takes = ({"duration": 4.0, **setting, slider: place, "seed": seed} for place in PLACES)
    return [measure(synthesize(**take).audio) for take in takes]


@pytest.mark.parametrize("slider", SLIDERS)
def test_a_slider_moves_its_feature_one_way(slider: str, pool: Executor) -> None:
    for values in pool.map(moved, [slider] * len(SEEDS), SEEDS):
        assert values == sorted(values)
        assert len(set(values)) == len(PLACES)


def test_every_slider_says_what_it_does() -> None:
    sliders = [control for control in built_in().controls if control.random]
    assert [control.name for control in sliders] == list(SLIDERS)
    assert all(len(control.info) > 20 for control in sliders)
    assert {(control.minimum, control.maximum, control.step) for control in sliders} == {(LOWER, UPPER, 0.1)}
    assert [control.group for control in sliders] == ["Timbre"] * 5 + ["Time"] * 3 + ["Space"] * 2


def test_tension_turns_harmonic_partials_into_those_of_metal() -> None:
    harmonics = np.arange(1, 9)
    for colour in (-0.4, 0.0, 0.4):  # a bar, a bell, a plate
        cents = []
        for tension in (-5.0, 0.0, 3.0, 5.0):
            point = latent.Point((0.0, 0.0, 0.0, 0.0, tension, 0.0, 0.0, 0.0, 0.0, 0.0), (colour, *[0.0] * 53))
            ratios = patch.read_patch(point).ratios[:8]
            cents.append(float(np.abs(1200 * np.log2(ratios / harmonics)).mean()))
        assert cents == sorted(cents)
        assert cents[0] < 0.01
        assert cents[1] < 30 < 100 < cents[3]


# Starting points


@pytest.fixture(scope="module")
def starting_points() -> dict[str, Any]:
    return {name: synthesize(**params, seed=7, duration=6.0).audio for name, params in PRESETS.items()}


def test_starting_points_span_four_octaves_and_all_attacks(starting_points: dict[str, Any]) -> None:
    assert len(starting_points) >= 12
    centroids = [listening.centroid_hz(audio) for audio in starting_points.values()]
    assert np.log2(max(centroids) / min(centroids)) > 4
    attacks = [listening.attack_s(audio) for audio in starting_points.values()]
    assert min(attacks) < 0.010
    assert max(attacks) > 0.5


def test_no_two_starting_points_are_close_in_spectrum(starting_points: dict[str, Any]) -> None:
    """Closer than 4 dB in third octaves is what two seeds of one texture are apart."""
    pairs = itertools.combinations(starting_points.items(), 2)
    distances = {(one, other): listening.distance_db(a, b) for (one, a), (other, b) in pairs}
    nearest = min(distances, key=lambda pair: distances[pair])
    assert distances[nearest] > 4.0, nearest


# Stereo


@pytest.mark.parametrize("name", ["Breath pad", "Choir of three", "Plucked wire", "Rain on tape", "Bowed saw"])
def test_stereo_moves(name: str) -> None:
    audio = synthesize(**{**PRESETS[name], "width": 2.0}, seed=3, duration=6.0).audio
    assert listening.balance_wander(audio) > 0.8


def test_no_width_and_mono_are_the_same_on_both_sides() -> None:
    narrow = synthesize(width=-5, seed=3, duration=1.0)
    assert listening.side_share(narrow.audio) < 1e-4
    mono = synthesize(stereo_mode="mono", seed=3, duration=1.0)
    assert (mono.audio.shape[1], mono.stereo_mode) == (1, "mono")


# The same everywhere

HASHES = """
import hashlib, random
from generators import Generator, load_generator
from generators.synth import PRESETS, synthesize
generator, rng, found = load_generator(), random.Random(4), hashlib.sha256()
chosen = [{**params, "duration": 1.0} for params in PRESETS.values()]
chosen += [{**generator.surprise(rng), "duration": 1.5} for _ in range(8)]
for seed, params in enumerate(chosen):
    sound = synthesize(**params, seed=seed)
    found.update(sound.audio.tobytes() + repr(sound.latent_vector).encode())
print(found.hexdigest())
"""


def test_samples_are_the_same_with_and_without_simd() -> None:
    core = np._core._multiarray_umath  # type: ignore[attr-defined]  # where NumPy lists what it would use
    features = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    found = set()
    for disabled in ("", " ".join(features[-1:]), " ".join(features)):
        environment = {**os.environ, "NPY_DISABLE_CPU_FEATURES": disabled, "OPENBLAS_NUM_THREADS": "1"}
        done = subprocess.run(
            [sys.executable, "-c", HASHES], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        found.add(done.stdout.strip())
    assert len(found) == 1


def test_samples_are_those_of_version_1() -> None:
    """A change of the sound must raise `generators.synth.VERSION`, and bring the new hash here."""
    sound = synthesize(**PRESETS["Glass bell"], seed=48213, duration=2.0)
    assert hashlib.sha256(sound.audio.tobytes()).hexdigest() == VERSION_1


VERSION_1 = "5214feedd78121c54002c3a12359b671c115ccde8da53ca3e491a28f9a5750ab"

INEXACT = {
    "arccos", "arcsin", "arctan", "arctan2", "convolve", "correlate", "cos", "cosh", "dot", "einsum", "exp", "exp2",
    "expm1", "fft", "geomspace", "hypot", "inner", "interp", "linalg", "log", "log10", "log1p", "log2", "logspace",
    "matmul", "mean", "outer", "power", "prod", "random", "sin", "sinc", "sinh", "std", "sum", "tan", "tanh",
    "tensordot", "var", "vdot",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((ROOT / "generators" / "synthesizer").glob("*.py")), ids=lambda path: path.stem)
def test_only_arithmetic_that_is_fixed_to_the_last_bit_is_used(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Attribute):
            assert node.attr not in INEXACT, f"line {node.lineno}: {node.attr}"
        if isinstance(node, ast.BinOp):
            assert not isinstance(node.op, ast.MatMult), f"line {node.lineno}: @"


def test_exact_functions_are_near_to_numpys() -> None:
    x = np.linspace(-40.0, 40.0, 20_001)
    assert np.abs(exact.sine(x) - np.sin(2 * np.pi * x)).max() < 1e-11
    assert np.abs(exact.cosine(x) - np.cos(2 * np.pi * x)).max() < 1e-11
    assert np.abs(exact.exp2(x) / np.exp2(x) - 1).max() < 1e-13
    assert np.abs(exact.log2(np.exp2(x)) - x).max() < 1e-12
    assert np.abs(exact.power(np.exp2(x), 0.5) / np.exp2(x / 2) - 1).max() < 1e-12
    drawn = exact.uniforms(7, 1, 100_000)
    assert abs(drawn.mean() - 0.5) < 0.005
    assert 0 <= drawn.min() < 0.001 < 0.999 < drawn.max() < 1
    assert not np.array_equal(drawn[:9], exact.uniforms(8, 1, 9))
    assert not np.array_equal(drawn[:9], exact.uniforms(7, 2, 9))


def test_numbers_and_arrays_come_out_alike_to_the_last_bit() -> None:
    x = np.linspace(-40.0, 40.0, 9999) / 3
    for function, given in ((exact.exp2, x), (exact.log2, np.exp2(x)), (exact.smooth, x / 10)):
        assert [function(value) for value in given.tolist()] == function(given).tolist()


@pytest.mark.parametrize("width", [1, 4, 5])
def test_a_moving_average_is_that_of_the_neighbours(width: int) -> None:
    values = np.arange(24.0).reshape(2, 12) ** 2
    around = np.pad(values, ((0, 0), (width // 2, width)))
    expected = np.stack([around[:, place : place + width].mean(axis=1) for place in range(12)], axis=1)
    assert np.allclose(exact.moving_average(values, width), expected)


# The latent space


def test_axes_are_orthonormal_and_sliders_lie_on_them() -> None:
    axes = latent.principal_axes()
    assert np.abs(axes @ axes.T - np.eye(64)).max() < 1e-12
    positions = [3.0, -1.5, 0.5, 0.0, -5.0, 5.0, 1.0, 2.0, -2.5, 4.0]
    vectors = [latent.place(positions, seed) for seed in range(50)]
    read = np.array([latent.read(vector, 10).positions for vector in vectors])
    assert np.abs(read - positions).max() < 0.1 + 1e-5
    assert np.abs(read.mean(axis=0) - positions).max() < 0.03
    assert len({vector.tobytes() for vector in vectors}) == 50


def test_a_sound_carries_its_latent_vector_and_sliders() -> None:
    sound = synthesize(brightness=3, seed=7, duration=1.0, bit_depth=16)
    assert sound.latent_vector is not None
    assert len(sound.latent_vector) == 64
    assert sound.latent_vector == [float(np.float32(value)) for value in sound.latent_vector]
    assert sound.slider_positions == [3, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    assert (sound.n_components, sound.seed, sound.stereo_mode, sound.bit_depth) == (10, 7, "stereo", 16)


def test_seeds_make_different_takes_and_none_is_drawn() -> None:
    hashes = {hashlib.sha256(synthesize(seed=seed, duration=1.0).audio.tobytes()).digest() for seed in range(8)}
    assert len(hashes) == 8
    drawn = synthesize(duration=1.0)
    assert drawn.seed is not None
    assert np.array_equal(drawn.audio, synthesize(seed=drawn.seed, duration=1.0).audio)


@pytest.mark.parametrize("place", [LOWER, UPPER])
def test_all_sliders_at_their_ends_still_sound(place: float) -> None:
    for duration in (1.0, 30.0):
        audio = synthesize(**dict.fromkeys(SLIDERS, place), seed=2**53 - 1, duration=duration).audio
        assert np.isfinite(audio).all()
        assert audio.shape == (duration * SAMPLE_RATE, 2)
        assert listening.loudness_lufs(audio) > -24


def test_ten_seconds_take_well_under_one() -> None:
    spent = []
    for seed in range(3):
        started = time.process_time()
        synthesize(**PRESETS["Choir of three"], seed=seed, duration=10.0)
        spent.append(time.process_time() - started)
    assert min(spent) < 0.9
