"""Encode samples as the bytes of an audio file, the same bytes every time."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

SUBTYPES = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}

_OGG_SERIAL = struct.Struct("<I")
_OGG_HEADER = 27


def encode(sound: NDArray[np.float64], rate: int, extension: str) -> bytes:
    """Encode ``float64[samples, channels]`` in [-1, 1] as a file of type ``extension``.

    Raises
    ------
    KeyError
        If ``extension`` is not one of :data:`SUBTYPES`.
    """
    import soundfile

    file = io.BytesIO()
    subtype = SUBTYPES[extension]
    soundfile.write(file, sound, rate, format=extension.upper(), subtype=subtype)
    encoded = file.getvalue()
    # libsndfile draws the serial number of an Ogg stream from the clock.
    return with_ogg_serial(encoded, zlib.crc32(sound.tobytes())) if extension == "ogg" else encoded


def with_ogg_serial(stream: bytes, serial: int) -> bytes:
    """Give every page of a single Ogg stream the serial number ``serial``, and a new checksum.

    Page layout: RFC 3533, section 6.

    Raises
    ------
    ValueError
        If the bytes are not a whole number of Ogg pages.
    """
    pages = bytearray(stream)
    start = 0
    while start < len(pages):
        if pages[start : start + 4] != b"OggS":
            raise ValueError(f"no Ogg page at byte {start}")
        segments = pages[start + 26]
        table = pages[start + _OGG_HEADER : start + _OGG_HEADER + segments]
        end = start + _OGG_HEADER + segments + sum(table)
        if len(table) != segments or end > len(pages):
            raise ValueError(f"the Ogg page at byte {start} is cut off")
        _OGG_SERIAL.pack_into(pages, start + 14, serial)
        _OGG_SERIAL.pack_into(pages, start + 22, 0)
        _OGG_SERIAL.pack_into(pages, start + 22, _ogg_checksum(pages[start:end]))
        start = end
    return bytes(pages)


def _ogg_checksum(page: bytes | bytearray) -> int:
    """CRC-32 with polynomial 0x04c11db7, most significant bit first, from 0, without inversion.

    zlib has the same polynomial in reverse, so bits are reversed before and after it; a table in
    Python would take 4 ms per file.
    """
    mirrored = zlib.crc32(page.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)


_MIRRORED = bytes(int(f"{value:08b}"[::-1], 2) for value in range(256))
