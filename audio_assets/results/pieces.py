"""A table with vectors that need not fit into memory: its rows, and the vectors in a file.

The file is a temporary one without a name, so it is gone with the process however that ends. What
the columns mean is not known here.
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
"""Rows that are in memory with their vectors at once: 2 MB of BirdNET's embeddings."""
# The embeddings of most species: these never see a disk.
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
        If there is no room for the temporary file.
    """

    def __init__(self, rows: int, dimension: int) -> None:
        self.dimension = dimension
        self._stride = 4 * dimension
        # Decided here: a spooled file whose first row is its last one is in memory as a whole
        # before it moves to the disk, which cost 80 MB with 20,000 clips.
        size = rows * self._stride
        in_memory = size <= _IN_MEMORY_BYTES
        try:
            self._file: IO[bytes] = io.BytesIO() if in_memory else tempfile.TemporaryFile()
            # To its whole length, so that what is missing in a read was lost and not left out.
            if in_memory:
                self._file.write(bytes(size))
            else:
                self._file.truncate(size)
        except OSError as error:
            raise _no_room(error) from error
        # A table has many readers and no last one that would close it.
        weakref.finalize(self, self._file.close)

    def put(self, row: int, vector: NDArray[np.float32]) -> None:
        """Set a row; those that are not set are zero.

        Raises
        ------
        ResultsError
            If the vector has another length, which would overwrite the next row or leave zeros in
            this one, or if there is no room.
        """
        if vector.shape != (self.dimension,):
            raise ResultsError(
                f"an embedding of shape {vector.shape} was found where ({self.dimension},) belongs",
                "The embedding store holds embeddings of another length under the encoder's "
                "fingerprint: an encoder that changes needs another fingerprint.",
            )
        try:
            self._file.seek(row * self._stride)
            self._file.write(np.ascontiguousarray(vector, dtype=np.float32).tobytes())
        except OSError as error:
            raise _no_room(error) from error

    def read(self, start: int, stop: int) -> NDArray[np.float32]:
        """Rows from ``start`` to before ``stop``.

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
            raise _no_room(OSError(f"{len(data)} of {wanted} bytes are there"))
        return np.frombuffer(data, dtype=np.float32).reshape(stop - start, self.dimension)


class PiecewiseTable:
    """A table of which one column holds vectors, read a piece of consecutive rows at a time.

    Attributes
    ----------
    rows
        All columns but that of the vectors.
    column
        Name of the column of vectors.
    present
        bool[n], which rows have a vector; it is missing in the others.
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
        """Consecutive rows, together all of them; one piece without rows if the table has none."""
        for start in range(0, max(1, len(self)), PIECE_ROWS):
            yield slice(start, min(start + PIECE_ROWS, len(self)))

    def present_vectors(self) -> Iterator[NDArray[np.float32]]:
        """The vectors of the rows that have one, float32[k, d] a piece."""
        for piece in self.pieces():
            yield self.vectors.read(piece.start, piece.stop)[self.present[piece]]

    def whole(self) -> pd.DataFrame:
        """The table in memory, the column of vectors last; None where one is missing."""
        vectors = self.vectors.read(0, len(self))
        values = np.empty(len(self), dtype=object)
        for row in np.flatnonzero(self.present):
            values[row] = vectors[row]
        return self.rows.assign(**{self.column: values})


def _no_room(error: OSError) -> ResultsError:
    return ResultsError(
        f"A temporary file of embeddings cannot be written or read: {error}",
        "Set TMPDIR to a folder with room for them: 4 kB a clip with BirdNET, 8 kB with resnet.",
    )
