"""Speech through espeak-ng: a generator in one file.

    python app.py --generator examples/espeak_tts.py:speak

It needs the program: ``apt install espeak-ng`` or ``brew install espeak-ng``.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt

from generators import Choice, Group, Help, Range, describe

PROGRAM = "espeak-ng"
TIMEOUT_S = 120
VOICES = (
    ("English, British", "en-gb"),
    ("English, American", "en-us"),
    ("English, Scottish", "en-gb-scotland"),
    ("German", "de"),
    ("French", "fr-fr"),
    ("Spanish", "es"),
    ("Italian", "it"),
    ("Swedish", "sv"),
)
Voice = Literal["en-gb", "en-us", "en-gb-scotland", "de", "fr-fr", "es", "it", "sv"]


def version() -> str:
    """Return the program's version, or "not installed"."""
    program = shutil.which(PROGRAM)
    if program is None:
        return "not installed"
    said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 (a fixed command)
    return said.stdout.partition(":")[2].split()[0] if ":" in said.stdout else "unknown"


@describe(model_id="espeak", model_name="eSpeak", versions={PROGRAM: version()})
def speak(
    text: Annotated[str, Group("Voice"), Help("What to say.")] = "The kettle is on, and the rain has stopped.",
    voice: Annotated[Voice, Choice(*VOICES), Group("Voice")] = "en-gb",
    speed: Annotated[int, Range(80, 450), Group("Voice"), Help("Words a minute.")] = 160,
    pitch: Annotated[int, Range(0, 99), Group("Voice"), Help("From low to high.")] = 50,
) -> tuple[int, npt.NDArray[np.int16]]:
    """Say a text.

    Raises
    ------
    ValueError
        When there is nothing to say.
    RuntimeError
        When espeak-ng is not installed, or fails.
    """
    if not text.strip():
        raise ValueError("There is nothing to say: the text is empty.")
    program = shutil.which(PROGRAM)
    if program is None:
        raise RuntimeError("espeak-ng is not installed: apt install espeak-ng / brew install espeak-ng")
    command = [program, "-v", voice, "-s", str(speed), "-p", str(pitch), "-b", "1", "--stdin", "--stdout"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, timeout=TIMEOUT_S, check=False)  # noqa: S603 (no shell; the text goes by stdin)
    if done.returncode or not done.stdout:
        reason = done.stderr.decode(errors="replace").strip() or f"exit status {done.returncode}"
        raise RuntimeError(f"espeak-ng failed: {reason}")
    return read_streamed_wav(done.stdout)


def read_streamed_wav(data: bytes) -> tuple[int, npt.NDArray[np.int16]]:
    """Read 16-bit mono WAV as it comes through a pipe, whose header cannot know the length and claims gigabytes."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise RuntimeError("espeak-ng did not return audio.")
    sample_rate, place = 0, 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        if name == b"fmt ":
            (sample_rate,) = struct.unpack_from("<I", data, place + 12)
        if name == b"data":
            samples = data[place + 8 : place + 8 + size]
            return sample_rate, np.frombuffer(samples[: len(samples) // 2 * 2], dtype="<i2").astype(np.int16)
        place += 8 + size + size % 2
    raise RuntimeError("espeak-ng did not return audio.")
