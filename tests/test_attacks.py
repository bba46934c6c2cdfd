"""Attacks by a page of another web site, in a real browser, and by programs: every route refuses, nothing changes."""

from __future__ import annotations

import http.client
import http.server
import re
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, unquote, urlsplit

import gradio as gr
import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect, sync_playwright

from app import build_page
from generators import load_generator
from history_ui import HistoryPanel
from history_ui.handlers import HANDLERS
from store import GenerationHistory
from tests.browser import App, launch, running, serving, tab
from tests.conftest import add
from tests.figures import Figures
from tests.pages import Browser, closing_loops, free_port, generator_of, served

SCRIPT = Path(__file__).with_name("attacks.js").read_text()
EVIL, OURS = "evil.example", "studio.example"
SECRET = "a prompt that nobody else may read"  # noqa: S105 - no password
ALLOWED = {"window"}
"""What another site may do: open the page in a window, as any link does. It reads nothing there."""
UNSEEN = {"server function from a sandbox"}
"""Attacks whose requests the browser does not always tell us of."""


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
        self._answer(200, {"content-type": "text/html"}, b"<!doctype html><title>Win a prize</title>")

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
    started: App | None = None

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
        yield Victim(started.address, started.history, home / "guarded", started)


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


def attack(
    chromium: Chromium, address: str, known: dict[str, Any], *awaited: str
) -> tuple[dict[str, str], dict[str, set[int]]]:
    """Run every attack from a page; return what each read, and what each was answered, at least those awaited or all."""
    with visiting(chromium, address) as (page, answered):
        read: dict[str, str] = page.evaluate("known => attackAll(known)", known)
        names = set(awaited) or set(read) - UNSEEN
        deadline = time.monotonic() + 30
        while not names <= set(answered) and time.monotonic() < deadline:
            page.wait_for_timeout(50)
        return read, answered


@pytest.mark.proof
@pytest.mark.parametrize("site", ["127.0.0.1", EVIL])
def test_no_page_of_another_site_changes_or_reads_anything(
    chromium: Chromium, app: Victim, attack_port: int, site: str, figures: Figures
) -> None:
    before = app.state()
    known = app.known(app.address) | {"redirect": f"http://{site}:{attack_port}/?to="}
    read, answered = attack(chromium, f"http://{site}:{attack_port}/", known)
    assert app.state() == before
    assert {text for text in read.values() if text and not text.startswith("Another web site")} == set()
    assert set(read) - set(answered) <= UNSEEN, "every attack was made"
    allowed = {name for name, statuses in answered.items() if not statuses <= {0, 403}}
    assert allowed <= ALLOWED
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)


@pytest.mark.proof
def test_a_rebound_name_reads_and_changes_nothing(chromium: Chromium, app: Victim, figures: Figures) -> None:
    before = app.state()
    site = f"http://{EVIL}:{app.port}"
    known = app.known(site) | {"redirect": f"{site}/?to="}
    read, answered = attack(chromium, f"{site}/", known, "server function as text")
    assert app.state() == before
    assert not any(SECRET in text for text in read.values())
    assert set().union(*answered.values()) <= {0, 403}
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)


@pytest.mark.proof
@pytest.mark.parametrize("site", [EVIL, "rebound"])
def test_a_panel_in_an_app_without_a_guard_defends_itself(
    chromium: Chromium, host: Victim, attack_port: int, site: str, figures: Figures
) -> None:
    before = host.state()
    base = f"http://{EVIL}:{host.port}" if site == "rebound" else host.address
    page = f"{base}/" if site == "rebound" else f"http://{site}:{attack_port}/"
    known = host.known(base) | {"redirect": f"http://{EVIL}:{attack_port}/?to="}
    read, answered = attack(chromium, page, known, "server function as text")
    assert host.state() == before
    assert [name for name, text in read.items() if SECRET in text] == []
    assert all(answered[name] <= {0, 403} for name in answered if name.startswith("media")), answered
    assert answered["server function as text"] != {0}, "the attack did arrive"
    figures.add("attacks by web pages", attacks=len(read), succeeded=0)


# -- every route ------------------------------------------------------------------------------------------------------

FOREIGN = (
    {"host": EVIL},
    {"origin": f"http://{EVIL}"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "null"},
    {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"},
    {"sec-fetch-site": "same-site"},
)
FOR_THE_LOGIN = {
    "/",
    "/login",
    "/login/",
    "/theme.css",
    "/gradio_api/theme.css",
    "/favicon.ico",
    "/robots.txt",
    "/manifest.json",
    "/gradio_api/startup-events",
    "/gradio_api/login_check",
    "/gradio_api/login_check/",
    "/gradio_api/user",
    "/gradio_api/user/",
    "/static/{path:path}",
    "/assets/{path:path}",
    "/svelte/{path:path}",
}
"""What answers before the login: the login page, what it is made of, and what says that a login is asked for."""


def routes_of(routes: Iterable[Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield method and path of every route of an app, also of those inside routers and mounted apps."""
    for route in routes:
        inner = getattr(route, "original_router", None) or getattr(route, "app", None)
        if hasattr(route, "methods") and hasattr(route, "path"):
            for method in sorted(route.methods or {"GET"}):
                yield method, prefix + route.path
        elif hasattr(inner, "routes"):
            yield from routes_of(inner.routes, prefix + getattr(route, "path", ""))
        else:
            raise AssertionError(f"a route of a kind that is not known: {route!r}")


def example(path: str) -> str:
    """Fill the parameters of a path."""
    return re.sub(r"\{[^}]*\}", "x", path)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[HistoryPanel, gr.Blocks, str]]:
    """The app's own page in this process, behind a password."""
    root = tmp_path_factory.mktemp("page") / "history"
    fill(root)
    with pytest.MonkeyPatch.context() as patch, closing_loops(patch):
        panel = HistoryPanel(root, standalone=True)
        built = build_page(panel, load_generator(None))
        with served(built, panel, auth=("ada", "open sesame")) as address:
            yield panel, built, address
        panel.close()


@pytest.mark.proof
def test_every_route_of_the_app_refuses_other_sites(
    page: tuple[HistoryPanel, gr.Blocks, str], figures: Figures
) -> None:
    _, built, address = page
    routes = sorted(set(routes_of(built.app.routes)))
    assert len(routes) > 80
    assert ("POST", "/gradio_api/component_server") in routes
    with httpx.Client(base_url=address, timeout=60) as web:
        for method, path in routes:
            for headers in FOREIGN:
                answered = web.request(method, example(path), headers=headers)
                assert answered.status_code == 403, (method, path, headers)
    figures.add("routes that refuse other sites", routes=len(routes), requests=len(routes) * len(FOREIGN), answered=0)


def test_without_a_login_only_the_login_page_answers(page: tuple[HistoryPanel, gr.Blocks, str]) -> None:
    panel, built, address = page
    [entry, *_] = panel.history.list_entries()
    media = panel._media.url(entry)
    with httpx.Client(base_url=address, timeout=60) as web:
        for method, path in sorted(set(routes_of(built.app.routes))):
            if path not in FOR_THE_LOGIN:
                assert web.request(method, example(path)).status_code == 401, (method, path)
        assert web.get(media).status_code == 401, "the address alone opens nothing"
        assert SECRET not in web.get("/").text
        assert "history-panel" not in web.get("/").text
        assert web.post("/login", data={"username": "ada", "password": "open"}).status_code == 400
        assert web.get(media).status_code == 401
        welcomed = web.post("/login", data={"username": "ada", "password": "open sesame"})
        assert welcomed.status_code == 200
        for cookie in welcomed.headers.get_list("set-cookie"):
            assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
        assert web.get(media).status_code == 200
        web.cookies = httpx.Cookies({name: value + "x" for name, value in web.cookies.items()})
        assert web.get(media).status_code == 401, "a cookie that was made up opens nothing"


def test_what_a_request_may_bring_is_bounded(page: tuple[HistoryPanel, gr.Blocks, str]) -> None:
    _, _, address = page
    with httpx.Client(base_url=address, timeout=60) as web:
        web.post("/login", data={"username": "ada", "password": "open sesame"})
        upload = {"files": {"files": ("../../x.wav", b"x")}}
        assert web.post("/gradio_api/upload", **upload).status_code == 403, "nothing on this page takes files"
        endless = web.post("/gradio_api/component_server", content=iter([b"{"]))
        assert endless.status_code == 411
        for path, size_bytes in (("/gradio_api/component_server", 21_000_000), ("/gradio_api/upload", 101_000_000)):
            assert status_of_claim(address, path, size_bytes, web.cookies) == 413, path
        for path in ("file=http://127.0.0.1:1/x", "FILE=HTTPS://a.example", "proxy=https://x.hf.space/", "deep_link"):
            assert web.get(f"/gradio_api/{path}").status_code == 404, path


def status_of_claim(address: str, path: str, size_bytes: int, cookies: httpx.Cookies) -> int:
    """Say that a body of so many bytes will come, and return what that is answered."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.putrequest("POST", path)
        connection.putheader("content-length", str(size_bytes))
        connection.putheader("cookie", "; ".join(f"{name}={value}" for name, value in cookies.items()))
        connection.endheaders()
        return connection.getresponse().status
    finally:
        connection.close()


def test_uploads_are_bounded_where_a_control_takes_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setattr("history_ui.limits.MOST_UPLOADED", 13_500)

    def sing(reference: Annotated[Any, gr.Audio()] = None) -> Any:
        return 8_000, np.zeros(80)

    with closing_loops(monkeypatch):
        panel = HistoryPanel(tmp_path / "history", standalone=True)
        with (
            served(build_page(panel, generator_of(sing)), panel) as address,
            httpx.Client(base_url=address, timeout=60) as web,
        ):
            for name in ("../../escaped.wav", "/etc/cron.d/x", "..\\..\\x.wav", "a.wav"):
                data = name.encode() * 300
                answered = web.post("/gradio_api/upload", files={"files": (name, data)})
                assert answered.status_code == 200, answered.text
                assert (tmp_path / "uploads") in Path(answered.json()[0]).resolve().parents
            refused = web.post("/gradio_api/upload", files={"files": ("b.wav", b"b" * 2_000)})
            assert (refused.status_code, refused.text[:19]) == (413, "There is no room fo")
        panel.close()


# -- a panel in an app that has no guard: every function -------------------------------------------------------------

HOSTS_OWN = {"speak"}
"""What the host itself offers is the host's to guard."""


@pytest.mark.proof
def test_every_function_of_an_embedded_panel_refuses_other_sites(host: Victim, figures: Figures) -> None:
    before, opened = host.state(), Browser(host.address)
    take = host.known(host.address)["id"]
    functions = [one for one in opened.config["dependencies"] if one["backend_fn"] and one["api_name"] not in HOSTS_OWN]
    assert {one["api_name"] for one in functions} >= {"panel_replay", "panel_again", "delete_entry", "update_entry"}
    asked = 0
    for headers in FOREIGN:
        opened.http.headers = httpx.Headers(headers)
        for name in HANDLERS:
            answered = opened.ask(name, id=take)
            assert answered["error"]["kind"] == "ForeignRequest", (name, headers)
        for function in functions:
            assert "web site" in failure(opened, function, take) or "host name" in failure(opened, function, take)
        asked += len(HANDLERS) + len(functions)
    opened.close()
    assert host.state() == before
    figures.add("functions of an embedded panel that refuse other sites", calls=asked, answered=0)


def failure(opened: Browser, function: dict[str, Any], take: str) -> str:
    """Run an event of a page and return why it was refused."""
    values = [take] + [None] * (len(function["inputs"]) - 1)
    if function["queue"] is False:
        asked = {"data": values, "event_data": {"id": take}, "fn_index": function["id"], "session_hash": "x"}
        return opened.http.post("/gradio_api/run/predict", json=asked).text
    try:
        return str(opened.trigger(function["api_name"], values, id=take))
    except AssertionError as error:
        return str(error)


# -- those who may ----------------------------------------------------------------------------------------------------


def test_a_link_on_another_site_opens_the_page_and_it_works(chromium: Chromium, app: Victim, attack_port: int) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"http://{EVIL}:{attack_port}/")
    page.evaluate(f"document.body.innerHTML = '<a href={app.address}>my takes</a>'")
    page.get_by_text("my takes").click()
    expect(page.locator("[data-entry-id]")).to_have_count(2, timeout=20_000)
    context.close()


def test_the_page_works_under_a_name_that_is_allowed(chromium: Chromium, app: Victim) -> None:
    assert app.started is not None
    with tab(chromium, replace(app.started, address=f"http://{OURS}:{app.port}")) as opened:
        expect(opened.cards()).to_have_count(2)
        star = opened.cards().first.get_by_role("button", name="Favourite")
        for kept in (1, 0):
            star.click()
            opened.wait(lambda kept=kept: starred(app.root) == kept, "the star to be kept, and taken away again")


def starred(root: Path) -> int:
    with GenerationHistory(root) as history:
        return history.count(favorite=True)


def test_a_password_is_asked_for_and_appears_nowhere(chromium: Chromium, tmp_path: Path) -> None:
    fill(tmp_path / "history")
    with running(tmp_path / "history", RETAKE_AUTH="ada:open sesame") as app:
        context = chromium.new_context()
        context.set_default_timeout(30_000)
        page = context.new_page()
        hosts: set[str] = set()
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.goto(app.address)
        for password in ("close sesame", "open sesame"):
            page.get_by_label("username").fill("ada")
            page.get_by_label("password").fill(password)
            page.get_by_role("button", name="Login").click()
            if password == "close sesame":  # noqa: S105
                expect(page.get_by_text("Incorrect")).to_be_visible()
        expect(page.locator("[data-entry-id]")).to_have_count(2)
        page.locator("[data-entry-id]").first.get_by_role("button", name=re.compile("^Play ")).click()
        page.wait_for_function("document.getElementById('history-audio').readyState > 0")
        assert page.evaluate("document.cookie") == "", "no script can read the login"
        assert all(one.get("httpOnly") and one.get("sameSite") == "Lax" for one in context.cookies())
        assert hosts <= {urlsplit(app.address).netloc}
        context.close()
        command = Path(f"/proc/{app.process.pid}/cmdline")
        if command.exists():
            assert b"sesame" not in command.read_bytes()
        assert app.stop() == 0
        assert app.process.stdout is not None
        assert "sesame" not in app.process.stdout.read() + app.said()
