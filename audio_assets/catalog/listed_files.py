"""The files of an inventory as they were listed: parts of them, and all of their bytes.

A file that was changed between listing and reading would get the row of another; it is an error
that the next run mends. What the bytes mean is not known here.

Local files are read and not mapped: one that becomes shorter while it is mapped ends the process
that looks at it (SIGBUS), and with it the work on all other clips.
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

    All but ``size`` raise :class:`TransientStorageError` if the file was changed or removed since,
    or its place does not give it for now, :class:`StorageError` if it may not be read, and an
    OSError if a local file cannot be read and could not be when it was listed. That it is behind a
    link out of the root is one: :class:`~audio_assets.objects.links.LeadsOutError`.

    Attributes
    ----------
    size
        Bytes.
    """

    size: int

    def part(self, start: int, end: int) -> bytes:
        """Bytes as they are stored, from ``start`` to before ``end``."""

    def whole(self, most: int | None = None) -> bytes:
        """All bytes, compared with the listed checksum.

        Raises
        ------
        UnpacksToMoreError
            If it is stored compressed and has more than ``most`` bytes.
        """

    def is_packed(self, start: bytes) -> bool:
        """Whether it is stored compressed, so that a part of it says nothing.

        Parameters
        ----------
        start
            Its first bytes.
        """

    def require_unchanged(self) -> None:
        """Check that the parts that were read are of the file that was listed."""


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
        """A file by its URI; raises as its methods do."""
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
        # A listing does not tell; to ask costs a request.
        return start[:2] == _GZIP and self._as_listed(partial(bucket.is_packed, self._path))

    def require_unchanged(self) -> None:
        """See :class:`ListedFile`; each part is of the listed generation."""

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
        # A disk that was away for a moment would leave its clips in quarantine for good: the
        # listing stays what it was, so nothing would be made anew.
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
        # It may have another name or mode since, and the same bytes.
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
                f"{self._path} cannot be read, and could be when it was listed: {error}",
                "See that its disk is there and run again. If it is the file that is damaged, move "
                "it away or put another in its place.",
            ) from error

    def _changed(self) -> TransientStorageError:
        return TransientStorageError(
            f"{self._path} was changed after it was listed",
            "Run again; the audio is listed first.",
        )
