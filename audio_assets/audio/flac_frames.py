"""The frames of FLAC (RFC 9639, section 9): their headers, positions and ends.

They are compared with the claims of the file's header in :mod:`audio_assets.audio.flac`.
"""

from __future__ import annotations

from dataclasses import dataclass

from audio_assets.audio.glimpse import Seen
from audio_assets.audio.stitched import Data

_RATES = (
    0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 96_000,
)  # fmt: skip
_BITS = (0, 8, 12, None, 16, 20, 24, 32)
_CHANNELS = (1, 2, 3, 4, 5, 6, 7, 8, 2, 2, 2)
# A frame of 8 channels of 65,535 samples of 32 bits, and its header.
_LARGEST_FRAME = 8 * 65_535 * 4 + 64
_HEADER = 16


def _crc_table(polynomial: int, bits: int) -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << (bits - 8)
        for _ in range(8):
            value = value << 1 ^ (polynomial if value >> (bits - 1) & 1 else 0)
        table.append(value & ((1 << bits) - 1))
    return tuple(table)


_CRC8, _CRC16 = _crc_table(0x107, 8), _crc_table(0x18005, 16)


@dataclass(frozen=True)
class Frame:
    """The header of a frame.

    Attributes
    ----------
    at
        First byte.
    variable
        Whether ``number`` counts samples; otherwise it counts frames.
    number
        Position in the stream.
    size
        Samples per channel.
    rate, channels, bits
        As in :class:`audio_assets.audio.flac.StreamInfo`; 0 if the frame refers to that.
    """

    at: int
    variable: bool
    number: int
    size: int
    rate: int
    channels: int
    bits: int


def frame_header(data: Seen, at: int, end: int) -> Frame | None:
    """Parse the header of a frame that begins here; None if none does."""
    head = data[at : min(at + _HEADER, end)]
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8:
        return None
    block, rate_code = head[2] >> 4, head[2] & 15
    channel_code, bit_code = head[3] >> 4, head[3] >> 1 & 7
    if not block or rate_code == 15 or channel_code > 10 or bit_code == 3 or head[3] & 1:
        return None
    # As in UTF-8, the leading ones of the first byte count the bytes.
    ones = 8 - (~head[4] & 0xFF).bit_length()
    length = max(1, ones)
    more = {6: 1, 7: 2}.get(block, 0) + {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    total = 4 + length + more
    if ones in (1, 8) or len(head) <= total:
        return None
    crc = 0
    for byte in head[:total]:
        crc = _CRC8[crc ^ byte]
    if crc != head[total]:
        return None
    number = head[4] & (0x7F >> ones)
    for byte in head[5 : 4 + length]:
        number = number << 6 | byte & 0x3F
    extra = 4 + length
    if block == 1:
        size = 192
    elif block < 6:
        size = 576 << (block - 2)
    elif block < 8:
        size = int.from_bytes(head[extra : extra + block - 5], "big") + 1
        extra += block - 5
    else:
        size = 256 << (block - 8)
    if rate_code < 12:
        rate = _RATES[rate_code]
    else:
        value = int.from_bytes(head[extra:total], "big")
        rate = value * (1_000, 1, 10)[rate_code - 12]
    bits = _BITS[bit_code]
    assert bits is not None
    return Frame(at, bool(head[1] & 1), number, size, rate, _CHANNELS[channel_code], bits)


def _begins(frame: Frame, first: Frame) -> int:
    """Return the position of a frame's first sample."""
    return frame.number if frame.variable else frame.number * first.size


def last_frame(data: Seen, first: Frame, end: int) -> Frame:
    """Return the last frame with a complete header."""
    sync = b"\xff" + (b"\xf9" if first.variable else b"\xf8")
    at = end
    while (at := data.rfind(sync, first.at + 1, at + 1)) > 0:
        frame = _of_stream(data, at, end, first)
        if frame is not None and _follows_another(data, frame, first, end):
            return frame
    return first


def last_in_sequence(data: Data, first: Frame, last: Frame, end: int, least: int) -> int:
    """Return the first byte of the first frame without a successor, up to the last frame.

    Parameters
    ----------
    least
        Bytes of the smallest frame according to the header, which the search skips.
    """
    sync = data[first.at : first.at + 2]
    at, number, size = first.at, first.number, first.size
    while at < last.at:
        number += size if first.variable else 1
        if number > 0x10FFFF:
            # Beyond the numbers that are encoded like UTF-8.
            return last.at
        place = chr(number).encode("utf-8", "surrogatepass")
        after = -1
        for skipped in {max(least, 2): None, 2: None}:
            after = data.find(sync, at + skipped, last.at + 2)
            while after >= 0 and data[after + 4 : after + 4 + len(place)] != place:
                after = data.find(sync, after + 1, last.at + 2)
            if after >= 0:
                break
        if after < 0:
            return at
        at = after
        if first.variable:
            frame = frame_header(data, at, end)
            if frame is None:
                return last.at
            size = frame.size
    return last.at


def sample_count(first: Frame, last: Frame) -> int:
    """Return the samples per channel from the first frame to the last one."""
    return _begins(last, first) + last.size - _begins(first, first)


def _of_stream(data: Seen, at: int, end: int, first: Frame) -> Frame | None:
    frame = frame_header(data, at, end)
    if frame is None or frame.number <= first.number:
        return None
    same = (frame.rate, frame.bits) == (first.rate, first.bits)
    return frame if same and (frame.variable or frame.size <= first.size) else None


def _follows_another(data: Seen, frame: Frame, first: Frame, end: int) -> bool:
    """Return whether a predecessor with the right number exists; headers also occur by chance."""
    sync = b"\xff" + (b"\xf9" if first.variable else b"\xf8")
    at = frame.at
    while (at := data.rfind(sync, max(first.at, frame.at - _LARGEST_FRAME), at + 1)) >= 0:
        if at < frame.at and (before := frame_header(data, at, end)) is not None:
            step = before.size if frame.variable else 1
            if before.number + step == frame.number:
                return True
        if at == first.at:
            break
        at -= 1
    return False


def possible_ends(data: Data, frame: Frame, end: int) -> list[int]:
    """Return the possible ends of a frame by its checksum: the remainder up to there is 0."""
    stop = min(end, frame.at + _LARGEST_FRAME)
    crc = 0
    found = []
    for at, byte in enumerate(data[frame.at : stop], start=frame.at + 1):
        crc = (crc << 8 & 0xFFFF) ^ _CRC16[crc >> 8 ^ byte]
        if crc == 0:
            found.append(at)
    return found
