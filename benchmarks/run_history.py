"""What survives of generations in Gradio's own Run History, and what in Retake: the same function on two pages.

`python -m benchmarks.run_history gradio|retake PORT DIR` serves one of them.
"""

from __future__ import annotations

import itertools
import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.measure import Bar, Row
from benchmarks.run import Run
from tests.browser import launch, serving
from tests.pages import free_port

RUN_HISTORY, RETAKE = "Gradio's Run History", "retake"
GENERATIONS = 105
Count = Callable[[Page, str], int]


def rows(run: Run) -> Iterator[Row]:
    """Measure the group."""
    generations = run.rounds(GENERATIONS)
    with sync_playwright() as playwright:
        browser = launch(playwright)
        theirs = survivors(browser, "gradio", run.folder, generations, _runs)
        ours = survivors(browser, "retake", run.folder, generations, _takes)
        browser.close()
    for where, kept in ours.items():
        bar = Bar(kept, generations, "takes", at_least=True)
        yield Row(f"still there {where}", generations, kept, {RUN_HISTORY: theirs[where]}, bars=(bar,), unit="takes")


def survivors(browser: Browser, name: str, folder: Path, generations: int, count: Count) -> dict[str, int]:
    """Make sounds on a page, and count what it shows of them: then, after a restart of its server, in another browser."""
    port, root = free_port(), folder / f"survival-{name}"
    address = f"http://127.0.0.1:{port}"
    with _profile(browser) as mine:
        page = mine.new_page()
        with _served(name, port, root):
            page.goto(address)
            for number in range(1, generations + 1):
                page.get_by_role("button", name="Speak", exact=True).click()
                page.wait_for_function(f"document.querySelector('#made textarea, #made input').value === '{number}'")
            kept = {"right away": count(page, address)}
        with _served(name, port, root):
            kept["after a restart of the server"] = count(page, address)
            with _profile(browser) as another:
                kept["in another browser"] = count(another.new_page(), address)
    return kept


@contextmanager
def _profile(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context()
    yield context
    context.close()


@contextmanager
def _served(name: str, port: int, root: Path) -> Iterator[None]:
    with serving(["-m", "benchmarks.run_history", name, port, root], port, {}):
        yield


def _runs(page: Page, address: str) -> int:
    """Return how many runs Gradio's page of them says it has; it has none where it says nothing."""
    page.goto(f"{address}/gradio_api/runs")
    page.wait_for_timeout(2_000)
    told = re.search(r"Run history \(([\d,]+)\)", page.locator("body").inner_text())
    return int(told[1].replace(",", "")) if told else 0


def _takes(page: Page, address: str) -> int:
    """Return how many takes the gallery says there are."""
    page.goto(address)
    place = page.locator(".day-aside .place").first
    place.wait_for()
    page.wait_for_timeout(2_000)
    return int(place.inner_text().partition(" ")[0].replace(",", ""))


# -- the two pages ------------------------------------------------------------------------------------------------------


def serve(name: str, port: int, root: Path) -> None:
    """Serve a page with one button that makes a sound, its history kept by Gradio or by Retake."""
    import gradio as gr

    from history_ui import HistoryPanel

    made = itertools.count(1)
    panel = HistoryPanel(root) if name == RETAKE else None

    def speak(text: str) -> tuple[tuple[int, Any], str]:
        number = next(made)
        return (8_000, np.full(100 * len(text), number, np.int16)), str(number)

    function = panel.record(speak) if panel else speak
    with gr.Blocks() as page:
        text, sound = gr.Textbox("hello", label="Text"), gr.Audio()
        counted = gr.Textbox(label="Made", elem_id="made")
        gr.Button("Speak").click(function, text, [sound, counted])
        if panel:
            panel.render()
            panel.attach({"text": text}, generate=function)
    options = panel.launch_options() if panel else {}
    quiet: dict[str, Any] = {"quiet": True, "inbrowser": False, "ssr_mode": False, "prevent_thread_lock": True}
    page.launch(server_name="127.0.0.1", server_port=port, **quiet, **options)
    print(f"http://127.0.0.1:{port}", flush=True)
    page.block_thread()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # what a shell runs in the background ignores it
    serve(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
