"""Serve a page for a test, and trigger its events as the browser does."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client.utils import apply_diff

from app import build_page
from generators import Generator
from generators.loading import _make
from history_ui import HistoryPanel
from history_ui.serving import safe_options, stop


@contextmanager
def closing_loops(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Close the event loops that Gradio makes for every page and never closes."""
    make, made = asyncio.new_event_loop, []

    def noted() -> asyncio.AbstractEventLoop:
        made.append(make())
        return made[-1]

    patch.setattr(asyncio, "new_event_loop", noted)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        for loop in made:
            if not loop.is_running():
                loop.close()


def generator_of(function: Callable[..., Any]) -> Generator:
    """Make a generator of a test's own function."""
    return _make("test:function", sys.modules[__name__], function)


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(page: gr.Blocks, panel: HistoryPanel | None = None, **options: Any) -> Iterator[str]:
    """Serve a page; give its address."""
    own = panel.launch_options() if panel is not None else {}
    page.launch(server_name="127.0.0.1", server_port=free_port(), **own, **safe_options(), **options)
    try:
        yield f"http://127.0.0.1:{page.server_port}"
    finally:
        stop(page)


@contextmanager
def app_page(root: Path, generator: Generator) -> Iterator[tuple[HistoryPanel, str]]:
    """Serve the app's own page in this process; give its panel and its address."""
    with pytest.MonkeyPatch.context() as patch, closing_loops(patch):
        panel = HistoryPanel(root, standalone=True)
        with served(build_page(panel, generator), panel) as address:
            yield panel, address
        panel.close()


class Browser:
    """One tab: it knows the page's events and components, and calls them over HTTP."""

    def __init__(self, address: str, **settings: Any) -> None:
        self.http = httpx.Client(base_url=address, timeout=30, **settings)
        self.config = self.http.get("/config").json()
        self.session = uuid.uuid4().hex[:10]

    def close(self) -> None:
        """Close the tab."""
        self.http.close()

    def component(self, elem_id: str) -> dict[str, Any]:
        """Return a component's configuration."""
        found = [one for one in self.config["components"] if one["props"].get("elem_id") == elem_id]
        component: dict[str, Any] = found[0]
        return component

    def ask(self, name: str, /, **request: Any) -> Any:
        """Call a server function of the panel."""
        asked = {
            "session_hash": self.session,
            "component_id": self.component("history-panel")["id"],
            "fn_name": name,
            "data": request,
        }
        return self.http.post("/gradio_api/component_server", json=asked).json()

    def event(self, api_name: str) -> dict[str, Any]:
        """Return an event's configuration."""
        found: dict[str, Any] = next(one for one in self.config["dependencies"] if one["api_name"] == api_name)
        return found

    def start(self, api_name: str, values: list[Any], /, **event_data: Any) -> str:
        """Trigger an event without waiting for it; return its id."""
        asked = {
            "data": values,
            "event_data": event_data or None,
            "fn_index": self.event(api_name)["id"],
            "session_hash": self.session,
        }
        joined = self.http.post("/gradio_api/queue/join", json=asked)
        assert joined.status_code == 200, joined.text
        event_id: str = joined.json()["event_id"]
        return event_id

    def trigger(self, api_name: str, values: list[Any], /, **event_data: Any) -> list[list[Any]]:
        """Trigger an event; return the outputs of each of its steps."""
        event_id = self.start(api_name, values, **event_data)
        steps: list[list[Any]] = []
        for output, complete in self._outputs(event_id):
            changed = bool(steps) and not complete  # from the second step on Gradio sends what changed
            data = output.get("data") or []
            steps.append([apply_diff(*pair) for pair in zip(steps[-1], data, strict=True)] if changed else data)
        return steps

    def _outputs(self, event_id: str) -> Iterator[tuple[dict[str, Any], bool]]:
        with self.http.stream("GET", "/gradio_api/queue/data", params={"session_hash": self.session}) as stream:
            for line in stream.iter_lines():
                message = json.loads(line.removeprefix("data: ")) if line else {}
                if message.get("event_id") != event_id:
                    continue
                if message["msg"] == "process_generating":
                    yield message["output"], False
                elif message["msg"] == "process_completed":
                    assert message["success"], message["output"]
                    yield message["output"], True
                    return

    def quick(self, api_name: str, values: list[Any], /, **event_data: Any) -> list[Any]:
        """Trigger an event that is not queued; return its outputs."""
        asked = {
            "data": values,
            "event_data": event_data or None,
            "fn_index": self.event(api_name)["id"],
            "session_hash": self.session,
        }
        answered = self.http.post("/gradio_api/run/predict", json=asked)
        assert answered.status_code == 200, answered.text
        data: list[Any] = answered.json()["data"]
        return data
