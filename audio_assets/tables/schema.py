"""Definition of a table: columns with types, units and meanings, and the key of a row."""

from dataclasses import dataclass
from typing import Literal

DType = Literal["string", "int64", "float64", "bool", "timestamp", "vector", "binary"]
"""``vector`` is a fixed-size list of float32; ``timestamp`` is UTC with microseconds; ``binary`` is
a small file."""


@dataclass(frozen=True)
class Column:
    """One column: its type, its meaning and the values it may take.

    Attributes
    ----------
    name, dtype, description
        As they appear in files and in the UI.
    unit
        Physical or counting unit; empty for text and pure numbers.
    nullable
        Whether a value may be missing; ``description`` then says when.
    minimum, maximum
        Inclusive bounds of numbers.
    values
        The closed set of allowed values of a string column.
    """

    name: str
    dtype: DType
    description: str
    unit: str = ""
    nullable: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Table:
    """A table: its columns in order and the columns that identify a row."""

    name: str
    description: str
    columns: tuple[Column, ...]
    unique: tuple[str, ...] = ()

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns in order."""
        return tuple(column.name for column in self.columns)
