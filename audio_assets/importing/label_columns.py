"""Read the rows of a label table by its columns.

The names of the columns belong in :mod:`audio_assets.importing.table_formats`, files and labels in
:mod:`audio_assets.importing.label_table`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from audio_assets.importing.layout import ImportRefusedError
from audio_assets.importing.table_formats import CSV, TableFormat
from audio_assets.importing.table_text import Decimals, find_separator, read_text, split_lines

OWN_COLUMNS = ("file", "start", "end", "label", "recording", "species")


@dataclass(frozen=True)
class Row:
    """A row: its values by column, or its fault.

    Attributes
    ----------
    line
        Line on which it ends.
    values
        Values by column in lower case.
    fault
        The fault, if it does not fit the header.
    """

    line: int
    values: dict[str, str] | None = None
    fault: ImportRefusedError | None = None


@dataclass(frozen=True)
class Columns:
    """The columns of a table that count; empty where it has none.

    Attributes
    ----------
    kind
        The kind of table.
    start, end, duration, offset, label
        Names of columns, as in :class:`audio_assets.importing.table_formats.TableFormat`.
    """

    kind: TableFormat
    start: str | None
    end: str | None
    duration: str | None
    offset: str | None
    label: str | None

    def numbers(self, rows: Sequence[Mapping[str, str]]) -> list[str]:
        """Return all times as they are written."""
        names = [one for one in (self.start, self.end, self.duration, self.offset) if one]
        return [row[name] for row in rows for name in names if row.get(name)]

    def times(self, row: Mapping[str, str], decimals: Decimals) -> tuple[float, float] | None:
        """Return start and end in seconds, equal for a point, or None if they are neither."""
        start = decimals.number(row.get(self.start or "", ""))
        if self.end:
            end = decimals.number(row.get(self.end, ""))
        else:
            end = round(start + decimals.number(row.get(self.duration or "", "")), 6)
        if self.offset:
            # The difference of two decimals is not exact.
            length = end - start
            start = decimals.number(row.get(self.offset, ""))
            end = round(start + length, 6)
        return (start, end) if 0.0 <= start <= end < math.inf else None

    def fault_of_times(self, row: Mapping[str, str]) -> ImportRefusedError:
        """Return the error of a row whose times are not a segment."""
        start, last = row.get(self.offset or self.start or "", ""), self.end or self.duration or ""
        word = "to" if self.end else "for"
        return ImportRefusedError(
            f"from {start!r} {word} {row.get(last, '')!r} is not a segment in seconds",
            "Correct it.",
        )


def read_rows(
    table: Path, kind: TableFormat, *, has_recording: bool, has_rule: bool
) -> tuple[Columns, list[Row], list[str]]:
    """Return the columns that count, the rows, and remarks.

    Parameters
    ----------
    table
        The table.
    kind
        Its columns.
    has_recording
        Whether the recording is known without the table.
    has_rule
        Whether it is known without the label column which rows are positive.

    Raises
    ------
    ImportRefusedError
        If the table cannot be read, lacks a column or has no rows.
    csv.Error
        If it is not a table.
    """
    read = read_text(table)
    separator = "\t" if kind.header else find_separator(read.text, kind.known_columns)
    quoted = kind.quoted or (separator != "\t" and not kind.header)
    # Spreadsheets write the separators of empty rows as well.
    lines = [one for one in split_lines(read.text, separator, quoted=quoted) if any(one[1])]
    if kind.header:
        # Audacity writes the frequencies of a label below it, after a backslash.
        lines = [(0, list(kind.header)), *(one for one in lines if one[1][0] != "\\")]
    (_, header), *rows = lines or [(0, [])]
    names = [name.lower().rstrip("* ") for name in header]
    columns = _columns(table, kind, header, names, (has_recording, has_rule))
    if not rows:
        raise ImportRefusedError(f"{table} has no rows", "Add a line per segment.")
    remarks = [read.remark] if read.remark else []
    return columns, [_row(line, names, values) for line, values in rows], remarks


def _columns(
    table: Path,
    kind: TableFormat,
    header: Sequence[str],
    names: Sequence[str],
    known: tuple[bool, bool],
) -> Columns:
    def first(of: Sequence[str]) -> str | None:
        return next((name for name in of if name in names), None)

    columns = Columns(
        kind,
        first(kind.start), first(kind.end), first(kind.duration), first(kind.offset),
        first(kind.label),
    )  # fmt: skip
    has_recording, has_rule = known
    missing = []
    if not has_recording and not any(of_file[-1] in names for of_file in kind.files):
        missing.append(kind.files[0][-1] if kind.files else "file")
    if columns.start is None:
        missing.append(kind.start[0])
    if columns.end is None and columns.duration is None:
        missing.append((kind.end + kind.duration)[0])
    if columns.label is None and not has_rule:
        missing.append(kind.label[0])
    counted = {*OWN_COLUMNS, *kind.known_columns} if kind is CSV else kind.known_columns
    twice = [name for name in names if name in counted and names.count(name) > 1]
    if missing or twice:
        fault = f"no column {' and '.join(missing)}" if missing else f"two columns {twice[0]}"
        raise ImportRefusedError(f"{table} has {fault}; its columns are {header}", _remedy(kind))
    return columns


def _remedy(kind: TableFormat) -> str:
    if kind.header:
        return "Name the recording of the labels with --recording FILE."
    if kind is CSV:
        return (
            "Provide the columns file (or --recording FILE), start, end and label (or --positive "
            "COLUMN=VALUE), and optionally recording and species; or use import raven, audacity, "
            "kaleidoscope or birdnet."
        )
    return (
        "Export these columns; --recording FILE names the recording, and --positive COLUMN=VALUE "
        "chooses the positive rows of a table without them."
    )


def _row(line: int, columns: Sequence[str], values: Sequence[str]) -> Row:
    if any(values[len(columns) :]):
        # For example from decimal commas, which would put values into the wrong columns.
        fault = ImportRefusedError(
            f"it has {len(values)} values, and the header {len(columns)} columns",
            "Write decimals with a point, and quote values that contain the separator.",
        )
        return Row(line, fault=fault)
    return Row(line, dict(zip_longest(columns, values[: len(columns)], fillvalue="")))
