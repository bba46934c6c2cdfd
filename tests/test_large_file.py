"""Proves that a take of gigabytes is verified, drawn, tagged, read and served in memory that does not grow with it."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path

import pytest

from history_ui.media import Media
from history_ui.titles import Vocabulary
from store import GenerationHistory
from store.repair import plan_repair, repair
from store.verify import verify
from tests.figures import Figures, tier
from tests.hostile import MB, entry, folders, peak_bytes, write_version_1
from tests.riff import head

SIZE_MB = tier(64, 2_000)
MOST_MB = tier(64, 200)
"""At every commit as much as the file itself holds: whatever keeps it in memory whole, in any form, is over that."""


@pytest.mark.proof
def test_a_take_of_gigabytes_takes_little_memory(tmp_path: Path, figures: Figures) -> None:
    """The file is sparse: its zeros are read all the same."""
    root = write_version_1(folders(tmp_path), entry(0))
    path = root / entry(0)["audio_file"]
    data_bytes = SIZE_MB * MB
    start = (
        b"WAVE" + head(frame_bytes=6, channels=2, bits=24) + b"data" + struct.pack("<I", data_bytes - data_bytes % 6)
    )
    with path.open("wb") as file:
        file.write(b"RIFF" + struct.pack("<I", len(start) + data_bytes - data_bytes % 6) + start)
        file.truncate(8 + len(start) + data_bytes - data_bytes % 6)
    grown = peak_bytes(_use, root, at_most_s=1_800)
    assert grown < MOST_MB * MB
    figures.add("a large take", megabytes=SIZE_MB, peak_megabytes=grown // MB)


def _use(root: Path) -> None:
    entry_id = entry(0)["entry_id"]
    with GenerationHistory(root) as history:
        assert history.thumbnail(entry_id)
        assert history.spectrogram(entry_id)
        assert history.envelope(entry_id, 2_000)
        _serve(history, entry_id)
        history.update_entry(entry_id, note="written into the file by the fold")
        history.fold()
        assert not history.problems, history.problems
        history.repair_history()
    repair(root, plan_repair(root))
    found = verify(root)
    assert found.good, found.findings


def _serve(history: GenerationHistory, entry_id: str) -> None:
    """Take the whole file from the route as a browser does, piece by piece."""
    media = Media(history, Vocabulary)
    take = history.get(entry_id)
    assert take is not None
    served = 0

    async def send(message: dict[str, object]) -> None:
        nonlocal served
        body = message.get("body", b"")
        assert isinstance(body, bytes)
        served += len(body)

    async def receive() -> dict[str, object]:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    path = media.url(take)
    token, name = path.split("/")[-2:]
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "headers": [(b"host", b"127.0.0.1")],
        "query_string": b"",
        "path_params": {"token": token, "name": name},
    }
    asyncio.run(media.route().handle(scope, receive, send))  # type: ignore[arg-type]
    size_bytes = history.audio_path(entry_id).stat().st_size
    assert served == size_bytes, (served, size_bytes)
