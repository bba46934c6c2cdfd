"""What hostile tests share: an index written by somebody else, and a look at what a child process takes."""

from __future__ import annotations

import json
import multiprocessing
import re
import resource
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from store.chain import DOCUMENT
from store.document import Header, write_lines
from store.entry import AUDIO_FOLDER, THUMBNAIL_FOLDER
from store.journal import JournalHeader
from store.lines import seal, seal_body

HISTORY_ID = "11111111-1111-4111-8111-111111111111"
MB = 1 << 20


def entry(number: int = 0, **fields: Any) -> dict[str, Any]:
    """An entry as the index holds it."""
    entry_id = f"00000000-0000-4000-8000-{number:012d}"
    document = {
        "entry_id": entry_id,
        "timestamp": f"2025-03-01T12:00:{number % 60:02d}.000000+00:00",
        "model_id": "synth",
        "model_name": "Synth",
        "audio_file": f"audio/{entry_id}.wav",
        "thumbnail_file": f"thumbnails/{entry_id}.png",
    }
    return {**document, **fields}


def folders(root: Path) -> Path:
    for folder in (AUDIO_FOLDER, THUMBNAIL_FOLDER):
        (root / folder).mkdir(parents=True, exist_ok=True)
    return root


def write_document(root: Path, entries: list[Any], **header: Any) -> Path:
    """Write a version 2 document whose lines carry their own CRC, whatever they say."""
    fields = {"version": 2, "history_id": HISTORY_ID, "journal": 1, "count": len(entries), **header}
    lines = [line if isinstance(line, bytes) else seal(line) for line in entries]
    (folders(root) / DOCUMENT).write_bytes(b"".join(write_lines(Header(**fields), lines)))
    return root


def write_journal(root: Path, changes: list[Any], number: int = 2, **header: Any) -> Path:
    """Write a journal whose lines carry their own CRC, whatever they say."""
    fields = {
        "number": number,
        "history_id": HISTORY_ID,
        "after_journal": number - 1 if number > 1 else None,
        "after_bytes": 100 if number > 1 else None,
        **header,
    }
    lines = [change if isinstance(change, bytes) else seal(change) for change in changes]
    data = JournalHeader(**fields).line() + b"".join(line + b"\n" for line in lines)
    path = folders(root) / f"journal-{number}.jsonl"
    path.write_bytes(data)
    return path


def sealed(text: str) -> bytes:
    """Seal what follows an opening brace, be it JSON or not."""
    return seal_body(text.encode())


def write_version_1(root: Path, *entries: dict[str, Any]) -> Path:
    document = {"version": 1, "entries": {item["entry_id"]: item for item in entries}}
    (folders(root) / DOCUMENT).write_text(json.dumps(document))
    return root


def peak_bytes(act: Callable[..., object], *arguments: object, at_most_s: float = 120) -> int:
    """Run `act` in a fresh process and return how much more memory it held at its peak than when it began.

    Fails where it raises, or does not end in time.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_measured, args=(theirs, act, arguments))
    child.start()
    theirs.close()
    try:
        assert ours.poll(at_most_s), f"{act.__name__} did not end within {at_most_s:g} s"
        grown, error = ours.recv()
    finally:
        child.kill()
        child.join()
    assert error is None, error
    return int(grown)


def _measured(answer: Any, act: Callable[..., object], arguments: tuple[object, ...]) -> None:
    before, error = _memory_bytes("VmRSS"), None
    try:
        act(*arguments)
    except Exception as raised:  # noqa: BLE001 - told to the parent, whose test fails
        error = "".join(traceback.format_exception(raised))
    answer.send((_memory_bytes("VmHWM") - before, error))


def _memory_bytes(name: str) -> int:
    """Read this process's own memory now, or at its peak; what `getrusage` gives begins with the parent's."""
    if not Path("/proc/self/status").exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found = re.search(rf"^{name}:\s*(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found.group(1)) * 1024


def tree(root: Path) -> dict[str, bytes]:
    """Every regular file below a folder, by its relative name."""
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
