"""Room for bytes that are in memory at once, whatever the number of threads that read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Room:
    """Lets a thread wait until there is room for what it reads.

    Parameters
    ----------
    size
        Bytes that there is room for. What is larger goes in alone.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._free = size
        self._changed = Condition()

    @contextmanager
    def held(self, size: int) -> Iterator[None]:
        """Room for so many bytes, for as long as the block runs."""
        taken = min(size, self._size)
        with self._changed:
            self._changed.wait_for(lambda: self._free >= taken)
            self._free -= taken
        try:
            yield
        finally:
            with self._changed:
                self._free += taken
                self._changed.notify_all()
