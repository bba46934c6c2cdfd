"""Guards that a long file which loses its last name is freed piece by piece, and never under somebody who reads it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from store import calls, files


@pytest.fixture
def cuts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What a file is cut to; a long one has over a hundred bytes here."""
    seen: list[int] = []
    truncate = calls.truncate

    def noting(descriptor: int, size: int) -> None:
        seen.append(size)
        truncate(descriptor, size)

    monkeypatch.setattr(calls, "truncate", noting)
    monkeypatch.setattr(files, "FREED_BYTES", 100)
    monkeypatch.setattr(files, "REST_S", 0)
    return seen


def test_a_long_file_is_freed_piece_by_piece(tmp_path: Path, cuts: list[int]) -> None:
    (tmp_path / "long").write_bytes(bytes(250))
    assert files.remove(tmp_path / "long")
    assert cuts == [150, 50, 0]
    assert list(tmp_path.iterdir()) == []


def test_a_replaced_second_name_frees_what_had_it(tmp_path: Path, cuts: list[int]) -> None:
    (tmp_path / "new").write_bytes(b"new" * 100)
    (tmp_path / "old").write_bytes(bytes(250))
    files.keep_as(tmp_path / "new", tmp_path / "old")
    assert cuts == [150, 50, 0]
    assert (tmp_path / "old").read_bytes() == (tmp_path / "new").read_bytes() == b"new" * 100


def test_whoever_reads_a_file_reads_it_to_its_end(tmp_path: Path, cuts: list[int]) -> None:
    (tmp_path / "long").write_bytes(b"x" * 250)
    with (tmp_path / "long").open("rb") as reader:
        files.remove(tmp_path / "long")
        assert reader.read() == b"x" * 250
    assert cuts == []


def test_a_file_that_has_another_name_keeps_its_bytes(tmp_path: Path, cuts: list[int]) -> None:
    (tmp_path / "long").write_bytes(b"x" * 250)
    os.link(tmp_path / "long", tmp_path / "somebody's own backup")
    files.remove(tmp_path / "long")
    assert (tmp_path / "somebody's own backup").read_bytes() == b"x" * 250
    assert cuts == []


def test_a_file_that_could_not_be_removed_keeps_its_bytes(
    tmp_path: Path, cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    (tmp_path / "long").write_bytes(b"x" * 250)
    monkeypatch.setattr(calls, "unlink", refuse)
    with pytest.raises(PermissionError):
        files.remove(tmp_path / "long")
    assert (tmp_path / "long").read_bytes() == b"x" * 250
    assert cuts == []


def test_where_nobody_can_tell_who_reads_it_a_file_is_freed_when_it_is_closed(
    tmp_path: Path, cuts: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "long").write_bytes(bytes(250))
    monkeypatch.delattr(calls.fcntl, "F_SETLEASE")
    assert files.remove(tmp_path / "long")
    assert cuts == []
