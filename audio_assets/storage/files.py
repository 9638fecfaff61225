"""Reading and atomically writing whole files under a root, local or remote."""

from __future__ import annotations

import os
import stat
import uuid
from typing import TYPE_CHECKING

from audio_assets.errors import ResultsError

if TYPE_CHECKING:
    from upath import UPath


_LOCAL = ("", "file", "local")


def file_names(folder: UPath) -> list[str]:
    """Names of the files in a folder, sorted; none if there is no such folder."""
    fs = folder.fs
    fs.invalidate_cache()
    try:
        entries = fs.ls(folder.path, detail=True)
    except FileNotFoundError:
        return []
    return sorted(e["name"].rsplit("/", 1)[-1] for e in entries if e["type"] == "file")


def require_file(path: UPath) -> None:
    """Check that a local path is a file with bytes to read; a remote one is taken as it is.

    Opening a named pipe would wait for ever.

    Raises
    ------
    OSError
        If it is anything else; the message says what, in plain words.
    """
    if path.protocol not in _LOCAL:
        return
    try:
        mode = os.stat(path.path).st_mode
    except FileNotFoundError as error:
        if os.path.islink(path.path):
            raise FileNotFoundError(
                f"a link to {os.readlink(path.path)}, which does not exist"
            ) from error
        if "\\x" in path.name:
            raise FileNotFoundError("its name is not valid UTF-8; rename it") from error
        raise
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("a folder with the name of a sound file")
    if not stat.S_ISREG(mode):
        raise OSError("a pipe, socket or device and no file")


def read_file(path: UPath) -> bytes:
    """Bytes of a whole file.

    Raises
    ------
    OSError
        If it cannot be read; see :func:`require_file`.
    """
    require_file(path)
    data: bytes = path.read_bytes()
    return data


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
        if path.protocol in _LOCAL:
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
