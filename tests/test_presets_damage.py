"""Guards presets against damage, failing calls and each other's processes: every bit, every length, every call."""

from __future__ import annotations

import errno
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from store import CommitUncertain, GenerationHistory, HistoryError, Presets, StoreFull, StoreUnavailable, presets_file
from store.presets_file import PRESETS, PRESETS_BACKUP, damages
from store.verify import DAMAGED_PRESETS, verify
from tests.children import ended, scratch_folder, start
from tests.damage import flipped, hashes
from tests.faults import LASTING, ONCE, Fault, Faults
from tests.figures import Figures, tier
from tests.presets import FILES, Act, Content, content, id_of, make_small_shelf, save

pytestmark = pytest.mark.proof

EVERY_BIT = tier(29, 1)  # a number without common factors with 8, so that every place of a byte has its turn
WRITERS, SAVED = tier((4, 15), (8, 100))


@pytest.fixture(scope="module")
def scratch() -> Iterator[Path]:
    with scratch_folder() as folder:
        make_small_shelf(folder / "shelf")
        make_small_shelf(folder / "stranger", mark=" of others")
        yield folder


@pytest.fixture(scope="module")
def shelf(scratch: Path) -> dict[str, bytes]:
    """The two files of a small shelf."""
    return {name: (scratch / "shelf" / name).read_bytes() for name in FILES}


@pytest.fixture(scope="module")
def wanted(scratch: Path) -> Content:
    return content(Presets(scratch / "shelf"))


# -- damage ---------------------------------------------------------------------------------------------------------


def damaged(scratch: Path, shelf: dict[str, bytes], **damage: bytes | None) -> Path:
    """Make a shelf anew with files replaced, or (None) missing; `first` and `second` are the names here."""
    root = scratch / "trial"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    given = dict(zip(("first", "second"), shelf.items(), strict=True))
    for which, (name, data) in given.items():
        replaced = damage.get(which, data)
        if replaced is not None:
            (root / name).write_bytes(replaced)
    return root


def survives(root: Path, wanted: Content, evidence: bytes | None = None) -> None:
    """See that damage of one file is found, that it costs nothing, that it is told and kept, and does not come back."""
    before = hashes(root)
    assert list(damages(root)), "verify finds it"
    assert hashes(root) == before, "verify writes nothing"
    presets = Presets(root)
    assert content(presets) == wanted
    assert presets.problems or evidence is None
    again = Presets(root)
    assert content(again) == wanted
    assert again.problems == ()
    assert not list(damages(root))
    if evidence:
        assert evidence in [path.read_bytes() for path in root.iterdir()]


@pytest.mark.parametrize("which", ["first", "second"])
def test_no_flipped_bit_costs_a_preset_or_passes_in_silence(
    scratch: Path, shelf: dict[str, bytes], wanted: Content, figures: Figures, which: str
) -> None:
    data = shelf[PRESETS]
    bits = range(0, 8 * len(data), EVERY_BIT)
    for bit in bits:
        broken = flipped(data, bit)
        survives(damaged(scratch, shelf, **{which: broken}), wanted, broken)
    figures.add("presets: bits flipped", flips=len(bits), of_all=8 * len(data), lost=0, unreported=0)


@pytest.mark.parametrize("which", ["first", "second"])
def test_no_length_a_file_is_cut_to_costs_a_preset_or_passes_in_silence(
    scratch: Path, shelf: dict[str, bytes], wanted: Content, figures: Figures, which: str
) -> None:
    data = shelf[PRESETS]
    lengths = range(0, len(data), tier(7, 1))
    for length in lengths:
        survives(damaged(scratch, shelf, **{which: data[:length]}), wanted, data[:length])
    figures.add("presets: files cut", lengths=len(lengths), lost=0, unreported=0)


@pytest.mark.parametrize("which", ["first", "second"])
def test_no_file_can_be_replaced_unseen(
    scratch: Path, shelf: dict[str, bytes], wanted: Content, figures: Figures, which: str
) -> None:
    data = shelf[PRESETS]
    lines = data.split(b"\n")
    replaced = {
        "empty": b"", "zeros": bytes(len(data)), "an object": b"{}", "null": b"null", "a list": b"[]", "no UTF-8": b"\xff\xfe",
        "deep": b"[" * 100_000, "twice": data + data, "a line too many": b"\n".join([*lines[:2], *lines[1:]]),
        "a line too few": b"\n".join([lines[0], *lines[2:]]), "lines exchanged": b"\n".join([lines[0], *lines[2:4], lines[1], *lines[4:]]),
        "an older line": _with_older_line(scratch, data), "removed": None,
        **{f"zeros at {at}": data[:at] + bytes(len(data[at : at + 64])) + data[at + 64 :] for at in range(0, len(data), 64)},
    }  # fmt: skip
    for what, broken in replaced.items():
        root = damaged(scratch, shelf, **{which: broken})
        try:
            survives(root, wanted, broken)
        except AssertionError as wrong:
            raise AssertionError(what) from wrong
    figures.add("presets: files replaced", damages=len(replaced), lost=0, unreported=0)


def _lines_at(data: bytes, at: int) -> set[int]:
    """Return the numbers of the lines that a byte belongs to: a line feed holds two apart."""
    number = data[:at].count(b"\n")
    return {number, number + 1} if data[at : at + 1] == b"\n" else {number}


def _with_older_line(scratch: Path, data: bytes) -> bytes:
    """Return a file with one line as it was before the last change."""
    root = scratch / "older"
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(scratch / "shelf", root)
    presets = Presets(root)
    presets.rename(id_of(presets, "Bell"), "Gong")
    newer = next(line for line in (root / PRESETS).read_bytes().split(b"\n") if b"Gong" in line)
    older = next(line for line in data.split(b"\n") if b"Bell" in line)
    return data.replace(older, newer)


def test_every_line_that_is_good_in_either_file_is_there_when_both_are_damaged(
    scratch: Path, shelf: dict[str, bytes], wanted: Content, figures: Figures
) -> None:
    data = shelf[PRESETS]
    tries = 0
    for one in range(0, 8 * len(data), tier(401, 97)):
        for other in range(0, 8 * len(data), tier(1_201, 211)):
            broken = flipped(data, one), flipped(data, other)
            presets = Presets(damaged(scratch, shelf, first=broken[0], second=broken[1]))
            in_both = _lines_at(data, one // 8) & _lines_at(data, other // 8)
            found = content(presets)
            assert len(wanted) - len(found) <= len(in_both), "lost is only what is damaged in both"
            assert set(found[1:]) <= set(wanted[1:])
            assert presets.problems
            tries += 1
    figures.add("presets: both files damaged", damages=tries, lines_lost_that_one_file_had=0)


def test_verify_names_each_damaged_file(scratch: Path, shelf: dict[str, bytes]) -> None:
    root = damaged(scratch, shelf, first=b"", second=b"null")
    GenerationHistory(root).close()
    found = [finding for finding in verify(root).findings if finding.kind == DAMAGED_PRESETS]
    assert [finding.path.name for finding in found] == [PRESETS, PRESETS_BACKUP]


# -- failing calls --------------------------------------------------------------------------------------------------

OPERATIONS: dict[str, Act] = {
    "save": lambda presets: save(presets, "new", "Pads"),
    "rename": lambda presets: presets.rename(id_of(presets, "Bell"), "Gong"),
    "delete": lambda presets: presets.delete(id_of(presets, "Bell")),
    "delete for good": lambda presets: presets.delete(id_of(presets, "Bell"), permanent=True),
    "restore": lambda presets: presets.restore(presets.list_presets(deleted=True)[0].preset_id),
    "duplicate": lambda presets: presets.duplicate(id_of(presets, "Bell")),
    "create a folder": lambda presets: presets.create_folder("New"),
    "rename a folder": lambda presets: presets.rename_folder("Pads", "Clouds"),
    "delete a folder": lambda presets: presets.delete_folder("Pads"),
    "import": lambda presets: presets.import_presets(presets.export_presets()),
    "make whole": Presets.make_whole,
    "look": content,
}
STATES = {
    "whole": {},
    "first damaged": {"first": b"{"},
    "second damaged": {"second": b"{"},
    "second missing": {"second": None},
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("name", OPERATIONS)
def test_no_failing_call_costs_a_preset(
    scratch: Path,
    shelf: dict[str, bytes],
    wanted: Content,
    monkeypatch: pytest.MonkeyPatch,
    figures: Figures,
    name: str,
    state: str,
) -> None:
    if state != "whole" and name not in ("save", "make whole", "look"):
        return
    faults, act = Faults(monkeypatch), OPERATIONS[name]
    presets = Presets(damaged(scratch, shelf, **STATES[state]))
    with faults.counting():
        act(presets)
    trace, after = faults.trace, content(presets)
    runs = 0
    for number, call in enumerate(trace):
        for fault in tier([FAULTS[number % len(FAULTS)]], FAULTS):
            if fault.short and call != "write":
                continue
            faults.open.clear()
            root = damaged(scratch, shelf, **STATES[state])
            error = run(faults, number, fault, act, Presets(root))
            check(root, error, fault, faults, wanted, after)
            runs += 1
    assert runs or (state, name) == ("whole", "look")
    figures.add("presets: a fault at every call", operations=1, faults=runs, lost=0)


FAULTS = [*ONCE, *LASTING]


def run(faults: Faults, number: int, fault: Fault, act: Act, presets: Presets) -> BaseException | None:
    try:
        with faults.at(number, fault):
            act(presets)
    except (HistoryError, KeyboardInterrupt) as error:
        return error
    return None


def check(
    root: Path, error: BaseException | None, fault: Fault, faults: Faults, before: Content, after: Content
) -> None:
    presets = Presets(root)
    found = content(presets)
    if error is None:
        assert found == after
    elif isinstance(error, CommitUncertain | KeyboardInterrupt):
        assert found in (before, after)
    else:
        assert isinstance(error, StoreUnavailable)
        assert isinstance(error, StoreFull) == (fault.number in (errno.ENOSPC, errno.EDQUOT))
        assert found == before
    assert fault.number is not None or isinstance(error, KeyboardInterrupt)
    save(presets, "the next one")
    assert len(content(Presets(root))) == len(found) + 1
    assert not list(damages(root))
    if not fault.lasting and faults.victim != "unlink" and not isinstance(error, KeyboardInterrupt):
        assert not [path for path in root.iterdir() if path.suffix == ".tmp"], "a temporary file is left"
    assert not faults.open or fault.done, "a descriptor stays open"


# -- several processes ----------------------------------------------------------------------------------------------


def test_what_several_processes_change_at_once_is_all_there(tmp_path: Path, figures: Figures) -> None:
    writers = [start("tests.presets", tmp_path, number, SAVED) for number in range(WRITERS)]
    reader = Presets(tmp_path)
    looks = 0
    with ended(writers):
        while any(writer.poll() is None for writer in writers):
            content(reader)
            assert not list(damages(tmp_path)), "what is under way is called damage"
            looks += 1
        acknowledged = []
        for writer in writers:
            printed, errors = writer.communicate()
            assert writer.returncode == 0, errors
            acknowledged += [json.loads(line) for line in printed.splitlines()]
    found = Presets(tmp_path)
    assert len(acknowledged) == WRITERS * SAVED
    for preset_id, name, deleted in acknowledged:
        preset = found.get(preset_id)
        assert preset is not None, "a preset is lost"
        assert (preset.name, preset.deleted) == (name, deleted)
    assert found.problems == reader.problems == ()
    assert content(reader) == content(found)
    figures.add("presets: processes at once", writers=WRITERS, presets=len(acknowledged), looks=looks, lost=0)


def test_the_first_presets_are_no_damage_while_they_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can be kept out before there is a lock: the one file may be read before its second is there."""
    read = presets_file.read_copy
    meanwhile = [lambda: Presets(tmp_path).save("Bell", model_id="synth", model_name="Synth")]

    def late(path: Path) -> presets_file.Copy:
        copy = read(path)
        while meanwhile:
            meanwhile.pop()()
        return copy

    monkeypatch.setattr(presets_file, "read_copy", late)
    assert list(damages(tmp_path)) == []
