"""A table in pieces is the table: written, versioned and read as if it were in memory."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from upath import UPath

from audio_assets.errors import ResultsError, TableError
from audio_assets.results.parquet import content_version, read_pieces, read_table, write_table
from audio_assets.results.pieces import PIECE_ROWS, PiecewiseTable, VectorFile
from audio_assets.tables import Column, Table

TABLE = Table(
    "t",
    "A table.",
    (
        Column("name", "string", "A name."),
        Column("count", "int64", "A count.", nullable=True),
        Column("vector", "vector", "A vector.", nullable=True),
        Column("value", "float64", "A value.", nullable=True),
    ),
    unique=("name",),
)
SIZES = (0, 1, PIECE_ROWS - 1, PIECE_ROWS, PIECE_ROWS + 1, 3 * PIECE_ROWS + 7)


def table(rows: int, missing=lambda row: row % 7 == 3, dimension: int = 700) -> PiecewiseTable:
    """With vectors of 2.8 kB, 1,500 rows are more than is kept in memory."""
    rng = np.random.default_rng(0)
    present = np.array([not missing(row) for row in range(rows)], dtype=bool)
    vectors = VectorFile(rows, dimension)
    for row in rng.permutation(rows):
        if present[row]:
            vectors.put(int(row), np.full(dimension, row, dtype=np.float32))
    frame = pd.DataFrame(
        {
            "name": np.array([f"n{row}" for row in range(rows)], dtype=object),
            "count": pd.array([row if row % 5 else None for row in range(rows)], dtype="Int64"),
            "value": np.where(np.arange(rows) % 3, np.arange(rows) / 2, np.nan),
        }
    )
    return PiecewiseTable(frame, "vector", present, vectors)


def bits(frame: pd.DataFrame) -> list[bytes | None]:
    vectors = frame["vector"]
    return [None if vector is None else vector.tobytes() for vector in vectors]


@pytest.mark.parametrize("rows", SIZES)
def test_pieces_are_read_back_as_the_whole(rows, tmp_path):
    pieces, whole = table(rows), table(rows).whole()
    write_table(UPath(tmp_path / "pieces.parquet"), pieces, TABLE)
    write_table(UPath(tmp_path / "whole.parquet"), whole, TABLE)
    a, b = (read_table(UPath(tmp_path / f"{name}.parquet"), TABLE) for name in ("pieces", "whole"))
    pd.testing.assert_frame_equal(a.drop(columns="vector"), b.drop(columns="vector"))
    assert bits(a) == bits(b)
    expected = [None if r % 7 == 3 else np.full(700, r, "f4").tobytes() for r in range(rows)]
    assert bits(a) == expected
    assert content_version(pieces, TABLE) == content_version(whole, TABLE)
    assert content_version(pieces, TABLE) == content_version(a, TABLE)


def test_a_first_piece_without_vectors_does_not_change_the_type_of_the_others(tmp_path):
    path = UPath(tmp_path / "t.parquet")
    write_table(path, table(PIECE_ROWS + 5, missing=lambda row: row < PIECE_ROWS), TABLE)
    vectors = read_table(path, TABLE)["vector"]
    assert vectors.notna().sum() == 5 and vectors.iloc[PIECE_ROWS][0] == PIECE_ROWS


def test_no_row_group_is_larger_than_a_piece(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(UPath(path), table(3 * PIECE_ROWS + 7), TABLE)
    metadata = pq.read_metadata(path)
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    assert sizes == [PIECE_ROWS] * 3 + [7]


def test_rows_of_different_pieces_may_not_agree_in_what_is_unique(tmp_path):
    twice = table(PIECE_ROWS + 5)
    twice.rows.loc[PIECE_ROWS + 1, "name"] = "n1"
    with pytest.raises(TableError, match="name"):
        write_table(UPath(tmp_path / "t.parquet"), twice, TABLE)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("change", ["vector", "missing", "value", "count"])
def test_every_change_of_a_piece_changes_the_version(change):
    base, other = table(40), table(40)
    if change == "vector":
        other.vectors.put(20, np.zeros(700, dtype=np.float32))
    elif change == "missing":
        other.present[[20, 21]] = False, True
    else:
        other.rows.loc[20, change] = 77
    assert content_version(base, TABLE) != content_version(other, TABLE)


@pytest.mark.parametrize("rows", SIZES)
def test_columns_read_in_pieces_are_those_of_the_table(rows, tmp_path):
    path = UPath(tmp_path / "t.parquet")
    write_table(path, table(rows), TABLE)
    pieces = list(read_pieces(path, TABLE, ("name", "vector")))
    assert all(len(piece) <= PIECE_ROWS for piece in pieces)
    whole = read_table(path, TABLE)
    assert [n for piece in pieces for n in piece["name"]] == list(whole["name"])
    assert [b for piece in pieces for b in bits(piece)] == bits(whole)


def test_a_damaged_table_is_named_when_it_is_read_in_pieces(tmp_path):
    path = tmp_path / "t.parquet"
    write_table(UPath(path), table(40), TABLE)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ResultsError, match="t.parquet"):
        list(read_pieces(UPath(path), TABLE, ("name",)))


def test_vectors_have_no_dictionary_in_the_file(tmp_path):
    """It would be larger than the vectors, and is held in memory while they are written."""
    path = tmp_path / "t.parquet"
    write_table(UPath(path), table(40), TABLE)
    group = pq.read_metadata(path).row_group(0)
    columns = [group.column(place) for place in range(group.num_columns)]
    assert {c.path_in_schema.split(".")[0]: c.has_dictionary_page for c in columns} == {
        "name": True,
        "count": True,
        "vector": False,
        "value": True,
    }


@pytest.mark.parametrize("shape", [(699,), (701,), (1,), (0,), (), (1, 700), (700, 1)])
@pytest.mark.parametrize("rows", [3, 2_000])
def test_a_vector_of_another_length_is_refused(rows, shape):
    """It would overwrite the head of the next row, or leave zeros at the end of its own."""
    vectors = VectorFile(rows, 700)
    for row in range(3):
        vectors.put(row, np.full(700, row + 1, dtype=np.float32))
    with pytest.raises(ResultsError, match="new fingerprint"):
        vectors.put(1, np.zeros(shape, dtype=np.float32))
    assert vectors.read(0, 3).mean(axis=1).tolist() == [1, 2, 3]


def test_a_full_disk_under_the_vectors_says_where_to_put_them(monkeypatch):
    vectors = VectorFile(2_000, 1024)

    def full(data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vectors, "_file", SimpleNamespace(seek=lambda place: place, write=full))
    with pytest.raises(ResultsError, match="TMPDIR"):
        vectors.put(1_999, np.zeros(1024, dtype=np.float32))


@pytest.mark.parametrize("rows", [40, 2_000])
def test_vectors_that_the_temporary_file_lost_are_no_zeros(rows):
    vectors = VectorFile(rows, 1024)
    vectors.put(3, np.ones(1024, dtype=np.float32))
    assert vectors.read(2, rows).sum() == 1024
    vectors._file.truncate((rows - 1) * 4096)
    assert len(vectors.read(0, rows - 1)) == rows - 1
    with pytest.raises(ResultsError, match="bytes exist"):
        vectors.read(2, rows)
