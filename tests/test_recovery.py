"""Guards the promise that damage is set aside and repaired, never replaced by an empty history."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from store import GenerationHistory, HistoryEntry, UnsupportedVersion
from store.lines import seal
from store.verify import verify
from tests.conftest import add


@pytest.fixture
def folded(tmp_path: Path) -> Path:
    """A history with a document, a backup, and changes after each."""
    root = tmp_path / "whole"
    history = GenerationHistory(root)
    entries = [add(history, seed) for seed in range(3)]
    history.fold()
    history.update_entry(entries[0].entry_id, rating=2, favorite=True)
    history.delete_entry(entries[1].entry_id)
    history.fold()
    history.update_entry(entries[2].entry_id, note="after the fold", tags=["late"])
    gone = add(history, 7)
    history.delete_entry(gone.entry_id, permanent=True)
    add(history, 8)
    history._folding.close()  # as if the process had been killed: nothing is folded
    history._catalog.close()
    return root


def contents(root: Path) -> list[HistoryEntry]:
    with GenerationHistory(root) as history:
        return [*history.list_entries(), *history.list_entries(deleted=True)]


def damaged_copy(root: Path, tmp_path: Path) -> Path:
    copy = tmp_path / "copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(root, copy)
    for name in ("catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-shm"):
        (copy / name).unlink(missing_ok=True)
    return copy


INDEX_FILES = ["history.json", "history.json.bak", "journal-2.jsonl", "journal-3.jsonl"]


def test_the_fixture_has_the_files_that_are_damaged_below(folded: Path) -> None:
    assert sorted(path.name for path in folded.iterdir() if path.name in INDEX_FILES) == INDEX_FILES


@pytest.mark.parametrize("name", ["history.json", "history.json.bak", "journal-2.jsonl"])
def test_one_missing_file_of_the_index_costs_nothing(folded: Path, tmp_path: Path, name: str) -> None:
    expected = contents(damaged_copy(folded, tmp_path))
    copy = damaged_copy(folded, tmp_path)
    (copy / name).unlink()
    assert contents(copy) == expected


def test_a_missing_newest_journal_costs_only_its_edits(folded: Path, tmp_path: Path) -> None:
    expected = contents(damaged_copy(folded, tmp_path))
    copy = damaged_copy(folded, tmp_path)
    (copy / "journal-3.jsonl").unlink()
    found = contents(copy)
    assert {entry.entry_id for entry in found} == {entry.entry_id for entry in expected}
    with GenerationHistory(copy) as history:
        assert {entry.rating for entry in history.list_entries()} == {None, 2}, "what was folded is all there"


@pytest.mark.parametrize("name", INDEX_FILES)
@pytest.mark.parametrize("bit", [0, 5])
def test_one_flipped_bit_costs_no_take_and_never_passes_in_silence(
    folded: Path, tmp_path: Path, name: str, bit: int
) -> None:
    """A sample of all flips; the whole enumeration is the soak's."""
    expected = contents(damaged_copy(folded, tmp_path))
    size = (folded / name).stat().st_size
    for offset in range(bit, size, max(1, size // 24)):
        copy = damaged_copy(folded, tmp_path)
        data = bytearray((copy / name).read_bytes())
        data[offset] ^= 1 << bit
        (copy / name).write_bytes(data)
        assert not verify(copy).good, offset
        found = contents(copy)
        back = [entry for entry in found if entry.entry_id not in {other.entry_id for other in expected}]
        assert len(found) == len(expected) + len(back), offset
        assert all(entry.seed == 7 for entry in back), "a deletion on the damaged line itself may be undone"
        if name != "journal-3.jsonl":
            assert found == expected, offset
        assert contents(copy) == found, "what was repaired stays repaired"


@pytest.mark.parametrize("name", INDEX_FILES)
@pytest.mark.parametrize("content", [b"", b"{}", b"null", b"[]", b"\0" * 500, b"\xff\xfe", b"[" * 100_000])
def test_a_file_overwritten_with_rubbish_costs_no_take(folded: Path, tmp_path: Path, name: str, content: bytes) -> None:
    expected = contents(damaged_copy(folded, tmp_path))
    copy = damaged_copy(folded, tmp_path)
    (copy / name).write_bytes(content)
    found = contents(copy)
    assert {entry.entry_id for entry in found} == {entry.entry_id for entry in expected}
    if name == "history.json":
        assert found == expected
        assert (copy / "history.json.damaged-1").read_bytes() == content, "evidence is kept"


def test_damage_is_told_and_the_history_goes_on(folded: Path, tmp_path: Path) -> None:
    copy = damaged_copy(folded, tmp_path)
    (copy / "history.json").write_bytes(b"{")
    with GenerationHistory(copy) as history:
        assert any("history.json was damaged" in problem for problem in history.problems)
        entry = add(history, 99)
    assert entry in contents(copy)
    assert verify(copy).good


def test_after_a_repair_nothing_is_appended_to_a_journal_that_the_document_includes(
    folded: Path, tmp_path: Path
) -> None:
    copy = damaged_copy(folded, tmp_path)
    (copy / "history.json").write_bytes(b"")
    with GenerationHistory(copy) as history:
        add(history, 50)
        newest = max(int(path.stem.split("-")[1]) for path in copy.glob("journal-*.jsonl"))
        assert json.loads((copy / "history.json").read_text())["journal"] < newest


def test_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    header = {"version": 3, "history": "h", "journal": 1, "count": 0, "entries": []}
    for content in (seal(header), json.dumps({"version": 3, "entries": {}}).encode()):
        (tmp_path / "history.json").write_bytes(content.replace(b"[]}", b"[\n]}\n"))
        before = (tmp_path / "history.json").read_bytes()
        with pytest.raises(UnsupportedVersion) as caught:
            GenerationHistory(tmp_path)
        assert caught.value.found == 3
        assert (tmp_path / "history.json").read_bytes() == before


def test_a_flipped_bit_does_not_make_a_newer_version(folded: Path, tmp_path: Path) -> None:
    expected = contents(damaged_copy(folded, tmp_path))
    copy = damaged_copy(folded, tmp_path)
    text = (copy / "history.json").read_bytes()
    (copy / "history.json").write_bytes(text.replace(b'"version":2', b'"version":3', 1))
    assert contents(copy) == expected


def test_an_altered_line_taken_from_the_backup_gets_the_edits_that_came_after(folded: Path, tmp_path: Path) -> None:
    """Both a document line and a journal line are damaged, so no chain is whole; the edits between must not be lost."""
    copy = damaged_copy(folded, tmp_path)
    document = (copy / "history.json").read_bytes()
    (copy / "history.json").write_bytes(document.replace(b'"rating":2', b'"rating":3', 1))
    journal = (copy / "journal-3.jsonl").read_bytes()
    (copy / "journal-3.jsonl").write_bytes(journal.replace(b"after the fold", b"after the mold", 1))
    with GenerationHistory(copy) as history:
        assert sorted(entry.rating or 0 for entry in history.list_entries()) == [0, 0, 2]


def test_verify_sees_an_altered_sample_a_missing_file_and_a_stranger(folded: Path, tmp_path: Path) -> None:
    copy = damaged_copy(folded, tmp_path)
    first, second, third = sorted((copy / "audio").glob("*.wav"))[:3]
    data = bytearray(first.read_bytes())
    data[60] ^= 1
    first.write_bytes(data)
    third.rename(copy / "audio" / "stranger.wav")
    (copy / "audio" / ".retake-1-1.tmp").write_bytes(b"")
    before = {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()}
    kinds = sorted(finding.kind for finding in verify(copy).findings)
    assert kinds == ["altered audio", "missing audio", "orphan audio", "temporary file"]
    assert {path: path.read_bytes() for path in copy.rglob("*") if path.is_file()} == before
    assert second.exists()


def test_an_audio_path_that_leads_outside_is_neither_read_nor_removed(tmp_path: Path) -> None:
    outside = tmp_path / "precious.wav"
    outside.write_bytes(b"precious")
    root = tmp_path / "history"
    root.mkdir()
    entries = {
        "a": {"entry_id": "a", "timestamp": "t", "model_id": "m", "model_name": "M", "audio_file": "../precious.wav"},
        "b": {"entry_id": "b", "timestamp": "t", "model_id": "m", "model_name": "M", "audio_file": str(outside)},
        "c": {"entry_id": "c", "timestamp": "t", "model_id": "m", "model_name": "M", "audio_file": "audio/link.wav"},
    }
    (root / "history.json").write_text(json.dumps({"version": 1, "entries": entries}))
    (root / "audio").mkdir()
    (root / "audio" / "link.wav").symlink_to(outside)
    with GenerationHistory(root) as history:
        assert history.count() == 3
        for entry_id in entries:
            assert not history.audio_exists(entry_id)
            assert history.spectrogram(entry_id) is None
            assert history.delete_entry(entry_id, permanent=True)
    assert outside.read_bytes() == b"precious"
