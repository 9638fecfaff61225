"""How long work says how far it is: an interface, and the reporter that writes to a log."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int, int], None]
"""Called with the units done and the units in all."""


class Progress(Protocol):
    """Reports on one task at a time."""

    def task(self, title: str, log: Callable[[str], None]) -> AbstractContextManager[Advance]:
        """A context in which the yielded call reports on the task ``title``."""
        ...


class LogProgress:
    """Writes a line at most every ``seconds``, and one when the work is done."""

    def __init__(self, seconds: float = 30.0) -> None:
        self._seconds = seconds

    @contextmanager
    def task(self, title: str, log: Callable[[str], None]) -> Iterator[Advance]:
        started = last = time.monotonic()
        first: int | None = None

        def advance(done: int, total: int) -> None:
            nonlocal last, first
            now = time.monotonic()
            first = done if first is None else first
            if done >= total:
                log(f"{title}: {done} of {total} in {now - started:.1f} s")
            elif now - last >= self._seconds:
                last = now
                left = (now - started) * (total - done) / max(done - first, 1)
                log(f"{title}: {done} of {total}, about {left:.0f} s left")

        yield advance
