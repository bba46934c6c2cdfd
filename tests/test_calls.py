"""Guards what the calls do on systems that are not the one at hand, with stand-ins for what those systems have."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from store import calls, files


class Mac:
    """Stands in for the fcntl of macOS: notes what is synced for good, or refuses."""

    F_FULLFSYNC = 51

    def __init__(self, error: int | None = None) -> None:
        self.synced: list[int] = []
        self._error = error

    def fcntl(self, descriptor: int, command: int) -> None:
        assert command == self.F_FULLFSYNC
        if self._error is not None:
            raise OSError(self._error, os.strerror(self._error))
        self.synced.append(descriptor)


@pytest.fixture
def plain_syncs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The descriptors that were synced by fsync or fdatasync."""
    synced: list[int] = []
    monkeypatch.setattr(calls, "os", SimpleNamespace(fsync=synced.append, fdatasync=synced.append))
    return synced


@pytest.mark.parametrize("sync", [calls.sync, calls.sync_data])
def test_macos_is_asked_to_empty_the_drives_cache_too(
    monkeypatch: pytest.MonkeyPatch, plain_syncs: list[int], sync: object
) -> None:
    mac = Mac()
    monkeypatch.setattr(calls, "fcntl", mac)
    sync(7)  # type: ignore[operator]
    assert (mac.synced, plain_syncs) == ([7], [])


@pytest.mark.parametrize("refusal", [errno.ENOTSUP, errno.EINVAL, errno.ENOTTY])
def test_a_file_system_that_refuses_that_is_synced_as_elsewhere(
    monkeypatch: pytest.MonkeyPatch, plain_syncs: list[int], refusal: int
) -> None:
    monkeypatch.setattr(calls, "fcntl", Mac(refusal))
    calls.sync(7)
    assert plain_syncs == [7]


def test_a_sync_that_fails_on_macos_is_not_tried_another_way(
    monkeypatch: pytest.MonkeyPatch, plain_syncs: list[int]
) -> None:
    monkeypatch.setattr(calls, "fcntl", Mac(errno.EIO))
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        calls.sync(7)
    assert plain_syncs == []


@pytest.mark.parametrize("act", [calls.unlink, lambda path: calls.replace(path, path)])
def test_windows_is_asked_again_while_somebody_reads_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, act: object
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    tries = []

    def busy(*given: object) -> None:
        tries.append(given)
        if len(tries) < 3:
            raise PermissionError(errno.EACCES, "another process has it open")

    monkeypatch.setattr(calls, "ON_WINDOWS", True)
    monkeypatch.setattr(os, "unlink", busy)
    monkeypatch.setattr(os, "replace", busy)
    act(path)  # type: ignore[operator]
    assert len(tries) == 3
    monkeypatch.setattr(calls, "WINDOWS_PATIENCE_S", 0)
    tries.clear()
    with pytest.raises(PermissionError):
        act(path)  # type: ignore[operator]


def test_elsewhere_a_refusal_is_one_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tries = []

    def refusing(path: Path) -> None:
        tries.append(path)
        raise PermissionError(errno.EACCES, "it is not yours")

    monkeypatch.setattr(os, "unlink", refusing)
    with pytest.raises(PermissionError):
        calls.unlink(tmp_path / "file")
    assert len(tries) == 1


def test_windows_renames_and_removes_only_files_that_are_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_now: set[int] = set()
    opening, closing, replacing, unlinking = calls.open_file, calls.close, calls.replace, calls.unlink

    def opened(path: Path, flags: int) -> int:
        descriptor = opening(path, flags)
        open_now.add(descriptor)
        return descriptor

    def closed(descriptor: int) -> None:
        open_now.remove(descriptor)
        closing(descriptor)

    def renamed(path: Path, name: Path) -> None:
        assert not open_now
        replacing(path, name)

    def removed(path: Path) -> None:
        assert not open_now
        unlinking(path)

    monkeypatch.setattr(calls, "ON_WINDOWS", True)
    for name, standing_in in (("open_file", opened), ("close", closed), ("replace", renamed), ("unlink", removed)):
        monkeypatch.setattr(calls, name, standing_in)
    files.create(tmp_path / "file", [b"bytes"])
    files.keep_as(tmp_path / "file", tmp_path / "second")
    (tmp_path / ".retake-1-1.tmp").write_bytes(b"")
    assert files.sweep(tmp_path) == 1
    with pytest.raises(IsADirectoryError):
        files.create(tmp_path, [b"bytes"])
    files.try_writing(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "second"]
    assert open_now == set()


def test_nothing_stays_behind_where_a_temporary_file_cannot_be_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refusing(descriptor: int, wait: bool) -> bool:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(calls, "lock", refusing)
    with pytest.raises(OSError, match=os.strerror(errno.ENOLCK)):
        files.create(tmp_path / "file", [b"bytes"])
    assert list(tmp_path.iterdir()) == []
