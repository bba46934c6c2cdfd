"""How far a proof goes, and what it counted: small figures at every commit, large ones with `make soak`.

A proof calls `tier(at_every_commit, in_the_soak)` for its sizes and `figures.add(...)` for what it did. Figures of the
same proof are added up over all the processes of a run, and printed as one table at its end.
"""

from __future__ import annotations

import json
import os
from collections import defaultdict
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
SOAK, FILE = "RETAKE_SOAK", "RETAKE_FIGURES"


def tier(at_every_commit: T, in_the_soak: T) -> T:
    """Return the first in `make test`, the second in `make soak`."""
    return in_the_soak if os.environ.get(SOAK) else at_every_commit


class Figures:
    """What the proofs of one run counted."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, proof: str, **counted: int) -> None:
        """Add to the figures of a proof; one write, so that processes do not mix."""
        line = json.dumps({"proof": proof, **counted}) + "\n"
        with self._path.open("ab", buffering=0) as file:
            file.write(line.encode())

    def table(self) -> list[str]:
        """Return the lines of a table: each proof with its sums, in the order of their names."""
        sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
        if self._path.exists():
            for line in self._path.read_text().splitlines():
                counted = json.loads(line)
                for name, number in counted.items():
                    if name != "proof":
                        sums[counted["proof"]][name] += number
        width = max(map(len, sums), default=0)
        return [
            f"{proof:<{width}}  "
            + ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in counted.items())
            for proof, counted in sorted(sums.items())
        ]
