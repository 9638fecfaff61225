"""Which source recording a clip comes from: the unit of every split.

The order of the rules is a contract: a ``clips.csv`` beside the species folders, else the first
pattern that matches the stem, else the stem itself.
"""

from __future__ import annotations

import io
import posixpath
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from audio_assets.errors import AudioRootError
from audio_assets.storage.files import read_file
from audio_assets.tables import LABELS, VARIANTS

if TYPE_CHECKING:
    import pandas as pd
    from upath import UPath

CLIPS_CSV = "clips.csv"
NO_LINE = f" (no line in {CLIPS_CSV})"
"""Ends the rule of a clip that has no line in a ``clips.csv`` with lines for its species."""


@dataclass(frozen=True)
class RecordingRules:
    """The rules of one audio root.

    Attributes
    ----------
    groups
        Recording by path relative to the root, from ``clips.csv``; paths as
        :func:`normal_path` writes them.
    patterns
        Regular expressions with a group ``recording``, searched in the stem.
    faults
        What is wrong with the lines of a species, by species.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[str] = ()
    faults: Mapping[str, AudioRootError] = field(default_factory=dict)

    def recording_of(self, path: str) -> tuple[str, str]:
        """Recording of the clip at ``path`` (relative to the root), and the rule that gave it.

        The rule is ``clips.csv``, a pattern or ``stem``. The last two end in :data:`NO_LINE` where
        ``clips.csv`` has lines for the species: it may name the clip in another way.

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
        """Paths in ``clips.csv`` for a species that none of its clips has, sorted.

        Parameters
        ----------
        inventory
            As :data:`audio_assets.tables.AUDIO_INVENTORY`, of the species.
        """
        columns = (inventory[name] for name in ("variant", "label", "uri"))
        clips = {
            normal_path(f"{species}/{variant}/{label}/{posixpath.basename(uri)}")
            for variant, label, uri in zip(*columns, strict=True)
        }
        named = {path for path in self.groups if _species_of(path) in (species, _ANY_SPECIES)}
        return sorted(named - clips)

    @cached_property
    def _species(self) -> frozenset[str]:
        return frozenset(map(_species_of, self.groups))


# Of a line that can be no clip's path, such as a bare name: it may be meant for any species.
_ANY_SPECIES = ""


def normal_path(path: str) -> str:
    r"""One form for the ways in which systems and programs write a path relative to the root.

    Letters with accents in NFC (macOS lists NFD), ``\`` as ``/``, and no ``./`` at the start.
    """
    return unicodedata.normalize("NFC", path).replace("\\", "/").removeprefix("./")


def read_recording_rules(root: UPath, patterns: Sequence[str]) -> RecordingRules:
    """The rules of ``root``, with its ``clips.csv`` if there is one.

    A line that has no group, or gives a file another group than an earlier one, is a fault of its
    species alone.

    Raises
    ------
    AudioRootError
        If ``clips.csv`` cannot be read, lacks the columns ``file`` and ``group``, or has a line
        with more values than columns or a wrong one of which nobody knows the species.
    """
    import pandas as pd

    path = root / CLIPS_CSV
    try:
        data = io.BytesIO(read_file(path))
        table = pd.read_csv(data, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except FileNotFoundError:
        return RecordingRules(patterns=tuple(patterns))
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise AudioRootError(
            f"{path} cannot be read: {error}", "Make it a UTF-8 CSV with columns file and group."
        ) from error
    if not isinstance(table.index, pd.RangeIndex):
        # pandas takes the first value of such lines for a name of the line.
        raise AudioRootError(
            f"{path}, line 2: more values than the columns {', '.join(table.columns)}",
            'Put a name with a comma into quotes ("a, b.wav"), and drop commas at the end.',
        )
    missing = [name for name in ("file", "group") if name not in table.columns]
    if missing:
        raise AudioRootError(
            f"{path} has no column {' and '.join(missing)}",
            "Give each clip's path relative to the root as `file`, its recording as `group`.",
        )
    faults: dict[str, AudioRootError] = {}

    def note(file: str, what: str, remedy: str) -> None:
        fault = AudioRootError(f"{path}{what}", remedy)
        if _species_of(file) == _ANY_SPECIES:
            raise fault
        faults.setdefault(_species_of(file), fault)

    table["file"] = table["file"].map(normal_path)
    for line in table.index[(table["file"] == "") | (table["group"] == "")]:
        what = f", line {line + 2}: file or group is empty"
        note(table["file"][line], what, "Fill it in or drop the line.")
    pairs = table[["file", "group"]].drop_duplicates()
    for file in pairs["file"][pairs["file"].duplicated()]:
        note(file, f" gives {file} more than one group", "Keep the right line only.")
    groups = dict(zip(pairs["file"], pairs["group"], strict=True))
    return RecordingRules(groups, tuple(patterns), faults)


def _species_of(path: str) -> str:
    species, *folders = path.split("/")
    is_clip = len(folders) == 3 and folders[0] in VARIANTS and folders[1] in LABELS
    return species if is_clip else _ANY_SPECIES
