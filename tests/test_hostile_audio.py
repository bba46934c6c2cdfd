"""Guards that no array, no WAV header and no tag inside a WAV does more than be refused, in bounded memory and time."""

from __future__ import annotations

import json
import struct
import time
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from store import GenerationConfig, GenerationHistory, GenerationResult, InvalidAudio, InvalidEntry
from store.audio import prepare
from store.repair import rebuild
from store.snapshot import embed_snapshot, read_snapshot
from store.sounds import carried_entry
from store.verify import verify
from tests import hostile
from tests.conftest import add
from tests.hostile import MB, entry, peak_bytes, write_document, write_journal
from tests.riff import chunk, frame, head, id3, riff, wav

TONE = np.zeros(480)
ARRAYS: dict[str, tuple[Any, Any, Any]] = {
    "no frames": ([], 48_000, 24),
    "no frames of two channels": (np.zeros((0, 2)), 48_000, 24),
    "no channels": (np.zeros((5, 0)), 48_000, 24),
    "NaN": ([0.0, float("nan")], 48_000, 24),
    "infinite": ([0.0, float("inf")], 48_000, 32),
    "minus infinite": ([float("-inf")], 48_000, 16),
    "beyond float32": (np.array([1e300]), 48_000, 32),
    "0 Hz": (TONE, 0, 24),
    "-1 Hz": (TONE, -48_000, 24),
    "1 MHz": (TONE, 1_000_000, 24),
    "half a hertz": (TONE, 48_000.5, 24),
    "a rate of text": (TONE, "48000", 24),
    "no rate": (TONE, None, 24),
    "a huge rate": (TONE, 10**5_000, 24),
    "8 bits": (TONE, 48_000, 8),
    "bits of text": (TONE, 48_000, "24"),
    "2,000 channels": (np.zeros((10, 2_000)), 48_000, 24),
    "channels first": (np.zeros((2, 48_000)), 48_000, 24),
    "three dimensions": (np.zeros((2, 2, 2)), 48_000, 24),
    "a number": (0.5, 48_000, 24),
    "nothing": (None, 48_000, 24),
    "complex": (np.zeros(5, complex), 48_000, 24),
    "objects": (np.array([0.1, None]), 48_000, 24),
    "texts": (np.array(["0.1", "0.2"]), 48_000, 24),
    "a text": ("audio", 48_000, 24),
    "bytes": (b"\0\0", 48_000, 24),
    "booleans": (np.array([True, False]), 48_000, 24),
    "dates": (np.array(["2026"], "M8[D]"), 48_000, 24),
    "records": (np.zeros(5, [("left", "f4")]), 48_000, 24),
    "64-bit integers": (np.zeros(5, np.int64), 48_000, 24),
    "ragged": ([[0.1], [0.1, 0.2]], 48_000, 24),
    "a dictionary": ({"audio": [0.1]}, 48_000, 24),
    "a generator": ((x for x in [0.1]), 48_000, 24),
    "masked": (np.ma.masked_array([0.1, 0.2], [False, True]), 48_000, 24),
    "100 GB": (np.broadcast_to(np.float64(0), (100 * 2**30 // 8,)), 48_000, 24),
    "100 GB of stereo": (np.broadcast_to(np.float32(0), (100 * 2**30 // 8, 2)), 48_000, 24),
    "just over 4 GiB": (np.broadcast_to(np.int16(0), (2**32 // 3,)), 48_000, 24),
    "2**61 frames": (np.broadcast_to(np.int16(0), (2**61,)), 48_000, 16),
}


@pytest.mark.parametrize(("audio", "rate", "bits"), ARRAYS.values(), ids=ARRAYS)
def test_audio_that_cannot_be_kept_is_refused_and_leaves_nothing(
    tmp_path: Path, audio: Any, rate: Any, bits: Any
) -> None:
    with GenerationHistory(tmp_path) as history:
        started_s = time.monotonic()
        with pytest.raises(InvalidAudio):
            add_result(history, GenerationResult(audio, rate, config=GenerationConfig(bit_depth=bits)))
        assert time.monotonic() - started_s < 30
        assert history.count() == 0
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and path.parent != tmp_path]


def add_result(history: GenerationHistory, result: GenerationResult) -> None:
    history.add_to_history(result, "synth", "Synth")


def test_an_array_that_lies_is_refused() -> None:
    class Lying:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            raise ValueError("no")

    with pytest.raises(InvalidAudio):
        prepare(Lying(), 48_000, 24)


FILES: dict[str, bytes] = {
    "nothing": b"",
    "another format": b"fLaC" + bytes(100),
    "samples of 4 GiB": riff(head(), b"data\xff\xff\xff\xff\0\0"),
    "a file of 4 GiB": b"RIFF\xff\xff\xff\xff" + wav()[8:],
    "no channels": riff(head(channels=0, frame_bytes=0), chunk(b"data", b"\0\0")),
    "65,535 channels": riff(
        head(channels=65_535, rate=8_000, frame_bytes=65_535, bits=8), chunk(b"data", bytes(65_535 * 64))
    ),
    "0 Hz": riff(head(rate=0), chunk(b"data", b"\0\0")),
    "4 GHz": riff(chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 4 * 10**9, 0, 1, 8)), chunk(b"data", bytes(4 * MB))),
    "half a frame": riff(head(channels=2, frame_bytes=4), chunk(b"data", bytes(6))),
    "ADPCM": riff(head(encoding=2), chunk(b"data", bytes(400))),
    "a million chunks": riff(head(), chunk(b"data", bytes(400)), b"junk\0\0\0\0" * 10**6),
    "a chunk that wraps around": riff(head(), chunk(b"data", bytes(400)), b"junk\xf8\xff\xff\xff"),
    "no samples": riff(head(), chunk(b"data", b"")),
    "doubles beyond float32": riff(head(encoding=3, frame_bytes=8, bits=64), chunk(b"data", b"\x7f\xef" * 400)),
    "NaN": riff(head(encoding=3, frame_bytes=4, bits=32), chunk(b"data", b"\xff" * 400)),
}


def test_files_that_lie_take_little_memory_and_break_nothing(tmp_path: Path) -> None:
    takes = [entry(number) for number in range(len(FILES))]
    write_document(tmp_path, takes)
    write_journal(tmp_path, [])
    for take, data in zip(takes, FILES.values(), strict=True):
        (tmp_path / take["audio_file"]).write_bytes(data)
    assert peak_bytes(_look_at_all, tmp_path) < 150 * MB
    assert [(tmp_path / take["audio_file"]).read_bytes() for take in takes] == list(FILES.values())


def _look_at_all(root: Path) -> None:
    with GenerationHistory(root) as history:
        for take in history.list_entries():
            history.thumbnail(take.entry_id)
            history.spectrogram(take.entry_id)
            history.envelope(take.entry_id, 1_000)
    assert verify(root).takes == len(FILES)


GOOD = json.dumps(entry(7))
BOMB = zlib.compress(bytes(200 * MB), 9)  # 200 kB


def text(words: str = GOOD, encoding: int = 0, description: str = "retake") -> bytes:
    codec = ("latin-1", "utf-16", "utf-16-be", "utf-8")[encoding]
    return bytes([encoding]) + f"{description}\0".encode(codec) + words.encode(codec)


READ: dict[str, bytes] = {
    "v2.4": id3(frame(b"TXXX", text())),
    "v2.3": id3(frame(b"TXXX", text(), plain=True), version=3),
    "UTF-16": id3(frame(b"TXXX", text(encoding=1), plain=True), version=3),
    "UTF-16 big-endian": id3(frame(b"TXXX", text(encoding=2))),
    "UTF-8": id3(frame(b"TXXX", text(encoding=3))),
    "with a data length": id3(frame(b"TXXX", b"\0\0\x01\0" + text(), flags=0x01)),
    "in a group": id3(frame(b"TXXX", b"\x80" + text(), flags=0x40)),
    "unsynchronised v2.3": id3(
        frame(b"APIC", b"\xff\0\xfb", size=2, plain=True), frame(b"TXXX", text(), plain=True), version=3, flags=0x80
    ),
    "unsynchronised v2.4": id3(frame(b"APIC", b"\xff\0\xfb"), frame(b"TXXX", text(), flags=2), flags=0x80),
    "an extended header": id3(b"\0\0\0\x06\x01\0", frame(b"TXXX", text()), flags=0x40),
    "behind a zlib bomb": id3(frame(b"APIC", b"\0\0\0\0" + BOMB, flags=0x09), frame(b"TXXX", text())),
    "behind another TXXX": id3(frame(b"TXXX", text("x", description="other")), frame(b"TXXX", text())),
    "before padding": id3(frame(b"TXXX", text()), bytes(500)),
}


@pytest.mark.parametrize("tag", READ.values(), ids=READ)
def test_a_tag_that_another_program_rewrote_is_read_and_its_frames_stay(tag: bytes) -> None:
    file = wav(tag)
    assert json.loads(read_snapshot(BytesIO(file)) or "") == json.loads(GOOD)
    again = embed_snapshot(file, "new")
    assert read_snapshot(BytesIO(again)) == "new"
    for name in (b"APIC", b"other"):
        assert (name in tag) == (name in again)


PARSED = {
    "a bomb for a snapshot": id3(frame(b"TXXX", b"\0\0\0\0" + BOMB, flags=0x09)),
    "a bomb in v2.3": id3(frame(b"TXXX", b"\x0c\x80\0\0" + BOMB, flags=0x80, plain=True), version=3),
    "encrypted": id3(frame(b"TXXX", text(), flags=0x04)),
    "a bomb in a chapter": id3(frame(b"CHAP", b"x\0" + bytes(16) + frame(b"TXXX", BOMB, flags=0x09))),
    "chapters in chapters": id3(frame(b"CHAP", (b"x\0" + bytes(16)) * 100_000)),
    "millions of frames": id3(frame(b"TXXX", b"\0") * (4 * MB // 11)),
    "a frame that says 256 MB": id3(frame(b"TXXX", b"\0", size=2**28 - 1)),
    "a tag that says 256 MB": id3(frame(b"TXXX", text()), size=2**28 - 1),
    "an extended header of 256 MB": id3(b"\x7f\x7f\x7f\x7f", flags=0x40),
    "sizes that are not": b"ID3\x04\0\0\xff\xff\xff\xff" + bytes(500),
    "v2.2": b"ID3\x02\0\0\0\0\0\x10TXX\0\0\x05\0a\0bc" + bytes(9),
    "no tag": b"x" * 500,
    "an empty tag": id3(),
    "a snapshot of 50 MB": id3(frame(b"TXXX", text('{"note": "' + "x" * (50 * MB) + '"}'))),
    "a snapshot of millions of lists": id3(frame(b"TXXX", text("[" + "[]," * (10 * MB) + "[]]"))),
    "a deep snapshot": id3(frame(b"TXXX", text("[" * 100_000))),
    "one deep enough to be parsed": id3(frame(b"TXXX", text(json.dumps(entry(7, params="HERE")).replace('"HERE"', "[" * 300 + "]" * 300)))),
    "no JSON": id3(frame(b"TXXX", text("take"))),
    "a list": id3(frame(b"TXXX", text("[]"))),
    "no entry": id3(frame(b"TXXX", text("{}"))),
    "wrong types": id3(frame(b"TXXX", text(json.dumps(entry(7, tags=5))))),
    "a huge number": id3(frame(b"TXXX", text('{"seed": ' + "9" * 10_000 + "}"))),
    "half a character": id3(frame(b"TXXX", b"\x01\xff\xfer")),
    "an unknown encoding": id3(frame(b"TXXX", b"\x09" + text()[1:])),
}  # fmt: skip


def test_hostile_tags_are_no_snapshot_in_little_memory_and_time(tmp_path: Path) -> None:
    root = hostile.folders(tmp_path)
    for number, tag in enumerate(PARSED.values()):
        (root / f"audio/{number}.wav").write_bytes(wav(tag))
    largest = max(map(len, PARSED.values()))
    assert peak_bytes(_carries_nothing, root) < 10 * largest
    before = hostile.tree(root / "audio")
    with GenerationHistory(root) as history:
        assert history.count() == 0
        add(history, 1)
    assert rebuild(root).takes == 1
    assert {name: hostile.tree(root / "audio")[name] for name in before} == before


def _carries_nothing(root: Path) -> None:
    for number, name in enumerate(PARSED):
        started_s = time.process_time()
        assert carried_entry(root / f"audio/{number}.wav") is None, name
        assert time.process_time() - started_s < 10, name


@pytest.mark.parametrize("tag", PARSED.values(), ids=PARSED)
def test_a_new_snapshot_takes_the_place_of_a_hostile_one(tag: bytes) -> None:
    assert read_snapshot(BytesIO(embed_snapshot(wav(tag), "new"))) == "new"


def test_files_that_carry_anothers_take_do_not_replace_it(tmp_path: Path) -> None:
    with GenerationHistory(tmp_path) as history:
        take = history.update_entry(add(history, 1).entry_id, note="the true one")
        path = history.audio_path(take.entry_id)
    sound = path.read_bytes()
    forged = json.dumps({**take.to_document(), "note": "forged", "size_bytes": None})
    for name in ("0.wav", "zz.wav", f"{entry(9)['entry_id']}.wav"):
        (tmp_path / "audio" / name).write_bytes(embed_snapshot(wav(), forged))
    (tmp_path / "history.json").write_bytes(b"damaged")
    (tmp_path / "history.json.bak").unlink(missing_ok=True)
    rebuild(tmp_path)
    with GenerationHistory(tmp_path) as history:
        assert [found.note for found in history.list_entries()] == ["the true one"]
        assert history.audio_path(take.entry_id) == path
    assert path.read_bytes() == sound


@pytest.mark.parametrize("size", [15 * MB, 17 * MB])
def test_a_snapshot_of_many_megabytes_is_kept_or_refused(tmp_path: Path, size: int) -> None:
    with GenerationHistory(tmp_path) as history:
        try:
            take = add(history, params="x" * size)
        except InvalidEntry:
            assert size > 16 * MB
            assert not list((tmp_path / "audio").iterdir())
        else:
            carried = carried_entry(history.audio_path(take.entry_id))
            assert carried is not None
            assert carried["params"] == take.params
