"""Guards that the catalog is never believed: whatever becomes of its file, the answers are those of the JSON."""

from __future__ import annotations

import errno
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from store import EntryNotFound, GenerationHistory, HistoryEntry, calls, document
from store import database as database_module
from store.document import Header
from store.journal import JournalHeader, name_of
from store.lines import seal
from store.rows import DOCUMENT, row_crc
from store.values import dumps
from tests import reference
from tests.conftest import add
from tests.damage import CATALOG_FILES, append, flipped, scratch, seal_of
from tests.figures import Figures, tier

TAKES = 60
FIRST = datetime(2026, 1, 1, tzinfo=timezone.utc)
CATALOG, SEAL = CATALOG_FILES
ASKED: list[dict[str, Any]] = [
    {},
    {"deleted": True},
    {"sort": "oldest"},
    {"sort": "longest"},
    {"sort": "loudest"},
    {"model_id": "voice"},
    {"favorite": True},
    {"favorite": False, "min_rating": 3},
    {"min_rating": 1},
    {"tags": ["pad"]},
    {"tags": ["pad", "ß"]},
    {"to_check": True},
    {"since": (FIRST + timedelta(minutes=20)).timestamp(), "until": (FIRST + timedelta(minutes=40)).timestamp()},
    {"query": "glass"},
    {"query": "glass be"},
    {"query": "rain", "model_id": "synth", "deleted": True},
    {"query": "nothing has this"},
]


def entry_of(number: int, seed: int = 0) -> dict[str, Any]:
    """Return an entry without a sound: the catalog never looks at one."""
    rng = random.Random(1_000 * seed + number)
    entry_id = f"{rng.getrandbits(32):08x}-0000-4000-8000-{number:012d}"
    words = " ".join(rng.choices(["glass", "bell", "rain", "tape", "kettle", "brass"], k=3))
    fields = HistoryEntry(
        entry_id=entry_id,
        timestamp=(FIRST + timedelta(minutes=number)).isoformat(timespec="microseconds"),
        model_id=rng.choice(["synth", "voice", "tape"]),
        model_name="A model",
        seed=number,
        params={"prompt": words, "brightness": rng.random()},
        duration_s=rng.random(),
        audio_file=f"audio/{entry_id}.wav",
        thumbnail_file=f"thumbnails/{entry_id}.png",
        quality_score={"rms_dbfs": -30 * rng.random(), "rating": rng.choice(["green", "yellow", "red"])},
        size_bytes=rng.randrange(10_000),
        favorite=rng.random() < 0.3,
        rating=rng.choice([None, 1, 2, 3, 4, 5]),
        tags=rng.sample(["pad", "ß", "late"], rng.randrange(3)),
        note=rng.choice(["", "Ünïcode"]),
        deleted_at=FIRST.isoformat() if rng.random() < 0.2 else None,
    )
    return fields.to_document()


def make_index(root: Path, seed: int = 0) -> None:
    """Write a document of entries, and a journal that changes and removes some."""
    entries = [entry_of(number, seed) for number in range(TAKES)]
    history_id = f"history-{seed}"
    lines = (seal(entry) for entry in entries)
    root.mkdir(parents=True)
    (root / "history.json").write_bytes(b"".join(document.write_lines(Header(2, history_id, 1, TAKES), lines)))
    changes: list[dict[str, Any]] = [
        {"set": entries[3]["entry_id"], "to": {"rating": 5, "tags": ["pad", "ß"]}},
        {"del": entries[4]["entry_id"]},
        {"set": entries[5]["entry_id"], "to": {"deleted_at": None, "title": "glass"}},
        {"add": entry_of(TAKES, seed)},
        {"set": entries[6]["entry_id"], "to": {"favorite": True}},
    ]
    header = JournalHeader(2, history_id, 1, 0).line()
    (root / name_of(2)).write_bytes(header + b"".join(seal(change) + b"\n" for change in changes))


def close_without_folding(history: GenerationHistory) -> None:
    history._folding.close()
    history._catalog.close()


def opened_once(root: Path) -> Path:
    """Let a history build its catalog and close it."""
    with GenerationHistory(root) as history:
        history.count()
    return root


def reseal(root: Path) -> None:
    """Forge the seal, so that a lie in the catalog is believed as far as it can be."""
    for name in (f"{CATALOG}-wal", f"{CATALOG}-shm"):
        (root / name).unlink(missing_ok=True)
    (root / SEAL).write_bytes(seal_of((root / CATALOG).read_bytes()))


def tell(root: Path, lie: str, *values: object) -> None:
    database = sqlite3.connect(root / CATALOG)
    database.execute(lie, values)
    database.commit()
    database.close()


def check_answers(history: GenerationHistory, root: Path, why: object = "") -> None:
    """Compare every kind of answer with one computed from the JSON alone."""
    entries = reference.read(root)
    answers = reference.Answers(entries)
    for asked in ASKED:
        listed = history.list_entries(**asked)
        wanted = answers.list(**asked)
        assert [entry.entry_id for entry in listed] == wanted, (why, asked)
        unsorted = {name: value for name, value in asked.items() if name != "sort"}
        assert history.count(**unsorted) == len(wanted), (why, asked)
        assert [entry.entry_id for entry in history.list_entries(**asked, limit=3, offset=2)] == wanted[2:5], (
            why,
            asked,
        )
    for entry in entries:
        found = history.get(entry["entry_id"])
        assert reference.same([found.to_document()] if found else [], [entry]), (why, entry["entry_id"])
    assert history.get(entry_of(4)["entry_id"]) is None, why
    assert {facet.value: facet.count for facet in history.tags()} == answers.count_by(lambda e: e["tags"]), why
    assert {facet.value: facet.count for facet in history.models()} == answers.count_by(lambda e: [e["model_id"]]), why
    assert [history.get_total_size(), history.get_total_size(False)] == [answers.size(), answers.size(False)], why
    before = history.revision()
    assert history.revision() == before, why
    if len(entries) == TAKES:
        history.update_entry(entries[0]["entry_id"], note="another")
        assert history.revision() != before, why


@pytest.fixture(scope="module")
def memory() -> Iterator[Path]:
    with scratch() as folder:
        yield folder


@pytest.fixture(scope="module")
def closed(memory: Path) -> Path:
    """A history whose catalog was closed."""
    make_index(memory / "closed")
    return opened_once(memory / "closed")


@pytest.fixture
def root(closed: Path, tmp_path: Path) -> Path:
    """A copy of it, to be lied to."""
    return Path(shutil.copytree(closed, tmp_path / "history"))


def is_right(root: Path, why: object = "") -> tuple[str, ...]:
    """Open the history, compare its answers, and return what it says of damage."""
    history = GenerationHistory(root)
    check_answers(history, root, why)
    close_without_folding(history)
    return history.problems


def test_a_catalog_that_was_not_touched_is_used_as_it_is(root: Path) -> None:
    """The answers would be right as well if it were built again each time; it must not be."""
    tell(root, "UPDATE entries SET model_id = 'a lie'")
    reseal(root)
    with GenerationHistory(root) as history:
        assert history.count(model_id="a lie") > 0


def damage_bytes(path: Path, step: int) -> None:
    data = bytearray(path.read_bytes())
    for at in range(step, len(data), step):
        data[at] ^= 0x41
    path.write_bytes(data)


LIES: dict[str, Callable[[Path], object]] = {
    "removed": lambda root: (root / CATALOG).unlink(),
    "removed with its seal": lambda root: [(root / name).unlink() for name in (CATALOG, SEAL)],
    "empty": lambda root: (root / CATALOG).write_bytes(b""),
    "cut": lambda root: os.truncate(root / CATALOG, (root / CATALOG).stat().st_size // 2),
    "one page short": lambda root: os.truncate(root / CATALOG, (root / CATALOG).stat().st_size - 4096),
    "longer": lambda root: os.truncate(root / CATALOG, (root / CATALOG).stat().st_size + 4096),
    "rubbish": lambda root: (root / CATALOG).write_bytes(b"rubbish" * 3_000),
    "a byte in 997": lambda root: damage_bytes(root / CATALOG, 997),
    "a byte in 4001": lambda root: damage_bytes(root / CATALOG, 4_001),
    "a column": lambda root: tell(root, "UPDATE entries SET favorite = 1 - favorite"),
    "a document": lambda root: tell(root, "UPDATE entries SET document = replace(document, 'glass', 'grass')"),
    "too few takes": lambda root: tell(root, "DELETE FROM entries WHERE n % 2"),
    "totals": lambda root: tell(root, "UPDATE totals SET takes = takes + 1, size_bytes = 0"),
    "tags": lambda root: tell(root, "DELETE FROM tags WHERE tag = 'pad'"),
    "words": lambda root: tell(root, "DELETE FROM words WHERE rowid < 20"),
    "an index": lambda root: tell(root, "DROP INDEX by_time"),
    "no state": lambda root: tell(root, "DELETE FROM state"),
    "another version": lambda root: tell(root, "PRAGMA user_version = 99"),
    "a seal that is rubbish": lambda root: (root / SEAL).write_bytes(b"rubbish"),
    "no seal": lambda root: (root / SEAL).unlink(),
    "a seal of another file": lambda root: (root / SEAL).write_bytes(seal({"size_bytes": 1, "crc32": 1})),
    "a log of nothing": lambda root: (root / f"{CATALOG}-wal").write_bytes(b"rubbish" * 3_000),
    "a journal of nothing": lambda root: (root / f"{CATALOG}-journal").write_bytes(b"rubbish" * 3_000),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_catalog_that_is_not_as_it_was_closed_is_not_used(root: Path, lie: str) -> None:
    LIES[lie](root)
    before = {path.name: path.read_bytes() for path in root.glob("*.json*")}
    history = GenerationHistory(root)
    assert {path.name: path.read_bytes() for path in root.glob("*.json*")} == before, "the truth is not changed by it"
    check_answers(history, root)
    close_without_folding(history)
    assert is_right(root) == (), "it is healed"


FORGED: dict[str, Callable[[Path], object]] = {
    "no state": lambda root: tell(root, "DELETE FROM state"),
    "another version": lambda root: tell(root, "PRAGMA user_version = 99"),
    "another history": lambda root: tell(root, "UPDATE state SET history = 'x'"),
    "ahead of the journal": lambda root: tell(root, "UPDATE state SET end = end + 1000"),
    "in a journal never written": lambda root: tell(root, "UPDATE state SET journal = journal + 5"),
    "in a journal folded away": lambda root: tell(root, "UPDATE state SET journal = 1"),
    "a column": lambda root: tell(root, "UPDATE entries SET favorite = 1 - favorite"),
    "a document": lambda root: tell(root, "UPDATE entries SET document = replace(document, 'glass', 'grass')"),
}


@pytest.mark.parametrize("lie", FORGED)
def test_what_can_be_seen_of_a_lie_under_a_good_seal_is_seen(root: Path, lie: str) -> None:
    FORGED[lie](root)
    reseal(root)
    is_right(root)


def test_another_historys_catalog_is_not_used(root: Path, memory: Path) -> None:
    if not (memory / "other").exists():
        make_index(memory / "other", seed=1)
        opened_once(memory / "other")
    for name in (CATALOG, SEAL):
        shutil.copy(memory / "other" / name, root / name)
    is_right(root)


def test_a_catalog_from_before_the_last_changes_catches_up(root: Path) -> None:
    older = {name: (root / name).read_bytes() for name in (CATALOG, SEAL)}
    history = GenerationHistory(root)
    history.update_entry(entry_of(7)["entry_id"], tags=["pad", "new"], favorite=True)
    history.delete_entry(entry_of(8)["entry_id"], permanent=True)
    close_without_folding(history)
    for name, data in older.items():
        (root / name).write_bytes(data)
    assert is_right(root) == ()


def test_a_catalog_ahead_of_a_journal_that_was_cut_is_built_again_and_that_is_told(root: Path) -> None:
    journal = root / name_of(2)
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))
    assert any("ends" in problem and journal.name in problem for problem in is_right(root))


def test_a_catalog_ahead_of_a_journal_that_was_cut_and_grew_again_is_built_again(root: Path) -> None:
    journal = root / name_of(2)
    lines = journal.read_bytes().splitlines(keepends=True)
    other = seal({"set": entry_of(9)["entry_id"], "to": {"favorite": not entry_of(9)["favorite"]}}) + b"\n"
    journal.write_bytes(b"".join(lines[:-1]) + other * 3)
    is_right(root)


def test_a_catalog_two_folds_behind_is_built_again_although_the_lengths_fit(tmp_path: Path) -> None:
    """Two copies of a history go their own ways; the journal in which they parted is folded away in both."""
    with GenerationHistory(tmp_path / "one") as history:
        entries = [add(history, seed) for seed in range(2)]
    shutil.copytree(tmp_path / "one", tmp_path / "two")
    for copy, entry in zip(("one", "two"), entries, strict=True):
        history = GenerationHistory(tmp_path / copy)
        history.update_entry(entry.entry_id, favorite=True)
        close_without_folding(history)
    history = GenerationHistory(tmp_path / "one")
    history.fold()
    history.update_entry(entries[0].entry_id, note="later")
    history.fold()
    close_without_folding(history)
    for name in (CATALOG, SEAL):
        shutil.copy(tmp_path / "two" / name, tmp_path / "one" / name)
    with GenerationHistory(tmp_path / "one") as history:
        assert [entry.entry_id for entry in history.list_entries(favorite=True)] == [entries[0].entry_id]


KILLED = """
import os, sys
from store import GenerationHistory
history = GenerationHistory(sys.argv[1])
for entry in history.list_entries(limit=20):
    history.update_entry(entry.entry_id, note="before the kill")
    history.count()
if sys.argv[2] == "locked":
    history._catalog._connection().execute("BEGIN IMMEDIATE")
    history._catalog._connection().execute("DELETE FROM entries")
print("ready", flush=True)
sys.stdin.read()
"""


def kill_while_it_is_open(root: Path, how: str) -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(root), how], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdin
    assert child.stdout
    assert child.stdout.readline() == "ready\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdin.close()
    child.stdout.close()


@pytest.mark.parametrize("how", ["open", "locked"])
def test_a_process_that_died_with_the_catalog_in_its_hands_stops_nobody(root: Path, how: str) -> None:
    kill_while_it_is_open(root, how)
    assert (root / f"{CATALOG}-wal").stat().st_size > 0
    assert is_right(root) == (), "a kill is no damage"


def test_a_folder_that_cannot_be_written_is_read_from_the_json(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The catalog there may be a lie as well."""
    tell(root, "UPDATE entries SET model_id = 'a lie'")
    real, connect = calls.open_file, sqlite3.connect

    def refuse(path: Path, flags: int) -> int:
        if flags != calls.FOLDER:
            raise OSError(errno.EROFS, "read-only")
        return real(path, flags)

    def refuse_file(path: object, **named: object) -> object:
        if path != ":memory:":
            raise sqlite3.OperationalError("attempt to write a readonly database")
        return connect(path, **named)

    monkeypatch.setattr(calls, "open_file", refuse)
    monkeypatch.setattr(sqlite3, "connect", refuse_file)
    history = GenerationHistory(root)
    answers = reference.Answers(reference.read(root))
    for asked in ASKED:
        assert [entry.entry_id for entry in history.list_entries(**asked)] == answers.list(**asked)
    close_without_folding(history)


def test_a_log_that_was_damaged_after_a_kill_changes_no_answer(root: Path, figures: Figures) -> None:
    kill_while_it_is_open(root, "open")
    files = {name: (root / name).read_bytes() for name in (CATALOG, SEAL, f"{CATALOG}-wal", f"{CATALOG}-shm")}
    rng = random.Random(8)
    for _ in range(tier(5, 200)):
        bit = rng.randrange(8 * len(files[f"{CATALOG}-wal"]))
        for name, data in files.items():
            (root / name).write_bytes(flipped(data, bit) if name.endswith("-wal") else data)
        is_right(root, bit)
        for name in (f"{CATALOG}-wal", f"{CATALOG}-shm"):
            (root / name).unlink(missing_ok=True)


def flips(size_bytes: int, rng: random.Random) -> Iterator[int]:
    """Yield bits to flip: SQLite's header, its schema, and then pages in turn, a random place in each."""
    while True:
        yield rng.randrange(8 * 100)
        yield rng.randrange(8 * 4096)
        for page in range(0, size_bytes, 4096):
            yield 8 * page + rng.randrange(8 * 64)  # where its cells are listed
            yield 8 * page + rng.randrange(8 * 4096)


@pytest.mark.proof
@pytest.mark.parametrize("part", range(4))
def test_no_flipped_bit_of_the_catalog_changes_an_answer(
    closed: Path, memory: Path, figures: Figures, part: int
) -> None:
    data = (closed / CATALOG).read_bytes()
    copy = memory / f"flipped-{part}"
    tries = tier(50, 2_500)
    for number, bit in zip(range(tries), flips(len(data), random.Random(part)), strict=False):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(closed, copy)
        (copy / CATALOG).write_bytes(flipped(data, bit))
        assert is_right(copy, (part, number, bit)), "it is told"
    figures.add("catalog: bits flipped while closed", flips=tries, wrong_answers=0)


@pytest.mark.proof
def test_no_flipped_bit_of_a_catalog_too_large_to_be_checked_at_once_changes_an_answer_for_long(
    closed: Path, memory: Path, figures: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.database.AT_ONCE_BYTES", 0)
    data = (closed / CATALOG).read_bytes()
    copy = memory / "large"
    tries = tier(25, 1_000)
    for number, bit in zip(range(tries), flips(len(data), random.Random(9)), strict=False):
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(closed, copy)
        (copy / CATALOG).write_bytes(flipped(data, bit))
        history = GenerationHistory(copy)
        history._catalog._file.wait_until_checked()
        check_answers(history, copy, (number, bit))
        close_without_folding(history)
        assert is_right(copy) == ()
    figures.add("catalog: bits flipped in a large one", flips=tries, wrong_answers_after_the_check=0)


def test_a_large_catalog_that_the_disk_cannot_read_is_built_again(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*given: object) -> None:
        raise OSError(errno.EIO, "the disk cannot read it")

    monkeypatch.setattr("store.database.AT_ONCE_BYTES", 0)
    with monkeypatch.context() as patch:
        patch.setattr("store.database._measure_file", fail)
        history = GenerationHistory(root)
        history._catalog._file.wait_until_checked()
    check_answers(history, root)
    assert history.problems == ("catalog.sqlite was damaged; it is built again from the index.",)
    close_without_folding(history)
    assert is_right(root) == ()


def test_two_histories_and_two_processes_use_one_catalog(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever is last seals it; the log of the first is brought in although others use it."""
    monkeypatch.setattr("store.database.LOG_BYTES", 1)
    first, second = GenerationHistory(root), GenerationHistory(root)
    code = "import sys; from store import GenerationHistory; print(GenerationHistory(sys.argv[1]).count())"
    for number in range(8):
        first.update_entry(entry_of(number + 10)["entry_id"], note=f"{number}")
        assert second.count() == first.count()
    told = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    assert int(told.stdout) == second.count()
    assert not (root / SEAL).exists(), "the file is in use, and changed"
    close_without_folding(first)
    check_answers(second, root)
    close_without_folding(second)
    assert (root / SEAL).read_bytes() == seal_of((root / CATALOG).read_bytes())
    assert is_right(root) == ()


# -- nothing durable is made from it ------------------------------------------------------------------------------------


@pytest.fixture
def sounding(tmp_path: Path) -> tuple[Path, list[HistoryEntry]]:
    """A closed history with sounds, one take edited."""
    with GenerationHistory(tmp_path / "sounding") as history:
        entries = [add(history, seed) for seed in range(3)]
        history.update_entry(entries[0].entry_id, favorite=True, tags=["kept"])
    return tmp_path / "sounding", entries


def test_an_edit_waits_until_a_large_catalog_is_known_to_be_good(
    sounding: tuple[Path, list[HistoryEntry]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, entries = sounding
    tell(root, "DELETE FROM entries WHERE entry_id = ?", entries[1].entry_id)
    (root / SEAL).write_bytes(seal({"size_bytes": (root / CATALOG).stat().st_size, "crc32": 1}))
    monkeypatch.setattr("store.database.AT_ONCE_BYTES", 0)
    measure = database_module._measure_file

    def slow(*given: Any) -> tuple[int, int]:
        time.sleep(0.5)
        return measure(*given)

    monkeypatch.setattr(database_module, "_measure_file", slow)
    with GenerationHistory(root) as history:
        assert history.get(entries[1].entry_id) is None, "an answer does not wait"
        assert history.update_entry(entries[1].entry_id, rating=4).rating == 4


def test_no_line_is_written_for_a_take_that_only_the_catalog_knows(sounding: tuple[Path, list[HistoryEntry]]) -> None:
    root, entries = sounding
    tell(root, "UPDATE entries SET entry_id = 'ghost' WHERE entry_id = ?", entries[1].entry_id)
    with GenerationHistory(root) as history:
        journals = {path: path.read_bytes() for path in root.glob("journal-*")}
        with pytest.raises(EntryNotFound):
            history.update_entry("ghost", rating=3)
        assert not history.delete_entry("ghost", permanent=True)
        assert {path: path.read_bytes() for path in root.glob("journal-*")} == journals


def test_a_take_is_not_put_back_as_it_was_because_the_catalog_does_not_know_it(
    sounding: tuple[Path, list[HistoryEntry]],
) -> None:
    """A cut journal makes the history look for takes without a line; a wrong "no" must not undo the edits of one."""
    root, entries = sounding
    history = GenerationHistory(root)
    history.update_entry(entries[0].entry_id, title="not in the audio file yet")
    close_without_folding(history)
    tell(root, "DELETE FROM entries WHERE entry_id = ?", entries[0].entry_id)
    reseal(root)
    newest = max(root.glob("journal-*.jsonl"), key=lambda path: int(path.stem.split("-")[1]))
    append(newest, b'{"crc":"00000000","set":"half a li')
    GenerationHistory(root).close()
    kept = {entry["entry_id"]: entry for entry in reference.read(root)}[entries[0].entry_id]
    assert (kept["favorite"], kept["title"]) == (True, "not in the audio file yet")


def test_deleting_for_good_removes_no_other_takes_files(sounding: tuple[Path, list[HistoryEntry]]) -> None:
    root, (gone, kept, _) = sounding
    database = sqlite3.connect(root / CATALOG)
    row = list(database.execute("SELECT * FROM entries WHERE entry_id = ?", (gone.entry_id,)).fetchone())
    row[DOCUMENT] = dumps({**gone.to_document(), "audio_file": kept.audio_file})
    changed = (row[DOCUMENT], row_crc(tuple(row[:-1])), row[0])
    database.execute("UPDATE entries SET document = ?, crc = ? WHERE n = ?", changed)
    database.commit()
    database.close()
    reseal(root)
    with GenerationHistory(root) as history:
        assert history.delete_entry(gone.entry_id, permanent=True)
        assert history.audio_exists(kept.entry_id)
    assert (root / kept.audio_file).exists()
    assert not (root / gone.audio_file).exists(), "the fold read its name in the index"
