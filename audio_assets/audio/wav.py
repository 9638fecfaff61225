"""WAV, RF64 and big-endian WAV: find the bytes of a file that are audio.

The decoder receives a new header in front of the audio, so that it reads exactly the bytes that
were found here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from audio_assets.audio.extent import Claim, Extent, find_audio, is_open, least_audio
from audio_assets.audio.glimpse import Seen
from audio_assets.audio.parts import DamagedError, Layout, Part, StreamSummary
from audio_assets.audio.stitched import Data, are_all, view
from audio_assets.audio.tags import before_trailing_tags

MAGICS = (b"RIFF", b"RIFX", b"RF64", b"BW64")
FORMATS = ("WAV", "WAVEX", "RF64")
_PCM, _FLOAT, _ALAW, _ULAW, _EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_UNCOMPRESSED = (_PCM, _FLOAT, _ALAW, _ULAW)
# Microsoft's and IMA's ADPCM, GSM 6.10: blocks with the number of samples in the fmt chunk.
_OF_BLOCKS = (2, 0x11, 0x31)
# Chunks that programs of this field write after the audio.
_AFTER_AUDIO = (
    b"LIST", b"id3 ", b"ID3 ", b"bext", b"guan", b"cue ", b"afsp", b"JUNK", b"junk", b"PAD ",
    b"iXML", b"_PMX", b"aXML", b"smpl", b"inst", b"fact", b"PEAK", b"wamd", b"FLLR", b"DISP",
    b"axml", b"chna", b"sxml", b"bxml", b"levl", b"umid", b"acid", b"plst", b"SNDM", b"ResU",
)  # fmt: skip
_LARGEST_RIFF = 2**32 - 2**16


@dataclass(frozen=True)
class Coding:
    """The ``fmt`` chunk.

    Attributes
    ----------
    tag
        Number of the coding; the subformat's if the chunk is extensible.
    channels, rate, bytes_per_second, align, bits
        Fields of the chunk, rate in Hz.
    raw
        The chunk that the decoder receives.
    """

    tag: int
    channels: int
    rate: int
    bytes_per_second: int
    align: int
    bits: int
    raw: bytes

    @property
    def is_uncompressed(self) -> bool:
        """Return whether the number of bytes determines the number of samples."""
        return self.tag in _UNCOMPRESSED


@dataclass(frozen=True)
class Chunk:
    """A chunk: its name, the first byte of its content, and its claimed size."""

    name: bytes
    body: int
    size: int


def wav_layout(data: Data, start: int) -> Layout:
    """Return the audio of a WAV file that begins at ``start``, or of several joined files.

    Raises
    ------
    DamagedError
        If it ends before its audio, or its header contradicts itself.
    """
    parts: list[Part] = []
    notes: list[str] = []
    at: int | None = start
    end = before_trailing_tags(data, start)
    while at is not None:
        part, note, at = _one(data, at, end)
        parts.append(part)
        notes += [note] if note else []
    if len(parts) > 1:
        notes.append(f"it is {len(parts)} WAV files joined, and all were used")
    return Layout("WAV", FORMATS, parts, "; ".join(notes) or None)


@dataclass(frozen=True)
class _Header:
    """The chunks before the audio, and their claims about it.

    Attributes
    ----------
    body
        First byte of the audio.
    claimed
        Claimed number of its bytes.
    agrees
        Whether the total size is consistent with that.
    """

    order: str
    coding: Coding
    fact: Chunk | None
    body: int
    claimed: int
    agrees: bool


def _read_header(data: Seen, start: int, end: int) -> _Header:
    order = ">" if data[start : start + 4] == b"RIFX" else "<"
    chunks = {chunk.name: chunk for chunk in _chunks(data, start, end, order)}
    audio = chunks.get(b"data")
    if audio is None:
        raise DamagedError("the file is cut off: it ends before its data chunk")
    if b"fmt " not in chunks:
        raise DamagedError("the file is damaged: it has no fmt chunk before its audio")
    coding = read_coding(data, chunks[b"fmt "], order)
    claimed = audio.size
    if b"ds64" in chunks and claimed == 0xFFFFFFFF:
        at = chunks[b"ds64"].body + 8
        claimed = int.from_bytes(data[at : at + 8], "little")
    riff = int.from_bytes(data[start + 4 : start + 8], "little" if order == "<" else "big")
    is_empty = claimed == 0 and _are_chunks(data, audio.body, end, order)
    left_open = is_open(claimed) and not is_empty
    if left_open and not is_open(riff) and riff + 8 > audio.body - start:
        # Some writers fill in only the total size.
        claimed = start + riff + 8 - audio.body
    agrees = not left_open and 0 <= start + riff + 8 - audio.body - claimed <= 1
    return _Header(order, coding, chunks.get(b"fact"), audio.body, claimed, agrees)


def _claim(header: _Header, end: int) -> Claim:
    coding = header.coding
    return Claim(
        header.body, header.claimed, end, coding.align, coding.bytes_per_second, header.agrees
    )


def wav_summary(data: Seen, start: int, end: int) -> StreamSummary:
    """Summarise a file that ends at ``end`` by its header.

    Raises
    ------
    DamagedError
        If audio is missing, or its header contradicts itself.
    """
    header = _read_header(data, start, end)
    coding = header.coding
    if not coding.is_uncompressed:
        return StreamSummary(coding.rate, coding.channels)
    size = least_audio(_claim(header, end), lambda at: _are_chunks(data, at, end, header.order))
    return StreamSummary(
        coding.rate, coding.channels, size // coding.align, coding.align / coding.channels
    )


def _one(data: Data, start: int, end: int) -> tuple[Part, str | None, int | None]:
    """Return the first file from here, its remark, and the start of the next file, if any."""
    header = _read_header(data, start, end)
    order, body = header.order, header.body
    ends_there = 0 <= end - body - header.claimed <= 1
    next_file = None if ends_there else _next_file(data, body, end)
    claim = _claim(header, end if next_file is None else next_file)
    extent = find_audio(
        data,
        claim,
        are_chunks=lambda at: _are_chunks(data, at, claim.end, order),
        trailer=lambda low, high: _trailer(data, low, high, order),
    )
    stretches = [(extent.start, extent.end), *_more_audio(data, extent, claim.end, order)]
    part = _part(data, header.coding, header.fact, stretches, order)
    return replace(part, fault=extent.fault), extent.note, next_file


def read_coding(data: Seen, chunk: Chunk, order: str = "<") -> Coding:
    """Read a ``fmt`` chunk, and correct fields whose value follows from the others.

    Raises
    ------
    DamagedError
        If they contradict each other.
    """
    raw = data[chunk.body : chunk.body + max(16, min(chunk.size, 2**12))]
    if len(raw) < 16:
        raise DamagedError("the file is cut off: it ends within its fmt chunk")
    tag, channels, rate, per_second, align, bits = struct.unpack(f"{order}HHIIHH", raw[:16])
    if tag == _EXTENSIBLE and len(raw) >= 26:
        (tag,) = struct.unpack_from(f"{order}H", raw, 24)
    elif tag in _UNCOMPRESSED:
        raw = raw[:16]
    coding = Coding(tag, channels, rate, per_second, align, bits, raw)
    if not channels or not rate:
        raise DamagedError(f"the file is damaged: its header gives {channels} channels, {rate} Hz")
    if tag not in _UNCOMPRESSED:
        _check_blocks(coding, order)
        return replace(coding, align=align or 1, bytes_per_second=per_second or rate * channels)
    return _consistent(coding, order)


def _consistent(coding: Coding, order: str) -> Coding:
    width = -(-coding.bits // 8)
    frame = coding.channels * width
    sizes = {frame, coding.channels * 4 if 16 < coding.bits < 32 else frame}
    rates = {coding.rate * size for size in sizes}
    if not width or frame >= 2**16:
        raise _contradiction(coding)
    align = coding.align or frame
    if align not in sizes and coding.bytes_per_second == coding.rate * frame and align <= 64:
        # All other fields agree, and a writer may confuse a frame with a sample or a block.
        align = frame
    # A writer may leave out either field. With any other contradiction it is unknown which field
    # is wrong, and it may be the sample rate.
    if align not in sizes or coding.bytes_per_second not in rates | {0}:
        raise _contradiction(coding)
    per_second = coding.rate * align
    raw = coding.raw[:8] + struct.pack(f"{order}IH", per_second, align) + coding.raw[14:]
    return replace(coding, align=align, bytes_per_second=per_second, raw=raw)


def _check_blocks(coding: Coding, order: str) -> None:
    """Fail if bytes per second and sample rate contradict the blocks of a compressed coding."""
    if coding.tag not in _OF_BLOCKS or len(coding.raw) < 20 or not coding.bytes_per_second:
        return
    (samples,) = struct.unpack_from(f"{order}H", coding.raw, 18)
    if samples:
        expected = coding.rate * coding.align / samples
        if not 0.98 * expected - 1 <= coding.bytes_per_second <= 1.02 * expected + 1:
            raise _contradiction(coding)


def _contradiction(coding: Coding) -> DamagedError:
    return DamagedError(
        f"the file is damaged: its header contradicts itself ({coding.rate} Hz, "
        f"{coding.channels} channels of {coding.bits} bits, {coding.align} bytes a frame, "
        f"{coding.bytes_per_second} bytes a second)"
    )


def _chunks(data: Seen, start: int, end: int, order: str) -> list[Chunk]:
    """Return the chunks up to the audio, searching by name if a size is wrong."""
    found = []
    at = start + 12
    while at + 8 <= end and (chunk := _chunk(data, at, order)) is not None:
        found.append(chunk)
        if chunk.name == b"data":
            return found
        at = _next(data, chunk, end, order)
    names = {chunk.name for chunk in found}
    for name in (b"fmt ", b"ds64", b"data"):
        # A chunk may be hidden inside one whose size is too large.
        at = data.find(name, start + 12, min(end, start + 2**20))
        if name not in names and 0 <= at <= end - 8:
            named = _chunk(data, at, order)
            found += [named] if named is not None else []
    return found


def _chunk(data: Seen, at: int, order: str) -> Chunk | None:
    name = data[at : at + 4]
    if len(data) < at + 8 or not all(32 <= letter < 127 for letter in name):
        return None
    size = int.from_bytes(data[at + 4 : at + 8], "little" if order == "<" else "big")
    return Chunk(name, at + 8, size)


def _next(data: Seen, chunk: Chunk, end: int, order: str) -> int:
    """Return the start of the next chunk; some writers omit the padding after an odd size."""
    after = chunk.body + chunk.size
    padded = after + chunk.size % 2
    if padded != after and padded + 8 <= end and _chunk(data, padded, order) is None:
        return after
    return padded


def _are_chunks(data: Seen, at: int, end: int, order: str) -> bool:
    while at < end:
        chunk = _chunk(data, at, order)
        if chunk is None:
            # A few bytes of padding after the last chunk.
            return are_all(b"\0", data, at, end)
        if chunk.body + chunk.size > end:
            # The last chunk may be cut off; one with an unknown name may be audio.
            return chunk.name in _AFTER_AUDIO
        at = _next(data, chunk, end, order)
    return True


def _trailer(data: Data, low: int, high: int, order: str) -> int:
    tail = data[low:high]
    first = high
    for name in _AFTER_AUDIO:
        at = tail.find(name)
        while at >= 0:
            if low + at < first and _are_chunks(data, low + at, high, order):
                first = low + at
            at = tail.find(name, at + 1)
    return first


def _more_audio(data: Data, extent: Extent, end: int, order: str) -> list[tuple[int, int]]:
    """Return the ranges of further data chunks."""
    found = []
    at = extent.follows
    while at is not None and at < end and (chunk := _chunk(data, at, order)) is not None:
        if chunk.name == b"data" and chunk.size:
            size = end - chunk.body if is_open(chunk.size) else chunk.size
            found.append((chunk.body, min(chunk.body + size, end)))
        at = _next(data, chunk, end, order)
    return found


def _next_file(data: Data, body: int, end: int) -> int | None:
    """Return the start of another WAV file after this one's header."""
    for magic in MAGICS:
        at = data.find(magic, body, end)
        while at >= 0:
            if data[at + 8 : at + 16] in (b"WAVEfmt ", b"WAVEds64", b"WAVEJUNK", b"WAVELIST"):
                return at
            at = data.find(magic, at + 4, end)
    return None


def _part(
    data: Data,
    coding: Coding,
    fact: Chunk | None,
    stretches: list[tuple[int, int]],
    order: str,
) -> Part:
    size = sum(high - low for low, high in stretches)
    frames = size // coding.align if coding.tag in _UNCOMPRESSED else None
    if frames is not None:
        size = frames * coding.align
    elif size < coding.align and size < 32:
        frames = size = 0
    fields = b"fmt " + struct.pack(f"{order}I", len(coding.raw)) + coding.raw
    fields += b"\0" * (len(coding.raw) % 2)
    if fact is not None and frames is None:
        fields += b"fact" + struct.pack(f"{order}I", 4) + data[fact.body : fact.body + 4]
    if size < _LARGEST_RIFF:
        magic = b"RIFX" if order == ">" else b"RIFF"
        riff = 4 + len(fields) + 8 + size
        header = magic + struct.pack(f"{order}I", riff) + b"WAVE" + fields
        header += b"data" + struct.pack(f"{order}I", size)
    else:
        riff = 4 + 36 + len(fields) + 8 + size
        ds64 = b"ds64" + struct.pack("<IQQQI", 28, riff, size, frames or 0, 0)
        header = b"RF64" + b"\xff" * 4 + b"WAVE" + ds64 + fields + b"data" + b"\xff" * 4
    pieces = [view(data, low, high) for low, high in stretches]
    return Part((header, *pieces), frames, is_uncompressed=coding.is_uncompressed)
