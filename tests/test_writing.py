"""Guards that nothing but `store/calls.py` changes a file, SQLite's own files apart.

No library is ever handed a path that it could write to, so each change can be failed, recorded and replayed.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.children import report_of, scratch_folder, start

STORE = Path(__file__).parent.parent / "store"
CHANGING = frozenset(
    {
        "write_text", "write_bytes", "touch", "mkdir", "rmdir", "unlink", "rename", "renames", "symlink_to", "hardlink_to",
        "link_to", "symlink", "chmod", "chown", "utime", "truncate", "ftruncate", "fsync", "fdatasync", "pwrite",
        "makedirs", "removedirs", "rmtree", "copyfile", "copytree", "mkfifo", "mknod", "posix_fallocate", "savefig",
    }
)  # fmt: skip
OF_OS = frozenset({"open", "write", "replace", "remove", "link", "fdopen"})
MODULES_THAT_WRITE = frozenset({"shutil", "tempfile", "subprocess"})
OURS = frozenset({"calls", "files"})


def changes_in(tree: ast.AST) -> list[str]:
    """Return the calls in a module's source that change a file, and imports of modules that do."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = {alias.name for alias in node.names} | {getattr(node, "module", None)}
            found += [f"line {node.lineno}: import {name}" for name in names & MODULES_THAT_WRITE]
        elif isinstance(node, ast.Call) and _changes(node):
            found.append(f"line {node.lineno}: {ast.unparse(node)}")
    return found


def _changes(call: ast.Call) -> bool:
    function = call.func
    if isinstance(function, ast.Name):
        return function.id == "open" and not _reads(call.args[1:2], call)
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if owner in OURS:
        return False
    if function.attr == "open" and owner != "os":
        return not _reads(call.args[:1], call)
    return function.attr in CHANGING or (owner == "os" and function.attr in OF_OS and not _opens_to_read(call))


def _opens_to_read(call: ast.Call) -> bool:
    flags = {node.attr for node in ast.walk(call) if isinstance(node, ast.Attribute) and node.attr.startswith("O_")}
    return "O_RDONLY" in flags and not flags & {"O_WRONLY", "O_RDWR", "O_CREAT", "O_TRUNC", "O_APPEND"}


def _reads(mode: list[ast.expr], call: ast.Call) -> bool:
    """Say whether an `open` says that it only reads."""
    modes = [*mode, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    return all(isinstance(value, ast.Constant) and value.value in ("r", "rb") for value in modes)


@pytest.mark.parametrize(
    "source",
    [
        "path.write_bytes(b'')", "open(name, 'w')", "path.open('ab')", "path.open(mode='wb')", "os.replace(a, b)",
        "os.open(path, os.O_RDWR)", "path.unlink()", "import shutil", "from tempfile import mkstemp",
    ],
)  # fmt: skip
def test_the_check_below_sees_a_change(source: str) -> None:
    assert changes_in(ast.parse(source))


def test_no_source_of_the_store_changes_a_file_but_one() -> None:
    sources = sorted(STORE.rglob("*.py"))
    assert len(sources) > 20
    found = {path.name: changes_in(ast.parse(path.read_text())) for path in sources}
    assert found.pop("calls.py")
    assert {name: changes for name, changes in found.items() if changes} == {}


def test_no_operation_changes_a_file_elsewhere() -> None:
    with scratch_folder() as folder:
        seen = report_of(start("tests.writing", folder))
    assert seen["changes"] > 100
    assert seen["elsewhere"] == []
