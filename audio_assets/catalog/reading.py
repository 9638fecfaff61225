"""Reading clips as they were listed, and of what is no clip no more than is needed to see that.

What a file has to be like to be a clip belongs in :mod:`audio_assets.audio`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING

from audio_assets.audio.decode import DurationLimits
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.first_look import LOOKED_AT_FROM, first_look, most_bytes
from audio_assets.audio.glimpse import Glimpse
from audio_assets.catalog.listed_files import ListedFiles
from audio_assets.objects.bucket import UnpacksToMoreError

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

END_BYTES = 2**16
"""Bytes at each end of a large file that stand for its content."""
WHOLE_UP_TO = 2**26
"""Bytes up to which a clip's content is told by all of them."""


class ClipReader:
    """Reads the clips of an inventory; may be called from several threads at once.

    Parameters
    ----------
    root
        Audio root.
    inventory
        Table ``audio_inventory`` of a species.
    limits
        What is accepted.

    Attributes
    ----------
    bytes_read
        How many were read so far, of clips that are used and of others.
    """

    def __init__(self, root: UPath, inventory: pd.DataFrame, limits: DurationLimits) -> None:
        self._files = ListedFiles(root, inventory)
        self._limits = limits
        self._lock = Lock()
        self.bytes_read = 0

    def __call__(self, uri: str) -> bytes | ClipFault:
        """Bytes of a clip, or why it can be none.

        A large file is looked at before it is read, see
        :func:`audio_assets.audio.first_look.first_look`.

        Raises
        ------
        TransientStorageError
            If the clip was changed or removed after it was listed, or the place where it lies does
            not give it for now.
        StorageError
            If it may not be read.
        OSError
            If a local file cannot be read, and could not be when it was listed.
        """
        file = self._files.open(uri)
        if file.size >= LOOKED_AT_FROM:
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
    """What tells the content of the clips of an inventory; may be called from several threads.

    Parameters
    ----------
    root, inventory
        As of :class:`ClipReader`.

    Returns
    -------
    callable
        The content by URI, see :data:`audio_assets.tables.CLIP_DIGESTS`; raises as
        :class:`ClipReader`.
    """
    files = ListedFiles(root, inventory)

    def content(uri: str) -> str:
        file = files.open(uri)
        if file.size <= WHOLE_UP_TO:
            try:
                return f"sha256:{hashlib.sha256(file.whole(most=WHOLE_UP_TO)).hexdigest()}"
            except UnpacksToMoreError:
                # Stored compressed, and a large file when unpacked: 5 MB may be 5 GB.
                pass
        ends = hashlib.sha256(f"{file.size} ".encode())
        ends.update(file.part(0, min(END_BYTES, file.size)))
        ends.update(file.part(max(0, file.size - END_BYTES), file.size))
        file.require_unchanged()
        return f"ends:{ends.hexdigest()}"

    return content
