import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.leak_check import ONE_CLIP_EACH, leak_check
from audio_assets.evaluation.manifest import build_manifest
from audio_assets.evaluation.species import score_species
from audio_assets_tests.evaluation.conftest import simulate


def tables(clips, *, repeats=5):
    """Embeddings and fold scores of simulated clips."""
    count = len(clips.labels)
    frame = pd.DataFrame(
        {
            "clip_id": [f"clip-{number}" for number in range(count)],
            "variant": "data",
            "label": np.where(clips.labels == 1, "pos", "neg"),
            "recording_id": clips.recordings,
            "checksum": clips.keys,
            "sha256": clips.keys,
            "status": "ok",
        }
    )
    manifest = build_manifest(frame, folds=5, repeats=repeats, seed=0)
    embeddings = frame.assign(
        embedding=list(clips.embeddings), class_score=np.nan, encoder_fingerprint="f"
    )
    found = score_species(
        embeddings,
        manifest,
        species="owl",
        model="m",
        encoder="e",
        variant="data",
        head="logistic",
        sizes=(4,),
        protocol="cv",
        seed=0,
        split_plan="p",
    )
    return embeddings, found.scores, found.predictions


def checked(clips, **options):
    return leak_check(*tables(clips, **options), ci_level=0.95).iloc[0]


def test_a_recording_effect_makes_folds_over_clips_look_better():
    # No difference between the classes but what belongs to the recordings.
    row = checked(simulate(pos=10, neg=10, clips=6, shift=0.0, effect=2.0))
    assert row["difference"] > 0.1
    assert 0 < row["ci_low"] < row["difference"] < row["ci_high"]
    assert row["difference"] == pytest.approx(row["auc_clips"] - row["auc_recordings"])


@pytest.mark.parametrize("seed", range(4))
def test_without_a_recording_effect_folds_over_clips_look_the_same(seed):
    row = checked(simulate(pos=15, neg=15, clips=4, shift=1.5, effect=0.0, seed=seed))
    assert abs(row["difference"]) < 0.03


def test_recordings_of_one_clip_have_nothing_to_leak():
    row = checked(simulate(pos=12, neg=12, clips=1))
    assert row["status"] == ONE_CLIP_EACH
    assert pd.isna(row["difference"]) and row["auc_recordings"] > 0.5


def test_both_kinds_of_folds_have_the_size_and_the_number_of_folds_in_common():
    clips = simulate(pos=4, neg=9, clips=5)
    embeddings, scores, predictions = tables(clips, repeats=3)
    row = leak_check(embeddings, scores, predictions, ci_level=0.95).iloc[0]
    assert row["training_size"] == scores["training_size"].max()
    assert scores["fold"].max() + 1 == 4
    assert row["status"] == "ok"


def test_one_repeat_gives_a_difference_without_an_interval():
    row = checked(simulate(), repeats=1)
    assert row["difference"] == row["difference"]
    assert pd.isna(row["ci_low"]) and row["status"] == "one repeat gives no interval"


def test_the_order_of_the_clips_changes_nothing():
    embeddings, scores, predictions = tables(simulate(effect=2.0))
    turned = embeddings.iloc[::-1].reset_index(drop=True)
    first, second = (
        leak_check(e, scores, predictions, ci_level=0.95) for e in (embeddings, turned)
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_species_without_an_evaluation_says_why():
    embeddings, _, predictions = tables(simulate())
    scores = pd.DataFrame(
        [{"species": "owl", "model": "m", "metric": None, "value": np.nan, "training_size": None}]
    ).assign(reason="no positive clips", protocol="cv")
    row = leak_check(embeddings, scores, predictions, ci_level=0.95).iloc[0]
    assert row["status"] == "no evaluation: no positive clips"
