"""What runs in a process of its own: `python -m benchmarks.processes ROLE CANDIDATE PATH [NUMBERS]`; and who starts it.

Nothing of ours, and nothing big, is imported before a role needs it: how long that takes, and the memory it takes, is
part of what is measured.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
OURS, SQLITE, RAW = "ours", "SQLite", "raw"
_CLASSES = {OURS: ("benchmarks.retake", "Retake"), SQLITE: ("benchmarks.peers", "SQLite")}
FIRST_PAGE = 48
_STATUS = Path("/proc/self/status")
KNOWS_MEMORY = _STATUS.exists()  # on Linux alone


# -- in the process itself ------------------------------------------------------------------------------------------


def open_and_list(candidate: str, path: Path) -> None:
    """Import what a candidate needs, open it, list its first page; print what each took, and the memory, as JSON."""
    begin_s = time.perf_counter()
    kind = _class_of(candidate)
    imported_s = time.perf_counter()
    before_kb = _memory_kb("VmRSS")
    opened_s = time.perf_counter()
    opened = kind(path)
    takes = opened.newest(FIRST_PAGE)
    listed_s = time.perf_counter()
    after_kb = _memory_kb("VmHWM")
    report = {
        "import_ms": (imported_s - begin_s) * 1e3,
        "open_ms": (listed_s - opened_s) * 1e3,
        "memory_mb": max(0, after_kb - before_kb) / 1024,
        "takes": len(takes),
    }
    print(json.dumps(report))
    opened.close()


def _class_of(candidate: str) -> Any:
    module, name = _CLASSES[candidate]
    return getattr(importlib.import_module(module), name)


def _memory_kb(name: str) -> int:
    """Return `VmRSS`, the memory that this process has now, or `VmHWM`, the most it ever had; 0 where nobody knows."""
    if not KNOWS_MEMORY:
        return 0
    lines = _STATUS.read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))


def watch(candidate: str, path: Path) -> None:
    """Answer each line of standard input with the newest take, as its id and title; raw: with the last line of the file."""
    if candidate == RAW:
        with path.open("rb") as file:
            _answer(lambda: str(_last_line(file)))
        return
    opened = _class_of(candidate)(path)
    _answer(lambda: shown(opened.newest(1)))
    opened.close()


def _answer(look: Any) -> None:
    look()
    print("ready", flush=True)
    while sys.stdin.readline():
        print(look(), flush=True)


def _last_line(file: IO[bytes]) -> str:
    """Parse the newest line of a file that only grows; return the checksum that it states."""
    lines = file.read().splitlines()
    return str(json.loads(lines[-1])["crc"]) if lines else ""


def shown(takes: Sequence[Any]) -> str:
    """Return the id and title of the first take of a list, ours or a peer's."""
    return " ".join(f"{field(take, 'entry_id')} {field(take, 'title')}" for take in takes[:1])


def field(take: Any, name: str) -> Any:
    """Return a field of a take: a peer's is a dict, ours an object."""
    return take[name] if isinstance(take, dict) else getattr(take, name)


def add(candidate: str, path: Path, first: int, takes: int) -> None:
    """Make takes, wait for a line of standard input, add them, and print each one's id when it is acknowledged."""
    from benchmarks.records import records

    opened = _class_of(candidate)(path)
    made = list(records(first, first + takes))
    print("ready", flush=True)
    sys.stdin.readline()
    acknowledged = []
    for record in made:
        opened.add(record)
        acknowledged.append(record["entry_id"])
    print(json.dumps(acknowledged), flush=True)
    opened.close()


# -- from outside ---------------------------------------------------------------------------------------------------


class Process:
    """A role in a process of its own, spoken to line by line."""

    def __init__(self, role: str, candidate: str, path: Path, *numbers: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.processes", role, candidate, str(path), *map(str, numbers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin, self._process.stdout

    def tell(self) -> None:
        """Send a line."""
        self._to.write("\n")
        self._to.flush()

    def hear(self) -> str:
        """Wait for a line. Raises `RuntimeError` where the process has ended without one."""
        line = self._from.readline()
        if not line.endswith("\n"):
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.wait()}")
        return line.rstrip("\n")

    def ask(self) -> str:
        """Send a line and wait for the answer."""
        self.tell()
        return self.hear()

    def end(self) -> None:
        """Close its standard input and wait for its end."""
        self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"{self._process.args!r} ended with {self._process.returncode}")

    def kill(self) -> None:
        """End it, however far it is; nothing where it has ended."""
        self._process.kill()
        self._process.communicate()


@contextmanager
def started(*processes: Process) -> Iterator[tuple[Process, ...]]:
    """Yield processes that say that they are ready, and end them; kill them where something else fails."""
    try:
        for process in processes:
            assert process.hear() == "ready"
        yield processes
        for process in processes:
            process.end()
    finally:
        for process in processes:
            process.kill()


def open_once(candidate: str, path: Path) -> dict[str, float]:
    """Open a candidate in a new process; return what `open_and_list` printed."""
    process = Process("open", candidate, path)
    try:
        report: dict[str, float] = json.loads(process.hear())
        process.end()
    finally:
        process.kill()
    return report


def main(role: str, candidate: str, path: str, *numbers: str) -> None:
    """Play one role."""
    if role == "open":
        open_and_list(candidate, Path(path))
    elif role == "watch":
        watch(candidate, Path(path))
    else:
        add(candidate, Path(path), *map(int, numbers))


if __name__ == "__main__":
    main(*sys.argv[1:])
