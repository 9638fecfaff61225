"""A lock that is waited for, so that two processes that want the same weights fetch them once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audio_assets.storage.file_lock import try_lock

_POLL_SECONDS = 0.2


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock at ``path``; waits while another process has it.

    A process that is killed lets go of it, so nothing is waited for that does not happen.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while (lock := try_lock(str(path))) is None:
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
