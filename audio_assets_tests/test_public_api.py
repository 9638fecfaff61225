"""What notebooks and other programs call: documented, typed, and as its examples say."""

import doctest
import re
import shutil
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
    load_splits,
    make_split_plan,
    published,
)
from audio_assets.errors import ResultsError, SettingsError
from audio_assets.evaluation.answers import verdict
from audio_assets.evaluation.intervals.comparison import needed_rows
from audio_assets.evaluation.species import score_species, summarise_species
from audio_assets.evaluation.splits import plan
from audio_assets.evaluation.splits.manifest import build_manifest
from audio_assets.published import load_comparisons
from audio_assets.results.csv_format import to_csv_bytes
from audio_assets.results.layout import ResultsLayout
from audio_assets.results.parquet import content_version, read_table, write_table
from audio_assets.tables import (
    ANSWER,
    BALANCED_MANIFEST,
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
    table = table.assign(variant="data", uri="clip.wav", size=100)
    table["class_score"] = [*clips.embeddings[:, 0], np.nan]
    table = table.assign(encoder="placeholder", encoder_fingerprint="0" * 64)
    table["checksum"] = [f"sha256:{row:02}" for row in range(len(table))]
    write_table(layout.table("embeddings", "placeholder", "owl"), table, EMBEDDINGS)
    none = pd.DataFrame(columns=list(NEAR_DUPLICATES.column_names))
    write_table(layout.table("near_duplicates", "owl"), none, NEAR_DUPLICATES)
    write_curves(layout, table)
    return folder


def write_curves(layout: ResultsLayout, table: pd.DataFrame) -> None:
    """The splits and the curve of a table of embeddings, as the stages make them."""
    manifest = build_manifest(table, draw=make_split_plan, repeats=3, seed=5)
    write_table(layout.table("balanced_manifest", "owl"), manifest, BALANCED_MANIFEST)
    scored = score_species(
        table,
        manifest,
        species="owl",
        model="placeholder",
        encoder="placeholder",
        variant="data",
        head="logistic",
        sizes=(4, 8),
        protocol="cv",
        seed=5,
        split_plan=content_version(manifest, BALANCED_MANIFEST),
    )
    curve = summarise_species(scored.scores, scored.predictions, ci_level=0.9, code_version="1")
    layout.learning_curves.write_bytes(to_csv_bytes(curve, LEARNING_CURVE))
    compared = needed_rows({"placeholder": curve}, species="owl", ci_level=0.9, target=0.95)
    layout.comparisons.write_bytes(to_csv_bytes(compared, MODEL_COMPARISON))
    layout.answers.write_bytes(to_csv_bytes(answer(curve, compared), ANSWER))


def test_the_examples_in_the_docstrings_run(folder, monkeypatch):
    monkeypatch.chdir(folder)
    result = doctest.testmod(published)
    assert result.attempted >= 27
    assert result.failed == 0
    result = doctest.testmod(plan)
    assert result.attempted >= 7
    assert result.failed == 0
    result = doctest.testmod(verdict)
    assert result.attempted >= 4
    assert result.failed == 0


def test_the_answers_that_are_read_are_those_of_the_published_tables(folder):
    results = folder / "results"
    again = answer(load_learning_curves(results), load_comparisons(results))
    assert to_csv_bytes(load_answers(results), ANSWER) == to_csv_bytes(again, ANSWER)


def test_the_recipes_of_the_page_run(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(folder / "results", "my-results")
    text = (EXAMPLE.parents[1] / "docs" / "python.md").read_text().replace("coyote", "owl")
    text = re.sub("([\"'])birdnet\\1", r"\1placeholder\1", text)
    clips = simulate(6, 6, clips=2)
    names = {"birdnet": clips.embeddings, "perch": clips.embeddings[:, :5]}
    names |= {"labels": clips.labels, "recordings": clips.recordings, "clip_ids": clips.keys}
    recipes = re.findall(r"```python\n(.*?)```", text, re.S)
    assert len(recipes) >= 6
    for recipe in recipes:
        exec(recipe, names)
    assert Path("owl.png").read_bytes().startswith(b"\x89PNG")


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


def test_without_splits_the_error_says_why_and_what_to_do(folder, tmp_path):
    with pytest.raises(ResultsError, match="(?s)no .*/owl.parquet.*run --species owl --model p"):
        load_splits(tmp_path, "placeholder", "owl")
    with pytest.raises(ResultsError, match="(?s)no .*perch/owl.parquet.*--model perch"):
        load_splits(folder / "results", "perch", "owl")
    copy = ResultsLayout(UPath(shutil.copytree(folder / "results", tmp_path / "copy")))
    path = copy.table("balanced_manifest", "owl")
    manifest = read_table(path, BALANCED_MANIFEST)
    write_table(path, manifest.iloc[:0], BALANCED_MANIFEST)
    with pytest.raises(ResultsError, match="(?s)no recordings that can be split.*ci_status"):
        load_splits(copy.root, "placeholder", "owl")


def test_splits_that_the_curve_was_not_made_with_are_refused(folder, tmp_path):
    copy = ResultsLayout(UPath(shutil.copytree(folder / "results", tmp_path / "copy")))
    path = copy.table("balanced_manifest", "owl")
    manifest = read_table(path, BALANCED_MANIFEST)
    write_table(path, manifest.assign(rank=manifest["rank"] + 1), BALANCED_MANIFEST)
    with pytest.raises(ResultsError, match="(?s)made with other splits .* audio-assets run"):
        load_splits(copy.root, "placeholder", "owl")
    copy.learning_curves.unlink()
    assert load_splits(copy.root, "placeholder", "owl").repeats == 3
    # A clip that the splits do not know: embedded by another run.
    without = manifest[manifest["clip_id"] != "pos/clip-0"]
    write_table(path, without, BALANCED_MANIFEST)
    with pytest.raises(ResultsError, match="(?s)of different runs: .*pos/clip-0"):
        load_splits(copy.root, "placeholder", "owl")


def test_splits_name_the_training_and_test_clips_of_the_published_manifest(folder):
    root = folder / "results"
    clips = load_embeddings(root, "placeholder", "owl").query("status == 'ok'")
    splits = load_splits(root, "placeholder", "owl")
    manifest = read_table(
        ResultsLayout(UPath(root)).table("balanced_manifest", "owl"), BALANCED_MANIFEST
    )
    ids = clips["clip_id"].to_numpy()
    pairs = iter(splits.train_test(clips["label"], size=3))
    for (_, held_out), rows in manifest.groupby(["repeat", "held_out_fold"]):
        train, test = next(pairs)
        assert set(ids[test]) == set(rows.loc[rows["fold"] == held_out, "clip_id"])
        outside = rows[rows["fold"] != held_out].sort_values("rank")
        assert set(ids[train]) == set(outside.groupby("label").head(3)["clip_id"])
        recordings = clips["recording_id"].to_numpy()
        assert not set(recordings[train]) & set(recordings[test])
    assert next(pairs, None) is None


def test_training_clips_that_a_plan_cannot_give_are_refused(folder):
    splits = load_splits(folder / "results", "placeholder", "owl")
    labels = ["neg"] * 12 + ["pos"] * 12
    assert len(splits.train_test(labels, splits.largest_size(labels))) == 15
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match="^size must be a whole number"):
            splits.train_test(labels, size)
    with pytest.raises(ValueError, match="training clips of class"):
        splits.train_test(labels, splits.largest_size(labels) + 2)
    with pytest.raises(ValueError, match=r"^labels must be \[24\] like the plan"):
        splits.train_test(labels[1:], 2)


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
