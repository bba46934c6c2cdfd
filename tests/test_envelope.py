"""The envelope is exact: no sample, no channel and no block border is lost."""

from __future__ import annotations

import tracemalloc
from io import BytesIO, RawIOBase
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from store import envelope as envelope_module
from store.audio import encode, prepare
from store.envelope import Envelope, envelope, envelope_of_file


def slowly(frames: np.ndarray, columns: int) -> Envelope:
    """The definition, column by column."""
    low, high, rms = [], [], []
    for column in range(columns):
        first = column * len(frames) // columns
        last = max(first + 1, (column + 1) * len(frames) // columns)
        inside = frames[first:last].astype(np.float64)
        low.append(inside.min())
        high.append(inside.max())
        rms.append(np.sqrt((inside**2).mean()))
    return Envelope(*(np.array(values, np.float32) for values in (low, high, rms)))


def assert_same(found: Envelope, expected: Envelope) -> None:
    np.testing.assert_array_equal(found.low, expected.low)
    np.testing.assert_array_equal(found.high, expected.high)
    np.testing.assert_allclose(found.rms, expected.rms, rtol=1e-4, atol=1e-7)
    assert {array.dtype for array in (found.low, found.high, found.rms)} == {np.dtype(np.float32)}


@settings(max_examples=300, deadline=None)
@given(
    frames=npst.arrays(
        np.float32, st.tuples(st.integers(1, 500), st.integers(1, 5)), elements=st.floats(-1, 1, width=16)
    ),
    columns=st.integers(1, 600),
)
def test_any_audio_has_the_envelope_that_the_definition_gives(frames: np.ndarray, columns: int) -> None:
    assert_same(envelope(frames, columns), slowly(frames, columns))


@settings(max_examples=100, deadline=None)
@given(data=st.data(), block=st.integers(1, 40), columns=st.integers(1, 100))
def test_block_borders_leave_no_trace(data: st.DataObject, block: int, columns: int) -> None:
    frames = data.draw(npst.arrays(np.int16, st.tuples(st.integers(1, 200), st.integers(1, 3))))
    samples = prepare(frames, 48_000, 24)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelope_module, "BLOCK_SAMPLES", block)
        patch.setattr(envelope_module, "FILE_BLOCK_SAMPLES", block)
        in_memory = envelope(samples.pcm, columns)
        from_file = envelope_of_file(BytesIO(encode(samples).wav), columns)
    expected = slowly(frames.astype(np.float64) / 2**15, columns)
    assert_same(in_memory, expected)
    assert_same(from_file, expected)


def test_every_single_sample_counts() -> None:
    for frame in range(1000):
        for channel in range(2):
            frames = np.zeros((1000, 2), np.float32)
            frames[frame, channel] = -0.75
            shape = envelope(frames, 64)
            assert shape.low.min() == -0.75
            assert np.count_nonzero(shape.low) == 1


def test_anti_phase_stereo_does_not_vanish() -> None:
    tone = np.sin(np.arange(48_000) / 10).astype(np.float32)
    shape = envelope(np.stack((tone, -tone), axis=1), 100)
    assert shape.high.min() > 0.9
    assert shape.low.max() < -0.9
    assert shape.rms.min() > 0.6


def test_a_flat_array_is_one_channel() -> None:
    assert_same(envelope(np.array([0.5, -0.5], np.float32), 2), envelope(np.array([[0.5], [-0.5]], np.float32), 2))


def test_a_file_without_frames_is_silent() -> None:
    wav = bytearray(encode(prepare([0.0], 48_000, 16)).wav[:44])
    wav[4:8], wav[40:44] = (36).to_bytes(4, "little"), (0).to_bytes(4, "little")
    shape = envelope_of_file(BytesIO(wav), 5)
    assert shape.columns == 5
    assert not shape.low.any()


def test_no_columns_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one column"):
        envelope(np.zeros((4, 1), np.float32), 0)


class Hum(RawIOBase):
    """A WAV file of any length that exists only as it is read: 24-bit stereo, every sample the same."""

    def __init__(self, frames: int) -> None:
        wav = encode(prepare(np.full((1, 2), 0.25), 48_000, 24)).wav
        size = frames * 6
        self.head = wav[:4] + (36 + size).to_bytes(4, "little") + wav[8:40] + size.to_bytes(4, "little")
        self.size = len(self.head) + size
        self.at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        self.at = offset if whence == 0 else self.size
        return self.at

    def read(self, size: int = -1) -> bytes:
        assert 0 <= size <= 16 << 20, "a long file must be read in blocks"
        size = min(size, self.size - self.at)
        begin, self.at = self.at, self.at + size
        if begin < 44:
            return self.head[begin : begin + size].ljust(size, b"\0")
        phase = (begin - 44) % 3
        return (b"\x00\x00\x20" * (size // 3 + 2))[phase : phase + size]


def test_ten_minutes_are_reduced_in_little_memory() -> None:
    file: Any = Hum(600 * 48_000)
    tracemalloc.start()
    try:
        shape = envelope_of_file(file, 400)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert shape.high.tolist() == [0.25] * 400
    assert peak_bytes < 64 << 20
