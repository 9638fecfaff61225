"""Validate a table against its definition with pandera, at the boundary of a stage."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from audio_assets.errors import TableError
from audio_assets.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

_PANDAS_DTYPES = {
    "string": "object",
    "float64": "float64",
    "bool": "bool",
    "timestamp": "datetime64[us, UTC]",
    "vector": "object",
    "binary": "object",
}


def validate(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the frame with the table's columns and types, in the table's order.

    Raises
    ------
    TableError
        If a column is missing or unknown, or a value breaks its type, bounds, closed set or
        uniqueness; the message names the table, the column and an offending value.
    """
    import pandera.errors

    missing = [name for name in table.column_names if name not in frame.columns]
    unknown = [name for name in frame.columns if name not in table.column_names]
    if missing or unknown:
        raise TableError(
            f"Table {table.name}: missing columns {missing}, unknown columns {unknown}",
            "This is a bug in the code that made the table, or in a file changed by hand.",
        )
    try:
        return _schema(table).validate(frame[list(table.column_names)], lazy=True)
    except pandera.errors.SchemaErrors as error:
        cases = error.failure_cases.head(3)
        shown = "; ".join(
            f"{case.column or 'row'}: {case.check}, found {case.failure_case!r}"
            for case in cases.itertuples()
        )
        raise TableError(
            f"Table {table.name} breaks its definition in {len(error.failure_cases)} places: "
            f"{shown}",
            "This is a bug in the code that made the table, or in a file changed by hand.",
        ) from error


@cache
def _schema(table: Table) -> pa.DataFrameSchema:
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {column.name: _column(column) for column in table.columns},
        unique=list(table.unique) or None,
        strict=True,
        coerce=True,
        name=table.name,
    )


def _column(column: Column) -> Any:
    import pandera.pandas as pa

    checks = []
    if column.minimum is not None:
        checks.append(pa.Check.ge(column.minimum))
    if column.maximum is not None:
        checks.append(pa.Check.le(column.maximum))
    if column.values is not None:
        checks.append(pa.Check.isin(column.values))
    if column.dtype == "int64":
        dtype = "Int64" if column.nullable else "int64"
    else:
        dtype = _PANDAS_DTYPES[column.dtype]
    return pa.Column(dtype, checks=checks, nullable=column.nullable)
