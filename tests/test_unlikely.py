"""Guards what happens only where processes meet at the wrong moment, or where a file is not what it was a moment ago."""

from __future__ import annotations

import errno
import os
import runpy
import shutil
import sqlite3
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from store import (
    CommitUncertain,
    GenerationHistory,
    HistoryEntry,
    IndexDamaged,
    InvalidAudio,
    InvalidEntry,
    StoreUnavailable,
    calls,
    chain,
    files,
    id3,
)
from store.__main__ import main
from store.catalog import Catalog
from store.chain import BACKUP, DOCUMENT, Chain
from store.document import Header, read_lines, read_version_1, write_lines
from store.index import Delta, Index
from store.journal import JournalHeader, name_of
from store.lines import DamagedLine, seal_body, unseal
from store.reading import Peek, open_regular
from store.repair import plan_repair, repair
from store.snapshot import embed_snapshot, with_snapshot
from store.sounds import audio_files, carried_entry, look_through
from store.upkeep import snapshot_text
from store.verify import verify
from tests.conftest import add, tone


class FirstTime:
    """Raises at the first call, and lets every later one through."""

    def __init__(self, patch: pytest.MonkeyPatch, owner: Any, name: str, error: BaseException) -> None:
        self.calls = 0
        real = getattr(owner, name)

        def once(*given: Any, **named: Any) -> Any:
            self.calls += 1
            if self.calls == 1:
                raise error
            return real(*given, **named)

        patch.setattr(owner, name, once)


# -- a fold in another process takes away what is being read ---------------------------------------------------------------


def test_a_chain_that_is_folded_away_while_it_is_looked_for_is_looked_for_again(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(history)
    looking = FirstTime(monkeypatch, chain, "find", FileNotFoundError())
    assert history._index.present().links
    assert looking.calls == 2


def test_journals_that_vanish_again_and_again_are_damage_and_no_endless_loop(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vanish(*given: object) -> Chain:
        raise FileNotFoundError

    monkeypatch.setattr(chain, "find", vanish)
    with pytest.raises(IndexDamaged, match="vanish while they are read"):
        history._index.present()


@pytest.mark.parametrize("ask", ["known_ids", "list_entries"])
def test_journals_that_are_folded_away_while_they_are_read_are_read_again(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch, ask: str
) -> None:
    entry = add(history)
    history.renew_catalog()
    reading = FirstTime(monkeypatch, Chain, "read", FileNotFoundError())
    if ask == "known_ids":
        assert history._index.known_ids() == {entry.entry_id}
    else:
        assert history.list_entries() == [entry]
    assert reading.calls >= 2


def test_a_journal_that_is_folded_away_after_its_successor_was_seen_is_read_from_the_document(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history, GenerationHistory(tmp_path) as other:
        entry = add(history)
        assert other.list_entries() == [entry]
        _, position = other._index.present().read()
        second = add(history, 2)
        for seed in (3, 4):
            history.fold()
            add(history, seed)
        history.fold()
        assert other._index.since(position) is None
        assert second in other.list_entries()


def test_a_journal_that_goes_between_two_looks_of_a_reader_is_a_reason_to_read_anew(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(history)
    _, position = history._index.present().read()
    add(history, 2)
    with monkeypatch.context() as patch:
        patch.setattr(Index, "_part", lambda self, *given: None)
        assert history._index.since(position) is None
        history.fold()
        assert history._index.since(position) is None


def test_a_fold_that_misses_a_journal_of_later_changes_leaves_everything_as_it_was(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = history.update_entry(add(history).entry_id, rating=3)
    since = Index.since

    def gone_for_the_fold(self: Index, position: Any) -> Delta | None:
        return None if sys._getframe(1).f_code.co_name == "ids" else since(self, position)

    with monkeypatch.context() as patch:
        patch.setattr(Index, "since", gone_for_the_fold)
        with pytest.raises(IndexDamaged, match="that a fold needs"):
            history.fold()
    assert history.get(entry.entry_id) == entry


def test_a_fold_leaves_it_to_who_holds_the_lock(history: GenerationHistory) -> None:
    add(history)
    with files.locked(history.directory / "fold.lock"):
        assert not history.fold()
    assert history.fold()


# -- files that are not what they were a moment ago ------------------------------------------------------------------------


def test_a_file_that_turns_into_a_pipe_between_look_and_opening_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "file").write_bytes(b"")
    status = (tmp_path / "file").stat()
    monkeypatch.setattr(Path, "stat", lambda self, **named: status)
    closed: list[int] = []
    close = os.close
    monkeypatch.setattr(os, "close", lambda descriptor: (closed.append(descriptor), close(descriptor))[1])
    with pytest.raises(OSError, match="not a"):
        open_regular(tmp_path / "pipe")
    assert len(closed) == 1, "the descriptor is given back"


def test_a_temporary_name_that_is_taken_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    creating = FirstTime(monkeypatch, calls, "open_file", FileExistsError())
    files.create(tmp_path / "file", [b"whole"])
    assert creating.calls == 2
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_a_temporary_file_that_a_sweep_took_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locks = iter([False])
    lock = calls.lock
    monkeypatch.setattr(calls, "lock", lambda descriptor, wait: next(locks, None) is None and lock(descriptor, wait))
    files.create(tmp_path / "file", [b"whole"])
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_giving_a_second_name_to_a_file_that_is_gone_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        files.keep_as(tmp_path / "missing", tmp_path / "second")


def test_a_folder_is_not_synced_where_folders_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "ON_WINDOWS", True)
    monkeypatch.setattr(calls, "open_file", lambda path, flags: pytest.fail("a folder cannot be opened there"))
    files.sync_folder(tmp_path)


def test_locks_that_a_system_does_not_have_are_taken_for_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "fcntl", None)
    assert calls.lock_shared(0)
    calls.unlock(0)


def test_a_file_that_goes_between_look_and_link_gets_no_second_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"whole")
    FirstTime(monkeypatch, calls, "link", FileNotFoundError())
    with pytest.raises(FileNotFoundError):
        files.keep_as(tmp_path / "file", tmp_path / "second")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("replaced", [True, False], ids=["replaced", "removed"])
def test_a_lock_file_that_is_taken_away_while_it_is_waited_for_is_locked_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, replaced: bool
) -> None:
    path = tmp_path / "history.lock"
    path.touch()
    lock = calls.lock
    times: list[int] = []

    def after_it_went(descriptor: int, wait: bool) -> bool:
        times.append(descriptor)
        if len(times) == 1:
            path.unlink()
            if replaced:
                path.touch()
        return lock(descriptor, wait)

    monkeypatch.setattr(calls, "lock", after_it_went)
    with files.locked(path):
        assert len(times) == 2
        with files.locked(path, wait=False) as also_mine:
            assert not also_mine, "the file that has the name now is the one that is locked"


@pytest.mark.parametrize("patience_s", [30.0, 0.0], ids=["while it tries", "in the kernel's queue"])
def test_who_waits_for_a_lock_has_it_once_the_other_lets_it_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience_s: float
) -> None:
    monkeypatch.setattr(files, "PATIENCE_S", patience_s)
    path = tmp_path / "history.lock"
    told: list[str] = []

    def wait() -> None:
        with files.locked(path):
            told.append("mine")

    waiting = threading.Thread(target=wait)
    with files.locked(path):
        waiting.start()
        waiting.join(0.1)
        assert waiting.is_alive()
        told.append("let go")
    waiting.join()
    assert told == ["let go", "mine"]


def test_a_forked_child_that_leaves_a_file_does_not_end_its_parents_use(tmp_path: Path) -> None:
    use, other = files.Use(tmp_path / "users.lock"), files.Use(tmp_path / "users.lock")
    assert use.alone()
    assert not other.share(), "somebody keeps all others out"
    child = os.fork()
    if child == 0:
        use.leave()
        os._exit(0)
    os.waitpid(child, 0)
    assert not other.alone()
    use.leave()
    assert other.alone()
    other.leave()


# -- a disk that goes away while it is used --------------------------------------------------------------------------------


def test_a_folder_that_is_gone_when_news_is_asked_for_is_unavailable(history: GenerationHistory) -> None:
    add(history)
    _, position = history._index.present().read()
    shutil.rmtree(history.directory)
    with pytest.raises(StoreUnavailable):
        history._index.quiet_since(position, Peek())


def test_a_journal_that_cannot_be_read_when_news_is_asked_for_is_unavailable(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(history)
    _, position = history._index.present().read()
    FirstTime(monkeypatch, Peek, "byte", OSError(errno.EIO, "the disk cannot read it"))
    peek = Peek()
    with pytest.raises(StoreUnavailable):
        history._index.quiet_since(position, peek)
    assert history._index.quiet_since(position, peek)
    peek.close()


def test_a_line_that_can_be_neither_written_nor_cut_is_left_behind_in_its_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GenerationHistory(tmp_path) as history:
        first = add(history)
        FirstTime(monkeypatch, files, "write_all", OSError(errno.EIO, "the disk cannot write"))
        cutting = FirstTime(monkeypatch, files, "cut", OSError(errno.EIO, "the disk cannot write"))
        with pytest.raises(StoreUnavailable):
            history.update_entry(first.entry_id, note="lost")
        assert cutting.calls == 1
        assert (tmp_path / name_of(2)).exists(), "the next journal says where the last good line ends"
        second = add(history, 2)
    with GenerationHistory(tmp_path) as history:
        assert history.list_entries() == [second, first]
        assert history.problems == ()


def test_room_is_left_alone_in_a_folder_whose_index_is_gone(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
        assert history._index._made_room
        for path in (tmp_path / DOCUMENT, tmp_path / BACKUP, tmp_path / name_of(1)):
            path.unlink(missing_ok=True)
        history._index.leave_no_room()
        assert not (tmp_path / name_of(1)).exists()


def test_a_byte_is_read_where_files_cannot_be_kept_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "journal").write_bytes(b"0123")
    monkeypatch.delattr(os, "pread")
    peek = Peek()
    assert [peek.byte(str(tmp_path / "journal"), at) for at in (2, 4)] == [b"2", b""]
    assert peek._descriptor == -1
    peek.close()


# -- an index that contradicts itself --------------------------------------------------------------------------------------


def rewrite_header(root: Path, number: int, header: JournalHeader) -> None:
    path = root / name_of(number)
    _, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(header.line() + rest)


def test_a_journal_that_follows_another_than_the_one_before_it_is_damage(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        history.fold()
        second = add(history, 2)
        history.fold()
        history_id = history._index.present().header.history_id
    newest = chain.journal_numbers(tmp_path)[-1]
    rewrite_header(tmp_path, newest, JournalHeader(newest, history_id, newest - 2, 10))
    with pytest.raises(IndexDamaged, match="does not follow"):
        chain.find(tmp_path, chain.DOCUMENT)
    (tmp_path / "catalog.sqlite").unlink()
    with GenerationHistory(tmp_path) as history:
        assert history.list_entries() == [second, entry]


def test_a_first_journal_without_the_document_that_it_stands_on_is_damage(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
        journal = history.directory / name_of(1)
        _, rest = journal.read_bytes().split(b"\n", 1)
        header = JournalHeader(1, "h", 0, 100)
        journal.write_bytes(header.line() + rest)
        with pytest.raises(IndexDamaged, match="that journal 1 stands on is missing"):
            chain.find(tmp_path, None)
        journal.write_bytes(JournalHeader(1, "h", None, None).line() + rest)


def test_a_document_without_any_journal_after_it_is_not_written_behind(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
    for journal in tmp_path.glob("journal-*"):
        journal.unlink()
    with pytest.raises(IndexDamaged, match="the journals after it are missing"):
        Index(tmp_path).step()


def test_a_take_that_is_added_again_stands_once_in_the_document(history: GenerationHistory) -> None:
    entry = add(history)
    history.fold()
    again = {**entry.to_document(), "note": "taken back"}
    history._index.commit(entry.entry_id, [{"add": again}])
    history.fold()
    history.renew_catalog()
    assert [take.note for take in history.list_entries()] == ["taken back"]


def test_a_document_that_ends_early_or_counts_wrongly_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "history.json"
    lines = [seal_body(b'"entry_id":"a"}')]
    path.write_bytes(b"".join(write_lines(Header(2, "h", 1, 2), lines)))
    with pytest.raises(IndexDamaged, match="holds 1 entries"):
        list(read_lines(path))
    path.write_bytes(path.read_bytes().replace(b"\n]}\n", b",\n"))
    with pytest.raises(IndexDamaged):
        list(read_lines(path))


def test_what_is_no_version_1_document_is_not_read_as_one(tmp_path: Path) -> None:
    (tmp_path / "history.json").write_text('{"version":1,"entries":[]}')
    with pytest.raises(IndexDamaged, match="not a version 1 document"):
        read_version_1(tmp_path / "history.json")


def test_a_good_checksum_over_what_is_no_json_says_nothing() -> None:
    for body in (b"nonsense}", b'"a":1}]', b'"$number":"NaN"}'):
        with pytest.raises(DamagedLine):
            unseal(seal_body(body))


def test_verify_names_an_index_that_is_missing_under_takes(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
    for path in [path for path in tmp_path.iterdir() if path.is_file()]:
        path.unlink()
    assert "there are takes in the audio folder" in verify(tmp_path).findings[0].text


def test_verify_reads_the_second_chain_where_the_document_is_gone(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        history.fold()
        history.update_entry(entry.entry_id, rating=2)
    (tmp_path / "history.json").unlink()
    found = verify(tmp_path)
    assert [each.rating for each in found.entries] == [2]
    assert not found.good


def test_verify_of_a_folder_without_its_media_folders_finds_the_sounds_missing(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
    for name in ("audio", "thumbnails"):
        (tmp_path / name).rename(tmp_path / f"{name} elsewhere")
    assert sorted(finding.kind for finding in verify(tmp_path).findings) == ["missing audio", "missing thumbnail"]


def test_a_folder_that_cannot_be_read_is_said_to_be_so_by_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(root: Path) -> list[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(chain, "journal_numbers", refuse)
    with pytest.raises(StoreUnavailable):
        verify(tmp_path)


# -- the catalog ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def unusable(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[type[sqlite3.Error]]]:
    """Let every query fail with the error that is put into the list."""
    errors: list[type[sqlite3.Error]] = []
    real = Catalog._connection

    class Failing:
        def __init__(self, database: sqlite3.Connection) -> None:
            self._database = database

        def __getattr__(self, name: str) -> Any:
            return getattr(self._database, name)

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if errors and sql.startswith("SELECT coalesce"):
                raise errors[0]("it fails")
            return self._database.execute(sql, *values)

    monkeypatch.setattr(Catalog, "_connection", lambda self: Failing(real(self)))
    yield errors
    errors.clear()


@pytest.mark.parametrize("error", [sqlite3.OperationalError, sqlite3.DatabaseError])
def test_a_catalog_that_cannot_be_used_even_in_memory_is_an_error_and_no_answer(
    history: GenerationHistory, unusable: list[type[sqlite3.Error]], error: type[sqlite3.Error]
) -> None:
    entry = add(history)
    assert history.list_entries() == [entry]
    unusable.append(error)
    with pytest.raises(StoreUnavailable, match="cannot be used"):
        history.get_total_size()
    unusable.clear()
    assert history.list_entries() == [entry]


# -- the rest -------------------------------------------------------------------------------------------------------------


def test_a_second_try_of_a_take_that_is_there_returns_it_as_it_is(history: GenerationHistory) -> None:
    entry = history.update_entry(add(history).entry_id, rating=5)
    assert history.add_to_history(tone(1), "other", "Other", again=entry.entry_id) == entry
    assert history.count() == 1


def test_a_second_try_of_a_take_that_is_not_there_adds_it_under_its_id(history: GenerationHistory) -> None:
    entry_id = "12345678-1234-4234-8234-123456789abc"
    assert history.add_to_history(tone(1), "m", "M", again=entry_id).entry_id == entry_id


def test_a_snapshot_that_is_no_object_or_nests_too_deep_is_none(history: GenerationHistory, tmp_path: Path) -> None:
    wav = history.audio_path(add(history).entry_id).read_bytes()
    whole = snapshot_text(add(history)).removesuffix("}")
    for text in ("[1]", "7", *(f'{whole},"deep":{"[" * levels}{"]" * levels}}}' for levels in (107, 400))):
        (tmp_path / "a.wav").write_bytes(embed_snapshot(wav, text))
        assert carried_entry(tmp_path / "a.wav") is None


def test_a_thumbnail_is_not_drawn_under_a_name_that_is_not_the_takes_own(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        to = {"thumbnail_file": "thumbnails/elsewhere.png"}
        history._index.commit(entry.entry_id, [{"set": entry.entry_id, "to": to}])
    repair(tmp_path, plan_repair(tmp_path))
    assert not (tmp_path / "thumbnails" / "elsewhere.png").exists()


def test_a_thumbnail_is_not_drawn_of_a_sound_that_went_after_the_plan(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
    (tmp_path / entry.thumbnail_file).unlink()
    plan = plan_repair(tmp_path)
    (tmp_path / entry.audio_file).write_bytes(b"")
    repair(tmp_path, plan)
    assert not (tmp_path / entry.thumbnail_file).exists()


def test_of_two_files_with_one_take_the_one_named_after_it_counts(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        path = history.audio_path(entry.entry_id)
        path.with_name("-copy.wav").write_bytes(path.read_bytes())
        path.with_name("~copy.wav").write_bytes(path.read_bytes())
        found = look_through(audio_files(tmp_path))
    assert [take["audio_file"] for take in found.entries] == [entry.audio_file]
    assert [copy.name for copy in found.copies] == ["-copy.wav", "~copy.wav"]


def test_a_take_with_more_channels_than_any_has_shows_no_waveform(history: GenerationHistory) -> None:
    entry = add(history)
    soundfile.write(history.audio_path(entry.entry_id), np.zeros((16, 64)), 48_000, format="WAV")
    assert history.envelope(entry.entry_id, 10) is None


def test_a_file_that_its_snapshot_would_make_too_long_for_a_wav_is_left_as_it_is(
    history: GenerationHistory, tmp_path: Path
) -> None:
    wav = bytearray(history.audio_path(add(history).entry_id).read_bytes())
    start = wav.index(b"data") + 8
    samples_bytes = (2**32 - 200) // 6 * 6
    most = start - 8 + samples_bytes
    wav[4:8] = most.to_bytes(4, "little")
    wav[start - 4 : start] = samples_bytes.to_bytes(4, "little")
    with (tmp_path / "long.wav").open("w+b") as file:
        file.write(wav[:start])
        file.truncate(most + 8)
        with pytest.raises(InvalidAudio, match="over 4 GiB"):
            list(with_snapshot(file, "{}"))


def test_a_text_in_a_tag_that_has_no_name_is_passed_over() -> None:
    assert id3.Tag(4, False, (id3.Frame(b"TXXX", 0, b"\x00only one part"),)).text("only one part") is None


def test_a_sync_of_a_saved_take_that_fails_twice_keeps_its_files_for_a_second_try(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        FirstTime(patch, Index, "commit", CommitUncertain("", "the disk"))
        with pytest.raises(CommitUncertain):
            add(history)
    assert len(audio_files(history.directory)) == 1


def test_an_entry_gives_its_fields_as_plain_values(history: GenerationHistory) -> None:
    entry: HistoryEntry = add(history)
    assert entry.to_dict()["entry_id"] == entry.entry_id


def test_stats_tells_what_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with GenerationHistory(tmp_path) as history:
        add(history)
    for path in [path for path in tmp_path.iterdir() if path.is_file()]:
        path.unlink()
    assert main(["stats", str(tmp_path)]) == 0
    assert "note     " in capsys.readouterr().out


def test_verify_says_which_files_do_not_carry_their_take_as_it_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        monkeypatch.setattr("store.upkeep.Upkeep.write_snapshots", lambda self, edited, since: None)
        history.update_entry(entry.entry_id, rating=2)
        history.fold()
    assert main(["verify", str(tmp_path)]) == 0
    assert "1 audio files do not carry their take" in capsys.readouterr().out


def test_the_command_line_ends_with_its_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["store", "verify", str(tmp_path / "missing")])
    with pytest.raises(SystemExit) as ended, pytest.warns(RuntimeWarning):
        runpy.run_module("store.__main__", run_name="__main__")
    assert ended.value.code == 2


def test_an_entry_of_too_many_lists_is_refused(history: GenerationHistory) -> None:
    with pytest.raises(InvalidEntry, match="lists and objects"):
        add(history, params={"deep": [[] for _ in range(1_000_001)]})
    assert history.count() == 0
