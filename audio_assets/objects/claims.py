"""Claim a piece of work in a folder, so that no other process repeats it.

A claim saves work but protects nothing: if two processes do the same work, both write the same
shard. It may therefore be lost, but never block work for ever. In a local folder a claim is a
kernel lock, which ends with its process. In a bucket it is an object that only one process can
create and that its holder rewrites while it works. An object that has not changed for
:data:`DEAD_SECONDS` is taken over: its holder was killed, or is so slow that repeating its work
costs little.
"""

from __future__ import annotations

import json
import os
import socket
import time
import uuid
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from audio_assets.errors import StorageError
from audio_assets.objects import bucket
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.file_lock import try_lock
from audio_assets.objects.files import claim_name, is_local, remove_abandoned_claims

if TYPE_CHECKING:
    from upath import UPath

RENEW_SECONDS = 15.0
# Measured by the clock of the waiting process, so that clocks need not agree.
DEAD_SECONDS = 90.0
# A claim is not worth a long wait.
_PATIENCE_SECONDS = 10.0
_LOCAL_POLL_SECONDS = 0.2
_BUCKET_POLL_SECONDS = 2.0


class Claim(Protocol):
    """A claim that is held."""

    def renew(self) -> None:
        """Show that the work goes on; call it often."""

    def release(self) -> None:
        """Release it."""


class Claims:
    """Claims of pieces of work in one folder.

    Parameters
    ----------
    folder
        Local or in a bucket; created if it does not exist.
    """

    def __init__(self, folder: UPath) -> None:
        self._folder = folder
        # Work that another process holds -> generation of its claim, and when it was first seen.
        self._seen: dict[str, tuple[int, float]] = {}

    def take(self, work: str) -> Claim | None:
        """Claim a piece of work; return None if another process holds it.

        Parameters
        ----------
        work
            Name of the piece, a valid file name.

        Raises
        ------
        OSError, StorageError
            If the folder cannot be written to.
        """
        path = self._folder / claim_name(work)
        if is_local(path):
            os.makedirs(self._folder.path, exist_ok=True)
            return try_lock(path.path)
        claim = self._take_object(path, 0)
        if claim is not None:
            self._seen.pop(work, None)
            return claim
        generation, now = bucket.generation_of(path), time.monotonic()
        if generation is None:
            # It was released just now; the next call gets it.
            return None
        seen, since = self._seen.get(work, (None, now))
        if seen != generation:
            self._seen[work] = (generation, now)
        elif now - since > DEAD_SECONDS:
            del self._seen[work]
            return self._take_object(path, generation)
        return None

    def remove_abandoned(self) -> None:
        """Remove the claims of killed processes in a local folder.

        In a bucket they stay, at a few hundred bytes each: only a long wait could show that their
        holder is dead.

        Raises
        ------
        OSError
            If the folder cannot be listed, or a claim in it cannot be deleted.
        """
        remove_abandoned_claims(self._folder)

    @property
    def poll_seconds(self) -> float:
        """Seconds to wait before asking again for work that another process holds."""
        return _LOCAL_POLL_SECONDS if is_local(self._folder) else _BUCKET_POLL_SECONDS

    def _take_object(self, path: UPath, generation: int) -> Claim | None:
        # Each claim has its own bytes, so that a process recognises its own.
        data = json.dumps(this_process() | {"claim": uuid.uuid4().hex}).encode()
        try:
            return _BucketClaim(path, data, bucket.write(path, data, generation=generation))
        except ChangedError:
            return None


def this_process() -> dict[str, str | int]:
    """Describe this process as the holder of a claim or lock; ``started`` is now."""
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": started}


class _BucketClaim:
    def __init__(self, path: UPath, data: bytes, generation: int) -> None:
        self._path, self._data, self._generation = path, data, generation
        self._renewed = time.monotonic()

    def renew(self) -> None:
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        try:
            self._generation = bucket.write(
                self._path, self._data, generation=self._generation, patience=_PATIENCE_SECONDS
            )
        except (ChangedError, StorageError):
            # Another process has taken it over, or will: both then do the same work. If the bucket
            # fails, writing the next shard raises the error.
            pass

    def release(self) -> None:
        try:
            bucket.delete(self._path, generation=self._generation, patience=_PATIENCE_SECONDS)
        except StorageError:
            # A process may be ending because its bucket is down; the claim then expires.
            pass
