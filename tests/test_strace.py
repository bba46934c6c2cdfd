"""Guards against what the kernel does: system calls that really fail, and kills at a chosen call, through strace.

Where there is no strace, as on macOS, tests/conftest.py leaves this module out. Where ptrace is not allowed it fails.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.children import report_of, scratch_folder, start
from tests.figures import Figures


@pytest.mark.proof
def test_no_system_call_that_fails_costs_what_was_acknowledged(figures: Figures) -> None:
    with scratch_folder() as folder:
        figures.add("system calls failed by the kernel", **report_of(start("tests.syscalls", folder)))


def test_the_kernel_sees_nobody_else_open_a_file_of_the_history_for_writing() -> None:
    """A library in C that was handed a path would open it unseen by Python."""
    with scratch_folder() as folder:
        log = folder / "log"
        tracer = ["strace", "-f", "-o", str(log), "-e", "trace=open,openat,openat2,creat"]
        ours = set(report_of(start("tests.writing", folder, tracer=tracer))["opened"])
        opened = set(re.findall(rf'"({folder}/history/[^"]+)", [^)]*(?:O_WRONLY|O_RDWR|O_CREAT)', log.read_text()))
    others = {path for path in opened - ours if not Path(path).name.startswith("catalog.sqlite")}  # SQLite's own
    assert len(opened & ours) > 20
    assert others == set()
