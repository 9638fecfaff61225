"""Shards as earlier versions wrote them, from code that is not shared with the present version."""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audio_assets.embeddings.clip_rows import StoredClip


def write_earlier_shard(
    folder: Path, clips: list[StoredClip], encoder: str, fingerprint: str, reading: int = 1
) -> Path:
    """A shard with one row per clip, the mean of its windows alone.

    Parameters
    ----------
    reading
        1 as version e7c8c47 wrote it, or 2 as its successors did with more columns.
    """
    columns = {
        "sha256": pa.array([clip.sha256 for clip in clips], pa.string()),
        "checksum": pa.array([clip.checksum for clip in clips], pa.string()),
        "size": pa.array([clip.size for clip in clips], pa.int64()),
        "seconds": pa.array([clip.seconds for clip in clips], pa.float64()),
        "windows": pa.array([clip.windows for clip in clips], pa.int64()),
        "embedding": vectors([clip.embedding for clip in clips]),
    }
    if reading == 2:
        columns["reading"] = pa.array([2] * len(clips), pa.int64())
        columns["heard_before"] = pa.array([clip.heard_before for clip in clips], pa.float64())
        columns["samples"] = pa.array([clip.samples for clip in clips], pa.float64())
    if clips[0].class_scores is not None:
        columns["class_scores"] = vectors([clip.class_scores for clip in clips])
    metadata = {
        "format": "2",
        "encoder": encoder,
        "encoder_fingerprint": fingerprint,
        "embedded": str(len(clips)),
        **{f"sha256 of {name}": digest(column) for name, column in columns.items()},
    }
    table = pa.table(columns).replace_schema_metadata(metadata)
    joined = "\n".join(sorted(clip.sha256 for clip in clips))
    path = folder / f"{hashlib.sha256(joined.encode()).hexdigest()[:32]}.parquet"
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="zstd", write_page_checksum=True)
    return path


def vectors(rows: list[np.ndarray]) -> pa.Array:
    """float32[d] each as an Arrow column."""
    matrix = np.stack(rows)
    return pa.FixedSizeListArray.from_arrays(pa.array(matrix.ravel()), matrix.shape[1])


def digest(column: pa.Array) -> str:
    """SHA-256 of the content of a column."""
    fixed = pa.types.is_fixed_size_list(column.type)
    kind = f"float[{column.type.list_size}]" if fixed else str(column.type)
    hashed = hashlib.sha256(f"{kind} {len(column)} {column.null_count} ".encode())
    if pa.types.is_string(column.type):
        hashed.update("".join(f"{len(v)} {v}" for v in column.to_pylist()).encode())
    else:
        values = column.flatten() if fixed else column
        hashed.update(values.to_numpy(zero_copy_only=False).tobytes())
    return hashed.hexdigest()
