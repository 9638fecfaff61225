"""Read the ``clips.csv`` of an audio root, in every form that spreadsheet programs write.

Finding the file, its encoding, its delimiter and its lines belongs here, and so does adding lines
in the file's own format. The recording of a clip without a line is decided in
:mod:`audio_assets.catalog.recordings`.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from audio_assets.errors import AudioRootError
from audio_assets.objects.files import entry_names, read_file
from audio_assets.objects.links import Inside
from audio_assets.tables.formula_guard import guarded, unguarded

if TYPE_CHECKING:
    from upath import UPath

CLIPS_CSV = "clips.csv"

_COLUMNS = ("file", "group")
_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
# The longer mark first: the one of UTF-32 begins with the one of UTF-16.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Excel obeys such a first line, and some programs write it for Excel.
_SEPARATOR_LINE = re.compile(r'"?sep=(?P<sign>.)"?[\s,;|]*(?:\r\n|\r|\n|$)', re.IGNORECASE)
_LAST = "\x00end"
_SAVE_AS = "Save it as a CSV with the columns file and group."


@dataclass(frozen=True)
class LineFault:
    """A line that cannot be used.

    Attributes
    ----------
    file
        Path in the line, as :func:`normal_path` writes it; empty if it has none.
    error
        The problem and the remedy.
    """

    file: str
    error: AudioRootError


@dataclass(frozen=True)
class ClipsCsv:
    """The content of a ``clips.csv``, and its format.

    Attributes
    ----------
    path
        Path of the file, which may not exist yet.
    groups
        Recording by path relative to the root, as :func:`normal_path` writes it.
    more
        Path -> column, as spelled -> value, for the other columns; without empty values.
    faults
        Lines that have no file or no group, have more values than the header, or assign a file to
        a different group than an earlier line.
    columns
        Header, as spelled.
    delimiter, newline, encoding
        Format of the file; the encoding by its Python name.
    mark
        Byte order mark at the start, if any.
    text
        The whole file, decoded.
    """

    path: UPath
    groups: Mapping[str, str] = field(default_factory=dict)
    more: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    faults: tuple[LineFault, ...] = ()
    columns: tuple[str, ...] = _COLUMNS
    delimiter: str = ","
    newline: str = "\n"
    encoding: str = "utf-8"
    mark: bytes = b""
    text: str = "file,group\n"

    def with_lines(self, groups: Mapping[str, str]) -> bytes:
        """Return the bytes of the file with these clips appended, in the file's own format.

        Existing lines stay unchanged. Only if the file's encoding lacks a letter of the new lines,
        the whole file becomes UTF-8, with a byte order mark so that spreadsheets recognise it.

        Parameters
        ----------
        groups
            Recording by path relative to the root.
        """
        named = [_plain(column) for column in self.columns]
        text = self.text
        if groups and text and not text.endswith(("\n", "\r")):
            text += self.newline
        for path, group in groups.items():
            new = {"file": guarded(path), "group": guarded(group)}
            row = io.StringIO()
            # With this terminator the writer quotes each value that contains a line break.
            writer = csv.writer(row, delimiter=self.delimiter, lineterminator="\r\n")
            writer.writerow([new.get(column, "") for column in named])
            text += row.getvalue().removesuffix("\r\n") + self.newline
        try:
            return self.mark + text.encode(self.encoding)
        except UnicodeEncodeError:
            return codecs.BOM_UTF8 + text.encode()


def normal_path(path: str) -> str:
    r"""Normalise a path relative to the root, which systems and programs write in several ways.

    Accented letters become NFC (macOS lists NFD), ``\`` becomes ``/``, and a leading ``./`` is
    removed.
    """
    return unicodedata.normalize("NFC", path).replace("\\", "/").removeprefix("./")


def read_clips_csv(root: UPath) -> ClipsCsv | None:
    """Read the ``clips.csv`` of a root; None if it has none.

    The name may be in capitals. The text may be UTF-8, UTF-16 or UTF-32, with a byte order mark or
    (UTF-8 and UTF-16) without, and is otherwise read as Windows-1252, which Excel writes in
    western Europe and America. Values are separated by comma, semicolon, tab or ``|``. Blanks
    around values, capitals in the header, empty lines, empty values at the end of a line, and an
    apostrophe before text that a spreadsheet would read as a formula are ignored.

    Raises
    ------
    AudioRootError
        If there are two files, if the file cannot be read or leads out of the root, or if it does
        not have exactly one column file and one column group.
    StorageError
        If a bucket refuses or fails to return it.
    """
    path = _find(root)
    if path is None:
        return None
    try:
        # The link check: groups and header are published, in tables and in messages.
        Inside(root).require(path.path)
        data = read_file(path)
    except FileNotFoundError:
        # Removed since the root was listed.
        return None
    except OSError as error:
        raise AudioRootError(
            f"{path} cannot be read: {error}", "Make it a file under the root that you may read."
        ) from error
    text, encoding, mark = _decoded(path, data)
    start = _SEPARATOR_LINE.match(text)
    delimiter = _delimiter(text[start.end() :] if start else text, start)
    rows = _rows(path, text, delimiter, skipped=1 if start else 0)
    _, header = next(rows, (1, []))
    columns = _checked_columns(path, header, delimiter)
    found = ClipsCsv(
        path=path,
        columns=tuple(header),
        delimiter=delimiter,
        newline=_newline(text),
        encoding=encoding,
        mark=mark,
        text=text,
    )
    return _with_groups(found, columns, rows)


def _find(root: UPath) -> UPath | None:
    try:
        names = [name for name in entry_names(root) if name.lower() == CLIPS_CSV]
    except OSError as error:
        raise AudioRootError(
            f"{root} cannot be listed: {error}", "Check that it is a folder that you may read."
        ) from error
    if len(names) > 1:
        raise AudioRootError(
            f"{root} has {' and '.join(sorted(names))}: only one file may assign clips to "
            "recordings",
            "Put all lines into one of them and remove the other.",
        )
    return root / names[0] if names else None


def _decoded(path: UPath, data: bytes) -> tuple[str, str, bytes]:
    """Return the text, the encoding and the byte order mark."""
    if data.startswith(b"PK\x03\x04") or data.startswith(b"\xd0\xcf\x11\xe0"):
        raise AudioRootError(f"{path} cannot be read: it is a workbook, not a CSV", _SAVE_AS)
    mark, encodings = b"", ["utf-8", "cp1252"]
    for start, encoding in _MARKS:
        if data.startswith(start):
            mark, encodings = start, [encoding]
            break
    else:
        # In UTF-16, each of the first letters of a header has a zero byte beside it.
        head = data[:8]
        if len(head) == 8 and not any(head[1::2]):
            encodings = ["utf-16-le"]
        elif len(head) == 8 and not any(head[::2]):
            encodings = ["utf-16-be"]
    fault = ""
    for encoding in encodings:
        try:
            text = data[len(mark) :].decode(encoding)
        except UnicodeDecodeError as error:
            fault = fault or str(error)
            continue
        if "\x00" in text:
            fault = "it has zero bytes"
            break
        return text, encoding, mark
    raise AudioRootError(f"{path} cannot be read as text: {fault}", f"{_SAVE_AS[:-1]}, in UTF-8.")


def _newline(text: str) -> str:
    first = re.search(r"\r\n|\r|\n", text)
    return first.group() if first else "\n"


def _delimiter(text: str, start: re.Match[str] | None) -> str:
    """Return the delimiter: the character with which the header has both columns."""
    signs = list(_DELIMITERS)
    if start is not None:
        signs.insert(0, start["sign"])
    headers = {}
    for sign in signs:
        reader = csv.reader(
            io.StringIO(text, newline=""), delimiter=sign, skipinitialspace=sign != " "
        )
        try:
            filled = (row for row in reader if any(map(str.strip, row)))
            headers[sign] = {_plain(name) for name in next(filled, [])}
        except csv.Error:
            headers[sign] = set()
    both = [sign for sign in signs if headers[sign] >= set(_COLUMNS)]
    # Without one, the character with the most columns leads to the clearest error.
    return both[0] if both else max(signs, key=lambda sign: len(headers[sign]))


def _rows(
    path: UPath, text: str, delimiter: str, *, skipped: int
) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line number, from 1, and the stripped values of each non-empty row."""
    # The last row shows whether a quote was left open, which would swallow everything after it.
    lines = io.StringIO(f"{text}\n{_LAST}", newline="")
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " ")
    line = 1
    try:
        for number, row in enumerate(reader):
            if row == [_LAST]:
                return
            if number >= skipped and row and _LAST in row[-1]:
                raise AudioRootError(
                    f"{path}, line {line}: a quote is not closed", "Close or remove it."
                )
            values = [value.strip() for value in row]
            if number >= skipped and any(values):
                yield line, values
            line = reader.line_num + 1
    except csv.Error as error:
        raise AudioRootError(f"{path}, line {line} cannot be read: {error}", _SAVE_AS) from error


def _checked_columns(path: UPath, header: list[str], delimiter: str) -> list[str]:
    columns = [_plain(name) for name in header]
    faults = [
        f"{'two columns' if name in columns else 'no column'} {name}"
        for name in _COLUMNS
        if columns.count(name) != 1
    ]
    if not faults:
        return columns
    named = [name for name in header if any(map(str.isalnum, name))]
    shown = ", ".join(map(repr, named))
    has = f"its columns are {shown}" if shown else "it is empty"
    if len(named) > 1:
        has += f" (separated by {_NAMES.get(delimiter, repr(delimiter))})"
    raise AudioRootError(
        f"{path} has {' and '.join(faults)}; {has}",
        "Give each clip's path relative to the root as `file`, its recording as `group`, in a "
        "first line with these names.",
    )


def _plain(name: str) -> str:
    # Some programs add invisible characters, or a second byte order mark.
    return name.strip("\ufeff\u200b\u200e\u2060 \t\xa0").casefold()


def _with_groups(
    found: ClipsCsv, columns: list[str], rows: Iterator[tuple[int, list[str]]]
) -> ClipsCsv:
    groups: dict[str, str] = {}
    more: dict[str, dict[str, str]] = {}
    faults: list[LineFault] = []
    places = [columns.index(name) for name in _COLUMNS]
    further = [place for place, name in enumerate(columns) if name and place not in places]
    for line, row in rows:
        spelled, group = (unguarded(row[place]) if place < len(row) else "" for place in places)
        file, where = normal_path(spelled), f"{found.path}, line {line}"
        fault = None
        if any(row[len(columns) :]):
            shown = ", ".join(found.columns)
            fault = AudioRootError(
                f"{where}: more values than the columns {shown}",
                f"Quote a value that contains a {_NAMES.get(found.delimiter, 'separator')}, "
                "or delete the extra values.",
            )
        elif not file or not group:
            fault = AudioRootError(
                f"{where}: file or group is empty", "Fill it in or delete the line."
            )
        elif groups.setdefault(file, group) != group:
            fault = AudioRootError(
                f"{where} assigns {spelled} to a second group: {group!r}, after "
                f"{groups[file]!r} in an earlier line",
                "Keep only the correct line.",
            )
        if fault is not None:
            faults.append(LineFault(file, fault))
            continue
        values = ((found.columns[at], unguarded(row[at])) for at in further if at < len(row))
        # If a file has two lines, the first one counts, as it does for the group.
        more.setdefault(file, {name: value for name, value in values if value})
    return replace(found, groups=groups, more=more, faults=tuple(faults))
