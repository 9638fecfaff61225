"""One ``audio-assets run`` at a time on a local results root.

Runs that Dagster starts itself are not locked out: they work side by side through the embedding
store and write every file atomically. A bucket has no lock for the same reason, and because it has
none that vanishes with its process: after a kill the next run would have to wait for one to expire.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.storage.file_lock import FileLock, try_lock
from audio_assets.storage.files import is_local, remove_leftovers

if TYPE_CHECKING:
    from upath import UPath

LOCK_FILE = ".run.lock"


@contextmanager
def run_lock(root: UPath) -> Iterator[None]:
    """Hold the results root for one run; temporary files of killed runs are removed first.

    Parameters
    ----------
    root
        Results root; made if it does not exist. Nothing is done for a remote one.

    Raises
    ------
    ResultsError
        If another run holds it (the message says which), or it cannot be written to.
    """
    if not is_local(root):
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
                lock.write(json.dumps(_this_run()).encode())
            except BaseException:
                lock.release()
                raise
            return lock
    except OSError as error:
        raise ResultsError(
            f"The results root {root} cannot be written to: {error}",
            "Check that there is room and that you may write there, or set "
            "AUDIO_ASSETS_RESULTS_ROOT to another folder.",
        ) from error
    raise ResultsError(
        f"Another run is working on {root}: {_holder(path)}",
        "Wait until it is done, or stop it; if it is killed, the next run goes on where it was.",
    )


def _this_run() -> dict[str, str | int]:
    started = datetime.now().astimezone().isoformat(timespec="seconds")
    return {"host": socket.gethostname(), "pid": os.getpid(), "started": started}


def _holder(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            run = json.load(file)
        return f"process {run['pid']} on {run['host']}, started {run['started']}"
    except (OSError, ValueError, KeyError, TypeError):
        # It is just starting or just ending.
        return "a process that has not said its name yet"
