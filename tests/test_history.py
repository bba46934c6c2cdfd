"""Guards what the history promises its users: the seven operations of the original design, and what came to them."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile

import store.history
from store import (
    EntryNotFound,
    GenerationConfig,
    GenerationHistory,
    GenerationResult,
    InvalidAudio,
    InvalidEntry,
    RepairReport,
    StoreUnavailable,
)
from store.sounds import carried_entry
from tests.conftest import add, tone


def everything_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_added_take_is_found_with_every_field_it_was_given(history: GenerationHistory) -> None:
    latent = np.linspace(-1, 1, 64, dtype=np.float32)
    config = GenerationConfig(latent_vector=latent, seed=3, stereo_mode="stereo", bit_depth=24)
    result = GenerationResult(np.zeros((960, 2)), 48_000, seed_used=7, config=config, elapsed_s=0.25)
    params = {"prompt": "a bell", "steps": 50, "cfg": 7.5, "negative": None, "loras": [], "nested": {"on": True}}
    entry = history.add_to_history(result, "model", "Model", [3, -1.5], 2, "Glass bell", params, "parent")

    assert history.get(entry.entry_id) == entry
    assert (entry.model_id, entry.model_name, entry.preset_name) == ("model", "Model", "Glass bell")
    assert (entry.slider_positions, entry.n_components, entry.params) == ([3, -1.5], 2, params)
    assert (entry.seed, entry.parent_id, entry.elapsed_s, entry.stereo_mode) == (7, "parent", 0.25, "stereo")
    assert (entry.sample_rate, entry.frames, entry.channels, entry.bit_depth) == (48_000, 960, 2, 24)
    assert entry.duration_s == 0.02
    assert np.array_equal(np.asarray(entry.latent_vector, dtype=np.float32), latent)
    assert entry.timestamp.endswith("+00:00")
    assert entry.audio_file == f"audio/{entry.entry_id}.wav"
    assert entry.thumbnail_file == f"thumbnails/{entry.entry_id}.png"


def test_the_samples_on_disk_are_the_samples_given(history: GenerationHistory) -> None:
    result = tone(frames=1_000, channels=2)
    entry = history.add_to_history(result, "synth", "Synth")
    stored, rate = soundfile.read(history.audio_path(entry.entry_id), dtype="float64", always_2d=True)
    assert rate == 48_000
    assert np.array_equal(stored, result.audio)
    with wave.open(str(history.audio_path(entry.entry_id))) as file:
        assert file.getsampwidth() == 3
        assert hashlib.sha256(file.readframes(file.getnframes())).hexdigest() == entry.audio_sha256
    assert history.audio_path(entry.entry_id).stat().st_size == entry.size_bytes


def test_a_returned_add_is_on_disk_without_closing(history: GenerationHistory) -> None:
    entry = add(history, 1)
    other = GenerationHistory(history.directory)
    assert other.get(entry.entry_id) == entry
    other.close()


def test_lists_are_newest_first_and_ties_in_order_of_adding(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter(["2026-01-01T00:00:02+00:00", "2026-01-01T00:00:01+00:00", "2026-01-01T00:00:02+00:00"])
    monkeypatch.setattr("store.history.now", lambda: next(moments))
    first, second, third = (add(history, seed) for seed in range(3))
    assert history.list_entries() == [third, first, second]
    assert history.list_entries(sort="oldest") == [second, first, third]
    assert history.list_entries(limit=1) == [third]
    assert history.list_entries(limit=2, offset=1) == [first, second]


def test_lists_sort_by_length_and_by_loudness(history: GenerationHistory) -> None:
    short_loud = history.add_to_history(GenerationResult(np.full(100, 0.5), 8_000), "m", "M")
    long_quiet = history.add_to_history(GenerationResult(np.full(900, 0.01), 8_000), "m", "M")
    silent = history.add_to_history(GenerationResult(np.zeros(400), 8_000), "m", "M")
    assert history.list_entries(sort="longest") == [long_quiet, silent, short_loud]
    assert history.list_entries(sort="loudest") == [short_loud, long_quiet, silent]


def test_filters_select_and_count_alike(history: GenerationHistory) -> None:
    bell = add(history, 1, model_id="synth", params={"prompt": "Glass BELL, slow"})
    pad = add(history, 2, model_id="synth", params={"prompt": "breath pad"}, preset_name="Breath")
    voice = add(history, 3, model_id="voice", model_name="Voice", params={"text": "the kettle is on"})
    bell = history.update_entry(bell.entry_id, favorite=True, rating=4, tags=["intro", "bell"])
    voice = history.update_entry(voice.entry_id, rating=2, note="keep", title="Kettle")
    expected = [
        ({"model_id": "synth"}, [pad, bell]),
        ({"query": "glass slow"}, [bell]),
        ({"query": "ELL"}, [bell]),
        ({"query": "is"}, [voice]),
        ({"query": "breath"}, [pad]),
        ({"query": "keep kettle"}, [voice]),
        ({"query": "glass choir"}, []),
        ({"query": '" OR *'}, []),
        ({"query": "   "}, [voice, pad, bell]),
        ({"favorite": True}, [bell]),
        ({"favorite": False}, [voice, pad]),
        ({"min_rating": 1}, [voice, bell]),
        ({"min_rating": 3}, [bell]),
        ({"tags": ["bell"]}, [bell]),
        ({"tags": ["bell", "pad"]}, []),
        ({"since": bell.time_us / 1e6, "until": pad.time_us / 1e6}, [bell]),
    ]
    for filters, entries in expected:
        assert history.list_entries(**filters) == entries, filters
        assert history.count(**filters) == len(entries), filters


def test_takes_to_check_are_those_that_are_not_green(history: GenerationHistory) -> None:
    silent = history.add_to_history(GenerationResult(np.zeros(4_800), 48_000), "m", "M")
    assert history.list_entries(to_check=True) == [silent]
    assert silent.quality_score["rating"] == "red"


def test_a_deleted_take_can_be_seen_and_comes_back(history: GenerationHistory) -> None:
    entry, other = add(history, 1), add(history, 2)
    assert history.delete_entry(entry.entry_id)
    assert history.list_entries() == [other]
    assert history.count() == 1
    deleted = history.get(entry.entry_id)
    assert deleted is not None
    assert deleted.deleted_at is not None
    assert history.list_entries(deleted=True) == [deleted]
    assert history.get_total_size() == (entry.size_bytes or 0) + (other.size_bytes or 0)
    assert history.get_total_size(deleted=True) == entry.size_bytes
    assert history.restore_entry(entry.entry_id) == entry
    assert history.list_entries() == [other, entry]


def test_deleting_for_good_removes_the_files_and_nothing_else(history: GenerationHistory) -> None:
    entry, other = add(history, 1), add(history, 2)
    paths = [history.audio_path(entry.entry_id), history.thumbnail_path(entry.entry_id)]
    assert history.delete_entry(entry.entry_id, permanent=True)
    assert not any(path.exists() for path in paths)
    assert history.get(entry.entry_id) is None
    assert history.list_entries() == [other]
    assert history.audio_exists(other.entry_id)
    assert not history.delete_entry(entry.entry_id)
    assert not history.delete_entry(entry.entry_id, permanent=True)


@pytest.mark.parametrize("act", ["update_entry", "restore_entry", "audio_path", "thumbnail_path", "audio_exists"])
def test_an_unknown_id_is_named(history: GenerationHistory, act: str) -> None:
    with pytest.raises(EntryNotFound) as caught:
        getattr(history, act)("no-such-id")
    assert caught.value.entry_id == "no-such-id"
    assert history.get("no-such-id") is None
    assert history.get("\ud800") is None


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("rating", 0),
        ("rating", 6),
        ("rating", True),
        ("rating", "4"),
        ("favorite", 1),
        ("tags", "pad"),
        ("tags", [1]),
        ("note", None),
        ("title", b"bytes"),
        ("seed", 5),
    ],
)
def test_an_edit_that_cannot_be_is_refused_and_changes_nothing(
    history: GenerationHistory, field: str, value: object
) -> None:
    entry = add(history)
    with pytest.raises(InvalidEntry) as caught:
        history.update_entry(entry.entry_id, **{field: value})
    assert caught.value.field == field
    assert history.get(entry.entry_id) == entry


@pytest.mark.parametrize(
    "asked",
    [
        {"model_id": ""},
        {"model_id": None},
        {"model_name": 5},
        {"preset_name": ""},
        {"params": {1: "x"}},
        {"params": {"x": object()}},
        {"params": {"x": {1, 2}}},
        {"n_components": "two"},
        {"parent_id": ""},
        {"slider_positions": np.array([1j])},
    ],
)
def test_an_add_that_cannot_be_is_refused_and_leaves_nothing(
    history: GenerationHistory, asked: dict[str, object]
) -> None:
    before = everything_in(history.directory)
    with pytest.raises(InvalidEntry):
        add(history, **asked)
    assert everything_in(history.directory) == before


def test_bad_audio_is_refused_and_leaves_nothing(history: GenerationHistory) -> None:
    before = everything_in(history.directory)
    with pytest.raises(InvalidAudio):
        history.add_to_history(GenerationResult(np.array([0.0, np.nan]), 48_000), "m", "M")
    assert everything_in(history.directory) == before


def test_a_filter_that_does_not_exist_is_named(history: GenerationHistory) -> None:
    with pytest.raises(InvalidEntry, match="colour"):
        history.list_entries(colour="red")
    for name, value in [
        ("query", 5),
        ("favorite", "x"),
        ("since", "now"),
        ("until", float("nan")),
        ("min_rating", True),
        ("tags", "a"),
        ("limit", -1),
        ("offset", "x"),
        ("deleted", 1),
    ]:
        with pytest.raises(InvalidEntry) as caught:
            history.list_entries(**{name: value})
        assert caught.value.field == name
    assert history.list_entries(model_id="\ud800", query="\ud800\0", tags=["\udfff"], since=1e300) == []
    with pytest.raises(InvalidEntry, match="sort"):
        history.list_entries(sort="prettiest")


def test_repair_reports_and_keeps_what_does_not_match(history: GenerationHistory) -> None:
    lost, kept = add(history, 1), add(history, 2)
    history.audio_path(lost.entry_id).unlink()
    orphan = history.directory / "audio" / "stranger.wav"
    orphan.write_bytes(history.audio_path(kept.entry_id).read_bytes())
    assert history.repair_history() == RepairReport(missing=(lost.entry_id,), orphans=("audio/stranger.wav",))
    assert orphan.exists()
    assert history.get(lost.entry_id) == lost
    assert not history.audio_exists(lost.entry_id)
    assert history.thumbnail(lost.entry_id) is not None


def test_the_snapshot_travels_inside_the_audio_file(history: GenerationHistory) -> None:
    entry = add(history, 5, params={"prompt": "glass \ud800 \0 كلام", "nan": float("inf")})
    assert carried_entry(history.audio_path(entry.entry_id)) == entry.to_document()


def test_the_folder_can_go_away_and_come_back(history: GenerationHistory) -> None:
    entry = add(history)
    away = history.directory.with_name("away")
    history.directory.rename(away)
    for act in (history.count, history.revision, history.list_entries, lambda: add(history, 2)):
        with pytest.raises(StoreUnavailable):
            act()
    assert not history.directory.exists(), "a lost folder must not be made anew: the takes are elsewhere"
    away.rename(history.directory)
    assert history.list_entries() == [entry]
    second = add(history, 2)
    assert history.list_entries() == [second, entry]


def test_a_file_where_the_folder_should_be_is_said(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("mine")
    with pytest.raises(StoreUnavailable, match="is a file, not a folder"):
        GenerationHistory(path)
    assert path.read_text() == "mine"


def test_the_document_shows_what_is_there_two_seconds_after_the_last_change(history: GenerationHistory) -> None:
    entry = add(history)
    deadline = time.monotonic() + 10
    document = history.directory / "history.json"
    while not document.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    parsed = json.loads(document.read_text())
    assert parsed["version"] == 2
    assert [line["entry_id"] for line in parsed["entries"]] == [entry.entry_id]


def test_the_document_is_plain_json_however_odd_the_numbers(tmp_path: Path) -> None:
    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    with GenerationHistory(tmp_path) as history:
        entry = add(history, params={"a": float("nan"), "b": float("inf"), "c": {"$number": "NaN"}})
    document = json.loads((tmp_path / "history.json").read_text(), parse_constant=refuse)
    assert document["entries"][0]["params"]["b"] == {"$number": "Infinity"}
    with GenerationHistory(tmp_path) as history:
        found = history.get(entry.entry_id)
        assert found is not None
        assert str(found.params) == "{'a': nan, 'b': inf, 'c': {'$number': 'NaN'}}"


def test_a_revision_changes_with_every_change_and_with_nothing_else(history: GenerationHistory) -> None:
    seen = [history.revision()]
    entry = add(history)
    seen.append(history.revision())
    history.update_entry(entry.entry_id, note="x")
    seen.append(history.revision())
    history.delete_entry(entry.entry_id)
    seen.append(history.revision())
    assert len(set(seen)) == 4
    history.fold()
    assert history.revision() == seen[-1]


def test_pictures_are_drawn_once_and_kept(history: GenerationHistory) -> None:
    entry = add(history)
    first = history.spectrogram(entry.entry_id)
    assert first is not None
    assert first.startswith(b"\x89PNG")
    history.audio_path(entry.entry_id).unlink()
    assert history.spectrogram(entry.entry_id) == first
    assert history.envelope(entry.entry_id, 100) is None


@pytest.mark.parametrize("threads", [True, False], ids=["beside", "no thread to be had"])
def test_a_long_take_is_measured_beside_its_encoding_as_it_would_be_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: bool
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    result = tone(3, frames=store.history.WORTH_A_THREAD)
    with GenerationHistory(tmp_path) as history:
        with monkeypatch.context() as patch:
            patch.setattr(store.history, "WORTH_A_THREAD", 10**9)
            expected = history.add_to_history(result, "synth", "Synth")
        with monkeypatch.context() as patch:
            if not threads:
                patch.setattr(threading.Thread, "start", refuse)
            entry = history.add_to_history(result, "synth", "Synth")
        assert entry.quality_score == expected.quality_score
        assert history.thumbnail(entry.entry_id) == history.thumbnail(expected.entry_id)


def test_what_fails_beside_the_encoding_fails_the_take(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(samples: object) -> dict[str, object]:
        raise MemoryError

    monkeypatch.setattr(store.history, "quality", fail)
    with pytest.raises(MemoryError):
        history.add_to_history(tone(frames=store.history.WORTH_A_THREAD), "synth", "Synth")
    assert history.count() == 0
    assert list((history.directory / "audio").iterdir()) == []
