"""Guards that loudness is that of ITU-R BS.1770, by the signals of EBU Tech 3341, and that takes are matched by it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import GenerationHistory, GenerationResult, InvalidAudio, StoreFull
from store.audio import encode_samples, prepare
from store.loudness import QUIETEST_DBFS, Gains, Level, matched_gains, measure
from store.verify import verify
from tests.conftest import add
from tests.figures import tier
from tests.library import make_history

Audio = npt.NDArray[np.float64]
SAMPLE_RATE = 48_000


def level_of(audio: Audio, sample_rate: int = SAMPLE_RATE, bit_depth: int = 32) -> Level:
    return measure(BytesIO(encode_samples(prepare(audio, sample_rate, bit_depth))[0]))


def loudness_of(audio: Audio, sample_rate: int = SAMPLE_RATE) -> float:
    measured = level_of(audio, sample_rate).loudness_lufs
    assert measured is not None
    return measured


def sine(*parts: tuple[float, float], sample_rate: int = SAMPLE_RATE, hz: float = 1_000.0) -> Audio:
    """Return a sine whose peak is so many dBFS for so many seconds, one part after the other, without a break."""
    peaks = np.concatenate([np.full(round(seconds * sample_rate), 10 ** (dbfs / 20)) for dbfs, seconds in parts])
    return peaks * np.sin(2 * np.pi * hz * np.arange(len(peaks)) / sample_rate)


def stereo(audio: Audio) -> Audio:
    return np.stack([audio, audio], axis=1)


def surround(*peaks_dbfs: float) -> Audio:
    return np.stack([sine((dbfs, 20)) for dbfs in peaks_dbfs], axis=1)


# -- EBU Tech 3341, table 1: minimum requirements test signals, integrated loudness, tolerance ±0.1 LU ----------------

EBU: dict[str, tuple[float, Callable[[], Audio]]] = {
    "1": (-23.0, lambda: stereo(sine((-23, 20)))),
    "2": (-33.0, lambda: stereo(sine((-33, 20)))),
    "3": (-23.0, lambda: stereo(sine((-36, 10), (-23, 60), (-36, 10)))),
    "4": (-23.0, lambda: stereo(sine((-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)))),
    "5": (-23.0, lambda: stereo(sine((-26, 20), (-20, 20.1), (-26, 20)))),
    "6": (-23.0, lambda: surround(-28, -28, -24, -30, -30)),
    "6 with a silent LFE": (-23.0, lambda: np.insert(surround(-28, -28, -24, -30, -30), 3, 0.0, axis=1)),
}


@pytest.mark.parametrize("signal", EBU)
def test_the_signals_of_ebu_tech_3341_measure_as_they_must(signal: str) -> None:
    expected, make = EBU[signal]
    assert loudness_of(make()) == pytest.approx(expected, abs=0.1)


@pytest.mark.parametrize(
    "sample_rate", [1_000, 4_000, 8_000, 11_025, 16_000, 22_050, 44_100, 88_200, 96_000, 192_000, 384_000]
)
@pytest.mark.parametrize("hz", [60, 200, 1_000, 3_000])
def test_a_sound_is_as_loud_at_any_sample_rate(sample_rate: int, hz: int) -> None:
    if hz > 0.4 * sample_rate:
        return
    measured = loudness_of(sine((-20, 1), sample_rate=sample_rate, hz=hz), sample_rate)
    assert measured == pytest.approx(loudness_of(sine((-20, 1), hz=hz)), abs=0.1)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 7, 32])
def test_every_channel_counts_the_same_where_none_is_known_to_be_a_surround(channels: int) -> None:
    audio = np.repeat(sine((-50, 1))[:, None], channels, axis=1)
    assert loudness_of(audio) == pytest.approx(loudness_of(sine((-50, 1))) + 10 * np.log10(channels), abs=0.02)


def programme(
    rng: np.random.Generator, seconds: float, sample_rate: int, channels: int, softest_db: float = -75
) -> Audio:
    """Noise in passages whose levels are far apart, some of them below the gates."""
    passages = rng.uniform(softest_db, -6, max(1, round(seconds * 2)))
    levels = np.repeat(10 ** (passages / 20), sample_rate // 2)
    return np.clip(levels[:, None] * rng.standard_normal((len(levels), channels)) / 3, -1, 1)


@given(seed=st.integers(0, 10**6), seconds=st.integers(1, 12), channels=st.sampled_from([1, 2, 5]))
@settings(max_examples=tier(15, 300), deadline=None)
def test_it_is_what_pyloudnorm_measures_of_the_whole_sound_at_once(seed: int, seconds: int, channels: int) -> None:
    audio = programme(np.random.default_rng(seed), seconds, SAMPLE_RATE, channels).astype(np.float32).astype(float)
    expected = pyloudnorm.Meter(SAMPLE_RATE, filter_class="DeMan").integrated_loudness(audio)
    measured = level_of(audio).loudness_lufs
    if np.isfinite(expected) and measured is not None:
        assert measured == pytest.approx(expected, abs=0.02)
    else:
        assert measured is None or measured < -60, "one of them found no block above the gate"


# -- short and silent sounds ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [0.4, 0.399, 0.2, 0.1, 0.01, 1 / SAMPLE_RATE])
def test_a_sound_shorter_than_a_block_is_as_loud_as_with_silence_behind_it(seconds: float) -> None:
    noise = 0.3 * np.random.default_rng(0).standard_normal((round(seconds * SAMPLE_RATE), 2))
    padded = np.concatenate([noise, np.zeros((round(0.4 * SAMPLE_RATE) - len(noise), 2))])
    assert loudness_of(noise) == pytest.approx(loudness_of(padded), abs=0.5 if seconds < 0.01 else 0.05)


@pytest.mark.parametrize("audio", [np.zeros(480), np.zeros((48_000, 2)), 1e-5 * np.ones(48_000), sine((-90, 1))])
def test_silence_has_no_loudness(audio: Audio) -> None:
    level = level_of(audio)
    assert level.loudness_lufs is None
    assert level.peak_dbfs == (
        QUIETEST_DBFS if not audio.any() else pytest.approx(20 * np.log10(audio.max()), abs=0.01)
    )


def test_a_long_silence_behind_a_sound_is_gated_away_and_takes_no_longer() -> None:
    sound = stereo(sine((-20, 2)))
    assert loudness_of(np.concatenate([sound, np.zeros((60 * SAMPLE_RATE, 2))])) == pytest.approx(
        loudness_of(sound), abs=0.6
    )


def test_the_peak_is_the_highest_sample_and_never_told_too_low() -> None:
    audio = np.zeros(1_000)
    audio[777] = -0.5
    assert 20 * np.log10(0.5) <= level_of(audio).peak_dbfs < 20 * np.log10(0.5) + 0.002
    assert level_of(np.full(10, 1.5)).peak_dbfs == pytest.approx(3.522, abs=0.002)


# -- memory and damage ----------------------------------------------------------------------------------------------


def peak_memory(file: BytesIO) -> int:
    tracemalloc.start()
    try:
        measure(file)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("channels", "sample_rate"), [(2, 48_000), (32, 8_000), (1, 384_000)])
def test_memory_does_not_grow_with_the_length(channels: int, sample_rate: int) -> None:
    def noise(seconds: int) -> BytesIO:
        audio = np.random.default_rng(0).standard_normal((seconds * sample_rate, channels)).astype(np.float32) / 10
        return BytesIO(encode_samples(prepare(audio, sample_rate, 16))[0])

    peak_memory(noise(1))  # what is imported
    assert peak_memory(noise(tier(30, 120))) < 60 << 20


def test_damaged_files_are_refused() -> None:
    wav = encode_samples(prepare(np.zeros(4_800), 48_000, 16))[0]
    slow = wav[:24] + (8).to_bytes(4, "little") + wav[28:]
    holes = encode_samples(prepare(np.zeros(4_800), 48_000, 32))[0][:-4] + np.float32(np.nan).tobytes()
    for damaged in (b"", wav[:100], slow, holes):
        with pytest.raises(InvalidAudio):
            measure(BytesIO(damaged))


# -- matching -------------------------------------------------------------------------------------------------------

levels = st.builds(Level, st.floats(-70, 6), st.floats(-70, 6))


@given(a=levels, b=levels)
def test_matched_takes_are_equally_loud_and_no_peak_is_above_full_scale(a: Level, b: Level) -> None:
    gains = matched_gains(a, b)
    assert gains.matched
    assert a.loudness_lufs is not None
    assert b.loudness_lufs is not None
    assert a.loudness_lufs + gains.a_db == pytest.approx(b.loudness_lufs + gains.b_db, abs=1e-9)
    assert gains.a_db <= 0
    assert gains.b_db <= 0
    assert max(a.peak_dbfs + gains.a_db, b.peak_dbfs + gains.b_db) <= 1e-9
    if max(a.peak_dbfs, b.peak_dbfs) <= 0:
        assert 0.0 in (gains.a_db, gains.b_db), "no more is turned down than must be"


def test_silence_is_not_matched_and_over_full_scale_is_turned_down_all_the_same() -> None:
    assert matched_gains(Level(None, -200.0), Level(-14.0, -1.0)) == Gains(0.0, 0.0, matched=False)
    assert matched_gains(Level(None, 0.5), Level(-14.0, 3.0)) == Gains(-3.0, -3.0, matched=False)


@pytest.mark.parametrize("seed", range(tier(4, 40)))
def test_matched_takes_measure_the_same_when_the_gains_are_applied(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shapes = ((3, 44_100, 1, rng.uniform(0.1, 1)), (5, 48_000, 2, rng.uniform(0.1, 1)))
    pair = [
        (scale * programme(rng, seconds, rate, channels, softest_db=-30), rate)
        for seconds, rate, channels, scale in shapes
    ]
    gains = matched_gains(*(level_of(audio, rate) for audio, rate in pair))
    one, other = (
        loudness_of(10 ** (gain / 20) * audio, rate)
        for (audio, rate), gain in zip(pair, (gains.a_db, gains.b_db), strict=True)
    )
    assert abs(one - other) <= 0.2


# -- in the history -------------------------------------------------------------------------------------------------


def test_a_takes_loudness_is_measured_once_and_kept(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = history.add_to_history(GenerationResult(stereo(sine((-23, 1))), SAMPLE_RATE), "synth", "Synth")
    assert (entry.loudness_lufs, entry.peak_dbfs) == (None, None), "adding takes no longer"
    assert history.loudness(entry.entry_id) == pytest.approx(-23.0, abs=0.1)
    kept = history.get(entry.entry_id)
    assert kept is not None
    assert (kept.loudness_lufs, kept.peak_dbfs) == (history.loudness(entry.entry_id), pytest.approx(-23.0, abs=0.01))

    def never(file: Any) -> Level:
        raise AssertionError("measured again")

    monkeypatch.setattr("store.history.measure", never)
    assert history.level(entry.entry_id) == Level(kept.loudness_lufs, kept.peak_dbfs)


def test_silence_is_measured_once_too(history: GenerationHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = history.add_to_history(GenerationResult(np.zeros(4_800), SAMPLE_RATE), "synth", "Synth")
    assert history.loudness(entry.entry_id) is None
    monkeypatch.setattr("store.history.measure", None)
    assert history.level(entry.entry_id) == Level(None, QUIETEST_DBFS)


def test_measuring_writes_no_audio_file_anew(history: GenerationHistory) -> None:
    entry = add(history)
    path = history.audio_path(entry.entry_id)
    before = path.stat()
    assert history.loudness(entry.entry_id) is not None
    history.fold()
    assert path.stat().st_ino == before.st_ino
    checked = verify(history.directory)
    assert checked.good
    assert checked.behind == ()


def test_a_take_without_readable_audio_has_no_level(history: GenerationHistory) -> None:
    entry = add(history)
    history.audio_path(entry.entry_id).unlink()
    assert history.level(entry.entry_id) is None
    assert history.loudness(entry.entry_id) is None


def test_a_level_that_cannot_be_kept_is_told_all_the_same(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(history)

    def full(*given: object) -> None:
        raise StoreFull(history.directory, "disk is full")

    monkeypatch.setattr("store.index.Index.commit", full)
    assert history.loudness(entry.entry_id) is not None


def test_takes_of_older_programs_can_be_measured(tmp_path: Path) -> None:
    (entry,) = make_history(tmp_path / "history", 1)
    with GenerationHistory(tmp_path / "history") as history:
        assert history.loudness(entry.entry_id) == pytest.approx(-20, abs=15)
