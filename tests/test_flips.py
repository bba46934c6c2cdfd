"""Guards that no damage to the index costs a take or passes in silence: every bit, every length, every mix-up of files."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from store import GenerationHistory
from store.verify import verify
from tests import reference
from tests.damage import (
    BACKUP,
    DOCUMENT,
    FOLDED,
    INDEX_FILES,
    NEWEST,
    Original,
    flipped,
    hashes,
    make_small_history,
    scratch,
)
from tests.figures import Figures, tier
from tests.reference import Entry

EVERY_BIT = tier(211, 1)  # a number without common factors with 8, so that every place of a byte has its turn
EVERY_LENGTH = tier(61, 1)
SLICES = 4
CARRIED_LATER = ("size_bytes",)  # a fold writes edits into the audio file, which may change its size


@dataclass(frozen=True)
class Damaged:
    """One damage: what files of the index are replaced by (None: removed), and what it is called."""

    name: str
    files: dict[str, bytes | None]


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.fixture(scope="module")
def original(memory: Path) -> Original:
    make_small_history(memory / "original")
    return Original.at(memory / "original")


@pytest.fixture(scope="module")
def stranger(memory: Path) -> Original:
    """Another history with the same files."""
    make_small_history(memory / "stranger", seed=50)
    return Original.at(memory / "stranger")


def carried(original: Original) -> list[Entry]:
    """Return the takes as their audio files carry them, by the store's own reading of a WAV."""
    from store.sounds import audio_files, carried_entry

    return [entry for path in audio_files(original.root) if (entry := carried_entry(path))]


def expected(original: Original, damage: Damaged) -> list[Entry]:
    """Return what must be there: everything but what stood only on lines of the newest journal that are nowhere whole.

    A take whose line was damaged is there as its audio file carries it.
    """
    entries = {entry["entry_id"]: dict(entry) for entry in json.loads(original.index[DOCUMENT])["entries"]}
    lines = original.index[NEWEST].split(b"\n")[1:-1]
    left = {line for data in {**original.index, **damage.files}.values() for line in (data or b"").split(b"\n")[:-1]}
    alive = [line for line in lines if line in left]
    dead = [json.loads(line) for line in lines if line not in left]
    lost_takes = {change["add"]["entry_id"] for change in dead if "add" in change}
    for entry in carried(original):
        if entry["entry_id"] in lost_takes:
            entries[entry["entry_id"]] = entry
    reference.change(entries, alive)
    return [reference.plain(entry) for entry in entries.values()]


def found_in(root: Path) -> tuple[list[Entry], tuple[str, ...]]:
    """Open a history, and return every entry and what it says of damage."""
    with GenerationHistory(root) as history:
        entries = [*history.list_entries(), *history.list_entries(deleted=True)]
        return [entry.to_document() for entry in entries], history.problems


def by_id(entries: list[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: entry["entry_id"])


def is_kept(root: Path, name: str, data: bytes) -> bool:
    """Say whether the damaged bytes of a file are still somewhere: in front of what came after, set aside, or cut."""
    left = [path.read_bytes() for path in root.glob(f"{name}*") if path.is_file()]
    return any(kept.startswith(data) or (kept and data.endswith(kept)) for kept in left)


def survives(original: Original, copy: Path, damage: Damaged, unseen: bool = False) -> None:
    """Check every promise about one damaged file; `unseen` is for damage that leaves a history as it once was."""
    original.copy_to(copy, damage.files)
    before = hashes(copy)
    checked = verify(copy)
    assert hashes(copy) == before, f"{damage.name}: verify writes nothing"
    assert unseen or not checked.good, f"{damage.name}: verify finds it"
    entries, problems = found_in(copy)
    wanted = by_id(expected(original, damage))
    assert reference.same(by_id(entries), wanted, CARRIED_LATER), f"{damage.name}: {problems}"
    again, _ = found_in(copy)
    assert reference.same(by_id(again), wanted, CARRIED_LATER), f"{damage.name}: what was repaired stays repaired"
    for name, data in damage.files.items():
        if data and name in INDEX_FILES:
            assert unseen or is_kept(copy, name, data), f"{damage.name}: the evidence is kept"


def test_the_small_history_has_something_of_everything(original: Original) -> None:
    entries = reference.read(original.root)
    assert sorted(path.name for path in original.root.iterdir() if path.name in INDEX_FILES) == sorted(INDEX_FILES)
    assert {bool(entry["favorite"]) for entry in entries} == {True, False}
    assert any(entry["tags"] for entry in entries)
    assert any("\u2028" in json.dumps(entry, ensure_ascii=False) for entry in entries)
    kinds = {
        next(iter(json.loads(line).keys() - {"crc"} & {"add", "set", "del"}))
        for line in original.index[NEWEST].split(b"\n")[1:-1]
    }
    assert kinds == {"add", "set", "del"}
    assert verify(original.root).good


@pytest.mark.proof
@pytest.mark.parametrize("part", range(SLICES))
@pytest.mark.parametrize("name", INDEX_FILES)
def test_no_flipped_bit_of_the_index_costs_anything_or_passes_in_silence(
    original: Original, memory: Path, figures: Figures, name: str, part: int
) -> None:
    data = original.index[name]
    bits = range(part * EVERY_BIT, 8 * len(data), SLICES * EVERY_BIT)
    for bit in bits:
        survives(original, memory / "copy", Damaged(f"bit {bit} of {name}", {name: flipped(data, bit)}))
    figures.add("index: bits flipped", flips=len(bits), of_all=2 * len(data), takes_lost=0, unreported=0)


def lengths(data: bytes) -> list[int]:
    """Return the lengths a file is cut to: those in turn, and those around every line's end."""
    ends = [at for at, byte in enumerate(data) if byte == ord("\n")]
    around = {end + beside for end in ends for beside in (-1, 0, 1, 2)}
    return sorted(length for length in {*range(0, len(data), EVERY_LENGTH), *around} if length < len(data))


@pytest.mark.proof
@pytest.mark.parametrize("name", INDEX_FILES)
def test_no_length_a_file_of_the_index_is_cut_to_costs_anything_or_passes_in_silence(
    original: Original, memory: Path, figures: Figures, name: str
) -> None:
    """The newest journal cut where a line ends looks like a history before that line: the catalog knows better."""
    data = original.index[name]
    for length in lengths(data):
        files: dict[str, bytes | None] = {name: data[:length]}
        survives(original, memory / "copy", Damaged(f"{name} cut to {length}", {**files, **original.catalog}))
    figures.add("index: files cut", lengths=len(lengths(data)), takes_lost=0, unreported=0)


def whole_file_damages(original: Original, stranger: Original) -> Iterator[Damaged]:
    """Yield damages of one file as a whole: rubbish, zeros in each block, removed, another history's."""
    for name, data in original.index.items():
        rubbish = {
            "empty": b"",
            "zeros": bytes(len(data)),
            "an object": b"{}",
            "null": b"null",
            "a list": b"[]",
            "no UTF-8": b"\xff\xfe",
            "deep": b"[" * 100_000,
            "another history's": stranger.index[name],
            "removed": None,
        }
        for what, content in rubbish.items():
            yield Damaged(f"{name}: {what}", {name: content})
        for start in range(0, len(data), 512):
            block = data[:start] + bytes(len(data[start : start + 512])) + data[start + 512 :]
            yield Damaged(f"{name}: zeros at {start}", {name: block})


@pytest.mark.proof
def test_no_file_of_the_index_can_be_replaced_unseen(
    original: Original, stranger: Original, memory: Path, figures: Figures
) -> None:
    damages = list(whole_file_damages(original, stranger))
    for damage in damages:
        survives(original, memory / "copy", damage)
    figures.add("index: files replaced", damages=len(damages), takes_lost=0, unreported=0)


def test_an_older_version_of_a_file_costs_nothing(original: Original, memory: Path) -> None:
    """The backup in the document's place is a history whose last fold did not come to its end: nothing is lost."""
    older = Damaged("the document before", {DOCUMENT: original.index[BACKUP]})
    survives(original, memory / "copy", older, unseen=True)
    header, *lines = original.index[NEWEST].splitlines(keepends=True)
    for kept in range(len(lines)):
        before = Damaged(
            f"the newest journal {kept} lines ago",
            {NEWEST: header + b"".join(lines[:kept]), **original.catalog},
        )
        survives(original, memory / "copy", before)


@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(INDEX_FILES, 2)))
def test_two_exchanged_files_cost_nothing(original: Original, memory: Path, one: str, other: str) -> None:
    """Document and backup the other way round are two whole chains as well, so there is nothing to report."""
    exchanged = Damaged(f"{one} and {other}", {one: original.index[other], other: original.index[one]})
    survives(original, memory / "copy", exchanged, unseen=(one, other) == (DOCUMENT, BACKUP))


@pytest.mark.proof
def test_when_everything_is_damaged_all_that_the_audio_files_hold_comes_back(
    original: Original, memory: Path, figures: Figures
) -> None:
    tries = tier(20, 500)
    for seed in range(tries):
        rng = random.Random(seed)
        damage: dict[str, bytes | None] = {}
        for name, data in original.index.items():
            some = flipped(data, rng.randrange(8 * len(data)))
            damage[name] = rng.choice([None, b"", bytes(len(data)), data[: rng.randrange(len(data))], some, some])
        copy = original.copy_to(memory / "copy", damage)
        assert not verify(copy).good, f"seed {seed}"
        entries, problems = found_in(copy)
        ids = {entry["entry_id"] for entry in entries}
        for entry in carried(original):
            assert entry["entry_id"] in ids, f"seed {seed}: {problems}"
        assert problems, f"seed {seed}"
        assert reference.same(by_id(found_in(copy)[0]), by_id(entries), CARRIED_LATER), f"seed {seed}"
    figures.add("index: all files damaged at once", damages=tries, takes_lost=0, unreported=0)


def test_the_audio_was_not_changed_by_any_of_this(original: Original) -> None:
    """The copies share the audio with the original; a store that wrote into a file would have changed it."""
    assert verify(original.root).good
    assert FOLDED in original.index
