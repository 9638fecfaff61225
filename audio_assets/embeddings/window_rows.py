"""Conversion between the rows of a file, one per window, and those in memory, one per clip.

A clip's embedding is the mean of its windows. Metadata of shards and the detection of damage belong
in :mod:`audio_assets.embeddings.shards`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa

WINDOW = "window"
START = "start"
SCORES = "class_scores"
EMBEDDING = "embedding"
WINDOW_STARTS = "window_starts"
WINDOW_EMBEDDINGS = "window_embeddings"
WINDOW_COLUMNS = (WINDOW_STARTS, WINDOW_EMBEDDINGS)


def mean_of_windows(embeddings: NDArray[np.float32]) -> NDArray[np.float32]:
    """A clip's embedding: the mean of its windows' float32[k, d], summed in float64, as float32."""
    mean: NDArray[np.float32] = embeddings.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean


def vectors(rows: NDArray[np.float32]) -> Any:
    """The rows of float32[n, d] as an Arrow array."""
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def matrix(column: Any) -> NDArray[np.float32]:
    """An Arrow column of vectors without nulls as float32[n, d]."""
    flat = column.combine_chunks().flatten().to_numpy()
    values: NDArray[np.float32] = flat.reshape(len(column), column.type.list_size)
    return values


def per_window(clips: pa.Table) -> pa.Table:
    """Convert a table with one row per clip to one row per window, without the means."""
    import pyarrow as pa

    listed: Any = clips[WINDOW_EMBEDDINGS].combine_chunks()
    counts = listed.value_lengths().to_numpy()
    clip_of = np.repeat(np.arange(len(clips)), counts)
    first = np.cumsum(counts) - counts
    windows = np.arange(len(clip_of)) - np.repeat(first, counts)
    starts: Any = clips[WINDOW_STARTS].combine_chunks()
    names = [name for name in clips.column_names if name not in (EMBEDDING, SCORES)]
    rows = clips.select([name for name in names if name not in WINDOW_COLUMNS]).take(clip_of)
    rows = rows.append_column(WINDOW, pa.array(windows, pa.int64()))
    rows = rows.append_column(START, starts.flatten())
    rows = rows.append_column(EMBEDDING, listed.flatten())
    if SCORES in clips.column_names:
        # Only the first window's row has them, as lists, since a null in a column of fixed-size
        # vectors takes the space of a whole vector.
        scores: Any = clips[SCORES].cast(pa.list_(pa.float32()))
        rows = rows.append_column(SCORES, scores.take(pa.array(clip_of, mask=windows > 0)))
    return rows


def file_columns(wanted: Collection[str]) -> list[str]:
    """Columns of a file of :func:`per_window` beyond those of the same name in memory."""
    columns = [WINDOW]
    if EMBEDDING in wanted or WINDOW_EMBEDDINGS in wanted:
        columns.append(EMBEDDING)
    if WINDOW_STARTS in wanted:
        columns.append(START)
    return columns


def per_clip(rows: pa.Table, wanted: Collection[str]) -> pa.Table:
    """Convert to one row per clip, in the order of the file, with mean and windows if wanted.

    Parameters
    ----------
    rows
        Columns of :func:`per_window`, including :func:`file_columns`.
    wanted
        Columns of the result.

    Raises
    ------
    ValueError
        If the windows of a clip are incomplete or out of order.
    """
    import pyarrow as pa

    windows = rows[WINDOW].to_numpy()
    first = np.flatnonzero(windows == 0)
    if not len(first) or first[0]:
        raise ValueError("the first window of a clip is missing")
    ends = np.append(first[1:], len(windows))
    counts = ends - first
    if not np.array_equal(windows, np.arange(len(windows)) - np.repeat(first, counts)):
        raise ValueError("the windows of a clip do not follow each other")
    own = (WINDOW, START, EMBEDDING, SCORES)
    clips = rows.select([name for name in rows.column_names if name not in own]).take(first)
    if "windows" in clips.column_names and clips["windows"].to_pylist() != counts.tolist():
        raise ValueError("a clip does not have all of its windows")
    if EMBEDDING in wanted:
        # A copy, so that keeping the means does not keep the windows of the shard in memory.
        values = matrix(rows[EMBEDDING])
        means = [mean_of_windows(values[a:b]) for a, b in zip(first, ends, strict=True)]
        clips = clips.append_column(EMBEDDING, vectors(np.stack(means)))
    for name, column in ((WINDOW_STARTS, START), (WINDOW_EMBEDDINGS, EMBEDDING)):
        if name in wanted:
            clips = clips.append_column(name, _lists(counts, rows[column].combine_chunks()))
    if SCORES in rows.column_names:
        scores: Any = rows[SCORES].take(first).combine_chunks()
        flat: Any = scores.flatten()
        if scores.null_count or len(flat) % len(first):
            raise ValueError("a clip has no class scores")
        clips = clips.append_column(
            SCORES, pa.FixedSizeListArray.from_arrays(flat, len(flat) // len(first))
        )
    return clips


def window_lists(
    starts: Sequence[NDArray[np.float64]], embeddings: Sequence[NDArray[np.float32]]
) -> dict[str, Any]:
    """The columns of windows in memory: starts float64[k] and embeddings float32[k, d] by clip."""
    import pyarrow as pa

    return {
        WINDOW_STARTS: _lists([len(one) for one in starts], pa.array(np.concatenate(starts))),
        WINDOW_EMBEDDINGS: _lists(
            [len(one) for one in embeddings], vectors(np.concatenate(embeddings))
        ),
    }


def _lists(counts: Any, flat: Any) -> Any:
    import pyarrow as pa

    offsets: Any = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return pa.ListArray.from_arrays(offsets, flat)
