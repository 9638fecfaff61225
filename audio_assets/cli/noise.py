"""Send what libraries write to standard error past Python into a log file."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg

_STDERR = 2


def noise_log(instance: dg.DagsterInstance) -> Path:
    """Return the log file of an instance for what libraries write."""
    return Path(instance.root_directory) / "logs" / "libraries.log"


@contextmanager
def library_noise_to(log: Path) -> Iterator[None]:
    """Send descriptor 2 to a log file within the context; ``sys.stderr`` writes as before.

    Libraries such as TensorFlow Lite and libmpg123 write to the descriptor from C, ignoring
    Python's streams; worker processes inherit it. The log is emptied first.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    before = sys.stderr
    before.flush()
    console = os.dup(_STDERR)
    own = _writes_to_descriptor_2()
    target = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND, 0o644)
    try:
        if own:
            sys.stderr = open(
                console,
                "w",
                buffering=1,
                encoding=before.encoding,
                errors="backslashreplace",
                closefd=False,
            )
        os.dup2(target, _STDERR)
        try:
            yield
        finally:
            if own:
                sys.stderr.flush()
            sys.stderr = before
            os.dup2(console, _STDERR)
    finally:
        os.close(target)
        os.close(console)


def _writes_to_descriptor_2() -> bool:
    try:
        return sys.stderr.fileno() == _STDERR
    except (AttributeError, io.UnsupportedOperation):
        return False
