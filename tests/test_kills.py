"""Guards that a process which is killed loses nothing that it acknowledged, and tears nothing."""

from __future__ import annotations

import pytest

from tests.children import report_of, scratch_folder, start
from tests.figures import Figures, tier

KILLS, PROGRAMS = tier((200, 1), (10_000, 2))


@pytest.mark.proof
def test_a_killed_process_loses_nothing_that_it_acknowledged(figures: Figures) -> None:
    with scratch_folder() as folder:
        programs = [start("tests.kills", folder / str(seed), seed, KILLS // PROGRAMS) for seed in range(PROGRAMS)]
        for program in programs:
            figures.add("kill -9", **report_of(program))
