"""Guards comparing two takes: switching, voting blind and openly, what a coin would do, what differs, keeping the better."""

from __future__ import annotations

import math
import random
from itertools import pairwise, product, zip_longest
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import ABComparison, EntryNotFound, GenerationHistory, HistoryEntry, InvalidEntry, InvalidPreset
from store.differences import Difference, differences
from store.preset import Preset
from store.values import Json
from store.verify import verify
from store.votes import (
    MOST_VOTES,
    Side,
    Tally,
    Vote,
    chance_of_a_coin,
    shuffled_sides,
    tally,
    tally_of,
    votes_of,
    with_vote,
)
from tests.conftest import add, leave
from tests.test_values import values


@pytest.fixture
def pair(history: GenerationHistory) -> tuple[HistoryEntry, HistoryEntry]:
    params = {"room": {"size": 3, "wet": 1}, "bands": [1, 2, 3], "seed": 1, "duration": 1}
    one = add(history, 1, params=params, slider_positions=[1, 2])
    other = add(history, 2, params={**params, "room": {"size": 5, "wet": 1}, "seed": 2}, slider_positions=[1, 4])
    return one, other


@pytest.fixture
def comparison(history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]) -> ABComparison:
    return ABComparison(history, pair[0].entry_id, pair[1].entry_id)


# -- switching ------------------------------------------------------------------------------------------------------


def test_one_side_is_active_and_toggling_makes_it_the_other(
    history: GenerationHistory, comparison: ABComparison, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    a_path, b_path = (history.audio_path(entry.entry_id) for entry in pair)
    assert comparison.paths == (a_path, b_path)
    assert (comparison.active, comparison.active_path) == ("a", a_path)
    assert comparison.toggle() == "b"
    assert (comparison.active, comparison.active_path) == ("b", b_path)
    assert comparison.toggle() == "a"


def test_there_must_be_two_takes(history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]) -> None:
    one = pair[0].entry_id
    with pytest.raises(InvalidEntry):
        ABComparison(history, one, one)
    for ids in ((one, "none"), ("none", one)):
        with pytest.raises(EntryNotFound):
            ABComparison(history, *ids)


def test_gains_make_both_equally_loud_and_are_told_where_they_cannot(
    history: GenerationHistory, comparison: ABComparison, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    gains = comparison.gains()
    a, b = (history.loudness(entry.entry_id) for entry in pair)
    assert a is not None
    assert b is not None
    assert gains.matched
    assert a + gains.a_db == pytest.approx(b + gains.b_db)
    silent = history.add_to_history(_silence(), "synth", "Synth")
    assert not ABComparison(history, pair[0].entry_id, silent.entry_id).gains().matched
    history.audio_path(pair[1].entry_id).unlink()
    assert comparison.gains() == gains, "what was measured is kept"


def _silence() -> Any:
    from store import GenerationResult

    return GenerationResult([0.0] * 480, 48_000)


# -- voting ---------------------------------------------------------------------------------------------------------


def test_a_vote_is_kept_by_both_takes_and_survives(history: GenerationHistory, comparison: ABComparison) -> None:
    vote = comparison.vote("b", blind=True, trial=1)
    a, b = comparison.entry("a"), comparison.entry("b")
    (kept_by_a,), (kept_by_b,) = votes_of(a.votes), votes_of(b.votes)
    assert kept_by_b == vote
    assert (vote.preferred, vote.blind, vote.trial, vote.series) == (True, True, 1, comparison.series)
    assert (kept_by_a.preferred, kept_by_a.against, kept_by_b.against) == (False, b.entry_id, a.entry_id)
    assert kept_by_a.vote_id == kept_by_b.vote_id
    leave(history)
    with GenerationHistory(history.directory) as again:
        assert [again.get(entry.entry_id) for entry in (a, b)] == [a, b]
        again.fold()
    checked = verify(history.directory)
    assert (checked.good, checked.behind) == (True, ())


def test_votes_come_back_from_the_audio_files_alone(history: GenerationHistory, comparison: ABComparison) -> None:
    comparison.vote("a", blind=True)
    votes = comparison.entry("a").votes
    history.close()
    for path in history.directory.iterdir():
        if path.is_file():
            path.unlink()
    with GenerationHistory(history.directory) as again:
        kept = again.get(comparison.entry("a").entry_id)
        assert kept is not None
        assert kept.votes == votes


@pytest.mark.parametrize(
    "given_value", [{"side": "c"}, {"side": None}, {"side": []}, {"blind": "yes"}, {"trial": "first"}, {"trial": 1.5}]
)
def test_a_vote_that_cannot_be_is_refused_and_changes_nothing(
    comparison: ABComparison, given_value: dict[str, Any]
) -> None:
    with pytest.raises(InvalidEntry):
        comparison.vote(**{"side": "a", **given_value})
    assert comparison.entry("a").votes == comparison.entry("b").votes == []


def test_a_vote_about_a_take_that_is_gone_changes_nothing(history: GenerationHistory, comparison: ABComparison) -> None:
    history.delete_entry(comparison.entry("b").entry_id, permanent=True)
    with pytest.raises(EntryNotFound):
        comparison.vote("a")
    assert comparison.entry("a").votes == []


def test_a_take_cannot_be_preferred_to_itself(history: GenerationHistory) -> None:
    entry = add(history)
    with pytest.raises(InvalidEntry):
        history.record_vote(entry.entry_id, entry.entry_id)


def test_the_newest_two_hundred_votes_are_kept() -> None:
    votes: list[dict[str, Any]] = []
    for number in range(MOST_VOTES + 5):
        votes = with_vote(votes, Vote(vote_id=str(number), at="", against="x", preferred=True))
    assert [vote.vote_id for vote in votes_of(votes)] == [str(number) for number in range(5, MOST_VOTES + 5)]


def test_what_is_no_vote_is_passed_over_and_kept() -> None:
    strange = {"kind": "emoji", "value": "heart"}
    votes = with_vote([strange], Vote(vote_id="1", at="", against="x", preferred=True))
    assert votes[0] == strange
    assert [vote.vote_id for vote in votes_of(votes)] == ["1"]


def test_the_tally_counts_blind_votes_between_these_two(
    history: GenerationHistory, comparison: ABComparison, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    for side in "babbb":
        comparison.vote("a" if side == "a" else "b", blind=True)
    comparison.vote("a")
    third = add(history, 3)
    ABComparison(history, pair[0].entry_id, third.entry_id).vote("a", blind=True)
    assert comparison.tally() == Tally(1, 4, 0.1875)
    assert comparison.tally(blind_only=False) == Tally(2, 4, chance_of_a_coin(4, 6))
    assert comparison.tally().leading == "b"
    swapped = ABComparison(history, pair[1].entry_id, pair[0].entry_id)
    assert swapped.tally() == Tally(4, 1, 0.1875)
    assert tally([], "x") == Tally(0, 0, 1.0)
    assert Tally(1, 1, 0.75).leading is None


# -- chance ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trials", range(11))
def test_the_chance_of_a_coin_is_that_of_counting_every_way_it_can_fall(trials: int) -> None:
    falls = [sum(fall) for fall in product([0, 1], repeat=trials)]
    for preferred in range(trials + 1):
        assert chance_of_a_coin(preferred, trials) == sum(heads >= preferred for heads in falls) / len(falls)


def test_known_chances() -> None:
    assert chance_of_a_coin(9, 10) == pytest.approx(11 / 1_024)
    assert chance_of_a_coin(12, 16) == pytest.approx(0.03841, abs=5e-6)  # the usual bar of ABX tests at 5 %
    assert chance_of_a_coin(5_100, 10_000) == pytest.approx(0.0233, abs=5e-4)
    for preferred, trials in ((-1, 3), (4, 3)):
        with pytest.raises(ValueError, match="cannot be"):
            chance_of_a_coin(preferred, trials)


@given(st.lists(st.booleans(), max_size=60))
def test_the_leading_take_is_never_less_likely_a_coins_than_it_is(votes: list[bool]) -> None:
    counted = tally_of(votes)
    assert counted.trials == len(votes)
    assert 0 < counted.chance <= 1
    if counted.leading is None:
        assert counted.chance > 0.5


# -- blind ----------------------------------------------------------------------------------------------------------


def test_the_shuffle_is_even_over_a_thousand_trials_and_no_trial_tells_of_the_next() -> None:
    """Within three standard deviations: of sides, of pairs of neighbours, and of the first trials of a thousand series."""
    for firsts in (
        [shuffled_sides(7, trial)[0] for trial in range(1_000)],
        [shuffled_sides("a series", trial)[0] for trial in range(1_000)],
        [shuffled_sides(seed, 0)[0] for seed in range(1_000)],
    ):
        assert abs(firsts.count("a") - 500) <= 3 * math.sqrt(1_000) / 2
        changes = sum(one != other for one, other in pairwise(firsts))
        assert abs(changes - 499.5) <= 3 * math.sqrt(999) / 2


def test_the_same_seed_and_trial_give_the_same_order_and_both_sides_are_in_it() -> None:
    for seed, trial in product((1, "x"), range(20)):
        assert shuffled_sides(seed, trial) == shuffled_sides(seed, trial)
        assert sorted(shuffled_sides(seed, trial)) == ["a", "b"]
    state = random.getstate()
    shuffled_sides(1, 1)
    assert random.getstate() == state, "nobody else's numbers are touched"


# -- differences ----------------------------------------------------------------------------------------------------


def settings_of(params: Json = None, sliders: Json = None, seed: int | None = None) -> Preset:
    return Preset(preset_id="", name="", model_id="", model_name="", params=params, slider_positions=sliders, seed=seed)


def test_only_what_differs_is_told_with_flattened_names(comparison: ABComparison) -> None:
    assert comparison.differences() == (
        Difference("room.size", 3, 5),
        Difference("seed", 1, 2),
        Difference("slider_positions[1]", 2, 4),
    )


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ({"x": 1}, {"x": 1.0}, []),
        ({"x": 1}, {"x": True}, [Difference("x", 1, True)]),
        ({"x": math.nan}, {"x": math.nan}, []),
        ({"x": None}, {}, [Difference("x", None, None, only_in="a")]),
        ({}, {"x": {"y": 1}}, [Difference("x", None, {"y": 1}, only_in="b")]),
        ({"x": [1, 2]}, {"x": [1]}, [Difference("x", [1, 2], [1])]),
        ({"x": [0] * 65}, {"x": [1] * 65}, [Difference("x", [0] * 65, [1] * 65)]),
        ({"x": [{"y": 1}]}, {"x": [{"y": 2}]}, [Difference("x[0].y", 1, 2)]),
        (None, {}, []),
        ("text", None, [Difference("params", "text", None, only_in="a")]),
    ],
)
def test_differences(a: Json, b: Json, expected: list[Difference]) -> None:
    assert list(differences(settings_of(a), settings_of(b))) == expected


def test_the_seed_that_made_the_sound_counts_not_the_one_that_was_to_be_drawn() -> None:
    drawn = settings_of({"seed": -1}, seed=7)
    assert differences(drawn, settings_of({"seed": 7}, seed=7)) == ()
    assert differences(drawn, settings_of({"seed": -1}, seed=8)) == (Difference("seed", 7, 8),)


@given(a=values, b=values)
@settings(max_examples=50, deadline=None)
def test_nothing_differs_from_itself_and_differences_are_the_same_both_ways(a: Json, b: Json) -> None:
    one, other = settings_of(a), settings_of(b)
    assert differences(one, one) == ()
    there, back = differences(one, other), differences(other, one)
    assert sorted(each.name for each in there) == sorted(each.name for each in back)


# -- keeping --------------------------------------------------------------------------------------------------------


def test_the_better_one_becomes_a_favourite_and_a_preset(history: GenerationHistory, comparison: ABComparison) -> None:
    assert comparison.keep("a") is None
    assert (comparison.entry("a").favorite, comparison.entry("b").favorite) == (True, False)
    kept = comparison.keep("b", preset_name="Winner")
    assert kept is not None
    assert history.presets.list_presets() == [kept]
    assert (kept.name, kept.seed, kept.entry_id) == ("Winner", 2, comparison.entry("b").entry_id)
    assert "duration" not in kept.params
    assert comparison.entry("b").favorite


def test_where_the_name_is_taken_nothing_is_changed(history: GenerationHistory, comparison: ABComparison) -> None:
    comparison.keep("a", preset_name="Winner")
    with pytest.raises(InvalidPreset):
        comparison.keep("b", preset_name="winner")
    assert not comparison.entry("b").favorite


# -- takes and their presets ----------------------------------------------------------------------------------------


def test_a_take_records_its_preset_and_is_found_by_it(history: GenerationHistory, tmp_path: Path) -> None:
    kept = history.presets.save("Bell", model_id="synth", model_name="Synth")
    plain, made, changed = (
        add(history, seed, **given_values)
        for seed, given_values in enumerate(
            [{}, {"preset_id": kept.preset_id, "preset_changed": False}, {"preset_id": kept.preset_id, "preset_changed": True}]
        )
    )  # fmt: skip
    assert (plain.preset_id, plain.preset_changed) == (None, None)
    assert (changed.preset_id, changed.preset_changed) == (kept.preset_id, True)
    for _ in range(2):
        assert history.list_entries(preset_id=kept.preset_id) == [changed, made]
        assert history.count(preset_id=kept.preset_id) == 2
        assert history.count(preset_id=kept.preset_id, model_id="other") == 0
        assert history.count(preset_id="none") == 0
        history.renew_catalog()
    history.delete_entry(made.entry_id)
    assert history.list_entries(preset_id=kept.preset_id) == [changed]


@pytest.mark.parametrize("given_value", [{"preset_id": ""}, {"preset_id": 7}, {"preset_changed": "no"}])
def test_a_preset_that_cannot_be_is_refused(history: GenerationHistory, given_value: dict[str, Any]) -> None:
    with pytest.raises(InvalidEntry):
        add(history, **given_value)
    with pytest.raises(InvalidEntry):
        history.list_entries(preset_id=7)
    assert history.count() == 0
    assert list((history.directory / "audio").iterdir()) == []


def sides(text: str) -> list[Side]:
    return ["a" if letter == "a" else "b" for letter in text]


def test_several_processes_vote_and_no_vote_is_lost(history: GenerationHistory, comparison: ABComparison) -> None:
    a, b = comparison.entry("a").entry_id, comparison.entry("b").entry_id
    with GenerationHistory(history.directory) as other:
        comparisons = comparison, ABComparison(other, b, a)
        for one, second in zip_longest(sides("abab"), sides("bbbb")):
            comparisons[0].vote(one, blind=True)
            comparisons[1].vote(second, blind=True)
        assert comparison.tally() == Tally(6, 2, chance_of_a_coin(6, 8))
