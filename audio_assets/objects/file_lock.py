"""Locks of the local file system that vanish with the process that holds them.

The lock belongs to the open file (``flock``, on Windows ``LockFileEx``), so the system releases it
however the process ends; whether the file itself is still there says nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import lock_descriptor

from audio_assets.objects.systems import BINARY

_POLL_SECONDS = 0.2
# Windows locks this byte also against readers: the text of the holder starts behind it. A blank, so
# that the whole file still is the JSON that was written.
_LOCKED_BYTE = b" "


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
        """Replace the content of the locked file, for :func:`read_locked`."""
        os.ftruncate(self._descriptor, 0)
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        os.write(self._descriptor, _LOCKED_BYTE + data)

    def renew(self) -> None:
        """Nothing: the kernel knows whether the process lives."""

    def release(self) -> None:
        """Remove the file and let go of the lock."""
        if sys.platform == "win32":
            # An open file cannot be removed there: not by us before we close it, and not after if
            # another process has opened it meanwhile, which then holds it.
            os.close(self._descriptor)
            with suppress(PermissionError):
                os.unlink(self.path)
            return
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
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o644)
        try:
            locked = lock_descriptor(descriptor, blocking=False)
            if locked and _is_at(descriptor, path):
                return FileLock(path, descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)
        if not locked:
            return None
        # Its holder removed it between opening and locking: the lock was on a file without a name.


def read_locked(path: str) -> bytes:
    """Read the text that the holder of a lock has written into the locked file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        if sys.platform == "win32":
            file.seek(len(_LOCKED_BYTE))
        # Elsewhere from the start: earlier releases, which may hold a lock too, wrote no blank.
        return file.read()


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


@contextmanager
def lock_of_read_file(path: Path) -> Iterator[None]:
    """Wait for the lock of a file that exists and is only read, perhaps in a read-only folder.

    Windows would keep even readers in this process from the locked file; there a file beside it is
    locked.
    """
    if sys.platform == "win32":
        with waiting_lock(path.with_name(f".{path.name}.lock")):
            yield
        return
    with open(path, "rb") as file:
        lock_descriptor(file.fileno(), poll_interval=_POLL_SECONDS)
        yield
