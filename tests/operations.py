"""Every operation that changes a history, and the histories that each begins with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from store import CommitUncertain, GenerationHistory, HistoryEntry
from store.repair import plan_repair, rebuild, repair
from tests.conftest import add, leave

FIRST, EDITED, TRASHED, PURGED, LAST, NEW, NEXT = range(1, 8)
"""Takes by their seed; the last two are added by an operation, and after it."""

Content = dict[int, dict[str, Any]]
"""Takes by their seed."""

HALF_A_LINE = b'{"crc":"00000000","add":{"entry_'
V1_FIELDS = (
    "entry_id", "timestamp", "model_id", "model_name", "slider_positions", "n_components", "seed", "duration_s",
    "sample_rate", "stereo_mode", "preset_name", "audio_file", "thumbnail_file", "quality_score", "latent_vector",
)  # fmt: skip


@dataclass(frozen=True)
class Operation:
    """Something that changes a history: what it begins with, and what is done, to an open history or to its folder.

    `in_steps`: it commits more than one change, each by itself. `left_to_repair`: takes without a line, which it takes
    back from their audio; where it fails, it is the repair that does.
    """

    name: str
    state: str
    to_history: Callable[[GenerationHistory], object] | None = None
    to_folder: Callable[[Path], object] | None = None
    in_steps: bool = False
    left_to_repair: frozenset[int] = frozenset()


def all_takes(history: GenerationHistory) -> list[HistoryEntry]:
    """Return the takes in and out of the trash."""
    return [*history.list_entries(), *history.list_entries(deleted=True)]


def id_of(history: GenerationHistory, seed: int) -> str:
    """Return the id of the take with this seed."""
    return next(entry.entry_id for entry in all_takes(history) if entry.seed == seed)


def content(history: GenerationHistory) -> Content:
    """Return what must not be lost, by seed: every field but those that a new run of the same operation changes."""
    takes: Content = {}
    for entry in all_takes(history):
        assert entry.seed is not None
        assert entry.seed not in takes, "a take is there twice"
        votes = [vote["preferred"] for vote in entry.votes]
        fields = {**entry.to_document(), "size_bytes": None, "deleted_at": entry.deleted, "votes": votes}
        if entry.seed in (NEW, NEXT):
            fields = {"params": fields["params"], "audio_sha256": fields["audio_sha256"]}
        takes[entry.seed] = fields
    return takes


def check_content(
    operation: Operation, error: BaseException | None, found: Content, before: Content, after: Content
) -> None:
    """See that a history holds what it held before an operation, or after it where it raised nothing.

    An operation whose outcome is uncertain, or that was interrupted, is done or not done.
    """
    if error is None:
        assert found == after
    elif operation.left_to_repair:
        assert {**before, **found} == before
        assert found.keys() >= before.keys() - operation.left_to_repair
    elif operation.in_steps:
        assert found.keys() >= before.keys()
        assert all(fields in (before.get(seed), after[seed]) for seed, fields in found.items())
    elif isinstance(error, CommitUncertain | KeyboardInterrupt):
        assert found in (before, after)
    else:
        assert found == before


def _open(root: Path) -> None:
    leave(GenerationHistory(root))


def _repair(root: Path) -> None:
    repair(root, plan_repair(root))


def _update(history: GenerationHistory) -> None:
    history.update_entry(id_of(history, EDITED), rating=5, tags=["a", "b"], note="ä" * 50)


def _delete(history: GenerationHistory) -> None:
    history.delete_entry(id_of(history, FIRST))


def _restore(history: GenerationHistory) -> None:
    history.restore_entry(id_of(history, TRASHED))


def _purge(history: GenerationHistory) -> None:
    history.delete_entry(id_of(history, TRASHED), permanent=True)


def _add(history: GenerationHistory) -> None:
    add(history, NEW)


def _vote(history: GenerationHistory) -> None:
    history.record_vote(id_of(history, FIRST), id_of(history, EDITED), blind=True)


def _draw(history: GenerationHistory) -> None:
    history.spectrogram(id_of(history, FIRST))


OPERATIONS = [
    Operation("make a folder", "nothing", to_folder=_open),
    Operation("open", "whole", to_folder=_open),
    Operation("first take", "empty", _add),
    Operation("add", "whole", _add),
    Operation("update", "whole", _update),
    Operation("delete", "whole", _delete),
    Operation("restore", "whole", _restore),
    Operation("purge", "whole", _purge),
    Operation("vote", "whole", _vote),
    Operation("draw a spectrogram", "whole", _draw),
    Operation("fold", "whole", GenerationHistory.fold),
    Operation("close", "whole", GenerationHistory.close),
    Operation("first change of a version 1 history", "version 1", _add),
    Operation("first fold of a version 1 history", "changed version 1", GenerationHistory.fold),
    Operation("open after a power cut", "cut", to_folder=_open, left_to_repair=frozenset({LAST})),
    Operation("open with a damaged document", "damaged", to_folder=_open),
    Operation("open with two damaged documents", "badly damaged", to_folder=_open),
    Operation("open with nothing but audio", "audio", to_folder=_open),
    Operation("repair", "untidy", to_folder=_repair, in_steps=True),
    Operation("repair a damaged index", "damaged", to_folder=_repair),
    Operation("rebuild from audio", "audio", to_folder=rebuild),
    Operation("rebuild without a backup", "without a backup", to_folder=rebuild),
]
OPERATION = {operation.name: operation for operation in OPERATIONS}


def make_states(root: Path) -> None:
    """Make the history that each operation begins with, in a folder named after it."""
    _open(root / "empty")
    _make_whole(root / "whole")
    for name in ("cut", "damaged", "badly damaged", "audio", "untidy", "without a backup"):
        shutil.copytree(root / "whole", root / name)
    _cut_last_line(root / "cut")
    for name in ("damaged", "badly damaged"):
        (root / name / "history.json").write_bytes(b"{")
    (root / "badly damaged" / "history.json.bak").write_bytes(b"")
    for path in (root / "audio").iterdir():
        if path.is_file():
            path.unlink()
    (root / "without a backup" / "history.json.bak").unlink()
    _make_untidy(root / "untidy")
    _make_version_1(root / "whole", root / "version 1")
    shutil.copytree(root / "version 1", root / "changed version 1")
    history = GenerationHistory(root / "changed version 1")
    add(history, LAST)
    leave(history)


def _make_whole(root: Path) -> None:
    """A history with a document, a backup, and in its newest journal a change of every kind."""
    history = GenerationHistory(root)
    for seed in (FIRST, EDITED, TRASHED, PURGED):
        add(history, seed)
    history.fold()
    history.update_entry(id_of(history, EDITED), favorite=True)
    history.fold()
    history.update_entry(id_of(history, EDITED), rating=2)
    history.delete_entry(id_of(history, TRASHED))
    purged = history.audio_path(id_of(history, PURGED))
    data = purged.read_bytes()
    history.delete_entry(id_of(history, PURGED), permanent=True)
    purged.write_bytes(data)  # as if the process had been killed before it removed the file
    add(history, LAST)
    leave(history)


def _cut_last_line(root: Path) -> None:
    newest = max(root.glob("journal-*.jsonl"))
    lines = newest.read_bytes().splitlines(keepends=True)
    newest.write_bytes(b"".join(lines[:-1]) + HALF_A_LINE)


def _make_untidy(root: Path) -> None:
    """Lose a thumbnail, alter a tag, rename a sound."""
    with GenerationHistory(root) as history:
        history.thumbnail_path(id_of(history, FIRST)).unlink()
        tagged = history.audio_path(id_of(history, EDITED))
        tagged.write_bytes(tagged.read_bytes().replace(b"params", b"params"))
        history.audio_path(id_of(history, LAST)).rename(root / "audio" / "kick, final.wav")


def _make_version_1(whole: Path, root: Path) -> None:
    """Write what the original program would have written of three takes."""
    history = GenerationHistory(whole)
    kept = [entry.to_document() for entry in all_takes(history) if entry.seed in (FIRST, EDITED, TRASHED)]
    leave(history)
    for folder in ("audio", "thumbnails"):
        shutil.copytree(whole / folder, root / folder, ignore=shutil.ignore_patterns("*.png"))
    named = {Path(str(entry["audio_file"])).name for entry in kept}
    for path in (root / "audio").iterdir():
        if path.name not in named:
            path.unlink()
    entries = {entry["entry_id"]: {name: entry[name] for name in V1_FIELDS} for entry in kept}
    (root / "history.json").write_text(json.dumps({"version": 1, "entries": entries}))
