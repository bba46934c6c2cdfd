"""The file of presets, twice: `presets.json`, and `presets.json.bak` that holds the same once more.

Every change writes a whole new file and gives it the name in one atomic step; then the second copy follows. So one of the
two is whole at any time, and while nothing is under way both hold everything.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from store import files
from store.document import is_place
from store.entry import new_id
from store.errors import CommitUncertain, InvalidPreset, UnsupportedVersion, from_os_error, reason_of
from store.lines import DamagedLine, crc_of, is_sealed, seal, unseal
from store.reading import open_regular
from store.shelf import Shelf, from_documents
from store.values import MAX_LISTS, Json, brackets

T = TypeVar("T")
PRESETS, PRESETS_BACKUP, PRESETS_LOCK = "presets.json", "presets.json.bak", "presets.lock"
VERSION = 1
MOST_BYTES = 64 << 20
DAMAGED, OLDER, STRANGE = "damaged", "older", "strange"
_END = b"]}"
_HEAD_BYTES = 17  # {"crc":"00000000"


@dataclass(frozen=True)
class Header:
    """What a file of presets says of itself: whose presets they are, how many changes made it, its other lines' CRC, the folders."""

    shelf_id: str
    revision: int
    lines_crc: str
    folders: tuple[str, ...]


@dataclass(frozen=True)
class Copy:
    """One of the two files as it was found.

    `data` is None where it is missing; `header` where its first line is not as it was written; `lines` are the good ones
    of the others. It is whole when all of it is as it was written.
    """

    path: Path
    data: bytes | None = None
    header: Header | None = None
    lines: tuple[bytes, ...] = ()
    is_whole: bool = False

    @property
    def is_damaged(self) -> bool:
        """Whether there is a file, and not all of it is as it was written."""
        return self.data is not None and not self.is_whole

    @property
    def revision(self) -> int:
        """How many changes made it, as it states; 0 where it states nothing."""
        return self.header.revision if self.header else 0

    @property
    def shelf_id(self) -> str:
        """Which shelf it is a file of; empty where it states none."""
        return self.header.shelf_id if self.header else ""

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders it names."""
        return self.header.folders if self.header else ()

    def documents(self) -> list[dict[str, Json]]:
        """Return what its good lines hold."""
        return [unseal(line) for line in self.lines]

    def shelf(self) -> Shelf:
        """Return the presets of its good lines."""
        return from_documents(self.documents(), self.folders)


def write_document(shelf_id: str, revision: int, shelf: Shelf) -> bytes:
    """Write a shelf as one JSON document, a preset a line, each line with its own checksum.

    The first line is sealed as if the list were empty and closed, then left open, as in `history.json`.
    """
    rest = _rest(seal(document) for document in shelf.to_documents())
    head = {"version": VERSION, "shelf": shelf_id, "revision": revision, "lines": _crc_of(rest)}
    return seal({**head, "folders": list(shelf.folders), "presets": []})[: -len(_END)] + b"\n" + rest


def _rest(lines: Iterable[bytes]) -> bytes:
    """Return what stands behind the first line."""
    body = b",\n".join(lines)
    return body + (b"\n" if body else b"") + _END + b"\n"


def _crc_of(rest: bytes) -> str:
    """Return the CRC-32 of all lines but the first: each line's own does not tell that one is missing, or an older one."""
    return f"{zlib.crc32(rest):08x}"


def read_copy(path: Path) -> Copy:
    """Read one of the two files. Raises `UnsupportedVersion` where a newer program wrote it, and `OSError`."""
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return Copy(path)
    copy = _parsed(path, data)
    if copy.header is None:
        _refuse_newer(path, data)
    return copy


def _parsed(path: Path, data: bytes) -> Copy:
    if _is_too_large(data):
        return Copy(path, data)
    first, _, rest = data.partition(b"\n")
    header = _header(path, first)
    lines = tuple(bare for line in rest.split(b"\n") if _is_readable(bare := line.rstrip(b",")))
    is_whole = header is not None and header.lines_crc == _crc_of(rest) and _rest(lines) == rest
    return Copy(path, data, header, lines, is_whole)


def _is_too_large(data: bytes) -> bool:
    """Say whether a file is one that no shelf makes: reading it would take memory that nobody has allowed."""
    return len(data) > MOST_BYTES or brackets(data) > MAX_LISTS


def _is_readable(line: bytes) -> bool:
    if not is_sealed(line):
        return False
    try:
        unseal(line)
    except DamagedLine:  # it carries its own checksum and is no JSON object: that does not say who wrote it
        return False
    return True


def _header(path: Path, line: bytes) -> Header | None:
    try:
        fields = unseal(line + _END)
    except DamagedLine:
        return None
    version: Json = fields.get("version")
    if type(version) is int and version > VERSION:
        raise UnsupportedVersion(path, version, VERSION)
    shelf_id: Json = fields.get("shelf")
    revision: Json = fields.get("revision")
    lines_crc: Json = fields.get("lines")
    folders: Json = fields.get("folders")
    if version != VERSION or not isinstance(folders, list) or not all(isinstance(name, str) for name in folders):
        return None
    if not (isinstance(shelf_id, str) and shelf_id and is_place(revision) and isinstance(lines_crc, str)):
        return None
    return Header(shelf_id, revision, lines_crc, tuple(folders))


def _refuse_newer(path: Path, data: bytes) -> None:
    """Raise `UnsupportedVersion` for well-formed JSON without checksums that states a newer version."""
    if data.startswith(b'{"crc":"'):
        return
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return
    version = document.get("version") if isinstance(document, dict) else None
    if type(version) is int and version > VERSION:
        raise UnsupportedVersion(path, version, VERSION)


def damages(root: Path) -> Iterator[tuple[Path, str]]:
    """Yield what is wrong with either file, in words; change nothing. Raises `UnsupportedVersion`, `OSError`."""
    first, second = _read_both(root)
    for copy in (first, second):
        if copy.is_damaged:
            yield copy.path, "not all of its lines carry their own CRC, or its list is broken"
    if first.data is None and second.data is not None:
        yield first.path, "it is missing"
    elif first.data != second.data and not (first.is_damaged or second.is_damaged):
        yield second.path, f"it is no second copy of {PRESETS}"


def _read_both(root: Path) -> tuple[Copy, Copy]:
    """Read both files while nobody writes them, one after the other as they are; who writes first makes the lock."""
    lock = root / PRESETS_LOCK
    while True:
        was_there = lock.exists()
        with files.kept_still(lock):
            read = read_copy(root / PRESETS), read_copy(root / PRESETS_BACKUP)
        if was_there or not lock.exists():
            return read


class PresetsFile:
    """The two files in a history's folder. Every method may be called from any thread, in several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self._first, self._second = root / PRESETS, root / PRESETS_BACKUP
        self._seen: tuple[object, str, Shelf] | None = None

    # -- reading ----------------------------------------------------------------------------------------------------

    def read(self) -> Shelf:
        """Return what is on the shelf now, whoever changed it last.

        Where a file is damaged it is set aside, and both are written anew from what is good; where that cannot be written,
        it is read all the same. Raises `StoreUnavailable`, `UnsupportedVersion`.
        """
        return self._now()[2]

    def revision(self) -> str:
        """Return a text that changes whenever any process changes the presets. Raises like `read`."""
        return self._now()[1]

    def _now(self) -> tuple[object, str, Shelf]:
        try:
            signature = self._signature()
            seen = self._seen
            if seen is None or seen[0] != signature:
                seen = (signature, *self._read_anew(both=seen is None))
                self._seen = seen
        except OSError as error:
            raise from_os_error(error, self.root) from error
        return seen

    def _signature(self) -> object:
        """Return what changes with the file: which one it is, its size and time, and its first line's checksum."""
        try:
            with open_regular(self._first) as file:
                status = os.fstat(file.fileno())
                return status.st_ino, status.st_size, status.st_mtime_ns, file.read(_HEAD_BYTES)
        except FileNotFoundError:
            return None

    def _read_anew(self, both: bool) -> tuple[str, Shelf]:
        """Read the first file; the second too when this process begins, and where the first is not whole."""
        first = read_copy(self._first)
        if not (first.is_whole and not both):
            second = read_copy(self._second)
            if first.data != second.data or first.is_damaged:
                first = self._made_whole_quietly(first, second)
        return _text_of(first), first.shelf()

    def _made_whole_quietly(self, first: Copy, second: Copy) -> Copy:
        try:
            with files.locked(self.root / PRESETS_LOCK):
                return self._made_whole()
        except OSError as error:  # a folder that cannot be written is read as it is
            if first.is_damaged or second.is_damaged:
                self._note(f"{PRESETS} is damaged and could not be written anew: {reason_of(error)}.")
            return _best(first, second)

    # -- making whole -----------------------------------------------------------------------------------------------

    def make_whole(self) -> None:
        """Write both files anew where one is damaged, missing or older. Raises `StoreUnavailable`, `StoreFull`."""
        with self._locked():
            self._made_whole()

    def _made_whole(self) -> Copy:
        """See, under the lock, that both files hold the same and are whole; return the first as it is then.

        Evidence is set aside before anything is written. Raises `OSError` with nothing lost.
        """
        first, second = read_copy(self._first), read_copy(self._second)
        if first.data == second.data and not first.is_damaged:
            return first
        for copy in (first, second):
            if copy.is_damaged:
                aside = files.keep_aside(copy.path, DAMAGED)
                self._note(f"{copy.path.name} was damaged; it is kept as {aside.name}.")
        if first.is_whole and second.is_whole:
            self._keep_what_differs(first, second)
        if first.data is None and second.data is not None:
            self._note(f"{PRESETS} was missing; everything was read from {PRESETS_BACKUP}.")
        best = _best(first, second)
        data = cast("bytes", best.data)  # of two that differ, or are damaged, one at least holds something
        if data != first.data:
            files.create(self._first, [data])
        files.sync_folder(self.root)  # who gave the first its name may have died before syncing it
        self._write_second(data)
        return best

    def _keep_what_differs(self, first: Copy, second: Copy) -> None:
        """Set aside what is whole and not going to count: neither comes of a power cut, somebody put a file here."""
        if first.shelf_id != second.shelf_id:
            aside = files.keep_aside(second.path, STRANGE)
            self._note(
                f"{PRESETS} came from elsewhere, and counts; the presets that were here are kept as {aside.name}."
            )
        elif second.revision > first.revision:
            aside = files.keep_aside(first.path, OLDER)
            self._note(
                f"{PRESETS} was older than its second copy, which counts; the older one is kept as {aside.name}."
            )

    # -- changing ---------------------------------------------------------------------------------------------------

    def change(self, act: Callable[[Shelf], tuple[Shelf, T]], named: str, what: str = "preset") -> T:
        """Change the shelf, durably, while no other process does; return what `act` gives beside the new shelf.

        What `act` raises changes nothing. Raises `StoreFull` or `StoreUnavailable` with everything as it was, and
        `CommitUncertain` where the new file has its name and the folder could not be synced: everybody sees the change,
        and a power cut leaves all of it or nothing of it. `named` and `what` say there whose change it is.
        """
        with self._locked():
            now = self._made_whole()
            shelf = now.shelf()
            after, result = act(shelf)
            if after != shelf:
                data = write_document(now.shelf_id or new_id(), now.revision + 1, after)
                if _is_too_large(data):
                    raise InvalidPreset("presets", "are too many, or too large, for one file")
                files.create(self._first, [data])
                try:
                    files.sync_folder(self.root)
                except OSError as error:
                    raise CommitUncertain(named, reason_of(error), what) from error
                self._write_second(data)
            return result

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            files.make_folder(self.root)
            with files.locked(self.root / PRESETS_LOCK):
                yield
        except OSError as error:
            raise from_os_error(error, self.root) from error

    def _write_second(self, data: bytes) -> None:
        """Let the second file hold the same; where it cannot, the change stands, and the next one writes it."""
        try:
            files.create(self._second, [data])
            files.sync_folder(self.root)
        except OSError as error:
            self._note(f"{PRESETS_BACKUP} could not be written: {reason_of(error)}. {PRESETS} is whole.")

    def _note(self, text: str) -> None:
        if text not in self.notes:
            self.notes.append(text)


def _text_of(copy: Copy) -> str:
    return f"{copy.revision}-{crc_of(copy.data)}" if copy.data and copy.header else ""


def _best(first: Copy, second: Copy) -> Copy:
    """Return the whole copy that counts, or one of what is good in both.

    Of two whole ones of the same shelf the one with the higher revision counts, and otherwise the first. A second copy counts
    alone where the first is missing, or says that it is no newer.
    """
    is_one_shelf = first.shelf_id == second.shelf_id
    if first.is_whole and not (second.is_whole and is_one_shelf and second.revision > first.revision):
        return first
    if second.is_whole and (first.data is None or (is_one_shelf and first.revision <= second.revision)):
        return second
    return first if first.data is None and second.data is None else _gathered(first, second)


def _gathered(first: Copy, second: Copy) -> Copy:
    """Gather the good lines of both: of two about one preset that which was changed later, and the first file's of a moment."""
    found: dict[object, dict[str, Json]] = {}
    for number, document in enumerate([*second.documents(), *first.documents()]):
        preset_id = document.get("preset_id")
        key = preset_id if isinstance(preset_id, str) else number
        older = found.get(key)
        if older is None or _moment(document) >= _moment(older):
            found[key] = document
    shelf_id = first.shelf_id or second.shelf_id or new_id()
    shelf = from_documents(found.values(), first.folders if first.header else second.folders)
    return _parsed(first.path, write_document(shelf_id, max(first.revision, second.revision) + 1, shelf))


def _moment(document: dict[str, Json]) -> str:
    changed_at = document.get("changed_at")
    return changed_at if isinstance(changed_at, str) else ""
