"""Several stretches of bytes read as one file, without a copy of them.

Decoders are given repaired headers in front of the audio as it lies in the file. What has to be
repaired is decided by the modules of the containers.
"""

from __future__ import annotations

import mmap
from bisect import bisect_right
from collections.abc import Sequence

from audio_assets.audio.glimpse import Seen

Data = bytes | mmap.mmap
"""A whole file: its bytes, or a map of it."""
Piece = bytes | memoryview
"""A stretch of it, or bytes that take the place of one."""

# As long as an ID3v1 tag, which decoders look for at the end.
_TAIL = 128
_CHUNK = 2**16


def stretch(data: Data, start: int, end: int) -> memoryview:
    """The bytes from ``start`` to ``end`` of a file, without a copy."""
    return memoryview(data)[start:end]


def is_filling(data: Data, start: int, end: int) -> bool:
    """Whether all bytes from ``start`` to ``end`` are those of empty space: 0, or erased flash."""
    return are_all(b"\0", data, start, end) or are_all(b"\xff", data, start, end)


def are_all(byte: bytes, data: Seen, start: int, end: int) -> bool:
    """Whether all bytes from ``start`` to ``end`` are this one; read up to the first other one."""
    chunks = range(start, end, _CHUNK)
    return all(not data[at : min(at + _CHUNK, end)].strip(byte) for at in chunks)


class Stitched:
    """A file for reading, as libsndfile's virtual files need it.

    Parameters
    ----------
    pieces
        What it holds, in order.
    times_longer
        How many times longer it claims to be. A decoder that guesses the number of samples from
        the size of the file then guesses more than there are, and reads to the end. At the end that
        is claimed it has zeros, as decoders look for tags there.
    """

    def __init__(self, pieces: Sequence[Piece], times_longer: int = 1) -> None:
        self._pieces = [memoryview(piece) for piece in pieces]
        self._ends = [0]
        for piece in self._pieces:
            self._ends.append(self._ends[-1] + len(piece))
        self._claimed = self._ends[-1] * times_longer
        self._at = 0

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position; the new one."""
        self._at = max(0, offset + (0, self._at, self._claimed)[whence])
        return self._at

    def tell(self) -> int:
        """The position."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:
        """Fill the buffer as far as there are bytes; their number."""
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
        """At most so many bytes; all that are left for -1."""
        buffer = bytearray(self._ends[-1] - self._at if size < 0 else size)
        return bytes(buffer[: self.readinto(memoryview(buffer))])
