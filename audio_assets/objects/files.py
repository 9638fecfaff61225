"""List, read and atomically write files under a root, in a local folder or a bucket.

The difference between local and remote roots is handled here, as are the names of temporary files
and their removal. The content of files belongs elsewhere.
"""

from __future__ import annotations

import io
import os
import re
import socket
import stat
import time
import uuid
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from audio_assets.errors import ResultsError
from audio_assets.objects import bucket
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.file_lock import try_lock
from audio_assets.objects.systems import process_exists, replace_file

if TYPE_CHECKING:
    from upath import UPath

_TEMPORARY = re.compile(r"\..+\.(?P<host>[A-Za-z0-9-]+)-(?P<pid>\d+)-[0-9a-f]{16}\.tmp")
_CLAIM = re.compile(r"\.[0-9a-z]+\.claim")
# A process of another host cannot be checked; no write takes a day.
_OTHER_HOST_SECONDS = 24 * 3600


def is_local(path: UPath) -> bool:
    """Return whether a path lies in the file system of this machine."""
    return path.protocol in ("", "file", "local")


def file_names(folder: UPath) -> list[str]:
    """Return the names of the files in a folder, sorted; none if it does not exist.

    Raises
    ------
    OSError, StorageError
        If it cannot be listed.
    """
    if not is_local(folder):
        return [entry.name for entry in bucket.list_folder(folder) if not entry.is_folder]
    try:
        with os.scandir(folder.path) as entries:
            return sorted(entry.name for entry in entries if entry.is_file())
    except FileNotFoundError:
        return []


def entry_names(folder: UPath) -> list[str]:
    """Return the names of the files and folders in a folder, sorted; none if it does not exist.

    In a bucket these are only its objects.

    Raises
    ------
    OSError, StorageError
        If it cannot be listed.
    """
    if not is_local(folder):
        return file_names(folder)
    try:
        return sorted(os.listdir(folder.path))
    except FileNotFoundError:
        return []


def exists(path: UPath) -> bool:
    """Return whether a file exists.

    Raises
    ------
    StorageError
        If the bucket cannot be asked.
    """
    return path.exists() if is_local(path) else bucket.generation_of(path) is not None


def require_file(path: str) -> None:
    """Check that a path of this machine is a file with bytes to read.

    Opening a named pipe would wait for ever.

    Raises
    ------
    OSError
        If it is anything else; the message says what.
    """
    try:
        mode = os.stat(path).st_mode
    except FileNotFoundError as error:
        if os.path.islink(path):
            raise FileNotFoundError(
                f"a link to {os.readlink(path)}, which does not exist"
            ) from error
        if "\\x" in os.path.basename(path):
            raise FileNotFoundError("its name is not valid UTF-8; rename it") from error
        raise
    if stat.S_ISDIR(mode):
        raise IsADirectoryError("a folder and no file")
    if not stat.S_ISREG(mode):
        raise OSError("a pipe, socket or device and no file")


def file_state(seen: os.stat_result) -> str:
    """Return a fingerprint that changes when a local file is rewritten, even with equal size.

    It consists of inode number, modification time and change time.
    """
    return f"{seen.st_ino}.{seen.st_mtime_ns}.{seen.st_ctime_ns}"


def read_file(path: UPath) -> bytes:
    """Read a whole file.

    Raises
    ------
    OSError
        If it cannot be read; see :func:`require_file`. FileNotFoundError if it does not exist.
    StorageError
        If a bucket refuses it, or fails.
    """
    if not is_local(path):
        return bucket.read(path)
    require_file(path.path)
    data: bytes = path.read_bytes()
    return data


def open_file(path: UPath) -> IO[bytes]:
    """Open a file to read parts of it.

    Raises
    ------
    OSError, StorageError
        As :func:`read_file`; reading from it may raise them too.
    """
    return path.open("rb") if is_local(path) else bucket.open_ranges(path)


def write_atomic(path: UPath, data: bytes) -> None:
    """Write ``data`` to ``path``; readers see the old file or the new one, never a part.

    A local file is written in the same folder under a temporary name that starts with a dot, synced
    and renamed. A bucket makes an object visible only when its upload is complete.

    Raises
    ------
    ResultsError
        If the file cannot be written; nothing is left behind.
    StorageError
        If a bucket refuses it, or fails.
    """
    if not is_local(path):
        bucket.write(path, data)
        return
    write_atomic_from(path, lambda file: file.write(data))


def write_atomic_from(path: UPath, write: Callable[[IO[bytes]], object]) -> None:
    """Do as :func:`write_atomic`, with a function that writes the bytes to an open file.

    A large local file then need not fit into memory. An object in a bucket is written whole.

    Raises
    ------
    ResultsError
        If the file cannot be written; nothing is left behind.
    StorageError
        If a bucket refuses it, or fails. Errors of ``write`` other than OSError are passed on.
    """
    if not is_local(path):
        buffer = io.BytesIO()
        write(buffer)
        bucket.write(path, buffer.getvalue())
        return
    try:
        _write_local(path, write)
    except OSError as error:
        raise ResultsError(
            f"{path} cannot be written: {error}",
            "Check that there is room and that you may write there; what was there before is kept.",
        ) from error


def delete_file(path: UPath) -> None:
    """Delete a file if it exists.

    Raises
    ------
    OSError, StorageError
        If it cannot be deleted.
    """
    if is_local(path):
        path.unlink(missing_ok=True)
    else:
        bucket.delete(path)


def rename_file(path: UPath, name: str) -> None:
    """Rename a file within its folder, to a name that no file there has.

    In a bucket this is a copy and then a deletion: a process that is killed in between leaves both.

    Raises
    ------
    FileNotFoundError
        If it does not exist.
    OSError, StorageError
        If it cannot be renamed.
    """
    if is_local(path):
        os.rename(path.path, (path.parent / name).path)
        return
    generation = bucket.generation_of(path)
    if generation is None:
        raise FileNotFoundError(f"there is no {path}")
    try:
        data = bucket.read(path, generation=generation)
    except ChangedError:
        # Another process has replaced it: that is not the object that was to be moved.
        return
    bucket.write(path.parent / name, data)
    bucket.delete(path, generation=generation)


def claim_name(work: str) -> str:
    """Return the name of the file whose lock is the claim of a piece of work."""
    return f".{work}.claim"


def remove_abandoned_claims(folder: UPath) -> None:
    """Remove the claims in a local folder that no process holds; in a bucket, nothing.

    A process that is killed between writing its results and releasing their claim leaves a file
    that no other removes on the way, since nobody claims finished work again.

    Raises
    ------
    OSError
        If the folder cannot be listed, or a claim in it cannot be opened or deleted.
    """
    if is_local(folder):
        for name in filter(_CLAIM.fullmatch, file_names(folder)):
            _remove_claim(os.path.join(folder.path, name))


def remove_leftovers(root: UPath) -> list[str]:
    """Remove the temporary files of dead writers and the claims nobody holds under a local root.

    Those of living processes of this host stay, and those of other hosts until they are a day old.

    Returns
    -------
    list of str
        Paths of what was removed; none if the root is remote or does not exist.
    """
    if not is_local(root):
        return []
    removed = []
    for folder, _, names in os.walk(root.path):
        for name in names:
            path = os.path.join(folder, name)
            match = _TEMPORARY.fullmatch(name)
            try:
                if match and _is_dead(match["host"], int(match["pid"]), path):
                    os.unlink(path)
                    removed.append(path)
                elif _CLAIM.fullmatch(name) and _remove_claim(path):
                    removed.append(path)
            except FileNotFoundError:
                # Its writer finished, or another run removed it.
                continue
    return sorted(removed)


def _remove_claim(path: str) -> bool:
    """Remove a claim unless a process holds it; return whether it was removed."""
    lock = try_lock(path)
    if lock is None:
        return False
    lock.release()
    return True


def _write_local(path: UPath, write: Callable[[IO[bytes]], object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    random = uuid.uuid4().hex[:16]
    temporary = path.parent / f".{path.name}.{_host()}-{os.getpid()}-{random}.tmp"
    try:
        with open(temporary.path, "wb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
        replace_file(temporary.path, path.path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "unknown"


def _is_dead(host: str, pid: int, path: str) -> bool:
    if host != _host():
        return time.time() - os.stat(path).st_mtime > _OTHER_HOST_SECONDS
    return not process_exists(pid)
