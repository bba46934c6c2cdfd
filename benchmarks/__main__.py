"""`python -m benchmarks [GROUPS]`: measure, and print one table."""

from __future__ import annotations

import argparse
import importlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.measure import Row, Table
from benchmarks.run import LARGE_SIZES, QUICK_SHARE, QUICK_SIZES, SIZES, Run, tell

GROUPS = {
    "queries": "benchmarks.queries",
    "index": "benchmarks.index",
    "audio": "benchmarks.audio",
    "pages": "benchmarks.pages",
    "survival": "benchmarks.run_history",
}
"""Groups by name, in the order they are run: modules with a function `rows(run)` that yields rows."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the groups that were asked for."""
    parser = _parser()
    asked = parser.parse_args(arguments)
    if unknown := set(asked.groups) - GROUPS.keys():
        parser.error(f"no group is called {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}")
    if asked.sizes and max(asked.sizes) < 1:
        parser.error("one history must hold something")
    with tempfile.TemporaryDirectory(prefix=".benchmarks-", dir=asked.folder) as folder:
        run = Run(Path(folder).resolve(), tuple(sorted(asked.sizes or _sizes(asked))), _share(asked), asked.profile)
        where = machine(run.folder)
        table = Table(where, tuple(measured(run, asked.groups or list(GROUPS))))
    if run.profile is not None:
        run.print_profile()
        return
    print(table.markdown())
    if asked.out:
        asked.out.write_text(table.markdown(), encoding="utf-8")


def measured(run: Run, groups: Sequence[str]) -> Iterator[Row]:
    """Yield the rows of the groups, each told as it comes."""
    for name in groups:
        rows: Callable[[Run], Iterator[Row]] = importlib.import_module(GROUPS[name]).rows
        for row in rows(run):
            tell("  ".join(filter(None, row.cells())))
            yield row


def _sizes(asked: argparse.Namespace) -> tuple[int, ...]:
    return QUICK_SIZES if asked.quick else LARGE_SIZES if asked.large else SIZES


def _share(asked: argparse.Namespace) -> float:
    return QUICK_SHARE if asked.quick else 1.0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure, and print one table.")
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"{', '.join(GROUPS)}; all where none is named")
    parser.add_argument("--large", action="store_true", help="with a million takes too")
    parser.add_argument("--quick", action="store_true", help="few takes, few rounds: to see that it works")
    parser.add_argument("--sizes", type=int, nargs="+", metavar="N", help="how many takes histories hold")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there too")
    parser.add_argument(
        "--folder", type=Path, default=Path(), metavar="DIR", help="on the disk to measure; here if none"
    )
    parser.add_argument(
        "--profile",
        metavar="NAME",
        help="print where the time of one operation goes instead: durable add, stall, newest 48, open, whole add, …",
    )
    return parser


if __name__ == "__main__":
    main()
