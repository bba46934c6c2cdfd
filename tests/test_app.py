"""`python app.py` as people run it: one line, clear errors, a clean end."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio_client import Client

import app
from app import loading, parse_arguments, user_and_password
from history_ui import serving
from history_ui.errors import PortBusy
from tests.pages import free_port

ROOT = Path(__file__).parents[1]
LINE = re.compile(r"Retake is at (http://127\.0\.0\.1:(\d+)), and keeps every take in (.+)\n")


def environment(**more: str) -> dict[str, str]:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("RETAKE_", "GRADIO_"))}
    return {**own, "RETAKE_OPEN": "0", **more}


def run(*arguments: object, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the app to its end, which must come by itself."""
    command = [sys.executable, ROOT / "app.py", *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=ROOT, env=environment(**more), check=False
    )


@contextmanager
def running(*arguments: object, **more: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run the app until the test ends; give the process, its address and the line it printed."""
    command = [sys.executable, ROOT / "app.py", *map(str, arguments)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment(**more)) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = LINE.fullmatch(line)
            assert found, line + (process.stderr.read() if process.stderr and not line else "")
            yield process, found[1], line
        finally:
            process.kill()


def test_one_line_then_a_page_that_makes_takes_then_a_clean_end(tmp_path: Path) -> None:
    port = free_port()
    with running("--history", tmp_path / "takes", "--port", port) as (process, address, line):
        assert line.startswith(f"Retake is at http://127.0.0.1:{port}, ")
        assert str(tmp_path / "takes") in line
        page = httpx.get(address, timeout=60)
        assert page.status_code == 200
        assert "Retake" in page.text
        assert httpx.get(address, headers={"host": "evil.example"}, timeout=60).status_code == 403
        entry = Client(address, verbose=False).predict(duration=1, seed=7, api_name="/generate")
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/tab", timeout=60):  # a page that stays open
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert process.stdout is not None
        assert process.stderr is not None
        assert (process.stdout.read(), process.stderr.read()) == ("", "")
    document = json.loads((tmp_path / "takes" / "history.json").read_text("utf-8"))
    assert entry["entry_id"] in json.dumps(document)


def test_sigterm_ends_it_too_and_the_environment_sets_what_flags_do(tmp_path: Path) -> None:
    port = free_port()
    settings = {"RETAKE_HISTORY": str(tmp_path / "takes"), "RETAKE_PORT": str(port)}
    with running("--auth", "ada:secret", **settings) as (process, address, _):
        assert httpx.get(f"{address}/config", timeout=60).status_code == 401
        assert Client(address, auth=("ada", "secret"), verbose=False).predict(api_name="/stats")["count"] == 0
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert (tmp_path / "takes").is_dir()


WITHIN_C_PLUS_PLUS = """
import atexit, sys, threading, time
from pathlib import Path
from matplotlib import get_data_path
from matplotlib.ft2font import FT2Font

atexit.register(print, "the end of a library")

class File:
    def __init__(self, file):
        self.file = file

    def read(self, size):
        while True:
            time.sleep(1e-3)

    def __getattr__(self, name):
        return getattr(self.file, name)

def read_font():
    FT2Font(File(open(Path(get_data_path()) / "fonts/ttf/DejaVuSans.ttf", "rb")))

def read_fonts():
    for _ in range(20):
        threading.Thread(target=read_font, daemon=True).start()
    print("within", file=sys.stderr, flush=True)
    read_font()
"""


def test_the_end_is_clean_while_a_generator_is_within_a_cpp_library(tmp_path: Path) -> None:
    """Python takes its threads down one by one at its end, and C++ on their stacks then aborts the process."""
    (tmp_path / "maker.py").write_text(WITHIN_C_PLUS_PLUS)
    maker = ["--generator", f"{tmp_path / 'maker.py'}:read_fonts"]
    with running("--history", tmp_path / "takes", "--port", free_port(), *maker) as (process, address, _):
        assert process.stdout is not None
        assert process.stderr is not None
        Client(address, verbose=False).submit(api_name="/generate")
        assert process.stderr.readline() == "within\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert (process.stdout.read(), process.stderr.read()) == ("the end of a library\n", "")


def refused(result: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on standard error of a run that was refused."""
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.endswith("\n")
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("retake: ")
    return result.stderr


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("nowhere:speak", "nowhere"),
        ("generators.synth:sing", "sing"),
        ("generators.synth", "colon"),
        ("missing.py:speak", "no file"),
        ("", None),
    ],
)
def test_a_generator_that_cannot_be_loaded_is_named(tmp_path: Path, spec: str, words: str | None) -> None:
    if words is None:  # an empty one is the built-in
        assert parse_arguments(["--generator", spec]).generator == ""
        return
    assert words in refused(run("--history", tmp_path / "takes", "--generator", spec))
    assert not (tmp_path / "takes").exists()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("mine")
    assert str(tmp_path / "takes") in refused(run("--history", tmp_path / "takes"))
    assert (tmp_path / "takes").read_text() == "mine"


def test_a_folder_that_cannot_be_written_is_named() -> None:
    assert "/proc/retake" in refused(run("--history", "/proc/retake"))


def test_a_folder_that_is_there_and_cannot_be_written_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from store import GenerationHistory, StoreUnavailable

    def refuse(history: GenerationHistory) -> None:
        raise StoreUnavailable(history.directory, "Permission denied")

    monkeypatch.setattr(GenerationHistory, "require_writable", refuse)
    assert app.main(["--history", str(tmp_path), "--no-open"]) == 2
    assert f"{tmp_path}: Permission denied" in capsys.readouterr().err


def test_a_newer_format_is_refused_untouched(tmp_path: Path) -> None:
    from store import GenerationHistory

    with GenerationHistory(tmp_path / "takes") as history:
        history.fold()
    document = tmp_path / "takes" / "history.json"
    newer = '{"version": 99, "entries": {}}\n'
    document.write_text(newer)
    assert "99" in refused(run("--history", tmp_path / "takes"))
    assert document.read_text() == newer


def test_a_busy_port_that_was_asked_for_is_an_error(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"Port {port}" in refused(run("--history", tmp_path / "takes", "--port", port))


def test_a_host_that_is_not_this_machines_is_named(tmp_path: Path) -> None:
    for host in ("nowhere.invalid", "203.0.113.7"):
        assert host in refused(run("--history", tmp_path / "takes", "--host", host))


def test_a_page_that_everybody_can_reach_says_so(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, ROOT / "app.py", "--history", tmp_path / "takes", "--host", "0.0.0.0", "--port", port]  # noqa: S104
    pipe, words = subprocess.PIPE, list(map(str, command))
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, cwd=ROOT, env=environment()) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert f"http://localhost:{port}" in process.stdout.readline()
        assert httpx.get(f"http://localhost:{port}/", timeout=60).status_code == 200
        assert httpx.get(f"http://localhost:{port}/", headers={"host": "evil.example"}, timeout=60).status_code == 403
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        warning = process.stderr.read()
    assert warning.count("\n") == 1
    assert "everyone who reaches this machine" in warning
    assert "--auth USER:PASSWORD" in warning


def test_only_the_default_port_moves_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(serving, "FIRST_PORT", port)
        assert serving.find_port("127.0.0.1", None) > port
        with pytest.raises(PortBusy):
            serving.find_port("127.0.0.1", port)


def test_help_needs_no_gradio() -> None:
    script = "import sys, app; app.parse_arguments([]); sys.exit('gradio' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=60, check=False).returncode == 0
    told = run("--help")
    assert told.returncode == 0
    for flag in ("--history", "--generator", "--host", "--port", "--open", "--no-open", "--auth", "--allow-host"):
        assert flag in told.stdout


def test_the_collector_is_back_after_loading_and_lets_what_was_loaded_be() -> None:
    with contextlib.suppress(ImportError), loading():
        assert not gc.isenabled()
        raise ImportError
    try:
        assert gc.isenabled()
        assert gc.get_freeze_count() > 0
    finally:
        gc.unfreeze()


@pytest.mark.parametrize(
    "arguments", [["--port", "0"], ["--port", "x"], ["--port", "70000"], ["--auth", "ada"], ["--auth", ":x"]]
)
def test_settings_that_cannot_be_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        parse_arguments(arguments)
    assert exit_.value.code == 2
    assert "must be" in capsys.readouterr().err


def test_flags_come_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RETAKE_HISTORY", "from-environment")
    monkeypatch.setenv("RETAKE_HOST", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("RETAKE_OPEN", "0")
    asked = parse_arguments([])
    assert (asked.history, asked.host, asked.open) == ("from-environment", "0.0.0.0", False)  # noqa: S104
    asked = parse_arguments(["--history", "mine", "--open", "--allow-host", "a", "--allow-host", "b"])
    assert (asked.history, asked.open, asked.allow_host) == ("mine", True, ["a", "b"])
    assert parse_arguments([]).auth is None
    monkeypatch.setenv("RETAKE_AUTH", "ada:from environment")
    assert parse_arguments([]).auth == ("ada", "from environment")
    assert parse_arguments(["--auth", "bob:mine"]).auth == ("bob", "mine")
    monkeypatch.setenv("RETAKE_AUTH", "no password")
    with pytest.raises(SystemExit):
        parse_arguments([])
    monkeypatch.delenv("RETAKE_AUTH")
    monkeypatch.delenv("RETAKE_HISTORY")
    assert parse_arguments([]).history == "my-history"
    assert user_and_password("ada:a:b") == ("ada", "a:b")


@pytest.mark.parametrize(
    ("host", "auth", "warns"),
    [
        ("127.0.0.1", None, False),
        ("localhost", None, False),
        ("LOCALHOST", None, False),
        ("127.0.0.5", None, False),
        ("::1", None, False),
        ("::", None, True),
        ("0.0.0.0", None, True),  # noqa: S104
        ("192.168.1.7", None, True),
        ("0.0.0.0", ("ada", "secret"), False),  # noqa: S104
    ],
)
def test_an_open_door_is_pointed_out(host: str, auth: tuple[str, str] | None, warns: bool) -> None:
    assert ("--auth" in serving.warning_for(host, auth)) is warns
