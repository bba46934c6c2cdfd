"""Guards what happens on a disk that is really full, or becomes full in the middle: nothing is lost, and deleting helps."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from store import GenerationHistory, StoreFull
from store.verify import verify
from tests.conftest import add
from tests.figures import Figures
from tests.mounts import small_disk
from tests.operations import EDITED, FIRST, LAST, NEXT, TRASHED, Content, content, id_of, make_states

FILLINGS, PAGE_BYTES = 50, 4_096
FIRST_NEW = 100


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("full")
    make_states(folder)
    return folder


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", "1m") as mounted:
        yield mounted


def free_bytes(disk: Path) -> int:
    status = os.statvfs(disk)
    return status.f_bavail * status.f_frsize


def leave_free(disk: Path, size_bytes: int) -> Path:
    """Fill a disk up to a few bytes; return the file that does."""
    ballast = disk / "ballast"
    with ballast.open("wb") as file:
        if free_bytes(disk) > size_bytes:
            os.posix_fallocate(file.fileno(), 0, free_bytes(disk) - size_bytes)
    return ballast


def fill(history: GenerationHistory) -> tuple[Content, int]:
    """Add, change and fold until the disk is full: what is refused changes nothing. Return what is there, and how much was done."""
    done = 0
    for seed in count(FIRST_NEW):
        for act in (
            lambda: add(history, seed),  # noqa: B023 - called at once
            lambda: history.update_entry(id_of(history, seed), rating=seed % 5 + 1, note="n" * seed),  # noqa: B023
            history.fold,
        ):
            before = content(history)
            try:
                act()
            except StoreFull:
                assert content(history) == before
                return before, done
            done += 1
    raise AssertionError("unreachable")


@pytest.mark.proof
def test_a_disk_that_becomes_full_costs_nothing(disk: Path, states: Path, figures: Figures) -> None:
    root = disk / "history"
    changes = 0
    for filling in range(FILLINGS):
        shutil.rmtree(root, ignore_errors=True)
        shutil.copytree(states / "whole", root)
        with GenerationHistory(root) as history:
            ballast = leave_free(disk, filling * PAGE_BYTES)
            found, done = fill(history)
            assert found.keys() >= {FIRST, EDITED, TRASHED, LAST}
            assert history.delete_entry(id_of(history, FIRST)), "putting into the trash works when full"
            assert history.delete_entry(id_of(history, EDITED), permanent=True), "and so does deleting for good"
            del found[EDITED]
            found[FIRST]["deleted_at"] = True
            ballast.unlink()
            assert content(history) == found
            add(history, NEXT)
        with GenerationHistory(root) as history:
            assert {**content(history), **found} == content(history)
            assert content(history).keys() == {*found, NEXT}
            history.fold()
        assert verify(root).findings == ()
        changes += done
    figures.add("a disk that becomes full", fillings=FILLINGS, changes=changes, lost=0)


def test_deleting_for_good_frees_space_on_a_full_disk(disk: Path) -> None:
    root = disk / "history"
    with GenerationHistory(root) as history:
        fill(history)
        leave_free(disk, 0)
        kept = history.count()
        for entry in history.list_entries(limit=3):
            assert history.delete_entry(entry.entry_id, permanent=True)
        assert free_bytes(disk) >= 3 * PAGE_BYTES, "the catalog and the journal take some of it"
        assert history.count() == kept - 3
        (disk / "ballast").unlink()
        add(history, NEXT)
    assert verify(root).findings == ()
