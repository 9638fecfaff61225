"""Names of the clips that are cut out of recordings, and how they are told from other files.

Where the clips lie in a recording is decided in :mod:`audio_assets.importing.stretches`.
"""

from __future__ import annotations

import posixpath
import re

from audio_assets.importing.label_table import Segment

CUT_CLIP = re.compile(r"(?P<source>.+)_[\d.]+-[\d.]+s(?:_in_[\d.]+s)?\.wav")
"""The name of a clip that was cut by a table; ``source`` is that of its recorded file."""


def clip_name(segment: Segment, context: float | None = None) -> str:
    """Name that tells file and time, and no two files, stretches or contexts share.

    Parameters
    ----------
    segment
        Its file and times.
    context
        Seconds that it was padded to, if it was.
    """
    within = "" if context is None else f"_in_{_seconds(context)}s"
    times = f"{_seconds(segment.start)}-{_seconds(segment.end)}s"
    return f"{source_name(segment.file.name)}_{times}{within}.wav"


def source_name(name: str) -> str:
    """How the names of the clips of a recorded file begin."""
    stem, suffix = posixpath.splitext(name)
    flat = re.sub(r"[/\\]+", "__", stem.lstrip("./\\"))
    return f"{flat}.{suffix.lower().lstrip('.')}"


def _seconds(time: float) -> str:
    return f"{time:.3f}".rstrip("0").rstrip(".")
