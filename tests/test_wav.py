"""A WAV file is believed only as far as its bytes agree: every flip and every cut is noticed."""

from __future__ import annotations

import struct
from io import BytesIO

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from store.audio import encode, encode_samples, prepare
from store.errors import InvalidAudio
from store.snapshot import check_container, embed_snapshot, read_snapshot, with_snapshot
from store.wav import decode, probe, read_data_sha256, read_layout
from tests.riff import chunk, head, riff

RAMP = np.linspace(-1, 1, 25).reshape(-1, 1)


def identity(wav: bytes) -> tuple[object, ...]:
    """Everything that a check of a stored take compares."""
    file = BytesIO(wav)
    return read_data_sha256(file), probe(file), check_container(file), read_snapshot(file)


@pytest.mark.parametrize("depth", [16, 24, 32])
def test_every_flipped_bit_of_the_samples_changes_the_hash(depth: int) -> None:
    wav, audio_sha256 = encode_samples(prepare(RAMP, 48_000, depth))
    data = read_layout(BytesIO(wav)).data
    for offset in range(data.start, data.stop):
        for bit in range(8):
            damaged = bytearray(wav)
            damaged[offset] ^= 1 << bit
            assert read_data_sha256(BytesIO(damaged)) != audio_sha256


@pytest.mark.parametrize("depth", [16, 24, 32])
def test_every_flipped_byte_of_the_whole_file_is_noticed(depth: int) -> None:
    wav = encode(prepare(RAMP, 48_000, depth), '{"title": "bell"}').wav
    sound = identity(wav)
    assert sound[2] is True
    for offset in range(len(wav)):
        for flip in (0x01, 0x20, 0x80, 0xFF):
            damaged = bytearray(wav)
            damaged[offset] ^= flip
            try:
                found = identity(bytes(damaged))
            except InvalidAudio:
                continue
            assert found != sound, f"a flip of {flip:#x} at {offset} goes unnoticed"


@pytest.mark.parametrize("depth", [16, 24, 32])
@pytest.mark.parametrize("snapshot", [None, '{"title": "bell"}'])
def test_every_truncation_is_noticed(depth: int, snapshot: str | None) -> None:
    wav = encode(prepare(RAMP, 48_000, depth), snapshot).wav
    for length in range(len(wav)):
        for read in (read_data_sha256, probe, read_snapshot, decode):
            with pytest.raises(InvalidAudio):
                read(BytesIO(wav[:length]))


def test_bytes_behind_the_end_are_noticed() -> None:
    wav = encode(prepare(RAMP, 48_000, 24), "{}").wav
    with pytest.raises(InvalidAudio, match="header or tags"):
        check_container(BytesIO(wav + b"\0"))


def test_a_file_without_a_snapshot_has_none_and_nothing_to_check_by() -> None:
    plain = BytesIO()
    soundfile.write(plain, RAMP, 48_000, subtype="PCM_16", format="WAV")
    assert read_snapshot(plain) is None
    assert check_container(plain) is False
    assert probe(plain).frames == 25


def test_the_snapshot_is_read_without_the_samples() -> None:
    class Counting(BytesIO):
        read_bytes = 0

        def read(self, size: int | None = -1) -> bytes:
            block = super().read(size)
            self.read_bytes += len(block)
            return block

    file = Counting(encode(prepare(np.zeros(1_000_000), 48_000, 24), "x" * 100).wav)
    assert read_snapshot(file) == "x" * 100
    assert file.read_bytes < 3000


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2, 5])
@pytest.mark.parametrize("container", ["WAV", "WAVEX"])
def test_files_of_other_programs_decode_as_libsndfile_decodes_them(subtype: str, channels: int, container: str) -> None:
    file = BytesIO()
    soundfile.write(file, np.random.default_rng(1).uniform(-1, 1, (33, channels)), 44_100, subtype, format=container)
    expected = soundfile.read(BytesIO(file.getvalue()), dtype="float32", always_2d=True)
    samples, sample_rate = decode(file)
    assert sample_rate == expected[1]
    np.testing.assert_array_equal(samples, expected[0])


def test_a_final_chunk_without_its_padding_byte_is_read_and_carries_a_snapshot() -> None:
    unpadded = riff(head(bits=8, frame_bytes=1), b"data" + struct.pack("<I", 3) + b"\x80\x90\xa0")
    assert probe(BytesIO(unpadded)).frames == 3
    carrying = embed_snapshot(unpadded, "here")
    assert read_snapshot(BytesIO(carrying)) == "here"
    assert read_data_sha256(BytesIO(carrying)) == read_data_sha256(BytesIO(unpadded))


LYING = {
    "nothing": b"",
    "text": b"this is not audio at all, is it?",
    "big-endian": b"RIFX" + riff(head(), chunk(b"data", b"\0\0"))[4:],
    "another RIFF": b"RIFF\x04\0\0\0AVI ",
    "no chunks": riff(),
    "no samples": riff(head()),
    "no format": riff(chunk(b"data", b"\0\0")),
    "two formats": riff(head(), head(), chunk(b"data", b"\0\0")),
    "two sets of samples": riff(head(), chunk(b"data", b"\0\0"), chunk(b"data", b"\0\0")),
    "a short format": riff(chunk(b"fmt ", b"\1\0\1\0"), chunk(b"data", b"\0\0")),
    "samples of 4 GiB": riff(head(), b"data\xff\xff\xff\xff\0\0"),
    "samples beyond the end": riff(head(), b"data\x04\0\0\0\0\0"),
    "a file of 4 GiB": b"RIFF\xff\xff\xff\xff" + riff(head(), chunk(b"data", b"\0\0"))[8:],
    "half a frame": riff(head(channels=2, frame_bytes=4), chunk(b"data", b"\0" * 6)),
    "no channels": riff(head(channels=0, frame_bytes=0), chunk(b"data", b"\0\0")),
    "0 Hz": riff(head(rate=0), chunk(b"data", b"\0\0")),
    "other frame size": riff(head(frame_bytes=7), chunk(b"data", b"\0" * 14)),
    "12 bits": riff(head(bits=12), chunk(b"data", b"\0\0")),
    "ADPCM": riff(head(encoding=2), chunk(b"data", b"\0\0")),
    "a million chunks": riff(head(), chunk(b"data", b"\0\0"), b"junk\0\0\0\0" * 10**6),
    "bytes that are no chunk": riff(head(), chunk(b"data", b"\0\0"), b"tail"),
}


@pytest.mark.parametrize("file", LYING.values(), ids=LYING)
def test_headers_that_lie_are_refused(file: bytes) -> None:
    for read in (probe, read_data_sha256, read_snapshot, decode):
        with pytest.raises(InvalidAudio):
            read(BytesIO(file))


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_a_damaged_tag_is_refused_and_never_breaks_the_reader(data: st.DataObject) -> None:
    wav = bytearray(encode(prepare(RAMP, 48_000, 24), '{"title": "bell"}').wav)
    tag = read_layout(BytesIO(wav)).chunks[-1]
    for _ in range(data.draw(st.integers(1, 8))):
        wav[data.draw(st.integers(tag.start, tag.stop - 1))] = data.draw(st.integers(0, 255))
    try:
        found = read_snapshot(BytesIO(wav))
    except InvalidAudio:
        found = None
    assert found is None or isinstance(found, str)
    mended = embed_snapshot(bytes(wav), "mended")
    assert read_snapshot(BytesIO(mended)) == "mended"


@settings(max_examples=300, deadline=None)
@given(tag=st.binary(max_size=200), version=st.sampled_from([b"ID3\x04\0", b"ID3\x03\0", b"ID3\x02\0", b""]))
def test_any_bytes_for_a_tag_are_read_or_refused(tag: bytes, version: bytes) -> None:
    wav = riff(head(), chunk(b"data", b"\0\0"), chunk(b"id3 ", version + tag))
    try:
        found = read_snapshot(BytesIO(wav))
    except InvalidAudio:
        found = None
    assert found is None or isinstance(found, str)


def test_a_tag_too_large_to_load_is_refused() -> None:
    class Sparse(BytesIO):
        """A file whose last chunk says 100 MB, and is nothing but holes."""

        end = len(riff(head(), chunk(b"data", b"\0\0"))) + 8 + 100_000_000

        def seek(self, offset: int, whence: int = 0) -> int:
            return super().seek(self.end if whence == 2 else offset)

    start = riff(head(), chunk(b"data", b"\0\0"))
    wav = b"RIFF" + struct.pack("<I", Sparse.end - 8) + start[8:] + b"id3 " + struct.pack("<I", 100_000_000)
    with pytest.raises(InvalidAudio, match="tag has 100,000,000 bytes"):
        read_snapshot(Sparse(wav))


def test_a_file_that_shrinks_under_the_reader_is_noticed() -> None:
    class Shrinking(BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            return super().read(size) if self.tell() < 44 else b""

    wav = encode(prepare(RAMP, 48_000, 24)).wav
    for read in (read_data_sha256, decode, lambda file: list(with_snapshot(file, "{}"))):
        with pytest.raises(InvalidAudio):
            read(Shrinking(wav))
