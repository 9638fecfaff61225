"""The columns and rows of a table of labelled segments."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from audio_assets.importing.label_table import Segment, read_label_table
from audio_assets.importing.layout import ImportRefusedError


def read(folder: Path, text: str) -> Sequence[tuple[int, Segment | ImportRefusedError | None]]:
    table = folder / "t.csv"
    table.write_text(text, encoding="utf-8")
    return read_label_table(table, folder, "owl").rows


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("file\tstart\tend\tlabel\n", "has no rows"),
        ("file|start|end|label\n", r"no column file and .*\['file\|start\|end\|label'\]"),
        ("file,from,end,label\n", r"no column start; its columns are \['file', 'from', 'end', 'l"),
        ("file,start,end,label,File\n", "two columns file; its columns are .*'File'"),
        ("", "no column file and start and end and label"),
        ("file,start,end,label\n", "has no rows"),
        ("file,start,end,label\n\n,,,\n", "has no rows"),
    ],
)
def test_a_table_that_cannot_be_read_says_why_and_what_it_has(
    text: str, fault: str, tmp_path: Path
) -> None:
    with pytest.raises(ImportRefusedError, match=fault) as refused:
        read(tmp_path, text)
    assert str(tmp_path / "t.csv") in refused.value.what


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImportRefusedError, match="none.csv cannot be read"):
        read_label_table(tmp_path / "none.csv", tmp_path, "owl")


def test_names_of_columns_may_have_blanks_around_them_and_any_case(tmp_path: Path) -> None:
    rows = read(tmp_path, "File, Start ,END, label, Species,Note\na.wav, 0, 1, pos, frog,x\n")
    ((line, segment),) = rows
    assert isinstance(segment, Segment)
    assert (line, segment.start, segment.end, segment.species) == (2, 0.0, 1.0, "frog")


@pytest.mark.parametrize(
    ("label", "meaning"),
    [
        *((label, "pos") for label in ("1", "1.0", "Pos", "yes", "Y", "TRUE", "present")),
        *((label, "neg") for label in ("0", "0.0", "no", "N", "False", "Absent")),
    ],
)
def test_labels_as_programs_write_them_are_taken(label: str, meaning: str, tmp_path: Path) -> None:
    ((_, segment),) = read(tmp_path, f"file,start,end,label\na.wav,0,1,{label}\n")
    assert isinstance(segment, Segment) and segment.label == meaning


def test_lines_are_counted_with_those_that_are_empty(tmp_path: Path) -> None:
    text = "file,start,end,label\n\na.wav,0,3,pos\n,,,\n\na.wav,0,1,maybe\n"
    assert [line for line, _ in read(tmp_path, text)] == [3, 6]


def test_a_row_with_decimal_commas_is_no_row_of_other_times(tmp_path: Path) -> None:
    (_, fault), (_, good) = read(
        tmp_path, "file,start,end,label\na.wav,0,5,1,0,pos\na.wav,0,1,pos,,\n"
    )
    assert isinstance(fault, ImportRefusedError) and "6 values" in fault.what
    assert isinstance(good, Segment)


@pytest.mark.parametrize("row", [",0,1,pos", "a\0.wav,0,1,pos"])
def test_a_row_without_a_file_is_a_fault_of_that_row(row: str, tmp_path: Path) -> None:
    ((_, fault),) = read(tmp_path, f"file,start,end,label\n{row}\n")
    assert isinstance(fault, ImportRefusedError) and "no file" in fault.what
