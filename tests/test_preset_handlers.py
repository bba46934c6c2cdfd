"""What the page can ask about presets: typed answers, typed refusals, and nothing changed by a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from history_ui.desk import Desk, answer
from history_ui.handlers import HANDLERS
from history_ui.jobs import Jobs
from history_ui.presets import LARGEST_IMPORT
from history_ui.saving import Keeper
from history_ui.sources import Sources
from history_ui.titles import Vocabulary
from history_ui.unsaved import UnsavedTakes
from store import GenerationHistory, Preset
from tests.conftest import add

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask(history: GenerationHistory) -> Ask:
    """Ask as the page does, through JSON as strict as a browser's."""
    unsaved, vocabulary = UnsavedTakes(), Vocabulary("synth")
    keeper, sources = Keeper(history, unsaved), Sources(history.presets, vocabulary, "synth", "Synth")
    desk = Desk(history, Jobs(), unsaved, keeper, lambda entry: entry.audio_file, vocabulary, sources)

    def asked(name: str, /, **request: Any) -> dict[str, Any]:
        reply = answer(HANDLERS[name], desk, json.loads(json.dumps(request)))
        parsed: dict[str, Any] = json.loads(json.dumps(reply, allow_nan=False, ensure_ascii=False).encode("utf-8"))
        return parsed

    return asked


def save(history: GenerationHistory, name: str, folder: str = "", model_id: str = "synth") -> Preset:
    return history.presets.save(name, model_id=model_id, model_name=model_id.title(), params={"tone": 1}, folder=folder)


def names(history: GenerationHistory) -> list[tuple[str, str]]:
    return [(preset.folder, preset.name) for preset in history.presets.list_presets()]


def test_the_list_tells_own_presets_from_those_of_other_models(history: GenerationHistory, ask: Ask) -> None:
    history.presets.create_folder("Pads")
    save(history, "warm", "Pads")
    save(history, "ada", model_id="espeak")
    told = ask("fetch_presets")
    assert [(preset["name"], preset["folder"], preset["own"]) for preset in told["presets"]] == [
        ("ada", "", False),
        ("warm", "Pads", True),
    ]
    assert (told["folders"], told["revision"]) == (["Pads"], history.presets.revision())


def test_another_programs_change_shows_in_the_status(history: GenerationHistory, ask: Ask) -> None:
    before = ask("poll_status")["presets"]
    with GenerationHistory(history.directory) as other:
        save(other, "warm")
    after = ask("poll_status")["presets"]
    assert before != after == ask("fetch_presets")["revision"]


def test_a_take_is_kept_as_a_preset_in_a_folder_made_for_it(history: GenerationHistory, ask: Ask) -> None:
    entry = add(history, 7, params={"tone": 3, "duration": 8, "seed": 7})
    saved = ask("save_take_preset", id=entry.entry_id, name=" warm ", folder="Pads")["preset"]
    preset = history.presets.get(saved["id"])
    assert preset is not None
    assert (preset.name, preset.folder, preset.entry_id) == ("warm", "Pads", entry.entry_id)
    assert (preset.params, preset.seed) == ({"tone": 3, "seed": 7}, 7)
    again = ask("save_take_preset", id=entry.entry_id, name="long", folder="pads", with_duration=True)["preset"]
    assert (again["folder"], again["with_duration"]) == ("Pads", True)


def test_presets_are_renamed_moved_copied_deleted_and_brought_back(history: GenerationHistory, ask: Ask) -> None:
    pad = save(history, "warm").preset_id
    assert ask("rename_preset", id=pad, name="cold")["preset"]["name"] == "cold"
    assert ask("move_preset", id=pad, folder="New")["preset"]["folder"] == "New"
    assert ask("duplicate_preset", id=pad)["preset"]["name"] == "cold copy"
    assert ask("remove_preset", id=pad) == {"removed": True}
    assert names(history) == [("New", "cold copy")]
    assert ask("bring_back_preset", id=pad)["preset"]["name"] == "cold"
    assert ask("move_preset", id=pad, folder="")["preset"]["folder"] == ""
    assert ask("remove_preset", id="nothing") == {"removed": False}


def test_a_deleted_folder_gives_its_presets_back(history: GenerationHistory, ask: Ask) -> None:
    assert ask("make_folder", name="Pads") == {"folder": "Pads"}
    save(history, "warm", "Pads")
    assert ask("rename_folder", folder="Pads", name="Beds") == {"folder": "Beds"}
    [moved] = ask("remove_folder", folder="Beds")["moved"]
    assert moved["name"] == "warm"
    assert names(history) == [("", "warm")]
    assert history.presets.folders() == []


def test_a_deleted_folder_comes_back_with_those_of_its_presets_that_are_there(
    history: GenerationHistory, ask: Ask
) -> None:
    ask("make_folder", name="Pads")
    gone = save(history, "gone", "Pads").preset_id
    save(history, "warm", "Pads")
    save(history, "taken", "Pads")
    save(history, "warm")
    moved = ask("remove_folder", folder="Pads")["moved"]
    assert names(history) == [("", "gone"), ("", "taken"), ("", "warm"), ("", "warm 2")]
    history.presets.delete(gone)
    assert ask("bring_back_folder", folder="Pads", moved=moved) == {"moved": 2}
    assert names(history) == [("", "warm"), ("Pads", "taken"), ("Pads", "warm")]
    assert ask("remove_folder", folder="Pads")["moved"]
    assert ask("bring_back_folder", folder="Empty", moved=[]) == {"moved": 0}
    assert history.presets.folders() == ["Empty"]


def test_what_saving_over_a_preset_changed_is_taken_back_exactly(history: GenerationHistory, ask: Ask) -> None:
    exact = {"gain": float("inf"), "big": 2**60, "text": "ü", "duration": 8.0}
    pad = history.presets.save(
        "warm", model_id="synth", model_name="Synth", params=exact, seed=2**60, with_duration=True
    )
    from store.values import dumps

    before = dumps({"params": exact, "slider_positions": None, "n_components": 0, "seed": 2**60}).decode()
    history.presets.update(pad.preset_id, params={"gain": 1.0}, seed=None)
    assert "preset" in ask("revert_preset", id=pad.preset_id, before=before)
    back = history.presets.get(pad.preset_id)
    assert back is not None
    assert (back.params, back.seed) == (exact, 2**60)


@pytest.mark.parametrize("before", ["", "[]", "{", '{"name": "x"}', '{"params": ' + "[" * 100_000])
def test_only_settings_are_taken_back(history: GenerationHistory, ask: Ask, before: str) -> None:
    pad = save(history, "warm")
    assert ask("revert_preset", id=pad.preset_id, before=before)["error"]["kind"] in ("BadRequest", "InvalidPreset")
    assert history.presets.get(pad.preset_id) == pad


def test_exported_presets_come_back_in_another_history(history: GenerationHistory, ask: Ask, tmp_path: Any) -> None:
    history.presets.create_folder("Pads")
    pad = save(history, "a/b: warm", "Pads")
    save(history, "loose")
    one = ask("export_presets", id=pad.preset_id)
    assert one["name"] == "a b warm presets.json"
    assert len(json.loads(one["text"])["presets"]) == 1
    assert len(json.loads(ask("export_presets", folder="Pads")["text"])["presets"]) == 1
    everything = ask("export_presets")
    assert everything["name"] == "presets.json"
    imported = ask("import_presets", text=everything["text"])["presets"]
    assert [preset["name"] for preset in imported] == ["loose 2", "a/b: warm 2"]
    with GenerationHistory(tmp_path / "other") as other:
        other.presets.import_presets(everything["text"])
        assert names(other) == [("", "loose"), ("Pads", "a/b: warm")]


def test_takes_are_listed_and_counted_by_preset(history: GenerationHistory, ask: Ask) -> None:
    pad = save(history, "warm").preset_id
    add(history, 1)
    entry = add(history, 2, preset_id=pad, preset_name="warm", preset_changed=True)
    add(history, 3, preset_id="gone", preset_name="removed long ago")
    assert [card["id"] for card in ask("fetch_page", filters={"preset_id": pad})["takes"]] == [entry.entry_id]
    assert ask("fetch_counts", queries=[{"preset_id": pad}, {"preset_id": "x"}]) == {"counts": [1, 0]}
    history.presets.rename(pad, "warmer")
    facets = {facet["value"]: (facet["label"], facet["count"]) for facet in ask("fetch_summary")["presets"]}
    assert facets == {pad: ("warmer", 1), "gone": ("removed long ago", 1)}


def test_a_card_names_its_preset_and_whether_it_was_changed(history: GenerationHistory, ask: Ask) -> None:
    entry = add(history, preset_id="x", preset_name="lo-fi pad", preset_changed=True)
    details = ask("fetch_take", id=entry.entry_id)
    card = details["card"]
    assert (card["preset"], card["preset_id"], card["preset_changed"]) == ("lo-fi pad", "x", True)
    assert {"label": "Preset", "text": "lo-fi pad (changed since)"} in details["facts"]
    assert ask("fetch_take", id=add(history).entry_id)["card"]["preset"] == ""


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("fetch_presets", {"more": 1}, "BadRequest"),
    ("fetch_preset", {}, "BadRequest"),
    ("fetch_preset", {"id": "nothing"}, "PresetNotFound"),
    ("fetch_preset", {"id": "built-in:none"}, "PresetNotFound"),
    ("save_take_preset", {"id": "nothing", "name": "x"}, "EntryNotFound"),
    ("save_take_preset", {"name": "x"}, "BadRequest"),
    ("rename_preset", {"id": "PAD", "name": ""}, "InvalidPreset"),
    ("rename_preset", {"id": "PAD", "name": "  "}, "InvalidPreset"),
    ("rename_preset", {"id": "PAD", "name": "x" * 101}, "InvalidPreset"),
    ("rename_preset", {"id": "PAD", "name": "x" * 1001}, "BadRequest"),
    ("rename_preset", {"id": "PAD", "name": "two\nlines"}, "InvalidPreset"),
    ("rename_preset", {"id": "PAD", "name": "LOOSE"}, "InvalidPreset"),
    ("rename_preset", {"id": "PAD", "name": 7}, "BadRequest"),
    ("rename_preset", {"id": "nothing", "name": "x"}, "PresetNotFound"),
    ("move_preset", {"id": "PAD", "folder": None}, "BadRequest"),
    ("move_preset", {"id": "PAD", "folder": "x" * 101}, "InvalidPreset"),
    ("move_preset", {"id": "nothing", "folder": "new"}, "PresetNotFound"),
    ("duplicate_preset", {"id": "nothing"}, "PresetNotFound"),
    ("remove_preset", {"id": ""}, "BadRequest"),
    ("bring_back_preset", {"id": "nothing"}, "PresetNotFound"),
    ("make_folder", {"name": ""}, "InvalidPreset"),
    ("rename_folder", {"folder": "none", "name": "x"}, "InvalidPreset"),
    ("remove_folder", {"folder": "none"}, "InvalidPreset"),
    ("remove_folder", {"folder": ""}, "InvalidPreset"),
    ("bring_back_folder", {"folder": "", "moved": []}, "BadRequest"),
    ("bring_back_folder", {"folder": "two\nlines", "moved": []}, "InvalidPreset"),
    ("bring_back_folder", {"folder": "new", "moved": [7]}, "BadRequest"),
    ("bring_back_folder", {"folder": "new", "moved": [{"id": "PAD"}]}, "BadRequest"),
    ("bring_back_folder", {"folder": "new", "moved": [{"id": "PAD", "name": "x"}] * 2_001}, "BadRequest"),
    ("export_presets", {"id": "nothing"}, "PresetNotFound"),
    ("export_presets", {"folder": "none"}, "InvalidPreset"),
    ("import_presets", {"text": "no JSON"}, "InvalidPreset"),
    ("import_presets", {"text": '{"retake_presets": 99, "presets": []}'}, "InvalidPreset"),
    ("import_presets", {"text": '{"retake_presets": 1, "presets": [{"name": "x"}, 7]}'}, "InvalidPreset"),
    ("import_presets", {"text": "x" * (LARGEST_IMPORT + 1)}, "BadRequest"),
    ("import_presets", {"text": None}, "BadRequest"),
]


@pytest.mark.parametrize(("name", "request_", "kind"), BAD, ids=lambda value: str(value)[:40])
def test_what_cannot_be_is_refused_by_kind_and_changes_nothing(
    history: GenerationHistory, ask: Ask, name: str, request_: dict[str, Any], kind: str
) -> None:
    pad = save(history, "warm").preset_id
    save(history, "loose")
    before = history.presets.list_presets()
    asked = {key: pad if value == "PAD" else value for key, value in request_.items()}
    error = ask(name, **asked)["error"]
    assert error["kind"] == kind, error
    assert len(error["message"]) < 500
    assert history.presets.list_presets() == before
    assert history.presets.folders() == []


def test_presets_that_a_newer_program_wrote_are_told_and_takes_go_on(history: GenerationHistory, ask: Ask) -> None:
    add(history)
    (history.directory / "presets.json").write_text('{"version": 99}')
    assert ask("fetch_presets")["error"]["kind"] == "UnsupportedVersion"
    assert ask("fetch_page")["total"] == 1
    assert ask("poll_status")["trouble"] is None
    assert "counts" in ask("fetch_summary")
