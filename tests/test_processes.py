"""Guards that several processes share one history and lose nothing."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from store import GenerationHistory
from store.verify import verify
from tests.conftest import add

WRITER = """
import sys
from store import GenerationHistory
from tests.conftest import add
with GenerationHistory(sys.argv[1]) as history:
    for step in range(int(sys.argv[3])):
        entry = add(history, int(sys.argv[2]) * 1000 + step)
        assert history.list_entries(query=entry.entry_id) == [] and history.get(entry.entry_id) == entry
        history.update_entry(entry.entry_id, rating=step % 5 + 1)
        if step % 5 == 0:
            history.fold()
        print(entry.entry_id, flush=True)
"""
ROOT = Path(__file__).parent.parent


def start(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)


def test_four_writers_and_a_reader_lose_nothing(tmp_path: Path) -> None:
    writers = [start(WRITER, tmp_path, number, 25) for number in range(4)]
    with GenerationHistory(tmp_path) as reader:
        while any(writer.poll() is None for writer in writers):
            assert reader.count() <= 100
            time.sleep(0.02)
        acknowledged = {line for writer in writers for line in writer.communicate()[0].split()}
        assert [writer.returncode for writer in writers] == [0] * 4
        assert {entry.entry_id for entry in reader.list_entries()} == acknowledged
        assert len(acknowledged) == 100
        assert all(entry.rating for entry in reader.list_entries())
    assert verify(tmp_path).good


def test_a_killed_writer_loses_nothing_that_it_acknowledged(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for kill in range(6):
        writer = start(WRITER, tmp_path, kill, 1_000)
        assert writer.stdout is not None
        acknowledged |= {writer.stdout.readline().strip() for _ in range(3 + kill * 2)}
        writer.kill()
        acknowledged |= {line for line in writer.stdout.read().split("\n")[:-1] if line}
        writer.wait()
        writer.stdout.close()
        with GenerationHistory(tmp_path) as history:
            found = {entry.entry_id for entry in history.list_entries()}
            assert acknowledged <= found
            assert not any("damaged" in problem for problem in history.problems)
    with GenerationHistory(tmp_path) as history:
        add(history)
    findings = {finding.kind for finding in verify(tmp_path).findings}
    assert findings <= {"orphan audio"}, "a kill between audio and index leaves an orphan, nothing worse"
