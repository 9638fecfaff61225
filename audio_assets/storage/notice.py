"""A sentence about the audio as a whole, which the report shows first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audio_assets.storage.files import read_file

if TYPE_CHECKING:
    from upath import UPath

NOTICE = "NOTICE.txt"


def read_notice(root: UPath) -> str | None:
    """Text of ``NOTICE.txt`` beside the species folders, or None without one."""
    try:
        return read_file(root / NOTICE).decode("utf-8").strip() or None
    except FileNotFoundError:
        return None
