"""Attacks by a page of another web site, in a real browser, and by programs: every route refuses, nothing changes."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright

from store import GenerationHistory
from tests.browser import App, launch, running, serving, tab
from tests.conftest import add
from tests.figures import Figures
from tests.pages import Browser, free_port

SCRIPT = Path(__file__).with_name("attacks.js").read_text()
EVIL, OURS = "evil.example", "studio.example"
SECRET = "a prompt that nobody else may read"  # noqa: S105 - no password
STOPPED_HERE = {"window"}
"""What another site may do: open the page in a window, as any link does. It reads nothing there."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    """A browser for which the attacker's name, and one of ours, are this machine: so DNS can be rebound."""
    with sync_playwright() as playwright:
        opened = launch(playwright, EVIL, OURS)
        yield opened
        opened.close()


class AttackSite(http.server.BaseHTTPRequestHandler):
    """Serves an empty page anywhere, and redirects with the method and the body kept where it is asked to."""

    def do_GET(self) -> None:
        """Answer an empty page."""
        self._answer(200, {"content-type": "text/html"}, b"<!doctype html><title>Win a prize</title><iframe name=sink>")

    def do_POST(self) -> None:
        """Send the request on."""
        self.rfile.read(int(self.headers.get("content-length", 0)))
        location = unquote(urlsplit(self.path).query.removeprefix("to="))
        self._answer(307, {"location": location, "access-control-allow-origin": self.headers.get("origin", "*")}, b"")

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "content-length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def attack_port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), AttackSite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@dataclass(frozen=True)
class Victim:
    """An app under attack: its address, its history, and where Gradio keeps uploads."""

    address: str
    root: Path
    uploads: Path

    @property
    def port(self) -> int:
        return urlsplit(self.address).port or 0

    def state(self) -> Any:
        """Return everything an attack must not change: takes, samples, uploaded files."""
        with GenerationHistory(self.root) as history:
            entries = [*history.list_entries(), *history.list_entries(deleted=True)]
            takes = [(entry.to_document(), history.audio_path(entry.entry_id).read_bytes()) for entry in entries]
            return takes, [path for path in self.uploads.rglob("*") if path.is_file()]

    def known(self, base: str) -> dict[str, Any]:
        """Return what the attacker knows: more than one could ever learn, ids and the secret address included."""
        opened = Browser(self.address)
        try:
            cards = opened.ask("fetch_page")["takes"]
            events = {one["api_name"]: one["id"] for one in opened.config["dependencies"]}
            panel = opened.component("history-panel")["id"]
        finally:
            opened.close()
        take = {"id": cards[0]["id"]}
        requests = {
            "remove_take": {**take, "forever": True},
            "change_take": {**take, "changes": {"title": "Pwned"}},
            "empty_trash": {},
            "fetch_page": {},
        }
        return {
            "base": base,
            "id": take["id"],
            "media": cards[0]["audio"],
            "panel": panel,
            "events": events,
            "requests": requests,
            "uploads": self.uploads.name == "guarded",
        }


def fill(root: Path) -> None:
    with GenerationHistory(root) as history:
        entries = [add(history, seed, params={"prompt": SECRET}) for seed in range(3)]
        history.delete_entry(entries[0].entry_id)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    home = tmp_path_factory.mktemp("app")
    fill(home / "history")
    with running(home / "history", "--allow-host", OURS, GRADIO_TEMP_DIR=str(home / "guarded")) as started:
        yield Victim(started.address, started.history, home / "guarded")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Victim]:
    """An app with a panel whose author knows nothing of guards: `demo.launch()`."""
    home, port = tmp_path_factory.mktemp("host"), free_port()
    fill(home / "history")
    command = ["-m", "tests.host", home / "history", port]
    with serving(command, port, {"GRADIO_TEMP_DIR": str(home / "own"), "GRADIO_ANALYTICS_ENABLED": "False"}):
        yield Victim(f"http://127.0.0.1:{port}", home / "history", home / "own")


# -- attack pages -----------------------------------------------------------------------------------------------------


@contextmanager
def visiting(chromium: Chromium, address: str) -> Iterator[tuple[Page, dict[str, set[int]]]]:
    """Open an attacker's page; give it and what its attacks were answered, by name; 0 is no answer at all."""
    context = chromium.new_context()
    answered: dict[str, set[int]] = {}

    def note(url: str, status: int) -> None:
        for name in parse_qs(urlsplit(url).query).get("attack", []):
            answered.setdefault(name, set()).add(status)

    context.on("response", lambda response: note(response.url, response.status))
    context.on("requestfailed", lambda request: note(request.url, 0))
    page = context.new_page()
    page.on("websocket", lambda socket: note(socket.url, 0))
    try:
        page.goto(address)
        page.evaluate(SCRIPT)
        yield page, answered
    finally:
        context.close()


def attack(chromium: Chromium, address: str, known: dict[str, Any]) -> tuple[dict[str, str], dict[str, set[int]]]:
    """Run every attack from a page; return what each read, and what each was answered."""
    with visiting(chromium, address) as (page, answered):
        read: dict[str, str] = page.evaluate("known => attackAll(known)", known)
        return read, answered


@pytest.mark.proof
@pytest.mark.parametrize("site", ["127.0.0.1", "localhost", EVIL])
def test_no_page_of_another_site_changes_or_reads_anything(
    chromium: Chromium, app: Victim, attack_port: int, site: str, figures: Figures
) -> None:
    before = app.state()
    known = app.known(app.address) | {"redirect": f"http://{site}:{attack_port}/?to="}
    read, answered = attack(chromium, f"http://{site}:{attack_port}/", known)
    assert app.state() == before
    assert {name: text for name, text in read.items() if text} == {}
    assert set(answered) == set(read), "every attack reached the server, or was stopped by the browser for its answer"
    allowed = {name for name, statuses in answered.items() if not statuses <= {0, 403}}
    assert allowed == STOPPED_HERE
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)


@pytest.mark.proof
def test_a_rebound_name_reads_and_changes_nothing(chromium: Chromium, app: Victim, figures: Figures) -> None:
    before = app.state()
    site = f"http://{EVIL}:{app.port}"
    read, answered = attack(chromium, f"{site}/", app.known(site) | {"redirect": f"{site}/?to="})
    assert app.state() == before
    assert not any(SECRET in text for text in read.values())
    assert set().union(*answered.values()) <= {0, 403}
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)


@pytest.mark.proof
@pytest.mark.parametrize("site", ["127.0.0.1", EVIL, "rebound"])
def test_a_panel_in_an_app_without_a_guard_defends_itself(
    chromium: Chromium, host: Victim, attack_port: int, site: str, figures: Figures
) -> None:
    before = host.state()
    base = f"http://{EVIL}:{host.port}" if site == "rebound" else host.address
    page = f"{base}/" if site == "rebound" else f"http://{site}:{attack_port}/"
    known = host.known(base) | {"redirect": f"http://{EVIL}:{attack_port}/?to="}
    read, answered = attack(chromium, page, known)
    assert host.state() == before
    assert not any(SECRET in text or known["id"] in text for text in read.values())
    assert all(answered[name] <= {0, 403} for name in answered if name.startswith("media")), answered
    assert answered["server function as text"] != {0}, "the attack did arrive"
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)
