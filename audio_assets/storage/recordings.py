"""Which source recording a clip comes from: the unit of every split.

The order of the rules is a contract: a ``clips.csv`` beside the species folders, else the first
pattern that matches the stem, else the stem itself.
"""

from __future__ import annotations

import io
import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from audio_assets.errors import AudioRootError
from audio_assets.storage.files import read_file

if TYPE_CHECKING:
    from upath import UPath

CLIPS_CSV = "clips.csv"


@dataclass(frozen=True)
class RecordingRules:
    """The rules of one audio root.

    Attributes
    ----------
    groups
        Recording by path relative to the root, from ``clips.csv``.
    patterns
        Regular expressions with a group ``recording``, searched in the stem.
    """

    groups: Mapping[str, str] = field(default_factory=dict)
    patterns: Sequence[str] = ()

    def recording_of(self, path: str) -> tuple[str, str]:
        """Recording of the clip at ``path`` (relative to the root), and the rule that gave it."""
        if path in self.groups:
            return self.groups[path], CLIPS_CSV
        stem = posixpath.splitext(posixpath.basename(path))[0]
        for pattern in self.patterns:
            match = re.search(pattern, stem)
            if match and match["recording"]:
                return match["recording"], pattern
        return stem, "stem"


def read_recording_rules(root: UPath, patterns: Sequence[str]) -> RecordingRules:
    """The rules of ``root``, with its ``clips.csv`` if there is one.

    Raises
    ------
    AudioRootError
        If ``clips.csv`` cannot be read, lacks the columns ``file`` and ``group``, has an empty
        value in them, or gives one file two groups.
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
    missing = [name for name in ("file", "group") if name not in table.columns]
    if missing:
        raise AudioRootError(
            f"{path} has no column {' and '.join(missing)}",
            "Give each clip's path relative to the root as `file`, its recording as `group`.",
        )
    empty = table.index[(table["file"] == "") | (table["group"] == "")]
    if len(empty):
        raise AudioRootError(
            f"{path}, line {empty[0] + 2}: file or group is empty", "Fill it in or drop the line."
        )
    pairs = table[["file", "group"]].drop_duplicates()
    twice = pairs["file"][pairs["file"].duplicated()]
    if len(twice):
        raise AudioRootError(
            f"{path} gives {twice.iloc[0]} more than one group", "Keep the right line only."
        )
    return RecordingRules(dict(zip(pairs["file"], pairs["group"], strict=True)), tuple(patterns))
