"""Guards that every JSON value comes back from the index, and from the audio file, equal to what was given."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store import GenerationHistory, InvalidEntry
from store.lines import DamagedLine, is_sealed, seal, unseal
from store.values import decode, dumps, encode, loads, plain
from tests.conftest import add

texts = st.text(st.characters(codec=None, categories=None))
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | st.sampled_from([-(2**63), 2**64]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(texts | st.sampled_from(["$number", "$$number", "$$$number", "number"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(values)
@settings(max_examples=400)
def test_a_value_reads_back_equal(value: Any) -> None:
    for ascii_only in (False, True):
        data = dumps(value, ascii_only)
        assert loads(data) == value
        assert b"\n" not in data


@given(values)
def test_what_is_written_is_strict_json(value: Any) -> None:
    def refuse(name: str) -> float:
        raise AssertionError(f"{name} is not JSON")

    json.loads(dumps(value), parse_constant=refuse)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_users_own_object_of_the_escapes_shape_stays_an_object(number: str) -> None:
    assert loads(dumps({"$number": number})) == {"$number": number}
    assert str(loads(dumps(float(number)))) == str(float(number))


@given(values)
def test_encoding_and_decoding_undo_each_other(value: Any) -> None:
    assert decode(encode(value)) == value


@given(values, st.data())
def test_a_sealed_line_shows_every_flipped_bit(value: Any, data: st.DataObject) -> None:
    line = bytearray(seal({"value": value}))
    assert unseal(bytes(line)) == {"value": value}
    at = data.draw(st.integers(0, len(line) - 1))
    line[at] ^= 1 << data.draw(st.integers(0, 7))
    assert not is_sealed(bytes(line))
    with pytest.raises(DamagedLine):
        unseal(bytes(line))


def test_numpy_values_become_plain_ones() -> None:
    given_value = {"a": np.float32(0.1), "b": np.arange(3), "c": np.bool_(True), "d": np.float64(0.1), "e": (1, 2)}
    assert plain(given_value, "x") == {"a": 0.1, "b": [0, 1, 2], "c": True, "d": 0.1, "e": [1, 2]}


def test_float32_is_written_as_the_shortest_text_that_reads_back() -> None:
    vector = np.random.default_rng(0).standard_normal((4, 16)).astype(np.float32)
    kept = plain(vector, "latent_vector")
    assert np.array_equal(np.asarray(kept, np.float32), vector)
    assert len(dumps(kept)) < 0.7 * len(json.dumps(vector.astype(float).tolist()))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [nested(2_000), [10**5_000], {1: 2}, b"bytes", {1, 2}, 1j, np.array(["2026"], "M8[D]")]
)
def test_what_json_cannot_hold_is_refused_by_name(value: object) -> None:
    with pytest.raises(InvalidEntry):
        dumps(plain(value, "params"))


@given(params=values, note=texts, title=texts, tags=st.lists(texts, max_size=3))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_whole_entry_reads_back_equal(tmp_path: Path, params: Any, note: str, title: str, tags: list[str]) -> None:
    with GenerationHistory(tmp_path) as history:
        entry = add(history, params=params, preset_name=title or "custom")
        entry = history.update_entry(entry.entry_id, note=note, title=title, tags=tags)
        assert entry.params == params
        assert (entry.note, entry.title) == (note, title)
        assert history.get(entry.entry_id) == entry
        history.count(query=note)
        history.count(tags=entry.tags)
    with GenerationHistory(tmp_path) as history:
        assert history.get(entry.entry_id) == entry


def test_a_megabyte_of_text_is_kept(history: GenerationHistory) -> None:
    text = "a\u2028b" * 350_000
    entry = add(history, params={"prompt": text})
    found = history.get(entry.entry_id)
    assert found is not None
    assert found.params == {"prompt": text}


def test_non_finite_numbers_come_back(history: GenerationHistory) -> None:
    entry = add(history, params=[math.inf, -math.inf, math.nan])
    found = history.get(entry.entry_id)
    assert found is not None
    assert str(found.params) == "[inf, -inf, nan]"
