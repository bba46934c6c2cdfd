"""Guards the direction of imports: the store knows no user interface, and nothing below knows what is above."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = {
    "store": set(),
    "generators": set(),
    "history_ui": {"store", "generators"},
    "app": {"store", "history_ui", "generators"},
    "benchmarks": {"store", "history_ui", "generators", "app"},
}
STORE_ORDER = [
    "errors", "progress", "beside", "behind", "values", "lines", "reading", "wav", "id3", "snapshot", "entry", "calls", "files", "document", "journal", "media", "chain", "index",
    "preset", "shelf", "presets_file", "presets", "loudness", "votes", "differences",
    "audio", "quality", "envelope", "canvas", "thumbnail", "spectrogram", "sounds", "pictures", "query", "rows", "recent", "database", "follow", "newest", "catalog", "folding",
    "upkeep", "salvage", "recovery", "history", "comparison", "verify", "repair", "__main__",
]  # fmt: skip


def imported(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def modules(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py")) if (ROOT / package).is_dir() else [ROOT / f"{package}.py"]


@pytest.mark.parametrize("package", LAYERS)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    above = set(LAYERS) - LAYERS[package] - {package}
    for path in modules(package):
        found = {name.split(".")[0] for name in imported(path)} & above
        assert not found, f"{path} imports {found}"


def test_the_store_never_imports_gradio() -> None:
    for path in modules("store"):
        assert not {name for name in imported(path) if name.split(".")[0] == "gradio"}, path


def test_modules_of_the_store_import_only_modules_before_them() -> None:
    found = {path.stem for path in modules("store")} - {"__init__"}
    assert found == set(STORE_ORDER)
    for path in modules("store"):
        if path.stem == "__init__":
            continue
        later = {f"store.{name}" for name in STORE_ORDER[STORE_ORDER.index(path.stem) :]}
        assert not imported(path) & later, f"{path.stem} imports {imported(path) & later}"
