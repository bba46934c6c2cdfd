"""Guards that every argument of every method is taken or refused with a typed error, in bounded time."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import EntryNotFound, GenerationConfig, GenerationHistory, GenerationResult, InvalidAudio, InvalidEntry
from store.errors import StoreUnavailable
from tests.conftest import add, tone
from tests.hostile import MB

REFUSED = (InvalidEntry, InvalidAudio, EntryNotFound)
AT_MOST_S = 20


class Odd:
    """Something that no JSON can hold."""


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


VALUES: list[Any] = [
    None, True, False, 0, -1, 1, 5, 2**31, 2**63, -(2**63), 10**30, 10**5_000, 1.5, -0.0, math.nan, math.inf, -math.inf, 5e-324,
    "", "x", "\0", "\ud800", "ab" * MB, "'; DROP TABLE entries; --", "../../etc/passwd", "\u202etxt", b"bytes", [], [1], ["x"], ["x"] * 5_000,
    [None], nested(2_000), {}, {"x": 1}, {1: 2}, {"$number": "NaN"}, set(), Odd(), Odd, 1j, np.float32(1), np.int64(3), np.bool_(True),
    np.zeros(3), np.array(["x"]), np.array([Odd()]), range(3), Path("x"), lambda: 1,
]  # fmt: skip


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationHistory]:
    with GenerationHistory(tmp_path_factory.mktemp("arguments")) as opened:
        for seed in range(3):
            add(opened, seed)
        yield opened


def survives(act: Callable[[], object]) -> bool:
    """Say whether a call was carried out; fail where it raises anything but a typed refusal, or takes long."""
    started_s = time.process_time()
    refusal = ""
    try:
        act()
    except REFUSED as error:
        refusal = str(error)
    assert time.process_time() - started_s < AT_MOST_S
    assert len(refusal) < 2_000
    return not refusal


def the_id(history: GenerationHistory) -> str:
    return history.list_entries(limit=1)[0].entry_id


BY_ID = [
    "get", "update_entry", "delete_entry", "restore_entry", "audio_path", "thumbnail_path", "audio_exists", "thumbnail", "spectrogram",
]  # fmt: skip


@pytest.mark.parametrize("method", BY_ID)
def test_any_id(history: GenerationHistory, method: str) -> None:
    for value in VALUES:
        survives(lambda value=value: getattr(history, method)(value))  # type: ignore[misc]
    survives(lambda: history.envelope("x", 10))
    assert history.count() == 3


@pytest.mark.parametrize("field", ["favorite", "rating", "tags", "note", "title", "audio_file", "__class__", "", "x\0"])
def test_any_edit(history: GenerationHistory, field: str) -> None:
    for value in VALUES:
        before = history.list_entries()
        if not survives(lambda value=value: history.update_entry(the_id(history), **{field: value})):  # type: ignore[misc]
            assert history.list_entries() == before
    history.update_entry(the_id(history), favorite=False, rating=None, tags=[], note="", title="")


FILTERS = [
    "model_id", "limit", "offset", "sort", "query", "favorite", "min_rating", "tags", "to_check", "since", "until", "deleted", "there_is_none",
]  # fmt: skip


@pytest.mark.parametrize("name", FILTERS)
def test_any_filter(history: GenerationHistory, name: str) -> None:
    for value in VALUES:
        survives(lambda value=value: history.list_entries(**{name: value}))  # type: ignore[misc]
        survives(lambda value=value: history.count(**{name: value}))  # type: ignore[misc]
    assert history.count() == 3


@pytest.mark.parametrize("method", ["delete_entry", "get_total_size", "envelope"])
def test_any_second_argument(history: GenerationHistory, method: str) -> None:
    calls: dict[str, Callable[[Any], object]] = {
        "delete_entry": lambda value: history.delete_entry("there is none", value),
        "get_total_size": history.get_total_size,
        "envelope": lambda value: history.envelope(the_id(history), value),
    }
    for value in VALUES:
        survives(lambda value=value: calls[method](value))  # type: ignore[misc]


@pytest.mark.parametrize("value", ["no", 1, None, "false", []])
def test_only_true_removes_for_good(history: GenerationHistory, value: Any) -> None:
    with pytest.raises(InvalidEntry):
        history.delete_entry(the_id(history), permanent=value)
    assert history.count() == 3


ADDED = [
    "model_id", "model_name", "slider_positions", "n_components", "preset_name", "params", "parent_id",
    "result.audio", "result.sample_rate", "result.seed_used", "result.config", "result.quality", "result.elapsed_s", "result.generator",
    "config.latent_vector", "config.duration_s", "config.seed", "config.stereo_mode", "config.bit_depth", "result",
]  # fmt: skip


@pytest.mark.parametrize("name", ADDED)
def test_any_argument_of_add(history: GenerationHistory, name: str) -> None:
    for value in VALUES:
        files = set(history.directory.rglob("*.wav"))
        arguments: dict[str, Any] = {"result": tone(), "model_id": "m", "model_name": "M"}
        where, _, field = name.rpartition(".")
        if where == "config":
            config = GenerationConfig(**{field: value})
            arguments["result"] = GenerationResult([0.0] * 100, 48_000, config=config)
        elif where == "result":
            arguments["result"] = GenerationResult(**{"audio": [0.0] * 100, "sample_rate": 48_000, field: value})
        else:
            arguments[name] = value
        survives(lambda arguments=arguments: history.add_to_history(**arguments))  # type: ignore[misc]
        for take in history.list_entries():
            if history.audio_path(take.entry_id) not in files:
                history.delete_entry(take.entry_id, permanent=True)
        assert set(history.directory.rglob("*.wav")) == files, "nothing is left behind"
    assert history.count() == 3


@pytest.mark.parametrize(
    "directory", ["", "\0", "x" * 300, "x/" * 3_000, "/dev/null", "/dev/null/x", "~nobody-of-this-name/x", "/proc/none"]
)
def test_any_folder(directory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        GenerationHistory(directory).close()
    except StoreUnavailable:
        assert directory
    else:
        assert directory == ""


QUERIES = [
    '"', '""', '"a', "*", "a*", "abc*", "NEAR", "NEAR(abc def)", "abc NEAR def", "AND", "OR", "NOT", "abc AND", "NOT abc", "abc OR def", "(", ")",
    "^abc", "text:abc", "search:abc", "-abc", "+abc", "abc -def", "{abc}", "'", "''", ";", "--", "/*", "%", "_", "%%%", "___", "\\", "\\\\\\",
    "?", "???", ":a", "$abc", "@abc", "#", "#tag", "a", "ab", "\0", "\0\0\0", "a\0b", "\ud800\ud800\ud800", "😀", "😀😀😀", "e\u0301", "e\u0301e\u0301", "ﬁ",
    "İıßẞ", "\u202e\u202e\u202e", " ", "\t\n", "\u3000", "...", "!?.,:;", "x" * MB, "x " * MB, " ".join(map(str, range(1_000))),
    " ".join(chr(0x4E00 + n) for n in range(500)), '" OR 1=1 --', "MATCH", "rowid", "abc\"\"\"def",
]  # fmt: skip


def test_any_text_can_be_searched_for(history: GenerationHistory) -> None:
    for query in QUERIES:
        started_s = time.process_time()
        found = history.list_entries(query=query)
        assert len(found) == history.count(query=query)
        assert time.process_time() - started_s < AT_MOST_S, query[:20]


@pytest.mark.parametrize(
    "query", [query for query in QUERIES if query.strip() and len(query) < 50 and "\0" not in query]
)
def test_a_take_with_any_text_is_found_by_it(history: GenerationHistory, query: str) -> None:
    entry_id = the_id(history)
    history.update_entry(entry_id, note=f"before {query} behind")
    assert entry_id in {take.entry_id for take in history.list_entries(query=query)}
    history.update_entry(entry_id, note="")


def test_a_snapshot_of_long_names_takes_no_memory_to_search(history: GenerationHistory) -> None:
    """Each of 50,000 values stands under a name of a megabyte."""
    take = add(history, params={"x" * MB: {str(number): number for number in range(50_000)}})
    assert history.count(query="xxx") == 1
    history.delete_entry(take.entry_id, permanent=True)


def test_what_could_be_saved_and_not_read_is_refused(history: GenerationHistory) -> None:
    """Two edits of ten megabytes are each below the limit; together they are not."""
    take = add(history)
    history.update_entry(take.entry_id, note="x" * 10 * MB)
    with pytest.raises(InvalidEntry, match="the most is"):
        history.update_entry(take.entry_id, title="x" * 10 * MB)
    with pytest.raises(InvalidEntry, match="the most is"):
        history.update_entry(take.entry_id, title="\U0001f600" * MB)
    assert history.delete_entry(take.entry_id)
    assert history.restore_entry(take.entry_id).deleted_at is None
    history.fold()
    assert history.get(take.entry_id) is not None
    history.delete_entry(take.entry_id, permanent=True)


def test_a_million_tags_are_refused(history: GenerationHistory) -> None:
    with pytest.raises(InvalidEntry, match="tags"):
        history.update_entry(the_id(history), tags=[str(number) for number in range(1_001)])
    with pytest.raises(InvalidEntry, match="tags"):
        history.count(tags=["x"] * 101)
