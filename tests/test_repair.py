"""Guards what `verify` finds and what `repair` does about it: nothing deleted, nothing done unasked, all of it said."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from store import GenerationHistory, HistoryEntry
from store.__main__ import main
from store.entry import THUMBNAIL_FOLDER
from store.repair import plan_repair, repair
from store.snapshot import embed_snapshot
from store.sounds import carried_entry
from store.verify import verify
from tests.conftest import add

TAKES = 12


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A history with a document, a backup, edits in both, and nothing waiting."""
    with GenerationHistory(tmp_path / "history") as history:
        entries = [add(history, seed) for seed in range(TAKES)]
        history.fold()
        history.update_entry(entries[0].entry_id, rating=3)
        history.delete_entry(entries[1].entry_id)
    return tmp_path / "history"


def contents(root: Path) -> list[HistoryEntry]:
    with GenerationHistory(root) as history:
        return [*history.list_entries(), *history.list_entries(deleted=True)]


def tree(root: Path) -> dict[str, str]:
    """Return every file with the hash of its bytes, without the catalog."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and not path.name.startswith("catalog.")
    }


def wavs(root: Path) -> list[Path]:
    return sorted((root / "audio").glob("*.wav"))


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def flip_a_sample(root: Path) -> None:
    flip(wavs(root)[0], 60)


def flip_a_tag(root: Path) -> None:
    data = wavs(root)[0].read_bytes()
    flip(wavs(root)[0], data.index(b"params") + 2)


def lose_a_sound(root: Path) -> None:
    wavs(root)[0].unlink()


def lose_the_data_chunk(root: Path) -> None:
    path = wavs(root)[0]
    path.write_bytes(path.read_bytes()[:100])


def lose_a_thumbnail(root: Path) -> None:
    next((root / THUMBNAIL_FOLDER).iterdir()).unlink()


def flip_a_thumbnail(root: Path) -> None:
    flip(next((root / THUMBNAIL_FOLDER).iterdir()), 200)


def cut_a_thumbnail(root: Path) -> None:
    path = next((root / THUMBNAIL_FOLDER).iterdir())
    path.write_bytes(path.read_bytes()[:-12])


def rename_a_sound(root: Path) -> None:
    wavs(root)[0].rename(root / "audio" / "kick, final.wav")


def put_a_stranger(root: Path) -> None:
    (root / "audio" / "stranger.wav").write_bytes(b"RIFF")


def leave_a_temporary(root: Path) -> None:
    (root / "audio" / ".retake-1-1.tmp").write_bytes(b"half")


def flip_the_document(root: Path) -> None:
    flip(root / "history.json", 400)


def flip_the_backup(root: Path) -> None:
    flip(root / "history.json.bak", 400)


def lose_the_backups_journal(root: Path) -> None:
    min(root.glob("journal-*.jsonl")).unlink()


FOUND = {
    flip_a_sample: ["altered audio"],
    flip_a_tag: ["altered tags"],
    lose_a_sound: ["missing audio"],
    lose_the_data_chunk: ["altered audio"],
    lose_a_thumbnail: ["missing thumbnail"],
    flip_a_thumbnail: ["altered thumbnail"],
    cut_a_thumbnail: ["altered thumbnail"],
    rename_a_sound: ["missing audio", "orphan audio"],
    put_a_stranger: ["orphan audio"],
    leave_a_temporary: ["temporary file"],
    flip_the_document: ["damaged index"],
    flip_the_backup: ["damaged index"],
}
CANNOT_HELP = (flip_a_sample, lose_a_sound, lose_the_data_chunk, put_a_stranger)


@pytest.mark.parametrize("harm", FOUND, ids=lambda harm: harm.__name__)
def test_verify_finds_it_and_writes_nothing(root: Path, harm: Callable[[Path], None]) -> None:
    harm(root)
    before = tree(root)
    assert sorted(finding.kind for finding in verify(root).findings) == FOUND[harm]
    plan_repair(root)
    assert main(["repair", "--dry-run", str(root)]) == (0 if harm is leave_a_temporary else 1)
    assert tree(root) == before


@pytest.mark.parametrize("harm", [*FOUND, lose_the_backups_journal], ids=lambda harm: harm.__name__)
def test_repair_puts_right_what_can_be_and_keeps_every_file(root: Path, harm: Callable[[Path], None]) -> None:
    expected = contents(root)
    harm(root)
    sounds_before = {hashlib.sha256(path.read_bytes()).hexdigest() for path in wavs(root)}
    damaged = {hash_ for name, hash_ in tree(root).items() if name.startswith(("history.json", "journal-"))}
    assert main(["repair", "--yes", str(root)]) == (1 if harm in CANNOT_HELP else 0)
    if harm is not rename_a_sound:
        assert contents(root) == expected
    if harm not in (flip_a_tag, rename_a_sound):  # whose takes are written into them again
        assert sounds_before == {hashlib.sha256(path.read_bytes()).hexdigest() for path in wavs(root)}
    if harm in (flip_the_document, flip_the_backup):
        kept = {hash_ for name, hash_ in tree(root).items() if ".damaged-" in name}
        assert kept & damaged, "the evidence is set aside"
    assert main(["repair", "--dry-run", str(root)]) == (1 if harm in CANNOT_HELP else 0)


def test_a_sound_under_another_name_is_the_takes_again(root: Path) -> None:
    expected = {entry.entry_id: entry for entry in contents(root)}
    rename_a_sound(root)
    repair(root, plan_repair(root))
    for entry in contents(root):
        before = expected[entry.entry_id]
        assert entry.audio_sha256 == before.audio_sha256
        assert (entry.audio_file == before.audio_file) == (entry.audio_file != "audio/kick, final.wav")
    assert verify(root).good


def test_a_sound_that_lost_name_and_tags_is_known_by_its_samples(root: Path) -> None:
    path = wavs(root)[0]
    bare = path.read_bytes().replace(b"id3 ", b"junk")
    path.unlink()
    (root / "audio" / "exported.wav").write_bytes(bare)
    repair(root, plan_repair(root))
    assert [entry.audio_file for entry in contents(root)].count("audio/exported.wav") == 1
    assert verify(root).good
    assert not plan_repair(root).left


def test_an_orphan_with_its_take_inside_is_taken_back_with_every_field(root: Path, tmp_path: Path) -> None:
    with GenerationHistory(tmp_path / "other") as other:
        foreign = other.update_entry(add(other, 99).entry_id, title="from the other history", rating=4)
        other.fold()
        (root / "audio" / f"{foreign.entry_id}.wav").write_bytes(other.audio_path(foreign.entry_id).read_bytes())
    assert main(["repair", str(root)]) == 0
    assert foreign in contents(root)


def test_a_drive_that_is_not_mounted_costs_nothing_without_a_second_yes(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = contents(root)
    (root / "audio").rename(root / "elsewhere")
    (root / "audio").mkdir()
    (root / THUMBNAIL_FOLDER).rename(root / "elsewhere too")
    (root / THUMBNAIL_FOLDER).mkdir()
    before = tree(root)
    monkeypatch.setattr(sys, "stdin", io.StringIO("yes\n"))
    assert plan_repair(root).drastic
    assert main(["repair", str(root)]) == 1, "there is nothing that repair could do"
    assert tree(root) == before
    (root / "audio").rmdir()
    (root / "elsewhere").rename(root / "audio")
    assert main(["repair", str(root)]) == 3, "twelve waveforms to draw are more than a tenth"
    assert "Is a drive not mounted?" in capsys.readouterr().err
    assert list((root / THUMBNAIL_FOLDER).iterdir()) == []
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    assert main(["repair", str(root)]) == 0, "somebody at a terminal said yes"
    assert contents(root) == expected


def test_tags_of_another_program_stay_when_the_take_is_written_beside_them(root: Path) -> None:
    from mutagen.id3 import TIT2
    from mutagen.wave import WAVE

    path = wavs(root)[0]
    file = WAVE(path)
    file.tags.add(TIT2(encoding=3, text=["Somebody's title"]))
    file.save()
    assert [finding.kind for finding in verify(root).findings] == ["altered tags"]
    assert main(["repair", str(root)]) == 0
    assert WAVE(path).tags["TIT2"].text == ["Somebody's title"]
    carried = carried_entry(path)
    assert carried is not None
    assert carried["entry_id"] == path.stem


def test_edits_that_could_not_reach_the_audio_file_reach_it_by_repair(root: Path) -> None:
    path = wavs(root)[0]
    whole = path.read_bytes()
    path.rename(path.with_suffix(".away"))
    with GenerationHistory(root) as history:
        entry = history.update_entry(path.stem, note="while the sound was away")
        history.fold()
    path.write_bytes(whole)
    assert verify(root).behind == (entry.entry_id,)
    assert main(["repair", str(root)]) == 0
    assert carried_entry(path) == entry.to_document()
    assert verify(root).behind == ()


def test_a_sound_that_carries_another_take_is_never_written_to(root: Path) -> None:
    first, second = wavs(root)[:2]
    foreign = embed_snapshot(second.read_bytes(), '{"entry_id":"x","timestamp":"t","model_id":"m","model_name":"M"}')
    second.write_bytes(foreign)
    with GenerationHistory(root) as history:
        history.update_entry(second.stem, note="edited")
        history.fold()
        assert any("it is the sound of take x" in problem for problem in history.problems)
    assert second.read_bytes() == foreign
    assert first.exists()


@pytest.mark.parametrize("command", ["stats", "verify", "repair", "rebuild"])
def test_a_folder_that_is_not_there_is_an_error_and_is_not_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    missing = tmp_path / "missing"
    assert main([command, str(missing)]) == 2
    assert "is not a folder" in capsys.readouterr().err
    assert not missing.exists()
