"""The embedding store: append-only Parquet shards under ``embeddings/{encoder}/{fingerprint}/``.

A shard is immutable, readable alone, and named by the clips in it, so that two writers of the same
clips write the same file and two writers of different clips never meet. A row is keyed by the
SHA-256 of the clip's bytes; the listing's checksum and size are kept beside it, so that a clip
known by its listing need not be read again. Unusable clips are not stored: whether a clip is usable
depends on settings, an embedding does not.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import ResultsError
from audio_assets.storage.files import file_names, write_atomic

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

_INDEX_COLUMNS = ["sha256", "checksum", "size"]
_COLUMNS = [*_INDEX_COLUMNS, "seconds", "windows", "embedding"]


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
    """

    sha256: str
    checksum: str
    size: int
    seconds: float
    windows: int
    embedding: NDArray[np.float32]
    class_scores: NDArray[np.float32] | None = None


class EmbeddingStore:
    """Embeddings of one encoder fingerprint.

    Parameters
    ----------
    root
        Results root.
    encoder, fingerprint
        Key of the store.
    """

    def __init__(self, root: UPath, encoder: str, fingerprint: str) -> None:
        self.encoder = encoder
        self.fingerprint = fingerprint
        self.folder = root / "embeddings" / encoder / fingerprint
        self._shard_of: dict[str, UPath] = {}
        self._sha256_of: dict[tuple[str, int], str] = {}
        self._seen: set[str] = set()

    def refresh(self) -> None:
        """Read the index of shards that have appeared since the last call.

        Raises
        ------
        ResultsError
            If a shard is damaged.
        """
        for path in self._shards():
            if path.name not in self._seen:
                self._index(path, self._read(path, _INDEX_COLUMNS))

    def __contains__(self, sha256: object) -> bool:
        return sha256 in self._shard_of

    def sha256_of(self, checksum: str, size: int) -> str | None:
        """SHA-256 of the stored clip that the listing showed with this checksum and size."""
        return self._sha256_of.get((checksum, size))

    def append(self, clips: Sequence[StoredClip]) -> None:
        """Write a shard of clips that are not in the store yet; known ones are left out.

        Raises
        ------
        ResultsError
            If the shard cannot be written.
        """
        import pyarrow.parquet as pq

        new = list({clip.sha256: clip for clip in clips if clip.sha256 not in self}.values())
        if not new:
            return
        table = _to_arrow(new, self.encoder, self.fingerprint)
        buffer = io.BytesIO()
        pq.write_table(table, buffer, compression="zstd")
        keys = "\n".join(sorted(clip.sha256 for clip in new))
        path = self.folder / f"{hashlib.sha256(keys.encode()).hexdigest()[:32]}.parquet"
        write_atomic(path, buffer.getvalue())
        self._index(path, table.select(_INDEX_COLUMNS))

    def read(self, keys: Collection[str], classes: Sequence[int] = ()) -> dict[str, StoredClip]:
        """Stored clips by key.

        Parameters
        ----------
        keys
            SHA-256 of clips, all in the store.
        classes
            Indices of the class scores to read; with none, ``class_scores`` is None. Reading all
            of them would cost 26 kB a clip for BirdNET.

        Raises
        ------
        ResultsError
            If a shard is damaged or gone.
        """
        wanted = set(keys)
        columns = [*_COLUMNS, "class_scores"] if classes else _COLUMNS
        found: dict[str, StoredClip] = {}
        for path in sorted({self._shard_of[key] for key in wanted}, key=str):
            table = self._read(path, columns)
            for row, key in enumerate(table["sha256"].to_pylist()):
                if key in wanted and key not in found:
                    found[key] = _from_arrow(table, row, classes)
        return found

    def _shards(self) -> list[UPath]:
        return [self.folder / name for name in file_names(self.folder) if _is_shard(name)]

    def _index(self, path: UPath, table: pa.Table) -> None:
        self._seen.add(path.name)
        rows = table.to_pydict()
        for sha256, checksum, size in zip(*(rows[name] for name in _INDEX_COLUMNS), strict=True):
            self._shard_of.setdefault(sha256, path)
            self._sha256_of.setdefault((checksum, size), sha256)

    def _read(self, path: UPath, columns: list[str]) -> pa.Table:
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            with path.open("rb") as file:
                return pq.read_table(file, columns=columns)
        except (pa.ArrowException, KeyError, OSError) as error:
            raise ResultsError(
                f"The shard {path} of the embedding store is damaged: {error}",
                "Move it away; the next run embeds its clips again.",
            ) from error


def _is_shard(name: str) -> bool:
    return name.endswith(".parquet") and not name.startswith(".")


def _to_arrow(clips: list[StoredClip], encoder: str, fingerprint: str) -> pa.Table:
    import pyarrow as pa

    columns: dict[str, Any] = {
        "sha256": pa.array([clip.sha256 for clip in clips], pa.string()),
        "checksum": pa.array([clip.checksum for clip in clips], pa.string()),
        "size": pa.array([clip.size for clip in clips], pa.int64()),
        "seconds": pa.array([clip.seconds for clip in clips], pa.float64()),
        "windows": pa.array([clip.windows for clip in clips], pa.int64()),
        "embedding": _vectors(np.stack([clip.embedding for clip in clips])),
    }
    scores = [clip.class_scores for clip in clips if clip.class_scores is not None]
    if scores:
        columns["class_scores"] = _vectors(np.stack(scores))
    metadata = {"encoder": encoder, "encoder_fingerprint": fingerprint, "format": "1"}
    return pa.table(columns).replace_schema_metadata(metadata)


def _vectors(rows: NDArray[np.float32]) -> Any:
    import pyarrow as pa

    flat = pa.array(np.ascontiguousarray(rows, dtype=np.float32).ravel())
    return pa.FixedSizeListArray.from_arrays(flat, rows.shape[1])


def _from_arrow(table: pa.Table, row: int, classes: Sequence[int]) -> StoredClip:
    scores = None
    if classes:
        scores = _vector(table, "class_scores", row)[list(classes)]
    return StoredClip(
        sha256=table["sha256"][row].as_py(),
        checksum=table["checksum"][row].as_py(),
        size=table["size"][row].as_py(),
        seconds=table["seconds"][row].as_py(),
        windows=table["windows"][row].as_py(),
        embedding=_vector(table, "embedding", row),
        class_scores=scores,
    )


def _vector(table: pa.Table, column: str, row: int) -> NDArray[np.float32]:
    vector: NDArray[np.float32] = table[column][row].values.to_numpy()
    return vector
