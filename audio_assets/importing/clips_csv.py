"""The ``clips.csv`` of an audio root as an import finds it and adds to it.

Its lines, order and further columns stay. What its lines mean for the splits is decided in
:mod:`audio_assets.storage.recordings`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audio_assets.errors import AudioRootError
from audio_assets.storage.files import write_atomic
from audio_assets.storage.recordings import CLIPS_CSV, normal_path


@dataclass(frozen=True)
class ClipsCsv:
    """A ``clips.csv`` that can be added to.

    Attributes
    ----------
    path
        Where it is, or will be.
    columns
        Its header.
    rows
        Its lines, each with at most as many values.
    groups
        Recording by path relative to the root, as ``normal_path`` writes it.
    """

    path: Path
    columns: list[str]
    rows: list[list[str]]
    groups: dict[str, str]


def read_clips_csv(root: Path) -> ClipsCsv:
    """The ``clips.csv`` of a root; one without lines if there is none.

    Raises
    ------
    AudioRootError
        If it cannot be read, lacks the columns file and group, has a line with more values than
        columns or with none in these, or gives a file two groups.
    """
    path = root / CLIPS_CSV
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, row) for row in reader if row]
    except FileNotFoundError:
        return ClipsCsv(path, ["file", "group"], [], {})
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AudioRootError(
            f"{path} cannot be read: {error}", "Make it a UTF-8 CSV with columns file and group."
        ) from error
    columns = lines[0][1] if lines else []
    for name in ("file", "group"):
        if columns.count(name) != 1:
            raise AudioRootError(
                f"{path} has {'two columns' if name in columns else 'no column'} {name}; "
                f"its columns are {columns}",
                "Give each clip's path relative to the root as `file`, its recording as `group`, "
                "separated by a comma.",
            )
    groups: dict[str, str] = {}
    for line, row in lines[1:]:
        if len(row) > len(columns):
            raise AudioRootError(
                f"{path}, line {line} has {len(row)} values, and the header {len(columns)} columns",
                "Put quotes around a value that holds a comma, or drop what is too much.",
            )
        _add_line(groups, f"{path}, line {line}", dict(zip(columns, row, strict=False)))
    return ClipsCsv(path, columns, [row for _, row in lines[1:]], groups)


def _add_line(groups: dict[str, str], where: str, row: Mapping[str, str]) -> None:
    file, group = (row.get(name, "") for name in ("file", "group"))
    if not file or not group:
        raise AudioRootError(f"{where}: file or group is empty", "Fill it in or drop the line.")
    if groups.setdefault(normal_path(file), group) != group:
        raise AudioRootError(
            f"{where} gives {file} the group {group!r}, and an earlier line "
            f"{groups[normal_path(file)]!r}",
            "Keep the right line only.",
        )


def require_agreement(listed: ClipsCsv, recordings: Mapping[str, str]) -> None:
    """Check that no clip has another recording already.

    Parameters
    ----------
    recordings
        Recording by path relative to the root.

    Raises
    ------
    AudioRootError
        If one has.
    """
    known = dict(listed.groups)
    for path, recording in sorted(recordings.items()):
        if known.setdefault(normal_path(path), recording) != recording:
            raise AudioRootError(
                f"{listed.path} gives {path} the group {known[normal_path(path)]!r}, "
                f"the import {recording!r}",
                "Correct the one that is wrong, and import again. If these are recordings of two "
                "tables with equal file names, give their paths below one common folder.",
            )


def add_recordings(root: Path, recordings: Mapping[str, str]) -> None:
    """Add clips to the root's ``clips.csv``, keeping the lines and columns that it has.

    Parameters
    ----------
    recordings
        Recording by path relative to the root.

    Raises
    ------
    AudioRootError
        As from :func:`read_clips_csv` and :func:`require_agreement`; nothing is changed then.
    """
    from upath import UPath

    listed = read_clips_csv(root)
    require_agreement(listed, recordings)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(listed.columns)
    writer.writerows(listed.rows)
    for path, group in sorted(recordings.items()):
        if normal_path(path) not in listed.groups:
            new = {"file": path, "group": group}
            writer.writerow([new.get(column, "") for column in listed.columns])
    write_atomic(UPath(listed.path), text.getvalue().encode())
