"""Find links that lead out of a root: permission to add files there must not expose others.

How such a file is treated is decided where files are listed and read.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from audio_assets.objects.files import is_local

if TYPE_CHECKING:
    from upath import UPath


class LeadsOutError(OSError):
    """A path leads out of its root by a link."""


class Inside:
    """Check that paths lie inside a local root after following links; a bucket has no links.

    The root itself may be a link, or lie behind one: that is the decision of the user who sets it.
    """

    def __init__(self, root: UPath) -> None:
        self._real = os.path.realpath(root.path) if is_local(root) else None

    def has(self, path: str) -> bool:
        """Return whether a path lies under the root when links are followed."""
        if self._real is None:
            return True
        real = os.path.realpath(path)
        return real == self._real or real.startswith(os.path.join(self._real, ""))

    def require(self, path: str) -> None:
        """Check that a path lies under the root when links are followed.

        Raises
        ------
        LeadsOutError
            If it does not. The message is published, so it does not name the target of the link.
        """
        if not self.has(path):
            raise LeadsOutError("it is or lies behind a link that leads out of the audio root")
