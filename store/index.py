"""The truth: commit a change to the newest journal, fold journals into the document, read what came since.

The protocol and the reason for each step are in docs/FORMAT.md.
"""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from store import chain, document, files, journal
from store.chain import BACKUP, DOCUMENT, VERSION_1, Chain, Position
from store.document import Header
from store.errors import CommitUncertain, HistoryError, IndexDamaged, from_os_error, reason_of
from store.journal import JournalHeader
from store.lines import crc_of, seal
from store.reading import open_regular
from store.values import Json

FOLD_LINES = 1_000


class Upkeep(Protocol):
    """Brings the files of takes up to what a fold merges, before the merged lines leave the journals."""

    def purge(self, removed: list[dict[str, Json]]) -> None:
        """Remove the files of entries that are gone for good."""

    def write_snapshots(self, edited: list[dict[str, Json]], since: Position) -> None:
        """Let the audio files of edited entries carry them as they are now; `since` is where the merged lines end."""


@dataclass(frozen=True)
class Tail:
    """The newest journal and where its last good line ends."""

    history_id: str
    number: int
    end: int
    lines: int


@dataclass(frozen=True)
class Delta:
    """The changes that came after a position, and the position after them."""

    changes: list[dict[str, Json]]
    position: Position


class Index:
    """The document and the journals of one history folder. Every method may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.notes: list[str] = []
        self._thread_lock = threading.RLock()
        self._held = False
        self._tail: Tail | None = None

    # -- reading ----------------------------------------------------------------------------------------------------

    def signature(self, number: int) -> tuple[int, ...]:
        """Return numbers that change whenever any process changes the index after journal `number`; microseconds.

        Raises `StoreUnavailable` where the folder cannot be reached.
        """
        try:
            folder = self.root.stat()
        except OSError as error:
            raise from_os_error(error, self.root) from error
        sizes = (_size_or_minus_one(self.root / journal.name_of(n)) for n in (number, number + 1))
        return (folder.st_ino, folder.st_mtime_ns, number, *sizes)

    def present(self) -> Chain:
        """Return the chain on the document that stands (or on nothing). Raises `IndexDamaged`, `UnsupportedVersion`."""
        for _ in range(100):
            try:
                return chain.find(self.root, chain.present_base(self.root))
            except FileNotFoundError:
                continue  # folded away while we looked
        raise IndexDamaged(self.root, "its journals vanish while they are read")

    def since(self, position: Position) -> Delta | None:
        """Return what came after `position`; None where it is not a place in this index and all must be read anew.

        Takes no lock: where journal n+1 appears while n is read, n is read again to the length that n+1 states.
        """
        if position.journal == 0:
            return self._since_nothing(position)
        changes: list[dict[str, Json]] = []
        if not self._holds(position):
            return None
        while True:
            after = self._header(position.journal + 1)
            if after is None:
                part = self._part(position, None)
                if self._header(position.journal + 1) is not None:
                    continue
                if part is None or chain.journal_numbers(self.root)[-1:] != [position.journal]:
                    return None
                return Delta([*changes, *part.changes()], position.after(part))
            ends_at = after.after_bytes
            if after.history_id != position.history_id or ends_at is None or ends_at < position.end:
                return None
            if ends_at > position.end:
                part = self._part(position, ends_at)
                if part is None:
                    return None
                changes.extend(part.changes())
            line = after.line()
            position = Position(after.history_id, after.number, 0, len(line), crc_of(line))

    def was_cut(self) -> bool:
        """Say whether bytes were cut from a journal that is not folded away yet: takes on them may be in audio files only."""
        journals = {journal.name_of(number) for number in chain.journal_numbers(self.root)}
        cut_off = (path.name for path in self.root.glob("*.cut-*"))
        return any(name.partition(".cut-")[0] in journals for name in cut_off)

    def missing_before(self, position: Position) -> int:
        """Return how many bytes the newest journal lacks of those that were read of it up to `position`."""
        newest = chain.journal_numbers(self.root)[-1:]
        header = self._header(position.journal) if newest == [position.journal] else None
        if header is None or header.history_id != position.history_id:
            return 0
        return max(0, position.end - files.size_of(self.root / journal.name_of(position.journal)))

    def known_ids(self) -> set[str]:
        """Return the id of every entry, and of those deleted for good by lines which no fold has merged yet."""
        while True:
            found = self.present()
            try:
                changes, _ = found.read()
                return {*map(chain.id_of, changes.applied(found.entries())), *changes.removed}
            except FileNotFoundError:
                continue  # folded away while we read

    def _since_nothing(self, position: Position) -> Delta | None:
        found = self.present()
        return None if found.links or found.read()[1] != position else Delta([], position)

    def _part(self, position: Position, limit: int | None) -> journal.Part | None:
        try:
            return journal.read_part(self.root / journal.name_of(position.journal), position.end, limit)
        except FileNotFoundError:
            return None

    def _holds(self, position: Position) -> bool:
        """Say whether the line that `position` stands behind is where it was. Of a journal folded away nobody can tell."""
        try:
            with open_regular(self.root / journal.name_of(position.journal)) as file:
                file.seek(position.line_start)
                line = file.read(position.end - position.line_start)
        except FileNotFoundError:
            return False
        return line.endswith(b"\n") and crc_of(line) == position.crc and len(line) == position.end - position.line_start

    def _header(self, number: int) -> JournalHeader | None:
        try:
            return journal.read_header(self.root / journal.name_of(number))
        except FileNotFoundError:
            return None

    # -- committing -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the history's lock, against other threads and other processes; may be taken again while held."""
        with self._thread_lock:
            if self._held:
                yield
                return
            try:
                with files.locked(self.root / "history.lock"):
                    self._held = True
                    try:
                        yield
                    finally:
                        self._held = False
            except OSError as error:
                raise from_os_error(error, self.root) from error

    def begin(self) -> None:
        """Make sure that there is a journal: audio without any index is an index that was lost, never a first take."""
        if self._tail is None:
            with self.locked():
                _ = self.step() or self._begin()

    def commit(self, entry_id: str, changes: list[dict[str, Json]]) -> None:
        """Append `changes` to the newest journal and sync it: when this returns, they are durable.

        Raises `StoreFull` or `StoreUnavailable` with nothing saved; `CommitUncertain` where a line was written, its
        sync failed, and it could not be disowned; `IndexDamaged` where the newest journal is not as it was written.
        """
        data = b"".join(seal(change) + b"\n" for change in changes)
        with self.locked():
            tail = self.step() or self._begin()
            with files.appending(self.root / journal.name_of(tail.number)) as descriptor:
                self._write(tail, descriptor, data, entry_id)
                try:
                    files.sync_data(descriptor)
                except BaseException as error:
                    self._disown(tail, descriptor, entry_id, error)
                    raise
            self._tail = Tail(tail.history_id, tail.number, tail.end + len(data), tail.lines + len(changes))

    def _write(self, tail: Tail, descriptor: int, data: bytes, entry_id: str) -> None:
        try:
            files.write_all(descriptor, data)
        except BaseException as error:
            try:
                files.cut(descriptor, tail.end)  # enough while nothing of it was synced
            except OSError:
                self._disown(tail, descriptor, entry_id, error)
            raise

    def _disown(self, tail: Tail, descriptor: int, entry_id: str, error: BaseException) -> None:
        """Make sure that a line whose write or sync failed is not part of the history.

        A sync is never tried again on the same journal: the next journal states that this one ended before the line.
        """
        self._tail = None
        try:
            self.create_journal(tail.number + 1, tail.history_id, tail.number, tail.end)
        except OSError:
            with contextlib.suppress(OSError):
                files.cut(descriptor, tail.end)
            reason = reason_of(error) if isinstance(error, OSError) else str(error)
            raise CommitUncertain(entry_id, reason) from error

    def step(self) -> Tail | None:
        """Come to the newest journal's good end, under the lock; None where there is no journal yet.

        The newest is the highest number in the folder. Lines that others wrote are synced before they are acted on: their
        writer may have died between writing and syncing. A bad last line is cut, kept aside and noted.
        """
        numbers = chain.journal_numbers(self.root)
        if not numbers:
            self._tail = None
            if chain.present_base(self.root) and self._document_header().version == document.VERSION:
                raise IndexDamaged(self.root / DOCUMENT, "the journals after it are missing")
            return None
        path = self.root / journal.name_of(numbers[-1])
        tail = self._tail
        if tail is None or tail.number != numbers[-1] or files.size_of(path) < tail.end:
            tail = self._meet(path)
        if files.size_of(path) > tail.end:
            part = journal.read_part(path, tail.end)
            self.make_good(path, part)
            tail = Tail(tail.history_id, tail.number, part.end, tail.lines + len(part.lines))
        self._tail = tail
        return tail

    def _meet(self, path: Path) -> Tail:
        header = journal.read_header(path)
        included = self._document_header()
        if header.number <= included.journal:
            raise IndexDamaged(path.with_name(journal.name_of(included.journal + 1)), "it is missing")
        files.sync_folder(self.root)
        return Tail(header.history_id, header.number, len(header.line()), 0)

    def _document_header(self) -> Header:
        base = chain.present_base(self.root)
        if base is None:
            return document.NOTHING
        return chain.base_header(self.root / base)

    def make_good(self, path: Path, part: journal.Part) -> None:
        """Sync a journal's lines, which others wrote; cut what follows them and is no line, kept aside and noted."""
        with files.appending(path) as descriptor:
            if not part.tail:
                files.sync_data(descriptor)
                return
            aside = files.keep_bytes_aside(path, part.tail, "cut")
            files.shorten(descriptor, part.end)  # no line comes back if this is lost, and the next commit syncs it
        self.notes.append(
            f"{path.name} ended in {len(part.tail)} bytes that are no whole line; they are kept in {aside.name}."
        )

    def _begin(self) -> Tail:
        """Write journal 1; a version 1 document is kept under another name first."""
        base = chain.present_base(self.root)
        stands_on = None
        if base is not None:
            stands_on = files.size_of(self.root / base)
            if not (self.root / VERSION_1).exists():
                files.keep_as(self.root / base, self.root / VERSION_1)  # durable with the name of journal 1
        return self.create_journal(1, str(uuid.uuid4()), None if base is None else 0, stands_on)

    def create_journal(self, number: int, history_id: str, after: int | None, after_bytes: int | None) -> Tail:
        """Begin journal `number`, durably, under the lock; it states where the one before it ends."""
        header = JournalHeader(number, history_id, after, after_bytes)
        if not header.is_sound():
            raise IndexDamaged(self.root / journal.name_of(number), "no journal can have this number")
        line = header.line()
        files.create(self.root / journal.name_of(number), [line])
        files.sync_folder(self.root)
        self._tail = Tail(history_id, number, len(line), 0)
        return self._tail

    # -- folding ----------------------------------------------------------------------------------------------------

    def pending_lines(self) -> int:
        """Return how many changes the newest journal holds, as far as this process has read it."""
        return self._tail.lines if self._tail else 0

    def fold(self, upkeep: Upkeep) -> bool:
        """Merge the document and its journals into a new document; False where another process is at it or none is due.

        Changes go on meanwhile, into the journal that begins here. Raises `IndexDamaged` with everything as it was,
        and `StoreFull` or `StoreUnavailable`.
        """
        try:
            with files.locked(self.root / "fold.lock", wait=False) as mine:
                if not mine:
                    return False
                return self._fold(upkeep)
        except OSError as error:
            raise from_os_error(error, self.root) from error

    def _fold(self, upkeep: Upkeep) -> bool:
        with self.locked():
            tail = self.step()
            if tail is None or not self._due(tail):
                return False
            self.create_journal(tail.number + 1, tail.history_id, tail.number, tail.end)
        whole = self.present()
        older = replace(whole, links=tuple(link for link in whole.links if link.header.number <= tail.number))
        self.write_document(older, tail, upkeep)
        return True

    def _due(self, tail: Tail) -> bool:
        if tail.end > journal.header_size(self.root / journal.name_of(tail.number)):
            return True
        return self._document_header().journal < tail.number - 1

    def write_document(self, older: Chain, tail: Tail, upkeep: Upkeep) -> None:
        """Replace the document by what `older` holds up to `tail`, in one atomic step; the old one becomes the backup.

        The base is read to its end first: a damaged document never becomes the backup, and the count is known.
        """
        changes, position = older.read()
        count = 0
        edited: list[dict[str, Json]] = []
        for line in changes.applied(older.entries()):
            count += 1
            if chain.id_of(line) in changes.edited:
                edited.append(chain.fields_of(line))
        upkeep.purge(list(changes.removed.values()))
        upkeep.write_snapshots(edited, position)
        keep = older.base == self.root / DOCUMENT and older.header.version == document.VERSION
        header = Header(document.VERSION, tail.history_id, tail.number, count)
        self.replace_document(header, changes.applied(older.entries()), keep)

    def replace_document(self, header: Header, lines: Iterable[bytes], keep_backup: bool) -> None:
        """Write a document of sealed entry lines in one atomic step; with `keep_backup` the old one becomes the backup."""
        chunks = document.write_lines(header, lines)
        files.create(self.root / DOCUMENT, chunks, naming=self._backing_up if keep_backup else None)
        files.sync_folder(self.root)
        self.drop_unneeded_journals()

    @contextlib.contextmanager
    def _backing_up(self, _new: Path) -> Iterator[bool]:
        files.keep_as(self.root / DOCUMENT, self.root / BACKUP)
        yield True

    def drop_unneeded_journals(self) -> None:
        """Remove the journals that neither document needs, lowest first, so that what stays is always a whole chain."""
        try:
            included = min(document.read_header(self.root / name).journal for name in (DOCUMENT, BACKUP))
        except (FileNotFoundError, HistoryError):
            return
        for number in chain.journal_numbers(self.root):
            if number <= included:
                files.remove(self.root / journal.name_of(number))


def _size_or_minus_one(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1
