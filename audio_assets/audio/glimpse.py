"""Partial reading of a large file: only the blocks that are accessed are read.

This module knows neither the source nor the meaning of the bytes: the modules of the containers
read a glimpse as they read a whole file.
"""

from __future__ import annotations

import mmap
from collections.abc import Callable
from typing import overload

MOST_BYTES = 2**19
"""Limit on bytes read; a header and the last frames of an ordinary file take 64 to 256 kB."""

_BLOCK = 2**16


class GlimpseLimitError(Exception):
    """The answer would require reading more of the file than a glimpse may."""


class Glimpse:
    """A file, read in blocks as they are needed.

    Parameters
    ----------
    size
        Bytes of the whole file.
    read
        Returns the bytes from the first to before the second offset.
    most
        Bytes after which to give up.

    Attributes
    ----------
    bytes_read
        Bytes read so far.
    """

    def __init__(
        self, size: int, read: Callable[[int, int], bytes], most: int = MOST_BYTES
    ) -> None:
        self._size = size
        self._read = read
        self._most = most
        self._blocks: dict[int, bytes] = {}
        self.bytes_read = 0

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, part: int) -> int: ...

    @overload
    def __getitem__(self, part: slice) -> bytes: ...

    def __getitem__(self, part: int | slice) -> int | bytes:
        """Return a byte or a slice, as :class:`bytes` does.

        Raises
        ------
        GlimpseLimitError
            If that exceeds the limit.
        """
        if isinstance(part, int):
            return self._bytes(range(self._size)[part], range(self._size)[part] + 1)[0]
        start, stop, step = part.indices(self._size)
        return self._bytes(start, stop)[::step]

    def find(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Return the first offset of some bytes in a range, or -1; raises as reading does."""
        stop = min(self._size if end is None else end, self._size)
        for low in range(start, stop, _BLOCK):
            # A match may begin in this block and end in the next.
            found = self._bytes(low, min(low + _BLOCK + len(wanted) - 1, stop)).find(wanted)
            if found >= 0:
                return low + found
        return -1

    def rfind(self, wanted: bytes, start: int = 0, end: int | None = None) -> int:
        """Search like :meth:`find`, but from the end."""
        stop = min(self._size if end is None else end, self._size)
        for high in range(stop, start, -_BLOCK):
            low = max(high - _BLOCK, start)
            found = self._bytes(low, min(high + len(wanted) - 1, stop)).rfind(wanted)
            if found >= 0:
                return low + found
        return -1

    def _bytes(self, start: int, stop: int) -> bytes:
        if stop <= start:
            return b""
        first, last = start // _BLOCK, (stop - 1) // _BLOCK
        missing = [n for n in range(first, last + 1) if n not in self._blocks]
        if missing:
            low, high = missing[0] * _BLOCK, min((missing[-1] + 1) * _BLOCK, self._size)
            if self.bytes_read + high - low > self._most:
                raise GlimpseLimitError(f"more than {self._most} bytes of it would have to be read")
            data = self._read(low, high)
            self.bytes_read += len(data)
            for at in range(0, len(data), _BLOCK):
                self._blocks[low // _BLOCK + at // _BLOCK] = data[at : at + _BLOCK]
        joined = b"".join(self._blocks[number] for number in range(first, last + 1))
        return joined[start - first * _BLOCK : stop - first * _BLOCK]


Seen = bytes | mmap.mmap | Glimpse
"""A file whose header is read: all of it, or a glimpse."""
