"""Guards how the catalog follows the index: by single changes, a few at a time, from memory, or all anew."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import (
    GenerationHistory,
    IndexDamaged,
    StoreUnavailable,
    catalog,
    chain,
    document,
    files,
    index,
    newest,
    rows,
)
from store.journal import name_of, read_part
from store.lines import seal
from tests.conftest import add, leave

ACTS = ["add", "tag", "rate", "title", "delete", "restore", "purge"]


def tables(root: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of a closed catalog; places count from 1, whatever was removed between."""
    with sqlite3.connect(root / "catalog.sqlite") as database:
        places = {n: place for place, (n,) in enumerate(database.execute("SELECT n FROM entries ORDER BY n"), 1)}
        texts = {
            "words": database.execute("SELECT rowid, * FROM words").fetchall(),
            "words_deleted": database.execute("SELECT rowid, * FROM words_deleted").fetchall(),
        }
        return {
            "entries": [(places[row[0]], *row[1:-1]) for row in database.execute("SELECT * FROM entries ORDER BY n")],
            "tags": sorted((tag, places[n], deleted) for tag, n, deleted in database.execute("SELECT * FROM tags")),
            "totals": sorted(row for row in database.execute("SELECT * FROM totals") if row[1]),
            **{name: sorted((places[n], text) for n, text in lines) for name, lines in texts.items()},
        }


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 3)), min_size=1, max_size=25))
@settings(max_examples=40, deadline=None)
def test_tables_that_followed_every_change_are_those_that_are_built_anew(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int]]
) -> None:
    root = tmp_path_factory.mktemp("follow")
    with GenerationHistory(root) as history:
        ids: list[str] = []
        for number, (act, which) in enumerate(acts):
            perform(history, ids, act, which, number)
            history.count()
    followed = tables(root)
    with GenerationHistory(root) as history:
        history.renew_catalog()
        history.count()
    assert tables(root) == followed


def perform(history: GenerationHistory, ids: list[str], act: str, which: int, number: int) -> None:
    if act == "add" or not ids:
        ids.append(add(history, number).entry_id)
        return
    entry_id = ids[which % len(ids)]
    if act == "purge":
        history.delete_entry(entry_id, permanent=True)
        ids.remove(entry_id)
    elif act == "delete":
        history.delete_entry(entry_id)
    elif act == "restore":
        history.restore_entry(entry_id)
    else:
        edits: dict[str, Any] = {"tag": {"tags": [f"t{number % 3}", "all"]}, "rate": {"rating": number % 5 + 1}}
        history.update_entry(entry_id, **edits.get(act, {"title": f"Title {number}"}))


def test_of_several_lines_with_one_id_the_last_counts_with_its_words_and_tags(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        first, second = add(history, 1, params={"prompt": "glass"}), add(history, 2)
        documents = [{**first.to_document(), "tags": ["old"]}, second.to_document()]
        documents.append({**first.to_document(), "params": {"prompt": "choir"}, "tags": ["new"], "deleted_at": "2026"})
        database = history._catalog._connection()
        done = list(rows.fill(database, tmp_path, map(seal, documents)))
        assert done == [3]
        assert database.execute("SELECT count(*) FROM words WHERE words MATCH 'glass'").fetchone() == (0,)
        assert database.execute("SELECT count(*) FROM words_deleted WHERE words_deleted MATCH 'choir'").fetchone() == (
            1,
        )
        assert [tag for (tag,) in database.execute("SELECT tag FROM tags")] == ["new"]
        history.renew_catalog()


# -- one take, from what the tables hold and what came since ---------------------------------------------------------------


def changes_written(history: GenerationHistory, act: Any) -> int:
    """Return how many rows `act` writes into the catalog."""
    connection = history._catalog._connection()
    before = connection.total_changes
    act()
    return connection.total_changes - before


def test_a_change_of_a_take_does_not_wait_for_the_tables(history: GenerationHistory) -> None:
    entry = add(history)
    assert history.list_entries() == [entry]

    def edit() -> None:
        for rating in (1, 2, 3):
            assert history.update_entry(entry.entry_id, rating=rating).rating == rating
        history.delete_entry(entry.entry_id)

    assert changes_written(history, edit) == 0
    found = history.get(entry.entry_id)
    assert found
    assert (found.rating, found.deleted) == (3, True)
    assert history.list_entries(deleted=True) == [found]


def test_a_take_is_told_as_another_process_left_it_without_writing_the_tables(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history, GenerationHistory(tmp_path) as other:
        entry, doomed = add(history, 1), add(history, 2)
        assert other.count() == history.count() == 2

        def look() -> None:
            assert other.get(entry.entry_id) == changed
            assert other.get(added.entry_id) == added
            assert other.get(doomed.entry_id) is None

        changed = history.update_entry(entry.entry_id, title="changed")
        added = add(history, 3)
        history.delete_entry(doomed.entry_id, permanent=True)
        assert changes_written(other, look) == 0
        history.fold()
        assert changes_written(other, look) == 0


def test_many_changes_that_nobody_lists_are_brought_into_the_tables_behind(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "MOST_WEIGHT", 10)
    monkeypatch.setattr(catalog, "FEWEST_BYTES", 200)
    monkeypatch.setattr(catalog, "STRETCH_S", 0)
    entry = add(history)
    history.list_entries()
    for number in range(12):
        history.update_entry(entry.entry_id, rating=number % 5 + 1)
    history._catalog._behind.end()
    recent = history._catalog._recent
    assert recent
    assert recent.weight <= 10, "no more is held than is not worth the while"
    assert changes_written(history, history.list_entries) <= 10
    assert history.list_entries()[0].rating == 11 % 5 + 1


def test_a_few_bytes_of_a_journal_are_whole_lines_of_it(history: GenerationHistory) -> None:
    for seed in range(5):
        add(history, seed)
    path = history.directory / name_of(1)
    start = len(path.read_bytes().split(b"\n")[0]) + 1
    everything = read_part(path, start)
    for most_bytes in range(1, path.stat().st_size, 97):
        lines: list[bytes] = []
        at = start
        while True:
            part = read_part(path, at, most_bytes=most_bytes)
            assert not part.tail
            lines += part.lines
            at = part.end
            if part.whole:
                break
        assert (lines, at) == (everything.lines, everything.end)


def test_a_bad_line_within_the_first_bytes_is_damage_where_good_ones_follow(history: GenerationHistory) -> None:
    for seed in range(3):
        add(history, seed)
    path = history.directory / name_of(1)
    data = bytearray(path.read_bytes())
    start = data.index(b"\n") + 1
    data[start + 40] ^= 1
    path.write_bytes(data)
    with pytest.raises(IndexDamaged, match=f"byte {start}"):
        read_part(path, start, most_bytes=3_000)


def test_a_damaged_journal_that_the_document_includes_is_no_matter_of_a_catalog_that_stopped_in_it(
    history: GenerationHistory,
) -> None:
    add(history, 1)
    _, position = history._index.present().read()
    add(history, 2)
    history.fold()
    path = history.directory / name_of(1)
    path.write_bytes(path.read_bytes()[:-100])
    assert history._index.since(position) is None
    history.renew_catalog()
    assert history.count() == 2


def test_a_journal_that_others_began_is_found_whatever_the_folder_was_when_it_was_last_listed(tmp_path: Path) -> None:
    """The names in the folder are remembered by its times, once these are a second old."""
    with GenerationHistory(tmp_path) as sleeper, GenerationHistory(tmp_path) as other:
        add(sleeper, 0)
        for number in range(1, 4):
            os.utime(tmp_path, (1_000_000_000, 1_000_000_000 + number))
            add(sleeper, number)
            add(sleeper, 10 + number)
            assert sleeper._index._listed is not None, "the folder is listed once"
            other.fold()
            assert add(sleeper, 20 + number) in other.list_entries()
        assert sleeper.problems == other.problems == ()
        assert len(other.list_entries()) == 10


def test_a_folder_that_was_changed_just_now_is_listed_again(history: GenerationHistory) -> None:
    add(history)
    history._index._listed = None
    add(history)
    assert history._index._listed is None, "a name that came within the clock's tick would be missed"


# -- a long history that is read anew --------------------------------------------------------------------------------------


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Path, threading.Event]]:
    """A history that counts as long, without its catalog; building that waits for the event."""
    with GenerationHistory(tmp_path) as history:
        for seed in range(12):
            add(history, seed)
    (tmp_path / "catalog.sqlite").unlink()
    monkeypatch.setattr(newest, "LONG", 10)
    monkeypatch.setattr(newest, "MOST", 4)
    go_on = threading.Event()
    fill = rows.fill

    def slow(database: sqlite3.Connection, root: Path, lines: Any) -> Iterator[int]:
        if threading.current_thread().name == "retake-catalog":
            go_on.wait(10)
        yield from fill(database, root, lines)

    monkeypatch.setattr(rows, "fill", slow)
    yield tmp_path, go_on
    go_on.set()


def built(history: GenerationHistory) -> None:
    history._catalog._behind.end()


def test_the_newest_takes_of_a_long_history_are_there_while_the_rest_is_read(
    long: tuple[Path, threading.Event],
) -> None:
    root, go_on = long
    with GenerationHistory(root, patient=False) as history:
        assert history.building
        assert (history.building.done, history.building.total) == (0, 12)
        before = history.revision()
        shown = history.list_entries()
        assert [entry.seed for entry in shown] == [11, 10, 9, 8]
        assert history.count() == 4
        loved = history.update_entry(shown[1].entry_id, favorite=True)
        history.delete_entry(shown[2].entry_id)
        added = add(history, 99)
        assert history.list_entries() == [added, shown[0], loved, shown[3]]
        assert [entry.seed for entry in history.list_entries(deleted=True)] == [9]
        go_on.set()
        built(history)
        assert history.building is None
        assert history.revision() != before
        assert history.list_entries(limit=3) == [added, shown[0], loved]
        assert history.count() == 12


def test_an_older_take_is_waited_for(long: tuple[Path, threading.Event]) -> None:
    root, go_on = long
    with GenerationHistory(root) as history:
        oldest = history.list_entries()[-1]
    (root / "catalog.sqlite").unlink()
    with GenerationHistory(root, patient=False) as history:
        threading.Timer(0.1, go_on.set).start()
        assert history.update_entry(oldest.entry_id, rating=5).rating == 5
        assert history.get("no such take") is None


def test_a_history_that_is_closed_while_it_is_read_gives_that_up(long: tuple[Path, threading.Event]) -> None:
    root, go_on = long
    history = GenerationHistory(root, patient=False)
    threading.Timer(0.1, go_on.set).start()
    history.close()
    with GenerationHistory(root) as history:
        assert history.count() == 12


def test_damage_found_while_a_long_history_is_read_is_mended_by_who_asks_next(
    long: tuple[Path, threading.Event],
) -> None:
    root, go_on = long
    path = root / "history.json"
    data = bytearray(path.read_bytes())
    data[data.index(b'"seed":2') + 7] ^= 1  # an old take
    path.write_bytes(data)
    with GenerationHistory(root, patient=False) as history:
        assert history.count() == 4
        go_on.set()
        built(history)
        assert history.count() == 12
        assert history.problems


def test_an_index_that_is_replaced_while_it_is_read_is_waited_for(long: tuple[Path, threading.Event]) -> None:
    root, go_on = long
    with GenerationHistory(root, patient=False) as history:
        threading.Timer(0.1, go_on.set).start()
        (root / name_of(chain.journal_numbers(root)[-1])).write_bytes(b"")
        assert len(history.list_entries()) == 12


def test_a_short_history_and_a_whole_catalog_are_not_waited_for_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
    with GenerationHistory(tmp_path, patient=False) as history:
        assert history.building is None
    monkeypatch.setattr(newest, "LONG", 1)
    with GenerationHistory(tmp_path, patient=False) as history:
        assert history.building is None
        assert history.count() == 1


def test_a_catalog_that_cannot_be_used_is_read_anew_behind_too(long: tuple[Path, threading.Event]) -> None:
    root, go_on = long
    (root / "catalog.sqlite").write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)
    go_on.set()
    with GenerationHistory(root, patient=False) as history:
        built(history)
        assert history.count() == 12


def test_what_was_built_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with GenerationHistory(tmp_path) as history:
        for seed in range(3):
            add(history, seed)
    (tmp_path / "catalog.sqlite").unlink()
    monkeypatch.setattr(newest, "LONG", 3)
    told: list[tuple[int, int]] = []
    with GenerationHistory(tmp_path, lambda done, of: told.append((done, of))):
        assert told == [(3, 3)]


@pytest.mark.parametrize("size", [0, 1, 2, 3, 50])
def test_the_last_lines_of_a_document_are_those_that_reading_all_ends_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    lines = [seal({"entry_id": str(number), "note": "x" * (number % 7)}) for number in range(size)]
    path = tmp_path / "history.json"
    path.write_bytes(b"".join(document.write_lines(document.Header(2, "h", 1, size), lines)))
    for block_bytes in (1, 7, 64, 1 << 20):
        monkeypatch.setattr(document, "_BLOCK_BYTES", block_bytes)
        for most in (1, 2, 49, 50, 51):
            assert document.last_lines(path, most) == lines[-most:]


def test_last_lines_that_are_damaged_are_not_taken(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    whole = b"".join(document.write_lines(document.Header(2, "h", 1, 2), [seal({"a": 1}), seal({"a": 2})]))
    for damaged in (whole[:-3], whole.replace(b'"a":2', b'"a":3')):
        path.write_bytes(damaged)
        with pytest.raises(IndexDamaged):
            document.last_lines(path, 1)


# -- keeping out of each other's way ---------------------------------------------------------------------------------------


def test_a_long_file_is_synced_piece_by_piece(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "PIECE_BYTES", 10)
    monkeypatch.setattr(files, "BUFFER_BYTES", 4)
    sizes: list[int] = []
    sync_data = files.calls.sync_data
    monkeypatch.setattr(
        files.calls, "sync_data", lambda descriptor: (sizes.append(os.fstat(descriptor).st_size), sync_data(descriptor))
    )
    files.create(tmp_path / "long", [b"four"] * 8)
    assert sizes == [12, 24]
    assert (tmp_path / "long").read_bytes() == b"four" * 8


def test_a_fold_rests_between_its_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    monkeypatch.setattr(time, "sleep", rests.append)
    lines = [b"%d" % number for number in range(index.STRETCH_LINES * 3)]
    assert list(index.unhurried(lines)) == lines
    assert len(rests) == 3


def test_a_catalog_whose_thread_cannot_be_started_answers_all_the_same(
    long: tuple[Path, threading.Event], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, go_on = long
    go_on.set()

    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        history = GenerationHistory(root, patient=False)
    with history:
        assert history.count() == 12


def test_a_take_whose_row_is_damaged_is_read_from_the_index(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        assert history.list_entries() == [entry]
        history._catalog._connection().execute("UPDATE entries SET document = ?", (b'{"entry_id": "a lie"}',))
        assert history.get(entry.entry_id) == entry
        assert history.problems


def test_an_entry_that_stopped_being_one_is_left_out(history: GenerationHistory) -> None:
    entry = add(history)
    history.list_entries()
    database = history._catalog._connection()
    rows.edit(database, history.directory, entry.entry_id, {"seed": "no number"})
    assert rows.find(database, entry.entry_id) is None
    rows.edit(database, history.directory, entry.entry_id, {"seed": 3})
    history.renew_catalog()


def test_a_folder_that_goes_away_is_told_by_one_take_too(tmp_path: Path) -> None:
    root = tmp_path / "history"
    history = GenerationHistory(root)
    entry = add(history)
    history.list_entries()
    root.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreUnavailable):
        history.get(entry.entry_id)
    (tmp_path / "elsewhere").rename(root)
    assert history.get(entry.entry_id) == entry
    leave(history)
