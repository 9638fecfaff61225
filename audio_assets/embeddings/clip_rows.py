"""The stored data of a clip, and the table in memory with one row per clip.

Turning a table into a file belongs in :mod:`audio_assets.embeddings.shards`, the rows per window in
:mod:`audio_assets.embeddings.window_rows`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.embeddings.window_rows import (
    EMBEDDING,
    SCORES,
    WINDOW_EMBEDDINGS,
    WINDOW_STARTS,
    vectors,
    window_lists,
)

if TYPE_CHECKING:
    import pyarrow as pa

READING = 2
"""Version of reading clips, raised when more or other audio of a file is decoded.

Rows of an earlier version are compared with the audio decoded today before they are used."""
_LISTED = ["sha256", "checksum", "size"]
INDEX_COLUMNS = [*_LISTED, "reading"]
SUMMARY_COLUMNS = [*INDEX_COLUMNS, "seconds", "heard_before", "windows"]
COLUMNS = [*SUMMARY_COLUMNS, EMBEDDING, "samples"]
# Earlier versions wrote no such columns.
ADDED: Mapping[str, float | int | None] = {"reading": 1, "heard_before": None, "samples": None}


@dataclass(frozen=True)
class StoredClip:
    """The stored data of a clip.

    Attributes
    ----------
    sha256
        Hex digest of the clip's bytes, the key.
    checksum, size
        As listed when the clip was read; size in bytes.
    seconds
        Duration in seconds.
    windows
        Number of windows averaged.
    embedding
        float32[d], mean over windows.
    class_scores
        float32[c], maximum over windows, or None.
    heard_before
        Seconds that an earlier version had read, if the clip was embedded again for that reason;
        otherwise None.
    samples
        Samples of all channels of the file; None where an earlier version embedded it.
    window_embeddings, window_starts
        float32[k, d], the windows averaged in ``embedding``, and float64[k] in seconds; None where
        an earlier version stored only the mean, and where only the mean was read.
    """

    sha256: str
    checksum: str
    size: int
    seconds: float
    windows: int
    embedding: NDArray[np.float32]
    class_scores: NDArray[np.float32] | None = None
    heard_before: float | None = None
    samples: int | None = None
    window_embeddings: NDArray[np.float32] | None = None
    window_starts: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class StoredWindows:
    """The stored windows of a clip, in order.

    Attributes
    ----------
    sha256
        Hex digest of the clip's bytes.
    starts
        float64[k], seconds from the beginning of the clip.
    embeddings
        float32[k, d].
    """

    sha256: str
    starts: NDArray[np.float64]
    embeddings: NDArray[np.float32]


@dataclass(frozen=True)
class ListedContent:
    """The SHA-256 of a clip as hex digest, with its listed checksum and size in bytes."""

    sha256: str
    checksum: str
    size: int


def index_table(listed: Iterable[ListedContent]) -> pa.Table:
    """The rows of an index, in canonical order."""
    import pyarrow as pa

    rows = sorted({(item.sha256, item.checksum, item.size) for item in listed})
    kinds = (pa.string(), pa.string(), pa.int64())
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    arrays.append(pa.array([READING] * len(rows), pa.int64()))
    return pa.table(arrays, INDEX_COLUMNS)


def shard_table(clips: Sequence[StoredClip]) -> pa.Table:
    """Clips as the rows of a shard; class scores and windows if the clips have them."""
    import pyarrow as pa

    columns: dict[str, Any] = {
        "sha256": pa.array([clip.sha256 for clip in clips], pa.string()),
        "checksum": pa.array([clip.checksum for clip in clips], pa.string()),
        "size": pa.array([clip.size for clip in clips], pa.int64()),
        "reading": pa.array([READING] * len(clips), pa.int64()),
        "seconds": pa.array([clip.seconds for clip in clips], pa.float64()),
        "heard_before": pa.array([clip.heard_before for clip in clips], pa.float64()),
        "windows": pa.array([clip.windows for clip in clips], pa.int64()),
        EMBEDDING: vectors(np.stack([clip.embedding for clip in clips])),
        # Integers, with the types of the columns that earlier versions lack.
        "samples": pa.array([clip.samples for clip in clips], pa.float64()),
    }
    scores = [clip.class_scores for clip in clips if clip.class_scores is not None]
    if scores:
        columns[SCORES] = vectors(np.stack(scores))
    starts = [clip.window_starts for clip in clips if clip.window_starts is not None]
    windows = [clip.window_embeddings for clip in clips if clip.window_embeddings is not None]
    if windows:
        columns.update(window_lists(starts, windows))
    return pa.table(columns)


def stored_clip(table: pa.Table, row: int, classes: Sequence[int]) -> StoredClip:
    """Convert a row of a shard, with the class scores of the given indices."""
    samples = table["samples"][row].as_py()
    scores = None
    if classes:
        scores = _vector(table, SCORES, row)[list(classes)]
    return StoredClip(
        sha256=table["sha256"][row].as_py(),
        checksum=table["checksum"][row].as_py(),
        size=table["size"][row].as_py(),
        seconds=table["seconds"][row].as_py(),
        windows=table["windows"][row].as_py(),
        embedding=_vector(table, "embedding", row),
        class_scores=scores,
        heard_before=table["heard_before"][row].as_py(),
        samples=None if samples is None else int(samples),
    )


def stored_windows(table: pa.Table, row: int) -> StoredWindows:
    """The windows of a row of a shard that has them."""
    starts: NDArray[np.float64] = table[WINDOW_STARTS][row].values.to_numpy()
    flat = table[WINDOW_EMBEDDINGS][row].values.flatten().to_numpy()
    return StoredWindows(table["sha256"][row].as_py(), starts, flat.reshape(len(starts), -1))


def added_column(name: str, count: int) -> Any:
    """The values of a column for rows of a version that did not write it."""
    import pyarrow as pa

    value = ADDED[name]
    return pa.array([value] * count, pa.float64() if value is None else pa.int64())


def _vector(table: pa.Table, column: str, row: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = table[column][row].values.to_numpy()
    return vector
