"""Make histories of any size quickly: the same files that adding takes one by one leaves, without a sync for each."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np

from store import HistoryEntry, document, media
from store.audio import encode_samples, prepare
from store.document import Header
from store.envelope import envelope
from store.journal import JournalHeader, name_of
from store.lines import seal
from store.quality import quality
from store.snapshot import embed_snapshot
from store.thumbnail import WIDTH, draw
from store.values import dumps

Drawn = tuple[dict[str, Any], bytes]
SAMPLE_RATE = 8_000
PICTURES = 20
PROMPTS = ["glass bell, slow", "rain on tape", "the kettle is on", "low brass, swelling", "plucked wire", "breath pad"]


def make_history(root: Path, takes: int, until: datetime | None = None) -> list[HistoryEntry]:
    """Write a history of `takes` short, different sounds, one a minute up to `until`; return its entries, oldest first."""
    for folder in ("audio", "thumbnails"):
        (root / folder).mkdir(parents=True)
    newest = until or datetime.now(timezone.utc)
    drawn: dict[int, Drawn] = {}
    entries = [_write(root, number, newest - timedelta(minutes=takes - 1 - number), drawn) for number in range(takes)]
    history_id = str(uuid.UUID(int=takes))
    lines: Iterator[bytes] = (seal(entry.to_document()) for entry in entries)
    with (root / "history.json").open("wb") as file:
        file.writelines(document.write_lines(Header(2, history_id, 1, takes), lines))
    shutil.copy(root / "history.json", root / "history.json.bak")
    (root / name_of(2)).write_bytes(JournalHeader(2, history_id, 1, 0).line())
    return entries


def _write(root: Path, number: int, moment: datetime, drawn: dict[int, Drawn]) -> HistoryEntry:
    """Write one take's files: a decaying tone whose pitch and length tell which take it is; few pictures serve all."""
    frames = SAMPLE_RATE // 4 + number % 400
    time_s = np.arange(frames) / SAMPLE_RATE
    audio = 0.7 * np.exp(-6 * time_s) * np.sin(2 * np.pi * (110 + number % 1_000) * time_s)
    audio *= np.minimum(1, 40 * (time_s[-1] - time_s))  # it fades out, so that nothing calls it cut off
    audio[0] = (number + 1) / 2**20  # no two takes have the same samples
    samples = prepare(audio, SAMPLE_RATE, 24)
    wav, audio_sha256 = encode_samples(samples)
    if number % PICTURES not in drawn:
        drawn[number % PICTURES] = (quality(samples), draw(envelope(samples.pcm, WIDTH)))
    measured, thumbnail = drawn[number % PICTURES]
    entry_id = str(uuid.UUID(int=number + 1))
    entry = HistoryEntry(
        entry_id=entry_id,
        timestamp=moment.isoformat(timespec="microseconds"),
        model_id="synth" if number % 3 else "voice",
        model_name="Synth" if number % 3 else "Voice",
        seed=number,
        params={"prompt": PROMPTS[number % len(PROMPTS)], "number": number},
        duration_s=samples.duration_s,
        sample_rate=SAMPLE_RATE,
        audio_file=media.audio_name(entry_id),
        thumbnail_file=media.thumbnail_name(entry_id),
        quality_score=measured,
        bit_depth=24,
        channels=1,
        frames=frames,
        audio_sha256=audio_sha256,
        favorite=number % 10 == 0,
        tags=["pad"] if number % 4 == 0 else [],
    )
    whole = embed_snapshot(wav, dumps(entry.to_document(), ascii_only=True).decode("ascii"))
    (root / entry.audio_file).write_bytes(whole)
    (root / entry.thumbnail_file).write_bytes(thumbnail)
    return HistoryEntry(**{**entry.to_document(), "size_bytes": len(whole)})
