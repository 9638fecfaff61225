"""A table of the report, as text ready to be shown."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HtmlTable:
    """A table with a caption; the first cell of a row is its header.

    Attributes
    ----------
    numeric
        Indexes of the columns that are aligned right.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
