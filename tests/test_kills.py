"""Guards that a process which is killed loses nothing that it acknowledged, and tears nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.figures import Figures, tier

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")  # noqa: S108
KILLS = tier(200, 10_000)
PROCESSES = tier(1, 2)


@pytest.mark.proof
def test_a_killed_process_loses_nothing_that_it_acknowledged(figures: Figures) -> None:
    one_thread = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        killers = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.kills", f"{folder}/{seed}", str(seed), str(KILLS // PROCESSES)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                env=one_thread,
            )
            for seed in range(PROCESSES)
        ]
        for killer in killers:
            printed, errors = killer.communicate()
            assert killer.returncode == 0, errors
            figures.add("kill -9", **json.loads(printed))
