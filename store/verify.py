"""Check a history without changing anything in it: every line, every file, every sample."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from store import chain, document, files, journal, media, pictures, presets_file
from store.catalog import position_at_rest
from store.chain import BACKUP, DOCUMENT, VERSION_1, Changes, fields_of
from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER, HistoryEntry, from_document
from store.errors import IndexDamaged, InvalidAudio, InvalidEntry, StoreUnavailable, from_os_error
from store.index import Index
from store.progress import Progress, no_progress
from store.reading import open_regular
from store.recovery import orphans, second_chain
from store.snapshot import check_container
from store.sounds import carried_entry, has_takes
from store.upkeep import snapshot_text
from store.wav import read_data_sha256

DAMAGED_INDEX = "damaged index"
DAMAGED_PRESETS = "damaged presets"
UNREADABLE_ENTRY = "unreadable entry"
BAD_PATH = "bad path"
MISSING_AUDIO = "missing audio"
ALTERED_AUDIO = "altered audio"
ALTERED_TAGS = "altered tags"
ORPHAN_AUDIO = "orphan audio"
MISSING_THUMBNAIL = "missing thumbnail"
ALTERED_THUMBNAIL = "altered thumbnail"
TEMPORARY_FILE = "temporary file"
WITHOUT_SOUND = frozenset({BAD_PATH, MISSING_AUDIO, ALTERED_AUDIO})
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: its kind, the file, what is wrong with it, and whose take it is."""

    kind: str
    path: Path
    text: str
    entry_id: str | None = None


@dataclass(frozen=True)
class Verification:
    """What was checked and what was found; `findings` is empty where all is well.

    `behind` are takes whose audio files do not carry what a fold has merged; only a rebuild without any index would
    notice. Takes of version 1, whose files never carried anything, are among them.
    """

    entries: tuple[HistoryEntry, ...]
    findings: tuple[Finding, ...]
    behind: tuple[str, ...] = ()

    @property
    def takes(self) -> int:
        """How many takes were checked."""
        return len(self.entries)

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(directory: str | Path, progress: Progress = no_progress) -> Verification:
    """Check a history's index and files; write nothing.

    Finds every line of the document, its backup, the journals and the presets that is not as it was written, entries that cannot be
    read, audio that is missing or whose samples or tags were altered, thumbnails likewise, audio that no entry names,
    and temporary files. Raises `StoreUnavailable` where the folder cannot be read, `UnsupportedVersion`.

    >>> from store import GenerationHistory
    >>> GenerationHistory(getfixture("tmp_path")).close()
    >>> verify(getfixture("tmp_path")).good
    True
    """
    root = folder_of(directory)
    try:
        return _Check(root, progress).run()
    except OSError as error:
        raise from_os_error(error, root) from error


def folder_of(directory: str | Path) -> Path:
    """Return a history's folder as an absolute path. Raises `StoreUnavailable` where there is none; makes nothing."""
    root = Path(directory).expanduser().absolute()
    if not root.is_dir():
        raise StoreUnavailable(root, "is not a folder")
    return root


@dataclass
class _Check:
    """One run over one history."""

    root: Path
    progress: Progress
    findings: list[Finding] = field(default_factory=list)
    behind: list[str] = field(default_factory=list)

    def run(self) -> Verification:
        self._check_index()
        self._check_presets()
        self._check_strays()
        read = self._entries()
        if read is None:
            return Verification((), tuple(self.findings))
        entries, changes = read
        for done, entry in enumerate(entries, 1):
            self._check_audio(entry, waiting=entry.entry_id in changes.edited)
            self._check_thumbnail(entry)
            self.progress(done, len(entries))
        self._check_orphans(entries, changes)
        return Verification(tuple(entries), tuple(self.findings), tuple(self.behind))

    def _found(self, kind: str, path: Path, text: str, entry_id: str | None = None) -> None:
        self.findings.append(Finding(kind, path, text, entry_id))

    # -- the index --------------------------------------------------------------------------------------------------

    def _check_index(self) -> None:
        """Look at each file of the index by itself, so that damage in the backup is seen before it is needed."""
        for name in (DOCUMENT, BACKUP, VERSION_1):
            self._noting_damage(lambda name=name: _read_document(self.root / name))  # type: ignore[misc]
        for number in chain.journal_numbers(self.root):
            self._noting_damage(lambda number=number: _read_journal(self.root, number))  # type: ignore[misc]
        self._noting_damage(self._check_chain)
        for check in (self._check_second_chain, self._check_nothing_was_cut):
            if not self.findings:
                self._noting_damage(check)

    def _noting_damage(self, check: Callable[[], None]) -> None:
        try:
            with contextlib.suppress(FileNotFoundError):
                check()
        except IndexDamaged as error:
            self._found(DAMAGED_INDEX, error.path, error.reason)

    def _check_presets(self) -> None:
        for path, text in presets_file.damages(self.root):
            self._found(DAMAGED_PRESETS, path, text)

    def _check_chain(self) -> None:
        found = chain.find(self.root, chain.present_base(self.root))
        if not found.base and not found.links and has_takes(self.root):
            raise IndexDamaged(self.root / DOCUMENT, "it is missing, and there are takes in the audio folder")

    def _check_second_chain(self) -> None:
        if document.read_header(self.root / DOCUMENT).version == document.VERSION and second_chain(self.root) is None:
            raise IndexDamaged(self.root / BACKUP, "it and the journals after it are no whole second copy of the index")

    def _check_nothing_was_cut(self) -> None:
        """See that the newest journal is not shorter than it was: cut where a line ends, it looks whole in itself."""
        position = position_at_rest(self.root)
        if position and Index(self.root).missing_before(position):
            raise IndexDamaged(self.root / journal.name_of(position.journal), "changes that stood at its end are gone")

    def _entries(self) -> tuple[list[HistoryEntry], Changes] | None:
        """Return the entries of the first chain that is wholly good; None where there is none."""
        for base in (self._present_base(), BACKUP, VERSION_1, None):
            with contextlib.suppress(IndexDamaged, FileNotFoundError):
                found = chain.find(self.root, base)
                changes, _ = found.read()
                return [entry for line in changes.applied(found.entries()) if (entry := self._entry(line))], changes
        return None

    def _present_base(self) -> str | None:
        try:
            return chain.present_base(self.root)
        except IndexDamaged:
            return DOCUMENT

    def _entry(self, line: bytes) -> HistoryEntry | None:
        try:
            return from_document(fields_of(line))
        except InvalidEntry as error:
            self._found(UNREADABLE_ENTRY, self.root / DOCUMENT, str(error), error.entry_id)
            return None

    # -- the files --------------------------------------------------------------------------------------------------

    def _check_audio(self, entry: HistoryEntry, waiting: bool) -> None:
        """Check a take's sound; `waiting` says that edits of it are still in the journals, and not in the file yet."""
        try:
            path = media.inside(self.root, entry, entry.audio_file, "audio_file")
        except InvalidEntry as error:
            self._found(BAD_PATH, self.root / DOCUMENT, str(error), entry.entry_id)
            return
        if not media.is_there(path):
            text = f"take {entry.entry_id} has lost its sound; its parameters are kept"
            self._found(MISSING_AUDIO, path, text, entry.entry_id)
            return
        with open_regular(path) as file:
            if self._has_its_samples(entry, path, file):
                self._check_tags(entry, path, file, waiting)

    def _has_its_samples(self, entry: HistoryEntry, path: Path, file: BinaryIO) -> bool:
        try:
            audio_sha256 = read_data_sha256(file)
            if entry.audio_sha256 in (audio_sha256, None):  # version 1 took no hash
                return True
            reason = f"its samples are not those of take {entry.entry_id}"
        except InvalidAudio as error:
            reason = error.reason
        self._found(ALTERED_AUDIO, path, reason, entry.entry_id)
        return False

    def _check_tags(self, entry: HistoryEntry, path: Path, file: BinaryIO, waiting: bool) -> None:
        try:
            if not check_container(file) and entry.audio_sha256 is not None:  # version 1 wrote no checksums
                raise InvalidAudio("it does not carry the checksum that it was written with")
        except InvalidAudio as error:
            self._found(ALTERED_TAGS, path, error.reason, entry.entry_id)
        else:
            if not waiting and not _carries(path, entry):
                self.behind.append(entry.entry_id)

    def _check_thumbnail(self, entry: HistoryEntry) -> None:
        try:
            path = media.inside(self.root, entry, entry.thumbnail_file, "thumbnail_file")
        except InvalidEntry as error:
            self._found(BAD_PATH, self.root / DOCUMENT, str(error), entry.entry_id)
            return
        if not media.is_there(path):
            self._found(MISSING_THUMBNAIL, path, "it is drawn again from the sound", entry.entry_id)
        elif not _is_whole_png(pictures.kept(path)):
            self._found(ALTERED_THUMBNAIL, path, "it is not a whole PNG", entry.entry_id)

    def _check_orphans(self, entries: list[HistoryEntry], changes: Changes) -> None:
        """Find audio that nobody names; that of a take deleted for good just now is about to go."""
        for path in orphans(self.root, [*(entry.to_document() for entry in entries), *changes.removed.values()]):
            self._found(ORPHAN_AUDIO, path, "no take names it; it is never deleted")

    def _check_strays(self) -> None:
        for folder in (self.root, self.root / AUDIO_FOLDER, self.root / THUMBNAIL_FOLDER):
            if folder.is_dir():
                for path in sorted(folder.iterdir()):
                    if files.is_temporary(path.name):
                        self._found(TEMPORARY_FILE, path, "a write that was cut off; the next fold removes it")


def _read_document(path: Path) -> None:
    if document.is_version_1(path):
        return
    for _ in document.read_lines(path):
        pass


def _read_journal(root: Path, number: int) -> None:
    path = root / journal.name_of(number)
    header = journal.read_header(path)
    following = root / journal.name_of(number + 1)
    limit = journal.read_header(following).after_bytes if following.exists() else None
    part = journal.read_part(path, len(header.line()), limit)
    if part.tail:
        raise IndexDamaged(path, f"it ends in {len(part.tail)} bytes that are no whole line")


def _carries(path: Path, entry: HistoryEntry) -> bool:
    """Say whether an audio file carries this entry as it is now."""
    carried = carried_entry(path)
    return carried is not None and snapshot_text(from_document(carried)) == snapshot_text(entry)


def _is_whole_png(data: bytes) -> bool:
    """Say whether every chunk of a PNG carries its own CRC-32, from the signature to IEND (PNG, 3rd edition, 5.3)."""
    if not data.startswith(_PNG):
        return False
    at = len(_PNG)
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        kind = data[at + 4 : at + 8]
        if end > len(data) or zlib.crc32(data[at + 4 : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
            return False
        if kind == b"IEND":
            return end == len(data)
        at = end
    return False
