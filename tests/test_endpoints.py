"""The named endpoints, called with gradio_client over a real server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from app import build_page
from generators import load_generator
from history_ui import HistoryPanel
from history_ui.serving import page_options
from tests.conftest import add, tone
from tests.pages import closing_loops, served

pytestmark = [  # Gradio's queue uses what pandas is about to take away
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

SHORT = {"duration": 1}
NAMES = {
    "/generate",
    "/list_entries",
    "/get_entry",
    "/replay",
    "/update_entry",
    "/delete_entry",
    "/restore_entry",
    "/stats",
}


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HistoryPanel]:
    opened = HistoryPanel(tmp_path_factory.mktemp("endpoints") / "history", standalone=True)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def client(panel: HistoryPanel) -> Iterator[Client]:
    """The client of the whole app, as app.py serves it."""
    with pytest.MonkeyPatch.context() as patch, closing_loops(patch):
        page = build_page(panel, load_generator())
        with served(page, panel, **page_options()) as address:
            yield Client(address, verbose=False)


def generate(client: Client, **params: Any) -> dict[str, Any]:
    entry: dict[str, Any] = client.predict(**SHORT, **params, api_name="/generate")
    return entry


def test_exactly_the_promised_endpoints_are_named(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)
    assert set(described["named_endpoints"]) == NAMES
    assert not described["unnamed_endpoints"]


def test_generate_takes_the_controls_by_name(client: Client) -> None:
    described = client.view_api(return_format="dict", print_info=False)["named_endpoints"]["/generate"]
    controls = load_generator().controls
    assert [one["parameter_name"] for one in described["parameters"]] == [control.name for control in controls]
    assert all(one["parameter_has_default"] for one in described["parameters"])


def test_generate_answers_the_entry(client: Client, panel: HistoryPanel) -> None:
    entry = generate(client, brightness=3, seed=7)
    assert entry == panel.history.get(entry["entry_id"]).to_dict()  # type: ignore[union-attr]
    assert entry["params"]["brightness"] == 3
    assert (entry["seed"], entry["model_id"], entry["duration_s"]) == (7, "synth", 1.0)
    assert panel.history.audio_exists(entry["entry_id"])


def test_the_same_parameters_make_the_same_samples(client: Client) -> None:
    first = generate(client, seed=48213)
    again = client.predict(**first["params"], api_name="/generate")
    assert again["audio_sha256"] == first["audio_sha256"]
    assert again["entry_id"] != first["entry_id"]


@pytest.mark.parametrize(
    "params", [{"brightness": 99}, {"brightness": "loud"}, {"seed": -5}, {"seed": "x"}, {"stereo_mode": "5.1"}]
)
def test_values_that_do_not_fit_are_refused_with_a_sentence(
    client: Client, panel: HistoryPanel, params: dict[str, Any]
) -> None:
    before = panel.history.count()
    with pytest.raises(AppError, match=r"must be|has no choice"):
        generate(client, **params)
    assert panel.history.count() == before


def test_takes_are_listed_found_and_counted(client: Client, panel: HistoryPanel) -> None:
    entry = generate(client, seed=1)
    client.predict(entry["entry_id"], title="Kettle at dusk", api_name="/update_entry")
    found = client.predict(query="kettle dusk", api_name="/list_entries")
    assert [one["entry_id"] for one in found["entries"]] == [entry["entry_id"]]
    assert found["total"] == 1
    listed = client.predict(limit=1, offset=0, sort="newest", model_id="synth", api_name="/list_entries")
    assert len(listed["entries"]) == 1
    assert listed["total"] == panel.history.count()
    assert client.predict(model_id="bark", api_name="/list_entries") == {"entries": [], "total": 0}
    made = add(panel.history, preset_id="pad", preset_name="warm pads", preset_changed=True)
    listed = client.predict(preset_id="pad", api_name="/list_entries")
    assert [(one["entry_id"], one["preset_changed"]) for one in listed["entries"]] == [(made.entry_id, True)]
    assert listed["total"] == 1


def test_a_take_is_fetched_changed_deleted_and_restored(client: Client) -> None:
    entry_id = generate(client, seed=2)["entry_id"]
    changed = client.predict(
        entry_id, favorite=True, rating=4, tags=["pad"], note="warm", title="Bell", api_name="/update_entry"
    )
    assert [changed[name] for name in ("favorite", "rating", "tags", "note", "title")] == [
        True,
        4,
        ["pad"],
        "warm",
        "Bell",
    ]
    assert client.predict(entry_id, rating=0, api_name="/update_entry")["rating"] is None
    assert client.predict(entry_id, api_name="/get_entry")["title"] == "Bell"
    assert client.predict(entry_id, api_name="/delete_entry") == {"deleted": True}
    assert client.predict(entry_id, api_name="/get_entry")["deleted_at"]
    assert entry_id in [one["entry_id"] for one in client.predict(deleted=True, api_name="/list_entries")["entries"]]
    assert client.predict(entry_id, api_name="/restore_entry")["deleted_at"] is None
    assert client.predict(entry_id, permanent=True, api_name="/delete_entry") == {"deleted": True}
    assert client.predict(entry_id, api_name="/delete_entry") == {"deleted": False}


def test_replay_answers_the_parameters_and_the_report(client: Client) -> None:
    entry = generate(client, brightness=-2, seed=3)
    replayed = client.predict(entry["entry_id"], api_name="/replay")
    assert replayed["params"] == entry["params"]
    applied = {"applied": len(entry["params"]), "changed": []}
    assert replayed["report"] == {**applied, "clamped": [], "missing": [], "unused": []}
    assert replayed["controls"]["seed"] == "3"


def test_stats_count_everything(client: Client, panel: HistoryPanel) -> None:
    generate(client, seed=4)
    stats = client.predict(api_name="/stats")
    assert stats["count"] == panel.history.count()
    assert stats["size_bytes"] + stats["deleted_bytes"] == panel.history.get_total_size()
    assert stats["models"] == {"synth": stats["count"]}


@pytest.mark.parametrize(
    ("api_name", "arguments"),
    [
        ("/get_entry", {"entry_id": "unknown"}),
        ("/replay", {"entry_id": "unknown"}),
        ("/restore_entry", {"entry_id": "unknown"}),
        ("/update_entry", {"entry_id": "unknown", "title": "x"}),
        ("/update_entry", {"entry_id": "unknown"}),
        ("/get_entry", {"entry_id": ""}),
        ("/get_entry", {"entry_id": 7}),
        ("/list_entries", {"limit": -1}),
        ("/list_entries", {"limit": 10**9}),
        ("/list_entries", {"offset": -1}),
        ("/list_entries", {"sort": "random"}),
        ("/list_entries", {"query": ["x"]}),
        ("/update_entry", {"entry_id": "x", "rating": 9}),
        ("/update_entry", {"entry_id": "x", "tags": "pad"}),
    ],
)
def test_what_cannot_be_is_an_error_with_a_sentence(client: Client, api_name: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(AppError, match=r"There is no take|must "):
        client.predict(**arguments, api_name=api_name)


def test_the_pages_own_events_are_not_the_clients(client: Client) -> None:
    with pytest.raises(ValueError, match="Cannot find"):
        client.predict(api_name="/panel_generate")


def test_a_parameter_that_looks_like_a_gradio_file_is_only_text(client: Client, panel: HistoryPanel) -> None:
    sneaky = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}, "orig_name": "x"}
    entry = panel.history.add_to_history(tone(1), "synth", "Synth", params={"clip": sneaky, "__type__": "update"})
    fetched = client.predict(entry.entry_id, api_name="/get_entry")
    assert fetched["params"]["clip"]["$path"] == "/etc/passwd"
    assert fetched["params"]["$__type__"] == "update"
