"""Read the table of labelled segments from which clips are cut.

Cutting the clips belongs in :mod:`audio_assets.importing.segments`, and the columns of the several
programs in :mod:`audio_assets.importing.table_formats`.
"""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from audio_assets.importing.label_columns import Columns, Row, read_rows
from audio_assets.importing.label_meaning import LabelRule
from audio_assets.importing.layout import ImportRefusedError, require_species
from audio_assets.importing.recorded_files import RecordedFile, find_recorded_files
from audio_assets.importing.table_files import TableFiles
from audio_assets.importing.table_formats import BIRDNET, CSV, TableFormat
from audio_assets.importing.table_text import Decimals

_SHOWN_FILES = 3


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
    is_drawn
        Whether no row has this segment: it was drawn from a stretch without a label.
    """

    line: int
    file: RecordedFile
    start: float
    end: float
    label: str
    recording: str
    species: str
    is_drawn: bool = False


@dataclass(frozen=True)
class Reading:
    """Options for reading a table.

    Attributes
    ----------
    kind
        Its columns.
    rule
        Which rows are positive.
    recording
        The recorded file, if the table names none.
    """

    kind: TableFormat = CSV
    rule: LabelRule = LabelRule()
    recording: Path | None = None


@dataclass(frozen=True)
class LabelTable:
    """The content of a table.

    Attributes
    ----------
    rows
        Each row with the line on which it ends: a segment, the error in it, or None for a row
        without a label that counts.
    labelled
        Start and end of all rows by name of file, whatever their label.
    unclear
        Names of files with a row whose times cannot be read; empty for a row without a file, or
        one that runs on into the next file.
    remarks
        What was unusual, but could be read.
    """

    rows: Sequence[tuple[int, Segment | ImportRefusedError | None]]
    labelled: Mapping[str, list[tuple[float, float]]] = field(default_factory=dict)
    unclear: frozenset[str] = frozenset()
    remarks: tuple[str, ...] = ()

    @property
    def segments(self) -> list[Segment]:
        """The rows that can be cut."""
        return [row for _, row in self.rows if isinstance(row, Segment)]


def read_label_table(
    table: Path, recordings: Path, species: str | None, reading: Reading | None = None
) -> LabelTable:
    """Read a table; an error in a row does not affect the others. Empty lines are ignored.

    Parameters
    ----------
    table
        The table.
    recordings
        Folder that the files are relative to.
    species
        Species of rows without one.
    reading
        How to read it; as a CSV of this project by default.

    Raises
    ------
    ImportRefusedError
        If the table cannot be read, lacks a column, has no rows, or has no label that counts.
    """
    reading = Reading() if reading is None else reading
    try:
        columns, rows, remarks = read_rows(
            table,
            reading.kind,
            has_recording=reading.recording is not None,
            has_rule=bool(reading.rule.positive),
        )
    except csv.Error as error:
        raise ImportRefusedError(
            f"{table} cannot be read: {error}", "Pass a table with a header line."
        ) from error
    rows = _without_further_views(rows, columns, reading.rule)
    good = [row.values for row in rows if row.values is not None]
    reading.rule.check(good, columns.label, str(table))
    _require_one_clock(table, columns, good)
    files = TableFiles(recordings, reading.kind, good)
    if files.moved:
        remarks.append(
            f"{table} names files in folders that do not exist here; below the folder of the "
            f"recordings, {_pairs(files.moved)}"
        )
    if files.respelled:
        remarks.append(f"{table} writes names of files in another case; {_pairs(files.respelled)}")
    decimals = Decimals(columns.numbers(good))
    if decimals.clock is not None:
        seconds = decimals.number(decimals.clock)
        remarks.append(
            f"{table} writes times with colons; {decimals.clock} was read as {seconds:g} s"
        )
    if reading.kind is BIRDNET:
        remarks.append(
            f"{table} holds predictions of BirdNET, not labels; without a review, an evaluation "
            "measures agreement with BirdNET"
        )
    spellings = [_spelling(row.values, files, reading.recording) for row in rows]
    if reading.recording is not None and any(
        files.spelling(values) for values in good if reading.kind.files
    ):
        raise ImportRefusedError(
            f"{table} names its recordings itself", "Omit --recording, or empty that column."
        )
    found = find_recorded_files(recordings, {spelling for spelling in spellings if spelling})
    reader = _Rows(columns, decimals, reading.rule, species)
    for row, spelling in zip(rows, spellings, strict=True):
        reader.add(row, found.get(spelling))
    return LabelTable(reader.read, reader.labelled, frozenset(reader.unclear), tuple(remarks))


def _without_further_views(rows: Sequence[Row], columns: Columns, rule: LabelRule) -> list[Row]:
    """Return the rows with one for each selection, which Raven writes once per view."""
    kind = columns.kind
    names = kind.known_columns | {"selection", "channel", *(one.column for one in rule.positive)}
    seen, kept = set[tuple[str, ...]](), list[Row]()
    for row in rows:
        if kind.has_views and row.values is not None and "view" in row.values:
            key = tuple(row.values.get(name, "") for name in sorted(names))
            if key in seen:
                continue
            seen.add(key)
        kept.append(row)
    return kept


def _pairs(found: Mapping[str, str]) -> str:
    pairs = [f"{path} is {end}" for path, end in sorted(found.items())]
    more = f" and {len(pairs) - _SHOWN_FILES} more" if len(pairs) > _SHOWN_FILES else ""
    return ", ".join(pairs[:_SHOWN_FILES]) + more


def _spelling(values: Mapping[str, str] | None, files: TableFiles, recording: Path | None) -> str:
    if values is None:
        return ""
    return str(recording.absolute()) if recording is not None else files.spelling(values)


def _require_one_clock(table: Path, columns: Columns, rows: Sequence[Mapping[str, str]]) -> None:
    """Check that times do not run on from file to file, as in a sequence opened by Raven."""
    if not columns.kind.has_views or columns.start != "begin time (s)" or columns.offset:
        return
    names = {row.get("begin path") or row.get("begin file", "") for row in rows}
    if len(names) > 1:
        raise ImportRefusedError(
            f"{table} names {len(names)} recordings and has no column File Offset (s), so its "
            "times may count from the first recording",
            "Show the measurement File Offset (s) in Raven and save the table again. If all times "
            "count from the beginning of their own file, use import csv.",
        )


class _Rows:
    """The rows of a table while they are read."""

    def __init__(
        self, columns: Columns, decimals: Decimals, rule: LabelRule, species: str | None
    ) -> None:
        self._columns, self._decimals = columns, decimals
        self._rule, self._species = rule, species
        self.read: list[tuple[int, Segment | ImportRefusedError | None]] = []
        self.labelled: dict[str, list[tuple[float, float]]] = {}
        self.unclear: set[str] = set()

    def add(self, row: Row, file: RecordedFile | None) -> None:
        """Read a row."""
        try:
            if file is None or _runs_on(row.values or {}):
                self.unclear.add("")
            if row.fault is not None:
                raise row.fault
            segment = self._segment(row.line, row.values or {}, file)
        except ImportRefusedError as error:
            self.read.append((row.line, error))
        else:
            self.read.append((row.line, segment))

    def _segment(
        self, line: int, values: Mapping[str, str], file: RecordedFile | None
    ) -> Segment | None:
        columns = self._columns
        times = columns.times(values, self._decimals)
        if file is not None and times is None:
            self.unclear.add(file.name)
        if file is not None and times is not None:
            self.labelled.setdefault(file.name, []).append(times)
        label = self._rule.label(values, columns.label)
        if label is None:
            return None
        if times is None:
            raise columns.fault_of_times(values)
        own = values if columns.kind is CSV else {}
        named = own.get("species") or self._species
        if not named:
            raise ImportRefusedError(
                "no species is given, by a column species or by --species", "Give one of them."
            )
        if file is None:
            raise ImportRefusedError("no file is given", "Name the recording with --recording.")
        recording = own.get("recording") or posixpath.splitext(file.name)[0]
        return Segment(line, file, *times, label, recording, require_species(named))


def _runs_on(values: Mapping[str, str]) -> bool:
    """Return whether a selection of Raven ends in another file than it begins in."""
    begin, end = values.get("begin file", ""), values.get("end file", "")
    return bool(begin and end) and begin != end
