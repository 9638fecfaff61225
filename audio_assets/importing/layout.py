"""Writing clips into the layout of an audio root, and their recordings into its ``clips.csv``.

Where clips come from belongs to the modules of the layouts that are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from audio_assets.errors import AudioAssetsError, AudioRootError
from audio_assets.partition_keys import KEY_RULE, is_partition_key
from audio_assets.storage.files import write_atomic
from audio_assets.storage.recordings import CLIPS_CSV

if TYPE_CHECKING:
    from upath import UPath


class ImportRefusedError(AudioAssetsError):
    """Nothing, or nothing of one row, can be brought in."""


@dataclass(frozen=True)
class Refused:
    """A row or file of the source that was left out.

    Attributes
    ----------
    where
        Table and line, or file.
    why
        In plain words.
    """

    where: str
    why: str


@dataclass(frozen=True)
class Imported:
    """What an import did.

    Attributes
    ----------
    written, unchanged
        Paths relative to the audio root; ``unchanged`` were there with the same bytes.
    refused
        What was left out.
    leftover
        Paths of clips of the same recordings that the source does not make, as an earlier version
        of it may have. They were not touched.
    """

    written: tuple[str, ...]
    unchanged: tuple[str, ...]
    refused: tuple[Refused, ...]
    leftover: tuple[str, ...] = ()


def require_species(name: str) -> str:
    """The name, if it may be a species folder.

    Raises
    ------
    ImportRefusedError
        If it breaks the rule for folder names.
    """
    if not is_partition_key(name):
        raise ImportRefusedError(
            f"{name!r} cannot be a species folder", f"Use a name that matches {KEY_RULE}."
        )
    return name


def write_clip(root: Path, path: str, data: bytes) -> bool:
    """Write a clip unless it is there with the same bytes; whether it was written.

    Parameters
    ----------
    root
        Audio root.
    path
        Relative to it, with forward slashes.

    Raises
    ------
    ImportRefusedError
        If other bytes are there: a clip is never replaced.
    """
    target = root / path
    if target.exists():
        if target.read_bytes() == data:
            return False
        raise ImportRefusedError(
            f"{target} is there already with other content", "Move it away, or import elsewhere."
        )
    write_atomic(_upath(target), data)
    return True


def add_recordings(root: Path, recordings: Mapping[str, str]) -> None:
    """Add clips to the root's ``clips.csv``, keeping the lines and columns that it has.

    Parameters
    ----------
    recordings
        Recording by path relative to the root.

    Raises
    ------
    AudioRootError
        If the file is there and is no table with the columns file and group, or gives one of these
        clips another recording; nothing is changed then.
    """
    columns, rows = read_clips(root / CLIPS_CSV)
    known = {row["file"]: row["group"] for row in rows}
    for path, recording in sorted(recordings.items()):
        if known.setdefault(path, recording) != recording:
            raise AudioRootError(
                f"{root / CLIPS_CSV} gives {path} the group {known[path]!r}, "
                f"the import {recording!r}",
                "Correct the one that is wrong, and import again.",
            )
    listed = {row["file"] for row in rows}
    rows += [
        {"file": path, "group": recording}
        for path, recording in sorted(recordings.items())
        if path not in listed
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    write_atomic(_upath(root / CLIPS_CSV), text.getvalue().encode())


def read_clips(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Columns and lines of a ``clips.csv``; none if there is no such file.

    Raises
    ------
    AudioRootError
        If it cannot be read, or lacks the columns file and group.
    """
    if not path.exists():
        return ["file", "group"], []
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = list(reader)
            columns = list(reader.fieldnames or ())
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AudioRootError(
            f"{path} cannot be read: {error}", "Make it a UTF-8 CSV with columns file and group."
        ) from error
    if not {"file", "group"} <= set(columns):
        raise AudioRootError(
            f"{path} lacks the columns file and group",
            "Give each clip's path relative to the root as `file`, its recording as `group`.",
        )
    return columns, rows


def _upath(path: Path) -> UPath:
    from upath import UPath

    return UPath(path)
