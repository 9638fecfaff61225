"""Read and write tables as Parquet, following their definitions in :mod:`audio_assets.tables`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import ResultsError
from audio_assets.objects.files import open_file, read_file, write_atomic, write_atomic_from
from audio_assets.results.pieces import PIECE_ROWS, PiecewiseTable
from audio_assets.results.validation import validate
from audio_assets.tables import Column, Table

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from upath import UPath


def write_table(path: UPath, frame: pd.DataFrame | PiecewiseTable, table: Table) -> None:
    """Validate ``frame`` and write it atomically; a piecewise table by row groups.

    Raises
    ------
    TableError
        If the frame breaks the table's definition.
    ResultsError
        If the file cannot be written.
    """
    if isinstance(frame, PiecewiseTable):
        write_atomic_from(path, lambda file: _write_pieces(file, frame, table))
    else:
        write_atomic(path, table_bytes(frame, table))
    _release_memory()


def table_bytes(frame: pd.DataFrame, table: Table) -> bytes:
    """Validate ``frame`` and return the bytes of its Parquet file.

    Raises
    ------
    TableError
        If the frame breaks the table's definition.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(to_arrow(validate(frame, table), table), buffer, **_parquet_options(table))
    return buffer.getvalue()


def _parquet_options(table: Table) -> dict[str, Any]:
    # A dictionary of vectors is larger than the vectors: it took 25 MB more.
    repeating = [column.name for column in table.columns if column.dtype != "vector"]
    return {"compression": "zstd", "use_dictionary": repeating}


def _write_pieces(file: IO[bytes], frame: PiecewiseTable, table: Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    scalars = _without(table, frame.column)
    place = table.column_names.index(frame.column)
    # Without the vectors, because pandera leaves frames for the garbage collector.
    rows = validate(frame.rows, scalars)
    with ExitStack() as stack:
        writer = None
        for piece in frame.pieces():
            arrow = to_arrow(rows.iloc[piece], scalars)
            vectors = pa.FixedSizeListArray.from_arrays(
                pa.array(frame.vectors.read(piece.start, piece.stop).ravel()),
                frame.vectors.dimension,
                mask=pa.array(~frame.present[piece]),
            )
            field = pa.field(frame.column, vectors.type, nullable=table.columns[place].nullable)
            arrow = arrow.add_column(place, field, vectors)
            if writer is None:
                opened = pq.ParquetWriter(file, arrow.schema, **_parquet_options(table))
                writer = stack.enter_context(opened)
            writer.write_table(arrow)


def _damaged(path: UPath, table: Table, error: Exception) -> ResultsError:
    return ResultsError(
        f"{path} is damaged or is not a {table.name} table: {error}",
        "Delete it; the next run recreates it.",
    )


def _release_memory() -> None:
    """Return freed memory that Arrow's allocator retains to the system.

    For an inventory of 20,000 clips, 28 MB of unused memory stayed in the process.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()


def _without(table: Table, column: str) -> Table:
    return replace(table, columns=tuple(c for c in table.columns if c.name != column))


def read_table(path: UPath, table: Table) -> pd.DataFrame:
    """Read a table that :func:`write_table` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ResultsError
        If the file is damaged or lacks required columns of the table. Missing nullable columns,
        which an earlier version did not write, are filled with nulls.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_file(path)
    # On this thread only: if a thread of Arrow's drops the last reference to a Python buffer while
    # the interpreter shuts down, the process aborts (apache/arrow issue 34314); one of 100 runs
    # ended so, with exit code -6 after all its work was done.
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            read = file.read(columns=list(table.column_names), use_threads=False)
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise _damaged(path, table, error) from error
    read = _with_empty_columns(read, table)
    missing = [name for name in table.column_names if name not in read.column_names]
    if missing:
        raise ResultsError(
            f"{path} lacks the columns {missing} of {table.name}",
            "Delete it; the next run recreates it.",
        )
    frame = _to_pandas(read, table)
    del data, read
    _release_memory()
    return frame


def read_pieces(path: UPath, table: Table, columns: Sequence[str]) -> Iterator[pd.DataFrame]:
    """Read some columns of a table that :func:`write_table` wrote, at most 512 rows at a time.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ResultsError
        If the file is damaged or lacks one of the columns.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    part = replace(table, columns=tuple(c for c in table.columns if c.name in columns))
    with open_file(path) as source:
        try:
            # Otherwise Arrow reads ahead: all 80 MB of 20,000 BirdNET embeddings.
            with pq.ParquetFile(source, pre_buffer=False) as file:
                for batch in file.iter_batches(
                    PIECE_ROWS, columns=list(columns), use_threads=False
                ):
                    rows = _with_empty_columns(pa.Table.from_batches([batch]), part)
                    yield _to_pandas(rows, part)
        except (pa.ArrowException, KeyError, ValueError, OSError) as error:
            raise _damaged(path, table, error) from error
    _release_memory()


def content_version(frame: pd.DataFrame | PiecewiseTable, table: Table) -> str:
    """Return a SHA-256 of a table's content, the same for equal rows whenever they were computed.

    A table in pieces and the same table in memory have the same digest.
    """
    digest = hashlib.sha256()
    if isinstance(frame, PiecewiseTable):
        rows = validate(frame.rows, _without(table, frame.column))
    else:
        rows = validate(frame, table)
    for column in table.columns:
        if column.dtype != "vector":
            _digest_values(digest, _array(rows, column), column.name)
        elif isinstance(frame, PiecewiseTable):
            _digest_vectors(digest, frame.present, frame.present_vectors())
        else:
            values: Any = _array(rows, column)
            present = ~values.is_null().to_numpy(zero_copy_only=False)
            _digest_vectors(digest, present, [values.flatten().to_numpy(zero_copy_only=False)])
    _release_memory()
    return digest.hexdigest()


def _digest_values(digest: Any, values: pa.Array[Any], name: str) -> None:
    import pyarrow as pa

    # The memory under a null is arbitrary, so nulls are hashed as a mask.
    digest.update(values.is_null().to_numpy(zero_copy_only=False).tobytes())
    sink = pa.BufferOutputStream()
    present = pa.table({name: values.drop_null()})
    with pa.ipc.new_stream(sink, present.schema) as writer:
        writer.write_table(present)
    digest.update(sink.getvalue())


def _digest_vectors(
    digest: Any, present: NDArray[np.bool_], vectors: Iterable[NDArray[np.float32]]
) -> None:
    digest.update((~present).tobytes())
    for values in vectors:
        digest.update(values.tobytes())


def concat_tables(frames: Iterable[pd.DataFrame], table: Table) -> pd.DataFrame:
    """Concatenate tables of one definition; return an empty table if there are none."""
    import pandas as pd
    import pyarrow as pa

    # In Arrow, because pandas guesses the types of columns that are empty in some frames.
    parts = [to_arrow(frame, table) for frame in frames if len(frame)]
    empty = pd.DataFrame(columns=list(table.column_names))
    return _to_pandas(pa.concat_tables(parts) if parts else to_arrow(empty, table), table)


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """Convert a frame to an Arrow table with exactly the definition's columns and types."""
    import pyarrow as pa

    arrays = [_array(frame, column) for column in table.columns]
    fields = [
        pa.field(column.name, array.type, nullable=column.nullable)
        for column, array in zip(table.columns, arrays, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def _array(frame: pd.DataFrame, column: Column) -> pa.Array[Any]:
    import pyarrow as pa

    values = pa.array(frame[column.name], type=_type(column, frame), from_pandas=True)
    # Very long columns come in chunks.
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _with_empty_columns(read: pa.Table, table: Table) -> pa.Table:
    """Add the nullable columns that an earlier version did not write."""
    import pyarrow as pa

    for column in table.columns:
        if column.nullable and column.dtype != "vector" and column.name not in read.column_names:
            read = read.append_column(column.name, pa.nulls(len(read), _scalar_type(column)))
    return read


def _to_pandas(arrow: pa.Table, table: Table) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    def nullable_integers(dtype: pa.DataType) -> pd.Int64Dtype | None:
        return pd.Int64Dtype() if dtype == pa.int64() else None

    frame = arrow.to_pandas(types_mapper=nullable_integers, use_threads=False)
    for column in table.columns:
        if column.dtype == "int64" and not column.nullable:
            frame[column.name] = frame[column.name].astype("int64")
    return frame[list(table.column_names)]


def _type(column: Column, frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    if column.dtype == "vector":
        lengths = {len(value) for value in frame[column.name] if value is not None}
        if len(lengths) > 1:
            raise ValueError(f"{column.name} contains vectors of lengths {sorted(lengths)}")
        # Without a single vector there is no length to declare, so the type is a plain list.
        return pa.list_(pa.float32(), lengths.pop() if lengths else -1)
    return _scalar_type(column)


def _scalar_type(column: Column) -> Any:
    import pyarrow as pa

    return {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "binary": pa.binary(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[column.dtype]
