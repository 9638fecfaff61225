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
"""Storage option of a gs:// path: called without arguments, it gives the client."""

# The most that one page of a listing holds.
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
    """Objects and folders in a folder, in order of their names, a page at a time.

    Parameters
    ----------
    deep
        Also the objects in its folders, and no folders.

    Yields
    ------
    BucketEntry
        None if there is no such folder, which is the same as an empty one.

    Raises
    ------
    StorageError
        If the bucket does not exist or may not be listed.
    TransientStorageError
        If it could not be listed for now. What was given before is not all there is.
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
    """Generation of an object, None if there is none."""
    try:
        blob = _blob(path)
        request("read", path, lambda: blob.reload(**_bounds(path)))
    except FileNotFoundError:
        return None
    return int(blob.generation)


class UnpacksToMoreError(Exception):
    """An object that is stored compressed is larger than was allowed for."""


def read(
    path: UPath,
    *,
    generation: int | None = None,
    checksum: str = "",
    most: int | None = None,
) -> bytes:
    """Bytes of an object.

    Parameters
    ----------
    generation
        The only one that is read, if given.
    checksum
        What the bytes must fit; without it, what the bucket says of what it sends.
    most
        Bytes that an object may have which is stored compressed.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    ChangedError
        If it has another generation.
    UnpacksToMoreError
        If it unpacks to more than ``most`` bytes.
    StorageError, TransientStorageError
        If it may not, or could not be read for now.
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
    """Bytes of an object as it is stored, from ``start`` to before ``end``.

    Checksums are not compared: those of a bucket are of whole objects.

    Raises
    ------
    FileNotFoundError, ChangedError, StorageError, TransientStorageError
        As :func:`read`.
    """
    return request("read", path, partial(_range, path, generation, start, end))


def is_packed(path: UPath) -> bool:
    """Whether an object is stored compressed (``Content-Encoding: gzip``).

    Raises
    ------
    FileNotFoundError, StorageError, TransientStorageError
        As :func:`read`.
    """
    blob = _blob(path)
    request("read", path, lambda: blob.reload(**_bounds(path)))
    return bool(blob.content_encoding == "gzip")


def open_ranges(path: UPath) -> io.BufferedReader:
    """The object as a file of which only the parts that are asked for are read.

    Checksums are not compared: those of a bucket are of whole objects.

    Raises
    ------
    FileNotFoundError
        If there is no such object.
    StorageError, TransientStorageError
        If it may not, or could not be read for now; so does reading from the file, and
        ChangedError if the object was written again meanwhile.
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
        Generation of the object that may be replaced; 0 for none, any if not given.
    patience
        Seconds after which to give up, if other than :data:`GIVE_UP_SECONDS`.

    Returns
    -------
    int
        Its generation.

    Raises
    ------
    ChangedError
        If there is an object of another generation and of other bytes.
    StorageError, TransientStorageError
        If it may not, or could not be written for now.
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
        # A write whose answer was lost on the way is tried again, and meets itself.
        try:
            found = generation_of(path)
            if found is not None and read(path, generation=found) == data:
                return found
        except (ChangedError, FileNotFoundError):
            # Another was faster, and faster again: a claim that is given up, say.
            pass
        raise


def delete(path: UPath, *, generation: int | None = None, patience: float | None = None) -> None:
    """Delete an object, if it is there and has this generation; parameters as of :func:`write`.

    Raises
    ------
    StorageError, TransientStorageError
        If it may not, or could not be deleted for now.
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
        raise DataCorruption(None, f"{len(data)} bytes came instead of {end - start}")
    return data


def _unpacked(path: UPath, data: bytes, most: int | None) -> bytes:
    if most is None:
        return gzip.decompress(data)
    # A few megabytes of it may unpack to more than there is memory.
    with gzip.open(io.BytesIO(data)) as file:
        unpacked = file.read(most + 1)
    if len(unpacked) > most:
        raise UnpacksToMoreError(str(path))
    return unpacked


def _page(
    folder: UPath, prefix: str, deep: bool, token: str | None
) -> tuple[list[Blob], set[str], str | None]:
    # A new iterator a page: one that has failed says that it is at its end when it is asked again.
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
    """The blobs, all with a checksum; those that went meanwhile are left out.

    A listing hides the checksums of objects under a key of Cloud KMS; each is asked for its own.
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
                f"The bucket gives no checksum of {path}: it is encrypted with a key of your own",
                "Encrypt it with a key that Google or Cloud KMS holds.",
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

    Within half the patience, so that a server that takes requests and never answers is given up
    about when one that fails is. Google's own 60 s would be longer than Dagster gives a tick.
    """
    return {"retry": None, "timeout": min(_SILENT_SECONDS, patience_for(path, patience) / 2)}


def _bucket(path: UPath) -> Bucket:
    return path.storage_options[CLIENT]().bucket(bucket_name(path))


def _blob(path: UPath) -> Blob:
    return _bucket(path).blob(_key(path))


def _key(path: UPath) -> str:
    return str(path.path).partition("/")[2].strip("/")
