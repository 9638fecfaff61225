"""Remember for a while which files exist in the folders of a bucket.

At every tick a sensor checks that each published file still exists. Only existing files are
remembered, never missing ones, so a file that was just written is noticed at once.
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

    Local folders are not remembered: listing them costs next to nothing.

    Parameters
    ----------
    seconds
        Time for which a listing is trusted: a deleted file is noticed after at most as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._folders: dict[str, tuple[float, frozenset[str]]] = {}

    def note(self, folder: UPath, names: Iterable[str]) -> None:
        """Remember a listing made just now."""
        if not is_local(folder):
            self._folders[str(folder)] = (time.monotonic(), frozenset(names))

    def has(self, path: UPath) -> bool:
        """Return whether a recent listing of its folder contains a file."""
        listed, names = self._folders.get(str(path.parent), (0.0, frozenset()))
        return path.name in names and time.monotonic() - listed < self._seconds
