"""Guards that nothing outside the media folders is read or removed, whatever path an entry names, in every operation."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from store import EntryNotFound, GenerationHistory, HistoryError, InvalidEntry
from store.audio import encode_samples, prepare
from store.repair import plan_repair, rebuild, repair
from store.snapshot import embed_snapshot, read_snapshot
from store.values import dumps
from store.verify import verify
from tests import hostile
from tests.conftest import add
from tests.figures import Figures, tier
from tests.hostile import entry, write_document, write_journal, write_version_1

SECRET = b"\x89PNG outside, and nobody's business"
VICTIM = entry(1)["entry_id"]

NAMES: dict[str, str] = {
    "nothing": "",
    "the folder": ".",
    "up": "../outside/secret.wav",
    "up from audio": "audio/../../outside/secret.wav",
    "the index": "audio/../history.json",
    "the journal": "journal-2.jsonl",
    "the lock": "history.lock",
    "absolute": "/OUTSIDE/secret.wav",
    "a device": "/dev/zero",
    "Windows": "C:\\Windows\\win.ini",
    "Windows, up": "..\\outside\\secret.wav",
    "a server": "\\\\server\\share\\x.wav",
    "an address": "file:///OUTSIDE/secret.wav",
    "NUL": "audio/x\0.wav",
    "percent": "audio/%2e%2e/%2e%2e/outside/secret.wav",
    "home": "~/secret.wav",
    "trailing dots": "audio/.. /../outside/secret.wav",
    "trailing spaces": "audio/..  ",
    "the audio folder": "audio",
    "the audio folder, slashed": "audio/",
    "a folder in it": "audio/folder.wav",
    "a long name": "audio/" + "x" * 5_000 + ".wav",
    "a deep name": "audio/" + "x/" * 3_000 + "y.wav",
    "a lone surrogate": "audio/\ud800.wav",
    "a line feed": "audio/\n.wav",
    "case": "AUDIO/../outside/secret.wav",
    "a link to a file": "audio/link.wav",
    "a link to a device": "audio/device.wav",
    "a link to itself": "audio/loop.wav",
    "a link to a folder": "audio/elsewhere/secret.wav",
    "a pipe": "audio/pipe.wav",
    "a link to the index": "audio/index.wav",
    "another's sound": f"audio/{VICTIM}.wav",
    "another's sound, dotted": f"audio/./{VICTIM}.wav",
    "another's sound, by a link": "audio/victim.wav",
    "another's thumbnail": f"thumbnails/{VICTIM}.png",
    "another's thumbnail, up": f"audio/../thumbnails/{VICTIM}.png",
    "the catalog": "catalog.sqlite",
    "the cache": "cache/x.png",
    "a journal in audio's clothes": "audio/../journal-2.jsonl",
}
FIELDS = ["audio_file", "thumbnail_file"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with one good take, and everything that a path could lead to beside it."""
    root, outside = tmp_path / "history", tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.wav").write_bytes(SECRET)
    with GenerationHistory(tmp_path / "maker") as maker:
        good = add(maker, 1)
        wav = maker.audio_path(good.entry_id).read_bytes()
        png = maker.thumbnail_path(good.entry_id).read_bytes()
    hostile.folders(root)
    victim = {**good.to_document(), **entry(1)}
    wav = embed_snapshot(wav, dumps({**victim, "size_bytes": None}, ascii_only=True).decode())
    (root / f"audio/{VICTIM}.wav").write_bytes(wav)
    (root / f"thumbnails/{VICTIM}.png").write_bytes(png)
    audio = root / "audio"
    (audio / "folder.wav").mkdir()
    (audio / "link.wav").symlink_to(outside / "secret.wav")
    (audio / "device.wav").symlink_to("/dev/zero")
    (audio / "loop.wav").symlink_to("loop.wav")
    (audio / "elsewhere").symlink_to(outside)
    (audio / "index.wav").symlink_to(root / "history.json")
    (audio / "victim.wav").symlink_to(audio / f"{VICTIM}.wav")
    os.mkfifo(audio / "pipe.wav")
    return root


def write_as_version_1(root: Path, bad: dict[str, Any], victim: dict[str, Any]) -> None:
    write_version_1(root, bad, victim)


def write_as_lines(root: Path, bad: dict[str, Any], victim: dict[str, Any]) -> None:
    write_document(root, [victim, bad])
    write_journal(root, [])


def write_as_change(root: Path, bad: dict[str, Any], victim: dict[str, Any]) -> None:
    write_document(root, [victim])
    write_journal(
        root, [{"add": {**bad, "audio_file": "audio/x.wav"}}, {"set": bad["entry_id"], "to": bad_fields(bad)}]
    )


def write_as_snapshot(root: Path, bad: dict[str, Any], victim: dict[str, Any]) -> None:
    """The audio file of a take that no index names: it comes back with what its snapshot says."""
    wav = (root / f"audio/{VICTIM}.wav").read_bytes()
    carrying = embed_snapshot(wav, dumps(bad, ascii_only=True).decode())
    (root / f"audio/{bad['entry_id']}.wav").write_bytes(carrying)


def bad_fields(bad: dict[str, Any]) -> dict[str, Any]:
    return {name: bad[name] for name in FIELDS}


WAYS: list[Callable[[Path, dict[str, Any], dict[str, Any]], None]] = [
    write_as_version_1,
    write_as_lines,
    write_as_change,
    write_as_snapshot,
]


@contextlib.contextmanager
def nothing_else_touched(root: Path) -> Iterator[None]:
    """What lies outside, the good take's files and every link and pipe are there afterwards as before."""
    outside = root.parent / "outside"
    good = [root / f"audio/{VICTIM}.wav", root / f"thumbnails/{VICTIM}.png"]
    samples = good[0].stat().st_size
    png = good[1].read_bytes()
    yield
    assert hostile.tree(outside) == {"secret.wav": SECRET}
    assert good[0].is_file()
    assert good[0].stat().st_size >= samples // 2
    assert good[1].read_bytes() == png
    assert (root / "history.json").is_file()


CASES = [(name, way) for number, name in enumerate(NAMES) for way in tier([WAYS[number % len(WAYS)]], WAYS)]


@pytest.mark.proof
@pytest.mark.parametrize(("name", "way"), CASES, ids=lambda case: case if isinstance(case, str) else case.__name__)
def test_no_path_leads_out(root: Path, figures: Figures, name: str, way: Callable[..., None]) -> None:
    text = NAMES[name].replace("OUTSIDE", str(root.parent / "outside").lstrip("/"))
    bad = entry(0, audio_file=text, thumbnail_file=text)
    way(root, bad, entry(1))
    with nothing_else_touched(root):
        use(root, bad["entry_id"])
    figures.add("hostile paths", paths=1, led_out=0)


def use(root: Path, entry_id: str) -> None:
    """Do everything that takes or reads a path."""
    with GenerationHistory(root) as history:
        media = [(root / folder).resolve() for folder in ("audio", "thumbnails")]
        for path_of in (history.audio_path, history.thumbnail_path):
            with contextlib.suppress(InvalidEntry):
                assert any(folder in path_of(entry_id).resolve().parents for folder in media)
        for picture in (history.thumbnail(entry_id), history.spectrogram(entry_id)):
            assert picture is None or SECRET not in picture
        history.envelope(entry_id, 10)
        history.audio_exists(entry_id)
        history.repair_history()
        history.get_total_size()
        history.update_entry(entry_id, rating=5)
        history.fold()
    verify(root)
    with contextlib.suppress(HistoryError):
        repair(root, plan_repair(root))
    rebuild(root)
    with GenerationHistory(root) as history:
        assert history.delete_entry(entry_id, permanent=True)
        history.update_entry(VICTIM, note="still here")
        history.fold()
        assert history.audio_exists(VICTIM)
        assert history.spectrogram(VICTIM) is not None
        with pytest.raises(EntryNotFound):
            history.audio_path(entry_id)


@pytest.mark.parametrize("entry_id", [f"./{VICTIM}", f"../audio/{VICTIM}", f"{VICTIM}/../{VICTIM}", f"/{VICTIM}"])
def test_an_id_that_is_a_path_to_anothers_sound_does_not_take_it_along(root: Path, entry_id: str) -> None:
    sound = (root / f"audio/{VICTIM}.wav").read_bytes()
    named = {"audio_file": f"audio/{entry_id}.wav", "thumbnail_file": f"thumbnails/{entry_id}.png"}
    write_as_lines(root, entry(0, entry_id=entry_id, **named), entry(1))
    with GenerationHistory(root) as history:
        assert history.delete_entry(entry_id, permanent=True)
    assert (root / f"audio/{VICTIM}.wav").read_bytes() == sound
    assert (root / f"thumbnails/{VICTIM}.png").exists()


def test_a_take_that_is_taken_back_is_not_drawn_over_anothers_sound(root: Path) -> None:
    sound = root / f"audio/{VICTIM}.wav"
    write_as_lines(root, entry(2), entry(1))
    rebuild(root)
    write_as_snapshot(root, entry(0, thumbnail_file=f"audio/{VICTIM}.wav"), entry(1))
    before = sound.read_bytes()
    plan = plan_repair(root)
    assert entry(0)["entry_id"] in plan.ids("take back")
    repair(root, plan)
    assert read_snapshot(BytesIO(sound.read_bytes())) is not None
    assert len(sound.read_bytes()) >= len(before) // 2


def test_edits_of_a_take_are_not_written_into_anothers_sound(root: Path) -> None:
    """Version 1 sounds carry no take: their name says whose they are."""
    sound = root / f"audio/{VICTIM}.wav"
    sound.write_bytes(encode_samples(prepare([0.5] * 100, 48_000, 16))[0])
    before = sound.read_bytes()
    write_version_1(root, entry(0, audio_file=f"audio/{VICTIM}.wav"), entry(1))
    with GenerationHistory(root) as history:
        history.update_entry(entry(0)["entry_id"], note="mine now")
        history.fold()
        assert sound.read_bytes() == before
        assert any("could not be written into audio files" in problem for problem in history.problems)
        history.delete_entry(entry(0)["entry_id"], permanent=True)
    assert sound.read_bytes() == before


@pytest.mark.parametrize("folder", ["audio", "thumbnails", "cache"])
def test_a_linked_media_folder_is_the_folder_and_what_else_lies_there_stays(root: Path, folder: str) -> None:
    """As on another drive: that is allowed. Only files with the takes' own names are touched in it."""
    outside = root.parent / "outside"
    if folder != "cache":
        shutil.rmtree(outside)
        (root / folder).rename(outside)
        (outside / "secret.wav").write_bytes(SECRET)
    (root / folder).symlink_to(outside)
    write_as_lines(root, entry(0, audio_file="audio/secret.wav", thumbnail_file="thumbnails/secret.wav"), entry(1))
    with GenerationHistory(root) as history:
        assert history.spectrogram(VICTIM) is not None
        history.delete_entry(entry(0)["entry_id"], permanent=True)
        history.delete_entry(VICTIM, permanent=True)
        take = add(history)
        history.delete_entry(take.entry_id, permanent=True)
    rebuild(root)
    assert (outside / "secret.wav").read_bytes() == SECRET


@pytest.mark.parametrize("kind", ["spectrogram", "thumbnail"])
@pytest.mark.parametrize("place", ["link", "pipe", "folder"])
def test_a_cached_picture_that_is_no_file_is_drawn_anew(root: Path, kind: str, place: str) -> None:
    write_as_lines(root, entry(0), entry(1))
    (root / f"thumbnails/{VICTIM}.png").unlink()
    path = root / "cache" / f"{kind}-{VICTIM}.png"
    path.parent.mkdir()
    if place == "link":
        path.symlink_to(root.parent / "outside" / "secret.wav")
    elif place == "pipe":
        os.mkfifo(path)
    else:
        path.mkdir()
    with GenerationHistory(root) as history:
        drawn = getattr(history, kind)(VICTIM)
        assert drawn.startswith(b"\x89PNG\r\n")
        history.delete_entry(VICTIM, permanent=True)
    assert (root.parent / "outside" / "secret.wav").read_bytes() == SECRET


def test_a_thumbnail_of_a_hundred_gigabytes_is_not_read(root: Path) -> None:
    write_as_lines(root, entry(0), entry(1))
    png = root / f"thumbnails/{VICTIM}.png"
    os.truncate(png, 100 * 2**30)
    with GenerationHistory(root) as history:
        assert len(history.thumbnail(VICTIM) or b"") < 10**7
    found = [finding for finding in verify(root).findings if finding.path == png]
    assert [finding.kind for finding in found] == ["altered thumbnail"]
