"""A whole take: checked, measured, drawn, encoded and written with its index line, everything synced."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from benchmarks.measure import OURS, Bar, Row
from benchmarks.records import record
from benchmarks.retake import Retake
from benchmarks.run import Run
from store import GenerationConfig, GenerationResult
from store.audio import Samples, prepare
from store.envelope import Envelope, envelope
from store.thumbnail import HEIGHT, WIDTH, draw

SAMPLE_RATE, DURATION_S = 48_000, 10
ENCODED, PYPLOT = "soundfile in memory + one synced write", "pyplot, tight box"


def rows(run: Run) -> Iterator[Row]:
    """Measure the group."""
    sound = tone()
    for n in dict.fromkeys((run.sizes[0], run.large[0])):
        yield whole_add(run, n, sound)
    yield thumbnail(run, prepare(sound, SAMPLE_RATE, 24))


def tone() -> NDArray[np.float32]:
    """Return ten seconds of stereo, (frames, 2), that no codec and no disk finds easy: ringing partials over noise."""
    rng = np.random.default_rng(10)
    time_s = np.arange(DURATION_S * SAMPLE_RATE) / SAMPLE_RATE
    partials = sum(np.sin(2 * np.pi * 110 * k * time_s) * np.exp(-time_s * k / 4) / k for k in range(1, 9))
    left_right = np.stack((partials, np.roll(partials, 480)), axis=1)
    left_right += 0.1 * rng.standard_normal(left_right.shape)
    return np.asarray(0.8 * left_right / np.abs(left_right).max(), np.float32)


def whole_add(run: Run, n: int, sound: NDArray[np.float32]) -> Row:
    """Time `add_to_history` beside encoding the same samples with soundfile and writing them once."""
    made = [record(n + number) for number in range(3 + run.rounds(40))]

    def add(number: int) -> None:
        asked = made[number]
        config = GenerationConfig(asked["latent_vector"], DURATION_S, asked["seed"], "stereo", 24)
        result = GenerationResult(sound, SAMPLE_RATE, asked["seed"], config)
        ours.history.add_to_history(
            result,
            asked["model_id"],
            asked["model_name"],
            asked["slider_positions"],
            asked["n_components"],
            params=asked["params"],
        )

    with run.copies(n) as copies, closing(Retake(copies.history)) as ours:
        encoded = copies.folder / "encoded"
        encoded.mkdir()
        candidates = {OURS: add, ENCODED: lambda number: _encode_and_write(sound, encoded / f"{number}.wav")}
        timings = run.interleave("whole add", candidates, run.rounds(40))
    return Row(
        f"a whole add, {DURATION_S} s stereo 48 kHz 24 bit",
        n,
        timings.median(OURS),
        limit=timings.medians([ENCODED]),
        bars=(Bar(timings.ratio(ENCODED), 1.8, "× encoding and one write"),),
    )


def _encode_and_write(sound: NDArray[np.float32], path: Path) -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, sound, SAMPLE_RATE, subtype="PCM_24", format="WAV")
    with path.open("wb", buffering=0) as file:
        file.write(buffer.getbuffer())
        os.fsync(file.fileno())


def thumbnail(run: Run, samples: Samples) -> Row:
    """Time the picture of a take from its samples, beside a pyplot figure that is given the finished envelope."""
    shape = envelope(samples.pcm, WIDTH)
    timings = run.interleave(
        "thumbnail",
        {OURS: lambda _: draw(envelope(samples.pcm, WIDTH)), PYPLOT: lambda _: plot(shape)},
        run.rounds(40),
    )
    return Row(
        "thumbnail",
        1,
        timings.median(OURS),
        timings.medians([PYPLOT]),
        bars=(Bar(timings.ratio(PYPLOT), 0.2, "× pyplot"),),
    )


def plot(shape: Envelope) -> bytes:
    """Draw an envelope as most programs do."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(WIDTH / 100, HEIGHT / 100), dpi=100)
    axes.fill_between(np.arange(WIDTH), shape.low, shape.high)
    axes.axis("off")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", bbox_inches="tight", pad_inches=0, transparent=True)
    pyplot.close(figure)
    return buffer.getvalue()
