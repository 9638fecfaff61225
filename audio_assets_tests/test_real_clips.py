"""The demo command on real clips, and its numbers recomputed by scikit-learn alone."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from audio_assets import load_learning_curves
from audio_assets.published import load_comparisons
from audio_assets_tests.evaluation.reference_auc import largest_difference

pytestmark = pytest.mark.slow

SPECIES = ("bobwhite", "canid", "frog", "human_vocal")
MODELS = ("birdnet", "random_forest", "svm")


@pytest.fixture(scope="module")
def results(real_audio: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    command = "from audio_assets.cli import main; main()"
    arguments = ["demo", "--audio", str(real_audio), "--results", "results"]
    done = subprocess.run(
        [sys.executable, "-c", command, *arguments],
        cwd=folder,
        env={
            "PATH": "/usr/bin:/bin",
            "HOME": str(folder),
            "AUDIO_ASSETS_REPEATS": "2",
            "AUDIO_ASSETS_TRAINING_SIZES": "[0, 4, 8, 16]",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "report/index.html" in done.stdout
    return folder / "results"


def test_every_species_and_model_has_every_metric_at_every_size(results):
    curves = load_learning_curves(results)
    assert set(curves["species"]) == set(SPECIES)
    for species in SPECIES:
        for model in MODELS:
            rows = curves[(curves["species"] == species) & (curves["model"] == model)]
            sizes = rows["training_size"].unique()
            assert len(rows) == 4 * len(sizes) and len(sizes) >= 3
            assert rows[rows["metric"] == "roc_auc"]["mean"].notna().all()


def test_three_recordings_give_points_without_an_interval(results):
    curves = load_learning_curves(results)
    bobwhite = curves[curves["species"] == "bobwhite"]
    assert (bobwhite["folds"] == 3).all() and (bobwhite["distinct_folds"] == 3).all()
    assert bobwhite[["ci_low", "ci_high"]].isna().all().all()
    assert bobwhite["ci_status"].str.startswith("fewer than 5 recordings").any()
    needed = load_comparisons(results).query("species == 'bobwhite' and kind == 'clips_needed'")
    assert needed["status"].str.startswith("not estimated").all()


def test_the_class_score_of_a_known_species_is_the_point_at_size_0(results):
    curves = load_learning_curves(results)
    untrained = curves[curves["training_size"] == 0]
    assert set(zip(untrained["species"], untrained["model"], strict=True)) == {
        ("human_vocal", "birdnet")
    }
    assert untrained.set_index("metric")["mean"]["roc_auc"] > 0.8


@pytest.mark.parametrize("species", SPECIES)
def test_scikit_learn_alone_gives_the_published_auc_from_the_stored_embeddings(results, species):
    tables = [
        pd.read_parquet(results / path)
        for path in (
            f"balanced_manifest/{species}.parquet",
            f"embeddings/birdnet/{species}.parquet",
            f"fold_scores/birdnet/{species}.parquet",
        )
    ]
    count, largest = largest_difference(*tables, "data")
    assert count >= 18
    assert largest < 1e-12
