"""Run a module of the tests as a program of its own, and read the figures that it prints."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")  # noqa: S108
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder in memory where there is one, for thousands of small histories."""
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        yield Path(folder)


def start(module: str, *arguments: object, tracer: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a module, under a tracer if one is given; NumPy gets no threads, so that it may fork."""
    return subprocess.Popen(
        [*tracer, sys.executable, "-m", module, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, **ONE_THREAD},
    )


def report_of(program: subprocess.Popen[str]) -> Any:
    """Wait for a module that prints one line of JSON; return what it printed."""
    printed, errors = program.communicate()
    assert program.returncode == 0, errors
    return json.loads(printed)


@contextmanager
def ended(programs: Sequence[subprocess.Popen[str]]) -> Iterator[None]:
    """Kill what still runs when the block ends, however it ends."""
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.communicate()
