"""The shard: one immutable Parquet file of the embedding store, readable and checkable alone.

A shard's schema metadata hold the encoder, its fingerprint and a SHA-256 of the content of each
column. Parquet's own page checksums are not enough: of 300 single flipped bits, half of them in the
last 3 kB, 28 in the footer changed what was read (a name, the fingerprint) unnoticed. With a digest
a column, reading the small index columns does not cost reading the vectors.

An index is such a file with the index columns alone: what other listings show of clips whose
embeddings are in shards.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import ResultsError
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import open_file, read_file

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

_FORMAT = "2"
READING = 2
"""Version of how clips are read, raised when more or other audio of a file is heard.

Rows of an earlier version are compared with what is heard now before they are used."""
_LISTED = ["sha256", "checksum", "size"]
INDEX_COLUMNS = [*_LISTED, "reading"]
SUMMARY_COLUMNS = [*INDEX_COLUMNS, "seconds", "heard_before"]
COLUMNS = [*SUMMARY_COLUMNS, "windows", "embedding", "samples"]
SCORES = "class_scores"
# Earlier versions wrote no such columns.
_ADDED: Mapping[str, float | int | None] = {"reading": 1, "heard_before": None, "samples": None}


@dataclass(frozen=True)
class StoredClip:
    """What the store keeps of a clip.

    Attributes
    ----------
    sha256
        Hex digest of the clip's bytes, the key.
    checksum, size
        As the listing gave them when the clip was read; size in bytes.
    seconds
        Duration in seconds.
    windows
        Number of windows averaged.
    embedding
        float32[d], mean over windows.
    class_scores
        float32[c], maximum over windows, or None.
    heard_before
        Seconds that an earlier version had heard, where it is embedded again for that; else None.
    samples
        Samples of all channels of the file; None where an earlier version embedded it.
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


@dataclass(frozen=True)
class ListedContent:
    """The SHA-256 of bytes as hex digest, and what a listing shows: checksum and size in bytes."""

    sha256: str
    checksum: str
    size: int


class DamagedShardError(Exception):
    """A shard's bytes are not what was written; the message says in which way."""


@dataclass(frozen=True)
class Shard:
    """Columns of a shard, checked.

    Attributes
    ----------
    table
        The columns asked for.
    embedded
        Embeddings that were computed for it; more than it has rows if clips were embedded more
        than once and a merge left the copies out.
    """

    table: pa.Table
    embedded: int


def shard_name(table: pa.Table) -> str:
    """Name of the shard of these clips: two writers of the same clips write the same file."""
    joined = "\n".join(sorted(str(key) for key in table["sha256"].to_pylist()))
    return f"{hashlib.sha256(joined.encode()).hexdigest()[:32]}.parquet"


def is_shard(name: str) -> bool:
    """Whether a file of this name is a shard; others may lie beside it."""
    return name.endswith(".parquet") and not name.startswith(".")


def index_name(table: pa.Table) -> str:
    """Name of the index of these rows: two writers of the same rows write the same file."""
    joined = "\n".join(" ".join(map(str, row.values())) for row in table.to_pylist())
    return f"{hashlib.sha256(joined.encode()).hexdigest()[:32]}.index"


def is_index(name: str) -> bool:
    """Whether a file of this name is an index."""
    return name.endswith(".index") and not name.startswith(".")


def index_table(listed: Iterable[ListedContent]) -> pa.Table:
    """The rows of an index, in an order of their own."""
    import pyarrow as pa

    rows = sorted({(item.sha256, item.checksum, item.size) for item in listed})
    kinds = (pa.string(), pa.string(), pa.int64())
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, kind) for column, kind in zip(columns, kinds, strict=True)]
    arrays.append(pa.array([READING] * len(rows), pa.int64()))
    return pa.table(arrays, INDEX_COLUMNS)


def shard_table(clips: Sequence[StoredClip]) -> pa.Table:
    """Clips as the rows of a shard; class scores if the clips have them."""
    import pyarrow as pa

    columns: dict[str, Any] = {
        "sha256": pa.array([clip.sha256 for clip in clips], pa.string()),
        "checksum": pa.array([clip.checksum for clip in clips], pa.string()),
        "size": pa.array([clip.size for clip in clips], pa.int64()),
        "reading": pa.array([READING] * len(clips), pa.int64()),
        "seconds": pa.array([clip.seconds for clip in clips], pa.float64()),
        "heard_before": pa.array([clip.heard_before for clip in clips], pa.float64()),
        "windows": pa.array([clip.windows for clip in clips], pa.int64()),
        "embedding": _vectors(np.stack([clip.embedding for clip in clips])),
        # Whole numbers, and of the type of the columns that earlier versions lack.
        "samples": pa.array([clip.samples for clip in clips], pa.float64()),
    }
    scores = [clip.class_scores for clip in clips if clip.class_scores is not None]
    if scores:
        columns[SCORES] = _vectors(np.stack(scores))
    return pa.table(columns)


def shard_bytes(table: pa.Table, encoder: str, fingerprint: str, embedded: int) -> bytes:
    """A shard file; the same bytes for the same rows."""
    import pyarrow.parquet as pq

    metadata = {
        **_identity(encoder, fingerprint),
        "embedded": str(embedded),
        **{_digest_key(name): _digest(table[name]) for name in table.column_names},
    }
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        buffer,
        compression="zstd",
        write_page_checksum=True,
    )
    return buffer.getvalue()


def read_shard(path: UPath, columns: Sequence[str] | None, encoder: str, fingerprint: str) -> Shard:
    """Columns of a shard, or all of them for None, each compared with its digest.

    Raises
    ------
    FileNotFoundError
        If it is gone.
    DamagedShardError
        If it is torn, changed, or of another encoder.
    ResultsError
        If it cannot be read, which says nothing about its content.
    """
    try:
        with open_file(path) as file:
            return _parse(file, columns, encoder, fingerprint)
    except FileNotFoundError:
        raise
    except _unsure():
        # Arrow raises OSError for a torn file, and a disk for a fault of its own: read it whole
        # once more, so that only what the file itself holds counts as damage. In a bucket another
        # process may have written the same clips meanwhile.
        pass
    try:
        data = read_file(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise ResultsError(
            f"The shard {path} of the embedding store cannot be read: {error}",
            "Check that you may read there and that the disk or the network works.",
        ) from error
    try:
        return _parse(io.BytesIO(data), columns, encoder, fingerprint)
    except _damage() as error:
        raise DamagedShardError(str(error)) from error


def stored_clip(table: pa.Table, row: int, classes: Sequence[int]) -> StoredClip:
    """A row of a shard, with the class scores of these indices."""
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


def _unsure() -> tuple[type[Exception], ...]:
    return (ChangedError, *_damage())


def _damage() -> tuple[type[Exception], ...]:
    import pyarrow as pa

    return (pa.ArrowException, OSError, ValueError, LookupError, OverflowError, TypeError)


def _parse(file: Any, columns: Sequence[str] | None, encoder: str, fingerprint: str) -> Shard:
    import pyarrow.parquet as pq

    parquet = pq.ParquetFile(file, page_checksum_verification=True)
    metadata = {
        key.decode(): value.decode() for key, value in (parquet.schema_arrow.metadata or {}).items()
    }
    for key, expected in _identity(encoder, fingerprint).items():
        if metadata.get(key) != expected:
            raise ValueError(f"its {key} is {metadata.get(key)!r} instead of {expected!r}")
    there = parquet.schema_arrow.names
    wanted = _all_columns(there) if columns is None else list(columns)
    written = [name for name in wanted if name in there or name not in _ADDED]
    # As in read_table: no thread of Arrow's may outlive the interpreter.
    table = parquet.read(columns=written, use_threads=False)
    for name in written:
        if metadata.get(_digest_key(name)) != _digest(table[name]):
            raise ValueError(f"the column {name} does not have the content that was written")
    for name in wanted:
        if name not in written:
            table = table.append_column(name, _added(name, len(table)))
    return Shard(table.select(wanted), int(metadata["embedded"]))


def _all_columns(there: Sequence[str]) -> list[str]:
    known = [name for name in (*COLUMNS, SCORES) if name in there or name in _ADDED]
    return known if "seconds" in there else INDEX_COLUMNS


def _added(name: str, count: int) -> Any:
    import pyarrow as pa

    value = _ADDED[name]
    return pa.array([value] * count, pa.float64() if value is None else pa.int64())


def _identity(encoder: str, fingerprint: str) -> Mapping[str, str]:
    return {"format": _FORMAT, "encoder": encoder, "encoder_fingerprint": fingerprint}


def _digest_key(column: str) -> str:
    return f"sha256 of {column}"


def _digest(column: Any) -> str:
    import pyarrow as pa

    # Not the type as Arrow prints it: Parquet gives the items of a list another name.
    vectors = pa.types.is_fixed_size_list(column.type)
    kind = f"float[{column.type.list_size}]" if vectors else str(column.type)
    digest = hashlib.sha256(f"{kind} {len(column)} {column.null_count} ".encode())
    for chunk in column.chunks:
        if pa.types.is_string(chunk.type):
            digest.update("".join(f"{len(v)} {v}" for v in chunk.to_pylist()).encode())
        else:
            values = chunk.flatten() if vectors else chunk
            # With nulls, NumPy gets NaN in their place.
            digest.update(values.to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()


def _vectors(rows: NDArray[np.float32]) -> Any:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def _vector(table: pa.Table, column: str, row: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = table[column][row].values.to_numpy()
    return vector
