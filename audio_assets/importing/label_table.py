"""Read the table of labelled segments from which clips are cut.

Cutting and naming the clips belongs in :mod:`audio_assets.importing.segments`.
"""

from __future__ import annotations

import csv
import math
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from audio_assets.importing.layout import ImportRefusedError, require_species
from audio_assets.importing.recorded_files import RecordedFile, find_recorded_files
from audio_assets.tables.task import PRESENCE

COLUMNS = ("file", "start", "end", "label")
OPTIONAL_COLUMNS = ("recording", "species")
LABELS = {
    **dict.fromkeys((PRESENCE.positive, "positive", "presence", "1", "1.0"), PRESENCE.positive),
    **dict.fromkeys((PRESENCE.negative, "negative", "absence", "0", "0.0"), PRESENCE.negative),
}


@dataclass(frozen=True)
class Segment:
    """A row of the table.

    Attributes
    ----------
    line
        Line of the table on which the row ends.
    file
        The recorded file.
    start, end
        Seconds from the beginning of the file.
    label
        ``pos`` or ``neg``.
    recording
        Unit that stays together in the splits.
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
    """Read the rows, each with the line on which it ends, or with the error in it.

    Empty lines are ignored.

    Parameters
    ----------
    table
        CSV with the columns :data:`COLUMNS` and, optionally, :data:`OPTIONAL_COLUMNS`, in any case
        and with blanks around their names.
    recordings
        Folder that the files are relative to.
    species
        Species of rows without one.

    Raises
    ------
    ImportRefusedError
        If the table cannot be read, lacks a column or has no rows.
    """
    rows = _read(table)
    spellings = {row["file"] for _, row in rows if isinstance(row, dict) and _is_path(row)}
    files = find_recorded_files(recordings, spellings)
    return [(line, _segment_or_fault(line, row, files, species)) for line, row in rows]


def _read(table: Path) -> list[tuple[int, dict[str, str] | ImportRefusedError]]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            lines = [(reader.line_num, [value.strip() for value in row]) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ImportRefusedError(
            f"{table} cannot be read: {error}", "Pass a UTF-8 CSV with a header line."
        ) from error
    # Spreadsheets write the commas of empty rows as well.
    (_, header), *rows = [one for one in lines if any(one[1])] or [(0, [])]
    columns = [name.lower() for name in header]
    missing = [name for name in COLUMNS if name not in columns]
    twice = [name for name in COLUMNS + OPTIONAL_COLUMNS if columns.count(name) > 1]
    if missing or twice:
        fault = f"no column {' and '.join(missing)}" if missing else f"two columns {twice[0]}"
        raise ImportRefusedError(
            f"{table} has {fault}; its columns are {header}",
            f"Provide the columns {', '.join(COLUMNS)}, separated by commas, and optionally "
            f"{' and '.join(OPTIONAL_COLUMNS)}.",
        )
    if not rows:
        raise ImportRefusedError(f"{table} has no rows", "Add a line per segment.")
    return [(line, _by_column(columns, values)) for line, values in rows]


def _by_column(
    columns: Sequence[str], values: Sequence[str]
) -> dict[str, str] | ImportRefusedError:
    if any(values[len(columns) :]):
        # For example from decimal commas, which would put values into the wrong columns.
        return ImportRefusedError(
            f"it has {len(values)} values, and the header {len(columns)} columns",
            "Write decimals with a point, and quote values that contain a comma.",
        )
    return dict(zip_longest(columns, values[: len(columns)], fillvalue=""))


def _is_path(row: dict[str, str]) -> bool:
    return row["file"] != "" and "\0" not in row["file"]


def _segment_or_fault(
    line: int,
    row: dict[str, str] | ImportRefusedError,
    files: Mapping[str, RecordedFile],
    species: str | None,
) -> Segment | ImportRefusedError:
    try:
        return row if isinstance(row, ImportRefusedError) else _segment(line, row, files, species)
    except ImportRefusedError as error:
        return error


def _segment(
    line: int, row: dict[str, str], files: Mapping[str, RecordedFile], species: str | None
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
            f"from {row['start']!r} to {row['end']!r} is not a segment in seconds", "Correct it."
        )
    named = row.get("species") or species
    if not named:
        raise ImportRefusedError(
            "no species is given, by a column species or by --species", "Give one of them."
        )
    file = files.get(row["file"])
    if file is None:
        raise ImportRefusedError("no file is given", "Name the recording.")
    recording = row.get("recording") or posixpath.splitext(file.name)[0]
    return Segment(line, file, start, end, label, recording, require_species(named))
