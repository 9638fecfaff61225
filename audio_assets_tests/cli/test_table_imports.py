"""Calls of ``audio-assets import`` with the tables of several programs."""

import csv
from pathlib import Path

import pytest

RAVEN = "Selection\tView\tChannel\tBegin Time (s)\tEnd Time (s)\tAnnotation\tBegin File\n"


def clip(tmp_path: Path) -> Path:
    return min((tmp_path / "audio/owl/data/pos").iterdir())


def raven(tmp_path: Path) -> None:
    name = clip(tmp_path).name
    rows = "".join(
        f"{number}\t{view}\t1\t{times}\t{label}\t{name}\n"
        for number, (times, label) in enumerate([("0\t0.5", "tawny"), ("0.5\t1", "dog")])
        for view in ("Waveform 1", "Spectrogram 1", "Spectrogram 2")
    )
    (tmp_path / "table.txt").write_text(RAVEN + rows)


ARGUMENTS = "import raven table.txt --to new -s owl --recordings audio/owl/data/pos".split()


def test_a_raven_table_is_imported_counted_and_recorded(call, tmp_path):
    raven(tmp_path)
    called = call(*ARGUMENTS, "--positive", "Annotation=tawny", "--others", "neg")
    assert (called.code, called.out) == (0, "2 clips written under new\n")
    with (tmp_path / "new/clips.csv").open(newline="") as file:
        groups = {row["file"]: row["group"] for row in csv.DictReader(file)}
    name = clip(tmp_path).name
    assert groups == {
        f"owl/data/pos/{name}_0-0.5s.wav": clip(tmp_path).stem,
        f"owl/data/neg/{name}_0.5-1s.wav": clip(tmp_path).stem,
    }


def test_rows_that_are_skipped_by_choice_are_counted_and_no_fault(call, tmp_path):
    raven(tmp_path)
    called = call(*ARGUMENTS, "--positive", "Annotation=tawny")
    assert called.code == 0
    assert "1 clip written under new, 1 row with another label or none skipped" in called.out


def test_a_table_without_usable_labels_ends_with_what_to_pass(call, tmp_path):
    raven(tmp_path)
    called = call(*ARGUMENTS)
    assert called.code == 1
    assert "'tawny' (1), 'dog' (1)" in called.err
    assert "--positive 'annotation=tawny'" in called.err


@pytest.mark.parametrize(
    "arguments, word",
    [
        ("import raven table.txt --to new", "--species"),
        ("import raven table.txt --to new -s owl --others neg", "--positive"),
        ("import raven table.txt --to new -s owl --others maybe", "skip or neg"),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_read(call, arguments, word):
    called = call(*arguments.split())
    assert called.code == 2 and word in called.err


def test_a_selector_without_a_value_is_refused(call, tmp_path):
    raven(tmp_path)
    called = call(*ARGUMENTS, "--positive", "Annotation")
    assert called.code == 1 and "COLUMN=VALUE" in called.err


def test_audacity_labels_are_imported_with_their_recording(call, tmp_path):
    (tmp_path / "labels.txt").write_text("0,000000\t0,600000\tyes\n\\\t100,0\t200,0\n")
    path = clip(tmp_path)
    called = call(*f"import audacity labels.txt --to new -s owl --recording {path}".split())
    assert (called.code, called.out) == (0, "1 clip written under new\n")
    assert (tmp_path / f"new/owl/data/pos/{path.name}_0-0.6s.wav").is_file()


def test_drawn_negatives_are_counted(call, tmp_path):
    (tmp_path / "t.csv").write_text(f"file;start;end;label\n{clip(tmp_path).name};0;0,4;ja\n")
    called = call(
        *"import csv t.csv --to new -s owl --recordings audio/owl/data/pos".split(),
        *"--positive label=ja --negatives 1".split(),
        "--context",
        "0.5",
    )
    assert "2 clips written under new (1 clip of them from stretches without a label)" in (
        called.out + called.err
    )
