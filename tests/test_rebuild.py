"""Guards that the audio files alone bring a history back: every take, every field, with edits and deletions as folded."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import GenerationConfig, GenerationHistory, GenerationResult, HistoryEntry, files
from store.__main__ import main
from store.audio import encode_samples, prepare
from store.repair import rebuild
from store.sounds import carried_entry
from store.verify import verify
from store.wav import read_data_sha256
from tests.conftest import add

ROOT = Path(__file__).parent.parent
AWKWARD = {"prompt": "glass \ud800 \0 كلام", "nan": float("-inf"), "empty": [], "number": {"$number": "NaN"}}


def contents(root: Path) -> dict[str, HistoryEntry]:
    with GenerationHistory(root) as history:
        return {entry.entry_id: entry for entry in (*history.list_entries(), *history.list_entries(deleted=True))}


def order(root: Path) -> list[str]:
    with GenerationHistory(root) as history:
        return [entry.entry_id for entry in history.list_entries()]


def delete_the_index(root: Path) -> None:
    """Leave nothing but the folders of audio and thumbnails."""
    for path in root.iterdir():
        if path.is_file():
            path.unlink()


@contextmanager
def left_unfolded(root: Path) -> Iterator[GenerationHistory]:
    """Open a history as a process does that is killed before it folds."""
    history = GenerationHistory(root)
    yield history
    history._folding.close()
    history._catalog.close()


@pytest.fixture
def folded(tmp_path: Path) -> Path:
    """A history in which everything that can be edited was edited, folded, with nothing waiting."""
    root = tmp_path / "history"
    with GenerationHistory(root) as history:
        entries = [add(history, seed, params={**AWKWARD, "seed": seed}, slider_positions=[]) for seed in range(6)]
        deep = GenerationResult(
            np.linspace(-1, 1, 900).reshape(-1, 3), 96_000, 2**63, GenerationConfig([0.5, 1e-9], bit_depth=32)
        )
        entries.append(history.add_to_history(deep, "m", "M", parent_id=entries[0].entry_id, preset_name="p"))
        history.update_entry(
            entries[0].entry_id, favorite=True, rating=5, tags=["pad", "ß"], note="n" * 3000, title="t"
        )
        history.update_entry(entries[1].entry_id, rating=1)
        history.fold()
        history.update_entry(entries[1].entry_id, rating=None, title="renamed after the first fold")
        history.delete_entry(entries[2].entry_id)
        history.delete_entry(entries[3].entry_id)
        history.restore_entry(entries[3].entry_id)
        history.delete_entry(entries[4].entry_id, permanent=True)
    return root


def by_the_app(root: Path) -> None:
    GenerationHistory(root).close()


def by_the_command_line(root: Path) -> None:
    subprocess.run([sys.executable, "-m", "store", "rebuild", str(root)], check=True, cwd=ROOT, capture_output=True)


@pytest.mark.parametrize("bring_back", [by_the_app, by_the_command_line])
def test_every_field_of_every_take_comes_back_from_the_audio_alone(
    folded: Path, bring_back: Callable[[Path], None]
) -> None:
    expected, newest_first = contents(folded), order(folded)
    assert len(expected) == 6
    delete_the_index(folded)
    bring_back(folded)
    assert str(contents(folded)) == str(expected), "str, because NaN is not equal to itself"
    assert order(folded) == newest_first
    assert verify(folded).good


def test_a_fold_writes_edits_into_the_audio_file_and_leaves_its_samples(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history, params=AWKWARD)
        path = history.audio_path(entry.entry_id)
        before = hash_of(path)
        edited = history.update_entry(entry.entry_id, rating=4, note="later")
        assert carried_entry(path) == entry.to_document(), "not before a fold"
        history.fold()
        assert carried_entry(path) == edited.to_document()
        assert hash_of(path) == before == edited.audio_sha256


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return read_data_sha256(file)


def test_an_audio_file_that_grows_for_a_long_note_is_counted_at_its_new_size(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        history.update_entry(entry.entry_id, note="n" * 100_000)
        history.fold()
        size_bytes = history.audio_path(entry.entry_id).stat().st_size
        assert size_bytes > 100_000
        found = history.get(entry.entry_id)
        assert found is not None
        assert found.size_bytes == size_bytes == history.get_total_size()
    assert verify(tmp_path).good


def test_edits_that_no_fold_has_merged_are_the_only_thing_that_audio_alone_does_not_know(tmp_path: Path) -> None:
    with left_unfolded(tmp_path) as history:
        entry = add(history)
        history.fold()
        history.update_entry(entry.entry_id, rating=4)
    delete_the_index(tmp_path)
    with GenerationHistory(tmp_path) as history:
        assert history.get(entry.entry_id) == entry
        assert any("What cannot be known: edits" in problem for problem in history.problems)


def test_samples_that_are_not_the_takes_own_are_not_copied_into_a_new_file(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        path = history.audio_path(entry.entry_id)
        data = bytearray(path.read_bytes())
        data[60] ^= 1
        path.write_bytes(data)
        history.update_entry(entry.entry_id, rating=4)
        history.fold()
        assert path.read_bytes() == data
        assert any("samples are not those that were saved" in problem for problem in history.problems)
    assert contents(tmp_path)[entry.entry_id].rating == 4


def test_a_copy_whose_samples_went_wrong_never_takes_the_name_of_the_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of memory or disk while the file is copied; the next fold with an edit does it again."""
    from store import calls

    real = calls.write

    def flipping(descriptor: int, data: memoryview, at: int | None = None) -> int:
        damaged = bytearray(data)
        if damaged.startswith(b"RIFF"):
            damaged[60] ^= 1
        return real(descriptor, memoryview(damaged), at)

    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        path = history.audio_path(entry.entry_id)
        before = path.read_bytes()
        history.update_entry(entry.entry_id, rating=4)
        with monkeypatch.context() as patch:
            patch.setattr(calls, "write", flipping)
            history.fold()
        assert path.read_bytes() == before
        assert any("did not survive being copied" in problem for problem in history.problems)


def test_a_take_that_is_purged_while_a_fold_writes_its_file_does_not_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fold's copy must not take the name that a purge has just freed: an orphan would be a take again."""
    with GenerationHistory(tmp_path) as history, GenerationHistory(tmp_path) as other:
        entry = add(history)
        history.update_entry(entry.entry_id, rating=4)
        path = history.audio_path(entry.entry_id)
        real = files.create

        def create(name: Path, *more: Any, **named: Any) -> None:
            if name == path:
                other.delete_entry(entry.entry_id, permanent=True)
            real(name, *more, **named)

        monkeypatch.setattr(files, "create", create)
        history.fold()
        assert not path.exists()
        assert history.get(entry.entry_id) is None
    assert list((tmp_path / "audio").iterdir()) == []


def test_files_that_carry_no_take_and_second_copies_are_named_and_left(folded: Path) -> None:
    expected = contents(folded)
    entry = next(iter(expected.values()))
    wav, _ = encode_samples(prepare([0.0, 0.5] * 100, 48_000, 16))
    (folded / "audio" / "from elsewhere.wav").write_bytes(wav)
    shutil.copy(folded / entry.audio_file, folded / "audio" / "a copy.wav")
    shutil.copy(folded / entry.audio_file, folded / "audio" / "zzz copy.wav")
    before = {path: path.read_bytes() for path in (folded / "audio").iterdir()}
    delete_the_index(folded)
    rebuilt = rebuild(folded)
    assert (rebuilt.takes, rebuilt.from_audio) == (6, 6)
    notes = "\n".join(rebuilt.notes)
    assert "carry no take were left as they are: from elsewhere.wav" in notes
    assert re.search(r"another file carries too were left as they are: a copy.wav and 1 more", notes)
    assert str(contents(folded)) == str(expected)
    assert {path: path.read_bytes() for path in (folded / "audio").iterdir()} == before


def test_rebuilding_a_whole_history_changes_nothing_and_takes_back_what_only_audio_knows(folded: Path) -> None:
    expected = contents(folded)
    assert rebuild(folded).from_audio == 0
    assert str(contents(folded)) == str(expected)
    with GenerationHistory(folded.with_name("other")) as history:
        foreign = add(history, 9)
        shutil.copy(history.audio_path(foreign.entry_id), folded / "audio")
    rebuilt = rebuild(folded)
    assert (rebuilt.takes, rebuilt.from_audio) == (7, 1)
    assert contents(folded)[foreign.entry_id] == foreign


def test_a_rebuild_says_how_far_it_is_and_how_it_ended(folded: Path, capsys: pytest.CaptureFixture[str]) -> None:
    delete_the_index(folded)
    told: list[tuple[int, int]] = []
    rebuild(folded, lambda done, of: told.append((done, of)))
    assert told == [(number, 6) for number in range(1, 7)]
    delete_the_index(folded)
    assert main(["rebuild", str(folded)]) == 0
    assert "6 takes, 6 of them from audio files alone" in capsys.readouterr().out


def test_a_rebuild_of_many_takes_ends_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        made = [add(history, seed).entry_id for seed in range(40)]
    delete_the_index(tmp_path)
    assert order(tmp_path) == made[::-1]


def test_the_fold_of_a_history_that_is_read_meanwhile_never_shows_a_missing_sound(tmp_path: Path) -> None:
    """Rewriting a file for its tags replaces it in one step."""
    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        path = history.audio_path(entry.entry_id)
        until = time.monotonic() + 1
        while time.monotonic() < until:
            history.update_entry(entry.entry_id, note=str(time.monotonic()))
            history._folding._fold()
            assert hash_of(path) == entry.audio_sha256
