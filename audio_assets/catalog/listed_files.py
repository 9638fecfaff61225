"""Read the files of an inventory as they were listed, in part or whole.

A file that changed between listing and reading would be credited to the wrong row, so it is an
error, which the next run resolves. Interpreting the bytes belongs elsewhere.

Local files are read, not mapped: a file that shrinks while mapped kills the process that reads it
(SIGBUS), and with it the work on all other clips.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from audio_assets.errors import TransientStorageError
from audio_assets.objects import bucket
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import file_state, is_local, read_file, require_file
from audio_assets.objects.links import Inside

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

T = TypeVar("T")

_GZIP = b"\x1f\x8b"
_CHUNK_BYTES = 2**20


class ListedFile(Protocol):
    """A file as it was listed.

    All methods raise :class:`TransientStorageError` if the file was changed or removed since, or
    is temporarily unavailable, :class:`StorageError` if it may not be read, and OSError if a local
    file cannot be read and could not be read when it was listed either. A file behind a link out
    of the root is such a case: :class:`~audio_assets.objects.links.LeadsOutError`.

    Attributes
    ----------
    size
        Bytes.
    """

    size: int

    def part(self, start: int, end: int) -> bytes:
        """Return the stored bytes from ``start`` to before ``end``."""

    def whole(self, most: int | None = None) -> bytes:
        """Return all bytes, verified against the listed checksum.

        Raises
        ------
        UnpacksToMoreError
            If it is stored compressed and unpacks to more than ``most`` bytes.
        """

    def is_packed(self, start: bytes) -> bool:
        """Return whether the file is stored compressed, so that a part of it is meaningless.

        Parameters
        ----------
        start
            Its first bytes.
        """

    def require_unchanged(self) -> None:
        """Check that the parts that were read belong to the file that was listed."""


class ListedFiles:
    """The files of an inventory.

    Parameters
    ----------
    root
        Audio root.
    inventory
        Table ``audio_inventory`` of a species.
    """

    def __init__(self, root: UPath, inventory: pd.DataFrame) -> None:
        self._options = root.storage_options
        self._inside = Inside(root)
        names = ("uri", "size", "generation", "checksum", "file_state")
        columns = (inventory[name].tolist() for name in names)
        self._listed = {uri: known for uri, *known in zip(*columns, strict=True)}

    def open(self, uri: str) -> ListedFile:
        """Open a file by its URI; raises the same errors as its methods."""
        from upath import UPath

        path = UPath(uri, **self._options)
        size, generation, checksum, state = self._listed[uri]
        if is_local(path):
            return _LocalFile(path, size, checksum, state, self._inside)
        return _Object(path, size, int(generation), checksum)


class _Object:
    """An object of a bucket, as it was listed."""

    def __init__(self, path: UPath, size: int, generation: int, checksum: str) -> None:
        self._path = path
        self._generation = generation
        self._checksum = checksum
        self.size = size

    def part(self, start: int, end: int) -> bytes:
        """See :class:`ListedFile`."""
        read = partial(bucket.read_range, self._path, start, end, generation=self._generation)
        return self._as_listed(read)

    def whole(self, most: int | None = None) -> bytes:
        """See :class:`ListedFile`."""
        return self._as_listed(
            partial(
                bucket.read,
                self._path,
                generation=self._generation,
                checksum=self._checksum,
                most=most,
            )
        )

    def is_packed(self, start: bytes) -> bool:
        """See :class:`ListedFile`."""
        # A listing does not contain this; asking costs a request.
        return start[:2] == _GZIP and self._as_listed(partial(bucket.is_packed, self._path))

    def require_unchanged(self) -> None:
        """See :class:`ListedFile`; each part is read from the listed generation."""

    def _as_listed(self, read: Callable[[], T]) -> T:
        try:
            return read()
        except (ChangedError, FileNotFoundError) as error:
            gone = "removed" if isinstance(error, FileNotFoundError) else "changed"
        raise TransientStorageError(
            f"{self._path} was {gone} after it was listed",
            "Run again; the audio is listed first.",
        )


class _LocalFile:
    """A file of this machine, as it was listed."""

    def __init__(self, path: UPath, size: int, checksum: str, state: str, inside: Inside) -> None:
        self._path = path
        self._inside = inside
        self._checksum = checksum
        self._state = state
        # A disk that was briefly unavailable would leave its clips in quarantine for good: the
        # listing stays the same, so nothing would be recomputed.
        self._is_known = checksum.startswith("sha256:")
        seen = self._as_listed(self._stat)
        if self._is_known and seen.st_size != size:
            raise self._changed()
        self.size = seen.st_size

    def part(self, start: int, end: int) -> bytes:
        """See :class:`ListedFile`."""
        return self._as_listed(partial(self._part, start, end))

    def whole(self, most: int | None = None) -> bytes:
        """See :class:`ListedFile`."""
        data = self._as_listed(partial(read_file, self._path))
        if self._is_known and f"sha256:{hashlib.sha256(data).hexdigest()}" != self._checksum:
            raise self._changed()
        return data

    def is_packed(self, start: bytes) -> bool:
        """See :class:`ListedFile`."""
        return False

    def require_unchanged(self) -> None:
        """See :class:`ListedFile`."""
        if not self._is_known:
            return
        seen = self._as_listed(self._stat)
        if self._state == file_state(seen):
            return
        # Its name or mode may have changed, but not its bytes.
        if self._as_listed(self._sha256) != self._checksum:
            raise self._changed()

    def _stat(self) -> os.stat_result:
        require_file(self._path.path)
        return os.stat(self._path.path)

    def _part(self, start: int, end: int) -> bytes:
        with open(self._path.path, "rb") as file:
            file.seek(start)
            data = file.read(end - start)
        if len(data) != end - start:
            raise OSError(f"it ends before byte {end}")
        return data

    def _sha256(self) -> str:
        digest = hashlib.sha256()
        with open(self._path.path, "rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
        return f"sha256:{digest.hexdigest()}"

    def _as_listed(self, read: Callable[[], T]) -> T:
        try:
            # A link may have taken the clip's place since it was listed.
            self._inside.require(self._path.path)
            return read()
        except OSError as error:
            if not self._is_known:
                raise
            raise TransientStorageError(
                f"{self._path} cannot be read, but could be when it was listed: {error}",
                "Make sure that its disk is available and run again. If the file itself is "
                "damaged, move it away or replace it.",
            ) from error

    def _changed(self) -> TransientStorageError:
        return TransientStorageError(
            f"{self._path} was changed after it was listed",
            "Run again; the audio is listed first.",
        )
