"""The peaks that the page draws: exact, counted once, and only for who still waits for them."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from history_ui.media import Media
from history_ui.peaks import Peaks
from history_ui.titles import Vocabulary
from store import GenerationHistory, HistoryEntry
from store.envelope import Envelope
from tests.conftest import add


@pytest.fixture
def media(history: GenerationHistory) -> Media:
    return Media(history, Vocabulary)


@pytest.fixture
def client(media: Media) -> TestClient:
    return TestClient(Starlette(routes=[media.route()]), base_url="http://127.0.0.1:7860")


@pytest.fixture
def counted(history: GenerationHistory, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the takes whose samples were gone through."""
    count, ids = history.envelope, []

    def noted(entry_id: str, columns: int) -> Envelope | None:
        ids.append(entry_id)
        return count(entry_id, columns)

    monkeypatch.setattr(history, "envelope", noted)
    return ids


def address(media: Media, entry: HistoryEntry, columns: object = 32) -> str:
    return media.url(entry).removesuffix(".wav") + f".peaks?columns={columns}"


def test_peaks_are_the_envelope_in_127ths(history: GenerationHistory, media: Media, client: TestClient) -> None:
    entry = add(history)
    answered = client.get(address(media, entry))
    low, high, rms = np.frombuffer(answered.content, np.int8).reshape(3, 32) / 127
    exact = history.envelope(entry.entry_id, 32)
    assert exact is not None
    for seen, known in ((low, exact.low), (high, exact.high), (rms, exact.rms)):
        assert np.abs(seen - known).max() <= 0.5 / 127 + 1e-6
    assert "immutable" in answered.headers["cache-control"]


def test_the_samples_are_gone_through_once_for_each_width(
    history: GenerationHistory, media: Media, client: TestClient, counted: list[str]
) -> None:
    entry = add(history)
    for columns in (32, 32, 64, 32):
        assert client.get(address(media, entry, columns)).status_code == 200
    assert counted == [entry.entry_id] * 2


def test_audio_that_is_missing_has_no_peaks_until_it_is_back(
    history: GenerationHistory, media: Media, client: TestClient, counted: list[str]
) -> None:
    entry = add(history)
    path = history.audio_path(entry.entry_id)
    data = path.read_bytes()
    for content, status in ((None, 404), (b"RIFF of no use", 404), (data, 200)):
        path.unlink(missing_ok=True)
        if content is not None:
            path.write_bytes(content)
        assert client.get(address(media, entry)).status_code == status


@pytest.mark.parametrize("columns", ["", "0", "4001", "-1", "1e3", "x", "9" * 5_000, "٣"])
def test_a_width_that_cannot_be_is_refused(
    history: GenerationHistory, media: Media, client: TestClient, columns: str
) -> None:
    assert client.get(address(media, add(history), columns)).status_code == 400


def test_who_no_longer_waits_is_passed_over(history: GenerationHistory, counted: list[str]) -> None:
    async def gone() -> bool:
        return True

    assert asyncio.run(Peaks(history).of(add(history), 32, gone)) is None
    assert counted == []


def test_takes_are_counted_one_after_the_other(history: GenerationHistory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else whoever clicks through long takes would have the server go through all of them at the same time."""
    at_work, most = 0, 0
    count = history.envelope

    def watched(entry_id: str, columns: int) -> Envelope | None:
        nonlocal at_work, most
        at_work += 1
        most = max(most, at_work)
        counted = count(entry_id, columns)
        at_work -= 1
        return counted

    async def here() -> bool:
        return False

    async def all_at_once() -> list[bytes | None]:
        peaks = Peaks(history)
        return await asyncio.gather(*(peaks.of(entry, 32, here) for entry in entries))

    monkeypatch.setattr(history, "envelope", watched)
    entries = [add(history, seed) for seed in range(8)]
    assert all(asyncio.run(all_at_once()))
    assert most == 1
