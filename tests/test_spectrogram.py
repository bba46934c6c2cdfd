"""The spectrogram shows partials and onsets where they are, in bounded time and memory, for any take."""

from __future__ import annotations

import time
import tracemalloc
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_envelope import Hum

from store.audio import encode, prepare
from store.errors import InvalidAudio
from store.spectrogram import HEIGHT, WIDTH, draw, draw_file

RATE = 48_000


def mask(png: bytes) -> np.ndarray:
    drawn = np.asarray(Image.open(BytesIO(png)))
    assert drawn.shape == (240, 640, 2)
    assert not drawn[..., 0].any(), "the colour must be black everywhere"
    return drawn[..., 1]


def row(hertz: float) -> float:
    return HEIGHT * (1 - np.log(hertz / 60) / np.log(10_000 / 60))


def sine(hertz: float, duration_s: float = 2.0, sample_rate: int = RATE) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(round(duration_s * sample_rate)) / sample_rate)).astype(
        np.float32
    )


@pytest.mark.parametrize("hertz", [80, 150, 440, 1000, 3000, 9000])
@pytest.mark.parametrize("sample_rate", [22_050, 48_000, 192_000])
def test_a_partial_is_a_line_at_its_pitch(hertz: float, sample_rate: int) -> None:
    column = mask(draw(sine(hertz, 2, sample_rate), sample_rate))[:, 320].astype(float)
    assert abs((column.argmax() + 0.5) - row(hertz)) < 2.5
    assert column.max() >= 250
    far = np.abs(np.arange(HEIGHT) - row(hertz)) > 50
    assert not column[far].any(), "the background must stay clean"


def test_two_partials_a_tone_apart_are_two_lines() -> None:
    column = mask(draw(sine(440) + sine(494), RATE))[:, 320].astype(int)
    low, high = round(row(440)), round(row(494))
    between = column[high:low].min()
    assert between < column[high - 2 : high + 2].max() - 80
    assert between < column[low - 2 : low + 2].max() - 80


def test_a_constant_offset_is_not_drawn() -> None:
    offset = np.full((2 * RATE, 1), 0.5, np.float32)
    assert not mask(draw(offset, RATE))[:, 40:600].any()
    assert mask(draw(sine(1000)[:, np.newaxis] / 50 + offset, RATE))[round(row(1000)), 320] > 180


def test_an_onset_is_as_sharp_as_its_pixel_allows() -> None:
    audio = np.concatenate((np.zeros(2 * RATE, np.float32), sine(1000, 2)))
    line = mask(draw(audio, RATE))[round(row(1000))]
    assert not line[:310].any()
    assert line[324:].min() > 200


def test_the_level_falls_by_74_db_over_the_range() -> None:
    audio = np.concatenate([sine(1000, 1) * 10 ** (-level / 20) for level in (0, 37, 80)])
    line = mask(draw(audio, RATE))[round(row(1000))]
    assert line[100] >= 250
    assert line[320] == pytest.approx(127, abs=6)
    assert line[550] == 0


def test_anti_phase_stereo_is_visible() -> None:
    tone = sine(1000)
    np.testing.assert_allclose(mask(draw(np.stack((tone, -tone), axis=1), RATE)), mask(draw(tone, RATE)), atol=2)


def test_a_partial_in_one_of_many_channels_is_visible() -> None:
    audio = np.zeros((RATE // 2, 8), np.float32)
    audio[:, 5] = sine(1000, 0.5)
    assert mask(draw(audio, RATE))[round(row(1000)), 320] > 250


@pytest.mark.parametrize("sample_rate", [1_000, 8_000, 16_000])
def test_nothing_is_drawn_above_half_the_sample_rate(sample_rate: int) -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 2 * sample_rate).astype(np.float32)
    drawn = mask(draw(noise, sample_rate))
    edge = int(row(sample_rate / 2))
    assert not drawn[: edge - 1].any()
    assert drawn[edge + 8 :].mean() > 100


def test_silence_is_empty_and_noise_is_not_blown_up() -> None:
    assert not mask(draw(np.zeros((RATE, 2), np.float32), RATE)).any()
    hiss = np.random.default_rng(1).normal(0, 2**-23, RATE).astype(np.float32)
    assert not mask(draw(hiss, RATE)).any()


@settings(max_examples=25, deadline=None)
@given(frames=st.integers(1, 3000), channels=st.integers(1, 4), sample_rate=st.sampled_from([1_000, RATE, 384_000]))
def test_takes_shorter_than_a_window_are_drawn(frames: int, channels: int, sample_rate: int) -> None:
    assert mask(draw(np.full((frames, channels), 0.5, np.float32), sample_rate)).shape == (HEIGHT, WIDTH)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 3e38])
def test_damaged_samples_do_not_break_the_picture(value: float) -> None:
    audio = sine(1000)
    audio[100] = value
    mask(draw(audio, RATE))


def test_a_stored_take_looks_as_it_did_in_memory() -> None:
    samples = prepare(np.stack((sine(440, 1), sine(1000, 1)), axis=1), RATE, 24)
    wav = encode(samples, "{}").wav
    assert draw_file(BytesIO(wav)) == draw(samples.pcm, RATE)


def test_a_damaged_file_is_refused() -> None:
    with pytest.raises(InvalidAudio):
        draw_file(BytesIO(b"RIFF"))


def test_ten_minutes_are_drawn_in_bounded_time_and_memory() -> None:
    file: Any = Hum(600 * RATE)
    begin = time.perf_counter()
    drawn = mask(draw_file(file))
    elapsed_s = time.perf_counter() - begin
    tracemalloc.start()
    try:
        draw_file(file)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert not drawn[:200].any()
    assert elapsed_s < 8, "about one second on a machine at rest"
    assert peak_bytes < 64 << 20


def test_a_click_in_a_minute_is_visible() -> None:
    audio = np.zeros(60 * RATE, np.float32)
    audio[30 * RATE] = 1
    assert mask(draw(audio, RATE))[:, 318:323].any(axis=1).all()
