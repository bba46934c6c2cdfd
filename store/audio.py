"""Check audio, quantise it and write it as WAV in memory.

>>> samples = prepare([0.0, 0.5, -0.5], sample_rate=48_000, bit_depth=24)
>>> samples.frames, samples.channels
(3, 1)
>>> wav, audio_sha256 = encode_samples(samples)
>>> len(wav)
54
"""

from __future__ import annotations

import hashlib
import operator
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
import soundfile
from numpy.typing import ArrayLike, NDArray

from store.errors import InvalidAudio, shown
from store.snapshot import embed_snapshot, without_chunks
from store.wav import MAX_CHANNELS, MAX_SAMPLE_RATE_HZ, read_layout

SAMPLE_RATES_HZ = (1_000, MAX_SAMPLE_RATE_HZ)
SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
INTEGER_PCM = (np.dtype(np.int8), np.dtype(np.uint8), np.dtype(np.int16), np.dtype(np.int32))
MAX_WAV_BYTES = 2**32 - 1  # RIFF sizes are 32-bit
HEADER_BYTES = 1024  # more than any header and padding of ours
BLOCK_SAMPLES = 1 << 16  # what stays in the processor's cache between the passes of a quantisation


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Valid audio as it will be on disk.

    `pcm` has the shape (frames, channels): int32 left-justified (a 24-bit sample in the upper 24 bits) for 16 and 24 bit,
    float32 for 32 bit. `over` counts the samples that were given beyond ±1; 16 and 24 bit cannot hold them and clip them.
    """

    pcm: NDArray[np.int32] | NDArray[np.float32]
    sample_rate: int
    bit_depth: int
    over: int = 0

    @property
    def frames(self) -> int:
        """Give the length in frames."""
        return int(self.pcm.shape[0])

    @property
    def channels(self) -> int:
        """Give the number of channels."""
        return int(self.pcm.shape[1])

    @property
    def duration_s(self) -> float:
        """Give the length in seconds."""
        return self.frames / self.sample_rate


@dataclass(frozen=True, slots=True)
class Encoded:
    """A WAV file in memory, and the SHA-256 of its `data` chunk's bytes as hexadecimal."""

    wav: bytes
    audio_sha256: str


def prepare(audio: ArrayLike, sample_rate: int, bit_depth: int) -> Samples:
    """Check audio and quantise it to what will be on disk.

    `audio` is (frames,) or (frames, channels) with 1 to 32 channels: float in [-1, 1], or int8, uint8, int16 or int32 PCM.
    `sample_rate` is 1,000 to 384,000 Hz; `bit_depth` is 16, 24 or 32 (float). A float x becomes round(x · 2^(bits-1)), so that
    samples that came from a file of n bits are the same when stored with n bits. The samples are copied.
    Raises `InvalidAudio` with a sentence that names what was wrong.
    """
    rate, depth = _whole_number(sample_rate, "sample rate"), _whole_number(bit_depth, "bit depth")
    if not SAMPLE_RATES_HZ[0] <= rate <= SAMPLE_RATES_HZ[1]:
        raise InvalidAudio(f"The sample rate must be 1,000 to 384,000 Hz; it is {shown(rate)} Hz.")
    if depth not in SUBTYPES:
        raise InvalidAudio(f"The bit depth must be 16, 24 or 32; it is {shown(depth)}.")
    frames = _as_frames(audio)
    if frames.size * (depth // 8) + HEADER_BYTES > MAX_WAV_BYTES:
        raise InvalidAudio(
            f"{frames.shape[0]:,} frames with {frames.shape[1]} channels of {depth} bits are over 4 GiB, more than a WAV file can hold."
        )
    if frames.dtype.kind != "f":
        return Samples(_quantise_integers(frames, depth), rate, depth)
    over = _check_range(frames)
    return Samples(_quantise_floats(frames, depth), rate, depth, over)


def _whole_number(value: object, name: str) -> int:
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise InvalidAudio(f"The {name} must be a whole number; it is {shown(value)}.") from None


def _as_frames(audio: ArrayLike) -> NDArray[Any]:
    try:
        array = np.asarray(audio)
    except (TypeError, ValueError, RuntimeError, OverflowError, MemoryError) as error:
        raise InvalidAudio(f"The audio cannot be read as an array: {error}") from error
    if np.ma.is_masked(audio):
        raise InvalidAudio("The audio is a masked array: what is masked has no value that could be kept.")
    if array.ndim not in (1, 2):
        raise InvalidAudio(f"The audio must have the shape (frames,) or (frames, channels); it has {array.shape}.")
    if array.size == 0:
        raise InvalidAudio(f"The audio is empty: it has the shape {array.shape}.")
    frames = array.reshape(len(array), -1)
    if frames.shape[1] > MAX_CHANNELS:
        hint = " Channels go last: (frames, channels)." if frames.shape[0] <= MAX_CHANNELS else ""
        raise InvalidAudio(f"The audio has {frames.shape[1]:,} channels; {MAX_CHANNELS} are the most.{hint}")
    if frames.dtype.kind != "f" and frames.dtype.newbyteorder("=") not in INTEGER_PCM:
        raise InvalidAudio(
            f"The samples are {frames.dtype.name}; give float in [-1, 1], or int8, uint8, int16 or int32."
        )
    return frames


def _check_range(frames: NDArray[Any]) -> int:
    low, high = frames.min(), frames.max()  # both carry a NaN through
    if not (np.isfinite(low) and np.isfinite(high)):
        bad = int(frames.size - np.count_nonzero(np.isfinite(frames)))
        raise InvalidAudio(f"{bad:,} of the audio's {frames.size:,} samples are not finite numbers (NaN or infinite).")
    if max(-low, high) > np.finfo(np.float32).max:
        raise InvalidAudio(f"The audio's largest sample is {max(-low, high):.3g}; float samples must lie in [-1, 1].")
    if low >= -1 and high <= 1:
        return 0
    return int(np.count_nonzero(frames < -1) + np.count_nonzero(frames > 1))


def _quantise_floats(frames: NDArray[Any], depth: int) -> NDArray[np.int32] | NDArray[np.float32]:
    if depth == 32:
        return frames.astype(np.float32, order="C")
    # Multiplying by a power of two and rounding are exact up to 24 bit in float32 already.
    work = np.dtype(np.float32) if frames.dtype.itemsize <= 4 else np.dtype(np.float64)
    scale = 2.0 ** (depth - 1)
    pcm = np.empty(frames.shape, np.int32)
    step = max(1, BLOCK_SAMPLES // frames.shape[1])
    for start in range(0, len(frames), step):
        block = frames[start : start + step].astype(work, order="C")
        np.clip(block, -1, 1, out=block)
        np.multiply(block, work.type(scale), out=block)
        np.rint(block, out=block)
        np.minimum(block, work.type(scale - 1), out=block)
        pcm[start : start + step] = block
    np.left_shift(pcm, 32 - depth, out=pcm)
    return pcm


def _quantise_integers(frames: NDArray[Any], depth: int) -> NDArray[np.int32] | NDArray[np.float32]:
    unsigned = frames.dtype.kind == "u"
    pcm = frames.astype(np.int32, order="C")
    if unsigned:
        pcm -= 128
    np.left_shift(pcm, 32 - 8 * frames.dtype.itemsize, out=pcm)
    if depth == 32:
        samples = pcm.astype(np.float32)
        samples *= np.float32(2.0**-31)
        return samples
    half = 1 << (31 - depth)
    np.minimum(pcm, 2**31 - 1 - half, out=pcm)  # rounding up must not wrap around
    pcm += half
    pcm &= ~(2 * half - 1)
    return pcm


def encode_samples(samples: Samples) -> tuple[bytes, str]:
    """Write samples as a WAV file in memory; give it with the SHA-256 of its `data` chunk's bytes.

    The same samples give the same bytes, always: libsndfile's PEAK chunk, which holds the time of writing, is left out.
    """
    buffer = BytesIO()
    soundfile.write(buffer, samples.pcm, samples.sample_rate, subtype=SUBTYPES[samples.bit_depth], format="WAV")
    wav = buffer.getvalue()
    if samples.bit_depth == 32:
        wav = without_chunks(wav, frozenset({b"PEAK"}))
    data = read_layout(BytesIO(wav)).data
    return wav, hashlib.sha256(memoryview(wav)[data.start : data.stop]).hexdigest()


def encode(samples: Samples, snapshot: str | None = None) -> Encoded:
    """Write samples as a WAV file in memory, with the snapshot (ASCII text) inside where one is given."""
    wav, audio_sha256 = encode_samples(samples)
    return Encoded(wav if snapshot is None else embed_snapshot(wav, snapshot), audio_sha256)
