"""Guards the opening of histories that the original program wrote (format version 1)."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import soundfile

from store import GenerationHistory
from tests.conftest import add

IDS = [f"00000000-0000-4000-8000-00000000000{n}" for n in range(4)]


def entry(number: int) -> dict[str, object]:
    return {
        "entry_id": IDS[number],
        "timestamp": f"2025-03-0{number + 1}T12:00:00.123456",
        "model_id": "rave",
        "model_name": "RAVE v2",
        "slider_positions": [1.5, -2, 0],
        "n_components": 3,
        "seed": 42 + number,
        "duration_s": 2,
        "sample_rate": 44_100,
        "stereo_mode": "mono",
        "preset_name": "custom",
        "audio_file": f"audio/{IDS[number]}.wav",
        "thumbnail_file": f"thumbnails/{IDS[number]}.png",
        "quality_score": {"snr": math.inf, "hum": math.nan, "clipping": 0},
        "latent_vector": [0.25] * 8 if number else None,
    }


@pytest.fixture
def version_1(tmp_path: Path) -> Path:
    root = tmp_path / "old"
    for folder in ("audio", "thumbnails"):
        (root / folder).mkdir(parents=True)
    entries = {IDS[number]: entry(number) for number in range(4)}
    entries[IDS[3]]["a_field_from_a_fork"] = {"kept": True}
    (root / "history.json").write_text(json.dumps({"version": 1, "entries": entries}, indent=2))
    for number in range(3):
        soundfile.write(root / "audio" / f"{IDS[number]}.wav", np.zeros(88_200), 44_100)
    return root


def test_it_opens_as_it_is_and_nothing_is_written(version_1: Path) -> None:
    before = (version_1 / "history.json").read_bytes()
    with GenerationHistory(version_1) as history:
        found = history.list_entries()
        assert [item.entry_id for item in found] == IDS[::-1]
        assert [item.seed for item in found] == [45, 44, 43, 42]
        assert found[1].quality_score["snr"] == math.inf
        assert math.isnan(found[1].quality_score["hum"])
        assert found[3].latent_vector is None
        assert found[3].timestamp == "2025-03-01T12:00:00.123456"
        assert found[0].extra == {"a_field_from_a_fork": {"kept": True}}
        assert history.repair_history().missing == (IDS[3],)
        assert history.get_total_size() == sum(path.stat().st_size for path in (version_1 / "audio").iterdir())
        assert history.problems == ()
    assert (version_1 / "history.json").read_bytes() == before
    assert not list(version_1.glob("journal-*"))


def test_its_thumbnails_are_drawn_where_they_are_missing(version_1: Path) -> None:
    with GenerationHistory(version_1) as history:
        drawn = history.thumbnail(IDS[0])
        assert drawn is not None
        assert drawn.startswith(b"\x89PNG")
        assert history.thumbnail(IDS[3]) is None


def test_the_first_change_upgrades_it_and_keeps_the_old_file(version_1: Path) -> None:
    before = (version_1 / "history.json").read_bytes()
    with GenerationHistory(version_1) as history:
        history.update_entry(IDS[0], favorite=True)
        new = add(history)
        expected = history.list_entries()
        assert expected[0] == new
    assert (version_1 / "history.v1.json").read_bytes() == before
    assert json.loads((version_1 / "history.json").read_text())["version"] == 2
    (version_1 / "catalog.sqlite").unlink()
    with GenerationHistory(version_1) as history:
        assert str(history.list_entries()) == str(expected)
        assert history.list_entries(favorite=True)[0].entry_id == IDS[0]


def test_it_survives_the_loss_of_the_document_after_the_first_change(version_1: Path) -> None:
    with GenerationHistory(version_1) as history:
        history.update_entry(IDS[0], favorite=True)
    (version_1 / "history.json").write_bytes(b"\0\0")
    with GenerationHistory(version_1) as history:
        assert history.count() == 4
        assert history.count(favorite=True) == 1


def test_a_damaged_version_1_file_gives_what_can_be_read_and_is_kept(version_1: Path) -> None:
    text = (version_1 / "history.json").read_text()
    broken = text[: text.index(IDS[3])]
    (version_1 / "history.json").write_text(broken)
    with GenerationHistory(version_1) as history:
        assert [item.entry_id for item in history.list_entries()] == [IDS[2], IDS[1], IDS[0]]
        assert history.problems
    assert (version_1 / "history.json.damaged-1").read_text() == broken


def test_an_entry_that_is_no_entry_does_not_hide_the_others(version_1: Path) -> None:
    document = json.loads((version_1 / "history.json").read_text())
    document["entries"]["odd"] = 5
    document["entries"][IDS[1]]["seed"] = "not a number"
    (version_1 / "history.json").write_text(json.dumps(document))
    with GenerationHistory(version_1) as history:
        assert [item.entry_id for item in history.list_entries()] == [IDS[3], IDS[2], IDS[0]]
        history.update_entry(IDS[0], rating=1)
    assert "not a number" in (version_1 / "history.json").read_text()
    assert '"odd": 5' in (version_1 / "history.v1.json").read_text()
