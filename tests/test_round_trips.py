"""Proves that whatever a field is given comes back equal through every door, or is refused with nothing changed."""

from __future__ import annotations

import math
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from store import GenerationConfig, GenerationHistory, GenerationResult, HistoryEntry, InvalidEntry
from store.sounds import carried_entry
from store.values import loads
from tests.figures import Figures, tier
from tests.hostile import MB

EXAMPLES = tier(12, 500)
BATCH = 4
"""Takes of one history, so that opening and folding are paid once for several."""


def nested(value: Any, depth: int) -> Any:
    for level in range(depth):
        value = [value] if level % 2 else {"x": value}
    return value


characters = st.characters(codec=None, categories=None)  # lone surrogates and NUL too
texts = (
    st.text(characters, max_size=40)
    | st.sampled_from(["\0", "\ud800", "\udfff\ud800", "\u202eabc\u202c", "مرحبا", "שלום", "e\u0301", "\u2028\u2029\x85", "\ufeff", "😀", '"\\/', "a\r\nb", " "])
    | st.builds(lambda text, size: (text or "x") * (size // max(1, len(text))), st.text(characters, max_size=3), st.sampled_from([20_000, MB]))
)  # fmt: skip
wholes = st.integers() | st.sampled_from(
    [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 2**53 + 1, 10**400, -0, 10**4_299]
)
floats = st.floats() | st.sampled_from(
    [math.nan, math.inf, -math.inf, -0.0, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308]
)
keys = texts | st.sampled_from(
    ["$number", "$$number", "$$$number", "number", "crc", "entry_id", "a", "A", "__proto__", ""]
)
scalars = st.none() | st.booleans() | wholes | floats | st.text(characters, max_size=20)
looks_like_a_number = st.sampled_from(["NaN", "Infinity", "-Infinity", "1"]).map(lambda name: {"$number": name})
jsons = st.recursive(
    scalars | looks_like_a_number | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=10,
) | st.builds(nested, scalars, st.sampled_from([50, 98, 99, 100, 101, 102, 150, 1_500]))  # fmt: skip


def same(one: Any, other: Any) -> bool:
    """Equal with its types, NaN being NaN and -0.0 not 0.0; takes no stack."""
    pairs = [(one, other)]
    while pairs:
        one, other = pairs.pop()
        if type(one) is not type(other):
            return False
        if isinstance(one, dict):
            if list(one) != list(other):
                return False
            pairs += [(one[key], other[key]) for key in one]
        elif isinstance(one, list):
            if len(one) != len(other):
                return False
            pairs += zip(one, other, strict=True)
        elif (one != other and not (one != one and other != other)) or (
            isinstance(one, float) and math.copysign(1, one) != math.copysign(1, other)
        ):
            return False
    return True


ADDED: dict[str, st.SearchStrategy[Any]] = {
    "params": jsons,
    "slider_positions": jsons,
    "latent_vector": jsons,
    "generator": jsons,
    "quality": st.dictionaries(keys, jsons, max_size=3),
    "model_id": texts,
    "model_name": texts,
    "preset_name": texts,
    "stereo_mode": texts,
    "parent_id": st.none() | texts,
    "seed": st.none() | wholes,
    "n_components": wholes,
    "elapsed_s": st.none() | floats,
}
EDITED: dict[str, st.SearchStrategy[Any]] = {
    "note": texts,
    "title": texts,
    "tags": st.lists(texts, max_size=4),
    "rating": st.none() | wholes | st.integers(1, 5),
    "favorite": st.booleans() | st.none(),
}
NAMES = {"quality": "quality_score"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """On a RAM disk where there is one: the proof is about values, not about the disk."""
    shm = Path("/dev/shm")  # noqa: S108
    root = Path(tempfile.mkdtemp(prefix="retake-", dir=shm if shm.is_dir() else None))
    yield root
    shutil.rmtree(root)


def add(history: GenerationHistory, field: str, value: Any) -> HistoryEntry:
    config = {"latent_vector", "stereo_mode"} & {field}
    of_result = {"generator", "quality", "elapsed_s"} & {field}
    given_config = GenerationConfig(**dict.fromkeys(config, value))
    result = GenerationResult(
        np.zeros(8), 8_000, value if field == "seed" else None, given_config, **dict.fromkeys(of_result, value)
    )
    arguments = {"model_id": "m", "model_name": "M"}
    if not config and not of_result and field != "seed":
        arguments[field] = value
    return history.add_to_history(result, **arguments)  # type: ignore[arg-type]


def expected(field: str, value: Any, entry: HistoryEntry) -> Any:
    """What a field must hold that was given `value`."""
    if field == "quality":
        return {**entry.quality_score, **value}
    if field == "tags":
        return list(dict.fromkeys(tag.strip() for tag in value if tag.strip()))
    return value


def give(history: GenerationHistory, field: str, value: Any) -> HistoryEntry | None:
    """Add or edit a take; None where the value was refused, and then nothing has changed."""
    before = history.list_entries()
    try:
        if field in ADDED:
            return add(history, field, value)
        blank = add(history, "params", None)
        before = history.list_entries()
        return history.update_entry(blank.entry_id, **{field: value})
    except InvalidEntry:
        assert same(dicts(history.list_entries()), dicts(before))
        return None


def dicts(entries: list[HistoryEntry]) -> list[dict[str, Any]]:
    return [entry.to_document() for entry in entries]


@pytest.mark.proof
@pytest.mark.parametrize("field", [*ADDED, *EDITED])
def test_a_field_comes_back_equal_through_every_door_or_is_refused(folder: Path, figures: Figures, field: str) -> None:
    rounds = iter(range(10**9))

    @settings(
        max_examples=max(1, EXAMPLES // BATCH), deadline=None, database=None, derandomize=True,
        suppress_health_check=list(HealthCheck), phases=(Phase.generate,) if EXAMPLES < 100 else tuple(Phase),
    )  # fmt: skip
    @given(st.lists({**ADDED, **EDITED}[field], min_size=BATCH, max_size=BATCH))
    def prove(values: list[Any]) -> None:
        root = folder / str(next(rounds))
        kept = go_round(root, field, values)
        shutil.rmtree(root)
        figures.add("round trips of every field", examples=len(values), refused=len(values) - kept, unequal=0)

    prove()


def go_round(root: Path, field: str, values: list[Any]) -> int:
    """Give each value to a take of one history and read it back every way there is; return how many were taken."""
    with GenerationHistory(root) as history:
        given_entries = [(value, entry) for value in values if (entry := give(history, field, value))]
        takes = {entry.entry_id: entry.to_document() for _, entry in given_entries}
        for value, entry in given_entries:
            name = NAMES.get(field, field)
            assert same(getattr(entry, name), expected(field, value, entry)), "what is returned"
        check(history, takes, "from the catalog")
        history.fold()
        check(history, takes, "after a fold")
        carried = [carried_entry(history.audio_path(entry_id)) for entry_id in takes]
    without_sizes = [{**document, "size_bytes": None} for document in takes.values()]
    assert same([{**(one or {}), "size_bytes": None} for one in carried], without_sizes), "from the audio files"
    (root / "catalog.sqlite").unlink()
    with GenerationHistory(root) as history:
        check(history, takes, "without a catalog")
        assert not history.problems
    for path in root.glob("*.json*"):
        if path.name.startswith(("history", "journal")):
            path.unlink()
    with GenerationHistory(root) as history:
        check(history, takes, "from the audio files alone")
    return len(takes)


def check(history: GenerationHistory, takes: dict[str, dict[str, Any]], where: str) -> None:
    for entry_id, document in takes.items():
        found = history.get(entry_id)
        assert found is not None, where
        sizes = {"size_bytes": found.size_bytes}  # of the file, which carries edits after a fold
        assert same(found.to_document(), {**document, **sizes}), where


def test_a_field_that_looks_like_another_does_not_replace_it() -> None:
    assert loads(b'{"a":1,"a":2}') == {"a": 2}
