"""Locks of the local file system that vanish with the process that holds them.

``flock`` belongs to the open file, so the kernel releases it however the process ends; whether the
file itself is still there says nothing.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_POLL_SECONDS = 0.2


class FileLock:
    """A lock that is held until :meth:`release`, or until the process ends.

    Attributes
    ----------
    path
        The locked file.
    """

    def __init__(self, path: str, descriptor: int) -> None:
        self.path = path
        self._descriptor = descriptor

    def write(self, data: bytes) -> None:
        """Replace the content of the locked file."""
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, data, 0)

    def renew(self) -> None:
        """Nothing: the kernel knows whether the process lives."""

    def release(self) -> None:
        """Remove the file and let go of the lock."""
        # In this order: who opened the file before it went finds that its name is another file's,
        # see try_lock.
        try:
            os.unlink(self.path)
        finally:
            os.close(self._descriptor)


def try_lock(path: str) -> FileLock | None:
    """Lock a file, which is made if need be; None if another holder has it.

    Raises
    ------
    OSError
        If the file cannot be made, or its file system has no locks.
    """
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return FileLock(path, descriptor)
        except BlockingIOError:
            os.close(descriptor)
            return None
        except BaseException:
            os.close(descriptor)
            raise
        # Its holder removed it between opening and locking: the lock is on a file without a name.
        os.close(descriptor)


def _is_at(descriptor: int, path: str) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.stat(path))
    except FileNotFoundError:
        return False


@contextmanager
def waiting_lock(path: Path) -> Iterator[None]:
    """Hold the lock at ``path``; wait while another process holds it.

    The lock of a process that is killed is released, so the wait always ends.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    while (lock := try_lock(str(path))) is None:
        time.sleep(_POLL_SECONDS)
    try:
        yield
    finally:
        lock.release()
