"""Lock files of the local file system; a lock ends with the process that holds it.

The lock belongs to the open file (``flock``, on Windows ``LockFileEx``), so the system releases it
however the process ends. Whether the file itself still exists means nothing.
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
# Windows locks this byte against readers as well, so the text of the holder starts after it. A
# blank, so that the whole file is still valid JSON.
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
        """Do nothing: the kernel knows whether the process is alive."""

    def release(self) -> None:
        """Remove the file and release the lock."""
        if sys.platform == "win32":
            # Windows cannot remove an open file: neither before we close it, nor afterwards if
            # another process has opened it in the meantime, which then holds it.
            os.close(self._descriptor)
            with suppress(PermissionError):
                os.unlink(self.path)
            return
        # In this order: a process that opened the file before it was removed then notices that the
        # name belongs to another file, see try_lock.
        try:
            os.unlink(self.path)
        finally:
            os.close(self._descriptor)


def try_lock(path: str) -> FileLock | None:
    """Lock a file and create it if needed; return None if another process holds it.

    Raises
    ------
    OSError
        If the file cannot be created, or its file system has no locks.
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
        # Its holder removed it between opening and locking: we locked a file without a name.


def read_locked(path: str) -> bytes:
    """Read the text that the holder of a lock wrote into the locked file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    with open(path, "rb", buffering=0) as file:
        if sys.platform == "win32":
            file.seek(len(_LOCKED_BYTE))
        # Elsewhere from the start: earlier releases, which may hold the lock, wrote no blank.
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

    On Windows a lock would prevent even this process from reading the file, so a file beside it is
    locked there.
    """
    if sys.platform == "win32":
        with waiting_lock(path.with_name(f".{path.name}.lock")):
            yield
        return
    with open(path, "rb") as file:
        lock_descriptor(file.fileno(), poll_interval=_POLL_SECONDS)
        yield
