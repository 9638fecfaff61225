"""AIFF, W64, CAF and AU: find the bytes of a file that are audio.

The decoder receives the file with corrected sizes, or unchanged if its sizes are right.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from audio_assets.audio.extent import Claim, find_audio, is_open, least_audio
from audio_assets.audio.glimpse import Seen
from audio_assets.audio.parts import DamagedError, Layout, Part, StreamSummary
from audio_assets.audio.stitched import Data, Piece, view
from audio_assets.audio.wav import Chunk, read_coding

_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")
_W64_HEADER = 24
# Bytes per sample by AU's number and AIFF's name of a coding.
_AU_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}
_AIFC_BYTES = {
    b"fl32": 4, b"FL32": 4, b"fl64": 8, b"FL64": 8, b"ulaw": 1, b"ULAW": 1, b"alaw": 1,
    b"ALAW": 1, b"raw ": 1,
}  # fmt: skip
_AIFC_PCM = (b"NONE", b"sowt", b"twos", b"in24", b"in32", b"42ni", b"23ni")
_CAF_BYTES_KNOWN = (b"lpcm", b"ulaw", b"alaw")


@dataclass(frozen=True)
class _Field:
    """A size field of the file: its offset, its :mod:`struct` format, and its correct value."""

    at: int
    form: str
    value: Callable[[int], int]


@dataclass(frozen=True)
class _Sized:
    kind: str
    channels: int
    claim: Claim
    fields: list[_Field]
    are_chunks: Callable[[int], bool]


def sized_kind(data: Seen, start: int) -> str | None:
    """Return the name of the container that begins here, if it is one of these."""
    head = data[start : start + 16]
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF"
    if head[:4] in (b".snd", b"dns."):
        return "AU"
    if head[:4] == b"caff":
        return "CAF"
    return "W64" if head == _W64_RIFF else None


def sized_layout(data: Data, start: int, end: int, kind: str) -> Layout:
    """Return the audio of a file of such a container between these bytes.

    Raises
    ------
    DamagedError
        If it ends before its audio.
    """
    found = _HEADERS[kind](data, start, end)
    if found is None:
        # Compressed: only the decoder knows how far it goes.
        return Layout(kind, (kind,), (Part((view(data, start, end),)),))
    claim = found.claim
    extent = find_audio(data, claim, are_chunks=found.are_chunks, trailer=lambda low, high: high)
    frames = (extent.end - extent.start) // claim.frame_bytes
    size = frames * claim.frame_bytes
    if size == claim.claimed and all(
        struct.unpack(field.form, _raw(data, field))[0] == field.value(size)
        for field in found.fields
    ):
        pieces: list[Piece] = [view(data, start, end)]
    else:
        pieces = []
        at = start
        for field in sorted(found.fields, key=lambda field: field.at):
            pieces += [view(data, at, field.at), struct.pack(field.form, field.value(size))]
            at = field.at + struct.calcsize(field.form)
        pieces.append(view(data, at, extent.start + size))
    part = Part(pieces, frames, fault=extent.fault, is_uncompressed=True)
    return Layout(kind, (kind,), (part,), extent.note)


def sized_summary(data: Seen, start: int, end: int, kind: str) -> StreamSummary | None:
    """Summarise a file between these bytes by its header; None if it is compressed.

    Raises
    ------
    DamagedError
        If audio is missing.
    """
    found = _HEADERS[kind](data, start, end)
    if found is None:
        return None
    claim = found.claim
    size = least_audio(claim, found.are_chunks)
    return StreamSummary(
        claim.bytes_per_second / claim.frame_bytes,
        found.channels,
        size // claim.frame_bytes,
        claim.frame_bytes / found.channels,
    )


def _raw(data: Data, field: _Field) -> bytes:
    return data[field.at : field.at + struct.calcsize(field.form)]


def _missing(kind: str, what: str) -> DamagedError:
    return DamagedError(f"the file is cut off: it ends before the {what} of its {kind}")


def _au(data: Seen, start: int, end: int) -> _Sized | None:
    order = ">" if data[start : start + 4] == b".snd" else "<"
    head = data[start : start + 24]
    if len(head) < 24:
        raise _missing("AU", "header")
    offset, size, coding, rate, channels = struct.unpack(f"{order}5I", head[4:])
    frame = _AU_BYTES.get(coding, 0) * channels
    if not frame or not rate:
        return None
    body = start + offset
    claim = Claim(body, size, max(end, body), frame, frame * rate)
    fields = [_Field(start + 8, f"{order}I", lambda size: min(size, 2**32 - 1))]
    return _Sized("AU", channels, claim, fields, lambda at: False)


def _aiff(data: Seen, start: int, end: int) -> _Sized | None:
    chunks: dict[bytes, tuple[int, int]] = {}
    at = start + 12
    while at + 8 <= end and (head := _named(data, at)) is not None:
        name, size = head
        chunks.setdefault(name, (at + 8, size))
        if name == b"SSND" and b"COMM" in chunks:
            break
        at += 8 + size + size % 2
    for name, what in ((b"COMM", "format"), (b"SSND", "audio")):
        if name not in chunks:
            raise _missing("AIFF", what)
    common, _ = chunks[b"COMM"]
    sound, size = chunks[b"SSND"]
    fields = data[common : common + 22]
    if len(fields) < 18:
        raise _missing("AIFF", "format")
    channels, counted, bits = struct.unpack(">HIH", fields[:8])
    rate = _extended(fields[8:18])
    coding = b"NONE" if data[start + 8 : start + 12] == b"AIFF" else fields[18:22]
    width = -(-bits // 8) if coding in _AIFC_PCM else _AIFC_BYTES.get(coding, 0)
    frame = width * channels
    if not frame or not rate:
        return None
    offset = int.from_bytes(data[sound : sound + 4], "big")
    body = sound + 8 + offset
    claimed = max(size - 8 - offset, 0)
    if body + claimed > end and 0 < counted * frame <= end - body:
        claimed = counted * frame
    elif not is_open(counted) and not is_open(size) and counted * frame != claimed:
        # The frames may be too few, or the channels, the bits or the offset wrong.
        raise DamagedError(
            f"the file is damaged: its header contradicts itself ({counted} frames of {frame} "
            f"bytes, and {claimed} bytes of audio)"
        )
    claim = Claim(body, claimed, max(end, body), frame, frame * rate)
    mended = [
        _Field(start + 4, ">I", lambda size: min(body + size - start - 8, 2**32 - 1)),
        _Field(common + 2, ">I", lambda size: size // frame),
        _Field(sound - 4, ">I", lambda size: min(size + 8 + offset, 2**32 - 1)),
    ]
    if body + claimed <= end and counted * frame == claimed:
        mended = mended[1:]
    return _Sized("AIFF", channels, claim, mended, lambda at: _are_named(data, at, end))


def _caf(data: Seen, start: int, end: int) -> _Sized | None:
    rate, coding, frame, channels, bits = 0.0, b"", 0, 0, 0
    at = start + 8
    while at + 12 <= end:
        name = data[at : at + 4]
        (size,) = struct.unpack(">q", data[at + 4 : at + 12])
        if name == b"desc" and at + 44 <= end:
            fields = struct.unpack(">d4sIIIII", data[at + 12 : at + 44])
            rate, coding, _, frame, _, channels, bits = fields
        if name == b"data":
            if coding not in _CAF_BYTES_KNOWN or not frame or not rate > 0:
                return None
            if frame not in (channels * -(-bits // 8), channels * 4 if bits == 24 else 0):
                raise DamagedError(
                    f"the file is damaged: its header contradicts itself ({frame} bytes for "
                    f"{channels} channels of {bits} bits)"
                )
            body = at + 16
            claimed = 0 if size < 0 else max(size - 4, 0)
            claim = Claim(body, claimed, max(end, body), frame, frame * rate)
            size_field = _Field(at + 4, ">q", lambda size: size + 4)
            return _Sized("CAF", channels, claim, [size_field], lambda at: _are_caf(data, at, end))
        if size < 0:
            break
        at += 12 + size
    raise _missing("CAF", "audio")


def _w64(data: Seen, start: int, end: int) -> _Sized | None:
    at = start + 40
    coding = None
    while at + _W64_HEADER <= end:
        name = data[at : at + 4]
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        body = at + _W64_HEADER
        if name == b"fmt ":
            coding = read_coding(data, Chunk(name, body, size - _W64_HEADER))
        if name == b"data" and coding is not None:
            if not coding.align or not coding.is_uncompressed:
                return None
            claimed = max(size - _W64_HEADER, 0)
            claim = Claim(body, claimed, max(end, body), coding.align, coding.bytes_per_second)
            fields = [
                _Field(start + 16, "<Q", partial(operator.add, body - start)),
                _Field(at + 16, "<Q", lambda size: size + _W64_HEADER),
            ]
            right = body + claimed <= end
            return _Sized(
                "W64", coding.channels, claim, fields[right:], lambda at: _are_w64(data, at, end)
            )
        if size < _W64_HEADER:
            break
        at += -(-size // 8) * 8
    raise _missing("W64", "audio")


def _named(data: Seen, at: int) -> tuple[bytes, int] | None:
    name = data[at : at + 4]
    if not all(32 <= letter < 127 for letter in name):
        return None
    return name, int.from_bytes(data[at + 4 : at + 8], "big")


def _are_named(data: Seen, at: int, end: int) -> bool:
    while at + 8 <= end:
        head = _named(data, at)
        if head is None:
            return False
        at += 8 + head[1] + head[1] % 2
    return at - end in (0, 1)


def _are_caf(data: Seen, at: int, end: int) -> bool:
    while at + 12 <= end:
        if not all(32 <= letter < 127 for letter in data[at : at + 4]):
            return False
        (size,) = struct.unpack(">q", data[at + 4 : at + 12])
        if size < 0:
            return False
        at += 12 + size
    return at == end


def _are_w64(data: Seen, at: int, end: int) -> bool:
    at = -(-at // 8) * 8
    while at + _W64_HEADER <= end:
        size = int.from_bytes(data[at + 16 : at + 24], "little")
        if size < _W64_HEADER:
            return False
        at += -(-size // 8) * 8
    return 0 <= at - end < 8


def _extended(raw: bytes) -> float:
    """Parse a positive 80-bit floating-point number of AIFF; 0.0 for anything else."""
    exponent, mantissa = struct.unpack(">HQ", raw)
    if exponent >= 0x8000 or not 16_383 <= exponent < 16_383 + 40:
        return 0.0
    return math.ldexp(mantissa, exponent - 16_383 - 63)


_HEADERS: Mapping[str, Callable[[Seen, int, int], _Sized | None]] = {
    "AIFF": _aiff, "AU": _au, "CAF": _caf, "W64": _w64,
}  # fmt: skip
