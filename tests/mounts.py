"""A disk that is really small. Needs root; the test fails where this machine allows no mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def small_disk(place: Path, size: str = "2m") -> Iterator[Path]:
    """Mount a disk of a few megabytes in memory; fails where this machine allows no mount."""
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True, text=True, check=False
    )
    assert mounted.returncode == 0, f"this test needs to mount a small disk, as root: {mounted.stderr}"
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)
