"""Guards that several processes share one history and lose nothing, and that no lock outlives its process."""

from __future__ import annotations

import os
import select
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from gradio_client import Client

from store import GenerationHistory, files
from store.verify import verify
from tests.browser import running
from tests.children import ended, start
from tests.conftest import add
from tests.crowd import DOOMED
from tests.figures import Figures, tier
from tests.operations import all_takes

WRITERS, TAKES = tier((4, 50), (8, 1_000))


@pytest.mark.proof
def test_what_a_crowd_of_processes_does_at_once_is_all_there(tmp_path: Path, figures: Figures) -> None:
    """A listing that begins after a take was acknowledged, anywhere, has it."""
    writers = [start("tests.crowd", "writer", tmp_path, number, TAKES) for number in range(WRITERS)]
    others = [start("tests.crowd", role, tmp_path) for role in ("reader", "reader", "deleter", "folder")]
    acknowledged: list[str] = []
    with ended([*writers, *others]), GenerationHistory(tmp_path) as reader:
        for told in acknowledgements(writers):
            acknowledged += told
            listed = {entry.entry_id for entry in reader.list_entries(limit=WRITERS * 10 + len(told))}
            listed |= {entry_id for entry_id in told if entry_id not in listed and is_there_or_doomed(reader, entry_id)}
            assert listed >= set(told), "a listing misses what was acknowledged before it began"
        for process in [*writers, *others]:
            _, errors = process.communicate()
            assert process.returncode == 0, errors
        takes = all_takes(reader)
        kept = [entry for entry in takes if entry.seed % DOOMED]
        assert {entry.seed for entry in kept} == {seed for seed in range(WRITERS * TAKES) if seed % DOOMED}
        assert all(entry.rating == entry.seed % 5 + 1 and not entry.deleted for entry in kept)
        assert all(entry.deleted for entry in takes if entry.seed % DOOMED == 0)
    assert len(acknowledged) == len(set(acknowledged)) == WRITERS * TAKES
    assert verify(tmp_path).good
    figures.add("processes at once", writers=WRITERS, readers=3, deleters=1, takes=len(acknowledged), lost=0)


def is_there_or_doomed(history: GenerationHistory, entry_id: str) -> bool:
    """Look a take up that is not among the newest: newer ones pushed it out, or it was deleted."""
    entry = history.get(entry_id)
    return entry is None or entry.seed % DOOMED == 0 or entry_id in {each.entry_id for each in history.list_entries()}


def acknowledgements(writers: list[subprocess.Popen[str]]) -> Iterator[list[str]]:
    """Yield the ids that the writers have printed since, until all have ended."""
    pipes = {writer.stdout.fileno(): b"" for writer in writers if writer.stdout}
    while pipes:
        told = []
        for pipe in select.select([*pipes], [], [], 1)[0]:
            data = os.read(pipe, 1 << 16)
            *lines, rest = (pipes[pipe] + data).split(b"\n")
            told += [line.decode() for line in lines]
            pipes[pipe] = rest
            if not data:
                del pipes[pipe]
        yield told


def test_two_apps_and_a_script_share_a_history(tmp_path: Path) -> None:
    with running(tmp_path) as one, running(tmp_path) as other, GenerationHistory(tmp_path) as script:
        clients = [Client(app.address, verbose=False) for app in (one, other)]
        made = [script.get(client.predict(duration=1, api_name="/generate")["entry_id"]) for client in clients]
        made.append(add(script, 3))
        expected = [entry.entry_id for entry in made[::-1]]
        for client in clients:
            assert [entry["entry_id"] for entry in client.predict(api_name="/list_entries")["entries"]] == expected
            client.close()
        assert [entry.entry_id for entry in script.list_entries()] == expected
    assert verify(tmp_path).good


# -- no lock outlives its process ----------------------------------------------------------------------------------------


def hold_a_lock(path: Path) -> None:
    with files.locked(path):
        print("held", flush=True)
        time.sleep(600)


def hold_the_catalog(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        print("held", flush=True)
        time.sleep(600)


def hold_a_use(path: Path) -> None:
    assert files.Use(path).alone()
    print("held", flush=True)
    time.sleep(600)


HOLDERS: dict[str, Callable[[Path], None]] = {
    "history.lock": hold_a_lock,
    "fold.lock": hold_a_lock,
    "catalog.lock": hold_a_lock,
    "catalog.open": hold_a_use,
    "catalog.sqlite": hold_the_catalog,
}


@contextmanager
def holding(root: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """Let another process hold a lock of a history that has takes."""
    with GenerationHistory(root) as history:
        add(history, 1)
    code = f"from tests.test_processes import *; {HOLDERS[name].__name__}(Path({str(root / name)!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        try:
            yield holder
        finally:
            holder.kill()


@pytest.mark.parametrize("name", HOLDERS)
def test_a_killed_process_keeps_no_lock(tmp_path: Path, name: str) -> None:
    with holding(tmp_path, name) as holder:
        holder.kill()
        holder.wait()
        begun_s = time.monotonic()
        with GenerationHistory(tmp_path) as history:
            assert add(history, 2) in history.list_entries()
            assert history.fold()
        assert time.monotonic() - begun_s < 18, "it waited for a lock that nobody holds"
        assert history.problems == ()


def test_a_stopped_process_is_waited_for(tmp_path: Path) -> None:
    """A laptop's lid, or Ctrl-Z: the change waits until the other goes on, and is then made."""
    with GenerationHistory(tmp_path) as reader, holding(tmp_path, "history.lock") as holder:
        holder.send_signal(signal.SIGSTOP)
        writer = start("tests.crowd", "writer", tmp_path, 1, 3)
        with pytest.raises(subprocess.TimeoutExpired):
            writer.wait(4)
        assert reader.count() == 1, "reading needs no lock"
        holder.send_signal(signal.SIGCONT)
        holder.kill()
        assert writer.communicate()[0].count("\n") == 3
        assert reader.count() == 4


def test_a_child_that_was_forked_while_a_lock_was_held_does_not_keep_it(tmp_path: Path) -> None:
    """A generator that forks workers does so while the fold's thread may hold a lock: they share its open file."""
    lock = tmp_path / "lock"
    with files.locked(lock):
        child = os.fork()
        if child == 0:
            signal.pause()
    try:
        with files.locked(lock, wait=False) as mine:
            assert mine
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
