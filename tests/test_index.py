"""Guards commit, fold and catch-up: each test is one way of losing a change that was found on a prototype."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from store import (
    CommitUncertain,
    EntryNotFound,
    GenerationHistory,
    HistoryEntry,
    StoreFull,
    StoreUnavailable,
    files,
)
from store.journal import name_of
from store.upkeep import Upkeep
from store.verify import verify
from tests.conftest import add
from tests.damage import append
from tests.faults import Fault, Faults


def journals(history: GenerationHistory) -> list[str]:
    return sorted(path.name for path in history.directory.glob("journal-*.jsonl"))


def reopened(history: GenerationHistory) -> list[HistoryEntry]:
    with GenerationHistory(history.directory) as other:
        return other.list_entries()


def test_a_fold_moves_everything_into_the_document_and_keeps_a_second_chain(history: GenerationHistory) -> None:
    first = add(history, 1)
    assert history.fold()
    second = add(history, 2)
    first = history.update_entry(first.entry_id, rating=3)
    assert history.fold()
    assert journals(history) == ["journal-2.jsonl", "journal-3.jsonl"]
    assert (history.directory / "history.json.bak").exists()
    assert not history.fold(), "there is nothing to fold"
    assert reopened(history) == [second, first]


def test_a_fold_drops_what_was_deleted_for_good(history: GenerationHistory) -> None:
    gone, kept = add(history, 1), add(history, 2)
    history.fold()
    history.delete_entry(gone.entry_id, permanent=True)
    history.fold()
    assert gone.entry_id not in (history.directory / "history.json").read_text()
    assert reopened(history) == [kept]


def test_a_fold_removes_the_files_of_a_deletion_that_was_killed_before_it_removed_them(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(history, 1)
    path = history.audio_path(entry.entry_id)
    with monkeypatch.context() as patch:
        patch.setattr(Upkeep, "purge", lambda self, removed: None)
        history.delete_entry(entry.entry_id, permanent=True)
    assert path.exists()
    history.fold()
    assert not path.exists()
    assert history.repair_history().orphans == ()


def test_a_writer_that_slept_through_folds_writes_to_the_newest_journal(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as sleeper, GenerationHistory(tmp_path) as other:
        entries = [add(sleeper, 0)]
        for seed in range(1, 5):
            entries.append(add(other, seed))
            other.fold()
        entries.append(add(sleeper, 9))
        assert other.list_entries() == entries[::-1]
        assert sleeper.list_entries() == entries[::-1]
    assert [entry.entry_id for entry in _fresh(tmp_path)] == [entry.entry_id for entry in entries[::-1]]


def _fresh(root: Path) -> list[HistoryEntry]:
    """List what the index holds, without the catalog."""
    (root / "catalog.sqlite").unlink(missing_ok=True)
    with GenerationHistory(root) as history:
        return history.list_entries()


def test_a_reader_sees_what_another_process_wrote_before_and_after_a_fold(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as reader, GenerationHistory(tmp_path) as writer:
        for seed in range(6):
            entry = add(writer, seed)
            assert reader.list_entries(limit=1) == [entry]
            if seed % 2:
                writer.fold()
                assert reader.count() == seed + 1


def test_a_change_that_races_a_deletion_for_good_finds_no_entry(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as one, GenerationHistory(tmp_path) as other:
        entry = add(one)
        assert other.get(entry.entry_id) == entry
        one.delete_entry(entry.entry_id, permanent=True)
        with pytest.raises(EntryNotFound):
            other.update_entry(entry.entry_id, rating=5)
        assert other.problems == ()


def test_two_killed_folds_leave_three_journals_and_the_next_fold_merges_all(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = []
    with monkeypatch.context() as patch:
        patch.setattr("store.index.Index.write_document", lambda *arguments: None)
        for seed in range(3):
            entries.append(add(history, seed))
            history.fold()
    assert len(journals(history)) == 4
    history.fold()
    assert _fresh(history.directory) == entries[::-1]


def test_a_cut_off_last_line_is_kept_aside_and_the_next_change_is_safe(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        append(tmp_path / name_of(1), b'{"crc":"00000000","add":{"entry_')
        assert history.list_entries() == [entry]
        second = add(history, 2)
        assert [path.read_bytes() for path in tmp_path.glob("*.cut-1")] == [b'{"crc":"00000000","add":{"entry_\n']
        assert any("no whole line" in problem for problem in history.problems)
    assert _fresh(tmp_path) == [second, entry]


def test_after_a_failed_sync_nobody_writes_to_that_journal_again(history: GenerationHistory, faults: Faults) -> None:
    entry = add(history)
    faults.fail("sync_data", errno.EIO)
    with pytest.raises(StoreUnavailable):
        history.update_entry(entry.entry_id, rating=5)
    assert journals(history) == ["journal-1.jsonl", "journal-2.jsonl"]
    assert history.get(entry.entry_id) == entry, "the change was refused, so it must not show"
    second = add(history, 2)
    assert _fresh(history.directory) == [second, entry]


def test_a_change_that_can_neither_be_synced_nor_disowned_is_called_uncertain(
    history: GenerationHistory, faults: Faults
) -> None:
    entry = add(history)
    faults.fail("sync_data", errno.EIO)
    faults.fail("sync", errno.EIO, times=2)
    with pytest.raises(CommitUncertain) as caught:
        history.update_entry(entry.entry_id, rating=5)
    assert caught.value.entry_id == entry.entry_id
    assert add(history, 2) in _fresh(history.directory)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_saves_nothing_and_says_so(history: GenerationHistory, faults: Faults, number: int) -> None:
    entry = add(history)
    faults.fail("write", number)
    with pytest.raises(StoreFull):
        add(history, 2)
    assert history.list_entries() == [entry]
    assert len(list((history.directory / "audio").iterdir())) == 1
    assert add(history, 3) in _fresh(history.directory)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_a_folder_that_cannot_be_written_is_told_before_anything_is_made(
    history: GenerationHistory, faults: Faults, number: int
) -> None:
    history.require_writable()
    faults.fail("open_file", number)
    with pytest.raises(StoreUnavailable):
        history.require_writable()
    assert list((history.directory / "audio").iterdir()) == []


def test_a_deletion_works_on_a_full_disk(history: GenerationHistory, faults: Faults) -> None:
    entry = add(history)
    faults.fail("write", errno.ENOSPC)
    assert history.delete_entry(entry.entry_id, permanent=True)
    assert _fresh(history.directory) == []


def test_ctrl_c_behind_the_commit_point_does_not_cost_the_take_its_sound(
    history: GenerationHistory, faults: Faults
) -> None:
    """The files were removed as those of a failed add, while the index named them."""
    add(history, 1)
    with faults.counting():
        add(history, 2)
    with pytest.raises(KeyboardInterrupt), faults.at(faults.trace.index("sync_data") + 1, Fault("Ctrl-C")):
        add(history, 3)
    assert [entry.seed for entry in history.list_entries()] == [3, 2, 1]
    assert verify(history.directory).good


def test_a_close_that_fails_after_everything_was_synced_is_no_failure(
    history: GenerationHistory, faults: Faults
) -> None:
    """A take whose line was durable was called not saved, and its sound was removed."""
    faults.fail("close", errno.EIO, times=100)
    entry = add(history)
    assert _fresh(history.directory) == [entry]
    assert verify(history.directory).good


def test_a_temporary_file_that_cannot_be_locked_is_removed(tmp_path: Path, faults: Faults) -> None:
    faults.fail("lock", errno.EIO)
    with pytest.raises(OSError, match="Input/output"):
        files.create(tmp_path / "file", [b"whole"])
    assert list(tmp_path.iterdir()) == []


def test_a_deletion_for_good_is_done_when_its_line_is_durable(history: GenerationHistory, faults: Faults) -> None:
    """The sync of the audio folder that failed after it came out as a bare OSError."""
    entry = add(history)
    faults.fail("unlink", errno.EIO)
    faults.fail("sync", errno.EIO)
    assert history.delete_entry(entry.entry_id, permanent=True)
    assert history.fold()
    assert verify(history.directory).findings == ()


def test_temporary_files_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    dead = tmp_path / ".retake-1-1.tmp"
    dead.write_bytes(b"half")

    def chunks() -> list[bytes]:
        assert files.sweep(tmp_path) == 1
        return [b"whole"]

    def sweeping() -> object:
        yield from chunks()

    files.create(tmp_path / "file", sweeping())  # type: ignore[arg-type]
    assert (tmp_path / "file").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_lock_is_not_shared_with_a_forked_child(tmp_path: Path) -> None:
    with files.locked(tmp_path / "lock"):
        child = os.fork()
        if child == 0:
            with files.locked(tmp_path / "lock", wait=False) as mine:
                os._exit(1 if mine else 0)
        assert os.waitpid(child, 0)[1] == 0


def test_a_lock_whose_file_was_replaced_is_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with files.locked(path):
        path.unlink()
        with files.locked(path, wait=False) as mine:
            assert mine


def test_a_line_of_an_unknown_kind_is_not_guessed_at(tmp_path: Path) -> None:
    from store import UnsupportedVersion
    from store.lines import seal

    with GenerationHistory(tmp_path) as history:
        add(history)
    newest = max(tmp_path.glob("journal-*.jsonl"))
    append(newest, seal({"merge": ["a", "b"]}) + b"\n")
    (tmp_path / "catalog.sqlite").unlink()
    before = newest.read_bytes()
    with pytest.raises(UnsupportedVersion):
        GenerationHistory(tmp_path)
    assert newest.read_bytes() == before
