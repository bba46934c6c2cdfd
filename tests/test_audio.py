"""Audio goes in, the same samples come out; what is no audio is refused in words."""

from __future__ import annotations

import doctest
import hashlib
from io import BytesIO
from types import ModuleType
from typing import Any

import mutagen.wave
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from store import audio as audio_module
from store import envelope as envelope_module
from store import quality as quality_module
from store.audio import encode, encode_samples, prepare
from store.errors import InvalidAudio
from store.snapshot import check_container, embed_snapshot, read_snapshot, with_snapshot
from store.wav import decode, probe, read_data_sha256

SHAPES = st.one_of(
    st.tuples(st.integers(1, 300)),
    st.tuples(st.integers(1, 60), st.integers(1, 32)),
)


def read_int32(wav: bytes) -> np.ndarray:
    return soundfile.read(BytesIO(wav), dtype="int32", always_2d=True)[0]


def test_a_take_is_written_and_read() -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4800) / 48_000)
    encoded = encode(prepare(np.stack((tone, -tone), axis=1), 48_000, 24), '{"seed": 7}')
    samples, sample_rate = soundfile.read(BytesIO(encoded.wav))
    assert sample_rate == 48_000
    np.testing.assert_allclose(samples, np.stack((tone, -tone), axis=1), atol=2**-24)
    assert read_snapshot(BytesIO(encoded.wav)) == '{"seed": 7}'
    assert read_data_sha256(BytesIO(encoded.wav)) == encoded.audio_sha256


def test_the_hash_is_of_the_data_chunk_and_known_before_the_snapshot() -> None:
    wav, audio_sha256 = encode_samples(prepare([0.25, -0.25, 1.0], 48_000, 16))
    assert wav[36:40] == b"data"
    assert audio_sha256 == hashlib.sha256(wav[44:50]).hexdigest()
    assert read_data_sha256(BytesIO(embed_snapshot(wav, "later"))) == audio_sha256


def test_probe_tells_what_was_written() -> None:
    found = probe(BytesIO(encode(prepare(np.zeros((441, 3)), 44_100, 24)).wav))
    assert (found.frames, found.channels, found.sample_rate, found.bit_depth) == (441, 3, 44_100, 24)
    assert found.duration_s == pytest.approx(0.01)


@settings(max_examples=150, deadline=None)
@given(pcm=npst.arrays(np.int16, SHAPES), depth=st.sampled_from([16, 24, 32]))
def test_int16_survives_every_depth_bit_by_bit(pcm: np.ndarray, depth: int) -> None:
    wav = encode(prepare(pcm, 48_000, depth), "{}").wav
    stored = soundfile.read(BytesIO(wav), dtype="float64", always_2d=True)[0]
    np.testing.assert_array_equal(stored * 2**15, pcm.reshape(len(pcm), -1))


@settings(max_examples=150, deadline=None)
@given(data=st.data(), depth=st.sampled_from([16, 24]), shape=SHAPES, width=st.sampled_from([np.float32, np.float64]))
def test_floats_from_a_file_are_stored_as_they_were(data: Any, depth: int, shape: tuple[int, ...], width: type) -> None:
    top = 2 ** (depth - 1)
    codes = data.draw(npst.arrays(np.int32, shape, elements=st.integers(-top, top - 1)))
    wav = encode(prepare((codes / top).astype(width), 48_000, depth)).wav
    np.testing.assert_array_equal(read_int32(wav) >> (32 - depth), codes.reshape(len(codes), -1))


@settings(max_examples=150, deadline=None)
@given(audio=npst.arrays(np.float32, SHAPES, elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_32_bit_float_is_stored_as_given(audio: np.ndarray) -> None:
    wav = encode(prepare(audio, 48_000, 32), "{}").wav
    assert soundfile.info(BytesIO(wav)).subtype == "FLOAT"
    stored, _ = decode(BytesIO(wav))
    np.testing.assert_array_equal(stored.view(np.uint32), audio.reshape(len(audio), -1).view(np.uint32))


@settings(max_examples=100, deadline=None)
@given(pcm=npst.arrays(np.int32, SHAPES))
def test_int32_rounds_to_the_nearest_24_bit_sample(pcm: np.ndarray) -> None:
    stored = read_int32(encode(prepare(pcm, 48_000, 24)).wav).astype(np.int64)
    error = stored - pcm.reshape(len(pcm), -1)
    assert np.all((np.abs(error) <= 128) | (stored == (2**23 - 1) << 8))


def test_eight_bit_pcm_has_its_zero_where_the_type_has_it() -> None:
    np.testing.assert_array_equal(
        prepare(np.array([-128, 0, 127], np.int8), 8000, 16).pcm.ravel() >> 24, [-128, 0, 127]
    )
    np.testing.assert_array_equal(
        prepare(np.array([0, 128, 255], np.uint8), 8000, 16).pcm.ravel() >> 24, [-128, 0, 127]
    )


@pytest.mark.parametrize("depth", [16, 24])
def test_samples_beyond_full_scale_are_clipped_and_counted(depth: int) -> None:
    samples = prepare([0.0, 1.5, -3.0, 1.0], 48_000, depth)
    top = 2 ** (depth - 1)
    assert (samples.pcm.ravel() >> (32 - depth)).tolist() == [0, top - 1, -top, top - 1]
    assert samples.over == 2


@pytest.mark.parametrize(
    "audio",
    [
        [0.0, 0.5],
        (0.0, 0.5),
        np.array([0.0, 0.5], ">f4"),
        np.array([0.0, 0.5], np.float16),
        np.array([0.0, 0.5], np.longdouble),
        np.array([0, 2**14], ">i2"),
        np.array([[0.0, 9.0], [0.5, 9.0]])[:, :1],
        np.asfortranarray([[0.0], [0.5]]),
    ],
    ids=["list", "tuple", "big-endian float", "half", "long double", "big-endian PCM", "strided", "Fortran order"],
)
def test_any_array_of_these_samples_is_the_same_take(audio: Any) -> None:
    assert encode(prepare(audio, 48_000, 24)) == encode(prepare(np.array([0.0, 0.5]), 48_000, 24))


@pytest.mark.parametrize("depth", [16, 24, 32])
def test_what_was_given_is_never_changed_and_never_shared(depth: int) -> None:
    audio = np.full((4, 2), 0.5, np.float32)
    samples = prepare(audio, 48_000, depth)
    before = encode(samples)
    audio[:] = 0.25
    assert encode(samples) == before


HOSTILE: dict[str, tuple[Any, Any, Any, str]] = {
    "no frames": ([], 48_000, 24, "empty"),
    "no frames of two channels": (np.zeros((0, 2)), 48_000, 24, "empty"),
    "no channels": (np.zeros((4, 0)), 48_000, 24, "empty"),
    "a single number": (0.5, 48_000, 24, "shape"),
    "three dimensions": (np.zeros((1, 4, 2)), 48_000, 24, "shape"),
    "ragged": ([[0.0, 0.1], [0.2]], 48_000, 24, "array"),
    "NaN": ([0.0, float("nan")], 48_000, 24, "1 of the audio's 2 samples are not finite"),
    "Infinity": ([0.0, float("inf")], 48_000, 24, "not finite"),
    "-Infinity": ([float("-inf")], 48_000, 24, "not finite"),
    "NaN in 32 bit": (np.array([np.nan], np.float32), 48_000, 32, "not finite"),
    "beyond float32": ([1e300], 48_000, 32, "largest sample is 1e\\+300"),
    "2,000 channels": (np.zeros((4, 2000)), 48_000, 24, "2,000 channels"),
    "channels first": (np.zeros((2, 48_000)), 48_000, 24, "Channels go last"),
    "33 channels": (np.zeros((100, 33)), 48_000, 24, "33 channels"),
    "int64": (np.zeros(4, np.int64), 48_000, 24, "int64"),
    "uint16": (np.zeros(4, np.uint16), 48_000, 24, "uint16"),
    "booleans": (np.zeros(4, np.bool_), 48_000, 24, "bool"),
    "complex": (np.zeros(4, np.complex64), 48_000, 24, "complex64"),
    "objects": (np.array([None, 1.0]), 48_000, 24, "object"),
    "text": ("silence", 48_000, 24, "shape"),
    "words": (["a", "b"], 48_000, 24, "str"),
    "nothing": (None, 48_000, 24, "shape"),
    "bytes": (b"RIFF", 48_000, 24, "shape"),
    "times": (np.zeros(4, "M8[s]"), 48_000, 24, "datetime64"),
    "0 Hz": ([0.0], 0, 24, "sample rate"),
    "negative rate": ([0.0], -48_000, 24, "sample rate"),
    "999 Hz": ([0.0], 999, 24, "sample rate"),
    "1 MHz": ([0.0], 1_000_000, 24, "1000000 Hz"),
    "fractional rate": ([0.0], 44_100.5, 24, "whole number"),
    "no rate": ([0.0], None, 24, "whole number"),
    "a rate in words": ([0.0], "48000", 24, "whole number"),
    "8 bit": ([0.0], 48_000, 8, "bit depth"),
    "no depth": ([0.0], 48_000, None, "bit depth"),
    "over 4 GiB": (np.broadcast_to(np.float32(0), (2**29, 4)), 48_000, 24, "4 GiB"),
    "over 4 GiB once the header is counted": (np.broadcast_to(np.int16(0), (2**30 - 1, 2)), 48_000, 16, "4 GiB"),
}


@pytest.mark.parametrize(("audio", "sample_rate", "depth", "words"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_audio_is_refused_in_words(audio: Any, sample_rate: Any, depth: Any, words: str) -> None:
    with pytest.raises(InvalidAudio, match=words) as refusal:
        prepare(audio, sample_rate, depth)
    assert refusal.value.reason == str(refusal.value)


def test_an_array_that_cannot_be_read_is_refused() -> None:
    class OnAnotherDevice:
        def __array__(self, *_: Any, **__: Any) -> np.ndarray:
            raise TypeError("can't convert cuda:0 device type tensor to numpy")

    with pytest.raises(InvalidAudio, match="cuda:0"):
        prepare(OnAnotherDevice(), 48_000, 24)  # type: ignore[arg-type]


@pytest.mark.parametrize("sample_rate", [1_000, 384_000])
@pytest.mark.parametrize("channels", [1, 3, 32])
@pytest.mark.parametrize("depth", [16, 24, 32])
def test_the_limits_are_within(sample_rate: int, channels: int, depth: int) -> None:
    wav = encode(prepare(np.full((3, channels), 0.5), np.int64(sample_rate), depth), "{}").wav  # type: ignore[arg-type]
    found = soundfile.info(BytesIO(wav))
    assert (found.samplerate, found.channels, found.frames) == (sample_rate, channels, 3)


def test_nothing_in_the_file_depends_on_the_time_of_writing() -> None:
    plain = BytesIO()
    soundfile.write(plain, [0.5], 48_000, subtype="FLOAT", format="WAV")
    assert b"PEAK" in plain.getvalue(), "libsndfile's PEAK chunk holds the time"
    assert b"PEAK" not in encode(prepare([0.5], 48_000, 32)).wav


@pytest.mark.parametrize("depth", [16, 24, 32])
@pytest.mark.parametrize("length", [1, 2, 100, 5_000, 1_000_000])
def test_a_snapshot_of_any_length_travels_along(depth: int, length: int) -> None:
    samples = prepare(np.linspace(-1, 1, 999), 48_000, depth)
    wav, _ = encode_samples(samples)
    carrying = embed_snapshot(wav, "x" * length)
    assert read_snapshot(BytesIO(carrying)) == "x" * length
    np.testing.assert_array_equal(read_int32(carrying), read_int32(wav))
    assert read_data_sha256(BytesIO(carrying)) == read_data_sha256(BytesIO(wav))
    assert probe(BytesIO(carrying)) == probe(BytesIO(wav))
    assert check_container(BytesIO(carrying))
    assert len(carrying) % 2 == 0


@settings(max_examples=60, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(min_codepoint=1, max_codepoint=127), min_size=1, max_size=3000), min_size=1, max_size=4
    )
)
def test_any_ascii_text_comes_back_and_replaces_the_one_before(texts: list[str]) -> None:
    wav, audio_sha256 = encode_samples(prepare([0.1, 0.2, 0.3], 48_000, 24))
    for text in texts:
        wav = embed_snapshot(wav, text)
        assert read_snapshot(BytesIO(wav)) == text
    assert wav.count(b"retake\x00") == 1
    assert check_container(BytesIO(wav))
    assert read_data_sha256(BytesIO(wav)) == audio_sha256


def test_a_small_edit_keeps_the_size_of_the_file() -> None:
    wav = encode(prepare([0.1, 0.2, 0.3], 48_000, 24), '{"rating": null, "note": ""}').wav
    edited = embed_snapshot(wav, '{"rating": 4, "note": "' + "the one " * 60 + '"}')
    assert len(edited) == len(wav)
    assert len(embed_snapshot(wav, "x" * 5000)) > len(wav)


def test_long_files_are_given_another_snapshot_block_by_block() -> None:
    wav = encode(prepare(np.zeros((500_000, 2), np.float32), 48_000, 24), "before").wav
    blocks = list(with_snapshot(BytesIO(wav), "after"))
    assert max(map(len, blocks)) <= 1 << 20
    assert b"".join(blocks) == embed_snapshot(wav, "after")


def test_other_programs_can_read_the_tag_and_their_own_tags_stay() -> None:
    wav = BytesIO(encode(prepare([0.1, 0.2], 48_000, 24), "mine").wav)
    theirs = mutagen.wave.WAVE(wav)
    assert theirs.tags["TXXX:retake"].text == ["mine"]
    theirs.tags.add(mutagen.id3.TIT2(encoding=3, text=["Glass ☂"]))
    theirs.save(wav)
    edited = embed_snapshot(wav.getvalue(), "mine again")
    assert mutagen.wave.WAVE(BytesIO(edited)).tags["TIT2"].text == ["Glass ☂"]
    assert read_snapshot(BytesIO(edited)) == "mine again"
    assert check_container(BytesIO(edited))


@pytest.mark.parametrize("text", ["", "ü", "a\x00b", "\udc80"])
def test_a_snapshot_that_would_break_the_tag_is_refused(text: str) -> None:
    wav, _ = encode_samples(prepare([0.0], 48_000, 24))
    with pytest.raises(ValueError, match="ASCII"):
        embed_snapshot(wav, text)


def test_a_snapshot_too_long_for_the_tag_is_refused() -> None:
    wav, _ = encode_samples(prepare([0.0], 48_000, 24))
    with pytest.raises(InvalidAudio, match="characters"):
        embed_snapshot(wav, "x" * (65 << 20))


@pytest.mark.parametrize("module", [audio_module, envelope_module, quality_module], ids=lambda module: module.__name__)
def test_the_examples_in_the_documentation_run(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted > 0
    assert found.failed == 0
