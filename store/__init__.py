"""The history on disk: every generation's parameters, audio and thumbnail behind an atomic JSON index.

>>> from store import GenerationConfig, GenerationHistory, GenerationResult
>>> with GenerationHistory(getfixture("tmp_path")) as history:
...     result = GenerationResult([0.0, 0.5, -0.5, 0.0], sample_rate=48_000, seed_used=7)
...     entry = history.add_to_history(result, model_id="synth", model_name="Synth", params={"brightness": 3})
...     history.list_entries(query="brightness 3") == [entry]
True
"""

from store.comparison import ABComparison
from store.entry import GenerationConfig, GenerationResult, HistoryEntry
from store.errors import (
    CommitUncertain,
    EntryNotFound,
    HistoryError,
    IndexDamaged,
    InvalidAudio,
    InvalidEntry,
    InvalidPreset,
    PresetNotFound,
    StoreFull,
    StoreUnavailable,
    UnsupportedVersion,
)
from store.history import GenerationHistory, RepairReport
from store.preset import Preset
from store.presets import Presets

__all__ = [
    "ABComparison",
    "CommitUncertain",
    "EntryNotFound",
    "GenerationConfig",
    "GenerationHistory",
    "GenerationResult",
    "HistoryEntry",
    "HistoryError",
    "IndexDamaged",
    "InvalidAudio",
    "InvalidEntry",
    "InvalidPreset",
    "Preset",
    "PresetNotFound",
    "Presets",
    "RepairReport",
    "StoreFull",
    "StoreUnavailable",
    "UnsupportedVersion",
]
