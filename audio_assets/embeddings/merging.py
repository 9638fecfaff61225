"""Selection of the small shards to merge, and the rows of the merged shard.

Writing and deleting files in a safe order belongs in :mod:`audio_assets.embeddings.store`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import TYPE_CHECKING

from audio_assets.embeddings.shards import has_windows, is_shard

if TYPE_CHECKING:
    import pyarrow as pa

# A shard of a whole piece of work has 64 clips; listing 16 files costs less than merging them.
_SMALL_ROWS = 32
_MANY_SHARDS = 16
# Of BirdNET's class scores, 32 clips are 0.8 MB, and a merge holds all of its shards in memory.
_SHARDS_AT_ONCE = 64
# A shard of few long clips is not small: 64 clips of 128 windows are 32 MB for BirdNET.
_SMALL_WINDOWS = 128


def small_shards(rows: Mapping[str, Sized], windows: Mapping[str, int]) -> Iterator[list[str]]:
    """Shards to merge into one, if there are many small ones.

    Shards with windows and shards with only means are not mixed, so that an earlier version still
    finds the means that it wrote.

    Parameters
    ----------
    rows
        Number of clips of each shard, without indexes.
    windows
        Number of windows of each shard that has them.
    """
    small: dict[bool, list[str]] = {False: [], True: []}
    for name in sorted(rows):
        few = len(rows[name]) < _SMALL_ROWS and windows.get(name, 0) <= _SMALL_WINDOWS
        if is_shard(name) and few:
            small[has_windows(name)].append(name)
    for names in small.values():
        if len(names) >= _MANY_SHARDS:
            yield names[:_SHARDS_AT_ONCE]


def newest_rows(tables: Iterable[pa.Table]) -> pa.Table:
    """The rows of several shards; per clip, the first row of the newest reading version."""
    import pyarrow as pa

    table = pa.concat_tables(table.replace_schema_metadata() for table in tables)
    keys = zip(table["sha256"].to_pylist(), table["reading"].to_pylist(), strict=True)
    first: dict[str, tuple[int, int]] = {}
    for row, (key, reading) in enumerate(keys):
        newest = first.get(str(key), (0, 0))
        first[str(key)] = max(newest, (int(reading or 0), -row))
    return table.take(sorted(-row for _, row in first.values()))
