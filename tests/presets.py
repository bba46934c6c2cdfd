"""A small shelf with something of everything, for the proofs about presets; and one of several processes that change it.

`python -m tests.presets FOLDER NUMBER PRESETS` saves, renames and deletes, and prints each preset as it was acknowledged.
"""

from __future__ import annotations

import contextlib
import json
import math
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from store import Preset, Presets
from store.presets_file import PRESETS, PRESETS_BACKUP

FILES = (PRESETS, PRESETS_BACKUP)
Act = Callable[[Presets], object]
Content = tuple[tuple[Any, ...], ...]
"""Everything on a shelf but ids and times."""


def save(presets: Presets, name: str, folder: str = "") -> Preset:
    """Save a preset whose settings tell it apart."""
    return presets.save(name, model_id="synth", model_name="Synth", params={"name": name}, seed=7, folder=folder)


def content(presets: Presets) -> Content:
    """Return everything on a shelf but ids and times, which are others in each run."""
    found = [*presets.list_presets(), *presets.list_presets(deleted=True)]
    told = [
        (one.name, one.folder, one.model_id, repr(one.params), repr(one.slider_positions), one.seed, one.deleted)
        for one in found
    ]
    return (tuple(presets.folders()), *sorted(told))


def id_of(presets: Presets, name: str) -> str:
    """Return the id of the preset with this name."""
    (found,) = [preset for preset in presets.list_presets() if preset.name == name]
    return found.preset_id


def make_small_shelf(root: Path, mark: str = "") -> None:
    """Write presets of two models in and out of folders, one deleted, one folder empty."""
    root.mkdir(parents=True, exist_ok=True)
    presets = Presets(root)
    for folder in ("Pads", "Empty"):
        presets.create_folder(folder)
    save(presets, f"Bell{mark}", "Pads")
    save(presets, f"Ünïcode كلام{mark}")
    presets.save("odd", model_id="voice", model_name="Voice", params=[math.inf, {"a": None}], slider_positions=[1.5])
    presets.delete(save(presets, "gone").preset_id)


@contextlib.contextmanager
def copy_of(directory: Path) -> Iterator[Path]:
    """Give a copy of a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="retake-presets-") as folder:
        copy = Path(folder) / "copy"
        if directory.exists():
            shutil.copytree(directory, copy)
        yield copy


def main(folder: str, number: str, count: str) -> None:
    """Save presets; rename every second and delete every third; print what was acknowledged."""
    presets = Presets(folder)
    for nth in range(int(count)):
        preset = save(presets, f"{number}-{nth}")
        if nth % 2:
            preset = presets.rename(preset.preset_id, f"renamed {preset.name}")
        if nth % 3 == 0:
            presets.delete(preset.preset_id)
        print(json.dumps([preset.preset_id, preset.name, nth % 3 == 0]), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
