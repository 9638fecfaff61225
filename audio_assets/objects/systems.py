"""Differences between Linux, macOS and Windows: processes, inherited connections, users.

This is the only module that may use what not all of them have (``fcntl``, ``os.getuid``,
``signal.SIGKILL``). It contains no policy: the callers decide what a process that has ended means.
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
# Elsewhere an open file can be replaced, so a refusal is final.
_PATIENCE_SECONDS = 10.0 if sys.platform == "win32" else 0.0
_POLL_SECONDS = 0.05


def user_id() -> int | None:
    """Return the user's number; None on Windows, where the temporary folder is the user's own."""
    if sys.platform == "win32":
        return None
    return os.getuid()


def process_exists(pid: int) -> bool:
    """Return whether a process of this machine has this id, running or waiting to be reaped."""
    if sys.platform == "win32":
        # os.kill(pid, 0) would send Ctrl-C there. Dagster brings psutil on Windows.
        import psutil

        return bool(psutil.pid_exists(pid))
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        # It belongs to another user.
        return True
    return True


def replace_file(source: str, target: str, *, patience: float = _PATIENCE_SECONDS) -> None:
    """Rename a file to the name of another one, which is replaced.

    Windows refuses while any program, such as a virus scanner, has either file open.

    Parameters
    ----------
    patience
        Seconds to retry for.

    Raises
    ------
    OSError
        If it cannot be renamed; the old file is then unchanged.
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
        Program and arguments. The process opens its end with :func:`inherited_connection` and the
        number ``theirs.fileno()``.
    theirs
        End of the pipe for the process; the caller closes its own copy.
    """
    number = theirs.fileno()
    if sys.platform == "win32":
        os.set_handle_inheritable(number, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [number]})
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, startupinfo=startup)
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, pass_fds=[number])


def inherited_connection(number: int) -> Any:
    """Return the inherited end of a pipe, see :func:`start_with_connection`."""
    if sys.platform == "win32":
        return connections.PipeConnection(number)
    return connections.Connection(number)
