"""FLAC (RFC 9639): find the real number of samples in a file.

The number of samples in STREAMINFO is only a claim. Each frame contains its position, so the last
one reveals the length; the MD5 of the samples settles any remaining doubt.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from audio_assets.audio.flac_frames import (
    Frame,
    frame_header,
    last_frame,
    last_in_sequence,
    possible_ends,
    sample_count,
)
from audio_assets.audio.glimpse import GlimpseLimitError, Seen
from audio_assets.audio.parts import (
    TOLERANCE_SECONDS,
    DamagedError,
    Layout,
    OtherCodingError,
    Part,
    StreamSummary,
    cut_off,
)
from audio_assets.audio.stitched import Data, Piece, Stitched, view

MAGIC = b"fLaC"
FORMATS = ("FLAC",)
_STREAMINFO = 34
_CUESHEET, _PICTURE = 5, 6
# libsndfile does not read more bits.
_MOST_BITS = 24
# libFLAC reads to the end of the file where STREAMINFO leaves the number of samples open.
_OPEN = 0


@dataclass(frozen=True)
class StreamInfo:
    """The metadata block that every file begins with.

    Attributes
    ----------
    rate, channels, bits
        Sample rate in Hz, number of channels, bits per sample.
    samples
        Number of samples per channel; 0 if left open.
    md5
        Digest of the samples; zeros if left out.
    least
        Bytes of the smallest frame; 0 if left open.
    """

    rate: int
    channels: int
    bits: int
    samples: int
    md5: bytes
    least: int


def flac_layout(data: Data, start: int, end: int) -> Layout:
    """Return the audio of a FLAC file between these bytes, or of several joined files.

    Raises
    ------
    DamagedError
        If it is cut off, or its header contradicts its frames; :class:`OtherCodingError` for more
        bits than libsndfile reads.
    """
    starts = [start]
    info, at = read_stream_info(data, start, end)
    # A picture in the metadata may contain anything, and searching the audio takes time.
    is_one = _is_one(data, info, at, end)
    if not is_one:
        while (at := data.find(MAGIC, at + 4, end)) > 0:
            # STREAMINFO is the first block, and its length is always the same.
            if data[at + 4 : at + 8] in (b"\x00\x00\x00\x22", b"\x80\x00\x00\x22"):
                starts.append(at)
    ends = [*starts[1:], end]
    parts = [_part(data, low, high, is_one) for low, high in zip(starts, ends, strict=True)]
    joined = f"it is {len(parts)} FLAC files joined, and all were used"
    return Layout("FLAC", FORMATS, parts, joined if len(parts) > 1 else None)


def flac_summary(data: Seen, start: int, end: int) -> StreamSummary:
    """Summarise a file between these bytes by its header and its last frame.

    Raises
    ------
    DamagedError
        If it is cut off in its metadata.
    """
    info, audio = read_stream_info(data, start, end)
    frames = None
    try:
        first = frame_header(data, audio, end)
        frames = None if first is None else sample_count(first, last_frame(data, first, end))
    except GlimpseLimitError:
        # The data after the last frame is longer than a glimpse.
        pass
    return StreamSummary(info.rate, info.channels, frames)


def _part(data: Data, start: int, end: int, is_one: bool) -> Part:
    """Return one file between these bytes; ``is_one`` if its frames were counted already."""
    info, audio = read_stream_info(data, start, end)
    if audio >= end:
        if info.samples:
            raise cut_off(info.samples / info.rate, info.samples / info.rate, "its header")
        return Part((view(data, start, end),), 0)
    first = frame_header(data, audio, end)
    if first is None:
        raise DamagedError(f"the file is damaged: no frame of FLAC begins at byte {audio}")
    for name in ("rate", "channels", "bits"):
        of_frame, of_file = getattr(first, name), getattr(info, name)
        if of_frame and of_frame != of_file:
            raise DamagedError(
                f"the file is damaged: its header gives {name} {of_file}, its first frame "
                f"{of_frame}"
            )
    if info.bits > _MOST_BITS:
        raise OtherCodingError(f"FLAC of {info.bits} bits", "needs_extra")
    last = last_frame(data, first, end)
    there = sample_count(first, last)
    if not is_one:
        _check_sequence(data, first, last, end, info.least)
    header, after = data[start : start + 8 + _STREAMINFO], start + 8 + _STREAMINFO
    as_it_is: tuple[Piece, ...] = (view(data, start, end),)
    if not _is_readable(data, after, audio):
        header, after = header[:4] + b"\x80" + header[5:], audio
        as_it_is = (header, view(data, after, end))
    claim = int.from_bytes(header[18:26], "big")
    header = header[:18] + (claim >> 36 << 36 | _OPEN).to_bytes(8, "big") + header[26:]

    def up_to(audio_end: int, there: int, fault: DamagedError | None = None) -> Part:
        pieces = (header, view(data, after, audio_end))
        verify = None if fault else partial(_verify, info, pieces)
        return Part(pieces, there, verify=verify, fault=fault)

    def without_tail() -> Part | None:
        audio_end = _end_of(data, last, end, header)
        if audio_end is not None:
            return None if audio_end == end else up_to(audio_end, there)
        # The rest of the last frame cannot be decoded.
        total = info.samples or there
        if (total - there + last.size) / info.rate > TOLERANCE_SECONDS:
            missing = (total - there + last.size) / info.rate
            fault = cut_off(missing, total / info.rate, "its header")
            return up_to(last.at, there - last.size, fault)
        return up_to(last.at, there - last.size)

    if there == info.samples:
        # All frames are there, and the decoder will find out whether anything follows the last one.
        return Part(as_it_is, there, retry=without_tail)
    return without_tail() or up_to(end, there)


def read_stream_info(data: Seen, start: int, end: int) -> tuple[StreamInfo, int]:
    """Return the STREAMINFO of a file, and the start of its first frame.

    Raises
    ------
    DamagedError
        If it is not there, or the file ends within its metadata.
    """
    body = data[start + 8 : start + 8 + _STREAMINFO]
    if len(body) < _STREAMINFO or data[start + 4] & 0x7F:
        raise DamagedError("the file is damaged: a FLAC file begins with STREAMINFO")
    packed = int.from_bytes(body[10:18], "big")
    info = StreamInfo(
        rate=packed >> 44,
        channels=(packed >> 41 & 7) + 1,
        bits=(packed >> 36 & 31) + 1,
        samples=packed & (2**36 - 1),
        md5=body[18:34],
        least=int.from_bytes(body[4:7], "big"),
    )
    if not info.rate:
        raise DamagedError("the file is damaged: its header gives a sample rate of 0 Hz")
    at, last = start + 4, False
    while not last:
        head = data[at : at + 4]
        if len(head) < 4 or at >= end:
            raise DamagedError("the file is cut off: it ends within its metadata")
        last = bool(head[0] & 0x80)
        at += 4 + int.from_bytes(head[1:4], "big")
    return info, at


def _is_readable(data: Data, at: int, audio: int) -> bool:
    """Return whether the decoder can read all metadata from here; it fails at faulty pictures."""
    while at < audio:
        if data[at] & 0x7F in (_CUESHEET, _PICTURE):
            return False
        at += 4 + int.from_bytes(data[at + 1 : at + 4], "big")
    return True


def _is_one(data: Data, info: StreamInfo, audio: int, end: int) -> bool:
    """Return whether the number of frames up to the last one is exactly that of the header."""
    first = frame_header(data, audio, end)
    if first is None:
        return False
    last = last_frame(data, first, end)
    return (
        sample_count(first, last) == info.samples
        and last_in_sequence(data, first, last, end, info.least) == last.at
    )


def _check_sequence(data: Data, first: Frame, last: Frame, end: int, least: int) -> None:
    """Fail if a frame is missing, which the decoder would replace by silence."""
    at = last_in_sequence(data, first, last, end, least)
    if at != last.at:
        raise DamagedError(f"the file is damaged: a frame of FLAC is missing after byte {at}")


def _end_of(data: Data, frame: Frame, end: int, header: bytes) -> int | None:
    """Return the end of a frame; None if it is incomplete."""
    import soundfile

    # The remainder is 0 by chance once in 65,536 bytes, and stays 0 over zeros after a frame: the
    # first place up to which the decoder finds the whole frame is the right one.
    alone = header[:4] + bytes([header[4] | 0x80]) + header[5:]
    for at in possible_ends(data, frame, end):
        try:
            with soundfile.SoundFile(Stitched((alone, view(data, frame.at, at)))) as file:
                file.seekable = lambda: False
                if len(file.read(frame.size)) == frame.size:
                    return at
        except soundfile.SoundFileError:
            continue
    return None


def _verify(info: StreamInfo, pieces: Sequence[Piece], read: int) -> str | None:
    """Compare the decoded samples with the header's count and digest."""
    if info.samples == read or (not info.samples and not any(info.md5)):
        return None
    missing = (info.samples - read) / info.rate
    if info.samples and -TOLERANCE_SECONDS <= missing <= TOLERANCE_SECONDS:
        return None
    counted = f"its header counts {info.samples / info.rate:.2f} s of audio"
    note = f"{counted}, and {read / info.rate:.2f} s are there and were used"
    if missing < 0 and info.samples:
        return note
    if any(info.md5) and _md5(info, pieces) == info.md5:
        return note if info.samples else None
    if info.samples:
        raise cut_off(missing, info.samples / info.rate, "its header")
    raise DamagedError(
        "the file is damaged or cut off: its samples do not have the checksum that its header gives"
    )


def _md5(info: StreamInfo, pieces: Sequence[Piece]) -> bytes:
    """Return the MD5 of the samples, computed as for STREAMINFO."""
    import soundfile

    width = -(-info.bits // 8)
    digest = hashlib.md5(usedforsecurity=False)
    with soundfile.SoundFile(Stitched(pieces)) as file:
        file.seekable = lambda: False
        while len(block := file.read(2**20 // info.channels, dtype="int32", always_2d=True)):
            values = np.ascontiguousarray(block >> (32 - info.bits)).astype("<i4")
            digest.update(values.view(np.uint8).reshape(-1, 4)[:, :width].tobytes())
    return digest.digest()
