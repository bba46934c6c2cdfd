"""Where a run was measured, in one line."""

from __future__ import annotations

import os
import platform
import sqlite3
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent


def machine(folder: Path) -> str:
    """Name the machine, the kernel, the versions, the file system of `folder`, and the commit that was measured."""
    return (
        f"Measured on {_processor()} ({os.cpu_count()} cores), {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {file_system(folder)}, commit {_commit()}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def file_system(folder: Path) -> str:
    """Return the kind of file system that a folder lies in, as the kernel's list of mounts says; else that it is unknown."""
    try:
        mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return "an unknown file system"
    around = {str(parent) for parent in (folder.resolve(), *folder.resolve().parents)}
    return max((len(mount[1]), mount[2]) for mount in mounts if mount[1] in around)[1]


def _commit() -> str:
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return told.stdout.strip()
