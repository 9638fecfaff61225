"""The table of labelled stretches of time that clips are cut by: its columns and its rows.

How clips are cut and named belongs to :mod:`audio_assets.importing.segments`.
"""

from __future__ import annotations

import csv
import math
import posixpath
from dataclasses import dataclass
from pathlib import Path

from audio_assets.importing.layout import ImportRefusedError, require_species
from audio_assets.importing.recorded_files import RecordedFile, find_recorded_files

COLUMNS = ("file", "start", "end", "label")
LABELS = {
    "pos": "pos", "positive": "pos", "presence": "pos", "1": "pos",
    "neg": "neg", "negative": "neg", "absence": "neg", "0": "neg",
}  # fmt: skip


@dataclass(frozen=True)
class Segment:
    """A row of the table.

    Attributes
    ----------
    line
        Line of the table that the row ends on.
    file
        The recording.
    start, end
        Seconds from the beginning of the file.
    label
        ``pos`` or ``neg``.
    recording
        Unit that is kept together in the splits.
    species
        Species folder.
    """

    line: int
    file: RecordedFile
    start: float
    end: float
    label: str
    recording: str
    species: str


def read_segments(
    table: Path, recordings: Path, species: str | None
) -> list[tuple[int, Segment | ImportRefusedError]]:
    """Rows with the line that each ends on (empty lines are no rows), or what is wrong with one.

    Parameters
    ----------
    table
        CSV with the columns :data:`COLUMNS` and, if wanted, recording and species.
    recordings
        Folder that its files are relative to.
    species
        Of rows that name none.

    Raises
    ------
    ImportRefusedError
        If the table cannot be read or lacks a column.
    """
    rows = _read(table)
    files = find_recorded_files(recordings, {row["file"] for _, row in rows if _is_path(row)})
    return [(line, _segment_or_fault(line, row, files, species)) for line, row in rows]


def _read(table: Path) -> list[tuple[int, dict[str, str]]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            rows = [
                (reader.line_num, {key: (row[key] or "").strip() for key in row if key})
                for row in reader
            ]
            columns = reader.fieldnames or ()
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportRefusedError(
            f"{table} cannot be read: {error}", "Give a UTF-8 CSV with a header line."
        ) from error
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ImportRefusedError(
            f"{table} has no column {' and '.join(missing)}",
            f"Give the columns {', '.join(COLUMNS)}, and recording and species if you like.",
        )
    return rows


def _is_path(row: dict[str, str]) -> bool:
    return row["file"] != "" and "\0" not in row["file"]


def _segment_or_fault(
    line: int, row: dict[str, str], files: dict[str, RecordedFile], species: str | None
) -> Segment | ImportRefusedError:
    try:
        return _segment(line, row, files, species)
    except ImportRefusedError as error:
        return error


def _segment(
    line: int, row: dict[str, str], files: dict[str, RecordedFile], species: str | None
) -> Segment:
    label = LABELS.get(row["label"].lower())
    if label is None:
        raise ImportRefusedError(
            f"the label {row['label']!r} is neither pos nor neg", "Correct it."
        )
    try:
        start, end = float(row["start"]), float(row["end"])
    except ValueError:
        start = end = math.nan
    if not 0.0 <= start < end < math.inf:
        raise ImportRefusedError(
            f"from {row['start']!r} to {row['end']!r} is no stretch of seconds", "Correct it."
        )
    named = row.get("species") or species
    if not named:
        raise ImportRefusedError("no species is given", "Add a column species, or give --species.")
    file = files.get(row["file"])
    if file is None:
        raise ImportRefusedError("no file is given", "Name the recording.")
    recording = row.get("recording") or posixpath.splitext(file.name)[0]
    return Segment(line, file, start, end, label, recording, require_species(named))
