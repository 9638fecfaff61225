"""Combined view of the shards and indexes of an embedding store: its clips and their shards.

Reading, writing and merging shards belongs in :mod:`audio_assets.embeddings.store`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from audio_assets.embeddings.clip_rows import INDEX_COLUMNS, READING
from audio_assets.embeddings.shards import has_windows, is_shard

if TYPE_CHECKING:
    import pyarrow as pa


def listed_digest(checksum: str, size: int) -> bytes:
    """Digest of a clip's listed checksum and size, 16 bytes: a collision would take 10^13 clips."""
    return hashlib.blake2b(f"{checksum} {size}".encode(), digest_size=16).digest()


class IndexRow(NamedTuple):
    """A row of a shard or index. Binary digests take a third of the memory of text.

    Attributes
    ----------
    sha256, listed
        Digests of the clip's bytes and of its listed checksum and size.
    reading
        Version of reading.
    seconds
        Duration of the clip in a shard of an earlier reading version; otherwise None.
    is_again
        Whether the clip was embedded again because an earlier version had not read all of it.
    """

    sha256: bytes
    listed: bytes
    reading: int
    seconds: float | None
    is_again: bool


class StoreView:
    """Combined view of shards and indexes.

    Attributes
    ----------
    shard_of
        Shard of each clip: preferably of the present reading version, and among those one with
        windows.
    sha256_of
        Clip by its listed checksum and size.
    confirmed
        Clips with a row of the present reading version, or one that was compared with it.
    doubtful
        Seconds of every other clip.
    """

    def __init__(self) -> None:
        self.shard_of: dict[bytes, str] = {}
        self.sha256_of: dict[bytes, bytes] = {}
        self.confirmed: set[bytes] = set()
        self.doubtful: dict[bytes, float] = {}
        self._ranks: dict[bytes, int] = {}

    def add(self, name: str, rows: list[IndexRow]) -> None:
        """Add the rows of a shard or index."""
        has_embeddings = is_shard(name)
        for row in rows:
            is_of_today = row.reading >= READING
            if has_embeddings:
                rank = 2 * is_of_today + has_windows(name)
                if rank > self._ranks.get(row.sha256, -1):
                    self._ranks[row.sha256] = rank
                    self.shard_of[row.sha256] = name
            if is_of_today:
                self.confirmed.add(row.sha256)
                self.doubtful.pop(row.sha256, None)
            elif row.seconds is not None and row.sha256 not in self.confirmed:
                self.doubtful[row.sha256] = row.seconds
            self.sha256_of.setdefault(row.listed, row.sha256)


def index_rows(table: pa.Table) -> list[IndexRow]:
    """The rows of a shard or index, from a table that has at least the small columns."""
    columns = [table[column].to_pylist() for column in INDEX_COLUMNS]
    nothing = [None] * len(table)
    seconds, before = (
        table[column].to_pylist() if column in table.column_names else nothing
        for column in ("seconds", "heard_before")
    )
    return [
        IndexRow(
            bytes.fromhex(key),
            listed_digest(checksum, size),
            reading,
            heard if reading < READING else None,
            again is not None,
        )
        for key, checksum, size, reading, heard, again in zip(
            *columns, seconds, before, strict=True
        )
    ]
