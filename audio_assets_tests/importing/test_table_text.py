"""Encodings, separators and numbers of label tables."""

import codecs
import math
from pathlib import Path

import pytest

from audio_assets.importing.label_table import Segment, read_label_table
from audio_assets.importing.table_text import Decimals, read_text

TEXT = "file,start,end,label\nKäuzchen.wav,1.5,3.0,pos\n"


def only(table: Path) -> Segment:
    (segment,) = read_label_table(table, table.parent, "owl").segments
    return segment


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_any_usual_encoding_and_separator_is_recognised(
    separator: str, encoding: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(TEXT.replace(",", separator).encode(encoding))
    segment = only(tmp_path / "t.csv")
    assert segment.file.name == "Käuzchen.wav"
    assert (segment.start, segment.end, segment.label) == (1.5, 3.0, "pos")


def test_big_endian_utf_16_is_recognised_with_and_without_a_mark(tmp_path: Path) -> None:
    for mark in (codecs.BOM_UTF16_BE, b""):
        (tmp_path / "t.csv").write_bytes(mark + TEXT.encode("utf-16-be"))
        assert only(tmp_path / "t.csv").file.name == "Käuzchen.wav"


def test_a_guessed_encoding_is_remarked(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes(TEXT.encode("latin-1"))
    (remark,) = read_label_table(table, tmp_path, "owl").remarks
    assert "t.csv is not UTF-8 (byte 23)" in remark and "Latin-1" in remark
    table.write_text(TEXT, encoding="utf-8")
    assert read_text(table).remark is None


def test_the_separator_that_a_spreadsheet_announces_is_used(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("sep=;\nfile;start;end;label\na.wav;0;1;pos\n")
    ((line, segment),) = read_label_table(table, tmp_path, "owl").rows
    assert line == 3 and isinstance(segment, Segment)


@pytest.mark.parametrize("row", ["a.wav;1,5;3,0;pos", "a.wav;1,5;3;pos"])
def test_decimal_commas_are_read_in_a_table_without_decimal_points(
    row: str, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_text(f"file;start;end;label\n{row}\n")
    segment = only(tmp_path / "t.csv")
    assert (segment.start, segment.end) == (1.5, 3.0)


def test_a_comma_beside_decimal_points_is_no_decimal_comma() -> None:
    decimals = Decimals(["1.5", "1,234"])
    assert decimals.number("1.5") == 1.5
    assert math.isnan(decimals.number("1,234"))


@pytest.mark.parametrize(
    "text", ["1_0", "0:61", "1:60:00", ":30", "14 s", "nan", "inf", "", "1.2.3"]
)
def test_only_numbers_and_clock_times_are_seconds(text: str) -> None:
    assert math.isnan(Decimals([text]).number(text))


@pytest.mark.parametrize(
    "text, seconds",
    [("0:01", 1), ("1:30,5", 90.5), ("90:00", 5400), ("1:00:30", 3630), ("00:00:02.25", 2.25)],
)
def test_clock_times_are_minutes_and_seconds_after_any_hours(text: str, seconds: float) -> None:
    assert Decimals([text]).number(text) == seconds


def test_clock_times_are_remarked_because_they_could_be_hours(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("file,start,end,label\na.wav,0:01,1:02.5,pos\n")
    segment = only(table)
    assert (segment.start, segment.end) == (1.0, 62.5)
    (remark,) = read_label_table(table, tmp_path, "owl").remarks
    assert "0:01 was read as 1 s" in remark
