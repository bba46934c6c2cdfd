"""`python -m store stats|verify DIR`: look at a history from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from store.errors import HistoryError, StoreUnavailable
from store.history import GenerationHistory
from store.verify import verify

GOOD, FOUND, FAILED = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 where all is well, 1 where `verify` found something, 2 where it could not be done."""
    parser = argparse.ArgumentParser(prog="python -m store", description="Look at a Retake history.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, run, text in (
        ("stats", _stats, "count takes, models and bytes"),
        ("verify", _verify, "check every line and every sample; writes nothing"),
    ):
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory", type=Path, metavar="DIR", help="the history's folder")
        command.set_defaults(run=run)
    asked = parser.parse_args(arguments)
    try:
        return int(asked.run(asked.directory))
    except HistoryError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def _stats(directory: Path) -> int:
    if not directory.is_dir():
        raise StoreUnavailable(directory, "is not a folder")
    with GenerationHistory(directory) as history:
        print(f"takes    {history.count():,}")
        print(f"deleted  {history.count(deleted=True):,}")
        print(f"size     {history.get_total_size():,} bytes ({history.get_total_size(deleted=True):,} in the trash)")
        for model in history.models():
            print(f"model    {model.value}: {model.count:,}")
        for problem in history.problems:
            print(f"note     {problem}")
    return GOOD


def _verify(directory: Path) -> int:
    found = verify(directory)
    for finding in found.findings:
        print(f"{finding.kind}: {finding.path}: {finding.text}")
    print(f"{found.takes:,} takes checked, {len(found.findings):,} findings")
    return GOOD if found.good else FOUND


if __name__ == "__main__":
    sys.exit(main())
