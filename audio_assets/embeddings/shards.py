"""The shard: one immutable Parquet file of the embedding store, readable and checkable alone.

A shard's schema metadata hold the encoder, its fingerprint and a SHA-256 of the content of each
column. Parquet's own page checksums are not enough: of 300 single flipped bits, half of them in the
last 3 kB, 28 in the footer changed what was read (a name, the fingerprint) unnoticed. With a digest
per column, reading the small index columns does not require reading the vectors.

A file whose name ends in ``.windows`` has one row per window with that window's embedding; a table
in memory has one row per clip with the mean (:mod:`audio_assets.embeddings.window_rows`). Earlier
versions wrote one row per clip, with only the mean, to files whose names end in ``.parquet``. These
are still read. The new ending hides the new files from those versions, which take every
``.parquet`` file of another format for damaged.

An index is such a file with only the index columns: checksums and sizes of stored clips in other
listings.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audio_assets.embeddings.clip_rows import ADDED, COLUMNS, INDEX_COLUMNS, added_column
from audio_assets.embeddings.window_rows import (
    EMBEDDING,
    SCORES,
    WINDOW,
    WINDOW_COLUMNS,
    WINDOW_EMBEDDINGS,
    file_columns,
    per_clip,
    per_window,
)
from audio_assets.errors import ResultsError
from audio_assets.objects.bucket_requests import ChangedError
from audio_assets.objects.files import file_names, open_file, read_file, rename_file

if TYPE_CHECKING:
    import pyarrow as pa
    from upath import UPath

_MEANS = ".parquet"
_WINDOWS = ".windows"
_FORMATS = {_MEANS: "2", _WINDOWS: "3"}


class DamagedShardError(Exception):
    """A shard's bytes are not what was written; the message says how they differ."""


@dataclass(frozen=True)
class Shard:
    """Columns of a shard, checked.

    Attributes
    ----------
    table
        The columns asked for.
    embedded
        Number of embeddings computed for it; exceeds the number of rows if clips were embedded more
        than once and a merge dropped the copies.
    """

    table: pa.Table
    embedded: int


def shard_name(table: pa.Table) -> str:
    """Name of the shard of these clips: two writers of the same clips write the same file."""
    joined = "\n".join(sorted(str(key) for key in table["sha256"].to_pylist()))
    return f"{hashlib.sha256(joined.encode()).hexdigest()[:32]}{_ending(table)}"


def is_shard(name: str) -> bool:
    """Return whether a file of this name is a shard; others may lie beside it."""
    return name.endswith((_MEANS, _WINDOWS)) and not name.startswith(".")


def has_windows(name: str) -> bool:
    """Whether the shard of this name has one row per window, or only the means of its clips."""
    return name.endswith(_WINDOWS)


def index_name(table: pa.Table) -> str:
    """Name of the index of these rows: two writers of the same rows write the same file."""
    joined = "\n".join(" ".join(map(str, row.values())) for row in table.to_pylist())
    return f"{hashlib.sha256(joined.encode()).hexdigest()[:32]}.index"


def is_index(name: str) -> bool:
    """Return whether a file of this name is an index."""
    return name.endswith(".index") and not name.startswith(".")


def shard_bytes(table: pa.Table, encoder: str, fingerprint: str, embedded: int) -> bytes:
    """The file of the shard or index; the same bytes for the same rows."""
    import pyarrow.parquet as pq

    ending = _ending(table)
    table = per_window(table) if ending == _WINDOWS else table
    metadata = {
        **_identity(_FORMATS[ending], encoder, fingerprint),
        "embedded": str(embedded),
        **{_digest_key(name): _digest(table[name]) for name in table.column_names},
    }
    # Dictionary encoding of numbers that do not recur takes a third more space and most of the
    # time.
    layout: dict[str, Any] = {
        "use_dictionary": ["sha256", "checksum"],
        "use_byte_stream_split": [
            f"{name}.list.element" for name in (EMBEDDING, SCORES) if name in table.column_names
        ],
    }
    buffer = io.BytesIO()
    pq.write_table(
        table.replace_schema_metadata(metadata),
        buffer,
        compression="zstd",
        **layout,
        write_page_checksum=True,
    )
    return buffer.getvalue()


def read_shard(path: UPath, columns: Sequence[str] | None, encoder: str, fingerprint: str) -> Shard:
    """Read columns of a shard, or all for None, each verified by its digest; one row per clip.

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


def set_aside(path: UPath) -> str:
    """Rename a damaged shard, so that it no longer counts as one, and return its new name.

    Raises
    ------
    ResultsError
        If it cannot be renamed.
    """
    existing = set(file_names(path.parent))
    name = f"{path.name}.damaged"
    number = 1
    while name in existing:
        number += 1
        name = f"{path.name}.{number}.damaged"
    try:
        rename_file(path, name)
    except FileNotFoundError:
        # Another process set it aside at the same time.
        pass
    except OSError as error:
        raise ResultsError(
            f"The shard {path} of the embedding store is damaged and cannot be renamed: {error}",
            "Move it away; the next run embeds its clips again.",
        ) from error
    return name


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
    there = parquet.schema_arrow.names
    windows = WINDOW in there
    identity = _identity(_FORMATS[_WINDOWS if windows else _MEANS], encoder, fingerprint)
    for key, expected in identity.items():
        if metadata.get(key) != expected:
            raise ValueError(f"its {key} is {metadata.get(key)!r} instead of {expected!r}")
    wanted = _all_columns(there) if columns is None else list(columns)
    written = [name for name in wanted if name in there or name not in ADDED]
    if windows:
        written = [name for name in written if name not in (EMBEDDING, *WINDOW_COLUMNS)]
        written += file_columns(wanted)
    # As in read_table: no thread of Arrow's may outlive the interpreter.
    table = parquet.read(columns=written, use_threads=False)
    for name in written:
        if metadata.get(_digest_key(name)) != _digest(table[name]):
            raise ValueError(f"the column {name} does not have the content that was written")
    if windows:
        table = per_clip(table, wanted)
    for name in wanted:
        if name not in table.column_names:
            table = table.append_column(name, added_column(name, len(table)))
    return Shard(table.select(wanted), int(metadata["embedded"]))


def _ending(table: pa.Table) -> str:
    return _WINDOWS if WINDOW_EMBEDDINGS in table.column_names else _MEANS


def _all_columns(there: Sequence[str]) -> list[str]:
    if "seconds" not in there:
        return INDEX_COLUMNS
    known = [name for name in (*COLUMNS, SCORES) if name in there or name in ADDED]
    return [*known, *WINDOW_COLUMNS] if WINDOW in there else known


def _identity(form: str, encoder: str, fingerprint: str) -> Mapping[str, str]:
    return {"format": form, "encoder": encoder, "encoder_fingerprint": fingerprint}


def _digest_key(column: str) -> str:
    return f"sha256 of {column}"


def _digest(column: Any) -> str:
    import pyarrow as pa

    # Not the type as Arrow prints it: Parquet gives the items of a list another name.
    fixed = pa.types.is_fixed_size_list(column.type)
    lists = pa.types.is_list(column.type)
    kind = f"float[{column.type.list_size}]" if fixed else "floats" if lists else str(column.type)
    digest = hashlib.sha256(f"{kind} {len(column)} {column.null_count} ".encode())
    for chunk in column.chunks:
        if pa.types.is_string(chunk.type):
            digest.update("".join(f"{len(v)} {v}" for v in chunk.to_pylist()).encode())
        else:
            if lists:
                lengths = chunk.value_lengths().fill_null(-1)
                digest.update(lengths.to_numpy(zero_copy_only=False).tobytes())
            values = chunk.flatten() if fixed or lists else chunk
            # NumPy gets NaN in place of nulls.
            digest.update(values.to_numpy(zero_copy_only=False).tobytes())
    return digest.hexdigest()
