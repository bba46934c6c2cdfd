"""The exact peaks of takes, as the page draws them: counted one take at a time, and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import lru_cache

import numpy as np
from anyio.to_thread import run_sync
from numpy.typing import NDArray

from history_ui.errors import AudioMissing
from store import GenerationHistory, HistoryEntry
from store.envelope import Envelope

MOST_COLUMNS = 4_000
_KEPT = 200


class Peaks:
    """Gives the peaks of one history's takes.

    A take of ten minutes is half a second of work on all its samples, and whoever looks through takes leaves most of
    them before it is done: so there is only ever one at work, and who no longer waits is passed over.
    """

    def __init__(self, history: GenerationHistory) -> None:
        self._history = history
        self._turn = asyncio.Lock()
        self._kept = lru_cache(_KEPT)(self._count)

    async def of(self, entry: HistoryEntry, columns: int, is_gone: Callable[[], Awaitable[bool]]) -> bytes | None:
        """Return the peaks of a take in `columns` columns (1 to 4,000) as `to_bytes` writes them.

        None for who `is_gone` by the time it is their turn. Raises `AudioMissing`, and what
        `GenerationHistory.envelope` raises.
        """
        async with self._turn:
            if await is_gone():
                return None
            return await run_sync(self._kept, entry.entry_id, entry.audio_sha256, columns)

    def _count(self, entry_id: str, _audio_sha256: str | None, columns: int) -> bytes:
        envelope = self._history.envelope(entry_id, columns)
        if envelope is None:
            raise AudioMissing("The audio of this take is missing or cannot be read.")
        return to_bytes(envelope)


def to_bytes(envelope: Envelope) -> bytes:
    """Write an envelope in 127ths of full scale, a byte each: every column's lowest, then every highest, then every RMS."""
    return b"".join(_in_127ths(values).tobytes() for values in (envelope.low, envelope.high, envelope.rms))


def _in_127ths(values: NDArray[np.float32]) -> NDArray[np.int8]:
    return np.rint(np.clip(np.nan_to_num(values), -1, 1) * 127).astype(np.int8)
