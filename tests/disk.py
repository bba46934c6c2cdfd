"""A disk that keeps nothing but what was synced: every state that a power cut may leave, at its worst.

`Recorder` stands between the store and the operating system (the functions of `store.calls`), lets every call happen,
and tells a `Disk` of it. `Disk.states()` then lists what may be found after a power cut at that moment:

- the bytes of a file that was not synced since are old, half there, zeros at full length, half zeros, its second half alone, or whole; one
  write may be zeros while later ones are there; a cut may have happened or not;
- the names of a folder that was not synced since are any subset of what was done to them, each step (also a rename)
  wholly or not at all. Names that were not synced are not safer because the file behind them was.

Lock files are left out, and so are the catalog and its seal, which are derived. Temporary files are told apart by
nothing: no reader ever looks into one.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from store import calls, files

State = dict[str, "bytes | None"]
"""A disk's files by their path, with their bytes; None for a folder."""

CHANGES = ("open_file", "write", "sync", "sync_data", "truncate", "replace", "link", "unlink", "make_folder")
MOST_SUBSETS = 10
"""Of more unsynced names than this in one folder not all subsets are taken, but the ordered ones and those but one."""


class Killed(BaseException):
    """The process was killed before this call."""


@dataclass(frozen=True)
class Write:
    """Bytes that were written at an offset."""

    offset: int
    data: bytes

    def on(self, content: bytes) -> bytes:
        """Return the file's content after this."""
        content = content.ljust(self.offset, b"\0")
        return content[: self.offset] + self.data + content[self.offset + len(self.data) :]

    def partly(self) -> list[Write]:
        """Return what may have come of it when it was not synced, other than all or nothing."""
        middle, zeros = len(self.data) // 2, bytes(len(self.data))
        first, second = self.data[:middle], self.data[middle:]
        parts = [Write(self.offset, data) for data in (first, zeros, first + zeros[middle:])]
        return [*parts, Write(self.offset + middle, second)]


@dataclass(frozen=True)
class Cut:
    """A file's new size, shorter than it was."""

    size: int

    def on(self, content: bytes) -> bytes:
        """Return the file's content after this."""
        return content[: self.size]

    def partly(self) -> list[Write]:
        """Nothing: a size is changed or not."""
        return []


@dataclass(eq=False)
class File:
    """A file, whatever its names are: what is certain of it, what was done since, and its size as processes see it."""

    synced: bytes = b""
    unsynced: list[Write | Cut] = field(default_factory=list)
    size: int = 0

    def do(self, change: Write | Cut) -> None:
        """Change the file; it is not certain until `sync`."""
        self.unsynced.append(change)
        self.size = change.size if isinstance(change, Cut) else max(self.size, change.offset + len(change.data))

    def sync(self) -> None:
        """Make certain what was done."""
        for change in self.unsynced:
            self.synced = change.on(self.synced)
        self.unsynced.clear()

    def lose_unsynced(self) -> None:
        """Fail to sync as Linux does: what was written is forgotten, and the next sync knows nothing of it."""
        self.unsynced = [Write(c.offset, bytes(len(c.data))) if isinstance(c, Write) else c for c in self.unsynced]

    def contents(self) -> list[bytes]:
        """Return every content that a power cut may leave."""
        found = dict.fromkeys([self.synced])
        for number, change in enumerate(self.unsynced):
            before, later = self.unsynced[:number], self.unsynced[number + 1 :]
            for tried in ([change], *([part] for part in change.partly())):
                found[self._after([*before, *tried])] = None
            found[self._after([*before, *change.partly()[1:2], *later])] = None
        return list(found)

    def _after(self, changes: list[Write | Cut]) -> bytes:
        content = self.synced
        for change in changes:
            content = change.on(content)
        return content


Names = dict[str, "File | Folder"]


@dataclass(eq=False)
class Folder:
    """A folder: the names that are certain, what was done to names since (each step at once), and the names now."""

    synced: Names = field(default_factory=dict)
    unsynced: list[dict[str, File | Folder | None]] = field(default_factory=list)
    names: Names = field(default_factory=dict)

    def do(self, step: dict[str, File | Folder | None]) -> None:
        """Give or take (None) names in one step; it is not certain until `sync`."""
        self.unsynced.append(step)
        self.names = _named(self.names, [step])

    def sync(self) -> None:
        """Make the names certain."""
        self.synced = dict(self.names)
        self.unsynced.clear()

    def namings(self) -> Iterator[Names]:
        """Yield every set of names that a power cut may leave."""
        count = len(self.unsynced)
        if count <= MOST_SUBSETS:
            kept: Iterator[tuple[bool, ...]] = itertools.product([False, True], repeat=count)
        else:
            ordered = [tuple(n < end for n in range(count)) for end in range(count + 1)]
            single = [
                tuple((n == one) == alone for n in range(count)) for one in range(count) for alone in (True, False)
            ]
            kept = iter([*ordered, *single])
        for choice in kept:
            yield _named(self.synced, list(itertools.compress(self.unsynced, choice)))

    def states(self, path: str = "") -> Iterator[State]:
        """Yield every state that a power cut may leave of this folder."""
        for names in self.namings():
            owned: dict[File | Folder, list[str]] = {}
            for name, node in names.items():
                owned.setdefault(node, []).append(path + name)
            for parts in itertools.product(*(_states_of(node, paths) for node, paths in owned.items())):
                yield {name: content for part in parts for name, content in part.items()}


def _named(names: Names, steps: list[dict[str, File | Folder | None]]) -> Names:
    after: dict[str, File | Folder | None] = dict(names)
    for step in steps:
        after.update(step)
    return {name: node for name, node in after.items() if node is not None}


def _states_of(node: File | Folder, paths: list[str]) -> list[State]:
    if isinstance(node, Folder):
        return [{paths[0]: None, **inner} for inner in node.states(paths[0] + "/")]
    read = [path for path in paths if not files.is_temporary(path.rpartition("/")[2])]
    swept: State = {} if len(read) == len(paths) else {paths[0].rpartition("/")[0] + "/.retake-0-0.tmp": b""}
    if not read:
        return [swept]
    return [{**swept, **dict.fromkeys(read, content)} for content in node.contents()]


class Disk:
    """What is certain of everything below `root`, and what is not."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.top = _all_synced(root)

    def states(self) -> Iterator[State]:
        """Yield every state that a power cut may leave now; some more than once."""
        return self.top.states()

    def worst(self) -> State:
        """Return the state that holds only what is certain."""
        return next(self.states())

    def folder_of(self, path: Path) -> Folder:
        """Return the folder that a file is in."""
        return self.folder(path.parent)

    def folder(self, path: Path) -> Folder:
        """Return a folder by its path."""
        found = self.top
        for name in path.relative_to(self.root).parts:
            inner = found.names[name]
            assert isinstance(inner, Folder)
            found = inner
        return found


def _all_synced(path: Path) -> Folder:
    names: Names = {}
    inodes: dict[int, File] = {}
    for item in sorted(path.iterdir()):
        if item.is_dir():
            names[item.name] = _all_synced(item)
        elif not _is_left_out(item):
            content = item.read_bytes()
            names[item.name] = inodes.setdefault(item.stat().st_ino, File(content, size=len(content)))
    return Folder(dict(names), [], dict(names))


def write_state(state: State, root: Path) -> None:
    """Make a state real in the empty folder `root`."""
    for name, content in state.items():
        if content is None:
            (root / name).mkdir(exist_ok=True)
        else:
            (root / name).write_bytes(content)


def _is_left_out(path: Path) -> bool:
    return path.suffix == ".lock" or path.name.startswith("catalog.")


class Recorder:
    """Records every change that the store makes on a disk, while it is installed.

    `heard` is called after each change. `leave_out` names a sync, as `site` does, that is not made. From `kill_after`
    to `revive` the process is dead: every call raises `Killed`, only files are closed, as the kernel would.
    """

    def __init__(
        self,
        disk: Disk,
        heard: Callable[[], None] = lambda: None,
        leave_out: str | None = None,
    ) -> None:
        self.disk = disk
        self.changes = 0
        self.sites: list[str] = []
        self.dead = False
        self._failing = self._interrupting = False
        self._heard, self._leave_out = heard, leave_out
        self._kill_at: int | None = None
        self._kill_at_sync = ""
        self._open: dict[int, tuple[File | Folder | None, Path, int]] = {}

    def __enter__(self) -> Recorder:
        self._patch = pytest.MonkeyPatch()
        for name in (*CHANGES, "close", "lock"):
            self._patch.setattr(calls, name, self._listening(name, getattr(calls, name)))
        return self

    def __exit__(self, *error: object) -> None:
        self._patch.undo()

    def fail_next_sync(self) -> None:
        """Let a commit's next sync fail as Linux fails it: an error once, and what was written is forgotten for good."""
        self._failing = True

    def interrupt_next_write(self) -> None:
        """Let the user interrupt the program when a journal's next line has been written and not been synced."""
        self._interrupting = True

    def kill_after(self, changes: int) -> None:
        """Kill the process after that many more changes."""
        self._kill_at = self.changes + changes

    def kill_at_sync(self, site: str) -> None:
        """Kill the process at its next sync at a site that begins so."""
        self._kill_at_sync = site

    def revive(self) -> None:
        """Go on with another process."""
        self._kill_at, self._kill_at_sync, self.dead = None, "", False

    def _listening(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **named: Any) -> Any:
            if name == "close":
                self._open.pop(given[0], None)
                return real(*given)
            if name in CHANGES and self.changes == self._kill_at:
                self.dead = True
            if self.dead:
                raise Killed
            if name in ("sync", "sync_data"):
                if self._is_left_out(given[0]):
                    return None
                if self._kill_at_sync and self.sites[-1].startswith(self._kill_at_sync):
                    self.dead = True
                    raise Killed
                self._fail_where_asked(given[0])
            result = real(*given, **named)
            if name in CHANGES:
                getattr(self, f"_{name}")(result, *given)
                self.changes += 1
                self._heard()
            if name == "write" and self._interrupting and self._open[given[0]][1].suffix == ".jsonl":
                self._interrupting = False
                raise KeyboardInterrupt
            return result

        return call

    def _fail_where_asked(self, descriptor: int) -> None:
        file = self._open[descriptor][0]
        if self._failing and isinstance(file, File) and self.sites[-1].startswith("index.commit"):
            self._failing = False
            file.lose_unsynced()
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    def _is_left_out(self, descriptor: int) -> bool:
        self.sites.append(site(self._open[descriptor][1].relative_to(self.disk.root)))
        return self.sites[-1] == self._leave_out

    def _open_file(self, descriptor: int, path: Path, flags: int) -> None:
        if _is_left_out(path):
            self._open[descriptor] = (None, path, 0)
        elif path.is_dir():
            self._open[descriptor] = (self.disk.folder(path), path, 0)
        else:
            folder = self.disk.folder_of(path)
            if path.name not in folder.names:
                folder.do({path.name: File()})
            self._open[descriptor] = (folder.names[path.name], path, 0)

    def _write(self, written: int, descriptor: int, data: memoryview, at: int | None = None) -> None:
        """Note bytes at a place, or behind those that were written last."""
        file, _, end = self._open[descriptor]
        start = end if at is None else at
        self._open[descriptor] = (*self._open[descriptor][:2], start + written)
        if isinstance(file, File):
            file.do(Write(start, bytes(data[:written])))

    def _sync(self, _: None, descriptor: int) -> None:
        node = self._open[descriptor][0]
        if node is not None:
            node.sync()

    _sync_data = _sync

    def _truncate(self, _: None, descriptor: int, size: int) -> None:
        file = self._open[descriptor][0]
        if isinstance(file, File):
            file.do(Cut(size))

    def _replace(self, _: None, path: Path, name: Path) -> None:
        folder = self.disk.folder_of(path)
        assert path.parent == name.parent, "a rename between folders is not in the model"
        if _is_left_out(name):
            folder.do({path.name: None})
        elif folder.names[path.name] is not folder.names.get(name.name):
            folder.do({path.name: None, name.name: folder.names[path.name]})

    def _link(self, _: None, path: Path, name: Path) -> None:
        folder = self.disk.folder_of(path)
        folder.do({name.name: folder.names[path.name]})

    def _unlink(self, _: None, path: Path) -> None:
        if not _is_left_out(path):
            self.disk.folder_of(path).do({path.name: None})

    def _make_folder(self, _: None, path: Path) -> None:
        self.disk.folder_of(path).do({path.name: Folder()})


def site(target: Path) -> str:
    """Name the place in the store that syncs now: who asked for it, through what, and what kind of file it is."""
    frame: FrameType | None = sys._getframe()
    places: list[str] = []
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("store."):
            places.append(f"{module.removeprefix('store.')}.{frame.f_code.co_name}")
            if module != "store.files":
                break
        frame = frame.f_back
    if "files.make_folder" in places:
        return " > ".join(reversed(places))  # one line, whatever folder it is
    kind = ".tmp" if files.is_temporary(target.name) else re.sub(r"\d+", "n", target.name)
    return " > ".join([*reversed(places), f"{target.parent.name}{os.sep}{kind}".lstrip("/")])
