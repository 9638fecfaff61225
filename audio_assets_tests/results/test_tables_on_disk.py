import numpy as np
import pandas as pd
import pytest
from upath import UPath

from audio_assets.errors import ResultsError, TableError
from audio_assets.objects.files import write_atomic
from audio_assets.results.parquet import concat_tables, content_version, read_table, write_table
from audio_assets.tables import Column, Table

TABLE = Table(
    "sample",
    "A table of every type.",
    (
        Column("name", "string", "Key.", values=("a", "b")),
        Column("n", "int64", "Count.", minimum=0),
        Column("maybe", "int64", "Count or nothing.", nullable=True),
        Column("x", "float64", "Number.", nullable=True, maximum=1),
        Column("vector", "vector", "Embedding.", nullable=True),
        Column("flag", "bool", "Flag."),
    ),
    unique=("name",),
)


def frame(**changes):
    columns = {
        "name": ["a", "b"],
        "n": [1, 2],
        "maybe": [None, 5],
        "x": [0.1, np.nan],
        "vector": [np.array([1, 2], np.float32), None],
        "flag": [True, False],
    }
    return pd.DataFrame({**columns, **changes})


def test_a_table_comes_back_as_it_was_written(tmp_path):
    path = UPath(tmp_path / "deep" / "table.parquet")
    write_table(path, frame(), TABLE)
    read = read_table(path, TABLE)
    assert read["n"].tolist() == [1, 2]
    assert read["maybe"].isna().tolist() == [True, False]
    assert read["maybe"][1] == 5
    assert read["x"].isna().tolist() == [False, True]
    np.testing.assert_array_equal(read["vector"][0], np.array([1, 2], np.float32))
    assert read["vector"][1] is None
    assert content_version(read, TABLE) == content_version(frame(), TABLE)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"name": ["a", "c"]}, "name"),
        ({"name": ["a", "a"]}, "name"),
        ({"n": [1, -1]}, "n"),
        ({"x": [0.1, 1.5]}, "x"),
        ({"n": [1, None]}, "n"),
    ],
)
def test_a_row_that_breaks_the_definition_is_not_written(tmp_path, change, named):
    path = UPath(tmp_path / "table.parquet")
    with pytest.raises(TableError, match=named):
        write_table(path, frame(**change), TABLE)
    assert not path.exists()


def test_missing_and_unknown_columns_are_named():
    with pytest.raises(TableError, match="'x'.*'y'"):
        content_version(frame().rename(columns={"x": "y"}), TABLE)


def test_every_change_of_a_value_changes_the_content_version():
    base = content_version(frame(), TABLE)
    for change in ({"n": [1, 3]}, {"x": [0.2, np.nan]}, {"maybe": [0, 5]}, {"flag": [True, True]}):
        assert content_version(frame(**change), TABLE) != base


def test_a_damaged_file_is_named(tmp_path):
    path = UPath(tmp_path / "table.parquet")
    write_table(path, frame(), TABLE)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ResultsError, match="table.parquet"):
        read_table(path, TABLE)


def test_tables_are_joined_without_guessing_types():
    whole = frame(vector=[np.array([1, 2], np.float32)] * 2)
    joined = concat_tables([whole.iloc[:0], whole.iloc[:1], whole.iloc[1:]], TABLE)
    assert content_version(joined, TABLE) == content_version(whole, TABLE)
    assert len(concat_tables([], TABLE)) == 0


def test_a_failed_write_leaves_the_old_file_and_no_temporary_one(tmp_path, monkeypatch):
    path = UPath(tmp_path / "file.csv")
    write_atomic(path, b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(ResultsError, match="No space left"):
        write_atomic(path, b"new")
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file.csv"]
