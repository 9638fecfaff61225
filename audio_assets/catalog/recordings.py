"""Assign clips to their source recordings, the unit of every split.

The order of the rules is a contract: a ``clips.csv`` beside the species folders, else the first
pattern that matches the stem, else the stem itself.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from audio_assets.catalog.clips_csv import CLIPS_CSV, normal_path, read_clips_csv
from audio_assets.errors import AudioRootError
from audio_assets.tables import LABELS, VARIANTS

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

NO_LINE = f" (no line in {CLIPS_CSV})"
"""Suffix of the rule for a clip without a line in a ``clips.csv`` that lists its species."""


@dataclass(frozen=True)
class RecordingRules:
    """The rules of one audio root.

    Attributes
    ----------
    groups
        Recording by path relative to the root, from ``clips.csv``; paths as
        :func:`~audio_assets.catalog.clips_csv.normal_path` writes them.
    patterns
        Regular expressions with a group ``recording``, searched in the stem.
    faults
        Species -> error in its lines.
    more
        Path -> column -> value, for further columns of ``clips.csv``, such as a site.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[str] = ()
    faults: Mapping[str, AudioRootError] = field(default_factory=dict)
    more: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def recording_of(self, path: str) -> tuple[str, str]:
        """Return the recording of the clip at ``path`` (relative to the root), and its rule.

        The rule is ``clips.csv``, a pattern or ``stem``. The last two end in :data:`NO_LINE` if
        ``clips.csv`` has lines for the species: it may spell the clip's path differently.

        Raises
        ------
        AudioRootError
            If a line of the clip's species is wrong.
        """
        fault = self.faults.get(path.split("/", 1)[0])
        if fault is not None:
            raise fault
        group = self.groups.get(normal_path(path)) if self.groups else None
        if group is not None:
            return group, CLIPS_CSV
        unnamed = NO_LINE if {path.split("/", 1)[0], _ANY_SPECIES} & self._species else ""
        stem = posixpath.splitext(posixpath.basename(path))[0]
        for pattern in self.patterns:
            match = re.search(pattern, stem)
            if match and match["recording"]:
                return match["recording"], pattern + unnamed
        return stem, f"stem{unnamed}"

    def lines_without_clip(self, species: str, inventory: pd.DataFrame) -> list[str]:
        """Return the sorted paths in ``clips.csv`` for a species that match none of its clips.

        Parameters
        ----------
        inventory
            As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the species.
        """
        clips = set(_paths(species, inventory))
        named = {path for path in self.groups if _species_of(path) in (species, _ANY_SPECIES)}
        return sorted(named - clips)

    def further_columns(self, species: str, inventory: pd.DataFrame) -> pd.DataFrame:
        """Return the further columns of ``clips.csv`` for the clips of a species.

        Parameters
        ----------
        inventory
            As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the species.

        Returns
        -------
        DataFrame
            ``variant`` and ``clip_id`` as the index, and one column of strings per column with a
            value for any clip of the species; missing values are empty.
        """
        import pandas as pd

        values = [self.more.get(path, {}) for path in _paths(species, inventory)]
        names = dict.fromkeys(name for of_clip in values for name in of_clip)
        return pd.DataFrame(
            {name: [of_clip.get(name, "") for of_clip in values] for name in names},
            index=pd.MultiIndex.from_frame(inventory[["variant", "clip_id"]]),
            dtype=str,
        )

    @cached_property
    def _species(self) -> frozenset[str]:
        return frozenset(map(_species_of, self.groups))


# For a line that cannot be a clip's path, such as a bare name: it may be meant for any species.
_ANY_SPECIES = ""


def read_recording_rules(root: UPath, patterns: Sequence[str]) -> RecordingRules:
    """Read the rules of ``root``, with its ``clips.csv`` if there is one.

    A line that has no group, has more values than the header, or assigns a file to a different
    group than an earlier one is a fault of its species only.

    Raises
    ------
    AudioRootError
        As from :func:`audio_assets.catalog.clips_csv.read_clips_csv`, or if the species of a wrong
        line is unknown.
    """
    table = read_clips_csv(root)
    if table is None:
        return RecordingRules(patterns=tuple(patterns))
    faults: dict[str, AudioRootError] = {}
    for fault in table.faults:
        species = _species_of(fault.file)
        if species == _ANY_SPECIES:
            raise fault.error
        faults.setdefault(species, fault.error)
    return RecordingRules(table.groups, tuple(patterns), faults, table.more)


def _paths(species: str, inventory: pd.DataFrame) -> list[str]:
    """Return the path of each row relative to the root, as in ``clips.csv``."""
    columns = (inventory[name] for name in ("variant", "label", "uri"))
    return [
        normal_path(f"{species}/{variant}/{label}/{posixpath.basename(uri)}")
        for variant, label, uri in zip(*columns, strict=True)
    ]


def _species_of(path: str) -> str:
    species, *folders = path.split("/")
    is_clip = len(folders) == 3 and folders[0] in VARIANTS and folders[1] in LABELS
    return species if is_clip else _ANY_SPECIES
