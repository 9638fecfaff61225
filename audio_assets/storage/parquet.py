"""Tables as Parquet bytes and back, by their definition in :mod:`audio_assets.tables`."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from audio_assets.errors import ResultsError
from audio_assets.storage.files import read_file, write_atomic
from audio_assets.tables import Column, Table
from audio_assets.validation import validate

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from upath import UPath


def write_table(path: UPath, frame: pd.DataFrame, table: Table) -> None:
    """Validate ``frame`` and write it atomically.

    Raises
    ------
    TableError
        If the frame breaks the table's definition.
    ResultsError
        If the file cannot be written.
    """
    write_atomic(path, table_bytes(frame, table))


def table_bytes(frame: pd.DataFrame, table: Table) -> bytes:
    """Validate ``frame``; the bytes of its Parquet file.

    Raises
    ------
    TableError
        If the frame breaks the table's definition.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(to_arrow(validate(frame, table), table), buffer, compression="zstd")
    return buffer.getvalue()


def read_table(path: UPath, table: Table) -> pd.DataFrame:
    """Read a table that :func:`write_table` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ResultsError
        If the file is damaged or lacks columns of the table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = read_file(path)
    # On this thread alone: a thread of Arrow's that lets go of the last reference to a Python
    # buffer while the interpreter shuts down aborts the process (apache/arrow issue 34314); one
    # of 100 runs ended so, with exit code -6 after all its work was done.
    try:
        with pq.ParquetFile(pa.BufferReader(data)) as file:
            read = file.read(columns=list(table.column_names), use_threads=False)
    except (pa.ArrowException, KeyError, ValueError, OSError) as error:
        raise ResultsError(
            f"{path} is damaged or is no {table.name} table: {error}",
            "Delete it; the next run makes it again.",
        ) from error
    missing = [name for name in table.column_names if name not in read.column_names]
    if missing:
        raise ResultsError(
            f"{path} lacks the columns {missing} of {table.name}",
            "Delete it; the next run makes it again.",
        )
    return _to_pandas(read, table)


def content_version(frame: pd.DataFrame, table: Table) -> str:
    """SHA-256 of a table's content, the same for equal rows whenever they were computed."""
    import pyarrow as pa

    arrow = to_arrow(validate(frame, table), table)
    digest = hashlib.sha256()
    for column in arrow.column_names:
        values = arrow[column].combine_chunks()
        # What lies in memory under a null is arbitrary, so nulls are hashed as a mask.
        digest.update(values.is_null().to_numpy(zero_copy_only=False).tobytes())
        sink = pa.BufferOutputStream()
        present = pa.table({column: values.drop_null()})
        with pa.ipc.new_stream(sink, present.schema) as writer:
            writer.write_table(present)
        digest.update(sink.getvalue())
    return digest.hexdigest()


def concat_tables(frames: Iterable[pd.DataFrame], table: Table) -> pd.DataFrame:
    """Tables of one definition under one another; an empty table if there are none."""
    import pandas as pd
    import pyarrow as pa

    # In Arrow, since pandas guesses the types of columns that are empty in some of the frames.
    parts = [to_arrow(frame, table) for frame in frames if len(frame)]
    empty = pd.DataFrame(columns=list(table.column_names))
    return _to_pandas(pa.concat_tables(parts) if parts else to_arrow(empty, table), table)


def to_arrow(frame: pd.DataFrame, table: Table) -> pa.Table:
    """The frame as an Arrow table with the definition's types and nothing else."""
    import pyarrow as pa

    fields = [
        pa.field(column.name, _type(column, frame), nullable=column.nullable)
        for column in table.columns
    ]
    arrays = [pa.array(frame[field.name], type=field.type, from_pandas=True) for field in fields]
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


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
            raise ValueError(f"{column.name} holds vectors of lengths {sorted(lengths)}")
        # A table without a single vector has no length to keep; a plain list then stands for it.
        return pa.list_(pa.float32(), lengths.pop() if lengths else -1)
    return {
        "string": pa.string(),
        "int64": pa.int64(),
        "float64": pa.float64(),
        "bool": pa.bool_(),
        "timestamp": pa.timestamp("us", tz="UTC"),
    }[column.dtype]
