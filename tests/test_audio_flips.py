"""Guards that `verify` finds every change of a take's WAV file: of its samples, its snapshot, and what no player needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from store import GenerationHistory, HistoryEntry
from store.verify import ALTERED_AUDIO, ALTERED_TAGS, verify
from tests.conftest import tone
from tests.damage import flipped, scratch
from tests.figures import Figures, tier

SLICES = 4
ODD_FRAMES = 9  # 27 bytes of samples: a padding byte follows them


@pytest.fixture(scope="module")
def take() -> Iterator[tuple[Path, HistoryEntry]]:
    """A history of one short take, edited, so that its file was written again by a fold."""
    with scratch() as root:
        with GenerationHistory(root) as history:
            entry = history.add_to_history(tone(frames=ODD_FRAMES), "synth", "Synth", params={"note": "Ünï"})
            history.update_entry(entry.entry_id, rating=4, tags=["pad"])
        assert verify(root).good
        yield root, entry


def finds(root: Path, path: Path, data: bytes) -> bool:
    """Say whether `verify` finds the take's file altered when it holds `data`."""
    path.write_bytes(data)
    kinds = {finding.kind for finding in verify(root).findings if finding.path == path}
    return bool(kinds & {ALTERED_AUDIO, ALTERED_TAGS})


@pytest.mark.proof
@pytest.mark.parametrize("part", range(SLICES))
def test_no_bit_of_a_take_is_flipped_unseen(take: tuple[Path, HistoryEntry], figures: Figures, part: int) -> None:
    root, entry = take
    path = root / entry.audio_file
    wav = path.read_bytes()
    bits = range(part * tier(9, 1), 8 * len(wav), SLICES * tier(9, 1))
    unseen = [divmod(bit, 8) for bit in bits if not finds(root, path, flipped(wav, bit))]
    path.write_bytes(wav)
    assert unseen == [], "(byte, bit)"
    figures.add("audio: bits flipped", flips=len(bits), of_all=2 * len(wav), unseen=0)


@pytest.mark.proof
def test_no_take_is_cut_or_lengthened_unseen(take: tuple[Path, HistoryEntry], figures: Figures) -> None:
    root, entry = take
    path = root / entry.audio_file
    wav = path.read_bytes()
    lengths = range(0, len(wav), tier(5, 1))
    unseen = [length for length in lengths if not finds(root, path, wav[:length])]
    appended = [more for more in (b"\0", b"\xff", wav[-1:], bytes(512), wav) if not finds(root, path, wav + more)]
    path.write_bytes(wav)
    assert unseen == []
    assert appended == []
    figures.add("audio: files cut", lengths=len(lengths), unseen=0)


def test_all_zeros_and_another_takes_sound_are_seen(take: tuple[Path, HistoryEntry], tmp_path: Path) -> None:
    root, entry = take
    path = root / entry.audio_file
    wav = path.read_bytes()
    with GenerationHistory(tmp_path) as other:
        stranger = other.add_to_history(tone(1, ODD_FRAMES), "synth", "Synth")
    foreign = (tmp_path / stranger.audio_file).read_bytes()
    swapped = [finds(root, path, data) for data in (bytes(len(wav)), foreign, b"")]
    path.write_bytes(wav)
    assert swapped == [True, True, True]
    assert verify(root).good
