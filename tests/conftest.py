"""What the tests share: a history in a fresh folder, and sounds to put into it."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from store import GenerationConfig, GenerationHistory, GenerationResult, HistoryEntry
from tests.browser import App, launch
from tests.faults import Faults
from tests.figures import FILE, Figures
from tests.sharing import FAILED, Shared

expect.set_options(timeout=30_000)  # the browser, the server and other tests share the processors

if sys.platform != "linux":
    collect_ignore = ["test_strace.py", "test_full_disk.py", "test_growth.py"]  # strace, tmpfs and /proc are Linux's


def is_worker() -> bool:
    """Say whether this is one of several processes that share a run; only the first of them prints."""
    return "PYTEST_XDIST_WORKER" in os.environ


def pytest_configure() -> None:
    """Give all processes of a run one file for the figures of its proofs; the workers inherit its name."""
    if not is_worker():
        handle, name = tempfile.mkstemp(prefix="retake-figures-")
        os.close(handle)
        os.environ[FILE] = name


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the proofs counted, and why tests were run once more."""
    if is_worker():
        return
    for report in terminalreporter.getreports("rerun"):
        terminalreporter.section(f"failed, and run once more: {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)
    path = Path(os.environ[FILE])
    if lines := Figures(path).table():
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(line)
    path.unlink(missing_ok=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run a browser test that failed on CI once more, and name it in the summary: a loaded machine can be late once."""
    if os.environ.get("CI"):
        for item in items:
            if {"browser", "chromium"} & set(getattr(item, "fixturenames", ())):
                item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note which tests failed, for what they share with others."""
    report = yield
    item.stash[FAILED] = report.failed or (report.when != "setup" and item.stash.get(FAILED, False))
    return report


@pytest.fixture(scope="session")
def figures() -> Figures:
    """Where a proof tells what it counted."""
    return Figures(Path(os.environ[FILE]))


@pytest.fixture
def history(tmp_path: Path) -> Iterator[GenerationHistory]:
    with GenerationHistory(tmp_path / "history") as opened:
        yield opened


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Faults:
    """Makes calls of the operating system fail."""
    return Faults(monkeypatch)


def tone(seed: int = 0, frames: int = 480, channels: int = 1) -> GenerationResult:
    """A short sound that is another one for every seed, 24-bit exact."""
    rng = np.random.default_rng(seed)
    audio = rng.integers(-(2**22), 2**22, (frames, channels)) / 2**23
    return GenerationResult(audio, 48_000, seed_used=seed, config=GenerationConfig(seed=seed))


def add(history: GenerationHistory, seed: int = 0, **asked: object) -> HistoryEntry:
    """Add a short sound."""
    given: dict[str, object] = {"model_id": "synth", "model_name": "Synth", "params": {"seed": seed}, **asked}
    return history.add_to_history(tone(seed), **given)  # type: ignore[arg-type]


def leave(history: GenerationHistory) -> None:
    """Close a history without folding it: the disk is then as if its process had been killed."""
    history._folding.close()
    history._catalog.close()


@pytest.fixture
def app(shared: Shared[App], request: pytest.FixtureRequest) -> Iterator[App]:
    """The app that the tests of a module share, until one of them fails."""
    yield from shared.lend(request)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium for one module: Playwright keeps an event loop running, which tests of asyncio elsewhere cannot have."""
    with sync_playwright() as playwright:
        opened = launch(playwright)
        yield opened
        opened.close()
