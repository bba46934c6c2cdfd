"""Guards the opening of an index that somebody else wrote: a typed error or a repair, evidence kept, in bounded memory and time."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from store import GenerationHistory, HistoryError, UnsupportedVersion
from store.errors import StoreUnavailable
from store.repair import rebuild
from store.verify import verify
from tests import hostile
from tests.conftest import add
from tests.figures import Figures, tier
from tests.hostile import MB, entry, peak_bytes, sealed, write_document, write_journal, write_version_1

TAKES = [entry(0), entry(1)]
HUGE = 10**30


def opened(root: Path) -> tuple[list[str], tuple[str, ...]]:
    """Open, change, fold, close, and open again without a catalog: the ids, and what was noted. Raises only `HistoryError`."""
    with GenerationHistory(root) as history:
        found = sorted(take.entry_id for take in history.list_entries())
        history.fold()
        notes = history.problems
    (root / "catalog.sqlite").unlink(missing_ok=True)
    verify(root)
    with GenerationHistory(root) as history:
        assert sorted(take.entry_id for take in history.list_entries()) == found
    return found, notes


def whole(root: Path) -> Path:
    """A good history of two takes: a document, and a journal without changes."""
    write_document(root, TAKES)
    write_journal(root, [])
    return root


def ids(*takes: dict[str, Any]) -> list[str]:
    return [take["entry_id"] for take in takes]


def test_what_these_tests_write_is_a_good_index(tmp_path: Path) -> None:
    whole(tmp_path)
    write_journal(tmp_path, [{"add": entry(2)}, {"set": TAKES[0]["entry_id"], "to": {"rating": 4}}])
    assert opened(tmp_path) == (ids(*TAKES, entry(2)), ())


@pytest.mark.parametrize("value", [-1, HUGE, 1.5, 1.0, True, "1", None, [], {}, math.nan], ids=repr)
@pytest.mark.parametrize("field", ["journal", "count", "history_id"])
def test_a_header_of_wrong_types_is_damage_and_its_takes_are_gathered(tmp_path: Path, field: str, value: Any) -> None:
    if field == "history_id" and isinstance(value, str):
        value = ""
    write_document(tmp_path, TAKES, **{field: value})
    write_journal(tmp_path, [])
    before = (tmp_path / "history.json").read_bytes()
    found, notes = opened(tmp_path)
    assert found == ids(*TAKES)
    assert notes
    assert (tmp_path / "history.json.damaged-1").read_bytes() == before


@pytest.mark.parametrize("version", [3, 2**40, HUGE])
@pytest.mark.parametrize("name", ["history.json", "history.json.bak"])
def test_a_newer_version_is_refused_and_left_alone(tmp_path: Path, name: str, version: int) -> None:
    write_document(tmp_path, TAKES, version=version)
    write_journal(tmp_path, [])
    (tmp_path / "history.json").rename(tmp_path / name)
    before = hostile.tree(tmp_path)
    with pytest.raises(UnsupportedVersion):
        GenerationHistory(tmp_path)
    assert {name: data for name, data in hostile.tree(tmp_path).items() if name in before} == before


@pytest.mark.parametrize("version", [0, -1, 2.0, "2", True, None, [2]], ids=repr)
def test_an_odd_version_is_damage(tmp_path: Path, version: Any) -> None:
    write_document(tmp_path, TAKES, version=version)
    write_journal(tmp_path, [])
    assert opened(tmp_path)[0] == ids(*TAKES)


@pytest.mark.parametrize("value", [-1, HUGE, 2**62, 2**40, 1.5, True, "100", [], {}], ids=repr)
@pytest.mark.parametrize("field", ["after_journal", "after_bytes", "history_id", "number"])
def test_a_journal_header_of_wrong_types_costs_no_take(tmp_path: Path, field: str, value: Any) -> None:
    if field == "history_id" and isinstance(value, str):
        value = ""  # any other text is another history's, whose takes are not ours
    whole(tmp_path)
    path = write_journal(tmp_path, [{"add": entry(2)}])
    path.unlink()
    write_journal(tmp_path, [{"add": entry(2)}], **({field: value} if field != "number" else {}))
    if field == "number":
        line = sealed(f'"journal":{json.dumps(value)},"history":"{hostile.HISTORY_ID}","after":null}}') + b"\n"
        path.write_bytes(line + path.read_bytes().split(b"\n", 1)[1])
    found = opened(tmp_path)[0]
    assert found == ids(*TAKES, entry(2))


@pytest.mark.parametrize("stated", [2**40, 2**62, 10**14])
def test_a_journal_that_is_said_to_be_huge_is_not_read_into_memory(tmp_path: Path, stated: int) -> None:
    whole(tmp_path)
    write_journal(tmp_path, [{"add": entry(2)}])
    write_journal(tmp_path, [], number=3, after_bytes=stated)
    assert opened(tmp_path)[0] == ids(*TAKES, entry(2))


CHANGES: dict[str, Any] = {
    "set without to": {"set": TAKES[0]["entry_id"]},
    "set to a list": {"set": TAKES[0]["entry_id"], "to": [1]},
    "set to null": {"set": TAKES[0]["entry_id"], "to": None},
    "set of a number": {"set": 5, "to": {"rating": 1}},
    "set of a list": {"set": [], "to": {"rating": 1}},
    "set of the id": {"set": TAKES[0]["entry_id"], "to": {"entry_id": "another"}},
    "set of a wrong type": {"set": TAKES[0]["entry_id"], "to": {"rating": "five"}},
    "set of wrong tags": {"set": TAKES[0]["entry_id"], "to": {"tags": [1, 2]}},
    "add of a list": {"add": [entry(2)]},
    "add of null": {"add": None},
    "add of a text": {"add": "entry_id"},
    "add without an id": {"add": {"timestamp": "x"}},
    "add of a numbered id": {"add": entry(2, entry_id=7)},
    "add of an id that is a list": {"add": entry(2, entry_id=[])},
    "add of a wrong seed": {"add": entry(2, seed="x")},
    "add of a float seed": {"add": entry(2, seed=1.5)},
    "add of a wrong flag": {"add": entry(2, favorite=1)},
    "del of a number": {"del": 5},
    "del of a list": {"del": []},
    "del of null": {"del": None},
    "no JSON": sealed("this is no JSON"),
    "bad UTF-8": sealed("")[:0] + hostile.seal_body(b'"del":"\xff\xfe"}'),
    "deep": sealed('"add":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "deep enough to be parsed": sealed('"add":' + '{"params":' * 300 + "1" + "}" * 301),
    "a huge number": sealed('"add":' + "9" * 100_000 + "}"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_that_none_of_ours_could_be_is_set_aside_and_costs_no_take(tmp_path: Path, change: Any) -> None:
    whole(tmp_path)
    path = write_journal(tmp_path, [{"add": entry(3)}, change, {"set": TAKES[1]["entry_id"], "to": {"rating": 3}}])
    before = path.read_bytes()
    found, notes = opened(tmp_path)
    assert found == ids(*TAKES, entry(3))
    assert notes
    assert (tmp_path / "journal-2.jsonl.damaged-1").read_bytes() == before
    with GenerationHistory(tmp_path) as history:
        assert [take.entry_id for take in history.list_entries(min_rating=3)] == ids(TAKES[1])


@pytest.mark.parametrize("change", [{"merge": 1}, {"": 1}, {"x" * 10_000: 1}], ids=["merge", "empty", "long"])
def test_a_change_of_a_kind_that_is_not_known_is_refused_as_newer(tmp_path: Path, change: Any) -> None:
    whole(tmp_path)
    write_journal(tmp_path, [change])
    before = hostile.tree(tmp_path)
    with pytest.raises(UnsupportedVersion):
        GenerationHistory(tmp_path)
    assert {name: hostile.tree(tmp_path)[name] for name in before} == before


ENTRIES: dict[str, Any] = {
    "no id": {"timestamp": "x"},
    "a numbered id": entry(2, entry_id=5),
    "a listed id": entry(2, entry_id=[]),
    "a wrong seed": entry(2, seed="x"),
    "wrong tags": entry(2, tags="x"),
    "a number for a note": entry(2, note=5),
    "a boolean for frames": entry(2, frames=True),
    "no JSON": sealed('"entry_id":"no JSON'),
    "no object": sealed("1,2]"),
    "a deep one": sealed('"entry_id":"deep","params":' + "[" * 100_000 + "]" * 100_000 + "}"),
    "one deep enough to be parsed": sealed('"entry_id":"deep","params":' + "[" * 400 + "]" * 400 + "}"),
}


@pytest.mark.parametrize("odd", ENTRIES.values(), ids=ENTRIES)
def test_an_odd_entry_hides_no_other_and_stays_in_the_index(tmp_path: Path, odd: Any) -> None:
    write_document(tmp_path, [TAKES[0], odd, TAKES[1]])
    write_journal(tmp_path, [{"set": "deep", "to": {"rating": 1}}, {"set": TAKES[0]["entry_id"], "to": {"rating": 1}}])
    line = odd if isinstance(odd, bytes) else hostile.seal(odd)
    found, notes = opened(tmp_path)
    assert (found, notes) == (ids(*TAKES), ())
    assert line in (tmp_path / "history.json").read_bytes()
    assert not verify(tmp_path).good


IDS = [
    "__proto__",
    "constructor",
    "",
    ".",
    "..",
    "../../etc/passwd",
    "a/b",
    "C:\\x",
    "x" * 100_000,
    "\ud800",
    "\0",
    "'",
    "%s",
]


@pytest.mark.parametrize("entry_id", IDS, ids=lambda value: repr(value)[:20])
def test_ids_of_any_text_are_kept_as_they_are(tmp_path: Path, entry_id: str) -> None:
    write_document(tmp_path, [TAKES[0], entry(1, entry_id=entry_id)])
    write_journal(tmp_path, [])
    with GenerationHistory(tmp_path) as history:
        assert history.update_entry(entry_id, rating=2).entry_id == entry_id
        for picture in (history.thumbnail, history.spectrogram):
            assert picture(entry_id) is None
        history.fold()
        found = history.get(entry_id)
        assert found is not None
        assert found.rating == 2
        assert history.delete_entry(entry_id, permanent=True)
        assert history.count() == 1


RUBBISH: dict[str, bytes] = {
    "empty": b"",
    "a list": b"[]",
    "null": b"null",
    "a text": b'"x"',
    "a number": b"1e400",
    "not UTF-8": b"\xff\xfe\x00",
    "NULs": b"\0" * 5_000,
    "deep": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "entries that are a list": b'{"version":1,"entries":[]}',
    "no version": b'{"entries":{}}',
    "a header only": b'{"crc":"',
    "an unterminated line": b'{"crc":"00000000","version":2',
    "a billion digits' beginning": b'{"version":' + b"9" * 100_000 + b"}",
}


@pytest.mark.parametrize("name", ["history.json", "history.json.bak", "history.v1.json", "journal-2.jsonl"])
@pytest.mark.parametrize("content", RUBBISH.values(), ids=RUBBISH)
def test_rubbish_for_a_file_is_set_aside_or_passed_over(tmp_path: Path, name: str, content: bytes) -> None:
    whole(tmp_path)
    (tmp_path / name).write_bytes(content)
    found = opened(tmp_path)[0]
    assert found == (ids(*TAKES) if name != "history.json" else [])
    kept = [path.read_bytes() for path in tmp_path.iterdir() if path.name.startswith(name)]
    assert content in kept, "evidence is kept byte for byte"


@pytest.mark.parametrize("version_1", [True, False])
def test_duplicate_keys_do_no_harm(tmp_path: Path, version_1: bool) -> None:
    if version_1:
        one = json.dumps(TAKES[0])
        text = f'{{"version":9,"version":1,"entries":{{"a":{one},"a":{one},"b":1,"b":{one}}}}}'
        (hostile.folders(tmp_path) / "history.json").write_text(text)
        assert opened(tmp_path)[0] == ["a", "b"]
    else:
        write_document(tmp_path, [TAKES[0], TAKES[0], sealed('"entry_id":"a","entry_id":"b","timestamp":"x"}')])
        write_journal(tmp_path, [])
        assert opened(tmp_path)[0] == ids(TAKES[0])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_version_1_in_another_encoding_is_read_or_set_aside(tmp_path: Path, encoding: str) -> None:
    write_version_1(tmp_path, *TAKES)
    data = (tmp_path / "history.json").read_text().encode(encoding)
    (tmp_path / "history.json").write_bytes(data)
    assert opened(tmp_path)[0] == ids(*TAKES)
    assert data in hostile.tree(tmp_path).values()


def test_line_ends_that_a_tool_changed_cost_no_take(tmp_path: Path) -> None:
    """As git does with `core.autocrlf`."""
    whole(tmp_path)
    write_journal(tmp_path, [{"add": entry(2)}, {"set": TAKES[0]["entry_id"], "to": {"rating": 4}}])
    for name in ("history.json", "journal-2.jsonl"):
        (tmp_path / name).write_bytes((tmp_path / name).read_bytes().replace(b"\n", b"\r\n"))
    assert opened(tmp_path)[0] == ids(*TAKES, entry(2))
    with GenerationHistory(tmp_path) as history:
        assert history.count(min_rating=4) == 1


NAMES = [
    "journal-0.jsonl",
    "journal-01.jsonl",
    "journal--1.jsonl",
    "journal-99999999999999999999.jsonl",
    "journal-².jsonl",
]


@pytest.mark.parametrize("name", NAMES)
def test_names_that_are_no_journals_are_left_alone(tmp_path: Path, name: str) -> None:
    whole(tmp_path)
    (tmp_path / name).write_bytes(b"not ours")
    assert opened(tmp_path) == (ids(*TAKES), ())
    assert (tmp_path / name).read_bytes() == b"not ours"


@pytest.mark.parametrize("number", [7, 10**15 - 2, 10**15 - 1])
def test_a_journal_far_ahead_costs_no_take(tmp_path: Path, number: int) -> None:
    whole(tmp_path)
    write_journal(tmp_path, [{"add": entry(2)}], number=number)
    try:
        assert opened(tmp_path)[0] == ids(*TAKES, entry(2))
    except HistoryError:
        assert number > 10**15 - 3, "only where no higher number is left"


SPECIAL: dict[str, Callable[[Path], None]] = {
    "folder": lambda path: path.mkdir(),
    "pipe": os.mkfifo,
    "link to nothing": lambda path: path.symlink_to(path.parent.parent / "outside" / "created"),
    "link to itself": lambda path: path.symlink_to(path),
    "link to a device": lambda path: path.symlink_to("/dev/zero"),
    "link to a file": lambda path: path.symlink_to(path.parent.parent / "outside" / "secret"),
}
PLACES = [
    "history.json", "history.json.bak", "history.v1.json", "journal-2.jsonl", "journal-3.jsonl", "catalog.sqlite", "catalog.sqlite-wal", "catalog.sqlite-seal", "catalog.users.lock",
    "history.lock", "fold.lock", "catalog.lock", "cache", ".retake-1-1.tmp",
]  # fmt: skip


@pytest.mark.parametrize("kind", SPECIAL)
def test_what_is_no_file_never_hangs_and_leads_nowhere(tmp_path: Path, kind: str) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_bytes(b"secret")
    assert peak_bytes(_use_each, tmp_path, kind, at_most_s=240) < 150 * MB
    assert hostile.tree(outside) == {"secret": b"secret"}


def _use_each(folder: Path, kind: str) -> None:
    for place in PLACES:
        root = whole(folder / place)
        (root / place).unlink(missing_ok=True)
        SPECIAL[kind](root / place)
        for act in (_open_and_change, verify, rebuild):
            with contextlib.suppress(HistoryError):
                act(root)


def _open_and_change(root: Path) -> None:
    with GenerationHistory(root) as history:
        take = add(history)
        history.spectrogram(take.entry_id)
        history.delete_entry(take.entry_id, permanent=True)
        history.fold()


def test_sqlite_follows_no_link_to_another_programs_database(tmp_path: Path) -> None:
    theirs = sqlite3.connect(tmp_path / "theirs.db")
    theirs.execute("CREATE TABLE entries (precious)")
    theirs.execute("CREATE TABLE tags (precious)")
    theirs.commit()
    theirs.close()
    before = (tmp_path / "theirs.db").read_bytes()
    root = whole(tmp_path / "history")
    (root / "catalog.sqlite").symlink_to(tmp_path / "theirs.db")
    stated = {"size_bytes": len(before), "crc32": zlib.crc32(before)}
    (root / "catalog.sqlite-seal").write_bytes(hostile.seal(stated) + b"\n")
    with GenerationHistory(root) as history:
        assert history.count() == 2
        history.renew_catalog()
        assert history.count() == 2
    assert (tmp_path / "theirs.db").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["history", "theirs.db"]


def test_a_pipe_for_the_document_is_said_to_be_one(tmp_path: Path) -> None:
    whole(tmp_path)
    (tmp_path / "history.json").unlink()
    os.mkfifo(tmp_path / "history.json")
    with pytest.raises(StoreUnavailable, match="regular file"):
        GenerationHistory(tmp_path)


LARGE_MB = tier(4, 64)
LARGE: dict[str, bytes] = {
    "a long text": b'{"version":1,"entries":{"a":"' + b"x" * (LARGE_MB * MB) + b'"}}',
    "spaces": b" " * (LARGE_MB * MB) + b"[]",
    "digits": b'{"version":1,"entries":' + b"9" * (LARGE_MB * MB) + b"}",
    "depth": b"[" * (LARGE_MB * MB),
    "NULs": b"\0" * (LARGE_MB * MB),
    "one line": b'{"crc":"00000000",' + b"x" * (LARGE_MB * MB),
    "many lines": b'{"crc":"00000000",\n' + b'{"crc":"00000000","x"},\n' * (LARGE_MB * MB // 24),
    "line feeds": b"\n" * (LARGE_MB // 4 * MB),
}


@pytest.mark.proof
@pytest.mark.parametrize("name", ["history.json", "journal-2.jsonl"])
def test_large_rubbish_takes_little_more_memory_than_its_size(tmp_path: Path, figures: Figures, name: str) -> None:
    for kind, data in LARGE.items():
        root = whole(tmp_path / kind)
        (root / name).write_bytes(data)
    assert peak_bytes(_open_each, tmp_path, at_most_s=600) < 10 * LARGE_MB * MB + 50 * MB
    figures.add("large rubbish for an index file", files=len(LARGE), megabytes=len(LARGE) * LARGE_MB)


def _open_each(folder: Path) -> None:
    for kind in LARGE:
        GenerationHistory(folder / kind).close()


@pytest.mark.parametrize("depth", [50, 99, 120, 400, 5_000])
def test_a_version_1_file_may_nest_as_deep_as_it_likes(tmp_path: Path, depth: int) -> None:
    write_version_1(tmp_path, *TAKES, entry(2, params="HERE"))
    text = (tmp_path / "history.json").read_text().replace('"HERE"', "[" * depth + "]" * depth)
    (tmp_path / "history.json").write_text(text)
    found = opened(tmp_path)[0]
    assert found == (ids(*TAKES, entry(2)) if depth < 100 else ids(*TAKES))
    assert text.encode() in hostile.tree(tmp_path).values()
