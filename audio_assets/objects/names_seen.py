"""Files that were seen in the folders of a bucket, believed to be there for a while.

A sensor asks at every tick whether each published file is still there. Only that a file is there is
remembered: one that was not seen is asked for again, so what was just made is known at once.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from audio_assets.objects.files import is_local

if TYPE_CHECKING:
    from upath import UPath


class NamesSeen:
    """Names of files that were seen, by folder.

    Folders of this machine are not remembered: to list them costs next to nothing.

    Parameters
    ----------
    seconds
        For how long a listing is believed; a file that is deleted is missed after as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._folders: dict[str, tuple[float, frozenset[str]]] = {}

    def note(self, folder: UPath, names: Iterable[str]) -> None:
        """Remember a folder as it was listed just now."""
        if not is_local(folder):
            self._folders[str(folder)] = (time.monotonic(), frozenset(names))

    def has(self, path: UPath) -> bool:
        """Whether a file was seen and its folder listed not long ago."""
        listed, names = self._folders.get(str(path.parent), (0.0, frozenset()))
        return path.name in names and time.monotonic() - listed < self._seconds
