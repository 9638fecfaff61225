"""Add the clips of an import to the ``clips.csv`` of an audio root.

Reading the file and formatting new lines belongs in :mod:`audio_assets.catalog.clips_csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from audio_assets.catalog import clips_csv
from audio_assets.catalog.clips_csv import CLIPS_CSV, ClipsCsv, normal_path
from audio_assets.errors import AudioRootError
from audio_assets.objects.files import write_atomic


def read_clips_csv(root: Path) -> ClipsCsv:
    """Read the ``clips.csv`` of a root, or return an empty one if there is none.

    Raises
    ------
    AudioRootError
        As from :func:`audio_assets.catalog.clips_csv.read_clips_csv`, or if a line is wrong.
    """
    from upath import UPath

    listed = clips_csv.read_clips_csv(UPath(root))
    if listed is None:
        return ClipsCsv(UPath(root) / CLIPS_CSV)
    for fault in listed.faults:
        raise fault.error
    return listed


def require_agreement(listed: ClipsCsv, recordings: Mapping[str, str]) -> None:
    """Check that no clip is already assigned to a different recording.

    Parameters
    ----------
    recordings
        Recording by path relative to the root.

    Raises
    ------
    AudioRootError
        If one is.
    """
    known = dict(listed.groups)
    for path, recording in sorted(recordings.items()):
        if known.setdefault(normal_path(path), recording) != recording:
            raise AudioRootError(
                f"{listed.path} assigns {path} to the group {known[normal_path(path)]!r}, "
                f"the import to {recording!r}",
                "Correct the wrong one, and import again. If these are recordings of two tables "
                "with equal file names, give their paths below one common folder.",
            )


def add_recordings(root: Path, recordings: Mapping[str, str]) -> None:
    """Add clips to the root's ``clips.csv``, which keeps its name, format, lines and columns.

    Parameters
    ----------
    recordings
        Recording by path relative to the root.

    Raises
    ------
    AudioRootError
        As from :func:`read_clips_csv` and :func:`require_agreement`; the file is then unchanged.
    """
    listed = read_clips_csv(root)
    require_agreement(listed, recordings)
    new = {
        path: group
        for path, group in sorted(recordings.items())
        if normal_path(path) not in listed.groups
    }
    write_atomic(listed.path, listed.with_lines(new))
