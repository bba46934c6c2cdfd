"""Guards what presets promise: names, folders, deletion with undo, export and import, and what a damaged file costs."""

from __future__ import annotations

import errno
import json
import math
import uuid
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import (
    CommitUncertain,
    GenerationHistory,
    InvalidPreset,
    Preset,
    PresetNotFound,
    Presets,
    StoreFull,
    StoreUnavailable,
    UnsupportedVersion,
)
from store.lines import seal
from store.preset import natural
from store.presets_file import PRESETS, PRESETS_BACKUP
from store.repair import plan_repair, repair
from store.verify import DAMAGED_PRESETS, verify
from tests.conftest import add
from tests.faults import Faults
from tests.figures import tier
from tests.test_round_trips import jsons, same


@pytest.fixture
def presets(tmp_path: Path) -> Presets:
    return Presets(tmp_path)


def save(presets: Presets, name: str = "Bell", **given: Any) -> Preset:
    return presets.save(name, **{"model_id": "synth", "model_name": "Synth", "params": {"brightness": 3}, **given})


def names(presets: Presets, **asked: Any) -> list[str]:
    return [preset.name for preset in presets.list_presets(**asked)]


def both_files(root: Path) -> tuple[bytes, bytes]:
    return (root / PRESETS).read_bytes(), (root / PRESETS_BACKUP).read_bytes()


# -- saving and asking ----------------------------------------------------------------------------------------------


def test_nothing_is_made_before_the_first_preset_is_saved(presets: Presets, tmp_path: Path) -> None:
    assert presets.list_presets() == presets.folders() == []
    assert presets.get("none") is None
    assert list(tmp_path.iterdir()) == []


def test_a_preset_holds_what_the_controls_need(presets: Presets, tmp_path: Path) -> None:
    kept = save(presets, slider_positions=[3, -1.5], n_components=2, seed=7)
    assert uuid.UUID(kept.preset_id)
    assert (kept.params, kept.slider_positions, kept.n_components, kept.seed) == ({"brightness": 3}, [3, -1.5], 2, 7)
    assert Presets(tmp_path).get(kept.preset_id) == kept
    assert presets.list_presets() == [kept]


@pytest.mark.parametrize("name", ["duration", "Duration", "duration_s", "seconds_total", "audio_length_in_s"])
def test_a_preset_holds_no_duration_unless_told(presets: Presets, name: str) -> None:
    params = {"brightness": 3, name: 8.0}
    assert save(presets, params=params).params == {"brightness": 3}
    assert save(presets, "With", params=params, with_duration=True).params == params


def test_a_preset_is_saved_from_a_take(history: GenerationHistory) -> None:
    entry = add(history, 7, params={"brightness": 3, "duration": 1}, slider_positions=[1, 2], n_components=2)
    kept = history.save_preset(entry.entry_id, "Bell")
    assert (kept.entry_id, kept.params, kept.seed) == (entry.entry_id, {"brightness": 3}, 7)
    assert (kept.slider_positions, kept.n_components) == ([1, 2], 2)
    assert history.presets.list_presets() == [kept]


def test_lists_are_sorted_as_people_sort_and_chosen_by_model_and_folder(presets: Presets) -> None:
    presets.create_folder("Pads")
    for name, folder, model in [
        ("pad 10", "", "synth"), ("Pad 2", "", "synth"), ("Ärger", "", "voice"), ("a", "Pads", "synth"), ("Z", "", "synth")
    ]:  # fmt: skip
        save(presets, name, folder=folder, model_id=model)
    assert names(presets) == ["Pad 2", "pad 10", "Z", "Ärger", "a"]
    assert names(presets, folder="pads") == ["a"]
    assert names(presets, folder="", model_id="synth") == ["Pad 2", "pad 10", "Z"]
    with pytest.raises(InvalidPreset, match="no folder"):
        presets.list_presets(folder="Basses")


def test_numbers_of_any_length_can_be_sorted() -> None:
    assert natural("9" * 5_000) != natural("1")


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb", "a\0", "\ud800", "a\u2028b", 7, None])
def test_a_name_that_cannot_be_is_refused_and_changes_nothing(presets: Presets, tmp_path: Path, name: Any) -> None:
    kept = save(presets)
    before = both_files(tmp_path)
    for act in (
        lambda: save(presets, name),
        lambda: presets.rename(kept.preset_id, name),
        lambda: presets.create_folder(name),
    ):
        with pytest.raises(InvalidPreset):
            act()
    assert both_files(tmp_path) == before


@pytest.mark.parametrize("name", ["Bell", "bell", " BELL ", "ＢＥＬＬ"])
def test_a_name_is_its_own_in_its_model_and_folder_whatever_the_case(presets: Presets, name: str) -> None:
    save(presets, "Bell")
    presets.create_folder("Pads")
    with pytest.raises(InvalidPreset, match="taken") as refused:
        save(presets, name)
    assert refused.value.field == "name"
    save(presets, name, folder="Pads")
    save(presets, name, model_id="voice")


def test_what_does_not_fit_is_refused_by_name(presets: Presets, tmp_path: Path) -> None:
    for given_value in (
        {"seed": "seven"}, {"n_components": 1.5}, {"params": {1: 2}}, {"params": b"bytes"}, {"model_id": ""},
        {"folder": "none"}, {"params": {"text": "x" * (1 << 20)}}, {"entry_id": 3}, {"seed": 10**5_000}, {"with_duration": 1},
    ):  # fmt: skip
        with pytest.raises(InvalidPreset) as refused:
            save(presets, **given_value)
        assert refused.value.field in given_value or refused.value.field in ("params", "entry")
    assert not (tmp_path / PRESETS).exists()


# -- changing -------------------------------------------------------------------------------------------------------


def test_a_preset_is_changed_renamed_and_moved(presets: Presets) -> None:
    kept = save(presets, seed=7)
    presets.create_folder("Pads")
    assert presets.rename(kept.preset_id, "BELL").name == "BELL"
    assert presets.move(kept.preset_id, "PADS").folder == "Pads"
    changed = presets.update(kept.preset_id, params={"brightness": 5, "duration": 8}, seed=None)
    assert (changed.params, changed.seed, changed.name, changed.folder) == ({"brightness": 5}, None, "BELL", "Pads")
    assert changed.changed_at > kept.changed_at
    assert presets.move(kept.preset_id, "").folder == ""
    with pytest.raises(InvalidPreset, match="cannot be changed so"):
        presets.update(kept.preset_id, name="x")


def test_a_change_of_nothing_writes_nothing(presets: Presets, tmp_path: Path) -> None:
    kept = save(presets)
    before = (tmp_path / PRESETS).stat()
    assert presets.rename(kept.preset_id, "Bell") == kept
    assert presets.restore(kept.preset_id) == kept
    assert not presets.delete("none")
    assert (tmp_path / PRESETS).stat() == before


def test_an_unknown_or_deleted_preset_is_not_found(presets: Presets) -> None:
    kept = save(presets)
    presets.delete(kept.preset_id)
    for preset_id in ("none", kept.preset_id):
        for act in (
            lambda of: presets.rename(of, "x"),
            lambda of: presets.move(of, ""),
            presets.duplicate,
            lambda of: presets.update(of, seed=1),
            presets.export_presets,
        ):
            with pytest.raises(PresetNotFound) as missing:
                act(preset_id)
            assert missing.value.preset_id == preset_id
    with pytest.raises(PresetNotFound):
        presets.restore("none")


def test_copies_are_numbered(presets: Presets) -> None:
    kept = save(presets, "Bell")
    assert [presets.duplicate(kept.preset_id).name for _ in range(3)] == ["Bell copy", "Bell copy 2", "Bell copy 3"]
    long = save(presets, "x" * 100)
    assert presets.duplicate(long.preset_id).name == "x" * 95 + " copy"
    assert len({preset.preset_id for preset in presets.list_presets()}) == 6


def test_a_deleted_preset_comes_back_under_a_free_name(presets: Presets, tmp_path: Path) -> None:
    kept = save(presets, "Bell")
    assert presets.delete(kept.preset_id)
    assert names(presets) == []
    assert names(Presets(tmp_path), deleted=True) == ["Bell"]
    assert presets.get(kept.preset_id).deleted
    save(presets, "bell")
    assert presets.restore(kept.preset_id).name == "Bell 2"
    assert names(presets, deleted=True) == []
    assert presets.delete(kept.preset_id, permanent=True)
    assert presets.get(kept.preset_id) is None


def test_a_deleted_preset_is_kept_for_thirty_days(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.presets.now", lambda: "2026-01-01T00:00:00+00:00")
    first = save(presets, "First")
    presets.delete(first.preset_id)
    monkeypatch.setattr("store.presets.now", lambda: "2026-01-30T23:59:59+00:00")
    save(presets, "Second")
    assert names(presets, deleted=True) == ["First"]
    monkeypatch.setattr("store.presets.now", lambda: "2026-01-31T00:00:01+00:00")
    assert names(presets, deleted=True) == ["First"], "asking removes nothing"
    save(presets, "Third")
    assert presets.get(first.preset_id) is None


def test_when_the_shelf_is_full_the_oldest_deleted_go_first(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.shelf.MOST_PRESETS", 3)
    one, two, _ = (save(presets, str(number)) for number in range(3))
    presets.delete(two.preset_id)
    presets.delete(one.preset_id)
    save(presets, "4")
    assert presets.get(two.preset_id) is None
    save(presets, "5")
    assert presets.get(one.preset_id) is None
    with pytest.raises(InvalidPreset, match="the most there can be"):
        save(presets, "6")


# -- folders --------------------------------------------------------------------------------------------------------


def test_folders_are_made_renamed_and_deleted(presets: Presets) -> None:
    assert [presets.create_folder(name) for name in ("Pads 10", "pads 2")] == ["Pads 10", "pads 2"]
    assert presets.folders() == ["pads 2", "Pads 10"]
    kept = save(presets, folder="pads 2")
    assert presets.rename_folder("PADS 2", "Pads 2") == "Pads 2"
    assert presets.get(kept.preset_id).folder == "Pads 2"
    for act in (
        lambda: presets.create_folder("PADS 10"),
        lambda: presets.rename_folder("Pads 2", "pads 10"),
        lambda: presets.rename_folder("none", "x"),
        lambda: presets.delete_folder("none"),
        lambda: presets.delete_folder(""),
    ):
        with pytest.raises(InvalidPreset):
            act()


def test_deleting_a_folder_moves_its_content_out(presets: Presets) -> None:
    presets.create_folder("Pads")
    save(presets, "Bell")
    inner, gone = save(presets, "bell", folder="Pads"), save(presets, "Gone", folder="Pads")
    presets.delete(gone.preset_id)
    presets.delete_folder("pads")
    assert presets.folders() == []
    assert presets.get(inner.preset_id).name == "bell 2"
    assert presets.restore(gone.preset_id).folder == ""
    assert names(presets, folder="") == ["Bell", "bell 2", "Gone"]


def test_there_are_no_more_folders_than_anybody_can_read(presets: Presets, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.shelf.MOST_FOLDERS", 1)
    presets.create_folder("one")
    with pytest.raises(InvalidPreset, match="the most"):
        presets.create_folder("two")


# -- export and import ----------------------------------------------------------------------------------------------


def settings_of(preset: Preset) -> tuple[Any, ...]:
    return preset.name, preset.folder, preset.model_id, preset.params, preset.slider_positions, preset.seed


def test_what_is_exported_is_imported_elsewhere_as_it_was(presets: Presets, tmp_path: Path) -> None:
    presets.create_folder("Pads")
    save(presets, "Bell", folder="Pads", seed=7, params={"gain": -math.inf, "text": "مرحبا \ud800"})
    save(presets, "Voice", model_id="voice")
    other = Presets(tmp_path / "other")
    came = other.import_presets(presets.export_presets())
    assert sorted(map(settings_of, came)) == sorted(map(settings_of, presets.list_presets()))
    assert {preset.preset_id for preset in came} == {preset.preset_id for preset in presets.list_presets()}
    assert other.folders() == ["Pads"]


def test_one_a_folder_or_a_model_can_be_exported(presets: Presets) -> None:
    presets.create_folder("Pads")
    bell, voice = save(presets, "Bell", folder="Pads"), save(presets, "Voice", model_id="voice")
    for text, wanted in [
        (presets.export_presets(bell.preset_id), ["Bell"]),
        (presets.export_presets(folder="Pads"), ["Bell"]),
        (presets.export_presets(folder=""), ["Voice"]),
        (presets.export_presets(model_id=voice.model_id), ["Voice"]),
        (presets.export_presets(), ["Voice", "Bell"]),
    ]:
        assert [preset["name"] for preset in json.loads(text)["presets"]] == wanted


def test_an_import_overwrites_nothing(presets: Presets) -> None:
    presets.create_folder("Pads")
    kept = save(presets, "Bell", folder="Pads")
    text = presets.export_presets().replace('"Pads"', '"PADS"')
    (again,) = presets.import_presets(text)
    assert (again.name, again.folder) == ("Bell 2", "Pads")
    assert again.preset_id != kept.preset_id
    assert presets.get(kept.preset_id) == kept
    assert [preset.name for preset in presets.import_presets(text)] == ["Bell 3"]


def exported(**changed: Any) -> str:
    preset = {"name": "Bell", "model_id": "synth", "model_name": "Synth", **changed}
    return json.dumps({"retake_presets": 1, "presets": [{"name": "Good", "model_id": "m", "model_name": "M"}, preset]})


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "null", "[]", "{}", "\ud800", b"\xff\xfe", "[" * 100_000, '{"retake_presets": true, "presets": []}',
        '{"retake_presets": 2, "presets": []}', '{"retake_presets": 1}', '{"retake_presets": 1, "presets": {}}',
        '{"retake_presets": 1, "presets": [1]}', '{"retake_presets": 1, "presets": [{}]}', " " * (1 << 24) + "{}",
        '{"retake_presets": 1, "presets": [' + "[]," * 1_100_000 + "[]]}",
        json.dumps({"retake_presets": 1, "presets": [{"name": str(n)} for n in range(2_001)]}),
        exported(name=""), exported(name=7), exported(name="a\nb"), exported(folder=7), exported(folder="x" * 101),
        exported(model_id=""), exported(seed="7"), exported(seed=1.5), exported(params={"x": "y" * (1 << 20)}), 7,
    ],
)  # fmt: skip
def test_a_text_that_is_no_export_is_refused_whole(presets: Presets, tmp_path: Path, text: Any) -> None:
    save(presets)
    before = both_files(tmp_path)
    with pytest.raises(InvalidPreset):
        presets.import_presets(text)
    assert both_files(tmp_path) == before


def test_an_import_cannot_choose_what_a_preset_of_ours_is(presets: Presets) -> None:
    taken = save(presets)
    text = exported(preset_id="../../etc", deleted_at="2020", mood="calm")
    _, came = presets.import_presets(text)
    assert uuid.UUID(came.preset_id)
    assert not came.deleted
    assert came.extra == {"mood": "calm"}
    good, again = presets.import_presets(exported(preset_id=taken.preset_id))
    assert taken.preset_id not in (good.preset_id, again.preset_id)


def test_a_thousand_presets_of_one_name_are_imported_in_a_moment(presets: Presets) -> None:
    text = json.dumps({"retake_presets": 1, "presets": [{"name": "X", "model_id": "m", "model_name": "M"}] * 1_000})
    assert len({preset.name for preset in presets.import_presets(text)}) == 1_000


# -- the files ------------------------------------------------------------------------------------------------------


def test_the_file_is_one_json_document_with_a_preset_a_line_and_its_backup_the_same(
    presets: Presets, tmp_path: Path
) -> None:
    presets.create_folder("Pads")
    bell = save(presets, "Bell", params={"gain": math.nan})
    first, second = both_files(tmp_path)
    assert first == second
    document = json.loads(first)
    assert (document["version"], document["revision"]) == (1, 2)
    assert document["folders"] == ["Pads"]
    assert document["presets"][0]["preset_id"] == bell.preset_id
    assert len(first.splitlines()) == 3


def test_unknown_fields_and_objects_of_a_newer_program_are_kept(presets: Presets, tmp_path: Path) -> None:
    kept = save(presets)
    strange = {"kind": "macro", "steps": [1, 2]}
    line = {**kept.to_document(), "colour": "red"}
    rest = seal(line) + b",\n" + seal(strange) + b"\n]}\n"
    head = {"version": 1, "shelf": "s", "revision": 5, "lines": f"{zlib.crc32(rest):08x}", "folders": [], "mood": 1}
    for name in (PRESETS, PRESETS_BACKUP):
        (tmp_path / name).write_bytes(seal({**head, "presets": []})[:-2] + b"\n" + rest)
    presets.rename(kept.preset_id, "Other")
    document = json.loads((tmp_path / PRESETS).read_bytes())
    assert document["presets"][0]["colour"] == "red"
    assert document["presets"][1]["steps"] == [1, 2]
    assert presets.problems == ()


NEWER = [
    seal({"version": 2, "shelves": []})[:-2] + b"\n]}\n",
    b'{"version": 2, "shelves": {}}',
]


@pytest.mark.parametrize("newer", NEWER)
@pytest.mark.parametrize("name", [PRESETS, PRESETS_BACKUP])
def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path, newer: bytes, name: str) -> None:
    save(Presets(tmp_path))
    (tmp_path / name).write_bytes(newer)
    before = both_files(tmp_path)
    presets = Presets(tmp_path)
    for act in (presets.list_presets, lambda: save(presets, "x"), presets.make_whole, lambda: verify(tmp_path)):
        with pytest.raises(UnsupportedVersion):
            act()
    assert both_files(tmp_path) == before


def test_a_change_of_another_process_is_seen(presets: Presets, tmp_path: Path) -> None:
    assert presets.revision() == presets.revision()
    seen = {presets.revision()}
    other = Presets(tmp_path)
    for number in range(50):
        kept = save(other, f"Bell {number}")
        assert presets.get(kept.preset_id) == kept
        seen.add(presets.revision())
    assert len(seen) == 51


def test_damage_is_told_set_aside_and_repaired_from_the_second_copy(presets: Presets, tmp_path: Path) -> None:
    kept = [save(presets, str(number)) for number in range(3)]
    damaged = (tmp_path / PRESETS).read_bytes().replace(b"brightness", b"Brightness", 1)
    (tmp_path / PRESETS).write_bytes(damaged)
    again = Presets(tmp_path)
    assert again.list_presets() == kept
    assert any("damaged" in problem for problem in again.problems)
    assert (tmp_path / f"{PRESETS}.damaged-1").read_bytes() == damaged
    assert Presets(tmp_path).problems == ()


def test_the_history_tells_of_damaged_presets_and_verify_and_repair_know_them(history: GenerationHistory) -> None:
    history.presets.save("Bell", model_id="synth", model_name="Synth")
    backup = history.directory / PRESETS_BACKUP
    history.fold()
    assert verify(history.directory).good
    backup.write_bytes(b"rubbish")
    (found,) = verify(history.directory).findings
    assert (found.kind, found.path.name) == (DAMAGED_PRESETS, PRESETS_BACKUP)
    history.close()
    plan = plan_repair(history.directory)
    assert [step.path for step in plan.steps] == [backup]
    assert any("damaged" in note for note in repair(history.directory, plan))
    assert verify(history.directory).good
    assert not plan_repair(history.directory).steps


def test_both_files_damaged_keep_every_line_that_is_good(presets: Presets, tmp_path: Path) -> None:
    kept = [save(presets, str(number), params={"number": number}) for number in range(4)]
    first, second = both_files(tmp_path)
    (tmp_path / PRESETS).write_bytes(first.replace(b'"number":1', b'"number":9'))
    (tmp_path / PRESETS_BACKUP).write_bytes(second.replace(b'"number":2', b'"number":9'))
    again = Presets(tmp_path)
    assert again.list_presets() == kept
    assert len(again.problems) == 2


def test_an_older_file_put_in_place_of_a_newer_loses_nothing(presets: Presets, tmp_path: Path) -> None:
    save(presets, "one")
    older, _ = both_files(tmp_path)
    save(presets, "two")
    (tmp_path / PRESETS).write_bytes(older)
    again = Presets(tmp_path)
    assert names(again) == ["one", "two"]
    assert (tmp_path / f"{PRESETS}.older-1").read_bytes() == older
    assert any("older" in problem for problem in again.problems)


def test_the_presets_of_another_history_count_where_somebody_put_them_and_ours_are_kept(
    presets: Presets, tmp_path: Path
) -> None:
    save(presets, "ours")
    ours, _ = both_files(tmp_path)
    other = Presets(tmp_path / "other")
    save(other, "theirs")
    (tmp_path / PRESETS).write_bytes(both_files(tmp_path / "other")[0])
    again = Presets(tmp_path)
    assert names(again) == ["theirs"]
    assert (tmp_path / f"{PRESETS_BACKUP}.strange-1").read_bytes() == ours
    assert any("elsewhere" in problem for problem in again.problems)


def test_a_folder_that_cannot_be_written_is_read_all_the_same(
    presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(presets, "Bell")
    (tmp_path / PRESETS).write_bytes(b"rubbish")
    Faults(monkeypatch).fail("open_file", errno.EROFS, times=1_000)
    again = Presets(tmp_path)
    assert names(again) == ["Bell"]
    assert (tmp_path / PRESETS).read_bytes() == b"rubbish"
    assert any("could not be written" in problem for problem in again.problems)
    with pytest.raises(Exception, match="read-only"):
        save(again, "Other")


@pytest.mark.parametrize("directory", ["a\0b", "~nobody-of-this-name/x", "/proc/none"])
def test_a_folder_that_cannot_be_is_refused(directory: str) -> None:
    with pytest.raises(StoreUnavailable):
        save(Presets(directory))


def test_a_full_disk_leaves_everything_as_it_was(presets: Presets, tmp_path: Path, faults: Faults) -> None:
    save(presets)
    before = both_files(tmp_path)
    faults.fail("write", errno.ENOSPC)
    with pytest.raises(StoreFull):
        save(presets, "Other")
    assert both_files(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [PRESETS, PRESETS_BACKUP, "presets.lock"]


def test_a_folder_that_cannot_be_synced_leaves_a_change_that_is_seen_and_called_uncertain(
    presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(presets)

    def fail(path: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr("store.files.sync_folder", fail)
        with pytest.raises(CommitUncertain) as uncertain:
            save(presets, "Other")
    assert uncertain.value.what == "preset"
    assert presets.get(uncertain.value.entry_id).name == "Other"
    assert names(Presets(tmp_path)) == ["Bell", "Other"]
    assert len(set(both_files(tmp_path))) == 1, "whoever opens it next writes the second copy"


def test_a_second_copy_that_cannot_be_written_costs_no_change(
    presets: Presets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from store import files

    create = files.create

    def failing(path: Path, *given: Any) -> None:
        if path.name == PRESETS_BACKUP:
            raise OSError(errno.ENOSPC, "No space left on device")
        create(path, *given)

    with monkeypatch.context() as patch:
        patch.setattr("store.files.create", failing)
        save(presets)
    assert names(Presets(tmp_path)) == ["Bell"]
    assert any("could not be written" in problem for problem in presets.problems)
    save(presets, "Other")
    assert len(set(both_files(tmp_path))) == 1


# -- round trips ----------------------------------------------------------------------------------------------------

labels = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=100)


@given(params=jsons, sliders=jsons, seed=st.none() | st.integers(), name=labels)
@settings(max_examples=tier(25, 1_000), deadline=None, suppress_health_check=list(HealthCheck))
def test_every_value_reads_back_equal_through_the_file_and_an_export_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, params: Any, sliders: Any, seed: int | None, name: str
) -> None:
    root = tmp_path_factory.mktemp("presets")
    presets = Presets(root)
    try:
        kept = save(presets, name, params=params, slider_positions=sliders, seed=seed, with_duration=True)
    except InvalidPreset:
        assert not (root / PRESETS).exists()
        return
    assert verify_is_good(root)
    other = Presets(root / "other")
    (came,) = other.import_presets(presets.export_presets())
    for found in (Presets(root).get(kept.preset_id), other.get(came.preset_id)):
        assert found is not None
        assert same([found.params, found.slider_positions, found.seed], [params, sliders, seed])
        assert found.name == kept.name


def verify_is_good(root: Path) -> bool:
    from store.presets_file import damages

    return not list(damages(root))
