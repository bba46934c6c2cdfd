"""Takes that could not be saved, on disks that are really full, read-only or away: they stay, sound, and are saved once."""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from store import GenerationHistory
from tests.browser import PHONE, App, Tab, running, tab
from tests.conftest import add
from tests.uncertain import FAULT, hum

GENERATOR = f"tests.uncertain:{hum.__name__}"
LEAVE_BYTES = 12_000
"""What is left free: too little for the sound, enough that the system itself does not stumble."""


@contextmanager
def small_disk(place: Path, size: str = "2m") -> Iterator[Path]:
    """Mount a disk of a few megabytes in memory; fails where this machine allows no mount."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True, check=False
    )
    assert mounted.returncode == 0, f"this test needs to mount a small disk, as root: {mounted.stderr}"
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


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


def generate(opened: Tab) -> None:
    opened.page.locator("#generate").click()


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


def goes_on(opened: Tab, root: Path, takes: int) -> None:
    """After all of it, generating works as before."""
    generate(opened)
    opened.wait(lambda: saved(root) == takes + 1, "the next take to be saved")
    expect(opened.cards()).to_have_count(takes + 1, timeout=20_000)
    expect(unsaved(opened)).to_have_count(0)


def test_on_a_full_disk_the_take_stays_and_is_saved_once_when_there_is_room(browser: Browser, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, app_on(disk / "history") as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        ballast = fill(disk)
        generate(opened)
        expect(unsaved(opened)).to_contain_text("Not saved: disk is full", timeout=20_000)
        play(opened)
        heard = download(opened)
        retry(opened)
        expect(
            opened.page.get_by_role("status").filter(has_text="Tried again. Not saved: disk is full")
        ).to_be_visible()
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
        goes_on(opened, app.history, 2)


def test_in_a_folder_that_became_read_only_the_take_stays(browser: Browser, tmp_path: Path) -> None:
    with app_on(tmp_path / "history") as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        with read_only(app.history / "audio"):
            generate(opened)
            expect(unsaved(opened)).to_contain_text("Not saved: disk is read-only", timeout=20_000)
            play(opened)
        retry(opened)
        expect(opened.page.get_by_role("status").filter(has_text="Saved")).to_be_visible()
        goes_on(opened, app.history, 2)


@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_while_the_folder_is_away_the_take_has_its_card_at_once(
    browser: Browser, tmp_path: Path, viewport: dict[str, int] | None
) -> None:
    root, away = tmp_path / "history", tmp_path / "away"
    with app_on(root) as app, tab(browser, app, viewport) as opened:
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        root.rename(away)
        expect(opened.page.get_by_text("cannot be reached").first).to_be_visible(timeout=20_000)
        opened.page.evaluate("document.querySelector('#generate').click()")
        expect(unsaved(opened)).to_be_visible(timeout=20_000)
        expect(unsaved(opened)).to_contain_text("Not saved: folder cannot be found")
        expect(opened.page.get_by_text("cannot be reached").first).to_be_visible()
        play(opened)
        heard = download(opened)
        opened.page.reload()
        expect(unsaved(opened)).to_be_visible(timeout=20_000)
        away.rename(root)
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        expect(unsaved(opened)).to_have_count(1)
        retry(opened)
        expect(opened.cards()).to_have_count(2, timeout=20_000)
        assert samples_of(root)[0] == heard
        opened.complaints.clear()  # sounds that could not be fetched meanwhile are told in the console


def test_what_may_be_saved_is_told_so_and_found_again(browser: Browser, tmp_path: Path) -> None:
    fault = tmp_path / "fault"
    with app_on(tmp_path / "history", **{FAULT: str(fault)}) as app, tab(browser, app) as opened:
        expect(opened.cards()).to_have_count(1, timeout=20_000)
        fault.touch()
        generate(opened)
        expect(unsaved(opened)).to_contain_text("Perhaps saved: disk reports an error", timeout=20_000)
        heard = download(opened)
        fault.unlink()
        retry(opened)
        expect(opened.page.get_by_role("status").filter(has_text="It was saved already")).to_be_visible()
        expect(unsaved(opened)).to_have_count(0)
        assert samples_of(app.history)[0] == heard
        assert saved(app.history) == 2
        goes_on(opened, app.history, 2)


def stopped(app: App) -> str:
    """Stop the app and return what it said at its end."""
    assert app.stop() == 0
    return app.said()


@pytest.mark.parametrize(
    ("mend", "told"),
    [(Path.unlink, ""), (lambda _: None, "1 take could not be saved and is lost")],
    ids=["mended", "full"],
)
def test_stopping_saves_what_it_can_and_says_what_is_lost(
    browser: Browser, tmp_path: Path, mend: Callable[[Path], None], told: str
) -> None:
    with small_disk(tmp_path / "disk") as disk, app_on(disk / "history") as app:
        with tab(browser, app) as opened:
            expect(opened.cards()).to_have_count(1, timeout=20_000)
            ballast = fill(disk)
            generate(opened)
            expect(unsaved(opened)).to_have_count(1, timeout=20_000)
            opened.complaints.clear()
        mend(ballast)
        said = stopped(app)
        assert told in said
        assert saved(app.history) == (1 if told else 2)
