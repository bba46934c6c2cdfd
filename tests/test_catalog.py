"""Guards that lists, searches and counts are those of the index, whatever becomes of the catalog."""

from __future__ import annotations

import itertools
import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import store.history
from store import GenerationHistory, HistoryEntry, StoreUnavailable
from store.query import text_of
from tests.conftest import add
from tests.damage import append

WORDS = ["glass", "choir", "be", "ell", "Ünder", "ß", "100%", "a_b", '"', "'", "*", "OR", "NEAR", "كلام", "x"]


@pytest.fixture(scope="module", params=["in the order of their times", "the clock went back"])
def library(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[GenerationHistory]:
    history = GenerationHistory(tmp_path_factory.mktemp("library"))
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "the clock went back":
            hours = itertools.cycle([12, 9, 15])
            patch.setattr(store.history, "now", lambda: f"2026-01-01T{next(hours):02d}:00:00+00:00")
        fill(history)
    yield history
    history.close()


def fill(history: GenerationHistory) -> None:
    rng = random.Random(5)
    for seed in range(60):
        prompt = " ".join(rng.choices([*WORDS, "glassbell", "xx", "under", "MASS"], k=4))
        model = rng.choice(["synth", "voice"])
        entry = add(history, seed, params={"prompt": prompt}, model_id=model, model_name=model.title())
        if seed % 3 == 0:
            history.update_entry(entry.entry_id, rating=seed % 5 + 1, favorite=seed % 2 == 0, tags=[rng.choice("ab")])
        if seed % 7 == 0:
            history.delete_entry(entry.entry_id)


@given(
    words=st.lists(st.sampled_from(WORDS), max_size=3),
    model=st.sampled_from([None, "synth", "voice"]),
    favorite=st.sampled_from([None, True, False]),
    rating=st.sampled_from([None, 1, 3]),
    tags=st.sampled_from([[], ["a"], ["a", "b"]]),
    deleted=st.booleans(),
    offset=st.integers(0, 5),
    limit=st.sampled_from([None, 0, 3]),
    sort=st.sampled_from(["newest", "oldest", "longest"]),
)
@settings(max_examples=150, deadline=None)
def test_every_list_is_what_looking_at_each_entry_gives(
    library: GenerationHistory,
    words: list[str],
    model: str | None,
    favorite: bool | None,
    rating: int | None,
    tags: list[str],
    deleted: bool,
    offset: int,
    limit: int | None,
    sort: str,
) -> None:
    def passes(entry: HistoryEntry) -> bool:
        return (
            all(word.casefold() in text_of(entry) for word in words)
            and model in (None, entry.model_id)
            and favorite in (None, entry.favorite)
            and (rating is None or (entry.rating or 0) >= rating)
            and set(tags) <= set(entry.tags)
        )

    asked = {"query": " ".join(words), "model_id": model, "favorite": favorite, "min_rating": rating, "tags": tags}
    expected = [entry for entry in library.list_entries(deleted=deleted, sort=sort) if passes(entry)]
    assert library.count(**asked, deleted=deleted) == len(expected)
    found = library.list_entries(**asked, deleted=deleted, offset=offset, limit=limit, sort=sort)
    assert found == expected[offset : None if limit is None else offset + limit]


def state(history: GenerationHistory) -> tuple[object, ...]:
    return (history.list_entries(), history.list_entries(deleted=True), history.tags(), history.get_total_size())


@pytest.fixture
def closed(tmp_path: Path) -> tuple[Path, tuple[object, ...]]:
    with GenerationHistory(tmp_path) as history:
        for seed in range(5):
            entry = add(history, seed)
            history.update_entry(entry.entry_id, tags=["t", str(seed)])
        history.delete_entry(entry.entry_id)
        return tmp_path, state(history)


def test_a_catalog_damaged_while_it_is_open_is_built_again(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        entries = [add(history, seed) for seed in range(3)][::-1]
        assert history.list_entries() == entries
        (tmp_path / "catalog.sqlite").unlink()
        assert history.list_entries() == entries
        entries.insert(0, add(history, 9))
        assert history.list_entries() == entries


def test_a_folder_that_cannot_be_written_is_listed_from_memory(
    closed: tuple[Path, tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, expected = closed
    real = sqlite3.connect

    def refuse(path: object, **named: object) -> object:
        if path != ":memory:":
            raise sqlite3.OperationalError("unable to open database file")
        return real(path, **named)

    monkeypatch.setattr(sqlite3, "connect", refuse)
    with GenerationHistory(root) as history:
        assert state(history) == expected


def test_a_catalog_that_another_holds_locked_does_not_stop_the_answers(
    closed: tuple[Path, tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    root, expected = closed
    monkeypatch.setattr("store.database.BUSY_S", 0.1)
    holder = sqlite3.connect(root / "catalog.sqlite", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with GenerationHistory(root) as history:
        assert state(history) == expected
    holder.close()


def test_a_take_is_saved_though_no_catalog_can_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object, **named: object) -> object:
        raise sqlite3.OperationalError("out of memory")

    with GenerationHistory(tmp_path) as history:
        with monkeypatch.context() as patch:
            patch.setattr(sqlite3, "connect", refuse)
            history._catalog.close()
            entry = add(history)
            with pytest.raises(StoreUnavailable, match="out of memory"):
                history.count()
        assert history.list_entries() == [entry]


def test_hostile_numbers_in_the_index_do_not_break_the_list(tmp_path: Path) -> None:
    from store.lines import seal

    with GenerationHistory(tmp_path) as history:
        entry = add(history)
        document = {
            **entry.to_document(),
            "entry_id": "odd",
            "size_bytes": 10**40,
            "rating": -(10**40),
            "duration_s": float("nan"),
            "timestamp": "not a time",
            "tags": ["\ud800"],
        }
        newest = max(tmp_path.glob("journal-*.jsonl"))
        append(newest, seal({"add": document}) + b"\n")
        assert [found.entry_id for found in history.list_entries()] == [entry.entry_id, "odd"]
        assert history.problems == ()
