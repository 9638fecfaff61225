"""Ogg (RFC 3533): parse the pages of a file, and find the real length of its streams.

The decoder plays up to the position in the last page and stops at a page that is marked as the
last. Both may be wrong, so the samples of the packets are added up, and a stream with inconsistent
marks or positions is handed to the decoder with corrected pages.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import accumulate

from audio_assets.audio.flac import flac_layout
from audio_assets.audio.glimpse import Seen
from audio_assets.audio.ogg_packets import CODECS, OGG_FLAC_HEADER, Codec, OggFlac, identify
from audio_assets.audio.parts import (
    TOLERANCE_SECONDS,
    DamagedError,
    Layout,
    Part,
    StreamSummary,
)
from audio_assets.audio.stitched import Data, Piece, view

MAGIC = b"OggS"
FORMATS = ("OGG", "FLAC")
_HEADER = 27
_CONTINUED, _FIRST, _LAST = 1, 2, 4
_NO_POSITION = -1
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Page:
    """A page.

    Attributes
    ----------
    start, body, end
        First byte of the page and of its packets, and the byte after the page.
    flags, position, serial, sequence
        Fields of the header; ``position`` is in samples, -1 if no packet ends on the page.
    lacing
        Lengths of the segments.
    """

    start: int
    body: int
    end: int
    flags: int
    position: int
    serial: int
    sequence: int
    lacing: bytes


@dataclass(frozen=True)
class _Stream:
    codec: Codec
    pages: list[Page]


def ogg_layout(data: Data, start: int, end: int) -> Layout:
    """Return the audio of an Ogg file between these bytes, with all parts of a joined file.

    Raises
    ------
    DamagedError
        If a page is damaged or missing, or there is no audio.
    """
    pages, cut = _pages(data, start, end)
    streams = _streams(data, pages)
    parts: list[Part] = []
    notes: list[str] = []
    for number, stream in enumerate(streams, start=1):
        if isinstance(stream.codec, OggFlac):
            parts += _native_flac(data, stream, cut if number == len(streams) else None)
            continue
        part, note = _part(data, stream, cut if number == len(streams) else None)
        parts.append(part)
        notes += [note] if note else []
    if len(parts) > 1:
        notes.append(f"it is {len(parts)} Ogg streams in a row, and all were used")
    return Layout("OGG", FORMATS, parts, "; ".join(notes) or None)


def ogg_summary(data: Seen, start: int) -> StreamSummary | None:
    """Summarise a file that begins here by its first page; None unless it is Vorbis or Opus.

    Raises
    ------
    DamagedError
        If its header is invalid.
    """
    page = _page(data, start)
    if page is None:
        return None
    packet = data[page.body : page.end]
    kind = identify(packet[:8])
    if kind is None or kind not in CODECS:
        return None
    codec = CODECS[kind](packet)
    return StreamSummary(codec.rate, codec.channels) if codec.channels else None


def _pages(data: Data, start: int, end: int) -> tuple[list[Page], Page | None]:
    """Return the complete pages, and the incomplete one at the end of the file, if any."""
    pages: list[Page] = []
    at = start
    while at < end:
        if data[at : at + 4] != MAGIC:
            after = data.find(MAGIC, at, end)
            while after >= 0 and not _is_whole(data, _page(data, after), end):
                after = data.find(MAGIC, after + 1, end)
            if after < 0 and not _follows(pages, _page(data, at)):
                # Bytes after the last page belong to another program.
                return pages, None
            raise DamagedError(f"the file is damaged: no Ogg page at byte {at}")
        page = _page(data, at)
        if page is None or page.end > end:
            return pages, page
        if not _is_whole(data, page, end):
            raise DamagedError(f"the file is damaged: wrong checksum of the Ogg page at byte {at}")
        pages.append(page)
        at = page.end
    return pages, None


def _follows(pages: Sequence[Page], page: Page | None) -> bool:
    """Return whether this would be the next page, apart from its signature."""
    if page is None or not pages:
        return False
    last = pages[-1]
    return (page.serial, page.sequence) == (last.serial, last.sequence + 1)


def _page(data: Seen, at: int) -> Page | None:
    """Parse the page that begins here; None if its header is cut off."""
    header = data[at : at + _HEADER]
    if len(header) < _HEADER:
        return None
    flags, position, serial, sequence, segments = struct.unpack("<5xBqII4xB", header)
    body = at + _HEADER + segments
    lacing = data[at + _HEADER : body]
    return Page(at, body, body + sum(lacing), flags, position, serial, sequence, lacing)


def _is_whole(data: Data, page: Page | None, end: int) -> bool:
    if page is None or page.end > end or len(page.lacing) < page.body - page.start - _HEADER:
        return False
    written = data[page.start + 22 : page.start + 26]
    return _with_checksum(data[page.start : page.end])[22:26] == written


def _with_checksum(page: bytes) -> bytes:
    """Return the page with the correct CRC-32."""
    # This CRC has no reflection and no start or end value: zlib's, on bytes with reversed bits.
    reversed_bits = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED_BITS)
    crc = zlib.crc32(reversed_bits, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return page[:22] + crc.to_bytes(4, "big").translate(_REVERSED_BITS) + page[26:]


def _streams(data: Data, pages: Sequence[Page]) -> list[_Stream]:
    """Return the consecutive audio streams; streams multiplexed with them are left out."""
    streams: list[_Stream] = []
    others: set[int] = set()
    started = False
    for page in pages:
        kind = identify(data[page.body : page.body + 8])
        if kind is not None and (page.flags & _FIRST or page.sequence == 0):
            beside = bool(streams) and not started
            if kind in CODECS and not beside:
                others.discard(page.serial)
                streams.append(_Stream(CODECS[kind](data[page.body : page.end]), [page]))
                started = False
            else:
                others.add(page.serial)
            continue
        if page.serial in others:
            continue
        if not streams or page.serial != streams[-1].pages[0].serial:
            if page.flags & _FIRST and not started:
                others.add(page.serial)
                continue
            raise DamagedError(
                f"the file is damaged: the Ogg page at byte {page.start} is of no stream"
            )
        started = True
        last = streams[-1].pages[-1]
        if page.sequence != (last.sequence + 1) % 2**32:
            raise DamagedError(
                f"the file is damaged: an Ogg page is missing before byte {page.start}"
            )
        streams[-1].pages.append(page)
    if not streams:
        raise DamagedError("an Ogg file without a stream of Vorbis, Opus or FLAC", "not_audio")
    return streams


def _part(data: Data, stream: _Stream, cut: Page | None) -> tuple[Part, str | None]:
    codec, pages = stream.codec, stream.pages
    # Some writers end with an empty page that only carries the mark of the last page.
    while len(pages) > 1 and not pages[-1].lacing:
        del pages[-1]
    ends = _samples_by_page(data, stream)
    offset = codec.offset(pages, ends)
    # A position before the end of the last packet shortens that packet; any other position must be
    # at the end of a packet.
    before = max([end for page, end in zip(pages[:-1], ends[:-1], strict=True)], default=0)
    position = pages[-1].position - offset
    total = position if before <= position <= ends[-1] and ends[-1] > 0 else ends[-1]
    fault = None
    if cut is not None:
        if cut.position < 0 or cut.serial != pages[-1].serial:
            fault = DamagedError("the file is cut off or damaged: its last Ogg page is not whole")
        missing = (cut.position - offset - total) / codec.clock
        if fault is None and missing > TOLERANCE_SECONDS:
            # It is unknown how many pages would have followed.
            fault = DamagedError(
                f"the file is cut off in the middle of a page: at least {missing:.2f} s after its "
                f"first {(total - codec.skip) / codec.clock:.2f} s are missing"
            )
    note = None
    promised = position / codec.clock
    if pages[-1].flags & _LAST and abs(position - total) / codec.clock > TOLERANCE_SECONDS:
        note = (
            f"its last page counts {promised:.2f} s of audio, and "
            f"{(total - codec.skip) / codec.clock:.2f} s are there and were used"
        )
    # Nothing is played before position 0.
    played = total - codec.skip + min(offset, 0)
    frames = max(0, round(played * codec.rate / codec.clock))
    pieces: list[Piece]
    if offset <= 0 and _fits(pages, ends, offset, total):
        pieces = _runs(data, pages)
    else:
        pieces = [*_mended(data, pages, ends, total)]
    first = data[pages[0].start : pages[0].end]
    if codec.first_page(first) != first:
        rest = _runs(data, pages[1:]) if isinstance(pieces[0], memoryview) else pieces[1:]
        pieces = [_with_checksum(codec.first_page(first)), *rest]
    verify = partial(_verify, frames, codec.rate)
    return Part(pieces, frames, verify=verify, fault=fault), note


def _samples_by_page(data: Data, stream: _Stream) -> list[int]:
    """Return the number of samples in the packets up to the end of each page."""
    ends = [0] * len(stream.pages)
    for number, packet in _packets(data, stream):
        ends[number] += stream.codec.samples(packet)
    return list(accumulate(ends))


def _packets(data: Data, stream: _Stream) -> Iterator[tuple[int, bytes]]:
    """Yield the packets of a stream, each with the index of the page on which it ends."""
    packet = b""
    for number, page in enumerate(stream.pages):
        at, size = page.body, 0
        for segment in page.lacing:
            size += segment
            if segment < 255:
                yield number, packet + data[at : at + size]
                at += size
                size, packet = 0, b""
        packet += data[at : at + size]


def _native_flac(data: Data, stream: _Stream, cut: Page | None) -> Sequence[Part]:
    """Return FLAC without its Ogg pages, the only form of some files that libsndfile reads."""
    if cut is not None:
        raise DamagedError("the file is cut off: its last Ogg page is not whole")
    packets = [packet for _, packet in _packets(data, stream)]
    native = b"".join([packets[0][OGG_FLAC_HEADER:], *packets[1:]])
    return flac_layout(native, 0, len(native)).parts


def _fits(pages: Sequence[Page], ends: Sequence[int], offset: int, total: int) -> bool:
    """Return whether the decoder reads an unmodified stream to its end."""
    last = len(pages) - 1
    continued = False
    for number, (page, end) in enumerate(zip(pages, ends, strict=True)):
        expected = total if number == last else end
        if page.flags != _flags(continued, number == 0, number == last):
            return False
        if page.lacing:
            continued = page.lacing[-1] == 255
        if page.position != _NO_POSITION and page.position - offset != expected and end > 0:
            return False
    return pages[-1].position != _NO_POSITION


def _mended(data: Data, pages: Sequence[Page], ends: Sequence[int], total: int) -> list[bytes]:
    """Return the pages with correct marks and positions, counted from 0."""
    found = []
    continued = False
    for number, (page, end) in enumerate(zip(pages, ends, strict=True)):
        last = number == len(pages) - 1
        flags = _flags(continued, number == 0, last)
        ends_packet = any(segment < 255 for segment in page.lacing)
        position = total if last else end if ends_packet else _NO_POSITION
        raw = data[page.start : page.end]
        raw = raw[:5] + struct.pack("<Bq", flags, position) + raw[14:]
        found.append(_with_checksum(raw))
        if page.lacing:
            continued = page.lacing[-1] == 255
    return found


def _flags(continued: bool, first: bool, last: bool) -> int:
    return continued * _CONTINUED | first * _FIRST | last * _LAST


def _runs(data: Data, pages: Sequence[Page]) -> list[Piece]:
    """Return the bytes of pages, with adjacent pages joined."""
    runs: list[tuple[int, int]] = []
    for page in pages:
        if runs and runs[-1][1] == page.start:
            runs[-1] = (runs[-1][0], page.end)
        else:
            runs.append((page.start, page.end))
    return [view(data, low, high) for low, high in runs]


def _verify(frames: int, rate: int, read: int) -> str | None:
    if (frames - read) / rate > TOLERANCE_SECONDS:
        raise DamagedError(
            f"the file is damaged: {read / rate:.2f} s of the {frames / rate:.2f} s in its packets "
            "could be decoded"
        )
    return None
