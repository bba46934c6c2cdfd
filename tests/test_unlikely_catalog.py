"""Guards what happens to the catalog's file only where processes or threads meet at the wrong moment."""

from __future__ import annotations

import contextlib
import errno
import itertools
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from store import GenerationHistory, StoreUnavailable, catalog, database, files, rows
from store.database import Database, transaction
from tests.conftest import add
from tests.test_unlikely import FirstTime

SEAL = "catalog.sqlite-seal"


@pytest.fixture
def unused(tmp_path: Path) -> Iterator[Database]:
    """A catalog's file that nobody has opened yet."""
    file = Database(tmp_path / "catalog.sqlite", threading.RLock(), lambda _: None)
    yield file
    file.close()


def test_who_comes_while_the_first_is_still_at_it_waits_and_then_answers_from_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
    first = files.Use(tmp_path / "catalog.users.lock")
    assert first.alone()
    monkeypatch.setattr(database, "BUSY_S", 0.05)
    with GenerationHistory(tmp_path) as history:
        assert history.list_entries() == [entry]
    first.leave()
    assert (tmp_path / SEAL).exists(), "the file of the first was not touched"


def test_a_file_that_nobody_uses_needs_no_rest(unused: Database) -> None:
    unused.settle(at_once=True)
    assert not (unused._path).exists()


def test_a_file_that_others_use_is_not_sealed_by_who_has_no_connection_to_it(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history, GenerationHistory(tmp_path) as other:
        entry = add(history)
        assert other.list_entries() == [entry]
        other._catalog._file.disconnect()
        other._catalog._file.settle(at_once=True)
        assert not (tmp_path / SEAL).exists()
        assert other.list_entries() == [entry]


@pytest.mark.parametrize("given_up", [True, False], ids=["while it waits", "as its turn comes"])
def test_a_check_that_is_given_up_lets_nobody_in(
    unused: Database, monkeypatch: pytest.MonkeyPatch, given_up: bool
) -> None:
    monkeypatch.setattr(unused, "_rest", lambda: pytest.fail("a check that was given up says nothing about the file"))
    check: Any = SimpleNamespace(abandoned=not given_up)
    with unused._lock if given_up else contextlib.nullcontext():
        thread = threading.Thread(target=unused._checked, args=[check])
        thread.start()
        if given_up:
            thread.join(0.12)
            assert thread.is_alive(), "the lock is ours"
        check.abandoned = True
        thread.join()


def test_a_seal_waits_for_whoever_uses_the_file(history: GenerationHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    add(history)
    history.list_entries()
    file, seal = history._catalog._file, history.directory / SEAL
    sealing: Any = SimpleNamespace(abandoned=False, has_changed=lambda: False)
    monkeypatch.setattr(file, "_is_only_user", lambda: True)
    with file._lock:
        thread = threading.Thread(target=file._write_seal, args=[sealing, (1, 1)])
        thread.start()
        thread.join(0.12)
        assert thread.is_alive()
        assert not seal.exists()
    thread.join()
    assert seal.exists()
    seal.unlink()


def test_a_file_that_cannot_be_measured_stays_without_a_seal(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = add(history)
    assert history.list_entries() == [entry]
    monkeypatch.setattr(database, "AT_ONCE_BYTES", 0)
    FirstTime(monkeypatch, database, "open_regular", OSError(errno.EIO, "the disk cannot read it"))
    file = history._catalog._file
    file.seal_behind()
    sealing = file._sealing
    assert sealing
    sealing.end()
    assert sealing._file is None
    assert not (history.directory / SEAL).exists()
    assert history.list_entries() == [entry]


def test_a_file_that_another_process_has_replaced_already_is_left_to_it(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        assert history.list_entries() == [entry]
        path = tmp_path / "catalog.sqlite"
        shutil.copy(path, tmp_path / "new")
        (tmp_path / "new").replace(path)
        replaced = path.stat().st_ino
        history.renew_catalog()
        assert path.stat().st_ino == replaced
        path.unlink()


def test_tables_that_another_process_makes_first_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "catalog.sqlite"
    mine, other = (sqlite3.connect(path, isolation_level=None) for _ in range(2))

    @contextlib.contextmanager
    def after_the_other(connection: sqlite3.Connection) -> Iterator[None]:
        monkeypatch.setattr(catalog, "transaction", transaction)
        catalog._make_tables(other)
        other.execute("INSERT INTO totals VALUES (0, 7, 7)")
        with transaction(connection):
            yield

    monkeypatch.setattr(catalog, "transaction", after_the_other)
    catalog._make_tables(mine)
    assert mine.execute("SELECT takes FROM totals").fetchall() == [(7,)]
    mine.close()
    other.close()


def test_rows_that_never_read_back_as_written_are_an_error_and_no_answer(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(history)
    numbers = itertools.count()
    monkeypatch.setattr(rows, "row_crc", lambda row: next(numbers))
    with pytest.raises(StoreUnavailable, match="as it was built"):
        history.list_entries()


def test_a_large_catalog_is_sealed_at_each_fold_so_that_a_kill_costs_no_building(
    history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(history)
    history.list_entries()
    monkeypatch.setattr(database, "AT_ONCE_BYTES", 0)
    history._fold_quietly()
    sealing = history._catalog._file._sealing
    assert sealing
    sealing.join()
    assert (history.directory / SEAL).exists()
