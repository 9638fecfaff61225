"""Files that cost gigabytes or minutes where they are read before they are judged."""

import struct
from dataclasses import dataclass
from pathlib import Path

from audio_assets_tests.audio.odd_flac import crc8, crc16
from audio_assets_tests.bucket_server import Sparse


@dataclass(frozen=True)
class Hostile:
    """A file that begins with some bytes and has nothing but zeros after them.

    Attributes
    ----------
    reason
        Why it is no clip.
    """

    start: bytes
    size: int
    reason: str

    def write(self, path: Path) -> None:
        """Put it on a disk; the zeros take no room there."""
        with path.open("wb") as file:
            file.write(self.start)
            file.truncate(self.size)

    def sparse(self) -> Sparse:
        """It as an object of the stand-in bucket."""
        return Sparse(self.size, self.start)


def long_wav(seconds: float, rate: int = 48_000) -> Hostile:
    """A WAV file of one channel of 16 bits."""
    size = round(seconds * rate) * 2
    header = b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
    header += struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    header += b"data" + struct.pack("<I", size)
    return Hostile(header, len(header) + size, "too_long")


def no_audio(size: int) -> Hostile:
    """A file that begins as a ZIP archive does."""
    return Hostile(b"PK\x03\x04", size, "not_audio")


def wide_flac(seconds: float = 590) -> Hostile:
    """A small FLAC file of 8 channels at 384 kHz, not too long and of very many samples."""
    data = steps_of_constants(seconds, 384_000, 8)
    return Hostile(data, len(data), "too_large")


def steps_of_constants(
    seconds: float, rate: int, channels: int, *, total: int | None = None, block: int = 4_096
) -> bytes:
    """A FLAC file in which each frame holds one value per channel: a few dozen bytes per frame."""
    count = -(-round(seconds * rate) // block)
    total = count * block if total is None else total
    packed = rate << 44 | channels - 1 << 41 | 15 << 36 | total
    sizes = struct.pack(">HH", block, block) + bytes(6)
    streaminfo = sizes + packed.to_bytes(8, "big") + bytes(16)
    found = [b"fLaC\x80\x00\x00\x22", streaminfo]
    tail = struct.pack(">HH", block - 1, rate // 10)
    for number in range(count):
        coded = chr(number).encode("utf-8", "surrogatepass")
        header = b"\xff\xf8\x7e" + bytes([channels - 1 << 4 | 8]) + coded + tail
        header += bytes([crc8(header)])
        value = 1_000 if number % 2 else -1_000
        frame = header + (b"\x00" + struct.pack(">h", value)) * channels
        found.append(frame + crc16(frame).to_bytes(2, "big"))
    return b"".join(found)
