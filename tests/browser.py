"""Start the real app in a process of its own and drive it in the machine's Chromium."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, Playwright, Request, Route
from playwright.sync_api import TimeoutError as TookTooLong

ROOT = Path(__file__).parent.parent
DESKTOP = {"width": 1400, "height": 900}
PHONE = {"width": 390, "height": 844}
_CHROMIUM_OPTIONS = [
    "--no-sandbox",  # the tests may run as root, where Chromium's sandbox cannot
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--mute-audio",
]


def find_chromium() -> str | None:
    """Return the machine's Chromium; None leaves the choice to Playwright's own."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next((path for path in map(shutil.which, names) if path), None)


def launch(playwright: Playwright, *names: str) -> Browser:
    """Start Chromium without a window; it takes these host names for ones of this machine."""
    own = [f"--host-resolver-rules={', '.join(f'MAP {name} 127.0.0.1' for name in names)}"] if names else []
    return playwright.chromium.launch(executable_path=find_chromium(), args=[*_CHROMIUM_OPTIONS, *own])


@dataclass
class App:
    """One running app: its address, its history, its process and what that writes to standard error."""

    address: str
    history: Path
    process: subprocess.Popen[str]
    errors: IO[str]

    def said(self) -> str:
        """Return what it wrote to standard error."""
        self.errors.seek(0)
        return self.errors.read()

    def stop(self) -> int:
        """Ask it to stop, as Ctrl-C does; return its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


@contextmanager
def running(history: Path, *arguments: object, **environment: str) -> Iterator[App]:
    """Run `python app.py` on a history and a free port until the block ends."""
    from tests.pages import free_port

    port = free_port()
    command = ["app.py", "--history", history, "--port", port, "--no-open", *arguments]
    with tempfile.TemporaryFile("w+") as errors:
        try:
            with serving(command, port, environment, errors) as process:
                yield App(f"http://127.0.0.1:{port}", history, process, errors)
        finally:
            errors.seek(0)
            sys.stderr.write(errors.read())


@contextmanager
def serving(
    command: Sequence[object], port: int, environment: Mapping[str, str], errors: IO[str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python program that says in its first line that it serves on a port, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, *map(str, command)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        env={**os.environ, **environment},
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert f":{port}" in line, line
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
        if process.stdout is not None:
            process.stdout.close()


_SHOWN = """() => ({
    focus: document.activeElement.cloneNode().outerHTML,
    words: document.body.innerText.slice(0, 2000),
    cards: [...document.querySelectorAll('[data-entry-id]')].map((card) => card.dataset.entryId),
})"""


CALLS = "**/component_server/"


def _call_of(request: Request) -> tuple[str, dict[str, Any]]:
    """Return the server function that a request calls, and with what; none where it calls none."""
    if not request.url.endswith("/component_server/"):
        return "", {}
    asked = request.post_data_json or {}
    return str(asked.get("fn_name", "")), asked.get("data") or {}


_NOTE_TOASTS = """window.toasts = [];
new MutationObserver((changes) => {
  for (const { addedNodes } of changes)
    for (const node of addedNodes)
      if (node.nodeType === Node.ELEMENT_NODE && node.matches('.toast')) window.toasts.push(node.textContent);
}).observe(document, { childList: true, subtree: true });"""


@dataclass
class Tab:
    """One page of the app, with what it said in the console, where it sent requests and which functions it called."""

    page: Page
    app: App
    complaints: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)

    def cards(self) -> Any:
        """Return the cards of the gallery."""
        return self.page.locator("[data-entry-id]")

    def card(self, entry_id: str) -> Any:
        """Return one take's card."""
        return self.page.locator(f'[data-entry-id="{entry_id}"]')

    def ids(self) -> list[str]:
        """Return the ids of the cards in the page, in order."""
        found: list[str] = self.cards().evaluate_all("cards => cards.map(card => card.dataset.entryId)")
        return found

    def focused(self) -> str | None:
        """Return the id of the card that has the focus."""
        found: str | None = self.page.evaluate("document.activeElement.closest('[data-entry-id]')?.dataset.entryId")
        return found

    def value(self, name: str) -> str:
        """Return what a control shows."""
        inputs = self.page.locator(f"#param-{name} input, #param-{name} textarea")
        return str(inputs.first.input_value())

    def set_slider(self, name: str, value: float) -> None:
        """Type a number into a slider's field."""
        number = self.page.locator(f"#param-{name} input[type=number]")
        number.fill(str(value))
        number.press("Tab")

    def time_s(self) -> float:
        """Return how far the sound has played."""
        return float(self.page.evaluate("document.getElementById('history-audio').currentTime"))

    def playing(self) -> bool:
        """Say whether the sound is playing."""
        return not self.page.evaluate("document.getElementById('history-audio').paused")

    def generate(self) -> None:
        """Press Generate until it is taken: Gradio takes no click while the run before it is not quite over."""

        def taken() -> bool:
            with suppress(TookTooLong), self.page.expect_request("**/queue/join*", timeout=3_000):
                self.page.locator("#generate").click()
                return True
            return False

        self.wait(taken, "Generate to be taken")

    def settle(self) -> None:
        """Wait until the page has caught up: it asks for news again only when it shows what the last news were."""
        enough = max(self.calls.count("poll_status"), 1) + 1
        self.wait(lambda: self.calls.count("poll_status") >= enough, "the page to have caught up")

    def hold(self, function: str, most: int | None = None, **data: Any) -> list[Route]:
        """Hold the calls of a server function that are made with this data, or so many of them; give them as they come."""
        held: list[Route] = []

        def meet(route: Route) -> None:
            called, given = _call_of(route.request)
            is_meant = called == function and data == {name: given.get(name) for name in data}
            if is_meant and (most is None or len(held) < most):
                held.append(route)
            else:
                route.fallback()

        self.page.route(CALLS, meet)
        return held

    def said(self, words: str) -> None:
        """Wait until a toast has said this; it may be gone again."""
        told = "words => window.toasts.some((text) => text.includes(words))"
        self.wait(lambda: self.page.evaluate(told, words), f"a toast: {words}")

    def keep(self, toast: Locator) -> None:
        """Let a toast stay, as it does under the pointer."""
        toast.first.dispatch_event("pointerenter")

    def note(self, request: Request) -> None:
        """Take note of a request."""
        if "://" in request.url:
            self.hosts.add(request.url.split("/")[2])
        if name := _call_of(request)[0]:
            self.calls.append(name)

    def shown(self) -> str:
        """Return what there is to see in the page, for a test that waited in vain."""
        return json.dumps(self.page.evaluate(_SHOWN), indent=1)

    def wait(self, condition: Any, what: str, timeout_s: float = 30) -> None:
        """Wait until `condition()` is true."""
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, f"waited {timeout_s} s for: {what}\n{self.shown()}"
            self.page.wait_for_timeout(50)


@contextmanager
def tab(
    browser: Browser, app: App, viewport: dict[str, int] | None = None, script: str = "", **settings: Any
) -> Iterator[Tab]:
    """Open the app in a fresh profile; fails where the page complained or asked another host for anything.

    `script` runs in the page before anything of its own does.
    """
    context: BrowserContext = browser.new_context(viewport=viewport or DESKTOP, **settings)  # type: ignore[arg-type]
    context.set_default_timeout(30_000)
    context.add_init_script(_NOTE_TOASTS)
    context.add_init_script(script)
    opened = Tab(context.new_page(), app)
    page = opened.page
    page.on("console", lambda message: opened.complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    page.on("dialog", lambda dialog: opened.complaints.append(f"dialog: {dialog.message}"))
    page.on("request", opened.note)
    try:
        page.goto(app.address)
        page.wait_for_selector("#history-gallery[data-first]", state="attached")
        page.wait_for_selector("#generate", state="attached")
        yield opened
        assert opened.complaints == []
        assert opened.hosts <= {app.address.split("/")[2]}, opened.hosts
    finally:
        page.unroute_all(behavior="ignoreErrors")
        context.close()
