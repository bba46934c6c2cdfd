"""Guards the corners of the store that no way of using it leads to every day."""

from __future__ import annotations

import errno
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from store import (
    GenerationHistory,
    InvalidPreset,
    Presets,
    StoreUnavailable,
    catalog,
    database,
    files,
    newest,
    presets_file,
    rows,
)
from store.chain import Chain, Position
from store.entry import new_id
from store.folding import Folding
from store.follow import position_of
from store.lines import seal, seal_body
from store.newest import Newest
from store.preset import from_document
from store.presets_file import PRESETS, PRESETS_BACKUP
from store.shelf import Shelf
from tests.conftest import add
from tests.test_unlikely import FirstTime


def test_what_is_no_entry_is_left_out_of_the_tables(history: GenerationHistory) -> None:
    add(history)
    history.list_entries()
    tables = history._catalog._connection()
    rows.insert(tables, history.directory, {"entry_id": 1})
    assert tables.execute("SELECT count(*) FROM entries").fetchone() == (1,)


def test_a_take_whose_time_is_changed_is_found_by_words_where_it_belongs_then(history: GenerationHistory) -> None:
    first, second = (add(history, seed, params={"prompt": "glass"}) for seed in (1, 2))
    assert history.list_entries(query="glass") == [second, first]
    later = {"timestamp": "2099-01-01T00:00:00+00:00"}
    history._index.commit(first.entry_id, [{"set": first.entry_id, "to": later}])
    assert [take.entry_id for take in history.list_entries(query="glass")] == [first.entry_id, second.entry_id]


def test_a_position_in_no_journal_that_there_is_leads_nowhere(history: GenerationHistory) -> None:
    add(history)
    nowhere = Position("h", 99, 0, 10, "")
    assert history._index._part(nowhere, None, None) is None
    recent = history._catalog._recent_now(None)
    assert not recent.covers(None, recent.position)
    assert not recent.covers(nowhere, recent.position)


def test_a_sound_that_cannot_be_read_has_no_loudness(history: GenerationHistory) -> None:
    entry = add(history)
    history.audio_path(entry.entry_id).write_bytes(b"RIFF of nothing")
    assert history.level(entry.entry_id) is None


def test_the_newest_takes_are_looked_for_again_where_a_fold_took_their_journal(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(history)
    FirstTime(monkeypatch, Chain, "read", FileNotFoundError())
    shown = Newest(history._index)
    assert [row[rows.ENTRY_ID] for row in shown.rows("SELECT * FROM entries", []) or []] == [entry.entry_id]
    for _ in range(2):
        shown.close()
    assert shown.rows("SELECT * FROM entries", []) is None


def test_a_catalog_that_cannot_be_opened_is_one_to_be_read_anew(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> sqlite3.Connection:
        raise sqlite3.DatabaseError("damaged")

    monkeypatch.setattr(newest, "LONG", 0)
    monkeypatch.setattr(history._catalog, "_connection", refuse)
    assert history._catalog._must_read_a_long_index()


@pytest.mark.parametrize("why", ["changed", "given up", "used by another"])
def test_a_file_that_is_not_what_was_measured_is_not_sealed(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    add(history)
    history.list_entries()
    file = history._catalog._file
    monkeypatch.setattr(database, "AT_ONCE_BYTES", 0)
    file.seal_behind()
    sealing = file._sealing
    assert sealing
    sealing.join()
    (history.directory / "catalog.sqlite-seal").unlink()
    sealing.abandoned = why == "given up"
    monkeypatch.setattr(sealing, "has_changed", lambda: why == "changed")
    monkeypatch.setattr(file, "_is_only_user", lambda: why != "used by another")
    file._write_seal(sealing, (1, 1))
    assert not (history.directory / "catalog.sqlite-seal").exists()


def test_the_top_level_of_presets_is_no_folder_to_be_renamed_or_deleted() -> None:
    with pytest.raises(InvalidPreset, match="has no name"):
        Shelf().with_folder_renamed("", "Pads")
    with pytest.raises(InvalidPreset, match="cannot be deleted"):
        Shelf().without_folder("")


def test_a_preset_is_an_object_and_gives_its_fields_as_plain_values(history: GenerationHistory) -> None:
    preset = history.save_preset(add(history).entry_id, "glass")
    assert from_document(preset.to_dict()) == preset
    with pytest.raises(InvalidPreset, match="not an object"):
        from_document([])


HEADER: dict[str, Any] = {"version": 1, "shelf": "s", "revision": 1, "lines": "00000000", "folders": []}


@pytest.mark.parametrize(
    "wrong", [{"folders": None}, {"folders": [1]}, {"shelf": ""}, {"revision": -1}, {"lines": 0}, {"version": 0}]
)
def test_a_first_line_of_presets_with_a_good_checksum_says_nothing_by_itself(
    tmp_path: Path, wrong: dict[str, Any]
) -> None:
    line = seal({**HEADER, **wrong, "presets": []}).removesuffix(b"]}")
    assert presets_file._header(tmp_path / PRESETS, line) is None


def test_a_line_of_presets_with_a_good_checksum_over_no_object_is_none(tmp_path: Path) -> None:
    assert not presets_file._is_readable(seal_body(b"nonsense}"))


def test_a_file_of_presets_that_no_shelf_makes_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(presets_file, "MOST_BYTES", 10)
    copy = presets_file._parsed(tmp_path / PRESETS, b"x" * 11)
    assert copy.header is None
    with GenerationHistory(tmp_path) as history, pytest.raises(InvalidPreset, match="too large"):
        history.save_preset(add(history).entry_id, "too much")


def test_tables_that_cannot_be_brought_up_are_an_error_and_no_answer(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    history._catalog._recent = None
    monkeypatch.setattr(catalog.Catalog, "_catch_up", lambda self: None)
    with pytest.raises(sqlite3.OperationalError):
        history._catalog._brought_up()


def test_a_fold_that_becomes_overdue_while_one_waits_does_not_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.folding.QUIET_SMALL_S", 600.0)
    folded, overdue = threading.Event(), [False]
    folding = Folding(folded.set, lambda: 1, lambda: overdue[0])
    folding.changed()
    assert not folded.wait(0.1)
    overdue[0] = True
    folding.changed()
    assert folded.wait(10)
    assert not folding.close(), "nothing is left to be folded"


def test_a_catalog_that_is_closed_is_not_brought_up_further_behind(history: GenerationHistory) -> None:
    add(history)
    history.list_entries()
    add(history, 2)
    where = position_of(history._catalog._connection())
    history._catalog._closed = True
    history._catalog._catch_up_slowly()
    assert position_of(history._catalog._connection()) == where
    history._catalog._closed = False
    history._catalog._catch_up_slowly()
    assert position_of(history._catalog._connection()) != where


def test_closing_waits_for_the_check_of_a_file_that_it_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
        history.list_entries()
    monkeypatch.setattr(database, "AT_ONCE_BYTES", 0)
    measure, closing = database._measure_file, threading.Event()

    def slowly(*given: Any) -> tuple[int, int]:
        if threading.current_thread().name == "retake-check":
            closing.wait(10)
        return measure(*given)

    monkeypatch.setattr(database, "_measure_file", slowly)
    history = GenerationHistory(tmp_path)
    add(history, 2)
    assert len(history.list_entries()) == 2
    history._catalog._catch_up()
    end = threading.Thread(target=history.close)
    end.start()
    end.join(0.2)
    assert end.is_alive(), "a seal over a file that was not compared with its old one would hide damage"
    closing.set()
    end.join()
    assert (tmp_path / "catalog.sqlite-seal").exists()


def test_presets_that_cannot_be_looked_at_are_unavailable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    FirstTime(monkeypatch, presets_file, "open_regular", OSError(errno.EIO, "the disk cannot read it"))
    file = presets_file.PresetsFile(tmp_path)
    with pytest.raises(StoreUnavailable):
        file.read()
    assert file.read() == Shelf()


def test_a_second_file_of_presets_that_cannot_be_written_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    create = files.create

    def only_the_first(path: Path, *given: Any) -> Any:
        if path.name == PRESETS_BACKUP:
            raise OSError(errno.EIO, "the disk cannot write")
        return create(path, *given)

    monkeypatch.setattr(files, "create", only_the_first)
    presets = Presets(tmp_path)
    kept = [presets.save(name, model_id="synth", model_name="Synth", params={"warmth": 1.0}) for name in ("one", "two")]
    assert sorted(preset.name for preset in presets.list_presets()) == sorted(preset.name for preset in kept)
    assert [note.split(" could")[0] for note in presets.problems] == [PRESETS_BACKUP]


@pytest.mark.parametrize("newer", [PRESETS, PRESETS_BACKUP])
def test_of_two_damaged_files_of_presets_the_later_state_of_each_counts(tmp_path: Path, newer: str) -> None:
    presets = Presets(tmp_path)
    preset = presets.save("as it was", model_id="synth", model_name="Synth", params={"warmth": 1.0})
    older = (tmp_path / PRESETS).read_bytes()
    presets.rename(preset.preset_id, "as it is")
    changed = (tmp_path / PRESETS).read_bytes()
    for name in (PRESETS, PRESETS_BACKUP):
        first, rest = (changed if name == newer else older).split(b"\n", 1)
        (tmp_path / name).write_bytes(b"#" + first[1:] + b"\n" + rest)
    assert [preset.name for preset in Presets(tmp_path).list_presets()] == ["as it is"]


def test_a_change_of_our_own_is_read_like_others_where_others_came_during_the_last_look(
    history: GenerationHistory,
) -> None:
    first = add(history)
    assert history.list_entries() == [first]
    recent = history._catalog._recent
    assert recent
    recent.quiet = None
    second = add(history, 2)
    assert recent.position.end < history._index.present().read()[1].end
    assert history.list_entries() == [second, first]


def test_presets_are_counted_by_the_takes_outside_the_trash_that_came_from_them(history: GenerationHistory) -> None:
    one, other = new_id(), new_id()
    takes = [add(history, seed, preset_id=preset) for seed, preset in enumerate((one, other, other, one, one, None))]
    history.delete_entry(takes[0].entry_id)
    history.delete_entry(takes[3].entry_id)
    assert [(facet.value, facet.count) for facet in history.used_presets()] == [(other, 2), (one, 1)]
