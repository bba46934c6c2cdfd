"""Guards what is heard when two takes are compared: measured on the samples that the page's own audio graph renders."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from generators import load_generator
from store.audio import encode_samples, prepare
from store.loudness import Level, matched_gains, measure, on_two_loudspeakers
from tests.abgraph import Act, Samples, load_modules, render

RATE = 48_000
QUANTUM = 128
FADE = round(0.02 * RATE)
EDGE = round(0.008 * RATE)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page()
    load_modules(opened)
    yield opened
    opened.close()


def sine(hz: float, frames: int = RATE, level: float = 0.5, phase: float = 0.0) -> Samples:
    return (level * np.sin(2 * np.pi * hz * np.arange(frames) / RATE + phase)).astype(np.float32)


def counter(frames: int, sign: float = 1.0) -> Samples:
    """Return a sound in which every sample says which one it is."""
    return (sign * (np.arange(frames) + 1) / 2**17).astype(np.float32)


def largest_step(audio: Samples) -> float:
    return float(np.abs(np.diff(audio.astype(np.float64), axis=0)).max())


def music(starting_point: str, seed: int) -> Samples:
    generator = load_generator(None)
    (sound,) = generator.run({**generator.presets[starting_point], "seed": seed, "duration": 3})
    return np.asarray(sound.audio, np.float32)


# -- in time ----------------------------------------------------------------------------------------------------------


def test_both_sides_begin_with_their_first_sample_and_run_sample_by_sample(page: Page) -> None:
    a, b = counter(4_800), counter(4_800, -1.0)
    heard = render(page, a, b, [(0, "play", None)], 4_800).samples
    assert np.array_equal(heard[:, 0], a)
    assert np.array_equal(heard[:, 1], a), "one channel is heard from both sides"
    other = render(page, a, b, [(0, "hear", "b"), (0, "play", None)], 9_600).samples
    assert np.array_equal(other[FADE + 1 : 4_800, 0], b[FADE + 1 :]), (
        "what is heard first may be chosen before it plays"
    )


@pytest.mark.parametrize("quantum", [1, 7, 100, 211])
def test_a_switch_loses_and_repeats_not_one_sample(page: Page, quantum: int) -> None:
    at = quantum * QUANTUM
    a, b = counter(RATE), counter(RATE, -1.0)
    heard = render(page, a, b, [(0, "play", None), (at, "toggle", None)], RATE).samples[:, 0]
    assert np.array_equal(heard[: at + 1], a[: at + 1])
    assert np.array_equal(heard[at + FADE :], b[at + FADE :])


def test_switching_back_and_forth_stays_in_time(page: Page) -> None:
    a, b = counter(RATE), counter(RATE, -1.0)
    acts: list[Act] = [(0, "play", None), *((number * 25 * QUANTUM, "toggle", None) for number in range(1, 13))]
    heard = render(page, a, b, acts, RATE).samples[:, 0]
    last = 12 * 25 * QUANTUM + FADE
    assert np.array_equal(heard[last:], a[last:])


def test_faster_than_a_fade_switches_wait_for_each_other(page: Page) -> None:
    a, b = sine(60), sine(100)
    acts: list[Act] = [(0, "play", None), *((number * QUANTUM, "toggle", None) for number in range(10, 15))]
    heard = render(page, a, b, acts, RATE).samples[:, 0]
    assert largest_step(heard) <= max(largest_step(a), largest_step(b)) + 1e-6
    assert np.array_equal(heard[30_000:], b[30_000:])


def test_pausing_and_playing_on_hears_every_sample_once(page: Page) -> None:
    a = counter(RATE)
    pause, on = 80 * QUANTUM, 160 * QUANTUM
    heard = render(page, a, a, [(0, "play", None), (pause, "pause", None), (on, "play", None)], RATE)
    samples = heard.samples[:, 0]
    assert not samples[pause + EDGE : on].any()
    assert np.array_equal(samples[on + EDGE : RATE - 1], a[pause + 2 * EDGE : RATE - 1 - (on - pause - EDGE)])


def test_seeking_moves_both_sides_to_the_same_sample(page: Page) -> None:
    a, b = counter(RATE), counter(RATE, -1.0)
    acts: list[Act] = [(0, "play", None), (50 * QUANTUM, "seek", 0.5), (150 * QUANTUM, "toggle", None)]
    heard = render(page, a, b, acts, 40_000).samples[:, 0]
    moved = 24_000 - 50 * QUANTUM
    assert np.array_equal(
        heard[50 * QUANTUM + EDGE : 150 * QUANTUM], a[50 * QUANTUM + EDGE + moved : 150 * QUANTUM + moved]
    )
    after = 150 * QUANTUM + FADE
    stop = RATE - moved
    assert np.array_equal(heard[after:stop], b[after + moved :])


def test_a_loop_goes_round_on_both_sides_without_drift(page: Page) -> None:
    a, b = counter(RATE), counter(RATE // 2, -1.0)
    loop = {"startS": 0.1, "endS": 0.6}  # the end lies behind the shorter one's
    heard = render(page, a, b, [(0, "play", None), (400 * QUANTUM, "toggle", None)], 3 * RATE, loop=loop).samples[:, 0]
    expected_a, expected_b = a[4_800:28_800], np.concatenate([b, np.zeros(RATE // 2, np.float32)])[4_800:28_800]
    rounds = np.arange(3 * RATE) % 24_000
    at = 400 * QUANTUM
    assert np.array_equal(heard[EDGE : at + 1], expected_a[rounds[EDGE : at + 1]])
    assert np.array_equal(heard[at + FADE :], expected_b[rounds[at + FADE :]])


def test_setting_a_loop_around_what_is_heard_is_not_heard(page: Page) -> None:
    a = sine(100, 2 * RATE)
    acts: list[Act] = [(0, "play", None), (100 * QUANTUM, "setLoop", {"startS": 0.1, "endS": 1.1})]
    heard = render(page, a, a, acts, RATE).samples[:, 0]
    assert np.allclose(heard, a[:RATE], atol=1e-6)


def test_where_it_says_it_is_is_what_is_heard(page: Page) -> None:
    acts: list[Act] = [(0, "play", None), (300 * QUANTUM, "toggle", None), (350 * QUANTUM, "toggle", None)]
    a = counter(RATE)
    loop = {"startS": 0.25, "endS": 0.75}
    heard = render(page, a, a, acts, 400 * QUANTUM, loop=loop)
    for (frame, _, _), place in zip(acts[1:], heard.places[1:], strict=True):
        assert a[round(place * RATE)] == heard.samples[frame, 0]


def test_the_shorter_sound_is_followed_by_silence_and_the_end_comes_with_the_longer(page: Page) -> None:
    a, b = counter(RATE // 4), counter(RATE, -1.0)
    acts: list[Act] = [(0, "play", None), (200 * QUANTUM, "toggle", None)]
    heard = render(page, a, b, acts, 2 * RATE).samples[:, 0]
    assert not heard[RATE // 4 : 200 * QUANTUM].any()
    assert np.array_equal(heard[200 * QUANTUM + FADE : RATE], b[200 * QUANTUM + FADE :])
    assert not heard[RATE:].any()


# -- without a click --------------------------------------------------------------------------------------------------

LOW = [(40, 40), (40, 60), (60, 100), (100, 40), (40, 100)]


@pytest.mark.parametrize(("a_hz", "b_hz"), LOW)
@pytest.mark.parametrize("phase", [0.0, 0.7, 1.6, 2.4, np.pi, 4.0, 5.1])
def test_on_low_tones_no_step_is_larger_than_their_own(page: Page, a_hz: float, b_hz: float, phase: float) -> None:
    a, b = sine(a_hz), sine(b_hz, phase=phase)
    acts: list[Act] = [(0, "play", None), *((number * 31 * QUANTUM, "toggle", None) for number in range(1, 12))]
    heard = render(page, a, b, acts, RATE).samples[:, 0]
    assert largest_step(heard) <= max(largest_step(a), largest_step(b)) + 1e-6


@pytest.mark.parametrize("pair", [("glass-bell", "breath-pad"), ("sub-pulse", "metal-roof")])
def test_on_music_no_step_is_larger_than_its_own(page: Page, pair: tuple[str, str]) -> None:
    presets = list(load_generator(None).presets)
    names = [name if name in presets else presets[number] for number, name in enumerate(pair)]
    a, b = (music(name, seed) for seed, name in enumerate(names, 1))
    acts: list[Act] = [(0, "play", None), *((number * 61 * QUANTUM, "toggle", None) for number in range(1, 17))]
    heard = render(page, a, b, acts, min(len(a), len(b))).samples
    assert largest_step(heard) <= max(largest_step(a), largest_step(b)) + 1e-6


def test_between_two_sounds_that_are_the_same_a_switch_changes_nothing(page: Page) -> None:
    a = music(next(iter(load_generator(None).presets)), 5)
    acts: list[Act] = [(0, "play", None), *((number * 61 * QUANTUM, "toggle", None) for number in range(1, 17))]
    heard = render(page, a, a, acts, len(a)).samples
    assert np.allclose(heard, a, atol=1e-6), "gains that keep the power of strangers would swell here by 3 dB"


def test_between_strangers_a_switch_keeps_the_power(page: Page) -> None:
    rng = np.random.default_rng(3)
    a, b = (rng.normal(0, 0.1, 2 * RATE).astype(np.float32) for _ in range(2))
    acts: list[Act] = [(0, "play", None), *((number * 25 * QUANTUM, "toggle", None) for number in range(1, 29))]
    heard = render(page, a, b, acts, 2 * RATE).samples[:, 0].astype(np.float64)
    middles = np.concatenate(
        [heard[n * 25 * QUANTUM + FADE // 3 : n * 25 * QUANTUM + 2 * FADE // 3] for n in range(1, 29)]
    )
    assert abs(10 * np.log10(np.mean(middles**2) / np.mean(a.astype(np.float64) ** 2))) < 0.5


def test_pausing_and_seeking_make_no_click_either(page: Page) -> None:
    a = sine(40)
    acts: list[Act] = [
        (0, "play", None),
        (40 * QUANTUM, "pause", None),
        (60 * QUANTUM, "play", None),
        (120 * QUANTUM, "seek", 0.0321),
        (121 * QUANTUM, "seek", 0.3017),
        (122 * QUANTUM, "pause", None),
    ]
    heard = render(page, a, a, acts, RATE).samples[:, 0]
    assert largest_step(heard) <= largest_step(a) + 2 * 0.5 / EDGE, "two edges are all that comes on top"
    assert not heard[123 * QUANTUM + EDGE :].any()


# -- equally loud -----------------------------------------------------------------------------------------------------


def level_of(audio: Samples) -> Level:
    wav, _ = encode_samples(prepare(audio, RATE, 24))
    level = measure(BytesIO(wav))
    return on_two_loudspeakers(level) if audio.ndim == 1 else level


@pytest.mark.parametrize("mono", [False, True])
def test_matched_takes_are_within_a_fifth_of_a_loudness_unit_as_they_are_heard(page: Page, mono: bool) -> None:
    presets = list(load_generator(None).presets)
    a, b = music(presets[0], 1), 0.4 * music(presets[3], 2)
    a = a[:, 0] if mono else a
    gains = matched_gains(level_of(a), level_of(b))
    assert gains.matched
    assert min(gains.a_db, gains.b_db) < -1, "otherwise nothing is tested here"
    loud = []
    for first in (("play", None), ("hear", "b")):
        acts: list[Act] = [(0, *first), (0, "play", None)]
        heard = render(page, a, b, acts, len(a), gains={"a": gains.a_db, "b": gains.b_db}).samples
        assert np.abs(heard).max() <= 1
        loud.append(level_of(heard).loudness_lufs or 0.0)
    assert abs(loud[0] - loud[1]) < 0.2


# -- blind ------------------------------------------------------------------------------------------------------------


def test_the_shuffle_is_even_over_a_thousand_seeded_trials(page: Page) -> None:
    counts = page.evaluate(
        """() => {
          const first = (seed, trial) => (shuffledSides(seed, trial)[0] === 'a' ? 1 : 0);
          const numbers = Array.from({ length: 1000 }, (_, number) => number);
          const alike = (draws) => draws.filter((draw, at) => at > 0 && draw === draws[at - 1]).length;
          const trials = [1, 77, 4294967295].map((seed) => numbers.map((trial) => first(seed, trial + 1)));
          const seeds = [1, 2, 9].map((trial) => numbers.map((seed) => first(seed, trial)));
          return [...trials, ...seeds].map((draws) => [draws.reduce((sum, draw) => sum + draw), alike(draws)]);
        }"""
    )
    for of_a, alike in counts:  # 500 are expected, with a standard deviation of 16
        assert 440 <= of_a <= 560
        assert 440 <= alike <= 560, "one trial says something about the next"


def test_a_series_draws_its_seed_anew_and_shows_it_to_nobody(page: Page) -> None:
    drawn = page.evaluate(
        """() => Array.from({ length: 1000 }, () => {
          const trials = new Trials();
          return [trials.at(0), JSON.stringify(trials), Object.keys(trials).join()];
        })"""
    )
    assert 440 <= sum(side == "a" for side, _, _ in drawn) <= 560
    assert {keys for _, _, keys in drawn} == {"series,trial"}
