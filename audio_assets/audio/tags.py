"""Find the tags and padding that programs put before and after the audio of any file."""

from __future__ import annotations

from audio_assets.audio.glimpse import Seen

ID3V1_SIZE = 128
APE_SIZE = 32
_LYRICS_END = b"LYRICS200"


def after_leading_tags(data: Seen) -> int:
    """Return the offset after the ID3v2 tags at the start of a file."""
    at = 0
    while (size := id3v2_size(data, at)) is not None:
        at = min(at + size, len(data))
    return at


def before_trailing_tags(data: Seen, start: int = 0) -> int:
    """Return the end of a file before the ID3v1, ID3v2.4, APE and Lyrics3 tags at its end."""
    end = len(data)
    while True:
        before = end
        if data[max(end - ID3V1_SIZE, start) : end][:3] == b"TAG" and end - start >= ID3V1_SIZE:
            end -= ID3V1_SIZE
        tail = data[max(end - APE_SIZE, start) : end]
        if tail[:8] == b"APETAGEX":
            # Bit 31 of the flags means that there is a header too, bit 29 that this is one.
            size = int.from_bytes(tail[12:16], "little") + APE_SIZE * (tail[23] >> 7)
            if tail[23] & 0x20:
                end -= APE_SIZE
            elif 0 < size <= end - start:
                end -= size
        elif tail[-len(_LYRICS_END) :] == _LYRICS_END and tail[-15:-9].isdigit():
            size = int(tail[-15:-9]) + 15
            if size <= end - start:
                end -= size
        elif tail[-10:-7] == b"3DI" and (size := _synchsafe(tail[-4:])) + 20 <= end - start:
            end -= size + 20
        if end == before:
            return end


def id3v2_size(data: Seen, at: int) -> int | None:
    """Return the size of an ID3v2 tag that begins here, with its header; None if none does."""
    head = data[at : at + 10]
    if len(head) < 10 or head[:3] != b"ID3" or head[3] == 0xFF or max(head[6:10]) > 127:
        return None
    footer = 10 if head[5] & 0x10 else 0
    return 10 + _synchsafe(head[6:10]) + footer


def _synchsafe(size: bytes) -> int:
    value = 0
    for byte in size:
        value = value << 7 | byte & 127
    return value
