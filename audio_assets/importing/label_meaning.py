"""Decide which rows of a label table are positive and which are negative.

The names of the columns belong in :mod:`audio_assets.importing.table_formats`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from audio_assets.importing.layout import ImportRefusedError
from audio_assets.tables.task import PRESENCE

SKIP = "skip"
OTHERS = (SKIP, PRESENCE.negative)
"""What rows without a positive value can be."""
_POSITIVE = ("positive", "presence", "present", "yes", "y", "true", "1", "1.0")
_NEGATIVE = ("negative", "absence", "absent", "no", "n", "false", "0", "0.0")
LABELS = {
    **dict.fromkeys((PRESENCE.positive, *_POSITIVE), PRESENCE.positive),
    **dict.fromkeys((PRESENCE.negative, *_NEGATIVE), PRESENCE.negative),
}
_SHOWN_VALUES = 5


@dataclass(frozen=True)
class Selector:
    """A column and the value that marks the positive rows.

    Attributes
    ----------
    column
        Name of the column in lower case.
    value
        Value, compared without regard to case and surrounding blanks.
    """

    column: str
    value: str

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read ``COLUMN=VALUE``.

        Raises
        ------
        ImportRefusedError
            If the column or the value is missing.
        """
        column, _, value = (part.strip() for part in text.partition("="))
        if not column or not value:
            raise ImportRefusedError(
                f"--positive {text!r} is not COLUMN=VALUE", "Write for example Annotation=coyote."
            )
        return cls(column.lower(), value)

    def holds(self, values: Mapping[str, str]) -> bool:
        """Return whether a row has the value."""
        return values.get(self.column, "").lower() == self.value.lower()


@dataclass(frozen=True)
class LabelRule:
    """Rule that decides the label of a row.

    Attributes
    ----------
    positive
        Rows with one of these values are positive. Without any, the label column says it.
    others
        ``neg`` to use the other rows as negatives, ``skip`` to leave them out. Rows whose column
        is empty have not been labelled, and are always left out.
    """

    positive: tuple[Selector, ...] = ()
    others: str = SKIP

    def check(self, rows: Sequence[Mapping[str, str]], label: str | None, table: str) -> None:
        """Check that the rule fits a table.

        Parameters
        ----------
        rows
            Values by column.
        label
            The label column, if there is one.
        table
            The table, for messages.

        Raises
        ------
        ImportRefusedError
            If a column is missing, or no row has a label that means anything.
        """
        columns = list(rows[0]) if rows else []
        for one in self.positive:
            if one.column not in columns:
                near = get_close_matches(one.column, columns, 1)
                raise ImportRefusedError(
                    f"{table} has no column {one.column!r}, which --positive names; its columns "
                    f"are {columns}",
                    f"Perhaps you mean {near[0]!r}." if near else "Name one of them.",
                )
            if not any(one.holds(row) for row in rows):
                raise ImportRefusedError(
                    f"no row of {table} has {one.column}={one.value}; the column holds "
                    f"{_counted(rows, one.column)}",
                    "Correct --positive.",
                )
        if self.positive or not rows or label is None:
            return
        if not any(row.get(label, "").lower() in LABELS for row in rows):
            most = Counter(row[label] for row in rows if row.get(label)).most_common(1)
            value = most[0][0] if most else "VALUE"
            raise ImportRefusedError(
                f"no row of {table} is labelled pos or neg; the column {label!r} holds "
                f"{_counted(rows, label)}",
                f"Choose the positive rows, for example with --positive '{label}={value}'.",
            )

    def label(self, values: Mapping[str, str], column: str | None) -> str | None:
        """Return ``pos``, ``neg``, or None for a row that is to be skipped.

        Raises
        ------
        ImportRefusedError
            If the label is neither positive nor negative.
        """
        if self.positive:
            if any(one.holds(values) for one in self.positive):
                return PRESENCE.positive
            is_labelled = any(values.get(one.column) for one in self.positive)
            return PRESENCE.negative if is_labelled and self.others != SKIP else None
        text = values.get(column, "") if column else ""
        label = LABELS.get(text.lower())
        if label is None:
            raise ImportRefusedError(f"the label {text!r} is neither pos nor neg", "Correct it.")
        return label


def _counted(rows: Sequence[Mapping[str, str]], column: str) -> str:
    found = Counter(row.get(column, "") for row in rows).most_common()
    shown = [f"{value!r} ({count})" for value, count in found[:_SHOWN_VALUES]]
    return ", ".join(shown + ["..."] * (len(found) > _SHOWN_VALUES))
