"""Objects of Google Cloud Storage: listed, read, written and deleted, with one treatment of faults.

Every request goes through :mod:`audio_assets.objects.bucket_requests`, which treats the faults.

No client is made here: a gs:// path brings what makes it, see
:func:`audio_assets.objects.roots.open_root`. Nothing here knows what an object holds.
"""

from __future__ import annotations

import gzip
import io
import mimetypes
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from audio_assets.errors import StorageError
from audio_assets.objects.bucket_requests import (
    ChangedError,
    bucket_name,
    map_counted,
    patience_for,
    request,
)
from audio_assets.objects.checksums import fits, listed_checksum

if TYPE_CHECKING:
    from google.cloud.storage import Blob, Bucket
    from upath import UPath

T = TypeVar("T")

CLIENT = "client"
"""Storage option of a gs:// path: a function without arguments that returns the client."""

# The largest page of a listing.
_PAGE = 1000
_FIELDS = "items(name,size,md5Hash,crc32c,generation,updated),prefixes,nextPageToken"
_ASKED_AT_ONCE = 16
_SILENT_SECONDS = 60.0
# A shard's footer and index columns fit.
_BLOCK_BYTES = 1 << 16


@dataclass(frozen=True)
class BucketEntry:
    """An object or a folder, as a listing shows it.

    Attributes
    ----------
    name
        Relative to the folder that was listed, without a slash at the end.
    size
        Bytes.
    checksum
        See :mod:`audio_assets.objects.checksums`; empty for a folder.
    generation
        Changes with every write; 0 for a folder.
    updated
        When the object was written; None for a folder.
    """

    name: str
    is_folder: bool
    size: int = 0
    checksum: str = ""
    generation: int = 0
    updated: datetime | None = None


def list_folder(folder: UPath, *, deep: bool = False) -> Iterator[BucketEntry]:
    """List the objects and folders in a folder by name, one page at a time.

    Parameters
    ----------
    deep
        List the objects in its folders as well, and no folders.

    Yields
    ------
    BucketEntry
        None if the folder does not exist, which is the same as an empty one.

    Raises
    ------
    StorageError
        If the bucket does not exist or may not be listed.
    TransientStorageError
        If it cannot be listed for now. What was yielded before is incomplete.
    """
    prefix = _key(folder) + "/" if _key(folder) else ""
    token: str | None = None
    while True:
        ask = partial(_page, folder, prefix, deep, token)
        page, folders, token = request("list", folder, ask)
        blobs = [blob for blob in page if blob.name != prefix]
        entries = [_entry(blob, prefix) for blob in _with_checksums(folder, blobs)]
        entries += [BucketEntry(name[len(prefix) :].rstrip("/"), True) for name in folders]
        yield from sorted(entries, key=lambda entry: entry.name)
        if not token:
            return


def generation_of(path: UPath) -> int | None:
    """Return the generation of an object; None if it does not exist."""
    try:
        blob = _blob(path)
        request("read", path, lambda: blob.reload(**_bounds(path)))
    except FileNotFoundError:
        return None
    return int(blob.generation)


class UnpacksToMoreError(Exception):
    """An object that is stored compressed is larger than allowed."""


def read(
    path: UPath,
    *,
    generation: int | None = None,
    checksum: str = "",
    most: int | None = None,
) -> bytes:
    """Read an object.

    Parameters
    ----------
    generation
        The only generation to read; any by default.
    checksum
        Checksum that the bytes must match; by default the one that the bucket sends.
    most
        Largest size in bytes of an object that is stored compressed.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    ChangedError
        If it has another generation.
    UnpacksToMoreError
        If it unpacks to more than ``most`` bytes.
    StorageError, TransientStorageError
        If it may not be read, or cannot be read for now.
    """
    from google.cloud.storage.exceptions import DataCorruption

    def download() -> bytes:
        blob = _blob(path)
        # Raw, since checksums are of what is stored, also where that is compressed.
        data: bytes = blob.download_as_bytes(
            raw_download=True,
            if_generation_match=generation,
            checksum="crc32c",
            **_bounds(path),
        )
        if checksum and not fits(checksum, data):
            raise DataCorruption(None, "the bytes do not have the checksum of the listing")
        return _unpacked(path, data, most) if blob.content_encoding == "gzip" else data

    return request("read", path, download)


def read_range(path: UPath, start: int, end: int, *, generation: int) -> bytes:
    """Read the bytes from ``start`` to before ``end`` of an object as stored.

    Checksums are not compared: a bucket only has those of whole objects.

    Raises
    ------
    FileNotFoundError, ChangedError, StorageError, TransientStorageError
        As :func:`read`.
    """
    return request("read", path, partial(_range, path, generation, start, end))


def is_packed(path: UPath) -> bool:
    """Return whether an object is stored compressed (``Content-Encoding: gzip``).

    Raises
    ------
    FileNotFoundError, StorageError, TransientStorageError
        As :func:`read`.
    """
    blob = _blob(path)
    request("read", path, lambda: blob.reload(**_bounds(path)))
    return bool(blob.content_encoding == "gzip")


def open_ranges(path: UPath) -> io.BufferedReader:
    """Open an object as a file that downloads only the parts that are read.

    Checksums are not compared: a bucket only has those of whole objects.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    StorageError, TransientStorageError
        If it may not be read, or cannot be read for now. Reading from the file raises these too,
        and ChangedError if the object has been overwritten.
    """
    blob = _blob(path)
    request("read", path, lambda: blob.reload(**_bounds(path)))
    return io.BufferedReader(_Ranges(path, blob), _BLOCK_BYTES)


def write(
    path: UPath, data: bytes, *, generation: int | None = None, patience: float | None = None
) -> int:
    """Write an object in one go; readers see the old one or the new one.

    Parameters
    ----------
    generation
        Generation of the object that may be replaced; 0 for none, any by default.
    patience
        Seconds after which to give up, if other than :data:`GIVE_UP_SECONDS`.

    Returns
    -------
    int
        Its generation.

    Raises
    ------
    ChangedError
        If there is an object of another generation with other bytes.
    StorageError, TransientStorageError
        If it may not be written, or cannot be written for now.
    """
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"

    def upload() -> int:
        blob = _blob(path)
        blob.upload_from_string(
            data,
            content_type=kind,
            if_generation_match=generation,
            checksum="crc32c",
            **_bounds(path, patience),
        )
        return int(blob.generation)

    try:
        return request("write", path, upload, patience)
    except ChangedError:
        # A write whose response was lost is retried, and finds its own object.
        try:
            found = generation_of(path)
            if found is not None and read(path, generation=found) == data:
                return found
        except (ChangedError, FileNotFoundError):
            # Another process was faster, twice: for example a claim that was released.
            pass
        raise


def delete(path: UPath, *, generation: int | None = None, patience: float | None = None) -> None:
    """Delete an object, if it is there and has this generation; parameters as of :func:`write`.

    Raises
    ------
    StorageError, TransientStorageError
        If it may not be deleted, or cannot be deleted for now.
    """
    try:
        blob = _blob(path)
        gone = {"if_generation_match": generation, **_bounds(path, patience)}
        request("delete", path, lambda: blob.delete(**gone), patience)
    except (FileNotFoundError, ChangedError):
        pass


class _Ranges(io.RawIOBase):
    """Reads ranges of one generation of an object."""

    def __init__(self, path: UPath, blob: Blob) -> None:
        self._path, self._size, self._generation = path, int(blob.size), int(blob.generation)
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def readinto(self, buffer: Any) -> int:
        start, end = self._position, min(self._position + len(buffer), self._size)
        if start >= end:
            return 0
        data = read_range(self._path, start, end, generation=self._generation)
        buffer[: len(data)] = data
        self._position = end
        return len(data)


def _range(path: UPath, generation: int, start: int, end: int) -> bytes:
    from google.cloud.storage.exceptions import DataCorruption

    data: bytes = _blob(path).download_as_bytes(
        start=start,
        end=end - 1,
        raw_download=True,
        if_generation_match=generation,
        checksum=None,
        **_bounds(path),
    )
    if len(data) != end - start:
        raise DataCorruption(None, f"{len(data)} bytes were sent instead of {end - start}")
    return data


def _unpacked(path: UPath, data: bytes, most: int | None) -> bytes:
    if most is None:
        return gzip.decompress(data)
    # A few megabytes may unpack to more than fits into memory.
    with gzip.open(io.BytesIO(data)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise UnpacksToMoreError(str(path))
    return unpacked


def _page(
    folder: UPath, prefix: str, deep: bool, token: str | None
) -> tuple[list[Blob], set[str], str | None]:
    # A new iterator per page: one that has failed reports its end when it is asked again.
    listed = folder.storage_options[CLIENT]().list_blobs(
        bucket_name(folder),
        prefix=prefix or None,
        delimiter=None if deep else "/",
        page_token=token,
        page_size=_PAGE,
        fields=_FIELDS,
        **_bounds(folder),
    )
    return list(next(listed.pages)), listed.prefixes, listed.next_page_token


def _with_checksums(folder: UPath, blobs: list[Blob]) -> list[Blob]:
    """Return the blobs with their checksums, without those deleted in the meantime.

    A listing hides the checksums of objects under a Cloud KMS key; those are requested one by one.
    """
    hidden = [blob for blob in blobs if not (blob.md5_hash or blob.crc32c)]
    if not hidden:
        return blobs

    def ask(blob: Blob) -> str | None:
        path = folder / blob.name.removeprefix(_key(folder) + "/")
        try:
            request("read", path, lambda: blob.reload(**_bounds(path)))
        except FileNotFoundError:
            return str(blob.name)
        if not (blob.md5_hash or blob.crc32c):
            raise StorageError(
                f"The bucket has no checksum of {path}: it is encrypted with a key of your own",
                "Encrypt it with a key that Google or Cloud KMS manages.",
            )
        return None

    with ThreadPoolExecutor(_ASKED_AT_ONCE) as pool:
        gone = set(map_counted(pool, ask, hidden))
    return [blob for blob in blobs if blob.name not in gone]


def _entry(blob: Blob, prefix: str) -> BucketEntry:
    return BucketEntry(
        name=blob.name[len(prefix) :],
        is_folder=False,
        size=int(blob.size),
        checksum=listed_checksum(blob.md5_hash, blob.crc32c, int(blob.size)),
        generation=int(blob.generation),
        updated=blob.updated,
    )


def _bounds(path: UPath, patience: float | None = None) -> dict[str, Any]:
    """Options of one request: no retries by Google's client, and a timeout.

    The timeout is half the patience, so that a server that accepts requests and never responds is
    given up about as soon as one that fails. Google's 60 s are longer than Dagster allows a tick.
    """
    return {"retry": None, "timeout": min(_SILENT_SECONDS, patience_for(path, patience) / 2)}


def _bucket(path: UPath) -> Bucket:
    return path.storage_options[CLIENT]().bucket(bucket_name(path))


def _blob(path: UPath) -> Blob:
    return _bucket(path).blob(_key(path))


def _key(path: UPath) -> str:
    return str(path.path).partition("/")[2].strip("/")
