"""The lock that admits one ``audio-assets run`` at a time to a results root.

Runs that Dagster starts itself are not locked out: they coordinate through the embedding store and
write every file atomically. In a bucket the lock is a claim, which a thread renews: after a kill,
the next run waits until the claim has expired.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.objects import bucket, claims
from audio_assets.objects.file_lock import FileLock, read_locked, try_lock
from audio_assets.objects.files import claim_name, is_local, remove_leftovers

if TYPE_CHECKING:
    from upath import UPath

LOCK_FILE = ".run.lock"
_CLAIM = "run"


@contextmanager
def run_lock(root: UPath, say: Callable[[str], None]) -> Iterator[None]:
    """Hold the results root for one run; temporary files of killed runs are removed first.

    Parameters
    ----------
    root
        Results root; created if it does not exist.
    say
        Called with a message if it takes a while to find out whether another run is alive, as it
        does in a bucket.

    Raises
    ------
    ResultsError
        If another run holds it (the message names it), or it cannot be written to.
    StorageError
        If the bucket refuses or fails.
    """
    if not is_local(root):
        with _held_in_bucket(root, say):
            yield
        return
    lock = _acquire(root)
    try:
        remove_leftovers(root)
        yield
    finally:
        lock.release()


def _acquire(root: UPath) -> FileLock:
    path = os.path.join(root.path, LOCK_FILE)
    try:
        os.makedirs(root.path, exist_ok=True)
        lock = try_lock(path)
        if lock is not None:
            try:
                lock.write(json.dumps(claims.this_process()).encode())
            except BaseException:
                lock.release()
                raise
            return lock
    except OSError as error:
        raise ResultsError(
            f"The results root {root} cannot be written to: {error}",
            "Check the free space and your permission to write there, or set "
            "AUDIO_ASSETS_RESULTS_ROOT to another folder.",
        ) from error
    raise _held(root, _local_holder(path))


@contextmanager
def _held_in_bucket(root: UPath, say: Callable[[str], None]) -> Iterator[None]:
    claim = _claim(root, say)
    ended = threading.Event()

    def keep() -> None:
        while not ended.wait(claims.RENEW_SECONDS / 3):
            claim.renew()

    thread = threading.Thread(target=keep, name="audio-assets-run-claim", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        claim.release()


def _claim(root: UPath, say: Callable[[str], None]) -> claims.Claim:
    """Take the claim of the run once it is free or its holder is dead."""
    path = root / claim_name(_CLAIM)
    watched = claims.Claims(root)
    seen = None
    while True:
        claim = watched.take(_CLAIM)
        if claim is not None:
            return claim
        generation, holder = bucket.generation_of(path), _bucket_holder(path)
        if generation is not None and seen not in (None, generation):
            raise _held(root, holder)
        if generation is not None and seen is None:
            seen = generation
            say(
                f"Another run may be working on {root}: {holder}. If it gives no sign of life "
                f"within {claims.DEAD_SECONDS:g} s, this one takes over."
            )
        time.sleep(watched.poll_seconds)


def _held(root: UPath, holder: str) -> ResultsError:
    return ResultsError(
        f"Another run is working on {root}: {holder}",
        "Wait until it is done, or stop it; if it is killed, the next run continues its work.",
    )


def _local_holder(path: str) -> str:
    try:
        return _holder(read_locked(path))
    except OSError:
        return _holder(b"")


def _bucket_holder(path: UPath) -> str:
    try:
        return _holder(bucket.read(path))
    except FileNotFoundError:
        return _holder(b"")


def _holder(content: bytes) -> str:
    try:
        run = json.loads(content)
        return f"process {run['pid']} on {run['host']}, started {run['started']}"
    except (ValueError, KeyError, TypeError):
        # The process is just starting or just ending.
        return "a process that has not identified itself yet"
