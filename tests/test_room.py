"""Guards the room behind a journal's last line: what goes into it, what may stand in it, and when it is cut off."""

from __future__ import annotations

import errno
import os
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from store import GenerationHistory, IndexDamaged, StoreUnavailable, calls, files, journal
from store.folding import Folding
from store.index import Index
from store.journal import LEAST_ROOM_BYTES, MOST_ROOM_BYTES, ROOM, name_of, read_part
from store.lines import seal
from store.verify import verify
from tests.conftest import add, leave
from tests.damage import append, flipped
from tests.disk import Disk, Killed, Recorder, write_state


@pytest.fixture(autouse=True)
def no_folds_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folding, "changed", lambda self: None)


def room_of(path: Path) -> int:
    """Return how many bytes of room a journal ends in, a last line's own end left out."""
    data = path.read_bytes()
    return len(data) - len(data.rstrip(ROOM)) - 1


def left_open(root: Path) -> Path:
    """Leave a history of one rated take as a killed process does; return its journal, which ends in room."""
    history = GenerationHistory(root)
    history.update_entry(add(history).entry_id, rating=3)
    leave(history)
    assert room_of(root / name_of(1)) > 0
    return root / name_of(1)


def test_a_line_goes_into_the_room_and_leaves_the_files_size(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        size_bytes = (tmp_path / name_of(1)).stat().st_size
        history.update_entry(entry.entry_id, rating=4)
        assert (tmp_path / name_of(1)).stat().st_size == size_bytes


def test_room_grows_with_the_journal_up_to_a_limit() -> None:
    assert len(journal.room_after(100)) == LEAST_ROOM_BYTES
    assert len(journal.room_after(100_000)) == 100_000
    assert len(journal.room_after(10**9)) == MOST_ROOM_BYTES


def test_no_room_is_left_when_a_history_is_closed_or_folded(tmp_path: Path) -> None:
    history = GenerationHistory(tmp_path)
    entry = add(history)
    history.fold()
    assert room_of(tmp_path / name_of(1)) == 0
    history.update_entry(entry.entry_id, rating=4)
    assert room_of(tmp_path / name_of(2)) > 0
    history.close()
    assert room_of(tmp_path / name_of(2)) == 0


def test_a_history_that_was_only_read_keeps_the_room_that_others_use(tmp_path: Path) -> None:
    path = left_open(tmp_path)
    before = path.read_bytes()
    with GenerationHistory(tmp_path) as history:
        assert history.list_entries()[0].rating == 3
    assert path.read_bytes() == before


def test_room_is_no_damage_and_the_next_process_writes_into_it(tmp_path: Path) -> None:
    path = left_open(tmp_path)
    assert verify(tmp_path).good
    size_bytes = path.stat().st_size
    history = GenerationHistory(tmp_path)
    history.update_entry(history.list_entries()[0].entry_id, rating=5)
    assert path.stat().st_size == size_bytes
    leave(history)
    with GenerationHistory(tmp_path) as again:
        assert (again.list_entries()[0].rating, again.problems) == (5, ())


def test_another_process_writes_on_where_the_room_was_cut_off(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as one, GenerationHistory(tmp_path) as other:
        entry = add(one)
        other.update_entry(entry.entry_id, rating=1)
        one._index.leave_no_room()
        other.update_entry(entry.entry_id, rating=2)
        one.update_entry(entry.entry_id, title="both")
        assert [(seen.rating, seen.title) for seen in other.list_entries()] == [(2, "both")]
        assert (one.problems, other.problems) == ((), ())


def test_a_disk_with_no_space_for_room_takes_the_line_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = calls.write

    def full(descriptor: int, data: memoryview, at: int | None = None) -> int:
        if not bytes(data).strip(ROOM):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(descriptor, data, at)

    with GenerationHistory(tmp_path) as history:
        monkeypatch.setattr(calls, "write", full)
        entry = add(history)
        history.update_entry(entry.entry_id, rating=4)
        assert room_of(tmp_path / name_of(1)) == 0
        assert history.get(entry.entry_id).rating == 4  # type: ignore[union-attr]


@pytest.mark.parametrize("place", [0, 1, 100, -1])
def test_a_flipped_bit_of_the_room_is_found_and_costs_nothing(tmp_path: Path, place: int) -> None:
    path = left_open(tmp_path)
    data = path.read_bytes()
    end = len(data) - room_of(path)
    bit = 8 * (end + place if place >= 0 else len(data) - 1)
    path.write_bytes(flipped(data, bit))
    assert [finding.kind for finding in verify(tmp_path).findings] == ["damaged index"]
    with GenerationHistory(tmp_path) as history:
        assert [entry.rating for entry in history.list_entries()] == [3]
        assert any("no whole line" in problem for problem in history.problems)
        history.update_entry(history.list_entries()[0].entry_id, rating=4)
    assert verify(tmp_path).good
    with GenerationHistory(tmp_path) as history:
        assert [entry.rating for entry in history.list_entries()] == [4]


def test_whatever_stands_behind_the_lines_is_cut_before_the_next_line_could_bring_it_back(tmp_path: Path) -> None:
    """A line of two pages of which only the second reached the disk: the next line must not end where that one begins."""
    path = left_open(tmp_path)
    data = path.read_bytes()
    end = len(data) - room_of(path)
    entry_id = GenerationHistory(tmp_path).list_entries()[0].entry_id
    line = seal({"set": entry_id, "to": {"rating": 5}}) + b"\n"
    half = ROOM * 50 + line[50:]
    path.write_bytes(data[:end] + half + data[end + len(half) :])
    with GenerationHistory(tmp_path) as history:
        assert [entry.rating for entry in history.list_entries()] == [3]
        history.update_entry(entry_id, title="after")
        assert [path.read_bytes() for path in tmp_path.glob("*.cut-1")] == [half]


def test_a_reader_that_meets_half_a_line_waits_for_the_rest(tmp_path: Path) -> None:
    """Another process's line is read while it is being written: half of it, and room behind."""
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        line = seal({"set": entry.entry_id, "to": {"rating": 5}}) + b"\n"
        reader = GenerationHistory(tmp_path)
        append(tmp_path / name_of(1), line[:30])
        assert reader.list_entries()[0].rating is None
        data = (tmp_path / name_of(1)).read_bytes()
        (tmp_path / name_of(1)).write_bytes(data.replace(line[:30] + ROOM * (len(line) - 30), line))
        assert reader.list_entries()[0].rating == 5
        reader.close()


def test_a_bad_line_before_good_ones_is_damage_with_room_behind_them_too(tmp_path: Path) -> None:
    path = left_open(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"add"', b'"odd"', 1))
    with pytest.raises(IndexDamaged):
        read_part(path, journal.header_size(path))
    with pytest.raises(IndexDamaged):
        read_part(path, journal.header_size(path), most_bytes=1 << 20)


def test_an_empty_line_before_the_end_that_the_next_journal_states_is_damage(tmp_path: Path) -> None:
    path = left_open(tmp_path)
    data = path.read_bytes()
    end = len(data) - room_of(path)
    for most_bytes in (None, 1 << 20):
        with pytest.raises(IndexDamaged):
            read_part(path, journal.header_size(path), limit=len(data), most_bytes=most_bytes)
    with pytest.raises(IndexDamaged):
        read_part(path, end, limit=len(data), most_bytes=100)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=8), st.integers(1, 100_000), st.booleans())
def test_reading_some_at_a_time_reads_the_same_as_reading_all(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], most_bytes: int, with_room: bool
) -> None:
    path = tmp_path_factory.mktemp("room") / "journal-1.jsonl"
    lines = [seal({"set": "id", "to": {"note": "x" * length}}) for length in lengths]
    path.write_bytes(b"".join(line + b"\n" for line in lines) + ROOM * (5_000 if with_room else 0))
    whole = read_part(path, 0)
    assert (whole.lines, whole.tail) == (lines, b"")
    for limit in (None, whole.end):
        found: list[bytes] = []
        end, done = 0, False
        while not done:
            part = read_part(path, end, limit, most_bytes)
            found += part.lines
            end, done = part.end, part.whole
        assert (found, end) == (lines, whole.end)


def test_two_writers_and_cuts_in_any_order_lose_nothing(tmp_path: Path) -> None:
    for seed in range(20):
        root = tmp_path / str(seed)
        root.mkdir()
        rng, written = random.Random(seed), []
        indexes = [Index(root), Index(root)]
        indexes[0].begin()
        for number in range(60):
            index = rng.choice(indexes)
            index.commit("id", [{"set": "id", "to": {"note": "x" * rng.choice([1, 10, 3_000]), "title": str(number)}}])
            written.append(str(number))
            if rng.random() < 0.2:
                rng.choice(indexes).leave_no_room()
        lines = read_part(root / name_of(1), journal.header_size(root / name_of(1))).changes()
        assert [line["to"]["title"] for line in lines] == written
        assert all(index.notes == [] for index in indexes)


def test_no_power_cut_while_a_line_goes_into_the_room_costs_a_line_before_it(tmp_path: Path) -> None:
    """Every state of the unsynced line, in room of all sizes, over the bytes of what was there."""
    states = 0
    for length in (1, 600, 3_000, 9_000):
        root = tmp_path / f"disk-{length}" / "history"
        root.mkdir(parents=True)
        index = Index(root)
        index.begin()
        index.commit("id", [{"set": "id", "to": {"title": "before"}}])
        disk = Disk(root.parent)
        with Recorder(disk) as recorder:
            recorder.kill_at_sync("index.commit")
            with pytest.raises(Killed):
                index.commit("id", [{"set": "id", "to": {"title": "after", "note": "x" * length}}])
        for number, state in enumerate(disk.states()):
            copy = tmp_path / f"copy-{length}-{number}"
            copy.mkdir()
            write_state(state, copy)
            opened = Index(copy / "history")
            opened.commit("id", [{"set": "id", "to": {"title": "next"}}])
            path = copy / "history" / name_of(1)
            titles = [line["to"]["title"] for line in read_part(path, journal.header_size(path)).changes()]
            assert titles in (["before", "next"], ["before", "after", "next"])
            states += 1
    assert states >= 20


def test_what_another_wrote_is_synced_before_it_is_acted_on_although_a_line_behind_it_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line's own sync covers those before it, so reading them syncs nothing: but then that line could not be written."""
    one, other = Index(tmp_path), Index(tmp_path)
    one.begin()
    with monkeypatch.context() as patch:
        patch.setattr(calls, "sync_data", lambda descriptor: None)  # its writer died before syncing
        one.commit("id", [{"del": "id"}])
    with monkeypatch.context() as patch:
        patch.setattr(files, "changing", refused)
        with pytest.raises(StoreUnavailable):
            other.commit("id", [{"set": "id", "to": {"title": "behind it"}}])
    synced: list[int] = []
    monkeypatch.setattr(calls, "sync_data", synced.append)
    other.step()
    assert len(synced) == 1


def refused(path: Path) -> int:
    """Stand in for a file that cannot be opened any more."""
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE), str(path))
