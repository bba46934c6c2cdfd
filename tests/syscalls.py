"""Let the kernel fail system calls of a process that changes a history, or kill it at one, through strace.

`python -m tests.syscalls FOLDER` does it for every injection below and for the N-th call, and prints what it counted as
one line of JSON, or what was wrong. Unlike `tests.faults` this reaches SQLite and Python's own reading too.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from functools import partial
from itertools import count
from pathlib import Path

from store import CommitUncertain, HistoryError
from tests.figures import tier
from tests.kills import Say, Writer, change, compare, fork, prepare_to_fork

STEPS = 14
SYNCS, WRITES, NAMES, OPENS = "fsync,fdatasync", "write,pwrite64", "rename,renameat,renameat2,link,linkat", "openat"
INJECTIONS = {
    "EIO from a sync": (SYNCS, "error=EIO", ""),
    "EIO from every sync": (SYNCS, "error=EIO", "+"),
    "no space for a write": (WRITES, "error=ENOSPC", ""),
    "no space for every write": (WRITES, "error=ENOSPC", "+"),
    "EIO from a rename": (NAMES, "error=EIO", ""),
    "EIO from an unlink": ("unlink,unlinkat,ftruncate", "error=EIO", ""),
    "too many open files": (OPENS, "error=EMFILE", ""),
    "no locks": ("flock", "error=ENOLCK", ""),
    "killed at a sync": (SYNCS, "signal=KILL", ""),
    "killed at a write": (WRITES, "signal=KILL", ""),
    "killed at a rename": (NAMES, "signal=KILL", ""),
    "killed at an unlink": ("unlink,unlinkat", "signal=KILL", ""),
    "killed at an open": (OPENS, "signal=KILL", ""),
}
STRIDES = {SYNCS: tier(4, 1), OPENS: tier(43, 3), WRITES: tier(17, 1)}
ANYBODY_MAY_TRACE = (0x59616D61, ctypes.c_ulong(-1))  # PR_SET_PTRACER, PR_SET_PTRACER_ANY


def change_when_traced(root: Path, seed: int, go: int, say: Say) -> None:
    """Wait for the tracer, then change the history up to the first error that is not hidden from the caller."""
    ctypes.CDLL(None).prctl(*ANYBODY_MAY_TRACE, 0, 0, 0)
    say({"waiting": True})
    os.read(go, 1)
    try:
        change(root, 0, seed, say, STEPS)
    except CommitUncertain:
        return
    except HistoryError as error:
        say({"refused": str(error)})


def inject(root: Path, seed: int, calls: str, what: str, when: str) -> tuple[Writer, bool]:
    """Run a process with an injection; return what it told, and whether the injection came to be."""
    log = root.with_suffix(".strace")
    ready, go = os.pipe()
    writer = Writer(0)
    process, heard = fork(partial(change_when_traced, root, seed, ready))
    os.read(heard, 1 << 16)
    with subprocess.Popen(
        [
            "strace",
            "-f",
            "-o",
            log,
            "-e",
            f"trace={calls}",
            "-e",
            f"inject={calls}:{what}:when={when}",
            "-p",
            str(process),
        ],
        stderr=subprocess.PIPE,
        text=True,
    ) as strace:
        assert strace.stderr
        attached = strace.stderr.readline()
        assert "attached" in attached, f"strace cannot trace here (is ptrace allowed?): {attached}"
        os.write(go, b"!")
        while data := os.read(heard, 1 << 16):
            writer.hear(data)
        os.waitpid(process, 0)
    for descriptor in (ready, go, heard):
        os.close(descriptor)
    text = log.read_text()
    return writer, "INJECTED" in text or "SIGKILL" in text


def attack(folder: Path) -> dict[str, int]:
    """Fail and kill at the N-th call for every N (at every commit: some); compare each time; return what was counted."""
    counted = dict.fromkeys(("injections", "acknowledged changes", "lost"), 0)
    for seed, (name, (calls, what, plus)) in enumerate(INJECTIONS.items()):
        for number in count(1, STRIDES.get(calls, tier(9, 1))):
            root = folder / "history"
            shutil.rmtree(root, ignore_errors=True)
            writer, struck = inject(root, seed, calls, what, f"{number}{plus}")
            try:
                compare(root, [writer])
            except AssertionError as wrong:
                raise AssertionError(f"{name}, number {number}, seed {seed}") from wrong
            if not struck:
                break
            counted["injections"] += 1
            counted["acknowledged changes"] += writer.heard_of
        assert number > 1, f"{name}: no such call was made"
    return counted


if __name__ == "__main__":
    prepare_to_fork()
    print(json.dumps(attack(Path(sys.argv[1]))))
