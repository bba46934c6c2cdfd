"""Takes that could not be saved, on disks that are really full, read-only or away: they stay, sound, and are saved once."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from store import GenerationHistory
from tests.browser import App, Tab, running, tab
from tests.conftest import add
from tests.mounts import small_disk
from tests.sharing import Shared, sharing
from tests.uncertain import FAULT, hum

GENERATOR = f"tests.uncertain:{hum.__name__}"
LEAVE_BYTES = 12_000
"""What is left free: too little for the sound, enough that the system itself does not stumble."""


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Make a folder one that the system lets nobody write, not even root."""
    subprocess.run(["mount", "--bind", folder, folder], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk but for a few kilobytes; return the file to remove when there shall be room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4_096)
        except OSError:
            file.truncate(max(0, file.tell() - LEAVE_BYTES))
    return ballast


@contextmanager
def app_on(root: Path, **environment: str) -> Iterator[App]:
    with GenerationHistory(root) as history:
        add(history)
    with running(root, "--generator", GENERATOR, **environment) as app:
        yield app


@pytest.fixture(scope="module")
def fault(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that, while it is there, makes every sync of the app fail."""
    return tmp_path_factory.mktemp("fault") / "fault"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, fault: Path) -> Iterator[Shared[App]]:
    """An app that several tests share, each of which leaves no unsaved take behind."""

    def set_up() -> AbstractContextManager[App]:
        fault.unlink(missing_ok=True)
        return app_on(tmp_path_factory.mktemp("unsaved") / "history", **{FAULT: str(fault)})

    with sharing(set_up) as app:
        yield app


@pytest.fixture
def opened(browser: Browser, app: App) -> Iterator[Tab]:
    with tab(browser, app) as page:
        expect(page.cards()).to_have_count(saved(app.history), timeout=20_000)
        yield page


def unsaved(opened: Tab) -> Any:
    return opened.page.locator(".take.unsaved")


def retry(opened: Tab) -> None:
    unsaved(opened).first.get_by_role("button", name="Retry saving").click()


def saved(root: Path) -> int:
    with GenerationHistory(root) as history:
        return history.count()


def download(opened: Tab) -> bytes:
    """Download the unsaved take and return its samples."""
    with opened.page.expect_download() as downloaded:
        unsaved(opened).first.get_by_role("button", name="Download").click()
    with wave.open(str(downloaded.value.path())) as file:
        assert (file.getframerate(), file.getnframes()) == (8_000, 4_000)
        return file.readframes(4_000)


def samples_of(root: Path) -> list[bytes]:
    """Return the samples of every saved take, newest first."""
    with GenerationHistory(root) as history:
        paths = [history.audio_path(entry.entry_id) for entry in history.list_entries()]
        found = []
        for path in paths:
            with wave.open(str(path)) as file:
                found.append(file.readframes(file.getnframes()))
        return found


def play(opened: Tab) -> None:
    unsaved(opened).first.get_by_role("button", name="Play").click()
    opened.wait(lambda: opened.time_s() > 0, "the unsaved sound to move")


def goes_on(opened: Tab, root: Path) -> None:
    """After all of it, generating works as before."""
    takes = saved(root)
    opened.generate()
    expect(opened.cards()).to_have_count(takes + 1, timeout=20_000)
    expect(unsaved(opened)).to_have_count(0)
    assert saved(root) == takes + 1


def test_on_a_full_disk_the_take_stays_and_is_saved_once_when_there_is_room(browser: Browser, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, app_on(disk / "history") as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        ballast = fill(disk)
        opened.generate()
        expect(unsaved(opened)).to_contain_text("Not saved: disk is full", timeout=20_000)
        play(opened)
        heard = download(opened)
        retry(opened)
        opened.said("Tried again. Not saved: disk is full")
        expect(unsaved(opened)).to_have_count(1)
        assert saved(app.history) == 1

        with tab(browser, app) as second:  # another browser, and this one after a reload, show the same card
            expect(unsaved(second)).to_have_count(1, timeout=20_000)
            opened.page.reload()
            expect(unsaved(opened)).to_have_count(1, timeout=20_000)
            ballast.unlink()
            button = "() => document.querySelectorAll('.unsaved .take-side button').forEach((button) => button.click())"
            for page in (opened.page, second.page, opened.page, second.page):
                page.evaluate(button)
            expect(unsaved(second)).to_have_count(0, timeout=20_000)
            expect(second.cards()).to_have_count(2, timeout=20_000)
        expect(unsaved(opened)).to_have_count(0)
        assert samples_of(app.history)[0] == heard, "what was downloaded is what was saved"
        assert saved(app.history) == 2
        goes_on(opened, app.history)

        ballast = fill(disk)
        opened.generate()
        expect(unsaved(opened)).to_have_count(1, timeout=20_000)
        assert app.stop() == 0
        assert app.said().endswith("retake: 1 take could not be saved and is lost\n")
        assert saved(app.history) == 3
        opened.complaints.clear()  # a server that is gone is told in the console


def test_in_a_folder_that_became_read_only_the_take_stays(opened: Tab) -> None:
    root = opened.app.history
    before = saved(root)
    with read_only(root / "audio"):
        opened.generate()
        expect(unsaved(opened)).to_contain_text("Not saved: disk is read-only", timeout=20_000)
        play(opened)
    retry(opened)
    opened.said("Saved “")
    assert saved(root) == before + 1
    goes_on(opened, root)


def test_while_the_folder_is_away_the_take_has_its_card_at_once(opened: Tab) -> None:
    root, before = opened.app.history, saved(opened.app.history)
    away = root.with_name("away")
    root.rename(away)
    expect(opened.page.get_by_text("cannot be reached").first).to_be_visible(timeout=20_000)
    opened.generate()
    expect(unsaved(opened)).to_be_visible(timeout=20_000)
    expect(unsaved(opened)).to_contain_text("Not saved: folder cannot be found")
    expect(opened.page.get_by_text("Not saved yet")).to_be_visible()
    expect(opened.page.get_by_text("cannot be reached").first).to_be_visible()
    play(opened)
    heard = download(opened)
    opened.page.reload()
    expect(unsaved(opened)).to_be_visible(timeout=20_000)
    away.rename(root)
    expect(opened.cards()).to_have_count(before, timeout=20_000)
    expect(unsaved(opened)).to_have_count(1)
    retry(opened)
    expect(opened.cards()).to_have_count(before + 1, timeout=20_000)
    assert samples_of(root)[0] == heard


def test_what_may_be_saved_is_told_so_and_found_again(opened: Tab, fault: Path) -> None:
    root, before = opened.app.history, saved(opened.app.history)
    fault.touch()
    opened.generate()
    expect(unsaved(opened)).to_contain_text("Perhaps saved: disk reports an error", timeout=20_000)
    heard = download(opened)
    fault.unlink()
    retry(opened)
    opened.said("It was saved already")
    expect(unsaved(opened)).to_have_count(0)
    assert samples_of(root)[0] == heard
    assert saved(root) == before + 1
    goes_on(opened, root)
