import csv
import io
import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.errors import TableError
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.tables import LEARNING_CURVE, MODEL_COMPARISON, QUARANTINE, Column, Table
from audio_assets.tables.formula_guard import unguarded
from audio_assets_tests.reporting.fake_results import (
    fake_comparisons,
    fake_curves,
    fake_quarantine,
)

TABLE = Table(
    "sample",
    "Every type that CSV can hold.",
    (
        Column("name", "string", "Text."),
        Column("number", "int64", "Whole.", nullable=True),
        Column("value", "float64", "Any.", nullable=True),
        Column("flag", "bool", "Yes or no."),
        Column("time", "timestamp", "When."),
    ),
    unique=("name", "number"),
)

ROWS = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1),
        st.none() | st.integers(-(2**62), 2**62),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.datetimes(min_value=pd.Timestamp(1700, 1, 1), max_value=pd.Timestamp(2200, 1, 1)),
    ),
    unique_by=lambda row: row[:2],
    max_size=8,
)


def frame_of(rows: list[tuple]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=list(TABLE.column_names), dtype=object)
    frame["number"] = frame["number"].astype("Int64")
    frame["time"] = pd.to_datetime(frame["time"], utc=True)
    return frame


@given(ROWS)
def test_every_value_reads_back_as_it_was(rows):
    text = to_csv_bytes(frame_of(rows), TABLE).decode()
    head, *lines = csv.reader(io.StringIO(text, newline=""))
    assert tuple(head) == TABLE.column_names
    read = {
        (
            unguarded(name),
            int(number) if number else None,
            float(value) if value else None,
            {"true": True, "false": False}[flag],
            pd.Timestamp(time).tz_localize(None).to_pydatetime(),
        )
        for name, number, value, flag, time in lines
    }
    assert len(lines) == len(rows)
    assert read == set(rows)


@given(ROWS, st.randoms())
def test_the_bytes_do_not_depend_on_the_order_of_rows_or_columns(rows, random):
    shuffled = random.sample(rows, len(rows))
    frame = frame_of(shuffled)
    frame["not of the table"] = 1
    assert to_csv_bytes(frame[frame.columns[::-1]], TABLE) == to_csv_bytes(frame_of(rows), TABLE)


def one(**changes) -> pd.DataFrame:
    row = dict(zip(TABLE.column_names, ("a", 1, 0.1, True, pd.Timestamp("2024-05-01", tz="UTC"))))
    return pd.DataFrame([row | changes])


def test_a_row_looks_like_this():
    assert to_csv_bytes(one(), TABLE) == (
        b"name,number,value,flag,time\na,1,0.1,true,2024-05-01T00:00:00.000000+00:00\n"
    )


def test_a_time_is_written_in_utc():
    moved = one(time=pd.Timestamp("2024-05-01 02:00", tz="Europe/Berlin"))
    assert to_csv_bytes(moved, TABLE) == to_csv_bytes(one(), TABLE)


def test_whole_numbers_beside_missing_ones_have_no_decimal_point():
    rows = pd.concat([one(number=16.0), one(number=float("nan"))])
    assert [line.split(b",")[1] for line in to_csv_bytes(rows, TABLE).splitlines()[1:]] == [
        b"16",
        b"",
    ]


def test_negative_zero_is_zero():
    assert to_csv_bytes(one(value=-0.0), TABLE) == to_csv_bytes(one(value=0.0), TABLE)


def test_rows_without_a_key_come_last_and_numbers_sort_as_numbers():
    rows = pd.concat([one(number=n) for n in (float("nan"), 128, 16)])
    lines = to_csv_bytes(rows, TABLE).splitlines()[1:]
    assert [line.split(b",")[1] for line in lines] == [b"16", b"128", b""]


def test_a_file_name_that_is_no_utf8_is_written_readably():
    assert rb"caf\udce9" in to_csv_bytes(one(name="caf\udce9"), TABLE)


@pytest.mark.parametrize(
    ("frame", "complaint"),
    [
        (pd.concat([one(), one(value=0.2)]), "two rows for name=a, number=1"),
        (one().drop(columns="value"), "lacks the columns value"),
        (one(value=math.inf), "infinite"),
        (one(number=1.5), "not a whole number"),
        (one(flag="yes"), "neither true nor false"),
        (one(name=3), "not text"),
        (one(time=pd.Timestamp("2024-05-01")), "no time zone"),
    ],
)
def test_a_table_that_breaks_its_definition_is_refused(frame, complaint):
    with pytest.raises(TableError, match=complaint):
        to_csv_bytes(frame, TABLE)


@pytest.mark.parametrize(
    ("frame", "table"),
    [
        (fake_curves(), LEARNING_CURVE),
        (fake_comparisons(), MODEL_COMPARISON),
        (fake_quarantine(), QUARANTINE),
    ],
)
def test_a_published_table_reads_back_with_pandas(frame, table):
    read = pd.read_csv(io.BytesIO(to_csv_bytes(frame, table)), float_precision="round_trip")
    keys = list(table.unique)
    expected = frame.sort_values(keys, na_position="last", kind="stable")
    for column in table.columns:
        if column.dtype == "float64":
            values = expected[column.name].astype(float).tolist()
            assert read[column.name].astype(float).tolist() == pytest.approx(
                values, abs=0, rel=0, nan_ok=True
            )
