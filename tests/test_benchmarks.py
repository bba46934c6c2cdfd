"""Guards that the benchmarks run, that what they compare is comparable, and that their takes are as real ones."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import mean

import pytest

from benchmarks import audio, index, queries
from benchmarks.__main__ import GROUPS, main, measured
from benchmarks.measure import OURS, Bar, Row, Table, interleave
from benchmarks.peers import Answering, Fields, Raw, SQLite, TinyDB, WholeFile
from benchmarks.processes import field
from benchmarks.records import ABSENT, COMMON, RARE, id_of, model_of, record, records, write_history, write_media
from benchmarks.retake import Retake
from benchmarks.run import Run, both
from store import GenerationHistory, HistoryEntry
from store.values import dumps

FEW = 20
TAKES = 120


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path, sizes=(0, FEW), share=0.001)


# -- they run -------------------------------------------------------------------------------------------------------


def check_rows(rows: list[Row]) -> None:
    for row in rows:
        for value in (row.ours, *row.peers.values(), *row.limit.values(), *(bar.measured for bar in row.bars)):
            assert math.isfinite(value), row
        assert row.ours >= 0
        assert len(row.cells()) == 8


def test_the_index_is_measured_at_every_size_and_nothing_is_lost(run: Run) -> None:
    rows = list(index.rows(run))
    check_rows(rows)
    names = [(row.operation, row.n) for row in rows]
    assert len(names) == len(set(names))
    for n in run.sizes:
        for operation in (index.ADD, index.UPDATE, index.DELETE):
            assert (f"durable {operation}", n) in names
            assert (f"{operation}, until another process lists it", n) in names
    crowd = next(row for row in rows if "processes" in row.operation)
    assert crowd.bars[1].measured == 0


def test_queries_are_measured(run: Run) -> None:
    rows = list(queries.rows(run))
    check_rows(rows)
    assert {"newest 48", "page 1,000", "filter by model", "count", "total size"} <= {row.operation for row in rows}
    assert sum(row.operation.startswith("search") for row in rows) == 6


def test_audio_is_measured(run: Run) -> None:
    rows = list(audio.rows(run))
    check_rows(rows)
    assert len(rows) == 3


def test_the_command_prints_one_table_and_writes_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.md"
    main(["queries", "--quick", "--sizes", "5", "--folder", str(tmp_path), "--out", str(out)])
    printed = capsys.readouterr().out
    assert printed.startswith("| operation | N | ours |")
    assert "Measured on" in printed
    assert out.read_text() == printed.removesuffix("\n")
    assert [path.name for path in tmp_path.iterdir()] == ["table.md"], "nothing stays behind"


def test_one_operation_can_be_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["queries", "--quick", "--sizes", "5", "--folder", str(tmp_path), "--profile"]
    main([*arguments, "newest 48"])
    assert "catalog.py" in capsys.readouterr().out
    main([*arguments, "no such"])
    assert "there are newest 48, " in capsys.readouterr().out.replace("open, ", "")


def test_groups_are_found_by_name(run: Run) -> None:
    assert {"queries", "index", "audio"} <= set(GROUPS)
    assert next(measured(run, ["audio"])).operation.startswith("a whole add")


# -- what is compared is the same -----------------------------------------------------------------------------------


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Retake, SQLite]]:
    with Run(tmp_path, sizes=(TAKES,)).copies(TAKES) as copies, both(copies) as opened:
        yield opened


def plain(takes: list[HistoryEntry] | list[Fields]) -> list[Fields]:
    return [take if isinstance(take, dict) else take.to_document() for take in takes]


def answers(store: Answering) -> dict[str, object]:
    words = (RARE, COMMON, ABSENT, COMMON.upper(), f"{COMMON} rain", "las", "take")
    return {
        "newest": plain(store.newest()),
        "pages": [plain(store.page(number)) for number in (1, 2, 3, 4)],
        "models": [plain(store.by_model(model_of(number))) for number in range(3)],
        "count": store.count(),
        "size": store.total_size(),
        "words": [plain(store.search(word)) for word in words],
        "found": [store.found(word) for word in words],
    }


def test_sqlite_gives_the_same_answers_as_we_do(stores: tuple[Retake, SQLite]) -> None:
    ours, sqlite = stores
    assert answers(ours) == answers(sqlite)
    assert ours.count() == TAKES
    assert 0.75 * TAKES > ours.found(COMMON) > 0.25 * TAKES > ours.found(RARE) > ours.found(ABSENT) == 0


def test_sqlite_gives_the_same_answers_after_the_same_changes(stores: tuple[Retake, SQLite]) -> None:
    changes = index.Changes.to(TAKES, total=9)
    before = answers(stores[0])
    for operation in (index.ADD, index.UPDATE):
        for store in stores:
            act = changes.act(operation, store)
            for number in range(9):
                act(number)
    for store in stores:
        changes.act(index.DELETE, store)(3)
    assert answers(stores[0]) == answers(stores[1]) != before
    assert stores[0].count() == TAKES + 8


def test_slow_peers_hold_the_same_takes(tmp_path: Path) -> None:
    tiny, whole = tmp_path / "tiny.json", tmp_path / "whole.json"
    changes = index.Changes.to(TAKES, total=3)
    with closing(TinyDB(tiny, records(0, TAKES))) as peer:
        for store in (peer, WholeFile(whole, records(0, TAKES))):
            for operation in (index.ADD, index.UPDATE, index.DELETE):
                changes.act(operation, store)(1)
    edited = {**record(index.STRIDE % (TAKES - 1)), "rating": 2, "title": "take 1"}
    expected = {take["entry_id"]: take for take in (*records(0, TAKES), edited)}
    assert json.loads(whole.read_text())["entries"] == expected
    in_tiny = json.loads(tiny.read_text())["_default"].values()
    assert {take["entry_id"]: take for take in in_tiny} == expected


def test_the_limit_is_the_bytes_that_our_journal_holds(tmp_path: Path) -> None:
    """Only the moment of a deletion differs, and a title that stands where it is."""
    with Run(tmp_path, sizes=(FEW,)).copies(FEW) as copies:
        changes = index.Changes.to(FEW, total=5)
        with closing(Retake(copies.history)) as ours, closing(Raw(tmp_path / "raw")) as raw:
            for operation in (index.ADD, index.UPDATE, index.DELETE):
                act, lines = changes.act(operation, ours), changes.lines(operation)
                for number in range(5):
                    act(number)
                    raw.append(lines[number])
            journal = (copies.history / "journal-2.jsonl").read_bytes()
        written = journal[journal.index(b"\n") + 1 :].rstrip(b"\n").splitlines()  # behind them is room
        appended = (tmp_path / "raw").read_bytes().splitlines()
        assert [len(line) for line in written] == [len(line) for line in appended]
        assert written[:10] == appended[:10]


# -- the takes are as real ones -------------------------------------------------------------------------------------


def test_takes_are_as_large_as_real_ones_and_always_the_same() -> None:
    sizes = [len(dumps(take)) for take in records(0, 200)]
    assert 2_200 < mean(sizes) < 2_400
    assert record(7) == record(7)
    assert len(record(7)["latent_vector"]) == 64
    assert len(record(7)["slider_positions"]) == 12
    assert max(len(repr(number)) for number in record(7)["latent_vector"]) <= 16, "shortest float32 decimals"


def test_a_history_made_at_once_is_a_whole_one(tmp_path: Path) -> None:
    write_history(tmp_path, 30)
    write_media(tmp_path, range(30))
    with GenerationHistory(tmp_path) as history:
        assert [entry.entry_id for entry in history.list_entries(sort="oldest")] == [id_of(n) for n in range(30)]
        assert not history.problems
        assert all(history.audio_exists(id_of(number)) for number in range(30))
        assert history.audio_path(id_of(0)).samefile(history.audio_path(id_of(29)))
        assert history.thumbnail(id_of(29))
        history.update_entry(id_of(3), rating=3)
        assert history.fold()


# -- the figures ----------------------------------------------------------------------------------------------------


def test_a_slow_candidate_takes_part_in_some_rounds() -> None:
    seen: list[tuple[str, int]] = []
    acts = {name: lambda number, name=name: seen.append((name, number)) for name in (OURS, "slow")}
    timings = interleave(acts, rounds=10, warm_up=2, every={"slow": 4})
    assert [number for name, number in sorted(seen) if name == OURS] == list(range(12))
    assert [number for name, number in sorted(seen) if name == "slow"] == [0, 4, 8]
    assert {name: len(taken) for name, taken in timings.samples_ms.items()} == {OURS: 10, "slow": 2}


def test_a_row_says_whether_its_bars_are_met() -> None:
    kept = Row("add", 1_000, 0.5, {"SQLite": 0.4}, {"raw": 0.4}, (Bar(1.25, 1.3, "× raw"),))
    missed = Row("crowd", 0, 900, bars=(Bar(0.9, 1, "× SQLite", at_least=True),), unit="takes/s")
    table = Table("Measured here.", (kept, missed)).markdown().splitlines()
    assert table[2] == "| add | 1,000 | 0.5 ms | SQLite 0.4 ms | raw 0.4 ms | 1.25 × raw | ≤ 1.3 × raw | met |"
    assert table[3] == "| crowd | 0 | 900 takes/s |  |  | 0.9 × SQLite | ≥ 1 × SQLite | **missed** |"
    assert table[-1] == "Measured here."


def test_fields_are_read_of_ours_and_of_a_peers() -> None:
    assert field({"title": "a"}, "title") == field(Bar(1, 2, "a"), "what") == "a"
