"""Report the progress of long-running work: an interface, and a reporter that writes to a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Advance = Callable[[int, int], None]
"""Called with the units done and the units in all."""


class Progress(Protocol):
    """Reports on one task at a time."""

    def task(self, title: str, log: Callable[[str], None]) -> AbstractContextManager[Advance]:
        """A context in which the yielded call reports on the task ``title``.

        Work that has no units to count need not call it. ``log`` may be called by any thread.
        """
        ...


class LogProgress:
    """Writes a line every ``seconds`` of a task, and one when its units are done.

    A thread writes them: a unit may take minutes, and a bucket that fails is waited for.
    """

    def __init__(self, seconds: float = 30.0, *, writes_end: bool = True) -> None:
        self._seconds = seconds
        self._writes_end = writes_end

    @contextmanager
    def task(self, title: str, log: Callable[[str], None]) -> Iterator[Advance]:
        started = time.monotonic()
        # Units done at first, done by now, and in all.
        seen: tuple[int, int, int] | None = None
        ended = threading.Event()

        def advance(done: int, total: int) -> None:
            nonlocal seen
            whole = seen is not None and seen[1] >= seen[2]
            seen = (done if seen is None else seen[0], done, total)
            if self._writes_end and done >= total and not whole:
                log(f"{title}: {done} of {total} in {time.monotonic() - started:.1f} s")

        def say() -> None:
            while not ended.wait(self._seconds):
                log(f"{title}: {_standing(seen, time.monotonic() - started)}")

        thread = threading.Thread(target=say, name="audio-assets-progress", daemon=True)
        thread.start()
        try:
            yield advance
        finally:
            ended.set()
            thread.join()


def _standing(seen: tuple[int, int, int] | None, seconds: float) -> str:
    if seen is None:
        return f"at work for {seconds:.0f} s"
    first, done, total = seen
    if first < done < total:
        rate = (done - first) / seconds
        left = (total - done) / rate
        return f"{done} of {total}, about {left:.0f} s left at {rate:.3g} a second"
    return f"{done} of {total} after {seconds:.0f} s"
