"""MPEG audio (MP3 and the older layers): find a file's frames, and check its headers' counts.

A file without a Xing, Info or VBRI frame does not state its length, and the decoder's guess from
the bit rate of the first frame is wrong if that varies. Therefore frames are counted here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cache, partial

from audio_assets.audio.glimpse import Seen
from audio_assets.audio.parts import (
    TOLERANCE_SECONDS,
    DamagedError,
    Layout,
    Part,
    StreamSummary,
    cut_off,
)
from audio_assets.audio.stitched import Data, view

FORMATS = ("MP3",)
# Random bytes form a frame header once in some thousand places, but never four in a row.
_IN_A_ROW = 4
_SEARCHED = 2**16
# The highest bit rate is 40 times the lowest one of a layer.
_TIMES_LONGER = 64
_V1, _V2, _V25 = 3, 2, 0
_RATES = {
    _V1: (44_100, 48_000, 32_000),
    _V2: (22_050, 24_000, 16_000),
    _V25: (11_025, 12_000, 8_000),
}
_LAYER_1, _LAYER_2, _LAYER_3 = 3, 2, 1
# Bit rates in kbit/s by the code in the header (ISO 11172-3, ISO 13818-3).
_KBITS = {
    (True, _LAYER_1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, _LAYER_2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, _LAYER_3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, _LAYER_1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, _LAYER_2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, _LAYER_3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_HIGHEST_KBITS = 448
# Delays that encoders write into LAME's part of the Info frame.
_KNOWN_DELAYS = (576, 1_105, 1_160)
_LARGEST_PADDING = 4 * 1_152
_LAME_SIZE = 36
# Samples that mpg123 drops at the start of a stream of known length without LAME's part.
_DECODER_DELAY = 529


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0xA001 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_CRC16 = _crc_table()
# The mandatory bits of a header: eleven ones, and a valid bit rate. The second byte is a lookahead,
# because a header may begin at any byte.
_SYNC = re.compile(rb"\xff(?=[\xe2-\xff][\x10-\xef])")


@dataclass(frozen=True)
class Header:
    """The four bytes that begin a frame.

    Attributes
    ----------
    size
        Bytes of the frame.
    samples
        Samples per channel.
    rate
        Hz.
    side
        Offset of the name of an Info frame.
    kind
        Version, layer, sample rate and whether it is mono, which are constant within a stream.
    """

    size: int
    samples: int
    rate: int
    side: int
    kind: tuple[int, int, int, bool]


@dataclass(frozen=True)
class Count:
    """The content of the Info, Xing or VBRI frame of a stream.

    Attributes
    ----------
    at, size
        Offset and bytes of the frame.
    frames
        Number of frames without this one, or None.
    frames_at, size_at
        Offsets of that number and of the number of bytes, or None.
    is_sound
        Whether its checksum is right or absent.
    trims
        Samples that the encoder added at both ends, or None.
    """

    at: int
    size: int
    frames: int | None
    frames_at: int | None
    size_at: int | None
    is_sound: bool
    trims: tuple[int, int] | None


@dataclass
class _Stream:
    """Frames of one kind up to the next count, as one encoder wrote them.

    Attributes
    ----------
    count
        Count in its first frame, or None.
    header
        Header of its first frame.
    runs
        First byte of each run of frames, and the byte after its last one, without the count.
    frames
        Number of frames.
    astray
        Bytes between frames that are neither frames nor tags.
    """

    count: Count | None
    header: Header
    runs: list[tuple[int, int]] = field(default_factory=list)
    frames: int = 0
    astray: int = 0

    def add(self, at: int, size: int) -> None:
        """Add a frame."""
        if self.runs and self.runs[-1][1] == at:
            self.runs[-1] = (self.runs[-1][0], at + size)
        else:
            self.runs.append((at, at + size))
        self.frames += 1


def parse_header(data: Data, at: int) -> Header | None:
    """Parse the frame header at this offset; None if there is none."""
    word = data[at : at + 4]
    if len(word) < 4 or word[0] != 0xFF or word[1] < 0xE0:
        return None
    return _header(word[1], word[2], word[3] >> 6 == 3)


# A clip has some hundred frames, but only a few different headers.
@cache
def _header(second: int, third: int, mono: bool) -> Header | None:
    version, layer = second >> 3 & 3, second >> 1 & 3
    kbits_code, rate_code, padding = third >> 4, third >> 2 & 3, third >> 1 & 1
    if version == 1 or layer == 0 or kbits_code in (0, 15) or rate_code == 3:
        return None
    rate = _RATES[version][rate_code]
    bits = _KBITS[version == _V1, layer][kbits_code] * 1_000
    if layer == _LAYER_1:
        size, samples = (12 * bits // rate + padding) * 4, 384
    elif layer == _LAYER_2 or version == _V1:
        size, samples = 144 * bits // rate + padding, 1_152
    else:
        size, samples = 72 * bits // rate + padding, 576
    side = (17 if mono else 32) if version == _V1 else (9 if mono else 17)
    return Header(size, samples, rate, 4 + side, (version, layer, rate_code, mono))


def find_first_frame(data: Data, start: int, stop: int, end: int) -> int | None:
    """Return the first offset before ``stop`` of a frame with successors; None if there is none."""
    for found in _SYNC.finditer(data, start, stop):
        if _row(data, found.start(), end):
            return found.start()
    return None


def mpeg_layout(data: Data, start: int) -> Layout:
    """Return the audio of an MPEG file whose leading tags end at ``start``.

    Raises
    ------
    DamagedError
        If it is not such a file or lacks frames in its middle.
    """
    end = len(data)
    first = _within_tags(data, start, end)
    if first is None:
        first = find_first_frame(data, start, min(end, start + _SEARCHED), end)
    if first is None:
        raise DamagedError(f"{len(data)} bytes without a sequence of MPEG frames", "not_audio")
    if first > start and parse_header(data, start) is not None:
        raise DamagedError(f"the file is damaged: its frames break off after byte {start}")
    parts, notes = [], []
    for stream in _streams(data, first, end):
        part, note = _part(data, stream)
        parts.append(part)
        notes += [note] if note else []
    if len(parts) > 1:
        notes.append(f"it is {len(parts)} MP3 files joined, and all were used")
    return Layout("MP3", FORMATS, parts, "; ".join(notes) or None)


def mpeg_summary(data: Seen, start: int) -> StreamSummary | None:
    """Summarise a file whose leading tags end at ``start`` by its first frame.

    Raises
    ------
    DamagedError
        If there is no frame where one has to be.
    """
    # As far as the layout searches, and the frames that have to follow.
    head = data[start : start + _SEARCHED + _IN_A_ROW * 2**12]
    first = find_first_frame(head, 0, min(len(head), _SEARCHED), len(head))
    if first is None and start == 0:
        raise DamagedError(f"{len(data)} bytes without a sequence of MPEG frames", "not_audio")
    header = None if first is None else parse_header(head, first)
    if header is None:
        return None
    channels = 1 if header.kind[-1] else 2
    return StreamSummary(
        header.rate,
        channels,
        sample_bytes=_HIGHEST_KBITS * 125 / header.rate / channels,
    )


def _within_tags(data: Data, start: int, end: int) -> int | None:
    """Return the start of frames that begin within the claimed leading tags and continue after."""
    at = find_first_frame(data, 0, start, end)
    if at is None:
        return None
    first = at
    while at < start and (header := parse_header(data, at)) is not None:
        at += header.size
    return first if at > start or (at == start and parse_header(data, at)) else None


def _row(data: Data, at: int, end: int) -> bool:
    """Return whether frames of one kind follow each other from here."""
    kind = None
    for _ in range(_IN_A_ROW):
        header = parse_header(data, at)
        if kind is None and (header is None or at + header.size > end):
            return False
        if header is None or kind not in (None, header.kind):
            # A short file may end sooner.
            return at >= end
        kind = header.kind
        at += header.size
    return True


def _streams(data: Data, first: int, end: int) -> list[_Stream]:
    streams: list[_Stream] = []
    at = first
    while at < end:
        header = parse_header(data, at)
        known = bool(streams) and header is not None and header.kind == streams[-1].header.kind
        if header is None or not (known or _row(data, at, end)):
            # Sizes of tags are ignored: they may be wrong, and no tag looks like frames in a row.
            after = find_first_frame(data, at + 1, end, end)
            # The data after the last frame is not audio, or too little of it.
            if after is None:
                break
            if data[at:after].strip(b"\0") and not _is_tag(data, at):
                streams[-1].astray += after - at
            at = after
            continue
        count = _count(data, at, header)
        if count is not None or not known:
            streams.append(_Stream(count, header))
        if at + header.size > end:
            break
        if count is None:
            streams[-1].add(at, header.size)
        at += header.size
    return [stream for stream in streams if stream.frames or stream is streams[0]]


def _is_tag(data: Data, at: int) -> bool:
    """Return whether a tag begins here."""
    head = data[at : at + 8]
    return head[:3] in (b"ID3", b"TAG") or head == b"APETAGEX"


def _count(data: Data, at: int, header: Header) -> Count | None:
    name = at + header.side
    word = data[name : name + 4]
    if word in (b"Xing", b"Info"):
        flags = int.from_bytes(data[name + 4 : name + 8], "big")
        frames_at = name + 8 if flags & 1 else None
        lame = name + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1)
        lame += 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
        has_lame = lame + _LAME_SIZE <= at + header.size and data[lame] != 0
        is_sound = not has_lame or _lame_is_sound(data[at : lame + _LAME_SIZE])
        trims = _trims(data[lame + 21 : lame + 24]) if has_lame else None
        frames = None if frames_at is None else int.from_bytes(data[name + 8 : name + 12], "big")
        size_at = name + 8 + 4 * (flags & 1) if flags & 2 else None
        return Count(at, header.size, frames, frames_at, size_at, is_sound, trims)
    if data[at + 36 : at + 40] == b"VBRI":
        frames = int.from_bytes(data[at + 50 : at + 54], "big")
        return Count(at, header.size, frames, None, None, True, None)
    return None


def _lame_is_sound(frame: bytes) -> bool:
    crc = 0
    for byte in frame[:-2]:
        crc = crc >> 8 ^ _CRC16[(crc ^ byte) & 0xFF]
    return crc == int.from_bytes(frame[-2:], "big")


def _trims(packed: bytes) -> tuple[int, int]:
    value = int.from_bytes(packed, "big")
    return value >> 12, value & 0xFFF


def _part(data: Data, stream: _Stream) -> tuple[Part, str | None]:
    seconds = stream.header.samples / stream.header.rate
    count, found = stream.count, stream.frames
    counted = None if count is None else count.frames
    fault = None
    if counted is not None and (counted - found) * seconds > TOLERANCE_SECONDS:
        fault = cut_off((counted - found) * seconds, counted * seconds, "its first frame")
    if stream.astray and counted != found:
        raise DamagedError(
            f"the file is damaged: {stream.astray} bytes between its frames are no frames"
        )
    note = None
    if counted is not None and (found - counted) * seconds > TOLERANCE_SECONDS:
        note = (
            f"its first frame counts {counted * seconds:.2f} s of audio, and "
            f"{found * seconds:.2f} s are there and were used"
        )
    runs = [view(data, low, high) for low, high in stream.runs]
    if count is None or count.frames_at is None or not _may_be_kept(count):
        frames = found * stream.header.samples
        verify = partial(_verify, frames, stream.header)
        return Part(runs, frames, _TIMES_LONGER, verify, fault=fault), note
    head = data[count.at : count.at + count.size]
    place = count.frames_at - count.at
    head = head[:place] + found.to_bytes(4, "big") + head[place + 4 :]
    if found != counted and count.size_at is not None:
        # The decoder warns on the console if the size is far from the file's.
        place = count.size_at - count.at
        size = len(head) + sum(map(len, runs))
        head = head[:place] + size.to_bytes(4, "big") + head[place + 4 :]
    trimmed = sum(count.trims) if count.trims else _DECODER_DELAY
    frames = max(found * stream.header.samples - trimmed, 0)
    verify = partial(_verify, frames, stream.header)
    return Part([head, *runs], frames, 1, verify, fault=fault), note


def _may_be_kept(count: Count) -> bool:
    """Return whether the decoder may trim both ends as the count's frame says."""
    if count.is_sound or count.trims is None:
        return True
    # With a wrong checksum any field may be wrong; wrong trims would lose audio.
    delay, padding = count.trims
    return delay in _KNOWN_DELAYS and padding <= _LARGEST_PADDING


def _verify(frames: int, header: Header, read: int) -> str | None:
    rate = header.rate
    if (frames - read) / rate > TOLERANCE_SECONDS:
        raise DamagedError(
            f"the file is damaged: {read / rate:.2f} s of the {frames / rate:.2f} s in its frames "
            "could be decoded"
        )
    return None
