"""What the compare view asks: two takes side by side, a vote between them, keeping the better one and taking that back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from history_ui import view, words
from history_ui.desk import Desk, Handler, Json
from history_ui.request import read_flag, read_id, read_int, read_name, read_object
from history_ui.titles import Vocabulary
from store import ABComparison, HistoryEntry
from store.differences import Difference
from store.votes import SIDES, Tally, tally, votes_of

_LARGEST_TRIAL = 10**6
_LARGEST_CHANGE = 1e15  # beyond it, the difference of two numbers says little and may not be a number
_SLIDERS = "slider_positions"


def fetch_comparison(desk: Desk, request: object) -> Json:
    """{a, b} → {a, b, gains, plays_at_lufs, differences, same, tally}.

    A side is {card, format, sample_rate, channels, loudness_lufs}. Both are measured when that was never done before.
    """
    asked = read_object(request, ("a", "b"))
    comparison = ABComparison(desk.history, *(read_id({"id": asked.get(side)}) for side in SIDES))
    gains = comparison.gains()
    levels = {side: comparison.level(side) for side in SIDES}
    louder_db = gains.a_db if gains.matched else 0.0
    return {
        **{side: _side(desk, comparison.entry(side), levels[side].loudness_lufs) for side in SIDES},
        "gains": asdict(gains),
        "plays_at_lufs": (levels["a"].loudness_lufs or 0.0) + louder_db if gains.matched else None,
        "differences": list(_told_differences(desk, comparison)),
        "same": _same(desk, comparison),
        "tally": _tally(comparison.tally()),
    }


def _side(desk: Desk, entry: HistoryEntry, loudness_lufs: float | None) -> Json:
    return {
        "card": desk.card(entry),
        "format": view.format_text(entry),
        "sample_rate": entry.sample_rate,
        "channels": entry.channels,
        "loudness_lufs": loudness_lufs,
    }


def _tally(counted: Tally) -> Json:
    return {"a": counted.a, "b": counted.b, "chance": counted.chance}


def _told_differences(desk: Desk, comparison: ABComparison) -> Iterator[Json]:
    """Yield what differs in words; a slider's position only where no parameter tells the same by its name."""
    a, b = comparison.entry("a"), comparison.entry("b")
    named = all(isinstance(entry.params, dict) and entry.params for entry in (a, b))
    names = desk.vocabulary.of(a.model_id) if a.model_id == b.model_id else Vocabulary()
    if a.model_id != b.model_id:
        yield {"label": "Model", "a": view.model_text(a), "b": view.model_text(b)}
    for difference in comparison.differences():
        if not (named and difference.name.startswith(_SLIDERS)):
            yield _told(difference, names)


def _told(difference: Difference, names: Vocabulary) -> Json:
    """{label, a, b} and, for two numbers, {change}; where a slider knows its ends also {at_a, at_b, zero}, from 0 to 1."""
    knob = names.knobs.get(difference.name)
    write = knob.text if knob else words.value_text
    told = {
        "label": names.label(difference.name),
        "a": "none" if difference.only_in == "b" else write(difference.a),
        "b": "none" if difference.only_in == "a" else write(difference.b),
    }
    if not (_is_number(difference.a) and _is_number(difference.b)) or difference.name == "seed":
        return told
    change = difference.b - difference.a
    if knob is None or not knob.is_slider or knob.minimum is None or knob.maximum is None:
        return {**told, "change": words.number_text(change, signed=True)}
    is_signed = knob.minimum < 0 < knob.maximum
    told["change"] = knob.text(change) if is_signed else words.number_text(change, signed=True)
    low, span = knob.minimum, knob.maximum - knob.minimum
    across = {
        name: min(1.0, max(0.0, (at - low) / span)) for name, at in (("at_a", difference.a), ("at_b", difference.b))
    }
    return {**told, **across, "zero": -low / span if is_signed else None} if span > 0 else told


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _LARGEST_CHANGE


def _same(desk: Desk, comparison: ABComparison) -> list[Json]:
    """Return the parameters that both takes have alike, as {label, text}."""
    a = comparison.entry("a")
    differ = {difference.name.partition(".")[0].partition("[")[0] for difference in comparison.differences()}
    told = view.parameters(a, desk.vocabulary)
    return [{"label": one["label"], "text": one["text"]} for one in told if one["name"] not in differ]


def cast_vote(desk: Desk, request: object) -> Json:
    """{preferred, other, trial, series} → {vote, tally}: a blind vote, kept with both takes; A is the preferred one."""
    asked = read_object(request, ("preferred", "other", "trial", "series"))
    comparison = ABComparison(desk.history, *(read_id({"id": asked.get(name)}) for name in ("preferred", "other")))
    comparison.series = read_name(asked.get("series"), "series")
    vote = comparison.vote("a", blind=True, trial=read_int(asked.get("trial"), "trial", 1, _LARGEST_TRIAL))
    return {"vote": vote.to_document(), "tally": _tally(comparison.tally())}


def keep_take(desk: Desk, request: object) -> Json:
    """{id, preset_name} → {card, preset, was_favorite}: a favourite, and with a name its settings as a preset.

    Where the preset cannot be, nothing is changed.
    """
    asked = read_object(request, ("id", "preset_name"))
    entry = desk.entry(read_id(asked))
    name = asked.get("preset_name")
    preset = None if name is None else desk.history.save_preset(entry.entry_id, read_name(name, "preset_name"))
    kept = desk.history.update_entry(entry.entry_id, favorite=True)
    told = None if preset is None else {"id": preset.preset_id, "name": preset.name}
    return {"card": desk.card(kept), "preset": told, "was_favorite": entry.favorite}


def take_back_keep(desk: Desk, request: object) -> Json:
    """{id, preset_id, favorite} → {card}: takes back what `keep_take` did."""
    asked = read_object(request, ("id", "preset_id", "favorite"))
    favorite = read_flag(asked.get("favorite"), "favorite")
    if asked.get("preset_id") is not None:
        desk.history.presets.delete(read_id({"id": asked["preset_id"]}))
    return {"card": desk.card(desk.history.update_entry(read_id(asked), favorite=favorite))}


def told_votes(desk: Desk, entry: HistoryEntry) -> list[Json]:
    """Return what a take's details say of its blind votes: by the other take, as {id, title, won, of, chance}."""
    votes = [vote for vote in votes_of(entry.votes) if vote.blind]
    others: Mapping[str, None] = dict.fromkeys(vote.against for vote in reversed(votes))
    return [_told_votes(desk, other, tally(votes, other)) for other in others]


def _told_votes(desk: Desk, other_id: str, counted: Tally) -> Json:
    other = desk.history.get(other_id)
    return {
        "id": None if other is None else other_id,
        "title": "a take that is gone" if other is None else view.title_of(other, desk.vocabulary),
        "won": counted.a,
        "of": counted.trials,
        "chance": counted.chance,
    }


COMPARING: tuple[Handler, ...] = (fetch_comparison, cast_vote, keep_take, take_back_keep)
