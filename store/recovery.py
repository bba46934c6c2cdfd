"""Make a damaged index whole again, from its second chain, from what lines are good, and from the audio files.

Evidence is set aside under an unused name, never overwritten; what was lost and what was saved is told in words.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from store import chain, document, files, journal, salvage, sounds
from store.chain import BACKUP, DOCUMENT, VERSION_1, Chain
from store.document import Header
from store.entry import AUDIO_FOLDER
from store.errors import IndexDamaged, InvalidEntry, from_os_error
from store.index import Index, Upkeep
from store.lines import seal
from store.progress import Progress, no_progress
from store.salvage import Gathered, Piece
from store.sounds import Sounds
from store.values import Json

DAMAGED = "damaged"
UNKNOWN = (
    "What cannot be known: edits that stood only on damaged or missing lines (an audio file carries those that a fold had "
    "written into it), takes whose audio file is gone too, and which of two takes of the same instant came first."
)


def recover(index: Index, upkeep: Upkeep, progress: Progress = no_progress) -> int:
    """Make the index whole, or find that another process has done it; return how many takes only audio files knew.

    The second chain (the backup and its journals) is tried first, then the kept version 1 file, then journals that
    stand on nothing; where no chain is whole, every good line and every audio file's snapshot is gathered.
    """
    try:
        with files.locked(index.root / "fold.lock"), index.locked():
            return 0 if _is_whole(index.root) else _recover(index, upkeep, progress)
    except OSError as error:
        raise from_os_error(error, index.root) from error


def _is_whole(root: Path) -> bool:
    try:
        found = chain.find(root, chain.present_base(root))
        _read_through(found)
    except IndexDamaged:
        return False
    return bool(found.base or found.links) or not sounds.has_takes(root)


def _read_through(found: Chain) -> None:
    changes, _ = found.read()
    for _ in changes.applied(found.entries()):
        pass


def _recover(index: Index, upkeep: Upkeep, progress: Progress) -> int:
    found = second_chain(index.root)
    if found is None:
        return _salvage(index, progress)
    _stand_on(index, found, upkeep)
    return 0


def second_chain(root: Path) -> Chain | None:
    """Return a chain that is wholly good without `history.json`, and reaches the newest journal that is known of."""
    headers = [_header_of(root / name) for name in (DOCUMENT, BACKUP)]
    newest = max((header.journal + 1 for header in headers if header), default=1)
    for base in (BACKUP, VERSION_1, None):
        with contextlib.suppress(IndexDamaged, FileNotFoundError):
            found = chain.find(root, base)
            if found.links and found.links[-1].header.number >= newest:
                _read_through(found)
                return found
    return None


def renew_backup(index: Index) -> None:
    """Write the backup anew, as a copy of the document, where no second chain is whole; set aside what is damaged in it.

    Raises `IndexDamaged` where the first chain is not whole either: that is for `recover`.
    """
    root = index.root
    try:
        with files.locked(root / "fold.lock"), index.locked():
            first = chain.find(root, chain.present_base(root))
            if first.header.version != document.VERSION or first.base is None or second_chain(root) is not None:
                return
            _read_through(first)
            _keep_aside(index, [piece.path for piece in salvage.pieces(root) if not _belongs(piece, first.header)])
            _copy_to_backup(root)
            index.drop_unneeded_journals()
            index.notes.append("There was no whole second copy of the index; history.json.bak was written anew.")
    except OSError as error:
        raise from_os_error(error, root) from error


def _copy_to_backup(root: Path) -> None:
    """Write the backup as a copy of the document: as its second name it would be hit by the same damage."""
    with (root / DOCUMENT).open("rb") as file:
        files.create(root / BACKUP, iter(lambda: file.read(files.BUFFER_BYTES), b""))
    files.sync_folder(root)


def _belongs(piece: Piece, header: Header) -> bool:
    return piece.history_id == header.history_id and salvage.is_whole(piece)


def _stand_on(index: Index, found: Chain, upkeep: Upkeep) -> None:
    """Write the document anew from another chain that is whole."""
    _keep_aside(index, [index.root / DOCUMENT])
    name = found.base.name if found.base else "the journals"
    index.notes.append(f"history.json was damaged or missing; everything was read from {name} and what came after.")
    history_id, last = found.links[-1].header.history_id, found.links[-1]
    part = journal.read_part(last.path, len(last.header.line()))
    index.make_good(last.path, part)
    tail = index.create_journal(last.header.number + 1, history_id, last.header.number, part.end)
    index.write_document(found, replace(tail, number=last.header.number), upkeep)


def _salvage(index: Index, progress: Progress) -> int:
    """Gather every line that is as it was written, then the audio files' own snapshots, and write a new document."""
    root = index.root
    every = salvage.pieces(root)
    history_id = salvage.history_of(every)
    ours = [piece for piece in every if piece.history_id in ("", history_id)]
    highest = max([1, *chain.journal_numbers(root), *(piece.number for piece in every)])
    gathered = salvage.gather(root, ours)
    found_in_audio = _gather_audio(index, gathered, salvage.folded_up_to(ours), progress)
    damaged = [piece.path for piece in every if piece not in ours or not salvage.is_whole(piece)]
    _keep_aside(index, damaged)
    index.create_journal(highest + 1, history_id, highest, None)
    lines = list(_sealed(gathered.entries.values()))
    index.replace_document(Header(document.VERSION, history_id, highest, len(lines)), lines, keep_backup=False)
    for path in damaged:
        if path.name != DOCUMENT:
            files.remove(path)
    _copy_to_backup(root)
    index.drop_unneeded_journals()
    names = ", ".join(path.name for path in damaged) or "the index"
    index.notes.append(
        f"{names}: damaged or missing. {len(lines):,} takes were gathered again, {found_in_audio:,} of them from their "
        f"audio files. {UNKNOWN}"
    )
    return found_in_audio


def _sealed(entries: Iterable[dict[str, Json]]) -> Iterator[bytes]:
    for entry in entries:
        with contextlib.suppress(InvalidEntry):  # nests too deep, which only a version 1 file can
            yield seal(entry)


def _gather_audio(index: Index, gathered: Gathered, includes: int, progress: Progress) -> int:
    """Offer the takes that audio files carry and no line names; return how many were taken."""
    known = {*gathered.entries, *gathered.removed}
    found = sounds.look_through(orphans(index.root, gathered.entries.values()), progress)
    taken = [entry for entry in found.entries if entry["entry_id"] not in known]
    for entry in taken:
        gathered.offer(entry, includes)
    index.notes += left_over(found)
    return len(taken)


def orphans(root: Path, entries: Iterable[dict[str, Json]]) -> list[Path]:
    """Return the audio files that none of the entries names."""
    named = {entry.get("audio_file") for entry in entries}
    return [path for path in sounds.audio_files(root) if f"{AUDIO_FOLDER}/{path.name}" not in named]


def left_over(found: Sounds) -> list[str]:
    """Say in words which audio files could not be taken back as takes."""
    notes = []
    for paths, why in (
        (found.strangers, "carry no take"),
        (found.copies, "carry a take that another file carries too"),
    ):
        if paths:
            more = f" and {len(paths) - 1:,} more" if len(paths) > 1 else ""
            notes.append(f"Audio files that {why} were left as they are: {paths[0].name}{more}.")
    return notes


def _header_of(path: Path) -> Header | None:
    try:
        return document.read_header(path)
    except (IndexDamaged, FileNotFoundError):
        return None


def _keep_aside(index: Index, paths: list[Path]) -> None:
    """Keep what is damaged under a second name; it stays in its place, so that a repair that is cut off can begin anew."""
    for path in paths:
        if path.exists():
            aside = files.keep_aside(path, DAMAGED)
            index.notes.append(f"{path.name} was damaged; it is kept as {aside.name}.")
