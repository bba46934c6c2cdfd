"""A thumbnail is exactly 400×60, its alpha alone says what the take sounds like, and nothing in the take is invisible in it."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from PIL import Image

from store.canvas import encode_png
from store.envelope import Envelope, envelope
from store.thumbnail import draw

ENVELOPE, CORE = 107, 255  # alpha 0.42 and 1.0


def pixels(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as image:
        image.load()
        assert image.format == "PNG"
        assert (image.size, image.mode) == ((400, 60), "LA")
        return np.asarray(image)


def alpha(audio: np.ndarray) -> np.ndarray:
    drawn = pixels(draw(envelope(audio.astype(np.float32), 400)))
    assert not drawn[..., 0].any(), "the colour must be black everywhere"
    return drawn[..., 1]


def test_silence_is_a_centre_line() -> None:
    mask = alpha(np.zeros(4800))
    assert mask[29:31].min() >= ENVELOPE
    assert mask[29:31].sum(axis=0).min() >= 255, "the line must amount to one full pixel"
    assert not mask[:29].any()
    assert not mask[31:].any()


def test_full_scale_fills_the_height() -> None:
    square = np.where(np.arange(48_000) % 100 < 50, 1.0, -1.0)
    assert (alpha(square) == CORE).all()


def test_envelope_and_core_have_their_alphas() -> None:
    mask = alpha(np.sin(np.arange(480_000) * 0.3) * 0.8)
    for column in (0, 200, 399):
        assert mask[:6, column].max() == 0  # above 0.8
        assert set(mask[7:12, column]) == {ENVELOPE}  # between the RMS, 0.57, and the peak
        assert set(mask[14:46, column]) == {CORE}
        assert set(mask[48:53, column]) == {ENVELOPE}


@pytest.mark.parametrize(("level", "rows"), [(1.0, 30), (0.5, 15), (0.1, 3)])
def test_the_amplitude_is_linear(level: float, rows: int) -> None:
    mask = alpha(np.full(4000, level))
    assert (mask[30 - rows : 30] == CORE).all()
    assert not mask[: 30 - rows].any()


def test_anti_phase_stereo_is_visible() -> None:
    tone = np.sin(np.arange(48_000) * 0.1)
    mask = alpha(np.stack((tone, -tone), axis=1))
    assert mask[2:58].min() >= ENVELOPE


@pytest.mark.parametrize("frame", [0, 1, 239_999, 123_456, 479_999])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_click_of_a_single_sample_is_visible_where_it_is(frame: int, sign: int) -> None:
    audio = np.zeros((480_000, 2))
    audio[frame, 1] = sign
    mask = alpha(audio)
    half = mask[:29] if sign > 0 else mask[31:]
    assert np.flatnonzero(half.any(axis=0)).tolist() == [frame * 400 // 480_000]
    assert half.max(axis=1).min() >= ENVELOPE


@pytest.mark.parametrize("frames", [1, 2, 7, 399, 400, 401])
def test_short_takes_fill_the_width(frames: int) -> None:
    assert alpha(np.full(frames, 0.5))[16:30].min() >= ENVELOPE


@settings(max_examples=60, deadline=None)
@given(low=st.floats(-1, 0), high=st.floats(0, 1), rms=st.floats(0, 1))
def test_every_level_is_drawn_as_high_as_it_is(low: float, high: float, rms: float) -> None:
    shape = Envelope(*(np.full(400, value, np.float32) for value in (low, high, rms)))
    mask = pixels(draw(shape))[:, 7, 1].astype(float)
    assert np.minimum(mask / ENVELOPE, 1)[:30].sum() == pytest.approx(max(high * 30, 0.5), abs=0.75)
    assert np.minimum(mask / ENVELOPE, 1)[30:].sum() == pytest.approx(max(-low * 30, 0.5), abs=0.75)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf"), 3.0e38, -3.0e38])
def test_damaged_samples_do_not_break_the_picture(value: float) -> None:
    shape = Envelope(*(np.full(400, value, np.float32) for _ in range(3)))
    assert pixels(draw(shape))[29:31, :, 1].min() >= ENVELOPE


def test_another_number_of_columns_is_refused() -> None:
    with pytest.raises(ValueError, match="400 columns"):
        draw(envelope(np.zeros(100, np.float32), 300))


def test_threads_draw_at_the_same_time() -> None:
    shapes = [envelope(np.full(4000, level, np.float32), 400) for level in np.linspace(0, 1, 40)]
    alone = [draw(shape) for shape in shapes]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(draw, shapes)) == alone


def test_a_picture_is_a_few_kilobytes() -> None:
    noise = np.random.default_rng(1).normal(0, 0.2, (480_000, 2))
    assert len(draw(envelope(noise.astype(np.float32), 400))) < 6000


@settings(max_examples=50, deadline=None)
@given(alpha=npst.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20))))
def test_any_alpha_survives_the_png(alpha: np.ndarray) -> None:
    drawn = np.asarray(Image.open(BytesIO(encode_png(alpha))))
    np.testing.assert_array_equal(drawn[..., 1], alpha)
    assert not drawn[..., 0].any()


def test_matplotlib_is_loaded_by_the_first_picture_and_pyplot_never() -> None:
    program = """
import sys, numpy
from store import spectrogram, thumbnail
from store.envelope import envelope
assert "matplotlib" not in sys.modules
thumbnail.draw(envelope(numpy.zeros(9, numpy.float32), 400))
spectrogram.draw(numpy.zeros(9, numpy.float32), 48_000)
assert "matplotlib" in sys.modules
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
