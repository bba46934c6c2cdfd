"""Takes that went wrong are called so, in words; takes that are merely short, sparse or loud are not."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from store.audio import prepare
from store.quality import quality

RATE = 48_000


def seconds(duration_s: float) -> np.ndarray:
    return np.arange(round(duration_s * RATE)) / RATE


def tone(duration_s: float = 1.0, level: float = 0.5, hertz: float = 440.0) -> np.ndarray:
    """A sine that ends with a fade of 10 ms."""
    time = seconds(duration_s)
    return level * np.sin(2 * np.pi * hertz * time) * np.minimum(1, (duration_s - time) / 0.01)


def judge(audio: Any, depth: int = 24, sample_rate: int = RATE) -> dict[str, Any]:
    return quality(prepare(audio, sample_rate, depth))


def verdict(audio: Any, depth: int = 24) -> tuple[str, str, str]:
    found = judge(audio, depth)
    return found["rating"], found["words"], found["reason"]


def struck(decay_s: float, duration_s: float, level: float = 0.9) -> np.ndarray:
    time = seconds(duration_s)
    return level * np.exp(-time / decay_s) * np.sin(2 * np.pi * 700 * time)


FINE = {
    "a tone": tone(),
    "a tone of a tenth of a second": tone(0.1),
    "a struck bell": struck(0.4, 6),
    "a short strike in a long take": struck(0.03, 6),
    "a rim shot in a second": struck(0.005, 1),
    "a loud tone that just reaches full scale": tone(level=1.0, hertz=997),
    "a single cycle, ending loud": np.sin(2 * np.pi * 440 * seconds(0.002)),
    "noise": np.random.default_rng(1).uniform(-0.3, 0.3, RATE) * np.minimum(1, np.arange(RATE)[::-1] / 480),
    "words with pauses": np.concatenate([tone(0.3), np.zeros(RATE // 2), tone(0.4), np.zeros(RATE // 2), tone(0.2)]),
    "a swell that fades within 5 ms": tone(1) * np.minimum(1, (np.arange(RATE)[::-1] + 1) / 240) * seconds(1),
    "one channel of two": np.stack((tone(), np.zeros(RATE)), axis=1),
    "two samples at full scale": np.concatenate(([1.0, 1.0], tone())),
    "isolated samples at full scale": np.where(np.arange(RATE) % 4800 == 7, 1.0, tone()),
}


@pytest.mark.parametrize("audio", FINE.values(), ids=FINE)
@pytest.mark.parametrize("depth", [16, 24, 32])
def test_takes_that_are_fine_are_green(audio: np.ndarray, depth: int) -> None:
    assert verdict(audio, depth) == ("green", "", "Sounds fine")


def test_the_round_top_of_a_slow_loud_wave_is_not_clipping() -> None:
    assert judge(tone(2, level=1.0, hertz=25))["longest_clip"] < 3


PROBLEMS = {
    "digital silence": (np.zeros(RATE), "red", "silent", "Silent"),
    "nothing but dither": (np.full(RATE, 2e-4), "red", "silent", "Silent"),
    "12 samples clipped": (
        np.concatenate((tone(), np.ones(12), tone())),
        "yellow",
        "clipped",
        "Clipped: 12 samples in a row",
    ),
    "clipped below": (
        np.concatenate((tone(), -np.ones(3), tone())),
        "yellow",
        "clipped",
        "Clipped: 3 samples in a row",
    ),
    "one sample beyond": (
        np.concatenate((tone(), [1.5], tone())),
        "yellow",
        "clipped",
        "Clipped: 1 sample beyond full scale",
    ),
    "driven hard": (np.clip(4 * tone(1, 1.0), -1, 1), "red", "clipped", "Clipped: 46 samples in a row"),
    "stuck at full scale": (
        np.concatenate((tone(20), np.ones(240), tone())),
        "red",
        "clipped",
        "Clipped: 240 samples in a row",
    ),
    "clipped in one channel": (
        np.stack((np.concatenate((np.ones(5), tone())), np.zeros(RATE + 5)), axis=1),
        "yellow",
        "clipped",
        "Clipped: 5 samples in a row",
    ),
    "quiet": (tone(level=0.004), "yellow", "quiet", "Very quiet: peak -48 dBFS"),
    "cut off": (tone(2)[:RATE], "yellow", "cut off", "Cut off: ends at -6 dBFS"),
    "a blip after long silence": (
        np.concatenate((np.zeros(9 * RATE), tone(1))),
        "yellow",
        "mostly silent",
        "Mostly silence",
    ),
    "a click in ten seconds": (np.where(seconds(10) == 0, 0.5, 0), "yellow", "mostly silent", "Mostly silence"),
}


@pytest.mark.parametrize(("audio", "rating", "words", "reason"), PROBLEMS.values(), ids=PROBLEMS)
def test_problems_are_named(audio: np.ndarray, rating: str, words: str, reason: str) -> None:
    assert verdict(audio) == (rating, words, reason)


def test_levels_are_measured() -> None:
    found = judge(0.5 * np.sin(2 * np.pi * 1000 * seconds(1)))
    assert found["peak_dbfs"] == pytest.approx(-6.02, abs=0.01)
    assert found["rms_dbfs"] == pytest.approx(-9.03, abs=0.01)
    assert found["dc_offset"] == pytest.approx(0, abs=1e-6)
    assert found["silence_ratio"] == 0


def test_digital_silence_has_no_level() -> None:
    found = judge(np.zeros((100, 2)))
    assert (found["peak_dbfs"], found["rms_dbfs"], found["silence_ratio"]) == (None, None, 1.0)
    assert (found["leading_silence_s"], found["trailing_silence_s"]) == (round(100 / RATE, 4), round(100 / RATE, 4))


def test_silence_is_measured_where_it_is() -> None:
    steady = np.full(RATE, 0.25)
    found = judge(np.concatenate((np.zeros(RATE // 2), steady, np.zeros(RATE // 4))))
    assert (found["leading_silence_s"], found["trailing_silence_s"]) == (0.5, 0.25)
    assert found["silence_ratio"] == pytest.approx(0.75 / 1.75, abs=1e-3)


def test_the_offset_of_the_worst_channel_counts() -> None:
    assert judge(np.stack((np.full(1000, 0.25), np.full(1000, -0.5)), axis=1))["dc_offset"] == 0.5


def test_clipped_samples_are_counted_in_all_channels() -> None:
    audio = np.zeros((1000, 2))
    audio[100:104, 0] = 1
    audio[300:306, 1] = -1
    found = judge(audio)
    assert (found["clipped_samples"], found["longest_clip"]) == (10, 6)


def test_full_scale_from_16_bit_is_full_scale_in_24() -> None:
    audio = np.zeros(RATE, np.int16)
    audio[100:110] = 32767
    assert judge(audio, 24)["longest_clip"] == judge(audio, 16)["longest_clip"] == 10


@settings(max_examples=200, deadline=None)
@given(
    audio=npst.arrays(
        np.float32,
        st.tuples(st.integers(1, 400), st.integers(1, 4)),
        elements=st.floats(width=32, allow_nan=False, allow_infinity=False) | st.floats(-1, 1, width=32),
    ),
    depth=st.sampled_from([16, 24, 32]),
    sample_rate=st.sampled_from([1_000, 44_100, 384_000]),
)
def test_any_audio_is_rated_in_plain_json(audio: np.ndarray, depth: int, sample_rate: int) -> None:
    found = judge(audio, depth, sample_rate)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["rating"] in ("green", "yellow", "red")
    assert (found["rating"] == "green") == (found["words"] == "")
    assert 0 <= found["silence_ratio"] <= 1
    assert found["leading_silence_s"] >= 0
    assert found["trailing_silence_s"] >= 0
