"""What a sound file says of itself, read from its bytes before it is decoded.

The decoder forgives what a listener would forgive: it plays what is left of a file that was cut
off. Here a file that is not whole is told apart, because the call that made a clip a positive may
lie in the part that is missing. FLAC needs nothing here: its decoder refuses such files itself.
"""

import struct
import zlib

# Sizes that a writer leaves in the header when it cannot seek back to fill them in.
_STREAMED = (0, 0xFFFFFFFF)
_OGG_HEADER = 27
_OGG_LAST_PAGE = 4
_REVERSED_BITS = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


class CutOffError(Exception):
    """A file is damaged or has fewer bytes than it says; the message has figures."""


def container(data: bytes) -> str | None:
    """Name of the container by its first bytes: WAV, FLAC, OGG, MP3; None for anything else."""
    if data[:4] in (b"RIFF", b"RIFX", b"RF64") and data[8:12] == b"WAVE":
        return "WAV"
    if data[:4] == b"fLaC":
        return "FLAC"
    if data[:4] == b"OggS":
        return "OGG"
    # Eleven set bits begin an MPEG frame.
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and len(data) > 1 and data[1] >= 0xE0):
        return "MP3"
    return None


def whole_wav(data: bytes) -> bytes:
    """The file, with the sizes filled in that a streaming writer left open.

    Raises
    ------
    CutOffError
        If the data chunk promises more bytes than the file has.
    """
    order = ">" if data[:4] == b"RIFX" else "<"
    riff_size = _uint32(data, 4, order)
    promised_64 = None
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], _uint32(data, at + 4, order)
        body = at + 8
        if name == b"ds64" and len(data) >= body + 16:
            (promised_64,) = struct.unpack_from("<Q", data, body + 8)
        if name == b"data":
            present = len(data) - body
            # An empty data chunk with other chunks after it is empty; the size of the whole file
            # tells it from one whose size was never filled in.
            unfilled = size == 0xFFFFFFFF or riff_size in _STREAMED or riff_size + 8 <= body
            if data[:4] == b"RF64" and promised_64 is not None and size == 0xFFFFFFFF:
                size = promised_64
            elif size in _STREAMED and unfilled and present < 0xFFFFFFFF:
                return data[: body - 4] + struct.pack(f"{order}I", present) + data[body:]
            if present and size > present:
                raise CutOffError(
                    f"the file is cut off: its data chunk promises {size} bytes and has {present}"
                )
            return data
        at = body + size + size % 2
    raise CutOffError("the file is cut off: it ends before its data chunk")


def check_ogg(data: bytes) -> None:
    """Check that every page is there and undamaged (RFC 3533).

    The decoder skips a damaged page in silence and so shifts what follows it.

    Raises
    ------
    CutOffError
        If a page is damaged, cut or missing, or a stream lacks its last page.
    """
    at = 0
    pages: dict[int, int] = {}
    unfinished: set[int] = set()
    while at < len(data):
        header = data[at : at + _OGG_HEADER]
        if len(header) == _OGG_HEADER and header[:4] != b"OggS":
            raise CutOffError(f"the file is damaged: no Ogg page at byte {at}")
        if len(header) < _OGG_HEADER:
            raise CutOffError(f"the file is cut off: its last Ogg page begins at byte {at}")
        flags, serial, sequence, crc, segments = struct.unpack("<5xB8xIIIB", header)
        body = at + _OGG_HEADER + segments
        end = body + sum(data[at + _OGG_HEADER : body])
        if end > len(data) or len(data) < body:
            raise CutOffError(
                f"the file is cut off: its last Ogg page ends at byte {end} of {len(data)}"
            )
        if _ogg_crc(data[at : at + 22] + bytes(4) + data[at + 26 : end]) != crc:
            raise CutOffError(f"the file is damaged: wrong checksum of the Ogg page at byte {at}")
        if sequence != pages.get(serial, sequence - 1) + 1:
            raise CutOffError(f"the file is damaged: an Ogg page is missing before byte {at}")
        pages[serial] = sequence
        (unfinished.discard if flags & _OGG_LAST_PAGE else unfinished.add)(serial)
        at = end
    if unfinished:
        raise CutOffError(f"the file is cut off: it ends at byte {at} without a last Ogg page")


def _uint32(data: bytes, at: int, order: str) -> int:
    value: int
    (value,) = struct.unpack_from(f"{order}I", data, at)
    return value


def _ogg_crc(page: bytes) -> int:
    """CRC-32 without reflection, start or end value: zlib's, on bytes with their bits reversed."""
    crc = zlib.crc32(page.translate(_REVERSED_BITS), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int.from_bytes(crc.to_bytes(4, "little").translate(_REVERSED_BITS), "big")
