"""The truth: commit a change to the newest journal, fold journals into the document, read what came since.

The protocol and the reason for each step are in docs/FORMAT.md.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from store import calls, chain, document, files, journal
from store.chain import BACKUP, DOCUMENT, VERSION_1, Chain, Position
from store.document import Header
from store.errors import CommitUncertain, HistoryError, IndexDamaged, from_os_error, reason_of
from store.journal import JournalHeader
from store.lines import crc_of, seal
from store.reading import Peek, byte_at, open_regular
from store.values import Json

FOLD_LINES = 1_000
SECOND_NS = 1_000_000_000
SETTLED_NS, SETTLED_LATE_NS = SECOND_NS // 10, 3 * SECOND_NS  # a tick is a tenth of that at most; FAT's is two seconds
STRETCH_LINES, REST_S = 16, 0.00005  # a stretch takes about a fifth of a millisecond
EVERYTHING = 1 << 62
T = TypeVar("T")

Quiet = tuple[int, int, int, int]
"""The folder's inode and time, the newest journal's number and where its last line ends."""


class Upkeep(Protocol):
    """Brings the files of takes up to what a fold merges, before the merged lines leave the journals."""

    def purge(self, removed: list[dict[str, Json]]) -> None:
        """Remove the files of entries that are gone for good."""

    def write_snapshots(self, edited: list[dict[str, Json]], since: Position) -> None:
        """Let the audio files of edited entries carry them as they are now; `since` is where the merged lines end."""


@dataclass(frozen=True)
class Tail:
    """The newest journal and where its last good line ends."""

    path: Path
    history_id: str
    number: int
    end: int
    lines: int
    folded: int = 0
    """How many entries the document held when this journal was met."""


@dataclass(frozen=True)
class Delta:
    """The changes that came after a position, and the position after them.

    `start` is where they begin in the journal of `position`; it is not `whole` where more is known to follow.
    """

    changes: list[dict[str, Json]]
    position: Position
    start: int = 0
    whole: bool = True


class HistoryLock:
    """The lock for every change of a history, against other threads and other processes. An `OSError` inside is translated."""

    def __init__(self, root: Path) -> None:
        self._root, self._path = root, root / "history.lock"
        self._threads = threading.RLock()
        self._holds = 0
        self._processes: files.locked

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            if self._holds == 0:
                self._processes = files.locked(self._path)
                self._processes.__enter__()
            self._holds += 1
        except OSError as error:
            self._threads.release()
            raise from_os_error(error, self._root) from error
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        try:
            self._holds -= 1
            if self._holds == 0:
                self._processes.__exit__()
                if isinstance(error, OSError):
                    raise from_os_error(error, self._root) from error
        finally:
            self._threads.release()


class Index:
    """The document and the journals of one history folder. Every method may be called from any thread."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._folder = str(root)
        self._listed: tuple[tuple[int, ...], tuple[int, ...]] | None = None
        self.notes: list[str] = []
        self._lock = HistoryLock(root)
        self._tail: Tail | None = None
        self._made_room = False

    # -- reading ----------------------------------------------------------------------------------------------------

    def quiet_since(self, position: Position, peek: Peek) -> Quiet | None:
        """Return what stays the same until a process changes the index after `position`; None where one has. Microseconds.

        Who asks often keeps the `peek`. Raises `StoreUnavailable` where the folder cannot be reached.
        """
        number = position.journal
        try:
            folder = os.stat(self._folder)  # noqa: PTH116 - paths as text take half the time, here and below
        except OSError as error:
            raise from_os_error(error, self.root) from error
        if os.access(f"{self._folder}/{journal.name_of(number + 1)}", os.F_OK):
            return None
        if number and self._byte_behind(position, peek, folder) not in (b"", journal.ROOM):
            return None
        return (folder.st_ino, folder.st_mtime_ns, number, position.end)

    def _byte_behind(self, position: Position, peek: Peek, folder: os.stat_result) -> bytes | None:
        path = f"{self._folder}/{journal.name_of(position.journal)}"
        try:
            return peek.byte(path, position.end, folder.st_ino, folder.st_mtime_ns)
        except FileNotFoundError:
            return None  # folded away
        except OSError as error:
            raise from_os_error(error, self.root) from error

    def _journal_numbers(self) -> tuple[int, ...]:
        """Return the numbers of the journals in the folder, in order; it is listed anew where its names may have changed.

        Names that come within one tick of the clock leave the same time behind, so a folder that was changed just now is
        listed again next time. A tick is long where times are whole seconds.
        """
        folder = os.stat(self._folder)  # noqa: PTH116
        state = (folder.st_ino, folder.st_mtime_ns, folder.st_ctime_ns)
        if self._listed is None or self._listed[0] != state:
            settled_ns = SETTLED_NS if folder.st_mtime_ns % SECOND_NS else SETTLED_LATE_NS
            is_settled = time.time_ns() - folder.st_mtime_ns > settled_ns and not calls.ON_WINDOWS
            numbers = tuple(chain.journal_numbers(self.root))
            self._listed = (state, numbers) if is_settled else None
            return numbers
        return self._listed[1]

    def present(self) -> Chain:
        """Return the chain on the document that stands (or on nothing). Raises `IndexDamaged`, `UnsupportedVersion`."""
        for _ in range(100):
            try:
                return chain.find(self.root, chain.present_base(self.root))
            except FileNotFoundError:
                continue  # folded away while we looked
        raise IndexDamaged(self.root, "its journals vanish while they are read")

    def since(self, position: Position, most_bytes: int = EVERYTHING) -> Delta | None:
        """Return what came after `position`; None where that cannot be told from it and all must be read anew.

        A journal that is damaged may be one that the document includes, and then nothing is lost. Takes no lock: where
        journal n+1 appears while n is read, n is read again to the length that n+1 states. With `most_bytes` the first so
        many bytes of each journal are enough.
        """
        try:
            return self._since(position, most_bytes) if position.journal else self._since_nothing(position)
        except IndexDamaged:
            return None

    def _since(self, position: Position, most_bytes: int) -> Delta | None:
        changes: list[dict[str, Json]] = []
        if not self._holds(position):
            return None
        while True:
            after = self._header(position.journal + 1)
            if after is None:
                part = self._part(position, None, most_bytes)
                if self._header(position.journal + 1) is not None:
                    continue
                if part is None or self._journal_numbers()[-1:] != (position.journal,):
                    return None
                return Delta([*changes, *part.changes()], position.after(part), whole=part.whole)
            ends_at = after.after_bytes
            if after.history_id != position.history_id or ends_at is None or ends_at < position.end:
                return None
            if ends_at > position.end:
                part = self._part(position, ends_at, most_bytes)
                if part is None:
                    return None
                changes.extend(part.changes())
                if not part.whole:
                    return Delta(changes, position.after(part), whole=False)
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

    def _part(self, position: Position, limit: int | None, most_bytes: int) -> journal.Part | None:
        try:
            return journal.read_part(self.root / journal.name_of(position.journal), position.end, limit, most_bytes)
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

    def locked(self) -> HistoryLock:
        """Hold the history's lock, against other threads and other processes; may be taken again while held."""
        return self._lock

    def begin(self) -> None:
        """Make sure that there is a journal: audio without any index is an index that was lost, never a first take."""
        if self._tail is None:
            with self.locked():
                _ = self.step() or self._begin()

    def commit(self, entry_id: str, changes: list[dict[str, Json]], tail: Tail | None = None) -> Delta:
        """Write `changes` behind the last line of the newest journal and sync it: when this returns, they are durable.

        Who holds the lock already, and has stepped to the `tail` under it, spares doing that again.

        Raises `StoreFull` or `StoreUnavailable` with nothing saved; `CommitUncertain` where a line was written, its
        sync failed, and it could not be disowned; `IndexDamaged` where the newest journal is not as it was written.
        """
        lines = [seal(change) for change in changes]
        data = b"\n".join((*lines, b""))
        with self.locked():
            tail = tail or self._come_to_end() or self._begin()
            with files.changing(tail.path) as descriptor:
                self._write(tail, descriptor, data, entry_id)
                try:
                    files.sync_data(descriptor)
                except BaseException as error:
                    self._disown(tail, descriptor, entry_id, error)
                    raise
            end = tail.end + len(data)
            self._tail = Tail(tail.path, tail.history_id, tail.number, end, tail.lines + len(changes), tail.folded)
        position = Position(tail.history_id, tail.number, end - len(lines[-1]) - 1, end, crc_of(lines[-1]))
        return Delta(changes, position, start=tail.end)

    def _write(self, tail: Tail, descriptor: int, data: bytes, entry_id: str) -> None:
        try:
            files.write_all(descriptor, data, tail.end)
            end = tail.end + len(data)
            if files.end_of(descriptor) <= end:
                with contextlib.suppress(OSError):  # on a full disk the next line does without
                    self._made_room = True
                    files.write_all(descriptor, journal.room_after(end), end)
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
        return self._come_to_end(sync=True)

    def _come_to_end(self, sync: bool = False) -> Tail | None:
        """Come to the end as `step` does; without `sync` what others wrote is left to the sync of the line that follows.

        What was not synced is not taken for known either: where that line fails, whoever acts next must sync it.
        """
        numbers = self._journal_numbers()
        if not numbers:
            self._tail = None
            if chain.present_base(self.root) and self._document_header().version == document.VERSION:
                raise IndexDamaged(self.root / DOCUMENT, "the journals after it are missing")
            return None
        tail = self._tail
        behind = byte_at(tail.path, tail.end) if tail is not None and tail.number == numbers[-1] else b""
        if tail is None or (not behind and not self._stands(tail, numbers[-1])):
            tail = self._read_on(self._meet(self.root / journal.name_of(numbers[-1])), sync)
        elif behind not in (b"", journal.ROOM):
            tail = self._read_on(tail, sync)
        if sync:
            self._tail = tail
        return tail

    def _stands(self, tail: Tail, newest: int) -> bool:
        """Say whether a journal is the newest still, and as long as it was: it was cut where it is not."""
        return tail.number == newest and files.size_of(tail.path) >= tail.end

    def _read_on(self, tail: Tail, sync: bool) -> Tail:
        part = journal.read_part(tail.path, tail.end)
        if part.tail or (sync and part.lines):
            self.make_good(tail.path, part)
        return replace(tail, end=part.end, lines=tail.lines + len(part.lines))

    def _meet(self, path: Path) -> Tail:
        header = journal.read_header(path)
        included = self._document_header()
        if header.number <= included.journal:
            raise IndexDamaged(path.with_name(journal.name_of(included.journal + 1)), "it is missing")
        files.sync_folder(self.root)
        return Tail(path, header.history_id, header.number, len(header.line()), 0, included.count)

    def _document_header(self) -> Header:
        base = chain.present_base(self.root)
        if base is None:
            return document.NOTHING
        return chain.base_header(self.root / base)

    def make_good(self, path: Path, part: journal.Part) -> None:
        """Sync a journal's lines, which others wrote; cut what follows them and is no line, kept aside and noted."""
        with files.changing(path) as descriptor:
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
        path = self.root / journal.name_of(number)
        files.create(path, [line])
        files.sync_folder(self.root)
        self._tail = Tail(path, history_id, number, len(line), 0, self.takes_about())
        return self._tail

    # -- folding ----------------------------------------------------------------------------------------------------

    def pending_lines(self) -> int:
        """Return how many changes the newest journal holds, as far as this process has read it."""
        return self._tail.lines if self._tail else 0

    def takes_about(self) -> int:
        """Return about how many takes there are, without looking: those of the document and a line for each change."""
        return self._tail.folded + self._tail.lines if self._tail else 0

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
            self._leave_no_room(tail)
            self.create_journal(tail.number + 1, tail.history_id, tail.number, tail.end)
        whole = self.present()
        older = replace(whole, links=tuple(link for link in whole.links if link.header.number <= tail.number))
        self.write_document(older, tail, upkeep)
        return True

    def leave_no_room(self) -> None:
        """Cut off the room that this process made; others write on all the same. What fails leaves the room there."""
        if self._made_room:
            self._made_room = False
            with contextlib.suppress(OSError, HistoryError), self.locked():
                tail = self.step()
                if tail is not None:
                    self._leave_no_room(tail)

    def _leave_no_room(self, tail: Tail) -> None:
        with contextlib.suppress(OSError), files.changing(tail.path) as descriptor:
            if files.end_of(descriptor) > tail.end:
                files.shorten(descriptor, tail.end)  # where this is lost there is room again

    def _due(self, tail: Tail) -> bool:
        if tail.end > journal.header_size(self.root / journal.name_of(tail.number)):
            return True
        return self._document_header().journal < tail.number - 1

    def write_document(self, older: Chain, tail: Tail, upkeep: Upkeep) -> None:
        """Replace the document by what `older` holds up to `tail`, in one atomic step; the old one becomes the backup.

        The base is read to its end first: a damaged document never becomes the backup, and the count is known.
        """
        changes, position = older.read(unhurried)
        count = 0
        edited: list[dict[str, Json]] = []
        for line in unhurried(changes.applied(older.entries())):
            count += 1
            if chain.id_of(line) in changes.edited:
                edited.append(chain.fields_of(line))
        upkeep.purge(list(changes.removed.values()))
        upkeep.write_snapshots(edited, position)
        keep = older.base == self.root / DOCUMENT and older.header.version == document.VERSION
        header = Header(document.VERSION, tail.history_id, tail.number, count)
        self.replace_document(header, unhurried(changes.applied(older.entries())), keep)

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


def unhurried(lines: Iterable[T]) -> Iterator[T]:
    """Yield `lines`, with rests: another thread that changes a take waits for this one no longer than a stretch takes."""
    for number, line in enumerate(lines, 1):
        yield line
        if number % STRETCH_LINES == 0:
            time.sleep(REST_S)
