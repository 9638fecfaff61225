"""The label tables of several programs, and the columns that hold file, times and label.

Encodings and separators belong in :mod:`audio_assets.importing.table_text`, the meaning of a label
in :mod:`audio_assets.importing.label_meaning`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class TableFormat:
    """The columns of a kind of table; of several names, the first one present counts.

    Attributes
    ----------
    name
        Name of the kind on the command line.
    files
        Ways to build the path of a recorded file, each from one or more columns. The first one
        that leads to a file counts.
    start, end, duration, offset
        Times in seconds. With ``offset``, it is the start, and ``start`` and ``end`` only give the
        duration.
    label
        What was heard.
    has_views
        Whether one selection may have a row for each view.
    header
        Names of the columns of a table without a header line.
    quoted
        Whether quotation marks enclose values.
    """

    name: str
    files: tuple[tuple[str, ...], ...]
    start: tuple[str, ...]
    end: tuple[str, ...] = ()
    duration: tuple[str, ...] = ()
    offset: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    has_views: bool = False
    header: tuple[str, ...] = ()
    quoted: bool = True

    @property
    def known_columns(self) -> set[str]:
        """All names of columns that have a meaning."""
        files = {name for of_file in self.files for name in of_file}
        return files | {*self.start, *self.end, *self.duration, *self.offset, *self.label}


_RAVEN_FILES = (("begin path",), ("begin file",))
_KALEIDOSCOPE_FILES = (("indir", "folder", "in file"), ("folder", "in file"), ("in file",))

CSV = TableFormat(
    "csv",
    files=(("file",), ("filename",), ("file_name",), ("filepath",), ("path",), *_RAVEN_FILES),
    start=("start", "start_time", "begin_time", "onset", "start (s)", "begin time (s)"),
    end=("end", "end_time", "stop", "offset", "end (s)", "end time (s)"),
    label=("label", "annotation", "class"),
)
RAVEN = TableFormat(
    "raven",
    files=_RAVEN_FILES,
    start=("begin time (s)",),
    end=("end time (s)",),
    offset=("file offset (s)", "file offset"),
    label=("annotation", "annotations", "species"),
    has_views=True,
    quoted=False,
)
AUDACITY = TableFormat(
    "audacity",
    files=(),
    start=("start",),
    end=("end",),
    label=("label",),
    header=("start", "end", "label"),
    quoted=False,
)
KALEIDOSCOPE = TableFormat(
    "kaleidoscope",
    files=_KALEIDOSCOPE_FILES,
    start=("offset",),
    duration=("duration",),
    label=("manual id",),
)
BIRDNET = TableFormat(
    "birdnet",
    files=(("file",), ("filepath",), *_RAVEN_FILES, *_KALEIDOSCOPE_FILES),
    start=("start (s)", "start", "begin time (s)", "offset"),
    end=("end (s)", "end", "end time (s)"),
    duration=("duration",),
    offset=("file offset (s)",),
    label=("common name", "common_name", "scientific name", "scientific_name"),
    has_views=True,
)
FORMATS: Mapping[str, TableFormat] = {
    one.name: one for one in (RAVEN, AUDACITY, KALEIDOSCOPE, BIRDNET, CSV)
}
