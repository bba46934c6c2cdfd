"""Guards the example that speaks through espeak-ng, which must be installed for these tests."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from generators import Generator, GeneratorError, Sound, load_generator

SPEC = "examples/espeak_tts.py:speak"
TEXT = "The kettle is on, and the rain has stopped."


@pytest.fixture(scope="module")
def generator() -> Generator:
    return load_generator(SPEC)


def say(generator: Generator, text: str = TEXT, **params: Any) -> Sound:
    [sound] = generator.run({"text": text, **params})
    return sound


def seconds(sound: Sound) -> float:
    return len(sound.audio) / sound.sample_rate


def test_its_controls_are_text_voice_speed_and_pitch(generator: Generator) -> None:
    found = [(control.name, control.kind, control.required) for control in generator.controls]
    assert found == [
        ("text", "text", False),
        ("voice", "dropdown", False),
        ("speed", "slider", False),
        ("pitch", "slider", False),
    ]
    assert (generator.model_id, generator.model_name) == ("espeak", "eSpeak")
    assert generator.versions["espeak-ng"][0].isdigit()


def test_it_speaks(generator: Generator) -> None:
    sound = say(generator)
    assert sound.sample_rate == 22_050
    assert sound.audio.dtype == np.int16
    assert sound.bit_depth == 16
    assert 1.5 < seconds(sound) < 5
    assert np.abs(sound.audio.astype(int)).max() > 5_000


def test_the_same_settings_say_the_same(generator: Generator) -> None:
    assert np.array_equal(say(generator).audio, say(generator).audio)


def test_speed_pitch_and_text_change_what_is_heard(generator: Generator) -> None:
    assert seconds(say(generator, speed=300)) < 0.7 * seconds(say(generator, speed=120))
    assert pitch_hz(say(generator, pitch=99)) > 1.5 * pitch_hz(say(generator, pitch=0))
    assert seconds(say(generator, text=TEXT * 3)) > 2.5 * seconds(say(generator))


@pytest.mark.parametrize("voice", ["en-gb", "en-us", "en-gb-scotland", "de", "fr-fr", "es", "it", "sv"])
def test_every_voice_speaks(generator: Generator, voice: str) -> None:
    assert seconds(say(generator, text="Radio 12", voice=voice)) > 0.4


@pytest.mark.parametrize(
    "text", ["-v de --help", "$(exit 1); `exit 1` | cat", "Grüße, 東京 🎵", "one\ntwo\n", "x" * 20_000]
)
def test_any_text_is_only_text(generator: Generator, text: str) -> None:
    assert seconds(say(generator, text=text)) > 0.2


def test_what_is_missing_or_out_of_range_says_so(generator: Generator) -> None:
    with pytest.raises(GeneratorError, match=r"Speed must be from 80 to 450\."):
        generator.prepare({"text": TEXT, "speed": 1000})
    with pytest.raises(ValueError, match="the text is empty"):
        say(generator, text=" \n ")


def test_without_the_program_it_says_how_to_install_it(
    generator: Generator, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        RuntimeError, match="espeak-ng is not installed: apt install espeak-ng / brew install espeak-ng"
    ):
        say(generator)
    assert load_generator(SPEC).versions["espeak-ng"] == "not installed"


def test_what_the_program_complains_about_is_passed_on(generator: Generator, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*command: Any, **settings: Any) -> Any:
        return subprocess.CompletedProcess(command, 1, b"", b"no such voice\n")

    monkeypatch.setattr(subprocess, "run", failing)
    with pytest.raises(RuntimeError, match="espeak-ng failed: no such voice"):
        say(generator)


@pytest.fixture
def read(generator: Generator) -> Callable[[bytes], tuple[int, Any]]:
    reader: Callable[[bytes], tuple[int, Any]] = generator.function.__globals__["read_streamed_wav"]
    return reader


SAMPLES = np.array([0, 1000, -1000, 32767, -32768], dtype="<i2")
FORMAT = b"fmt " + struct.pack("<IHHIIHH", 16, 1, 1, 22_050, 44_100, 2, 16)


@pytest.mark.parametrize("claimed", [10, 0x7FFFF000, 0xFFFFFFFF])
@pytest.mark.parametrize("before", [b"", b"LIST" + struct.pack("<I", 3) + b"abc\0"])
def test_a_header_that_does_not_know_the_length_is_read(
    read: Callable[[bytes], tuple[int, Any]], claimed: int, before: bytes
) -> None:
    data = struct.pack("<4sI4s", b"RIFF", claimed, b"WAVE") + FORMAT + before + struct.pack("<4sI", b"data", claimed)
    sample_rate, samples = read(data + SAMPLES.tobytes() + (b"\0" if claimed > 10 else b""))
    assert sample_rate == 22_050
    assert samples.tolist() == SAMPLES.tolist()


@pytest.mark.parametrize("data", [b"", b"RIFF", b"not audio at all", b"RIFF\0\0\0\0WAVE" + FORMAT])
def test_what_is_no_wav_is_refused(read: Callable[[bytes], tuple[int, Any]], data: bytes) -> None:
    with pytest.raises(RuntimeError, match="did not return audio"):
        read(data)


def pitch_hz(sound: Sound) -> float:
    """Return the mean rate of the strongest repetition from 50 to 400 Hz in stretches of 50 ms that sound."""
    step = sound.sample_rate // 20
    samples = sound.audio[: sound.audio.size // step * step].reshape(-1, step).astype(float)
    loud = samples[samples.std(axis=1) > 0.3 * samples.std(axis=1).max()]
    power = np.abs(np.fft.rfft(loud, 2 * step, axis=1)) ** 2
    repeats = np.fft.irfft(power, axis=1)
    shortest, longest = sound.sample_rate // 400, sound.sample_rate // 50
    return float(np.median(sound.sample_rate / (shortest + np.argmax(repeats[:, shortest:longest], axis=1))))
