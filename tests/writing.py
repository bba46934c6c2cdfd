"""Watch who changes files while every operation of the store runs, and print what was seen as one line of JSON.

`python -m tests.writing FOLDER`: Python tells of every `open`, rename, removal and the like, with the frame that called.
What C libraries open by themselves it does not see; `tests/test_strace.py` asks the kernel for that.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path
from types import FrameType

from store import GenerationHistory, calls
from store.verify import verify
from tests.conftest import leave
from tests.operations import OPERATIONS, Operation, all_takes, make_states

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = frozenset(
    "os." + name
    for name in (
        "rename", "remove", "mkdir", "rmdir", "link", "symlink", "truncate", "chmod", "chown", "utime", "mkfifo",
        "mknod", "setxattr", "removexattr",
    )
)  # fmt: skip
FOREIGN = frozenset(
    {"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "tempfile.mkstemp", "tempfile.mkdtemp"}
)
"""Whatever these do cannot be seen from here, so they must not be used at all."""


class Watch:
    """Notes every change of a file, and which of them did not come from `store.calls`."""

    def __init__(self) -> None:
        self.on = False
        self.changes = 0
        self.opened: set[str] = set()
        self.elsewhere: list[str] = []

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.on and self._is_change(event, arguments):
            self.changes += 1
            if event == "open":
                self.opened.add(os.fspath(arguments[0]))  # type: ignore[call-overload]
            frame = sys._getframe(1)
            if frame.f_code.co_filename != calls.__file__:
                self.elsewhere.append(f"{event} {arguments[:2]} by {_caller(frame)}")

    def _is_change(self, event: str, arguments: tuple[object, ...]) -> bool:
        if event == "open":
            return bool(int(str(arguments[2] or 0)) & WRITING)
        return event in CHANGES or event in FOREIGN


def _caller(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"


def look_at_everything(history: GenerationHistory) -> None:
    """Ask for everything that a history has to show."""
    entry = all_takes(history)[0]
    history.thumbnail(entry.entry_id)
    history.spectrogram(entry.entry_id)
    history.envelope(entry.entry_id, 100)
    history.audio_exists(entry.entry_id)
    history.level(entry.entry_id)
    history.presets.delete(history.save_preset(entry.entry_id, "Bell").preset_id)
    history.presets.make_whole()
    history.list_entries(query="synth", sort="longest")
    history.models()
    history.tags()
    history.repair_history()
    history.require_writable()
    verify(history.directory)


def main(folder: Path) -> dict[str, object]:
    """Run every operation under watch."""
    states = folder / "states"
    make_states(states)
    watch = Watch()
    sys.addaudithook(watch)
    for operation in [*OPERATIONS, Operation("look", "version 1", look_at_everything)]:
        root = folder / "history"
        shutil.rmtree(root, ignore_errors=True)
        if (states / operation.state).exists():
            shutil.copytree(states / operation.state, folder / "copy")
            (folder / "copy").rename(root)  # what is opened for writing below `root` is then the store's
        watch.on = True
        if operation.to_folder:
            operation.to_folder(root)
        elif operation.to_history:
            history = GenerationHistory(root)
            operation.to_history(history)
            leave(history)
        watch.on = False
    return {
        "operations": len(OPERATIONS),
        "changes": watch.changes,
        "elsewhere": watch.elsewhere,
        "opened": sorted(watch.opened),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
