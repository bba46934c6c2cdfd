"""`python -m store stats|verify|repair|rebuild DIR`: look after a history from the command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from store.errors import HistoryError
from store.history import GenerationHistory
from store.progress import bar
from store.repair import RepairPlan, plan_repair, rebuild, repair
from store.verify import Finding, folder_of, verify

GOOD, FOUND, FAILED, ASKED = 0, 1, 2, 3

Command = Callable[[argparse.Namespace], int]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code.

    0: all is well, or is now. 1: something was found, or is left. 2: it could not be done. 3: a repair would touch so
    much that it wants to be asked for again, and nothing was changed.
    """
    asked = _parser().parse_args(arguments)
    run: Command = asked.run
    try:
        return run(asked)
    except HistoryError as error:
        print(f"error: {error}", file=sys.stderr)
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m store", description="Look after a Retake history.")
    commands = parser.add_subparsers(dest="command", required=True)

    def add(name: str, run: Command, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("directory", type=Path, metavar="DIR", help="the history's folder")
        command.set_defaults(run=run)
        return command

    add("stats", _stats, "count takes, models and bytes")
    add("verify", _verify, "check every line and every sample; writes nothing")
    repairing = add("repair", _repair, "put right what can be; deletes nothing")
    repairing.add_argument("--dry-run", action="store_true", help="only say what would be done")
    repairing.add_argument(
        "--yes", action="store_true", help="go on even where more than a tenth of the takes is touched"
    )
    add("rebuild", _rebuild, "build the index again, from audio files alone where nothing else is left")
    return parser


def _stats(asked: argparse.Namespace) -> int:
    with GenerationHistory(folder_of(asked.directory)) as history:
        print(f"takes    {history.count():,}")
        print(f"deleted  {history.count(deleted=True):,}")
        print(f"size     {history.get_total_size():,} bytes ({history.get_total_size(deleted=True):,} in the trash)")
        for model in history.models():
            print(f"model    {model.value}: {model.count:,}")
        _print_notes(history.problems)
    return GOOD


def _verify(asked: argparse.Namespace) -> int:
    with bar("takes") as progress:
        found = verify(asked.directory, progress)
    _print_findings(found.findings)
    if found.behind:
        print(
            f"note     {len(found.behind):,} audio files do not carry their take as it is now; repair writes it there"
        )
    print(f"{found.takes:,} takes checked, {len(found.findings):,} findings")
    return GOOD if found.good else FOUND


def _repair(asked: argparse.Namespace) -> int:
    with bar("takes") as progress:
        plan = plan_repair(asked.directory, progress)
    for step in plan.steps:
        print(f"{step.kind}: {step.path}: {step.text}")
    _print_findings(plan.left)
    print(f"{plan.takes:,} takes checked, {len(plan.steps):,} things to do, {len(plan.left):,} that repair cannot help")
    if asked.dry_run or not plan.steps:
        return FOUND if plan.steps or plan.left else GOOD
    if plan.drastic and not (asked.yes or _is_sure(plan)):
        print("Nothing was changed. --yes goes on.", file=sys.stderr)
        return ASKED
    with bar("audio files") as progress:
        _print_notes(repair(asked.directory, plan, progress))
    with bar("takes") as progress:
        after = plan_repair(asked.directory, progress)
    print(f"{len(after.steps):,} things left to do, {len(after.left):,} that repair cannot help")
    return FOUND if after.steps or after.left else GOOD


def _is_sure(plan: RepairPlan) -> bool:
    """Ask at a terminal; elsewhere the answer is no."""
    print(
        f"More than a tenth of the {plan.takes:,} takes would be touched, or have no sound. Is a drive not mounted?",
        file=sys.stderr,
    )
    return sys.stdin.isatty() and input("Type yes to go on: ").strip().lower() == "yes"


def _rebuild(asked: argparse.Namespace) -> int:
    with bar("audio files") as progress:
        rebuilt = rebuild(asked.directory, progress)
    _print_notes(rebuilt.notes)
    print(f"{rebuilt.takes:,} takes, {rebuilt.from_audio:,} of them from audio files alone")
    return GOOD


def _print_findings(findings: Iterable[Finding]) -> None:
    for finding in findings:
        print(f"{finding.kind}: {finding.path}: {finding.text}")


def _print_notes(notes: Iterable[str]) -> None:
    for note in notes:
        print(f"note     {note}")


if __name__ == "__main__":
    sys.exit(main())
