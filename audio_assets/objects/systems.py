"""Differences between Linux, macOS and Windows: processes, inherited connections, users.

The one module that may use what only some of them have (``fcntl``, ``os.getuid``,
``signal.SIGKILL``); the rest of the package asks here. No policy belongs here: what follows from a
process that is gone is for its callers to say.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from multiprocessing import connection as connections
from typing import Any

BINARY = getattr(os, "O_BINARY", 0)
"""Flag of ``os.open`` that keeps Windows from changing line endings; 0 elsewhere."""
KILLED: int | None = None
"""Exit code of a process that was killed; None where that has no code of its own."""
if sys.platform != "win32":
    KILLED = -signal.SIGKILL
# Elsewhere an open file can be replaced: a refusal is for good.
_PATIENCE_SECONDS = 10.0 if sys.platform == "win32" else 0.0
_POLL_SECONDS = 0.05


def user_id() -> int | None:
    """Number of the user; None on Windows, whose temporary folder belongs to the user already."""
    if sys.platform == "win32":
        return None
    return os.getuid()


def process_exists(pid: int) -> bool:
    """Whether a process of this machine has this id, running or waiting to be reaped."""
    if sys.platform == "win32":
        # os.kill(pid, 0) would send Ctrl-C there. Dagster brings psutil on Windows.
        import psutil

        return bool(psutil.pid_exists(pid))
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # Another user's.
        return True
    return True


def replace_file(source: str, target: str, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Give a file the name of another one, which is gone then.

    Windows refuses while somebody has either file open, be it a reader or a virus scanner.

    Parameters
    ----------
    patience
        Seconds to wait for that.

    Raises
    ------
    OSError
        If it cannot be done; the old file is still there.
    """
    end = time.monotonic() + patience
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if time.monotonic() >= end:
                raise
            time.sleep(_POLL_SECONDS)


def start_with_connection(
    command: Sequence[str], theirs: connections.Connection
) -> subprocess.Popen[bytes]:
    """Start a process that inherits one end of a pipe and nothing else.

    Parameters
    ----------
    command
        Program and arguments; the process finds the end by ``theirs.fileno()``, see
        :func:`inherited_connection`.
    theirs
        The end; the caller closes its own copy.
    """
    number = theirs.fileno()
    if sys.platform == "win32":
        os.set_handle_inheritable(number, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [number]})
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, startupinfo=startup)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number])


def inherited_connection(number: int) -> Any:
    """End of a pipe that this process was started with, see :func:`start_with_connection`."""
    if sys.platform == "win32":
        return connections.PipeConnection(number)
    return connections.Connection(number)
