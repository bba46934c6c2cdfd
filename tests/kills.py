"""Kill processes that change a history, at random moments, and compare what they acknowledged with what is there.

`python -m tests.kills FOLDER SEED KILLS` forks every writer, and every process that looks afterwards, from one that has
imported the store and started no thread. It prints what it counted as one line of JSON, or what was wrong.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

import store.history
from store import GenerationHistory, HistoryEntry, HistoryError
from store.chain import find, present_base
from store.envelope import envelope
from store.lines import unseal
from store.thumbnail import WIDTH, draw
from store.verify import ORPHAN_AUDIO, TEMPORARY_FILE, verify
from tests.conftest import add, tone
from tests.operations import all_takes

ROUNDS_A_FOLDER = 20
MOST_CHANGES, LONGEST_S = 16, 0.01
CHANGES = {"add": 6, "update": 4, "delete": 2, "restore": 2, "purge": 2, "fold": 2}

Fields = dict[str, Any]
Say = Callable[[Fields], None]


@dataclass
class Writer:
    """One process that changes its own takes, and what it has told of them."""

    number: int
    takes: dict[str, Fields] = field(default_factory=dict)
    begun: Fields | None = None
    heard_of: int = 0
    process: int = 0
    pipe: int = -1
    heard: bytes = b""

    def hear(self, data: bytes) -> None:
        """Take in what it said; a line that the kill cut off was not said."""
        *lines, self.heard = (self.heard + data).split(b"\n")
        for said in map(json.loads, lines):
            if "error" in said:
                raise AssertionError(said["error"])
            if "begin" in said:
                self.begun = said
            elif "refused" in said:
                self.begun = None
            elif "done" in said:
                self.begun = None
                self.heard_of += 1
                if said["take"]:
                    self.takes[said["take"]["entry_id"]] = said["take"]
                elif said["done"] == "purge":
                    del self.takes[said["id"]]


def change(root: Path, writer: int, seed: int, say: Say, steps: int | None = None) -> None:
    """Change the history until killed, or for so many steps; say what is begun and what is done."""
    rng = random.Random(seed)
    history = GenerationHistory(root)
    mine = [entry.entry_id for entry in all_takes(history) if entry.params["writer"] == writer]
    for step in count() if steps is None else range(steps):
        kind = rng.choices([*CHANGES], [*CHANGES.values()])[0] if mine else "add"
        entry_id = rng.choice(mine) if mine and kind not in ("add", "fold") else None
        to = {"rating": rng.randint(1, 5), "note": f"{seed} {step} ä\n" * rng.randint(0, 9)} if kind == "update" else {}
        say({"begin": kind, "id": entry_id, "to": to, "seed": seed * 1_000 + step})
        if kind == "add":
            entry_id = add(history, seed * 1_000 + step, params={"writer": writer}).entry_id
            mine.append(entry_id)
        elif kind == "update":
            history.update_entry(entry_id, **to)
        elif kind == "delete":
            history.delete_entry(entry_id)
        elif kind == "restore":
            history.restore_entry(entry_id)
        elif kind == "purge":
            history.delete_entry(entry_id, permanent=True)
            mine.remove(entry_id)
        else:
            history.fold()
        entry = looked_up(history, entry_id) if entry_id else None
        say({"done": kind, "id": entry_id, "take": comparable(entry.to_document()) if entry else None})


def looked_up(history: GenerationHistory, entry_id: str) -> HistoryEntry | None:
    """Return a take after a change of it; once more where a fault struck the look, for the change was acknowledged."""
    with contextlib.suppress(HistoryError):
        return history.get(entry_id)
    return history.get(entry_id)


def comparable(document: Fields) -> Fields:
    """Return an entry as JSON gives it back, without the size, which a fold changes when it writes edits into a file."""
    fields: Fields = json.loads(json.dumps(document))
    return {**fields, "size_bytes": None}


def look(root: Path, writers: list[Writer], say: Say) -> None:
    """Compare the history with what the writers told; say what is there now, by writer."""
    with GenerationHistory(root) as history:
        found = {entry.entry_id: comparable(entry.to_document()) for entry in all_takes(history)}
        damage = [problem for problem in history.problems if "damaged" in problem and "catalog" not in problem]
    chain = find(root, present_base(root))
    changes, _ = chain.read()
    in_index = {fields["entry_id"]: comparable(fields) for fields in map(unseal, changes.applied(chain.entries()))}
    findings = {f"{finding.kind}: {finding.text}" for finding in verify(root).findings
                if finding.kind not in (ORPHAN_AUDIO, TEMPORARY_FILE)}  # fmt: skip
    wrong = [*damage, *findings]
    if in_index != found:
        wrong.append("the catalog differs from the index")
    for writer in writers:
        wrong += lost(writer, owned(found, writer.number))
    say({"wrong": wrong, "found": found})


def owned(takes: dict[str, Fields], writer: int) -> dict[str, Fields]:
    return {id_: fields for id_, fields in takes.items() if fields["params"]["writer"] == writer}


def lost(writer: Writer, found: dict[str, Fields]) -> list[str]:
    """Say how the takes of a writer differ from what it acknowledged; the change it was at may be done or not."""
    begun = writer.begun or {"begin": None, "id": None, "to": {}}
    wrong = []
    for entry_id, told in writer.takes.items():
        fields = found.get(entry_id)
        if entry_id == begun["id"]:
            if fields is None and begun["begin"] != "purge":
                wrong.append(f"lost: {entry_id}, at {begun['begin']}")
            elif fields is not None and not any(fields == told | done for done in ({}, begun["to"], trash(fields))):
                wrong.append(f"torn: {entry_id}, at {begun['begin']}: {fields} where {told} was told")
        elif fields != told:
            wrong.append(f"lost: {entry_id}: {fields} where {told} was told")
    new = [fields for entry_id, fields in found.items() if entry_id not in writer.takes]
    if len(new) > (begun["begin"] == "add") or any(fields["seed"] != begun["seed"] for fields in new):
        wrong.append(f"came back: {new}")
    return wrong


def trash(fields: Fields) -> Fields:
    return {"deleted_at": fields["deleted_at"]}


def fork(act: Callable[[Say], None]) -> tuple[int, int]:
    """Run `act` in a child; return its process id and the descriptor on which it is heard."""
    hearing, saying = socket.socketpair()  # not a pipe: a test may let every write fail
    process = os.fork()
    if process:
        saying.close()
        return process, hearing.detach()

    def say(fields: Fields) -> None:
        saying.sendall(json.dumps(fields).encode() + b"\n")

    try:
        act(say)
    except BaseException:  # noqa: BLE001 - a forked child must not run what its parent would
        say({"error": traceback.format_exc()})
    os._exit(0)


def listen(writers: list[Writer], until_s: float) -> None:
    """Take in what writers say until a moment."""
    pipes = {writer.pipe: writer for writer in writers}
    while (left_s := until_s - time.monotonic()) > 0:
        for pipe in select.select(pipes, [], [], left_s)[0]:
            pipes[pipe].hear(os.read(pipe, 1 << 16))


def kill_at_work(root: Path, writers: list[Writer], rng: random.Random) -> None:
    """Let writers change the history for a while, and kill them all at once; some while they are still opening it."""
    for writer in writers:
        act = partial(change, root, writer.number, rng.randrange(1 << 20))
        writer.process, writer.pipe = fork(act)
        writer.heard_of, writer.heard = 0, b""
    changes = rng.randrange(MOST_CHANGES) if rng.random() < 0.9 else -1
    while sum(writer.heard_of for writer in writers) < changes:
        listen(writers, time.monotonic() + 0.001)
    time.sleep(rng.uniform(0, LONGEST_S))
    for writer in writers:
        os.kill(writer.process, signal.SIGKILL)
    for writer in writers:
        while data := os.read(writer.pipe, 1 << 16):
            writer.hear(data)
        os.close(writer.pipe)
        _, status = os.waitpid(writer.process, 0)
        assert os.WIFSIGNALED(status), "a writer ended by itself"


def compare(root: Path, writers: list[Writer]) -> None:
    """Look in a process of its own; take what is there as the truth for the next round."""
    process, pipe = fork(lambda say: look(root, writers, say))
    data = b""
    while more := os.read(pipe, 1 << 16):
        data += more
    os.close(pipe)
    os.waitpid(process, 0)
    seen = json.loads(data)
    assert "error" not in seen, seen["error"]
    assert not seen["wrong"], "\n".join(seen["wrong"])
    for writer in writers:
        writer.begun, writer.takes = None, owned(seen["found"], writer.number)


def kill(folder: Path, seed: int, kills: int) -> dict[str, int]:
    """Kill that many processes; return what was counted."""
    counted = dict.fromkeys(("kills", "of several at once", "acknowledged changes", "reopened", "lost"), 0)
    rng = random.Random(seed)
    while counted["kills"] < kills:
        shutil.rmtree(folder, ignore_errors=True)
        everybody = [Writer(number) for number in range(3)]
        for _ in range(ROUNDS_A_FOLDER):
            writers = everybody[: rng.choice([1, 1, 1, 2, 3])]
            kill_at_work(folder, writers, rng)
            compare(folder, everybody)
            counted["kills"] += len(writers)
            counted["of several at once"] += len(writers) if len(writers) > 1 else 0
            counted["acknowledged changes"] += sum(writer.heard_of for writer in writers)
            counted["reopened"] += 1
    shutil.rmtree(folder)
    return counted


def prepare_to_fork() -> None:
    """Give all takes one waveform, or most kills would fall into drawing; see that nothing runs which a fork would lose."""
    picture = draw(envelope(np.zeros((WIDTH, 1), np.float32), WIDTH))
    store.history.draw_thumbnail = lambda envelope: picture
    tone(0)  # NumPy imports its random numbers when they are first asked for: a fault there is none of the store's
    assert threading.active_count() == 1, "a fork copies no thread, and leaves its locks locked"


def main() -> None:
    """Read the command line, kill, print."""
    prepare_to_fork()
    print(json.dumps(kill(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))


if __name__ == "__main__":
    main()
