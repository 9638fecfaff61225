"""Files under a root, in a local folder or a bucket: read, listed, and written atomically.

This is where local and remote roots part. How a temporary file is named, and which of them may be
removed, is decided here too. What the files hold is not known here.
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
# Whether a process of another host lives cannot be asked; no write takes a day.
_OTHER_HOST_SECONDS = 24 * 3600


def is_local(path: UPath) -> bool:
    """Whether a path lies in the file system of this machine."""
    return path.protocol in ("", "file", "local")


def file_names(folder: UPath) -> list[str]:
    """Names of the files in a folder, sorted; none if there is no such folder.

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
    """Names of all that lies in a folder, sorted; none if there is no such folder.

    In a bucket these are its objects alone.

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
    """Whether there is such a file.

    Raises
    ------
    StorageError
        If the bucket does not say.
    """
    return path.exists() if is_local(path) else bucket.generation_of(path) is not None


def require_file(path: str) -> None:
    """Check that a path of this machine is a file with bytes to read.

    Opening a named pipe would wait for ever.

    Raises
    ------
    OSError
        If it is anything else; the message says what, in plain words.
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
    """Fingerprint that differs after a local file was written or replaced, even at equal size.

    Inode number, modification and change time.
    """
    return f"{seen.st_ino}.{seen.st_mtime_ns}.{seen.st_ctime_ns}"


def read_file(path: UPath) -> bytes:
    """Bytes of a whole file.

    Raises
    ------
    OSError
        If it cannot be read; see :func:`require_file`. FileNotFoundError if there is none.
    StorageError
        If a bucket refuses it, or fails.
    """
    if not is_local(path):
        return bucket.read(path)
    require_file(path.path)
    data: bytes = path.read_bytes()
    return data


def open_file(path: UPath) -> IO[bytes]:
    """The file, opened to read parts of it.

    Raises
    ------
    OSError, StorageError
        As :func:`read_file`; reading from it may raise them too.
    """
    return path.open("rb") if is_local(path) else bucket.open_ranges(path)


def write_atomic(path: UPath, data: bytes) -> None:
    """Put ``data`` at ``path``; a reader sees the old file or the new one, never a part.

    A local file is written beside its place under a temporary name that starts with a dot, synced
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
    """As :func:`write_atomic`, with ``write`` putting the bytes into a file that it is given.

    So a large local file need not be in memory. A bucket takes an object whole.

    Raises
    ------
    ResultsError
        If the file cannot be written; nothing is left behind.
    StorageError
        If a bucket refuses it, or fails. What ``write`` raises is passed on, but for an OSError.
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
    """Delete a file; that it is gone already is no fault.

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
    """Give a file another name in its folder, which no file there has.

    In a bucket this is a copy and then a deletion: a process that is killed in between leaves both.

    Raises
    ------
    FileNotFoundError
        If it is gone.
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
        # Another process put something else there, which is not what was to be moved.
        return
    bucket.write(path.parent / name, data)
    bucket.delete(path, generation=generation)


def claim_name(work: str) -> str:
    """Name of the file whose lock is the claim of a piece of work."""
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
    """Remove the temporary files of dead writers and claims nobody holds, all under a local root.

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
