"""Read the class lists that come with SavedModels."""

from __future__ import annotations

import csv
from pathlib import Path

from audio_assets.errors import WeightsError


def read_class_list(path: Path, column: str | None = None) -> tuple[str, ...]:
    """Read the labels of a CSV file with a header, in order.

    Parameters
    ----------
    column
        Name of the column; by default the first one, whose header then names a taxonomy.

    Raises
    ------
    WeightsError
        If the file cannot be read, has no such column or no rows.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            header, *rows = [row for row in csv.reader(file) if row]
        place = 0 if column is None else header.index(column)
        labels = tuple(row[place] for row in rows)
    except (OSError, ValueError, IndexError) as error:
        raise WeightsError(f"{path} is not a class list: {error}", _REMEDY) from error
    if not labels:
        raise WeightsError(f"{path} is not a class list: it has no rows", _REMEDY)
    return labels


_REMEDY = "Fetch the model again: audio-assets weights fetch."
