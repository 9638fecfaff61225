"""No field of a CSV that we write begins a formula; our readers give back what was written."""

import csv
import doctest
import io

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from upath import UPath

from audio_assets.catalog.clips_csv import ClipsCsv, read_clips_csv
from audio_assets.published import load_comparisons, load_learning_curves
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.layout import ResultsLayout
from audio_assets.tables import LEARNING_CURVE, MODEL_COMPARISON, QUARANTINE, formula_guard
from audio_assets.tables.formula_guard import guarded, unguarded
from audio_assets_tests.reporting.fake_results import (
    fake_comparisons,
    fake_curves,
    fake_quarantine,
)

SIGNS = "=+-@\t\r\n"
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"))
# Mostly what the guard is about: signs and apostrophes before other text.
HOSTILE = st.builds("".join, st.tuples(st.text("'=+-@\t\r\n"), TEXT))


def test_the_examples_hold():
    result = doctest.testmod(formula_guard)
    assert (result.attempted, result.failed) == (2, 0)


@given(HOSTILE | TEXT)
@example("'")
@example("''=")
def test_a_guarded_text_begins_no_formula_and_reads_back(text):
    assert guarded(text)[:1] not in tuple(SIGNS)
    assert unguarded(guarded(text)) == text
    # Who wrote it by hand, without a guard, is read as well.
    assert text[:1] == "'" or unguarded(text) == text


@given(TEXT.filter(lambda text: text.lstrip("'")[:1] not in tuple(SIGNS)))
def test_a_text_that_is_no_formula_keeps_its_bytes(text):
    assert guarded(text) == text


@given(HOSTILE.filter(bool))
def test_a_quarantine_names_a_hostile_file_without_a_formula(name):
    frame = fake_quarantine().head(1).assign(clip_id=name, detail=name)
    _, row = csv.reader(io.StringIO(to_csv_bytes(frame, QUARANTINE).decode(), newline=""))
    fields = dict(zip(QUARANTINE.column_names, row, strict=True))
    for column in ("clip_id", "detail"):
        assert fields[column][:1] not in tuple(SIGNS)
        assert unguarded(fields[column]) == name


@pytest.mark.parametrize(
    ("frame", "table"),
    [
        (fake_curves(), LEARNING_CURVE),
        (fake_comparisons(), MODEL_COMPARISON),
        (fake_quarantine(), QUARANTINE),
    ],
)
def test_numbers_are_written_as_numbers_and_only_texts_are_guarded(frame, table):
    numbers = [column.name for column in table.columns if column.dtype in ("int64", "float64")]
    with_signs = frame.head(1).assign(**dict.fromkeys(numbers, -1))
    _, row = csv.reader(io.StringIO(to_csv_bytes(with_signs, table).decode(), newline=""))
    fields = dict(zip(table.column_names, row, strict=True))
    assert {fields[name] for name in numbers} <= {"-1", "-1.0"}
    assert not [name for name, text in fields.items() if text.startswith("'")]


@pytest.mark.parametrize(
    ("load", "frame", "table", "place"),
    [
        (load_learning_curves, fake_curves(), LEARNING_CURVE, "learning_curves"),
        (load_comparisons, fake_comparisons(), MODEL_COMPARISON, "comparisons"),
    ],
)
def test_our_loaders_give_back_names_that_look_like_formulas(tmp_path, load, frame, table, place):
    names = {text: f"{sign}{text}" for sign, text in zip("=+-@", frame["species"].unique())}
    frame = frame.assign(species=frame["species"].map(names))
    written = to_csv_bytes(frame, table)
    getattr(ResultsLayout(UPath(tmp_path)), place).write_bytes(written)
    assert b"'=" in written
    read = load(str(tmp_path))
    assert isinstance(read, pd.DataFrame)
    assert set(read["species"]) == set(names.values())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(group=HOSTILE.map(str.strip).filter(lambda text: "\r" not in text and "\n" not in text))
@example(group="=1+1")
@example(group="@x")
def test_an_import_writes_no_formula_into_clips_csv_and_reads_its_group_back(tmp_path, group):
    if not group:
        return
    path = "-owl/data/pos/a.wav"
    data = ClipsCsv(UPath(tmp_path / "clips.csv")).with_lines({path: group})
    _, row = csv.reader(io.StringIO(data.decode(), newline=""))
    assert not [field for field in row if field[:1] in tuple(SIGNS)]
    (tmp_path / "clips.csv").write_bytes(data)
    found = read_clips_csv(UPath(tmp_path))
    assert found is not None and found.groups == {path: group}


def test_names_that_people_write_without_a_guard_are_read_as_they_are(tmp_path):
    (tmp_path / "clips.csv").write_text("file,group\n-owl/data/pos/a.wav,=site\nb,+1\n")
    found = read_clips_csv(UPath(tmp_path))
    assert found is not None and found.groups == {"-owl/data/pos/a.wav": "=site", "b": "+1"}
