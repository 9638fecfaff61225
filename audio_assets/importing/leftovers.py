"""Clips that an earlier table left in an audio root, told by their names and ``clips.csv``.

A corrected label or time gives another file name, so the clip of the wrong row stays. Nothing is
removed here: who labelled knows which of them are wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from audio_assets.catalog.clips_csv import normal_path
from audio_assets.importing.clip_names import CUT_CLIP
from audio_assets.importing.clips_csv import read_clips_csv
from audio_assets.tables import LABELS, VARIANTS


@dataclass(frozen=True)
class Sources:
    """What a table cuts the clips of a species from.

    Attributes
    ----------
    names
        Recorded files, as they begin the names of their clips.
    recordings
        Their recordings.
    """

    names: Collection[str]
    recordings: Collection[str]


def leftover_clips(
    root: Path, made: Collection[str], sources: Mapping[str, Sources]
) -> tuple[str, ...]:
    """Clips under ``root`` that were cut from the same files or recordings and are not in ``made``.

    Parameters
    ----------
    root
        Audio root.
    made
        Paths relative to it of what the table makes.
    sources
        By species.
    """
    recording_of = read_clips_csv(root).groups
    found = []
    for species, its in sources.items():
        for variant in VARIANTS:
            for label in LABELS:
                for file in (root / species / variant / label).glob("*.wav"):
                    path = f"{species}/{variant}/{label}/{file.name}"
                    match = CUT_CLIP.fullmatch(file.name)
                    if match is None or path in made:
                        continue
                    if (
                        match["source"] in its.names
                        or recording_of.get(normal_path(path)) in its.recordings
                    ):
                        found.append(path)
    return tuple(sorted(found))
