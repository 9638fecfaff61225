"""The CSV format of published tables, chosen so that equal tables yield equal bytes.

Only formatting belongs here, not writing the bytes to a place.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from audio_assets.errors import TableError
from audio_assets.tables import Column, Table
from audio_assets.tables.formula_guard import guarded

if TYPE_CHECKING:
    import pandas as pd

REMEDY = "This is a bug in the program, not in the audio: please report it with the table's name."


def to_csv_bytes(frame: pd.DataFrame, table: Table) -> bytes:
    r"""Write a table as CSV: UTF-8, ``\n``, columns and rows in a fixed order.

    - Floats are the shortest decimal that reads back as the same float64 (``repr``), so no
      precision is lost and no rounding can hide a difference between two runs. Negative zero is
      written as ``0.0``.
    - Integers have no decimal point, even if pandas stores them as floats beside missing values.
    - Booleans are ``true`` and ``false``; timestamps are ISO 8601 in UTC with microseconds.
    - A missing value is an empty field, and so is an empty string.
    - Rows are sorted by the table's unique columns, missing values last.
    - Text that a spreadsheet would read as a formula gets a leading apostrophe; see
      :mod:`audio_assets.tables.formula_guard`. Numbers do not.
    - Bytes of a file name that are not valid UTF-8 are written as ``\udcXX``.

    Parameters
    ----------
    frame
        At least the table's columns; the index and other columns are not written.
    table
        Definition with columns, types and unique columns.

    Raises
    ------
    TableError
        A column is missing, a value does not fit its column's type or is infinite, or two rows
        share the unique columns (their order would be arbitrary).
    """
    absent = [name for name in table.column_names if name not in frame.columns]
    if absent:
        raise TableError(f"{table.name} lacks the columns {', '.join(absent)}", REMEDY)
    values = [_typed(frame[column.name], column, table) for column in table.columns]
    rows = list(zip(*values, strict=True))
    places = [table.column_names.index(name) for name in table.unique]
    if places:
        keys = [
            tuple((row[i] is None, row[i] if row[i] is not None else 0) for i in places)
            for row in rows
        ]
        order = sorted(range(len(rows)), key=keys.__getitem__)
        for before, after in zip(order, order[1:], strict=False):
            if keys[before] == keys[after]:
                key = ", ".join(f"{table.column_names[i]}={rows[after][i]}" for i in places)
                raise TableError(f"{table.name} has two rows for {key}", REMEDY)
        rows = [rows[i] for i in order]

    lines = [table.column_names, *rows]
    text = "".join(",".join(_field(value) for value in line) + "\n" for line in lines)
    return text.encode("utf-8", errors="backslashreplace")


def _typed(series: pd.Series[Any], column: Column, table: Table) -> list[Any]:
    """Return the column's values as plain Python objects, None where missing."""
    import pandas as pd

    if column.dtype == "vector":
        raise TableError(
            f"{table.name}.{column.name} is a vector, which CSV cannot contain", REMEDY
        )
    missing = pd.isna(series).to_numpy(dtype=bool)
    try:
        return [
            None if gone else _convert(value, column)
            for value, gone in zip(series.tolist(), missing, strict=True)
        ]
    except (TypeError, ValueError) as error:
        raise TableError(f"{table.name}.{column.name}: {error}", REMEDY) from error


def _convert(value: Any, column: Column) -> Any:
    import pandas as pd

    if column.dtype == "int64":
        if int(value) != value:
            raise ValueError(f"{value!r} is not a whole number")
        return int(value)
    if column.dtype == "float64":
        number = float(value)
        if math.isinf(number):
            raise ValueError("a value is infinite")
        return number + 0.0  # -0.0 + 0.0 is 0.0
    if column.dtype == "bool":
        if value not in (True, False):
            raise ValueError(f"{value!r} is neither true nor false")
        return bool(value)
    if column.dtype == "timestamp":
        stamp = pd.Timestamp(value)
        if stamp.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone")
        return stamp.tz_convert("UTC").isoformat(timespec="microseconds")
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _field(value: Any) -> str:
    """Write one field, quoted if necessary."""
    # The csv module of Python 3.11 is not used: it leaves a lone carriage return unquoted when
    # lines end in a newline, and reading such a file splits the row.
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return repr(value)
    # Timestamps and whole numbers are not text: a negative number is not a formula.
    text = guarded(value) if isinstance(value, str) else str(value)
    if re.search('[",\r\n]', text):
        return '"' + text.replace('"', '""') + '"'
    return text
