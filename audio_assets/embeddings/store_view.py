"""What the shards and indexes of an embedding store say together: which clips it has, and where.

How they are read, written and merged belongs in :mod:`audio_assets.embeddings.store`.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

from audio_assets.embeddings.clip_rows import INDEX_COLUMNS, READING
from audio_assets.embeddings.shards import has_windows, is_shard

if TYPE_CHECKING:
    import pyarrow as pa


def listed_digest(checksum: str, size: int) -> bytes:
    """What a listing shows of a clip, in 16 bytes: it would take 10^13 clips for two to agree."""
    return hashlib.blake2b(f"{checksum} {size}".encode(), digest_size=16).digest()


class IndexRow(NamedTuple):
    """A row of a shard or index. Digests take a third of the memory that text would.

    Attributes
    ----------
    sha256, listed
        Digests of the clip's bytes and of what the listing showed.
    reading
        Version of reading.
    seconds
        Of the clip, of a shard of an earlier reading; else None.
    is_again
        Whether the clip was embedded again since an earlier version had not heard all of it.
    """

    sha256: bytes
    listed: bytes
    reading: int
    seconds: float | None
    is_again: bool


class StoreView:
    """What the shards and indexes say together.

    Attributes
    ----------
    shard_of
        Shard of each clip: of today's reading where there is one, and of those one with windows.
    sha256_of
        Clip by what a listing shows.
    confirmed
        Clips that have a row of today's reading, or one that was compared with it.
    doubtful
        Seconds of each other one.
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
    """The rows of a shard or index, of whose table the small columns are there."""
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
