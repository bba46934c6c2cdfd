"""Guards the seventeen holes of the index protocol's first wording: each is seen to open when its step is taken out.

Every scenario runs twice: with the store as it is, where it must hold, and with one step patched out, where the same
assertion must fail. A scenario that cannot fail guards nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store import EntryNotFound, GenerationHistory, HistoryError, StoreUnavailable, calls, document, files, sounds
from store.catalog import Catalog
from store.chain import Chain, Position
from store.folding import Folding
from store.index import Delta, Index, Tail
from store.journal import Part, name_of
from store.progress import Progress
from store.salvage import Gathered
from store.upkeep import Upkeep
from store.values import loads
from store.verify import verify
from tests.conftest import add
from tests.damage import append
from tests.disk import Disk, Killed, Recorder, write_state
from tests.trial import contents

Patch = pytest.MonkeyPatch
Hole = tuple[Callable[[Path], None], Callable[[Patch], None]]
HOLES: dict[str, Hole] = {}


def hole(step_taken_out: Callable[[Patch], None]) -> Callable[[Callable[[Path], None]], Callable[[Path], None]]:
    """Say which step closes the hole that a scenario falls into without it."""

    def named(scenario: Callable[[Path], None]) -> Callable[[Path], None]:
        HOLES[scenario.__name__] = (scenario, step_taken_out)
        return scenario

    return named


@pytest.fixture(autouse=True)
def no_folds_of_their_own(monkeypatch: Patch) -> None:
    monkeypatch.setattr(Folding, "changed", lambda self: None)


def reopened(root: Path) -> GenerationHistory:
    """Open a history without its catalog: what the index itself says."""
    for path in root.glob("catalog.sqlite*"):
        path.unlink()
    return GenerationHistory(root)


def titles(root: Path) -> list[str]:
    """Return the titles of the takes that the index holds, in order."""
    with reopened(root) as history:
        return sorted(entry.title for entry in history.list_entries())


def titled(history: GenerationHistory, title: str) -> str:
    """Add a take with a title; return its id."""
    entry_id = add(history).entry_id
    history.update_entry(entry_id, title=title)
    return entry_id


@contextlib.contextmanager
def power_cut(root: Path) -> Iterator[Recorder]:
    """Leave of what was done inside only what was synced."""
    with Recorder(Disk(root.parent)) as recorder:
        yield recorder
    shutil.rmtree(root)
    write_state(recorder.disk.worst(), root.parent)


def killed_at_sync_of(recorder: Recorder, site: str, act: Callable[[], object]) -> None:
    """Kill a process at its first sync of that place."""
    recorder.kill_at_sync(site)
    with pytest.raises(Killed):
        act()
    recorder.revive()


def flip(path: Path, text: bytes) -> None:
    """Flip a bit in the first place where a file holds a text."""
    data = bytearray(path.read_bytes())
    data[data.index(text)] ^= 1
    path.write_bytes(data)


# -- 1 --------------------------------------------------------------------------------------------------------------


def no_sync_of_the_folder_of_a_journal_that_is_met(patch: Patch) -> None:
    meet = Index._meet

    def without(self: Index, path: Path) -> Tail:
        with patch.context() as inner:
            inner.setattr(files, "sync_folder", lambda path: None)
            return meet(self, path)

    patch.setattr(Index, "_meet", without)


@hole(no_sync_of_the_folder_of_a_journal_that_is_met)
def a_line_in_a_journal_whose_name_is_not_durable(root: Path) -> None:
    with GenerationHistory(root) as history:
        titled(history, "before")
        with power_cut(root) as recorder:
            killed_at_sync_of(recorder, "index.create_journal > files.sync_folder", history.fold)
            with GenerationHistory(root) as other:
                other.update_entry(next(iter(contents(other))), title="after")
    assert titles(root) == ["after"]


# -- 2 --------------------------------------------------------------------------------------------------------------


def lines_of_others_are_not_synced(patch: Patch) -> None:
    patch.setattr(Index, "make_good", lambda self, path, part: None)


@hole(lines_of_others_are_not_synced)
def a_dead_writers_deletion_that_was_never_synced(root: Path) -> None:
    with GenerationHistory(root) as history:
        entry_id = titled(history, "deleted, perhaps")
        with power_cut(root) as recorder:
            act = lambda: history.delete_entry(entry_id, permanent=True)  # noqa: E731
            killed_at_sync_of(recorder, "index.commit", act)
            with GenerationHistory(root) as other:
                with contextlib.suppress(Killed):
                    recorder.kill_at_sync("index.replace_document > files.create")
                    other.fold()
                recorder.revive()
    with reopened(root) as history:
        assert all(history.audio_exists(each) for each in contents(history)), "its audio went, and it is still listed"


# -- 3 --------------------------------------------------------------------------------------------------------------


def a_journal_that_the_document_includes_is_taken_for_the_newest(patch: Patch) -> None:
    patch.setattr(Index, "_document_header", lambda self: document.NOTHING)


@hole(a_journal_that_the_document_includes_is_taken_for_the_newest)
def a_line_in_a_journal_that_the_document_includes(root: Path) -> None:
    with GenerationHistory(root) as history, Patch.context() as patch:
        entry_id = titled(history, "folded")
        history.fold()
        commit = Index.commit

        def late(self: Index, *given: Any) -> Delta:
            (root / name_of(2)).unlink()  # the newest journal is lost; the one before it is in the document already
            patch.setattr(Index, "commit", commit)
            return commit(self, *given[:2])

        patch.setattr(Index, "commit", late)
        history.update_entry(entry_id, title="after")
    assert titles(root) == ["after"]


# -- 4 --------------------------------------------------------------------------------------------------------------


def the_next_number_is_looked_for_and_not_the_highest(patch: Patch) -> None:
    step = Index.step

    def without(self: Index) -> Tail | None:
        tail = self._tail
        if tail and not (self.root / name_of(tail.number + 1)).exists() and (self.root / name_of(tail.number)).exists():
            return tail
        return step(self) if tail is None else self.asleep(tail)  # type: ignore[attr-defined]

    def asleep(self: Index, tail: Tail) -> Tail | None:
        if (self.root / name_of(tail.number + 1)).exists():
            return step(self)
        (self.root / name_of(tail.number)).touch()  # what opening it for appending would do
        return tail

    patch.setattr(Index, "step", without)
    patch.setattr(Index, "asleep", asleep, raising=False)


@hole(the_next_number_is_looked_for_and_not_the_highest)
def a_writer_that_slept_through_several_folds(root: Path) -> None:
    with GenerationHistory(root) as sleeper, GenerationHistory(root) as other:
        titled(sleeper, "0")
        for title in "1234":
            titled(other, title)
            other.fold()
        titled(sleeper, "5")
    assert titles(root) == list("012345")


# -- 5 --------------------------------------------------------------------------------------------------------------


def only_the_last_journal_is_merged(patch: Patch) -> None:
    write = Index.write_document

    def without(self: Index, older: Chain, tail: Tail, upkeep: Any) -> None:
        write(self, replace(older, links=older.links[-1:]), tail, upkeep)

    patch.setattr(Index, "write_document", without)


@hole(only_the_last_journal_is_merged)
def two_folds_killed_one_after_the_other(root: Path) -> None:
    with GenerationHistory(root) as history, Patch.context() as patch:
        patch.setattr(Index, "write_document", lambda *given: None)
        for title in "12":
            titled(history, title)
            history.fold()
        titled(history, "3")
    with GenerationHistory(root) as history:
        history.fold()
    assert titles(root) == list("123")


# -- 6 --------------------------------------------------------------------------------------------------------------


def a_line_whose_sync_failed_is_cut_and_the_journal_kept(patch: Patch) -> None:
    def without(self: Index, tail: Tail, descriptor: int, entry_id: str, error: BaseException) -> None:
        """Leave the line to the next writer, as if the sync had only been late."""

    patch.setattr(Index, "_disown", without)


@hole(a_line_whose_sync_failed_is_cut_and_the_journal_kept)
def another_process_writes_after_a_failed_sync(root: Path) -> None:
    with GenerationHistory(root) as history, GenerationHistory(root) as other:
        entry_id = titled(history, "saved")
        with power_cut(root) as recorder:
            recorder.fail_next_sync()
            with pytest.raises(StoreUnavailable):
                history.update_entry(entry_id, title="refused")
            other.update_entry(entry_id, rating=4)
    with reopened(root) as history:
        assert [(entry.title, entry.rating) for entry in history.list_entries()] == [("saved", 4)]
        assert history.problems == (), "what the system forgot lies between the lines"


# -- 7 --------------------------------------------------------------------------------------------------------------


def headers_are_believed_without_a_checksum(patch: Patch) -> None:
    patch.setattr(document, "unseal", lambda line: loads(b"{" + line[18:]))


@hole(headers_are_believed_without_a_checksum)
def a_flipped_bit_that_makes_a_newer_version(root: Path) -> None:
    with GenerationHistory(root) as history:
        titled(history, "folded")
        history.fold()
    data = (root / "history.json").read_bytes()
    (root / "history.json").write_bytes(data.replace(b'"version":2', b'"version":3', 1))
    assert titles(root) == ["folded"]


@hole(headers_are_believed_without_a_checksum)
def a_flipped_bit_that_changes_the_journal_number(root: Path) -> None:
    with GenerationHistory(root) as history:
        titled(history, "folded")
        history.fold()
        history.fold()
        titled(history, "after")
        with Patch.context() as patch:
            patch.setattr(Index, "write_document", lambda *given: None)
            history.fold()
    data = (root / "history.json").read_bytes()
    (root / "history.json").write_bytes(data.replace(b'"journal":1', b'"journal":2', 1))
    assert titles(root) == ["after", "folded"]


# -- 8 --------------------------------------------------------------------------------------------------------------


def lines_from_the_backup_are_taken_for_new(patch: Patch) -> None:
    offer = Gathered.offer
    patch.setattr(Gathered, "offer", lambda self, entry, number: offer(self, entry, 10**9))


@hole(lines_from_the_backup_are_taken_for_new)
def an_altered_line_taken_from_the_backup(root: Path) -> None:
    with GenerationHistory(root) as history:
        entry_id = titled(history, "first")
        history.fold()
        history.update_entry(entry_id, title="second")
        history.fold()
        titled(history, "third")
        add(history, 4)
    flip(root / "history.json", b"second")
    flip(root / name_of(3), b"third")
    with reopened(root) as history:
        assert "second" in {entry.title for entry in history.list_entries()}, "the edit after the backup is lost"


# -- 9 --------------------------------------------------------------------------------------------------------------


def the_base_is_not_read_to_its_end_before_it_becomes_the_backup(patch: Patch) -> None:
    patch.setattr(document, "is_sealed", lambda line: True)


@hole(the_base_is_not_read_to_its_end_before_it_becomes_the_backup)
def a_damaged_document_that_a_fold_would_promote(root: Path) -> None:
    with GenerationHistory(root) as history:
        titled(history, "folded")
        history.fold()
        other = titled(history, "other")
        history.fold()
        flip(root / "history.json", b"folded")
        history.update_entry(other, rating=2)
        history.fold()
    assert b"folded" in (root / "history.json.bak").read_bytes()


# -- 10 -------------------------------------------------------------------------------------------------------------


def a_fold_does_not_redo_deletions(patch: Patch) -> None:
    write = Index.write_document

    def without(self: Index, older: Chain, tail: Tail, upkeep: Any) -> None:
        with patch.context() as inner:
            inner.setattr(Upkeep, "purge", lambda self, removed: None)
            write(self, older, tail, upkeep)

    patch.setattr(Index, "write_document", without)


@hole(a_fold_does_not_redo_deletions)
def a_deletion_killed_before_it_removed_the_files(root: Path) -> None:
    with GenerationHistory(root) as history:
        entry_id = titled(history, "gone")
        with Patch.context() as patch:
            patch.setattr(Upkeep, "purge", lambda self, removed: None)
            history.delete_entry(entry_id, permanent=True)
    with GenerationHistory(root) as other:
        other.fold()
    assert verify(root).findings == ()


# -- 11 -------------------------------------------------------------------------------------------------------------


def temporary_files_are_not_locked(patch: Patch) -> None:
    patch.setattr(calls, "lock", lambda descriptor, wait: True)


@hole(temporary_files_are_not_locked)
def a_sweep_while_a_file_is_written(root: Path) -> None:
    root.mkdir()

    def chunks() -> Iterator[bytes]:
        yield b"half"
        files.sweep(root)
        yield b" and half"

    with contextlib.suppress(FileNotFoundError):
        files.create(root / "file", chunks())
    assert (root / "file").exists()


@hole(temporary_files_are_not_locked)
def a_sweep_while_a_file_is_given_a_second_name(root: Path) -> None:
    root.mkdir()
    (root / "file").write_bytes(b"whole")
    replacing = calls.replace

    def meanwhile(path: Path, name: Path) -> None:
        files.sweep(root)
        replacing(path, name)

    with Patch.context() as patch, contextlib.suppress(FileNotFoundError):
        patch.setattr(calls, "replace", meanwhile)
        files.keep_as(root / "file", root / "second")
    assert (root / "second").exists()


# -- 12 -------------------------------------------------------------------------------------------------------------


def the_lock_file_is_kept_open(patch: Patch) -> None:
    kept: dict[Path, int] = {}
    opening, closing = calls.open_file, calls.close

    def open_once(path: Path, flags: int) -> int:
        if flags != calls.CHANGE_OR_CREATE:
            return opening(path, flags)
        return kept.setdefault(path, opening(path, flags) if path not in kept else kept[path])

    patch.setattr(calls, "open_file", open_once)
    patch.setattr(calls, "close", lambda descriptor: None if descriptor in kept.values() else closing(descriptor))


@hole(the_lock_file_is_kept_open)
def a_forked_child_shares_its_parents_lock(root: Path) -> None:
    root.mkdir()
    with files.locked(root / "history.lock"):
        child = os.fork()
        if child == 0:
            with files.locked(root / "history.lock", wait=False) as mine:
                os._exit(1 if mine else 0)
        assert os.waitpid(child, 0)[1] == 0, "parent and child hold one lock"


# -- 13 -------------------------------------------------------------------------------------------------------------


def a_journal_is_not_read_again_when_the_next_appears(patch: Patch) -> None:
    part = Index._part

    def without(self: Index, position: Position, limit: int | None, *given: Any) -> Part | None:
        found = part(self, position, limit, *given)
        return found and (found if limit is None else replace(found, lines=[], last_crc=position.crc))

    patch.setattr(Index, "_part", without)


@hole(a_journal_is_not_read_again_when_the_next_appears)
def a_reader_meets_the_last_lines_of_a_journal_and_a_new_one(root: Path) -> None:
    with GenerationHistory(root) as reader, GenerationHistory(root) as writer, Patch.context() as patch:
        entry_id = titled(writer, "before")
        assert reader.count() == 1
        part = Index._part

        def meanwhile(self: Index, *given: Any) -> Part | None:
            patch.setattr(Index, "_part", part)
            found = part(self, *given)
            writer._index.commit(entry_id, [{"set": entry_id, "to": {"title": "last of the old"}}])
            writer._index.fold(writer._upkeep)
            writer._index.commit(entry_id, [{"set": entry_id, "to": {"rating": 5}}])
            return found

        writer.update_entry(entry_id, rating=1)
        patch.setattr(Index, "_part", meanwhile)
        assert [(entry.title, entry.rating) for entry in reader.list_entries()] == [("last of the old", 5)]


# -- 14 -------------------------------------------------------------------------------------------------------------


def an_edit_does_not_ask_whether_the_take_is_there(patch: Patch) -> None:
    entries: dict[str, Any] = {}
    require = GenerationHistory._require

    def without(self: GenerationHistory, entry_id: str, *given: Any) -> Any:
        with contextlib.suppress(EntryNotFound):
            entries[entry_id] = require(self, entry_id, *given)
        return entries[entry_id]

    patch.setattr(GenerationHistory, "_require", without)


@hole(an_edit_does_not_ask_whether_the_take_is_there)
def an_edit_that_races_a_deletion(root: Path) -> None:
    with GenerationHistory(root) as one, GenerationHistory(root) as other:
        entry_id = titled(one, "soon gone")
        other.update_entry(entry_id, rating=1)
        one.delete_entry(entry_id, permanent=True)
        told = False
        try:
            other.update_entry(entry_id, rating=5)
        except EntryNotFound:
            told = True
        assert told, "an edit was acknowledged that is nowhere"
        assert other.problems == ()
    assert verify(root).good


# -- 15 -------------------------------------------------------------------------------------------------------------


def the_catalog_does_not_look_at_its_last_line(patch: Patch) -> None:
    patch.setattr(Index, "_holds", lambda self, position: True)


@hole(the_catalog_does_not_look_at_its_last_line)
def a_journal_that_was_cut_and_grew_again(root: Path) -> None:
    with GenerationHistory(root) as history:
        entry_id = titled(history, "before")
        before = (root / name_of(1)).read_bytes()
        history.update_entry(entry_id, title="forgotten")
        assert history.list_entries()[0].title == "forgotten"
    (root / name_of(1)).write_bytes(before)  # the line was not synced, and the power was cut; the catalog was kept
    bare = root.with_name("bare")
    shutil.copytree(root, bare, ignore=shutil.ignore_patterns("catalog*"))
    with GenerationHistory(bare) as history:
        history.update_entry(entry_id, title="confirmed")
    shutil.copy(bare / name_of(1), root / name_of(1))
    with GenerationHistory(root) as history:
        assert history.list_entries()[0].title == "confirmed"


# -- 16 -------------------------------------------------------------------------------------------------------------


def a_deletion_does_not_give_up_the_catalog(patch: Patch) -> None:
    patch.setattr(Catalog, "give_up_file", lambda self: None)


@hole(a_deletion_does_not_give_up_the_catalog)
def a_deletion_on_a_full_disk(root: Path) -> None:
    with GenerationHistory(root) as history, Patch.context() as patch:
        entry_id = titled(history, "too much")
        write, unlink = calls.write, calls.unlink

        def full(descriptor: int, data: memoryview, at: int | None = None) -> int:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        def freeing(path: Path) -> None:
            unlink(path)
            if path.name == "catalog.sqlite":
                patch.setattr(calls, "write", write)

        patch.setattr(calls, "write", full)
        patch.setattr(calls, "unlink", freeing)
        with contextlib.suppress(HistoryError):
            history.delete_entry(entry_id, permanent=True)
        assert history.get(entry_id) is None, "what would free space is refused for want of space"


# -- 17 -------------------------------------------------------------------------------------------------------------


KNOWN_IDS = Index.known_ids


def without_deletions(index: Index) -> set[str]:
    """Return the ids that an index knows, but for those that were deleted for good."""
    return KNOWN_IDS(index) - set(index.present().read()[0].removed)


def deletions_are_not_asked_about(patch: Patch) -> None:
    patch.setattr(Index, "known_ids", without_deletions)


@hole(deletions_are_not_asked_about)
def a_deleted_take_whose_audio_is_still_there_when_another_process_opens(root: Path) -> None:
    with GenerationHistory(root) as history:
        entry_id = titled(history, "deleted for good")
        with Patch.context() as patch:
            patch.setattr(Upkeep, "purge", lambda self, removed: None)
            history.delete_entry(entry_id, permanent=True)
        append(
            root / name_of(1), b'{"crc":"00000000","add":{"entry_'
        )  # orphans are taken back where a last line was cut
        with GenerationHistory(root) as other:
            assert other.get(entry_id) is None


def deletions_are_asked_about_only_after_looking(patch: Patch) -> None:
    asked: list[set[str]] = []

    def without(self: Index) -> set[str]:
        asked.append(KNOWN_IDS(self) if asked else without_deletions(self))
        return asked[-1]

    patch.setattr(Index, "known_ids", without)


@hole(deletions_are_asked_about_only_after_looking)
def a_deleted_take_whose_files_a_fold_removes_while_another_process_looks_for_orphans(root: Path) -> None:
    with GenerationHistory(root) as history, GenerationHistory(root) as other:
        entry_id = titled(history, "deleted for good")
        with Patch.context() as patch:
            patch.setattr(Upkeep, "purge", lambda self, removed: None)
            history.delete_entry(entry_id, permanent=True)
        with Patch.context() as patch:
            look_through = sounds.look_through

            def meanwhile(paths: list[Path], progress: Progress) -> sounds.Sounds:
                found = look_through(paths, progress)
                other.fold()
                return found

            patch.setattr(sounds, "look_through", meanwhile)
            history.take_back_orphans()
        assert history.get(entry_id) is None


# -- the tests ------------------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A history's folder, not made yet, on a disk of its own."""
    (tmp_path / "disk").mkdir()
    return tmp_path / "disk" / "history"


@pytest.mark.parametrize("name", HOLES)
def test_the_hole_is_closed(name: str, root: Path) -> None:
    scenario, _ = HOLES[name]
    scenario(root)


@pytest.mark.parametrize("name", HOLES)
def test_the_hole_opens_when_its_step_is_taken_out(name: str, root: Path, monkeypatch: Patch) -> None:
    scenario, take_out = HOLES[name]
    take_out(monkeypatch)
    with pytest.raises((AssertionError, HistoryError)):
        scenario(root)
