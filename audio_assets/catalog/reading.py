"""Read clips as they were listed, and only as much of other files as is needed to reject them.

The requirements for a clip belong in :mod:`audio_assets.audio`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.first_look import INSPECTED_FROM, first_look, most_bytes
from audio_assets.audio.glimpse import Glimpse
from audio_assets.catalog.listed_files import ListedFiles
from audio_assets.objects.bucket import UnpacksToMoreError

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

END_BYTES = 2**16
"""Bytes at each end of a large file that identify its content."""
WHOLE_UP_TO = 2**26
"""Size in bytes up to which a clip is identified by all of its bytes."""


class ClipReader:
    """Reads the clips of an inventory; may be called from several threads at once.

    Parameters
    ----------
    root
        Audio root.
    inventory
        Table ``audio_inventory`` of a species.
    limits
        Accepted durations.

    Attributes
    ----------
    bytes_read
        Bytes read so far, from usable clips and other files.
    """

    def __init__(self, root: UPath, inventory: pd.DataFrame, limits: DurationLimits) -> None:
        self._files = ListedFiles(root, inventory)
        self._limits = limits
        self._lock = Lock()
        self.bytes_read = 0

    def __call__(self, uri: str) -> bytes | ClipFault:
        """Return the bytes of a clip, or the fault that rules it out.

        A large file is inspected before it is read, see
        :func:`audio_assets.audio.first_look.first_look`.

        Raises
        ------
        TransientStorageError
            If the clip was changed or removed after it was listed, or is temporarily unavailable.
        StorageError
            If it may not be read.
        OSError
            If a local file cannot be read, and could not be when it was listed either.
        """
        file = self._files.open(uri)
        if file.size >= INSPECTED_FROM:
            glimpse = Glimpse(file.size, file.part)
            fault = None if file.is_packed(glimpse[:2]) else first_look(glimpse, self._limits)
            self._count(glimpse.bytes_read)
            if fault is not None:
                file.require_unchanged()
                return fault
        most = most_bytes(self._limits)
        try:
            data = file.whole(most)
        except UnpacksToMoreError:
            self._count(file.size)
            return ClipFault(
                "too_large",
                f"{file.size / 1e6:.1f} MB that unpack to more than {most / 1e6:.1f} MB",
            )
        self._count(len(data))
        return data

    def _count(self, size: int) -> None:
        with self._lock:
            self.bytes_read += size


def content_reader(root: UPath, inventory: pd.DataFrame) -> Callable[[str], str]:
    """Return a function for the content digests of an inventory; it may be called from threads.

    Parameters
    ----------
    root, inventory
        As for :class:`ClipReader`.

    Returns
    -------
    callable
        URI -> content, see :data:`audio_assets.tables.CLIP_DIGESTS`; raises the same errors as
        :class:`ClipReader`.
    """
    files = ListedFiles(root, inventory)

    def content(uri: str) -> str:
        file = files.open(uri)
        if file.size <= WHOLE_UP_TO:
            try:
                return f"sha256:{hashlib.sha256(file.whole(most=WHOLE_UP_TO)).hexdigest()}"
            except UnpacksToMoreError:
                # Stored compressed and large when unpacked: 5 MB may be 5 GB.
                pass
        ends = hashlib.sha256(f"{file.size} ".encode())
        ends.update(file.part(0, min(END_BYTES, file.size)))
        ends.update(file.part(max(0, file.size - END_BYTES), file.size))
        file.require_unchanged()
        return f"ends:{ends.hexdigest()}"

    return content
