"""What notebooks and other programs call: documented, typed, and as its examples say."""

import doctest
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from upath import UPath

import audio_assets
from audio_assets import (
    answer,
    evaluate,
    load_answers,
    load_embeddings,
    load_learning_curves,
    published,
)
from audio_assets.errors import ResultsError, SettingsError
from audio_assets.evaluation.answers import verdict
from audio_assets.evaluation.intervals.comparison import needed_rows
from audio_assets.published import load_comparisons
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import write_table
from audio_assets.tables import (
    ANSWER,
    EMBEDDINGS,
    LEARNING_CURVE,
    MODEL_COMPARISON,
    NEAR_DUPLICATES,
)
from audio_assets_tests.evaluation.conftest import simulate
from audio_assets_tests.reporting.fake_results import fake_curves

PUBLIC = [getattr(audio_assets, name) for name in audio_assets.__all__]
EXAMPLE = Path(__file__).parents[1] / "examples" / "read_results.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results of one species and model in ``results``, one clip in quarantine."""
    folder = tmp_path_factory.mktemp("public")
    layout = ResultsLayout(UPath(folder / "results"))
    clips = simulate(6, 6, clips=2, dimension=16)
    table = pd.DataFrame({"label": np.where(clips.labels == 1, "pos", "neg")})
    table["clip_id"] = [f"{label}/clip-{row}" for row, label in enumerate(table["label"])]
    table["recording_id"] = clips.recordings
    table["embedding"] = list(clips.embeddings.astype(np.float32))
    table = table.assign(status="ok", seconds=3.0, heard_before=np.nan, windows=1, sha256="0" * 64)
    unusable = {"clip_id": "pos/none", "label": "pos", "recording_id": "none"}
    unusable |= {"status": "quarantined", "reason": "silent", "detail": "all samples are 0"}
    table = pd.concat([table, pd.DataFrame([unusable | {"embedding": None}])], ignore_index=True)
    table = table.assign(variant="data", uri="clip.wav", size=100, checksum="sha256:00")
    table = table.assign(class_score=np.nan, encoder="placeholder", encoder_fingerprint="0" * 64)
    write_table(layout.table("embeddings", "placeholder", "owl"), table, EMBEDDINGS)
    none = pd.DataFrame(columns=list(NEAR_DUPLICATES.column_names))
    write_table(layout.table("near_duplicates", "owl"), none, NEAR_DUPLICATES)
    curve = evaluate(clips.embeddings, clips.labels, clips.recordings, sizes=(4, 8))
    curve = curve.assign(species="owl", model="placeholder", encoder="placeholder")
    curve = curve.assign(encoder_fingerprint="0" * 64, split_plan="plan", code_version="1")
    layout.learning_curves.write_bytes(to_csv_bytes(curve, LEARNING_CURVE))
    compared = needed_rows({"placeholder": curve}, species="owl", ci_level=0.95, target=0.95)
    layout.comparisons.write_bytes(to_csv_bytes(compared, MODEL_COMPARISON))
    layout.answers.write_bytes(to_csv_bytes(answer(curve, compared), ANSWER))
    return folder


def test_the_examples_in_the_docstrings_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = doctest.testmod(published)
    assert result.attempted >= 12
    assert result.failed == 0
    result = doctest.testmod(verdict)
    assert result.attempted >= 4
    assert result.failed == 0


def test_the_answers_that_are_read_are_those_of_the_published_tables(folder):
    results = folder / "results"
    again = answer(load_learning_curves(results), load_comparisons(results))
    assert to_csv_bytes(load_answers(results), ANSWER) == to_csv_bytes(again, ANSWER)


@pytest.mark.slow
def test_the_example_script_runs_on_a_results_root(folder, tmp_path):
    command = [sys.executable, str(EXAMPLE), "results", "--chart", str(tmp_path / "curves.png")]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert re.search(r"owl +placeholder +8 +0\.\d{3} ", done.stdout)
    assert "owl: placeholder with the head svm instead: 0." in done.stdout
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("load", [load_learning_curves, load_comparisons])
def test_a_results_root_without_results_is_an_error_that_says_how_to_make_them(load, tmp_path):
    with pytest.raises(ResultsError, match="(?s)There is no .*csv.*audio-assets run"):
        load(tmp_path)


def test_missing_embeddings_are_an_error_with_the_command_that_makes_them(folder):
    with pytest.raises(ResultsError, match="audio-assets run --species owl --model perch"):
        load_embeddings(folder / "results", "perch", "owl")


@pytest.mark.parametrize("root", ["s3://bucket/results", "gs://"])
def test_a_root_that_is_none_is_an_error_that_says_what_one_is(root):
    with pytest.raises(SettingsError, match="folder or gs://"):
        load_learning_curves(root)


@pytest.mark.parametrize("call", PUBLIC, ids=lambda call: call.__name__)
def test_a_public_call_documents_shapes_units_errors_and_an_example(call):
    validate = pytest.importorskip("numpydoc.validate", reason="the extra docs is missing").validate

    # Not asked for: a second paragraph, a capital letter before a shape, a type that the annotation
    # gives already, a link to other calls.
    ignored = {"ES01", "PR04", "PR08", "SA01", "SA04"}
    found = validate(f"{call.__module__}.{call.__name__}")["errors"]
    assert not [fault for fault in found if fault[0] not in ignored]
    sections = re.findall(r"^    ([A-Z]\w+)\n    -+$", call.__doc__ or "", re.M)
    assert {"Parameters", "Returns", "Raises", "Examples"} <= set(sections)


def test_types_are_shipped_with_the_package():
    assert (Path(audio_assets.__file__).parent / "py.typed").is_file()
    assert evaluate.__annotations__["return"] == "pd.DataFrame"
    assert set(audio_assets.__all__) <= set(dir(audio_assets))


def test_curves_of_an_earlier_version_have_the_new_columns_empty(tmp_path):
    fake_curves().drop(columns="recording_pairs").to_csv(
        tmp_path / "learning_curves.csv", index=False
    )
    assert load_learning_curves(tmp_path)["recording_pairs"].isna().all()
