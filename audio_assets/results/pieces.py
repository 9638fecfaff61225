"""Tables whose vectors need not fit into memory: rows in memory, vectors in a file.

The file is temporary and has no name, so it disappears with the process however that ends. The
meaning of the columns does not matter here.
"""

from __future__ import annotations

import io
import tempfile
import weakref
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import ResultsError

if TYPE_CHECKING:
    import pandas as pd

PIECE_ROWS = 512
"""Rows in memory with their vectors at the same time: 2 MB of BirdNET's embeddings."""
# Enough for the embeddings of most species, which are never written to a disk.
_IN_MEMORY_BYTES = 4 * 2**20


class VectorFile:
    """float32[n, d], written in any order and read in pieces.

    Parameters
    ----------
    rows, dimension
        n and d.

    Raises
    ------
    ResultsError
        If there is no space for the temporary file.
    """

    def __init__(self, rows: int, dimension: int) -> None:
        self.dimension = dimension
        self._stride = 4 * dimension
        # Decided here, because a spooled file whose last row is written first is in memory as a
        # whole before it moves to the disk, which cost 80 MB with 20,000 clips.
        size = rows * self._stride
        in_memory = size <= _IN_MEMORY_BYTES
        try:
            self._file: IO[bytes] = io.BytesIO() if in_memory else tempfile.TemporaryFile()
            # Extended to its full length, so that a short read means lost data.
            if in_memory:
                self._file.write(bytes(size))
            else:
                self._file.truncate(size)
        except OSError as error:
            raise _no_room(error) from error
        # A table has many readers, none of which knows that it is the last and should close it.
        weakref.finalize(self, self._file.close)

    def put(self, row: int, vector: NDArray[np.float32]) -> None:
        """Set a row; rows that are never set are zero.

        Raises
        ------
        ResultsError
            If the vector has a different length, which would overwrite the next row or leave zeros
            in this one, or if there is no space.
        """
        if vector.shape != (self.dimension,):
            raise ResultsError(
                f"an embedding of shape {vector.shape} was found where ({self.dimension},) belongs",
                "The embedding store contains embeddings of a different length under the encoder's "
                "fingerprint: an encoder that changes needs a new fingerprint.",
            )
        try:
            self._file.seek(row * self._stride)
            self._file.write(np.ascontiguousarray(vector, dtype=np.float32).tobytes())
        except OSError as error:
            raise _no_room(error) from error

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Return the rows from ``start`` to before ``stop``.

        Raises
        ------
        ResultsError
            If the temporary file has lost some of them.
        """
        wanted = (stop - start) * self._stride
        try:
            self._file.seek(start * self._stride)
            data = self._file.read(wanted)
        except OSError as error:
            raise _no_room(error) from error
        if len(data) != wanted:
            raise _no_room(OSError(f"only {len(data)} of {wanted} bytes exist"))
        return np.frombuffer(data, dtype=np.float32).reshape(stop - start, self.dimension)


class PiecewiseTable:
    """A table with one column of vectors, read in pieces of consecutive rows.

    Attributes
    ----------
    rows
        All columns except the vectors.
    column
        Name of the column of vectors.
    present
        bool[n], True for rows that have a vector.
    vectors
        The vectors, by row.
    """

    def __init__(
        self, rows: pd.DataFrame, column: str, present: NDArray[np.bool_], vectors: VectorFile
    ) -> None:
        self.rows = rows
        self.column = column
        self.present = present
        self.vectors = vectors

    def __len__(self) -> int:
        return len(self.rows)

    def pieces(self) -> Iterator[slice]:
        """Yield consecutive pieces that cover all rows; one empty piece for an empty table."""
        for start in range(0, max(1, len(self)), PIECE_ROWS):
            yield slice(start, min(start + PIECE_ROWS, len(self)))

    def present_vectors(self) -> Iterator[NDArray[np.float32]]:
        """Yield the existing vectors, float32[k, d] per piece."""
        for piece in self.pieces():
            yield self.vectors.read(piece.start, piece.stop)[self.present[piece]]

    def whole(self) -> pd.DataFrame:
        """Return the table in memory, with the column of vectors last; missing ones are None."""
        vectors = self.vectors.read(0, len(self))
        values = np.empty(len(self), dtype=object)
        for row in np.flatnonzero(self.present):
            values[row] = vectors[row]
        return self.rows.assign(**{self.column: values})


def _no_room(error: OSError) -> ResultsError:
    return ResultsError(
        f"A temporary file of embeddings cannot be written or read: {error}",
        "Set TMPDIR to a folder with enough space: 4 kB per clip with BirdNET, 8 kB with resnet.",
    )
