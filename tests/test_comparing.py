"""Guards what the compare view asks the server: two takes side by side, votes, keeping and taking that back."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr
import numpy as np
import pytest

from history_ui.desk import Desk, answer
from history_ui.handlers import HANDLERS
from history_ui.jobs import Jobs
from history_ui.knobs import knobs_of
from history_ui.saving import Keeper
from history_ui.sources import Sources
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from store import ABComparison, GenerationHistory, GenerationResult, HistoryEntry
from store.votes import votes_of

RATE = 48_000


def tone(level: float, channels: int = 2, seconds: float = 1.0) -> GenerationResult:
    wave = level * np.sin(2 * np.pi * 1_000 * np.arange(int(seconds * RATE)) / RATE)
    return GenerationResult(np.stack([wave] * channels, axis=1), RATE)


def add(history: GenerationHistory, result: GenerationResult, seed: int = 0, **params: Any) -> HistoryEntry:
    return history.add_to_history(result, "synth", "Synth", params={"brightness": 0.0, **params, "seed": seed})


@pytest.fixture
def pair(history: GenerationHistory) -> tuple[HistoryEntry, HistoryEntry]:
    return add(history, tone(0.5), 1, brightness=3.0, wet=1), add(history, tone(0.125), 2, brightness=-1.5, wet=1)


@pytest.fixture
def desk(history: GenerationHistory) -> Desk:
    unsaved, vocabulary = UnsavedTakes(), Vocabulary("synth")
    keeper, sources = Keeper(history, unsaved), Sources(history.presets, vocabulary, "synth", "Synth")
    return Desk(history, Jobs(), unsaved, keeper, lambda entry: f"/audio/{entry.entry_id}.wav", vocabulary, sources)


def ask(desk: Desk, name: str, **request: Any) -> dict[str, Any]:
    reply: dict[str, Any] = json.loads(json.dumps(answer(HANDLERS[name], desk, request), allow_nan=False))
    return reply


# -- side by side -----------------------------------------------------------------------------------------------------


def test_both_takes_come_with_the_gains_that_match_them(desk: Desk, pair: tuple[HistoryEntry, HistoryEntry]) -> None:
    a, b = pair
    told = ask(desk, "fetch_comparison", a=a.entry_id, b=b.entry_id)
    assert (told["a"]["card"]["id"], told["b"]["card"]["id"]) == (a.entry_id, b.entry_id)
    assert (told["a"]["sample_rate"], told["a"]["channels"], told["a"]["format"]) == (RATE, 2, "48 kHz stereo, 24 bit")
    assert told["gains"] == {"a_db": pytest.approx(-12.04, abs=0.02), "b_db": 0.0, "matched": True}
    assert told["plays_at_lufs"] == pytest.approx(told["b"]["loudness_lufs"])
    assert told["a"]["loudness_lufs"] + told["gains"]["a_db"] == pytest.approx(told["plays_at_lufs"])


def test_silence_matches_nothing(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    silence = add(history, tone(0.0))
    told = ask(desk, "fetch_comparison", a=silence.entry_id, b=pair[0].entry_id)
    assert told["gains"] == {"a_db": 0.0, "b_db": 0.0, "matched": False}
    assert (told["a"]["loudness_lufs"], told["plays_at_lufs"]) == (None, None)


def test_one_channel_counts_as_the_two_loudspeakers_it_is_heard_from(history: GenerationHistory) -> None:
    mono, stereo = add(history, tone(0.25, channels=1)), add(history, tone(0.25, channels=2))
    gains = ABComparison(history, mono.entry_id, stereo.entry_id).gains()
    assert (gains.a_db, gains.b_db) == (pytest.approx(0.0, abs=0.01), pytest.approx(0.0, abs=0.01))


def test_only_what_differs_is_told_and_the_rest_as_the_same(
    desk: Desk, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    told = ask(desk, "fetch_comparison", a=pair[0].entry_id, b=pair[1].entry_id)
    assert told["differences"] == [
        {"label": "Brightness", "a": "3", "b": "−1.5", "change": "−4.5"},
        {"label": "Seed", "a": "1", "b": "2"},
    ]
    assert told["same"] == [{"label": "Wet", "text": "1"}]


def test_what_has_a_slider_says_where_on_it_both_stand(history: GenerationHistory, desk: Desk) -> None:
    knobs = knobs_of({"brightness": gr.Slider(-5, 5, step=0.1, label="Brightness")})
    synth = Desk(**{**vars(desk), "vocabulary": Vocabulary("synth", knobs)})
    a, b = add(history, tone(0.5), brightness=-5.0), add(history, tone(0.5), brightness=2.5)
    [told] = ask(synth, "fetch_comparison", a=a.entry_id, b=b.entry_id)["differences"]
    assert (told["a"], told["b"], told["change"]) == ("−5.0", "+2.5", "+7.5")
    assert (told["at_a"], told["at_b"], told["zero"]) == (0.0, 0.75, 0.5)


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), None, "<b>", [1, 2], {"x": 1}, True])
def test_any_value_can_be_told_apart(history: GenerationHistory, desk: Desk, value: Any) -> None:
    a, b = add(history, tone(0.5), thing=value), add(history, tone(0.5), thing=1.5)
    differences = ask(desk, "fetch_comparison", a=a.entry_id, b=b.entry_id)["differences"]
    assert [one["label"] for one in differences if one["label"].startswith("Thing")]


def test_a_take_is_not_compared_with_itself_or_with_what_is_gone(
    desk: Desk, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    a = pair[0].entry_id
    assert ask(desk, "fetch_comparison", a=a, b=a)["error"]["kind"] == "InvalidEntry"
    assert ask(desk, "fetch_comparison", a=a, b="no such")["error"]["kind"] == "EntryNotFound"
    assert ask(desk, "fetch_comparison", a=a)["error"]["kind"] == "BadRequest"


# -- votes ------------------------------------------------------------------------------------------------------------


def test_a_vote_is_kept_with_both_takes_and_counted(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    a, b = (entry.entry_id for entry in pair)
    for trial, (preferred, other) in enumerate([(b, a), (b, a), (a, b)], 1):
        told = ask(desk, "cast_vote", preferred=preferred, other=other, trial=trial, series="s")
    assert told["tally"] == {"a": 1, "b": 2, "chance": 0.5}
    kept = [votes_of(history.get(entry_id).votes) for entry_id in (a, b)]  # type: ignore[union-attr]
    assert [[vote.preferred for vote in votes] for votes in kept] == [[False, False, True], [True, True, False]]
    assert {(vote.blind, vote.series) for votes in kept for vote in votes} == {(True, "s")}
    [told_a] = ask(desk, "fetch_take", id=a)["votes"]
    assert (told_a["id"], told_a["won"], told_a["of"], told_a["chance"]) == (b, 1, 3, 0.5)


def test_a_vote_against_a_take_that_is_gone_still_counts(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    a, b = (entry.entry_id for entry in pair)
    ask(desk, "cast_vote", preferred=a, other=b, trial=1, series="s")
    history.delete_entry(b, permanent=True)
    assert ask(desk, "fetch_take", id=a)["votes"] == [
        {"id": None, "title": "a take that is gone", "won": 1, "of": 1, "chance": 0.5}
    ]


@pytest.mark.parametrize(
    "wrong", [{"trial": 0}, {"trial": "1"}, {"trial": 10**9}, {"series": " "}, {"series": None}, {"more": 1}]
)
def test_a_vote_that_is_none_changes_nothing(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry], wrong: dict[str, Any]
) -> None:
    asked = {"preferred": pair[0].entry_id, "other": pair[1].entry_id, "trial": 1, "series": "s", **wrong}
    assert ask(desk, "cast_vote", **asked)["error"]["kind"] == "BadRequest"
    assert all(entry.votes == [] for entry in history.list_entries())


# -- keeping ----------------------------------------------------------------------------------------------------------


def test_keeping_with_a_name_makes_a_preset_and_all_of_it_is_taken_back(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    entry_id = pair[0].entry_id
    kept = ask(desk, "keep_take", id=entry_id, preset_name="  Glass bell ")
    [preset] = history.presets.list_presets()
    assert (kept["card"]["favorite"], kept["was_favorite"]) == (True, False)
    assert (kept["preset"], preset.name) == ({"id": preset.preset_id, "name": "Glass bell"}, "Glass bell")
    back = ask(desk, "take_back_keep", id=entry_id, preset_id=preset.preset_id, favorite=kept["was_favorite"])
    assert back["card"]["favorite"] is False
    assert history.presets.list_presets() == []


def test_keeping_without_a_name_is_only_a_star(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    history.update_entry(pair[0].entry_id, favorite=True)
    kept = ask(desk, "keep_take", id=pair[0].entry_id, preset_name=None)
    assert (kept["preset"], kept["was_favorite"]) == (None, True)
    assert history.presets.list_presets() == []


def test_a_name_that_cannot_be_changes_nothing(
    desk: Desk, history: GenerationHistory, pair: tuple[HistoryEntry, HistoryEntry]
) -> None:
    for name in ("", "x" * 101, "two\nlines", 7):
        error = ask(desk, "keep_take", id=pair[0].entry_id, preset_name=name)["error"]
        assert error["kind"] in ("BadRequest", "InvalidPreset")
    assert not any(entry.favorite for entry in history.list_entries())
