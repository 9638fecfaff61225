"""Read several pieces of bytes as one file, without copying them.

Decoders thus receive a repaired header in front of the audio in the original file. The repairs are
decided by the modules of the containers.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Sequence

from audio_assets.audio.glimpse import Seen

Data = bytes | mmap.mmap
"""A whole file: its bytes, or a map of it."""
Piece = bytes | memoryview
"""A section of the file, or bytes that replace one."""

# As long as an ID3v1 tag, which decoders look for at the end.
_TAIL = 128
_CHUNK = 2**16


def view(data: Data, start: int, end: int) -> memoryview:
    """Return the bytes from ``start`` to ``end`` of a file, without copying."""
    return memoryview(data)[start:end]


def is_filling(data: Data, start: int, end: int) -> bool:
    """Return whether the bytes from ``start`` to ``end`` are filler: all 0, or erased flash."""
    return are_all(b"\0", data, start, end) or are_all(b"\xff", data, start, end)


def are_all(byte: bytes, data: Seen, start: int, end: int) -> bool:
    """Return whether all bytes from ``start`` to ``end`` equal ``byte``, up to the first other."""
    chunks = range(start, end, _CHUNK)
    return all(not data[at : min(at + _CHUNK, end)].strip(byte) for at in chunks)


class Stitched:
    """A readable file, as libsndfile's virtual files need it.

    Parameters
    ----------
    pieces
        Contents in order.
    times_longer
        Factor by which the file overstates its size. A decoder that guesses the number of samples
        from the file size then guesses too many, and reads to the end. The end of the claimed size
        reads as zeros, because decoders search for tags there.
    """

    def __init__(self, pieces: Sequence[Piece], times_longer: int = 1) -> None:
        self._pieces = [memoryview(piece) for piece in pieces]
        self._ends = [0]
        for piece in self._pieces:
            self._ends.append(self._ends[-1] + len(piece))
        self._claimed = self._ends[-1] * times_longer
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position and return it."""
        self._at = max(0, offset + (0, self._at, self._claimed)[whence])
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer with the available bytes and return their number."""
        wanted, got = len(buffer), 0
        while got < wanted and self._at < self._ends[-1]:
            index = bisect_right(self._ends, self._at) - 1
            start = self._at - self._ends[index]
            part = self._pieces[index][start : start + wanted - got]
            buffer[got : got + len(part)] = part
            got += len(part)
            self._at += len(part)
        if not got and self._ends[-1] < self._claimed and self._at >= self._claimed - _TAIL:
            got = min(wanted, max(0, self._claimed - self._at))
            buffer[:got] = bytes(got)
            self._at += got
        return got

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes; all remaining ones for -1."""
        buffer = bytearray(self._ends[-1] - self._at if size < 0 else size)
        return bytes(buffer[: self.readinto(memoryview(buffer))])
