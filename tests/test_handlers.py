"""What the page can ask: every answer is plain JSON, every bad request a typed error, and nothing else is swallowed."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generators import Sound
from history_ui.desk import Desk, answer
from history_ui.handlers import HANDLERS
from history_ui.jobs import Jobs
from history_ui.saving import Keeper
from history_ui.sources import Sources
from history_ui.take import Take
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from store import GenerationHistory, HistoryEntry, StoreFull
from store.catalog import Building
from tests.conftest import add

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def desk(history: GenerationHistory) -> Desk:
    unsaved = UnsavedTakes()
    return Desk(
        history,
        Jobs(),
        unsaved,
        Keeper(history, unsaved),
        lambda entry: f"/audio/{entry.entry_id}.wav",
        Vocabulary("synth"),
        Sources(history.presets, Vocabulary("synth"), "synth", "Synth"),
    )


@pytest.fixture
def ask(desk: Desk) -> Ask:
    """Ask as the page does: one object in, one object out, both through JSON as strict as a browser's."""

    def asked(name: str, **request: Any) -> dict[str, Any]:
        reply = answer(HANDLERS[name], desk, json.loads(json.dumps(request)))
        text = json.dumps(reply, allow_nan=False, ensure_ascii=False).encode("utf-8")
        parsed: dict[str, Any] = json.loads(text)
        return parsed

    return asked


def take(seed: int = 1) -> Take:
    audio = np.random.default_rng(seed).uniform(-0.5, 0.5, 800).astype(np.float32)
    return Take(Sound(8000, audio, seed=seed), {"text": "rain on tape", "seed": seed}, "synth", "Synth")


# -- lists ------------------------------------------------------------------------------------------------------------


def test_a_page_holds_cards_newest_first_and_the_total(history: GenerationHistory, ask: Ask) -> None:
    made = [add(history, seed) for seed in range(5)]
    page = ask("fetch_page", filters={}, sort="newest", offset=1, limit=2)
    assert [card["id"] for card in page["takes"]] == [made[3].entry_id, made[2].entry_id]
    assert page["total"] == 5
    assert page["revision"] == history.revision()


def test_pages_together_are_every_take_once(history: GenerationHistory, ask: Ask) -> None:
    made = [add(history, seed).entry_id for seed in range(7)]
    pages = [ask("fetch_page", offset=offset, limit=3)["takes"] for offset in (0, 3, 6)]
    assert [card["id"] for page in pages for card in page] == made[::-1]


def test_a_card_says_what_the_gallery_draws(history: GenerationHistory, ask: Ask) -> None:
    entry = add(history, 7, params={"text": "The kettle is on", "seed": 7})
    [card] = ask("fetch_page")["takes"]
    assert card["title"] == "The kettle is on"
    assert card["title_is_own"] is False
    assert (card["seed"], card["seed_text"], card["model"]) == (7, "7", "Synth")
    assert card["duration_s"] == 0.01
    assert card["audio"] == f"/audio/{entry.entry_id}.wav"
    assert base64.b64decode(card["thumbnail"].removeprefix("data:image/png;base64,")).startswith(b"\x89PNG")
    assert card["time_s"] == pytest.approx(entry.time_us / 1e6)


def test_a_take_without_audio_keeps_its_card(history: GenerationHistory, ask: Ask) -> None:
    entry = add(history)
    history.audio_path(entry.entry_id).unlink()
    [card] = ask("fetch_page")["takes"]
    assert card["audio"] is None
    assert ask("fetch_take", id=entry.entry_id)["parameters"]
    assert ask("fetch_spectrogram", id=entry.entry_id)["error"]["kind"] == "AudioMissing"


@pytest.mark.parametrize(
    ("filters", "seeds"),
    [
        ({"query": "kettle"}, [1]),
        ({"favorite": True}, [2]),
        ({"min_rating": 3}, [3]),
        ({"tags": ["pad"]}, [3]),
        ({"model_id": "espeak"}, [1]),
        ({"deleted": True}, [0]),
        ({"query": "", "model_id": None}, [3, 2, 1]),
        ({"since": 0, "until": 1}, []),
        ({"to_check": False}, [3, 2, 1]),
    ],
)
def test_filters_reach_the_store(
    history: GenerationHistory, ask: Ask, filters: dict[str, Any], seeds: list[int]
) -> None:
    history.delete_entry(add(history, 0).entry_id)
    add(history, 1, model_id="espeak", model_name="Espeak", params={"text": "kettle"})
    history.update_entry(add(history, 2).entry_id, favorite=True)
    history.update_entry(add(history, 3).entry_id, rating=4, tags=["pad"])
    page = ask("fetch_page", filters=filters)
    assert [card["seed"] for card in page["takes"]] == seeds
    assert page["total"] == len(seeds)
    assert ask("fetch_counts", queries=[filters, {}]) == {"counts": [len(seeds), 3]}


def test_the_summary_counts_everything(history: GenerationHistory, ask: Ask) -> None:
    history.delete_entry(add(history, 0).entry_id)
    kept = history.update_entry(add(history, 1).entry_id, favorite=True, rating=2, tags=["pad"])
    summary = ask("fetch_summary")
    assert summary["counts"] == {"all": 1, "favorites": 1, "rated": 1, "to_check": 0, "deleted": 1}
    assert summary["size_bytes"] == kept.size_bytes
    assert summary["deleted_bytes"] > 0
    assert summary["models"] == [{"value": "synth", "label": "Synth", "count": 1}]
    assert summary["tags"] == [{"value": "pad", "label": "pad", "count": 1}]
    assert summary["presets"] == []


# -- one take ---------------------------------------------------------------------------------------------------------


def test_details_hold_every_field(history: GenerationHistory, ask: Ask) -> None:
    parent = add(history, 7)
    entry = add(history, 7, params={"brightness": 3.5, "text": "hi", "seed": 7}, parent_id=parent.entry_id)
    details = ask("fetch_take", id=entry.entry_id)
    assert details["entry"]["params"] == entry.params
    assert json.loads(details["json"])["entry_id"] == entry.entry_id
    assert {"name": "brightness", "label": "Brightness", "value": 3.5, "text": "3.5"} in details["parameters"]
    assert details["parent"] == {"id": parent.entry_id, "title": "Synth", "verdict": "identical"}
    told = {fact["label"]: fact["text"] for fact in details["facts"]}
    assert told["Format"] == "48 kHz mono, 24 bit"
    assert told["Id"] == entry.entry_id
    assert told["Samples' SHA-256"] == entry.audio_sha256


def test_unknown_fields_of_a_newer_program_are_shown(history: GenerationHistory, ask: Ask) -> None:
    import msgspec

    from history_ui.view import facts

    entry = msgspec.structs.replace(add(history), extra={"mood_index": -19.4})
    assert {"label": "Mood index", "text": "−19.4"} in facts(entry)


def test_numbers_and_texts_that_a_browser_cannot_hold_arrive_readable(history: GenerationHistory, ask: Ask) -> None:
    params = {"seed": 2**60, "gain": math.inf, "lost": math.nan, "half": "\ud83c", "deep": [[2**53]]}
    entry = add(history, 1, params=params)
    details = ask("fetch_take", id=entry.entry_id)
    assert details["entry"]["params"]["seed"] == str(2**60)
    assert details["entry"]["params"]["gain"] == {"$number": "Infinity"}
    assert details["entry"]["params"]["half"] == "\ufffd"
    assert f'"seed": {2**60}' in details["json"]


def test_the_spectrogram_is_a_picture(history: GenerationHistory, ask: Ask) -> None:
    reply = ask("fetch_spectrogram", id=add(history).entry_id)
    assert reply["image"].startswith("data:image/png;base64,")
    assert (reply["low_hz"], reply["high_hz"]) == (60, 10_000)


def test_a_take_is_changed_removed_and_brought_back(history: GenerationHistory, ask: Ask) -> None:
    entry = add(history)
    changes = {"favorite": True, "rating": 4, "tags": ["pad", "pad "], "note": "loud\nend", "title": "Bell"}
    card = ask("change_take", id=entry.entry_id, changes=changes)["card"]
    assert (card["favorite"], card["rating"], card["tags"], card["title"]) == (True, 4, ["pad"], "Bell")
    assert ask("change_take", id=entry.entry_id, changes={"rating": 0})["card"]["rating"] is None
    assert ask("remove_take", id=entry.entry_id) == {"removed": True}
    assert ask("fetch_page")["total"] == 0
    assert ask("bring_back", id=entry.entry_id)["card"]["deleted"] is False
    assert ask("remove_take", id=entry.entry_id, forever=True) == {"removed": True}
    assert ask("remove_take", id=entry.entry_id) == {"removed": False}
    assert ask("bring_back", id=entry.entry_id)["error"]["kind"] == "EntryNotFound"


def test_emptying_the_trash_removes_what_is_in_it_only(history: GenerationHistory, ask: Ask) -> None:
    kept, gone = add(history, 1), add(history, 2)
    history.delete_entry(gone.entry_id)
    assert ask("empty_trash") == {"removed": 1}
    assert history.get(gone.entry_id) is None
    assert history.get(kept.entry_id) is not None


# -- what runs, and what is unsaved -----------------------------------------------------------------------------------


def test_status_tells_of_running_jobs_and_other_processes_changes(
    history: GenerationHistory, desk: Desk, ask: Ask
) -> None:
    before = ask("poll_status")
    job = desk.jobs.start("Choir, longer", total=3)
    with GenerationHistory(history.directory) as other:
        add(other)
    after = ask("poll_status")
    assert before["revision"] != after["revision"]
    assert [(shown["title"], shown["total"]) for shown in after["jobs"]] == [("Choir, longer", 3)]
    assert ask("stop_job", id=job.id) == {"stopped": True}
    assert ask("stop_job", id="job-99") == {"stopped": False}


def test_an_unsaved_take_is_shown_played_downloaded_retried_and_dropped(
    history: GenerationHistory, desk: Desk, ask: Ask
) -> None:
    first, second = (desk.unsaved.keep(take(seed), "StoreFull", "disk is full") for seed in (1, 2))
    [shown, _] = ask("poll_status")["unsaved"]
    assert (shown["id"], shown["title"], shown["reason"]) == (second.id, "rain on tape", "disk is full")
    assert shown["thumbnail"].startswith("data:image/png")
    played = ask("fetch_unsaved", id=first.id)
    assert base64.b64decode(played["audio"])[:4] == b"RIFF"
    assert played["name"] == "rain on tape.wav"
    assert ask("retry_save", id=first.id)["card"]["seed"] == 1
    assert ask("retry_save", id=first.id)["was_there"], "another page's retry finds it saved"
    assert history.count() == 1
    assert ask("drop_unsaved", id=second.id) == {"dropped": True}
    assert ask("retry_save", id=second.id)["error"]["kind"] == "EntryNotFound"
    assert ask("poll_status")["unsaved"] == []


def test_a_retry_that_fails_keeps_the_take_with_the_new_reason(
    history: GenerationHistory, desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    unsaved = desk.unsaved.keep(take(), "StoreUnavailable", "gone")

    def full(*_: Any, **__: Any) -> HistoryEntry:
        raise StoreFull(history.directory, "disk is full")

    monkeypatch.setattr(history, "add_to_history", full)
    assert ask("retry_save", id=unsaved.id)["error"]["kind"] == "StoreFull"
    assert [shown["reason"] for shown in ask("poll_status")["unsaved"]] == ["disk is full"]


# -- refusals ---------------------------------------------------------------------------------------------------------

BAD_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    ("fetch_page", {"limit": 0}),
    ("fetch_page", {"limit": 201}),
    ("fetch_page", {"limit": "48"}),
    ("fetch_page", {"limit": True}),
    ("fetch_page", {"limit": 1.5}),
    ("fetch_page", {"offset": -1}),
    ("fetch_page", {"offset": 1e300}),
    ("fetch_page", {"sort": "random"}),
    ("fetch_page", {"sort": ["newest"]}),
    ("fetch_page", {"filters": "all"}),
    ("fetch_page", {"filters": {"query": 7}}),
    ("fetch_page", {"filters": {"query": "x" * 1001}}),
    ("fetch_page", {"filters": {"favorite": 1}}),
    ("fetch_page", {"filters": {"min_rating": 6}}),
    ("fetch_page", {"filters": {"tags": "pad"}}),
    ("fetch_page", {"filters": {"tags": [1]}}),
    ("fetch_page", {"filters": {"tags": ["x"] * 101}}),
    ("fetch_page", {"filters": {"since": "now"}}),
    ("fetch_page", {"filters": {"since": 1e300}}),
    ("fetch_page", {"filters": {"directory": "/etc"}}),
    ("fetch_page", {"unknown": 1}),
    ("fetch_summary", {"id": "x"}),
    ("fetch_counts", {"queries": {}}),
    ("fetch_counts", {"queries": [{}] * 401}),
    ("fetch_take", {}),
    ("fetch_take", {"id": ""}),
    ("fetch_take", {"id": 7}),
    ("fetch_take", {"id": "x" * 1001}),
    ("change_take", {"id": "x"}),
    ("change_take", {"id": "x", "changes": {}}),
    ("change_take", {"id": "x", "changes": {"audio_file": "../x"}}),
    ("change_take", {"id": "x", "changes": {"rating": 9}}),
    ("change_take", {"id": "x", "changes": {"favorite": "yes"}}),
    ("change_take", {"id": "x", "changes": {"title": "x" * 1001}}),
    ("remove_take", {"id": "x", "forever": "no"}),
    ("stop_job", {"id": None}),
]


@pytest.mark.parametrize(("name", "request_"), BAD_REQUESTS)
def test_a_bad_request_is_refused_with_a_sentence(ask: Ask, name: str, request_: dict[str, Any]) -> None:
    error = ask(name, **request_)["error"]
    assert error["kind"] == "BadRequest"
    assert error["message"].endswith(".")


@pytest.mark.parametrize("request_", [None, [], "x", 7, True])
@pytest.mark.parametrize("name", sorted(HANDLERS))
def test_requests_that_are_no_objects_never_raise(desk: Desk, name: str, request_: Any) -> None:
    reply = answer(HANDLERS[name], desk, request_)
    assert isinstance(reply, dict)
    if request_ is not None:
        assert reply["error"]["kind"] == "BadRequest"


@pytest.mark.parametrize("entry_id", ["../../etc/passwd", "\x00", "\ud800", "a/b", "%2e%2e", "C:\\x", "x" * 1000])
@pytest.mark.parametrize("name", ["fetch_take", "fetch_spectrogram", "bring_back", "retry_save", "fetch_unsaved"])
def test_ids_that_are_no_ids_are_not_found(ask: Ask, name: str, entry_id: str) -> None:
    assert ask(name, id=entry_id)["error"]["kind"] == "EntryNotFound"


def test_a_folder_that_is_gone_is_told_as_such_and_comes_back(
    history: GenerationHistory, ask: Ask, tmp_path: Path
) -> None:
    entry = add(history)
    away = tmp_path / "away"
    history.directory.rename(away)
    for name, request in (
        ("fetch_page", {}),
        ("fetch_summary", {}),
        ("fetch_take", {"id": entry.entry_id}),
    ):
        assert ask(name, **request)["error"]["kind"] == "FolderUnreachable", name
    away.rename(history.directory)
    assert ask("fetch_page")["takes"][0]["id"] == entry.entry_id


def test_what_is_only_in_memory_is_told_while_the_folder_is_gone(
    history: GenerationHistory, desk: Desk, ask: Ask, tmp_path: Path
) -> None:
    unsaved = desk.unsaved.keep(take(), "StoreUnavailable", "folder cannot be found")
    history.directory.rename(tmp_path / "away")
    status = ask("poll_status")
    assert (status["revision"], status["trouble"]["kind"]) == (None, "FolderUnreachable")
    assert [shown["id"] for shown in status["unsaved"]] == [unsaved.id]
    (tmp_path / "away").rename(history.directory)
    assert ask("poll_status")["trouble"] is None


def test_the_page_is_told_how_far_a_long_history_has_been_read(
    desk: Desk, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ask("poll_status")["building"] is None
    monkeypatch.setattr(GenerationHistory, "building", Building(3, 100))
    assert ask("poll_status")["building"] == {"done": 3, "total": 100}


def test_a_mistake_of_ours_is_not_swallowed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(desk.history, "count", broken)
    with pytest.raises(ZeroDivisionError):
        answer(HANDLERS["fetch_page"], desk, {})
