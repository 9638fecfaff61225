"""A table of the report: what is shown, and nothing of how it is come by."""

from dataclasses import dataclass


@dataclass(frozen=True)
class HtmlTable:
    """A table with a caption; the first cell of a row is its header.

    Attributes
    ----------
    numeric
        Places of the columns that are aligned right.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
