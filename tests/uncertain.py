"""A disk that takes a line and then fails every sync, so that nobody can know whether the take is saved.

`hum` is a generator that makes such a disk of this process's, for as long as the file named by `RETAKE_FAULT` is there.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from store import calls

FAULT = "RETAKE_FAULT"


def syncs_that_fail(when: Callable[[], bool], line_stays: bool) -> dict[str, Callable[..., None]]:
    """Return replacements for functions of `store.calls`: `when` it says so, a commit is written and never synced.

    With `line_stays` it cannot be cut off again either, and is read as if it were saved.
    """
    real_sync, real_sync_data, real_truncate = calls.sync, calls.sync_data, calls.truncate
    failed = [False]

    def sync_data(descriptor: int) -> None:
        failed[0] = when()
        _fail_if(failed[0])
        real_sync_data(descriptor)

    def sync(descriptor: int) -> None:
        failed[0] = failed[0] and when()
        _fail_if(failed[0])
        real_sync(descriptor)

    def truncate(descriptor: int, size: int) -> None:
        _fail_if(failed[0] and line_stays)
        real_truncate(descriptor, size)

    return {"sync_data": sync_data, "sync": sync, "truncate": truncate}


def _fail_if(failing: bool) -> None:
    if failing:
        raise OSError(errno.EIO, "Input/output error")


def hum(pitch: int = 220) -> Any:
    """Make half a second of a tone, on a disk that may have gone bad."""
    return 8_000, 0.3 * np.sin(2 * np.pi * pitch * np.arange(4_000) / 8_000)


if FAULT in os.environ:
    for _name, _function in syncs_that_fail(Path(os.environ[FAULT]).exists, line_stays=True).items():
        setattr(calls, _name, _function)
