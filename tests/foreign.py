"""Histories as somebody else may have written them: any text in any field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def write_version_1(root: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the index of a history of the older format; what an entry does not name gets a plain value."""
    root.mkdir(parents=True, exist_ok=True)
    usual = {
        "timestamp": "2026-01-02T03:04:05+00:00",
        "model_id": "synth",
        "model_name": "Synth",
        "slider_positions": [],
        "n_components": 0,
        "seed": 7,
        "duration_s": 1.0,
        "sample_rate": 8_000,
        "stereo_mode": "mono",
        "preset_name": "custom",
        "thumbnail_file": "",
        "quality_score": None,
        "latent_vector": None,
    }
    named = {
        entry_id: {
            **usual,
            "entry_id": entry_id,
            "audio_file": f"audio/{entry_id}.wav",
            **fields,
        }
        for entry_id, fields in entries.items()
    }
    (root / "history.json").write_text(json.dumps({"version": 1, "entries": named}), "utf-8")
