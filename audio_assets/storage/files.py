"""Reading and atomically writing whole files under a root, local or remote."""

from __future__ import annotations

import os
import uuid
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError

if TYPE_CHECKING:
    from upath import UPath


def file_names(folder: UPath) -> list[str]:
    """Names of the files in a folder, sorted; none if there is no such folder."""
    fs = folder.fs
    fs.invalidate_cache()
    try:
        entries = fs.ls(folder.path, detail=True)
    except FileNotFoundError:
        return []
    return sorted(e["name"].rsplit("/", 1)[-1] for e in entries if e["type"] == "file")


def write_atomic(path: UPath, data: bytes) -> None:
    """Put ``data`` at ``path``; a reader sees the old file or the new one, never a part.

    A local file is written beside its place under a temporary name that starts with a dot, synced
    and renamed. An object store makes an object visible only when its upload is complete.

    Raises
    ------
    ResultsError
        If the file cannot be written; nothing is left behind.
    """
    try:
        if path.protocol in ("", "file", "local"):
            _write_local(path, data)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error}",
            "Check that there is room and that you may write there; what was there before is kept.",
        ) from error


def _write_local(path: UPath, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f".{path.name}.{uuid.uuid4().hex}.tmp"
    try:
        with open(temporary.path, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary.path, path.path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
