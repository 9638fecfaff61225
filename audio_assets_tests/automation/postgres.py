"""A PostgreSQL server of a test's own, which listens on a socket in its folder alone."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_SECONDS = 60


@contextmanager
def postgres_storage() -> Iterator[dict[str, Any]]:
    """Start a server with an empty database; the ``storage`` of a ``dagster.yaml`` that uses it."""
    programs = _programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    # Not in pytest's folder, which only the user that runs the tests may enter.
    with tempfile.TemporaryDirectory(prefix="postgres-") as folder:
        as_user = _unprivileged(Path(folder))
        data = f"{folder}/data"
        initialize = [programs / "initdb", "-D", data, "-U", "dagster", "-A", "trust", "-N"]
        done = subprocess.run(initialize, cwd=folder, capture_output=True, text=True, **as_user)
        assert done.returncode == 0, done.stderr
        control: list[Any] = [programs / "pg_ctl", "-D", data, "-w", "-t", str(_SECONDS)]
        # What is lost with the machine is lost with the test.
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        start = [*control, "-l", f"{folder}/log", "-o", options, "start"]
        done = subprocess.run(start, cwd=folder, stdout=subprocess.DEVNULL, **as_user)
        assert done.returncode == 0, Path(folder, "log").read_text()
        try:
            # SQLAlchemy 2.1 takes another driver than dagster-postgres brings, if none is named.
            url = f"postgresql+psycopg2://dagster@/postgres?host={folder}"
            yield {"postgres": {"postgres_url": url}}
        finally:
            stop = [*control, "-m", "immediate", "stop"]
            subprocess.run(stop, cwd=folder, stdout=subprocess.DEVNULL, check=True, **as_user)


def _programs() -> Path | None:
    """Folder of the server's programs; Debian and Ubuntu keep them off the search path."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    return max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)


def _unprivileged(folder: Path) -> dict[str, Any]:
    """Give the folder to a user that PostgreSQL starts as, which root is not."""
    if os.getuid() != 0:
        return {}
    user = pwd.getpwnam("nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
