"""What is drawn of a take: its waveform, its spectrogram, its exact peaks; drawn once and kept in `cache/`."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from store import files, media
from store.envelope import Envelope, envelope_of_file
from store.reading import open_regular
from store.spectrogram import draw_file
from store.thumbnail import HEIGHT, WIDTH
from store.thumbnail import draw as draw_thumbnail

MOST_BYTES = 4 << 20
_FOLDER = "cache"
_KINDS = ("spectrogram", "thumbnail")


def thumbnail(root: Path, entry_id: str, stored: Path | None, audio: Path | None) -> bytes | None:
    """Return the stored thumbnail where it is one of ours, or draw it from the audio; None without readable audio."""
    if stored is not None:
        with contextlib.suppress(OSError):
            png = kept(stored)
            if _is_mask(png):
                return png
    return _derived(root, "thumbnail", entry_id, audio, _draw_thumbnail)


def kept(path: Path) -> bytes:
    """Return the bytes of a picture's file; of one far longer than any of ours only the start, which is no whole picture.

    Raises `OSError` where it is not a regular file.
    """
    with open_regular(path) as file:
        return file.read(MOST_BYTES)


def drawn_thumbnail(audio: Path) -> bytes | None:
    """Draw the thumbnail of an audio file; None where it cannot be read."""
    return media.read_audio(audio, _draw_thumbnail)


def _draw_thumbnail(file: BinaryIO) -> bytes:
    return draw_thumbnail(envelope_of_file(file, WIDTH))


def spectrogram(root: Path, entry_id: str, audio: Path | None) -> bytes | None:
    """Return the spectrogram of a take, drawn when it is first asked for; None without readable audio."""
    return _derived(root, "spectrogram", entry_id, audio, draw_file)


def envelope(audio: Path | None, columns: int) -> Envelope | None:
    """Return the exact peaks of an audio file in `columns` columns; None without readable audio."""
    return media.read_audio(audio, lambda file: envelope_of_file(file, columns))


def forget(root: Path, entry_id: str) -> None:
    """Remove the pictures that were kept of a take."""
    for kind in _KINDS:
        files.remove(_path(root, kind, entry_id))


def _derived(
    root: Path, kind: str, entry_id: str, audio: Path | None, draw: Callable[[BinaryIO], bytes]
) -> bytes | None:
    path = _path(root, kind, entry_id)
    with contextlib.suppress(OSError):
        if not path.is_symlink():
            return kept(path)
    drawn = media.read_audio(audio, draw)
    if drawn is not None:
        with contextlib.suppress(OSError):  # a picture that cannot be kept is drawn again next time
            files.make_folder(path.parent)
            files.create(path, [drawn])
    return drawn


def _path(root: Path, kind: str, entry_id: str) -> Path:
    return root / _FOLDER / f"{kind}-{media.file_safe(entry_id)}.png"


def _is_mask(png: bytes) -> bool:
    """Say whether a PNG is 400×60 with an alpha channel, as ours are: another program's would be tinted wrongly."""
    size = WIDTH.to_bytes(4, "big") + HEIGHT.to_bytes(4, "big")
    return png.startswith(b"\x89PNG") and png[16:24] == size and png[25:26] in (b"\x04", b"\x06")
