"""Check a history without changing anything in it: every line, every file, every sample."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from store import chain, document, files, journal, media
from store.chain import BACKUP, DOCUMENT, Chain
from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER, HistoryEntry, from_document
from store.errors import IndexDamaged, InvalidAudio, InvalidEntry, StoreUnavailable, from_os_error
from store.lines import unseal
from store.recovery import audio_files
from store.snapshot import check_container
from store.wav import read_data_sha256

Progress = Callable[[int, int], None]
"""Is told how many takes have been checked, and of how many."""


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be: its kind, the file, and what is wrong with it."""

    kind: str
    path: Path
    text: str


@dataclass(frozen=True)
class Verification:
    """What was checked and what was found; `findings` is empty where all is well."""

    takes: int
    findings: tuple[Finding, ...]

    @property
    def good(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def verify(directory: str | Path, progress: Progress | None = None) -> Verification:
    """Check a history's index and files; write nothing.

    Finds every line of the document, its backup and the journals that is not as it was written, entries that cannot be
    read, audio that is missing or whose samples or tags were altered, audio that no entry names, and temporary files.
    Raises `StoreUnavailable` where the folder cannot be read.

    >>> from store import GenerationHistory
    >>> GenerationHistory(getfixture("tmp_path")).close()
    >>> verify(getfixture("tmp_path")).good
    True
    """
    root = Path(directory).expanduser().absolute()
    if not root.is_dir():
        raise StoreUnavailable(root, "is not a folder")
    try:
        return _verify(root, progress)
    except OSError as error:
        raise from_os_error(error, root) from error


def _verify(root: Path, progress: Progress | None) -> Verification:
    findings = [*_index_findings(root), *_stray_findings(root)]
    entries: list[HistoryEntry] = []
    with contextlib.suppress(IndexDamaged):
        for line in _lines(chain.find(root, chain.present_base(root))):
            try:
                entries.append(from_document(unseal(line)))
            except InvalidEntry as error:
                findings.append(Finding("unreadable entry", root / DOCUMENT, str(error)))
    for done, entry in enumerate(entries, 1):
        findings.extend(_audio_findings(root, entry))
        if progress:
            progress(done, len(entries))
    findings.extend(_orphans(root, {entry.audio_file for entry in entries}))
    return Verification(len(entries), tuple(findings))


def _lines(found: Chain) -> list[bytes]:
    changes, _ = found.read()
    return list(changes.applied(found.entries()))


def _index_findings(root: Path) -> Iterator[Finding]:
    """Look at each file of the index by itself, so that damage in the backup is seen before it is needed."""
    for name in (DOCUMENT, BACKUP):
        yield from _damage(lambda name=name: _read_document(root / name))  # type: ignore[misc]
    for number in chain.journal_numbers(root):
        yield from _damage(lambda number=number: _read_journal(root, number))  # type: ignore[misc]
    yield from _damage(lambda: _check_chain(root))


def _damage(check: Callable[[], None]) -> Iterator[Finding]:
    try:
        check()
    except FileNotFoundError:
        return
    except IndexDamaged as error:
        yield Finding("damaged index", error.path, error.reason)


def _read_document(path: Path) -> None:
    if path.exists() and not document.is_version_1(path):
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


def _check_chain(root: Path) -> None:
    found = chain.find(root, chain.present_base(root))
    if not found.base and not found.links and audio_files(root):
        raise IndexDamaged(root / DOCUMENT, "it is missing, and there is audio")


def _audio_findings(root: Path, entry: HistoryEntry) -> Iterator[Finding]:
    try:
        path = media.inside(root, entry, entry.audio_file, "audio_file")
        with path.open("rb") as file:
            if entry.audio_sha256 is not None and read_data_sha256(file) != entry.audio_sha256:
                yield Finding("altered audio", path, f"its samples are not those of take {entry.entry_id}")
            if entry.audio_sha256 is not None:
                check_container(file)
    except InvalidEntry as error:
        yield Finding("bad path", root, str(error))
    except FileNotFoundError:
        yield Finding("missing audio", path, f"take {entry.entry_id} has lost its sound; its parameters are kept")
    except InvalidAudio as error:
        yield Finding("altered audio", path, error.reason)


def _orphans(root: Path, named: set[str]) -> Iterator[Finding]:
    for path in audio_files(root):
        if f"{AUDIO_FOLDER}/{path.name}" not in named:
            yield Finding("orphan audio", path, "no take names it; it is never deleted")


def _stray_findings(root: Path) -> Iterator[Finding]:
    for folder in (root, root / AUDIO_FOLDER, root / THUMBNAIL_FOLDER):
        if folder.is_dir():
            for path in sorted(folder.iterdir()):
                if files.is_temporary(path.name):
                    yield Finding("temporary file", path, "a write that was cut off; the next fold removes it")
