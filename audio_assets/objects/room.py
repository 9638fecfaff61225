"""Limit the bytes that reading threads hold in memory at the same time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """A limit on bytes in memory, at which threads wait.

    Parameters
    ----------
    size
        Limit in bytes. A file larger than that is admitted alone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._changed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Wait for room for ``size`` bytes, and occupy it while the block runs."""
        occupied = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= occupied)
            self._free -= occupied
        try:
            yield
        finally:
            with self._changed:
                self._free += occupied
                self._changed.notify_all()
