"""Find the clips that an earlier table left in an audio root, by their names and ``clips.csv``.

A corrected label or time changes the file name, so the clip of the wrong row stays. Nothing is
removed here: only the labeller knows which of these clips are wrong.
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
    """The sources from which a table cuts the clips of a species.

    Attributes
    ----------
    names
        Recorded files, as prefixes of the names of their clips.
    recordings
        Recordings of these files.
    """

    names: Collection[str]
    recordings: Collection[str]


def leftover_clips(
    root: Path, made: Collection[str], sources: Mapping[str, Sources]
) -> tuple[str, ...]:
    """Return the clips under ``root`` that have the same sources and are not in ``made``.

    Parameters
    ----------
    root
        Audio root.
    made
        Relative paths of the clips that the table makes.
    sources
        Sources by species.
    """
    recording_of = read_clips_csv(root).groups
    found = []
    for species, of_species in sources.items():
        for variant in VARIANTS:
            for label in LABELS:
                for file in (root / species / variant / label).glob("*.wav"):
                    path = f"{species}/{variant}/{label}/{file.name}"
                    match = CUT_CLIP.fullmatch(file.name)
                    if match is None or path in made:
                        continue
                    if (
                        match["source"] in of_species.names
                        or recording_of.get(normal_path(path)) in of_species.recordings
                    ):
                        found.append(path)
    return tuple(sorted(found))
