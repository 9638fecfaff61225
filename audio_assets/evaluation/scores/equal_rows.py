"""Detection of clips with equal embeddings but different recordings or labels.

Near-duplicates by an encoder's cosine, which runs join before they draw folds, belong in
:mod:`audio_assets.evaluation.doubts.near_duplicates`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def describe_equal_rows(
    embeddings: NDArray[np.float64],
    labels: NDArray[np.int64],
    recordings: NDArray[np.str_],
    clip_ids: Sequence[str] | None = None,
) -> str:
    """Describe the rows that are equal although their recordings or labels differ.

    Parameters
    ----------
    embeddings
        float64[n, d], n at least 1.
    labels
        {0, 1}[n].
    recordings
        str[n].
    clip_ids
        str[n], names of the clips for the description; row numbers by default.

    Returns
    -------
    str
        Empty if there are none. Equal rows of one recording and label are not a fault.
    """
    # Adding 0 makes -0.0 and 0.0, which are equal, the same bytes.
    contents = [row.tobytes() for row in np.ascontiguousarray(embeddings + 0.0)]
    if len(contents) > 1 and len(set(contents)) == 1:
        what = "of zeros" if not embeddings.any() else "equal"
        return (
            f"all {len(contents)} rows of embeddings are {what}, so that nothing tells one clip "
            "from another; look at the encoder that made them"
        )
    found = []
    across = _rows_that_meet(contents, recordings.tolist())
    if across:
        names = " and ".join(repr(str(recordings[row])) for row in across[:2])
        found.append(
            f"{len(across)} rows of embeddings are equal to a row of another recording, first "
            f"{_called(across, clip_ids)} ({names}): a copy of a clip may be in the training and "
            "the test part of a fold, so give such clips one recording or leave the copies out"
        )
    across = _rows_that_meet(contents, labels.tolist())
    if across:
        found.append(
            f"{len(across)} rows of embeddings are equal to a row of the other label, first "
            f"{_called(across, clip_ids)}: no classifier can tell them apart, so look at their "
            "labels"
        )
    return "; ".join(found)


def _called(rows: list[int], clip_ids: Sequence[str] | None) -> str:
    first, second = rows[:2]
    if clip_ids is None:
        return f"rows {first} and {second}"
    return f"{clip_ids[first]} and {clip_ids[second]}"


def _rows_that_meet(contents: list[bytes], groups: list[object]) -> list[int]:
    """Rows equal to one of another group: the first, the first row that it equals, the others."""
    rows_of: dict[bytes, list[int]] = {}
    for row, content in enumerate(contents):
        rows_of.setdefault(content, []).append(row)
    met = [rows for rows in rows_of.values() if len({groups[row] for row in rows}) > 1]
    if not met:
        return []
    first = met[0][0]
    other = next(row for row in met[0] if groups[row] != groups[first])
    rest = [row for rows in met for row in rows if row not in (first, other)]
    return [first, other, *rest]
