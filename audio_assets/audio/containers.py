"""Recognise a file's container by its first bytes, and hand it to the container's module.

Parsing the bytes of a container belongs to that module.
"""

from __future__ import annotations

from audio_assets.audio.flac import MAGIC as FLAC_MAGIC
from audio_assets.audio.flac import flac_layout, flac_summary
from audio_assets.audio.glimpse import Seen
from audio_assets.audio.mpeg import find_first_frame, mpeg_layout, mpeg_summary
from audio_assets.audio.ogg import MAGIC as OGG_MAGIC
from audio_assets.audio.ogg import ogg_layout, ogg_summary
from audio_assets.audio.parts import DamagedError, Layout, StreamSummary
from audio_assets.audio.sized import sized_kind, sized_layout, sized_summary
from audio_assets.audio.stitched import Data
from audio_assets.audio.tags import after_leading_tags, before_trailing_tags
from audio_assets.audio.wav import MAGICS as WAV_MAGICS
from audio_assets.audio.wav import wav_layout, wav_summary

NAMES = "WAV, FLAC, OGG, MP3, AIFF, W64, CAF or AU"
"""The containers that are read without an extra."""

# Formats that need the extra, by the first bytes at an offset.
_MORE = (
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "WMA"),
    (0, b"wvpk", "WavPack"),
    (0, b"#!AMR", "AMR"),
    (0, b"MAC ", "Monkey's Audio"),
    (0, b"TTA1", "True Audio"),
    (0, b"\x1a\x45\xdf\xa3", "Matroska"),
    (0, b"MPCK", "Musepack"),
    (0, b"ADIF", "AAC"),
    (4, b"ftyp3g", "3GP"),
    (4, b"ftyp", "M4A"),
)
# A cut file may begin in the middle of a frame; other files contain frames by chance further on.
_SEARCHED = 2**12


def container(data: Seen) -> str | None:
    """Return the container's name by its first bytes, such as ``WAV`` or ``M4A``, or None."""
    at = after_leading_tags(data)
    head = data[at : at + 16]
    if head[:4] in WAV_MAGICS and head[8:12] == b"WAVE":
        return "WAV"
    if head[:4] == FLAC_MAGIC:
        return "FLAC"
    if head[:4] == OGG_MAGIC:
        return "OGG"
    kind = sized_kind(data, at)
    if kind is not None:
        return kind
    for offset, magic, name in _MORE:
        if head[offset : offset + len(magic)] == magic:
            return name
    if head[:1] == b"\xff" and len(head) > 1 and head[1] & 0xF6 == 0xF0:
        return "AAC"
    # Eleven set bits begin an MPEG frame.
    if at or (head[:1] == b"\xff" and len(head) > 1 and head[1] >= 0xE0):
        return "MP3"
    # The row of frames that is needed is far shorter than the rest of this.
    start = data[: 16 * _SEARCHED]
    stop = min(len(start), _SEARCHED)
    return "MP3" if find_first_frame(start, 0, stop, len(start)) is not None else None


def needs_extra(kind: str) -> bool:
    """Return whether only the extra reads this container."""
    return kind == "AAC" or kind in {name for _, _, name in _MORE}


def layout_of(data: Data, kind: str) -> Layout:
    """Return the parts of a file of this container, with a fault if one is cut off.

    Raises
    ------
    DamagedError
        If it cannot be used.
    """
    start = after_leading_tags(data)
    if kind == "WAV":
        return wav_layout(data, start)
    if kind == "MP3":
        return mpeg_layout(data, start)
    end = before_trailing_tags(data, start)
    if kind == "FLAC":
        return flac_layout(data, start, end)
    if kind == "OGG":
        return ogg_layout(data, start, end)
    if needs_extra(kind):
        raise DamagedError(f"{kind} is not read here")
    return sized_layout(data, start, end, kind)


def summary_of(data: Seen, kind: str) -> StreamSummary | None:
    """Summarise a file of this container without reading all of it; None if nothing is known.

    Raises
    ------
    DamagedError
        If it cannot be used.
    GlimpseLimitError
        If a glimpse is not enough.
    """
    start = after_leading_tags(data)
    if kind == "MP3":
        return mpeg_summary(data, start)
    if kind == "OGG":
        return ogg_summary(data, start)
    if needs_extra(kind):
        return None
    end = before_trailing_tags(data, start)
    if kind == "WAV":
        return wav_summary(data, start, end)
    if kind == "FLAC":
        return flac_summary(data, start, end)
    return sized_summary(data, start, end, kind)
