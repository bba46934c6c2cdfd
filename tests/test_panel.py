"""The panel in a page: generating, replaying, generating again, stopping; and inside a host's own app."""

from __future__ import annotations

import asyncio
import random
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Annotated, Any
from unittest.mock import Mock

import gradio as gr
import httpx
import numpy as np
import pytest
from gradio_client import Client

from app import build_page
from generators import Generator, Range, describe, load_generator
from history_ui import HistoryPanel
from history_ui.create import CreateColumn
from history_ui.events import orders_for, stream
from history_ui.gallery import EVENTS, STATIC, WaveformGallery
from history_ui.knobs import knobs_of
from history_ui.messages import Message
from history_ui.replay import replay
from store import GenerationHistory, HistoryEntry, StoreFull
from tests.conftest import add
from tests.pages import Browser, app_page, closing_loops, generator_of, served

pytestmark = [  # Gradio's queue uses what pandas is about to take away
    pytest.mark.filterwarnings("ignore:'future.no_silent_downcasting' is deprecated:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:The copy keyword is deprecated:DeprecationWarning"),
]

RATE = 8000
Speed = Annotated[float, Range(-10, 10, 0.5)]


@pytest.fixture(autouse=True)
def loops(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with closing_loops(monkeypatch):
        yield


def tone(seed: int, speed: float = 0.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.uniform(-0.3, 0.3, 400) * (1 + speed / 100)).astype(np.float32)


@describe(model_id="toy", model_name="Toy", presets={"slow": {"speed": -4.0}, "fast": {"speed": 6.0}})
def toy(speed: Speed = 0.0, text: str = "", seed: int = -1) -> Any:
    """A quick generator for tests."""
    if text == "exit":
        sys.exit("no model")
    if text == "raise":
        raise MemoryError("2.6 GiB needed")
    return RATE, tone(seed, speed)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HistoryPanel, str]]:
    """One page that all tests of this module share, since starting one takes a second."""
    with app_page(tmp_path_factory.mktemp("standing") / "history", generator_of(toy)) as page:
        yield page


@pytest.fixture
def panel(standing: tuple[HistoryPanel, str]) -> HistoryPanel:
    """The page's panel, its history empty again."""
    panel = standing[0]
    for entry in [*panel.history.list_entries(), *panel.history.list_entries(deleted=True)]:
        panel.history.delete_entry(entry.entry_id, permanent=True)
    return panel


@pytest.fixture
def history(panel: HistoryPanel) -> GenerationHistory:
    return panel.history


@pytest.fixture
def browser(standing: tuple[HistoryPanel, str], panel: HistoryPanel) -> Iterator[Browser]:
    opened = Browser(standing[1])
    yield opened
    opened.close()


def messages(steps: list[list[Any]]) -> list[Message]:
    """Return the messages the panel got, once each."""
    found = {step[0]["seq"]: step[0] for step in steps if step and isinstance(step[0], dict) and "seq" in step[0]}
    return list(found.values())


# -- generating -------------------------------------------------------------------------------------------------------


def test_generate_saves_a_take_with_its_whole_snapshot(browser: Browser, history: GenerationHistory) -> None:
    [made] = messages(browser.trigger("panel_generate", [2.5, "hello", "48213"]))
    [entry] = history.list_entries()
    assert (made["kind"], made["ids"], made["again_of"]) == ("made", [entry.entry_id], None)
    assert entry.params == {"speed": 2.5, "text": "hello", "seed": 48213}
    assert (entry.seed, entry.preset_name, entry.model_id) == (48213, "slow", "toy")
    assert entry.elapsed_s is not None
    assert "numpy" in str(entry.generator).lower()


def test_an_empty_seed_is_drawn_and_recorded(browser: Browser, history: GenerationHistory) -> None:
    for seed in (None, "", "-1"):
        browser.trigger("panel_generate", [0.0, "", seed])
    seeds = [entry.params["seed"] for entry in history.list_entries()]
    assert len(set(seeds)) == 3
    assert all(isinstance(seed, int) and seed >= 0 for seed in seeds)
    assert history.list_entries()[0].preset_name == "slow", "a page opens at the first starting point"
    browser.quick("panel_hold_preset", [], id=None)
    browser.trigger("panel_generate", [0.0, "", None])
    assert history.list_entries()[0].preset_name == "custom"


def test_variations_are_saved_as_they_are_made_each_with_its_seed(browser: Browser, history: GenerationHistory) -> None:
    made = messages(browser.trigger("panel_variations", [3, 0.0, "", None]))
    assert [message["kind"] for message in made] == ["made"] * 3
    assert {entry_id for message in made for entry_id in message["ids"]} == {
        entry.entry_id for entry in history.list_entries()
    }
    assert len({entry.seed for entry in history.list_entries()}) == 3


def test_variations_of_a_given_seed_count_up_from_it(browser: Browser, history: GenerationHistory) -> None:
    browser.trigger("panel_variations", [3, 0.0, "", "7"])
    assert [entry.seed for entry in history.list_entries(sort="oldest")] == [7, 8, 9]


def test_a_batch_is_never_more_than_sixteen() -> None:
    generator = generator_of(toy)
    assert len(orders_for(generator, {"seed": None}, 10**6, {})) == 16
    assert len(orders_for(generator, {"seed": None}, -1, {})) == 1


def test_a_generator_that_raises_is_told_with_its_message(browser: Browser, history: GenerationHistory) -> None:
    [failed] = messages(browser.trigger("panel_generate", [0.0, "raise", None]))
    assert failed["kind"] == "failed"
    assert (failed["error"]["type"], failed["error"]["message"]) == ("MemoryError", "2.6 GiB needed")
    assert "in toy" in failed["error"]["detail"]
    assert history.count() == 0
    assert messages(browser.trigger("panel_generate", [0.0, "", None]))[0]["kind"] == "made"


def test_a_generator_that_exits_is_told_like_any_other_failure(browser: Browser) -> None:
    [failed] = messages(browser.trigger("panel_generate", [0.0, "exit", None]))
    assert (failed["kind"], failed["error"]["type"], failed["error"]["message"]) == ("failed", "SystemExit", "no model")


def test_a_seed_that_is_none_is_told(browser: Browser) -> None:
    [failed] = messages(browser.trigger("panel_generate", [0.0, "", "seven"]))
    assert failed["kind"] == "failed"
    assert "whole number" in failed["error"]["message"]


def test_a_save_that_fails_leaves_the_sound_playable(
    browser: Browser, history: GenerationHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> HistoryEntry:
        raise StoreFull(history.directory, "disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(history, "add_to_history", full)
        [unsaved] = messages(browser.trigger("panel_generate", [0.0, "", None]))
    assert (unsaved["kind"], unsaved["error"]) == ("unsaved", {"kind": "StoreFull", "message": "disk is full"})
    [shown] = browser.ask("poll_status")["unsaved"]
    assert shown["id"] in unsaved["ids"]
    assert browser.ask("fetch_unsaved", id=shown["id"])["audio"]
    assert browser.ask("retry_save", id=shown["id"])["card"]["id"] == history.list_entries()[0].entry_id


# -- running, stopping, closing the tab -------------------------------------------------------------------------------


class Gate:
    """A generator function that waits until a test lets it go on."""

    def __init__(self) -> None:
        self.started, self.go_on = threading.Event(), threading.Event()
        self.running = self.most_running = 0

    def function(self) -> Callable[..., Any]:
        @describe(model_id="gate", model_name="Gate")
        def gate(seed: int = -1, progress: gr.Progress = gr.Progress()) -> Any:  # noqa: B008
            self.running += 1
            self.most_running = max(self.running, self.most_running)
            progress(0.25, desc="loading")
            self.started.set()
            self.go_on.wait(10)
            self.running -= 1
            return RATE, tone(seed)

        return gate


@pytest.fixture
def gate() -> Iterator[Gate]:
    gate = Gate()
    yield gate
    gate.go_on.set()


@pytest.fixture
def waiting(history: GenerationHistory, gate: Gate) -> Iterator[Browser]:
    panel = HistoryPanel(history, standalone=True)
    with served(build_page(panel, generator_of(gate.function())), panel) as address:
        opened = Browser(address)
        yield opened
        gate.go_on.set()
        opened.close()


def eventually(holds: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def test_progress_is_seen_while_it_runs(waiting: Browser, gate: Gate) -> None:
    waiting.start("panel_generate", [None])
    assert gate.started.wait(10)
    [job] = waiting.ask("poll_status")["jobs"]
    assert (job["progress"], job["text"], job["total"], job["title"]) == (0.25, "loading", 1, "Gate")
    assert job["elapsed_s"] >= 0


def test_stop_is_over_for_the_page_at_once_and_the_result_is_thrown_away(
    waiting: Browser, gate: Gate, history: GenerationHistory
) -> None:
    threading.Timer(0.3, lambda: waiting.ask("stop_job", id=waiting.ask("poll_status")["jobs"][0]["id"])).start()
    started_s = time.monotonic()
    [stopped] = messages(waiting.trigger("panel_generate", [None]))
    assert stopped["kind"] == "stopped"
    assert time.monotonic() - started_s < 5
    assert not gate.go_on.is_set()
    assert waiting.ask("poll_status")["jobs"] == []
    gate.go_on.set()
    assert eventually(lambda: gate.running == 0)
    time.sleep(0.1)
    assert history.count() == 0


def test_the_next_run_waits_for_a_stopped_function_to_return(
    panel: HistoryPanel, gate: Gate, history: GenerationHistory
) -> None:
    generator = generator_of(gate.function())
    maker = panel.maker(panel.record(generator))
    assert maker is not None
    orders = orders_for(generator, {"seed": 7}, 1, {})
    over = threading.Event()
    first = maker.start(orders, "first", lambda message: None)
    assert gate.started.wait(10)
    first.stop()
    second = maker.start(orders, "second", lambda message: over.set() if message is None else None)
    assert eventually(lambda: second.to_dict()["text"] != "")
    gate.go_on.set()
    assert over.wait(10)
    assert gate.most_running == 1
    assert history.count() == 1


def test_stopping_a_batch_keeps_what_is_finished(panel: HistoryPanel, history: GenerationHistory) -> None:
    generator = generator_of(toy)
    maker = panel.maker(panel.record(generator))
    assert maker is not None
    told: list[Message | None] = []
    over = threading.Event()

    def listen(message: Message | None) -> None:
        told.append(message)
        if message is None:
            over.set()
        elif message["kind"] == "made":
            panel.jobs.stop(panel.jobs.to_list()[0]["id"])

    maker.start(orders_for(generator, {"seed": 1}, 16, {}), "batch", listen)
    assert over.wait(10)
    assert eventually(lambda: not panel.jobs._jobs)
    assert [message and message["kind"] for message in told] == ["made", "stopped", None]
    assert history.count() == 1


def test_a_take_is_saved_though_its_tab_is_closed(waiting: Browser, gate: Gate, history: GenerationHistory) -> None:
    event_id = waiting.start("panel_generate", [None])
    assert event_id
    assert gate.started.wait(10)
    waiting.http.close()
    gate.go_on.set()
    assert eventually(lambda: history.count() == 1)


def test_a_stream_that_is_closed_leaves_the_run_alone(panel: HistoryPanel, history: GenerationHistory) -> None:
    generator = generator_of(toy)
    maker = panel.maker(panel.record(generator))
    assert maker is not None

    async def closed() -> None:
        running = stream(maker, orders_for(generator, {"seed": 1}, 3, {}), "batch")
        await anext(running)
        await running.aclose()

    asyncio.run(closed())
    assert eventually(lambda: history.count() == 3)


def test_a_generator_function_that_is_stopped_ends_at_its_next_yield(
    panel: HistoryPanel, history: GenerationHistory
) -> None:
    steps: list[int] = []
    first, closed = threading.Event(), threading.Event()

    def stepping(seed: int = -1) -> Iterator[Any]:
        try:
            for step in range(1000):
                steps.append(step)
                first.set()
                time.sleep(0.01)
                yield step / 1000
            yield RATE, tone(seed)
        finally:
            closed.set()

    generator = generator_of(stepping)
    maker = panel.maker(panel.record(generator))
    assert maker is not None
    job = maker.start(orders_for(generator, {}, 1, {}), "steps", lambda message: None)
    assert first.wait(10)
    job.stop()
    assert closed.wait(10)
    assert len(steps) < 100
    assert history.count() == 0


# -- replay -----------------------------------------------------------------------------------------------------------


def test_replay_puts_every_parameter_back_and_undo_takes_it_back(browser: Browser, history: GenerationHistory) -> None:
    entry = add(
        history, 7, model_id="toy", params={"speed": 99.0, "text": "hi", "seed": 7, "old": 1}, preset_name="slow"
    )
    message, _, *values = browser.quick("panel_replay", [None, 1.0, "now", "5"], id=entry.entry_id)
    assert values == [10.0, "hi", "7"]
    assert (message["kind"], message["id"], message["loaded"]) == ("replayed", entry.entry_id, "built-in:slow")
    assert message["report"] == {
        "applied": 2,
        "changed": ["Speed", "Text", "Seed"],
        "clamped": [{"name": "speed", "label": "Speed", "wanted": "+99.0", "given": "+10.0"}],
        "missing": [],
        "unused": ["Old"],
    }
    message, _, *values = browser.quick("panel_undo_replay", [None, *values])
    assert (message["kind"], message["count"]) == ("undone", 3)
    assert values == [1.0, "now", "5"]
    message, _, *values = browser.quick("panel_undo_replay", [None, *values])
    assert message["count"] == 0


def test_one_tab_does_not_undo_anothers_replay(browser: Browser, history: GenerationHistory) -> None:
    entry = add(history, 7, model_id="toy", params={"speed": 3.0})
    browser.quick("panel_replay", [None, 1.0, "", ""], id=entry.entry_id)
    other = Browser(str(browser.http.base_url))
    assert other.quick("panel_undo_replay", [None, 9.0, "", ""])[0]["count"] == 0
    other.close()


@pytest.mark.parametrize("event_data", [{}, {"id": ""}, {"id": 7}, {"id": "unknown"}, {"id": "x", "more": 1}])
def test_a_replay_of_nothing_changes_nothing(browser: Browser, event_data: dict[str, Any]) -> None:
    message, _, *values = browser.quick("panel_replay", [None, 1.0, "now", "5"], **event_data)
    assert message["kind"] == "refused"
    assert values == [1.0, "now", "5"]


def test_what_the_page_remembers_is_put_back(browser: Browser) -> None:
    values = browser.quick("panel_put_back", [0.0, "", ""], values={"speed": 3.5, "seed": 12, "text": {"a": 1}})
    assert values == [3.5, "", "12"]
    values = browser.quick("panel_put_back", [0.0, "", ""], values={"speed": 1e9, "other": 1})
    assert values == [10.0, "", ""]


def test_starting_points_fill_what_they_name_and_leave_the_rest(browser: Browser) -> None:
    message, _, *values = browser.quick("panel_load_preset", [None, 1.0, "now", "5"], id="built-in:fast")
    assert values == [6.0, "now", "5"]
    assert (message["kind"], message["name"], message["report"]["missing"]) == ("loaded", "Fast", [])
    assert browser.component("param-speed")["props"]["value"] == -4.0
    assert [point["name"] for point in browser.ask("fetch_presets")["built_in"]] == ["Slow", "Fast"]


def test_surprises_lie_on_the_sliders_steps(browser: Browser) -> None:
    drawn = [browser.quick("panel_surprise", [])[0] for _ in range(20)]
    assert len(set(drawn)) > 3
    assert all(-10 <= value <= 10 and (value * 2).is_integer() for value in drawn)


# -- generate again ---------------------------------------------------------------------------------------------------


def test_generate_again_says_identical_and_records_the_parent(browser: Browser, history: GenerationHistory) -> None:
    browser.trigger("panel_generate", [2.5, "hello", None])
    [first] = history.list_entries()
    [made] = messages(browser.trigger("panel_again", [], id=first.entry_id))
    again = history.list_entries()[0]
    assert (made["verdict"], made["again_of"], made["ids"]) == ("identical", first.entry_id, [again.entry_id])
    assert (again.parent_id, again.params, again.preset_name) == (first.entry_id, first.params, "slow")
    assert again.audio_sha256 == first.audio_sha256
    assert browser.ask("fetch_take", id=again.entry_id)["parent"]["verdict"] == "identical"


def test_generate_again_says_different_and_what_is_known_of_it(browser: Browser, history: GenerationHistory) -> None:
    other = add(history, 3, model_id="toy", params={"speed": 0.0, "text": "", "seed": 3})
    [made] = messages(browser.trigger("panel_again", [], id=other.entry_id))
    assert made["verdict"] == "different"
    assert "sample rate 48000 Hz → 8000 Hz" in made["detail"]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"model_id": "bark", "model_name": "Bark", "params": {"seed": 1}}, "made by Bark"),
        ({"model_id": "toy", "params": None}, "without its parameters"),
        ({"model_id": "toy", "params": {"clip": {"$not_kept": "ndarray"}}}, "clip could not be kept"),
    ],
)
def test_what_cannot_be_made_again_says_why(
    browser: Browser, history: GenerationHistory, fields: dict[str, Any], words: str
) -> None:
    [refused] = messages(browser.trigger("panel_again", [], id=add(history, **fields).entry_id))
    assert refused["kind"] == "refused"
    assert words in refused["error"]["message"]
    assert history.count() == 1


def test_a_take_whose_parameters_do_not_fit_any_more_fails_with_a_sentence(
    browser: Browser, history: GenerationHistory
) -> None:
    entry = add(history, 3, model_id="toy", params={"speed": 99.0, "seed": 3})
    [failed] = messages(browser.trigger("panel_again", [], id=entry.entry_id))
    assert failed["kind"] == "failed"
    assert "Speed must be from -10 to 10" in failed["error"]["message"]


# -- other web sites --------------------------------------------------------------------------------------------------

FOREIGN = [
    {"origin": "http://evil.example"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "null"},
    {"host": "evil.example"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    {"sec-fetch-site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_no_route_answers_another_site(browser: Browser, headers: dict[str, str]) -> None:
    http = browser.http
    body = {"data": [None, 0.0, "", None], "fn_index": browser.event("panel_generate")["id"], "session_hash": "x"}
    remove = {
        "session_hash": "x",
        "component_id": browser.component("history-panel")["id"],
        "fn_name": "empty_trash",
        "data": {},
    }
    for answered in (
        http.post("/gradio_api/queue/join", json=body, headers=headers),
        http.post("/gradio_api/run/predict", json=body, headers=headers),
        http.post("/gradio_api/component_server", json=remove, headers=headers),
        http.post("/gradio_api/component_server", data={"data": "{}"}, headers=headers),
        http.post("/gradio_api/component_server", content="{}", headers={**headers, "content-type": "text/plain"}),
        http.post("/gradio_api/upload", files={"files": ("x.txt", b"x")}, headers=headers),
        http.post("/gradio_api/call/panel_generate", json={"data": []}, headers=headers),
        http.get("/gradio_api/file=/etc/passwd", headers=headers),
        http.get("/config", headers=headers),
    ):
        assert answered.status_code == 403, answered.request.url


def test_no_file_of_the_machine_is_served(browser: Browser, history: GenerationHistory) -> None:
    entry = add(history)
    for path in ("/etc/passwd", history.directory / "history.json", history.audio_path(entry.entry_id), __file__):
        for route in (f"/gradio_api/file={path}", f"/file={path}", f"/gradio_api/file/{path}", f"/static/{path}"):
            assert browser.http.get(route).status_code in (403, 404, 405), route


def test_audio_is_served_in_ranges_under_the_cards_own_address(browser: Browser, history: GenerationHistory) -> None:
    entry = add(history)
    [card] = browser.ask("fetch_page")["takes"]
    whole = history.audio_path(entry.entry_id).read_bytes()
    answered = browser.http.get(card["audio"], headers={"range": "bytes=44-143"})
    assert (answered.status_code, answered.content) == (206, whole[44:144])
    assert answered.headers["content-security-policy"] == "frame-ancestors 'self'"


# -- inside a host's app ----------------------------------------------------------------------------------------------


def pcm(seed: int, speed: float = 0.0) -> np.ndarray:
    """16-bit samples, which gr.Audio takes as they are; floats it would normalise."""
    return (tone(seed, speed) * 32767).astype(np.int16)


def host(panel: HistoryPanel) -> gr.Blocks:
    """A host's own page: its own button, its own audio output, a panel below."""

    def speak(text: str, speed: float, request: gr.Request) -> Any:
        return (RATE, pcm(7, speed)), 48213

    recorded = panel.record(speak, model_id="bark", model_name="Bark")
    with gr.Blocks(analytics_enabled=False) as page:
        text, speed = gr.Textbox(label="Text"), gr.Slider(0, 2, 1, label="Speed")
        sound, seed = gr.Audio(), gr.Number()
        gr.Button("Speak").click(recorded, [text, speed], [sound, seed], api_name="speak")
        panel.render()
        panel.attach({"text": text, "speed": speed}, generate=recorded)
    return page


def test_a_host_keeps_its_own_event_and_gains_a_history(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)
    with served(host(panel)) as address:
        _, seed = Client(address, verbose=False).predict("hello", 1.5, api_name="/speak")
        assert seed == 48213
        tab = Browser(address)
        [card] = tab.ask("fetch_page")["takes"]
        assert (card["title"], card["model"], card["seed"]) == ("hello", "Bark", 48213)
        message, _, *values = tab.quick("panel_replay", [None, "", 1.0], id=card["id"])
        assert values == ["hello", 1.5]
        assert message["report"]["applied"] == 2
        [made] = messages(tab.trigger("panel_again", [], id=card["id"]))
        assert made["verdict"] == "identical"
        tab.close()


def test_what_a_hosts_function_raises_is_told_to_its_pages(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)

    def speak(text: str) -> Any:
        raise MemoryError(f"no room for {text}")

    with pytest.raises(MemoryError):
        panel.record(speak)("a bell")
    [failure] = panel.jobs.failures()
    assert (failure["type"], failure["message"]) == ("MemoryError", "no room for a bell")
    assert 0 <= failure["age_s"] < 10
    assert panel.jobs.to_list() == []


def test_a_host_that_gives_the_route_no_place_serves_audio_and_nothing_else(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)
    entry = add(history)
    with served(host(panel)) as address:
        tab = Browser(address)
        [card] = tab.ask("fetch_page")["takes"]
        whole = history.audio_path(entry.entry_id).read_bytes()
        assert tab.http.get(card["audio"]).content == whole
        assert tab.http.get(card["audio"], headers={"range": "bytes=44-99"}).content == whole[44:100]
        for headers in FOREIGN:
            assert tab.http.get(card["audio"], headers=headers).status_code == 403
        for path in ("history.json", "catalog.sqlite", f"audio/{entry.entry_id}.wav"):
            assert tab.http.get(f"/gradio_api/file={history.directory}/{path}").status_code in (403, 404), path
        tab.close()


def test_a_hosts_login_stands_before_the_panels_audio_too(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)
    add(history)
    with served(host(panel), auth=("ada", "secret")) as address:
        known = httpx.Client(base_url=address, timeout=60)
        assert known.post("/login", data={"username": "ada", "password": "secret"}).status_code == 200
        tab = Browser(address, cookies=known.cookies)
        [card] = tab.ask("fetch_page")["takes"]
        assert tab.http.get(card["audio"]).status_code == 200
        assert httpx.get(address + card["audio"], timeout=60).status_code == 401
        tab.close()
        known.close()


@pytest.mark.parametrize("headers", [one for one in FOREIGN if "sec-fetch-mode" not in one])
def test_an_embedded_panel_refuses_other_sites_by_itself(history: GenerationHistory, headers: dict[str, str]) -> None:
    panel = HistoryPanel(history)
    entry = add(history)
    with served(host(panel)) as address:
        tab = Browser(address)
        asked = {
            "session_hash": "x",
            "component_id": tab.component("history-panel")["id"],
            "fn_name": "remove_take",
            "data": {"id": entry.entry_id, "forever": True},
        }
        answered = tab.http.post("/gradio_api/component_server", json=asked, headers=headers)
        assert answered.status_code >= 400 or answered.json()["error"]["kind"] == "ForeignRequest"
        tab.close()
    assert history.get(entry.entry_id) is not None


def test_an_embedded_panel_is_reached_under_the_names_its_host_allows(history: GenerationHistory) -> None:
    panel = HistoryPanel(history, allowed_hosts=["*.hf.space"])
    with served(host(panel)) as address:
        tab = Browser(address)
        tab.http.headers["host"] = "me-app.hf.space"
        assert tab.ask("fetch_page")["total"] == 0
        tab.close()


def test_an_interface_needs_only_a_recorded_function(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)

    def chatterbox(text: str, pace: float = 0.5) -> Any:
        return RATE, pcm(1)

    page = gr.Interface(panel.record(chatterbox), [gr.Textbox(), gr.Slider(0, 1)], gr.Audio(), analytics_enabled=False)
    with served(page) as address:
        Client(address, verbose=False).predict("hi", 0.25, api_name="/chatterbox")
    assert history.list_entries()[0].params == {"text": "hi", "pace": 0.25}


def test_python_and_the_page_have_the_same_list_of_events() -> None:
    script = (STATIC / "panel.js").read_text("utf-8")
    listed = re.search(r"RETAKE_EVENTS = \[(.*?)\]", script, re.DOTALL)
    assert listed is not None
    assert re.findall(r"'(\w+)'", listed[1]) == list(EVENTS)
    with gr.Blocks():
        gallery = WaveformGallery(standalone=True)
        assert all(callable(getattr(gallery, name)) for name in EVENTS)
        assert not hasattr(gallery, "standalone"), "what the script quotes is no event"


def test_attach_before_render_says_what_to_do(history: GenerationHistory) -> None:
    with gr.Blocks(), pytest.raises(RuntimeError, match=r"render\(\)"):
        HistoryPanel(history).attach({})


def test_a_panel_that_is_closed_tries_once_more_to_save(history: GenerationHistory) -> None:
    panel = HistoryPanel(history)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(history, "add_to_history", Mock(side_effect=StoreFull(history.directory, "disk is full")))
        panel.record(silent)()
    assert len(panel.unsaved.to_list()) == 1
    panel.close()
    assert panel.unsaved.to_list() == []
    with GenerationHistory(history.directory) as again:
        assert again.count() == 1


def test_a_panel_opens_the_folder_it_is_given(tmp_path: Any) -> None:
    panel = HistoryPanel(tmp_path / "takes")
    assert panel.history.count() == 0
    panel.close()


# -- the column of controls -------------------------------------------------------------------------------------------


def column_of(generator: Generator) -> CreateColumn:
    with gr.Blocks(analytics_enabled=False):
        return CreateColumn(generator)


def silent(length: int = 1) -> Any:
    return RATE, np.zeros(100)


def test_a_generator_without_seed_sliders_or_presets_has_only_its_controls() -> None:
    column = column_of(generator_of(silent))
    assert list(column.controls) == ["length"]
    assert (column.count, column.variations) == (None, None)


def test_controls_keep_the_order_of_the_function_whatever_their_groups() -> None:
    generator = load_generator()
    assert list(column_of(generator).controls) == [control.name for control in generator.controls]


@pytest.fixture(scope="module")
def synth() -> Generator:
    return load_generator()


def samples_of(generator: Generator, values: Any) -> bytes:
    [sound] = generator.run(values)
    return bytes(sound.audio.tobytes())


@pytest.fixture(scope="module")
def random_takes(synth: Generator) -> list[tuple[dict[str, Any], bytes]]:
    """Settings of all controls at random, as the page would hand them over, and what they sound like."""
    rng, takes = random.Random(20261123), []
    for number in range(6):
        chosen = {control.name: rng.choice(control.choices)[1] for control in synth.controls if control.choices}
        settings = {**synth.defaults(), **synth.surprise(rng), **chosen, "duration": 1 + number % 2, "seed": None}
        [order] = orders_for(synth, settings, 1, {})
        takes.append((dict(order.params), samples_of(synth, order.values)))
    return takes


def test_replay_brings_back_every_setting_that_makes_the_sound(
    synth: Generator, random_takes: list[tuple[dict[str, Any], bytes]]
) -> None:
    column = column_of(synth)
    knobs = knobs_of(column.controls, {control.name: control for control in synth.controls})
    for params, sound in random_takes:
        done = replay(params, params["seed"], knobs)
        assert done.report.applied == len(synth.controls)
        [again] = orders_for(synth, done.payloads, 1, {})
        assert samples_of(synth, again.values) == sound


@pytest.mark.parametrize("name", [control.name for control in load_generator().controls])
def test_a_snapshot_without_any_one_control_makes_another_sound(
    synth: Generator, random_takes: list[tuple[dict[str, Any], bytes]], name: str
) -> None:
    for params, sound in random_takes:
        if params[name] == synth.defaults()[name]:
            continue
        left_out = {key: value for key, value in params.items() if key != name}
        [order] = orders_for(synth, left_out, 1, {})
        if name == "bit_depth":  # it tells how the sound is kept, which the samples do not
            assert next(synth.run(order.values)).bit_depth != params[name]
        else:
            assert samples_of(synth, order.values) != sound
        return
    pytest.fail(f"{name} stood at its default in every random take")
