"""Guards against what the kernel does: system calls that really fail, and kills at a chosen call, through strace.

Where there is no strace, as on macOS, tests/conftest.py leaves this module out. Where ptrace is not allowed it fails.
"""

from __future__ import annotations

import pytest

from tests.children import report_of, scratch_folder, start
from tests.figures import Figures


@pytest.mark.proof
def test_no_system_call_that_fails_costs_what_was_acknowledged(figures: Figures) -> None:
    with scratch_folder() as folder:
        figures.add("system calls failed by the kernel", **report_of(start("tests.syscalls", folder)))
