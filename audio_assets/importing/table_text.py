"""Read the text of a label table: its encoding, its separator and its numbers.

The meaning of the columns belongs in :mod:`audio_assets.importing.table_formats`.
"""

from __future__ import annotations

import codecs
import csv
import io
import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audio_assets.importing.layout import ImportRefusedError

SEPARATORS = (",", ";", "\t")
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NUMBER = re.compile(r"[+-]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?")
_CLOCK = re.compile(r"(?:(\d+):(?=[0-5]?\d:))?(\d+):([0-5]?\d(?:[.,]\d*)?)")
_SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n?", re.IGNORECASE)


@dataclass(frozen=True)
class TableText:
    """The decoded text of a table.

    Attributes
    ----------
    text
        The text without a byte order mark.
    remark
        Remark on an encoding that is only likely, or None.
    """

    text: str
    remark: str | None = None


def read_text(table: Path) -> TableText:
    """Read a table in UTF-8, UTF-16 or Windows-1252, which contains the letters of Latin-1.

    Raises
    ------
    ImportRefusedError
        If the file cannot be read or decoded.
    """
    try:
        data = table.read_bytes()
        for mark, encoding in _BYTE_ORDER_MARKS:
            if data.startswith(mark):
                return TableText(data.decode(encoding))
        unmarked = _unmarked_utf16(data)
        if unmarked is not None:
            return TableText(data.decode(unmarked))
    except (OSError, UnicodeDecodeError) as error:
        raise ImportRefusedError(
            f"{table} cannot be read: {error}", "Pass a UTF-8 table with a header line."
        ) from error
    try:
        return TableText(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        # Windows-1252 leaves five values undefined, Latin-1 none.
        try:
            text = data.decode("cp1252")
        except UnicodeDecodeError:
            text = data.decode("latin-1")
        return TableText(
            text,
            f"{table} is not UTF-8 (byte {error.start + 1}) and was read as Windows-1252 "
            "(Latin-1); check names with accents",
        )


def split_lines(text: str, separator: str, *, quoted: bool = True) -> list[tuple[int, list[str]]]:
    """Split a text into rows of values without surrounding blanks, each with its last line.

    Parameters
    ----------
    text
        The table.
    separator
        Character between two values.
    quoted
        Whether quotation marks enclose values; otherwise they are part of the value.

    Raises
    ------
    csv.Error
        If it is not a table.
    """
    announced = _SEPARATOR_LINE.match(text)
    skipped = 1 if announced else 0
    text = text[announced.end() :] if announced else text
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    return [(reader.line_num + skipped, [value.strip() for value in row]) for row in reader]


def find_separator(text: str, wanted: Iterable[str]) -> str:
    """Return the separator with which the header contains the most of the wanted columns.

    Spreadsheets may announce it in a first line such as ``sep=;``.

    Parameters
    ----------
    text
        The table.
    wanted
        Names of columns in lower case.
    """
    announced = _SEPARATOR_LINE.match(text)
    if announced:
        return announced[1]
    header = next((line for line in text.splitlines() if line.strip()), "")
    names = set(wanted)

    def fit(separator: str) -> tuple[int, int]:
        columns = next(csv.reader([header], delimiter=separator), [])
        return len({name.strip().lower() for name in columns} & names), len(columns)

    return max(SEPARATORS, key=fit)


class Decimals:
    """Numbers of a table, which are written either with decimal points or with decimal commas.

    Parameters
    ----------
    texts
        All numbers of the table as they are written.

    Attributes
    ----------
    clock
        A number that is written as a time such as ``1:30``, or None.
    has_commas
        Whether they are written with decimal commas.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.clock = next((text for text in texts if _CLOCK.fullmatch(text)), None)
        numbers = [text for text in texts if _NUMBER.fullmatch(text) or _CLOCK.fullmatch(text)]
        self._has_points = any("." in text for text in numbers)
        self.has_commas = not self._has_points and any("," in text for text in numbers)

    def number(self, text: str) -> float:
        """Return the number, or NaN if the text is none.

        ``1:30`` are 90 seconds, and ``1:00:30`` 3630. In a table with decimal points, a comma may
        separate thousands, so it is no number there.
        """
        if "," in text and self._has_points:
            return math.nan
        if clock := _CLOCK.fullmatch(text):
            hours, minutes, seconds = (
                float((part or "0").replace(",", ".")) for part in clock.groups()
            )
            return round(3600 * hours + 60 * minutes + seconds, 6)
        return float(text.replace(",", ".")) if _NUMBER.fullmatch(text) else math.nan


def _unmarked_utf16(data: bytes) -> str | None:
    """Return the byte order of UTF-16 without a mark: half of its bytes are mostly 0."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if len(data) < 4 or len(data) % 2 or max(even, odd) * 4 < len(data):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"
