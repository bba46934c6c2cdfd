"""Read and write the one kind of ID3 frame that a take needs, and carry every other frame along byte for byte.

The format is ID3v2.3 and v2.4 (id3.org, 1999 and 2000). Tags come from anywhere, so nothing is ever decompressed, no size is
believed, and time and memory stay in proportion to the tag's length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from store.errors import InvalidAudio

HEADER_BYTES = 10
MOST_FRAMES = 1000  # tags in the wild have a few dozen
_FRAME_NAME = re.compile(rb"[A-Z0-9]{4}")
_USER_TEXT = b"TXXX"
_UNSYNCHRONISED, _EXTENDED = 0x80, 0x40
_CODECS = ("latin-1", "utf-16", "utf-16-be", "utf-8")


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame as it stands in the tag: its name, its flags, and its bytes."""

    name: bytes
    flags: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Tag:
    """The frames of a tag. `unsynchronised`: every frame of a v2.4 tag hides its false MPEG syncs."""

    version: int = 4
    unsynchronised: bool = False
    frames: tuple[Frame, ...] = ()

    def text(self, description: str) -> str | None:
        """Return the text of the `TXXX` frame with this description; `None` where there is none that can be read."""
        return next((text for frame in self.frames for name, text in self._texts(frame) if name == description), None)

    def with_texts(self, texts: dict[str, str]) -> Tag:
        """Return the tag with these `TXXX` frames, ASCII without NUL, in place of any with the same descriptions."""
        kept = [frame for frame in self.frames if not any(name in texts for name, _ in self._texts(frame))]
        ours = [Frame(_USER_TEXT, 0, f"\0{name}\0{text}".encode("ascii")) for name, text in texts.items()]
        return Tag(self.version, self.unsynchronised, (*kept, *ours))

    def size_bytes(self) -> int:
        """Give the length of the tag when it is written without padding."""
        return HEADER_BYTES + sum(HEADER_BYTES + len(frame.data) for frame in self.frames)

    def write(self, padding: int) -> bytes:
        """Write the tag, with so many bytes of padding behind its frames."""
        flags = _UNSYNCHRONISED if self.unsynchronised else 0
        head = b"ID3" + bytes([self.version, 0, flags]) + _syncsafe(self.size_bytes() - HEADER_BYTES + padding)
        return b"".join([head, *map(self._written, self.frames), bytes(padding)])

    def _written(self, frame: Frame) -> bytes:
        size = len(frame.data)
        size_field = _syncsafe(size) if self.version == 4 else size.to_bytes(4, "big")
        return frame.name + size_field + frame.flags.to_bytes(2, "big") + frame.data

    def _texts(self, frame: Frame) -> Iterator[tuple[str, str]]:
        """Yield the description and the text of a `TXXX` frame; nothing where it is another, packed or not text."""
        data = self._unwrapped(frame) if frame.name == _USER_TEXT else None
        if not data or data[0] >= len(_CODECS):
            return
        try:
            parts = data[1:].decode(_CODECS[data[0]]).split("\0", 2)
        except UnicodeDecodeError:
            return
        if len(parts) > 1:
            yield parts[0], parts[1].lstrip("\ufeff")  # in UTF-16 each of the two has its own byte order mark

    def _unwrapped(self, frame: Frame) -> bytes | None:
        """Take off what a frame's flags say stands before its contents; `None` where it is compressed or encrypted."""
        if self.version == 3:
            return None if frame.flags & 0xC0 else frame.data[bool(frame.flags & 0x20) :]
        if frame.flags & 0x0C:
            return None
        data = frame.data[bool(frame.flags & 0x40) + 4 * bool(frame.flags & 0x01) :]
        return _synchronised(data) if self.unsynchronised or frame.flags & 0x02 else data


def read(tag: bytes) -> Tag:
    """Read a tag's frames. Raises `InvalidAudio` where it is damaged, or of a version that nobody writes any more."""
    if len(tag) < HEADER_BYTES or tag[:3] != b"ID3" or tag[3] not in (3, 4) or max(tag[6:10]) > 127:
        raise InvalidAudio("The WAV file's tag is not ID3v2.3 or v2.4.")
    version, flags, size = tag[3], tag[5], _number(tag[6:10], 7)
    body = tag[HEADER_BYTES : HEADER_BYTES + size]
    if len(body) < size:
        raise InvalidAudio(f"The WAV file's tag is damaged: it says {size} bytes and has {len(body)}.")
    unsynchronised = bool(flags & _UNSYNCHRONISED)
    if version == 3 and unsynchronised:
        body, unsynchronised = _synchronised(body), False
    start = _extended_bytes(version, body) if flags & _EXTENDED else 0
    return Tag(version, unsynchronised, tuple(_frames(version, body, start)))


def _frames(version: int, body: bytes, at: int) -> Iterator[Frame]:
    for _ in range(MOST_FRAMES):
        head = body[at : at + HEADER_BYTES]
        if not head.strip(b"\0"):
            return  # padding
        safe = version == 4 and max(head[4:8], default=0) < 128  # iTunes wrote plain sizes into v2.4 tags
        start = at + HEADER_BYTES
        stop = start + _number(head[4:8], 7 if safe else 8)
        if len(head) < HEADER_BYTES or not _FRAME_NAME.fullmatch(head[:4]) or stop > len(body):
            raise InvalidAudio(f"The WAV file's tag is damaged: there is no whole frame at byte {at + HEADER_BYTES}.")
        yield Frame(head[:4], _number(head[8:10], 8), body[start:stop])
        at = stop
    raise InvalidAudio(f"The WAV file's tag has more than {MOST_FRAMES} frames.")


def _extended_bytes(version: int, body: bytes) -> int:
    return _number(body[:4], 7) if version == 4 else 4 + _number(body[:4], 8)


def _synchronised(data: bytes) -> bytes:
    return data.replace(b"\xff\x00", b"\xff")


def _number(data: bytes, bits: int) -> int:
    number = 0
    for byte in data:
        number = number << bits | byte
    return number


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))
