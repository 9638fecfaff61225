"""Names of the clips that are cut out of recordings, and a pattern to recognise them.

Their positions in a recording are decided in :mod:`audio_assets.importing.clip_times`.
"""

from __future__ import annotations

import posixpath
import re

from audio_assets.importing.label_table import Segment

CUT_CLIP = re.compile(r"(?P<source>.+)_[\d.]+-[\d.]+s(?:_in_[\d.]+s)?(?:_unlabelled)?\.wav")
"""The name of a clip that was cut by a table; ``source`` names its recorded file."""


def clip_name(segment: Segment, context: float | None = None) -> str:
    """Return a name with file and time that is unique per file, segment and context.

    The name of a negative that nobody labelled ends in ``_unlabelled``.

    Parameters
    ----------
    segment
        File and times of the clip.
    context
        Seconds that the clip was padded to, if any.
    """
    within = "" if context is None else f"_in_{_seconds(context)}s"
    drawn = "_unlabelled" if segment.is_drawn else ""
    times = f"{_seconds(segment.start)}-{_seconds(segment.end)}s"
    return f"{source_name(segment.file.name)}_{times}{within}{drawn}.wav"


def source_name(name: str) -> str:
    """Return the prefix of the names of all clips from a recorded file."""
    stem, suffix = posixpath.splitext(name)
    flat = re.sub(r"[/\\]+", "__", stem.lstrip("./\\"))
    return f"{flat}.{suffix.lower().lstrip('.')}"


def _seconds(time: float) -> str:
    return f"{time:.3f}".rstrip("0").rstrip(".")
