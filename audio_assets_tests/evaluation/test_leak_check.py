from functools import partial
from unittest import mock

import numpy as np
import pandas as pd
import pytest

from audio_assets.catalog.recordings import NO_LINE
from audio_assets.evaluation.doubts import leak_check as module
from audio_assets.evaluation.doubts.leak_check import NOTHING_TELLS, ONE_CLIP_EACH, leak_check
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.species import score_species
from audio_assets.evaluation.splits.manifest import build_manifest
from audio_assets.evaluation.splits.plan import SplitPlan, make_split_plan
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
    manifest = build_manifest(
        frame, draw=partial(make_split_plan, folds=5), repeats=repeats, seed=0
    )
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


def by_rule(embeddings, rule="clips.csv"):
    """The columns of an inventory that the leak check reads."""
    return pd.DataFrame({"clip_id": embeddings["clip_id"], "recording_rule": rule})


def checked_tables(embeddings, scores, predictions, rule="clips.csv"):
    inventory = by_rule(embeddings, rule)
    return leak_check(embeddings, scores, predictions, inventory, ci_level=0.95).iloc[0]


def checked(clips, **options):
    return checked_tables(*tables(clips, **options))


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


@pytest.mark.parametrize("rule", ["stem", f"stem{NO_LINE}"])
def test_recordings_that_are_clips_for_want_of_a_rule_are_not_said_to_leak_nothing(rule):
    found = tables(simulate(pos=12, neg=12, clips=1))
    row = checked_tables(*found, rule=rule)
    assert row["status"].startswith(f"{NOTHING_TELLS}: 24 of 24 count as a recording each")
    rules = [rule, *["clips.csv"] * 23]
    assert checked_tables(*found, rule=rules)["status"].startswith(f"{NOTHING_TELLS}: 1 of 24")


def test_both_kinds_of_folds_have_the_size_and_the_number_of_folds_in_common():
    clips = simulate(pos=4, neg=9, clips=5)
    embeddings, scores, predictions = tables(clips, repeats=3)
    row = checked_tables(embeddings, scores, predictions)
    assert row["training_size"] == scores["training_size"].max()
    assert scores["fold"].max() + 1 == 4
    assert row["status"] == "ok"


def one_class_in_a_fold(fold, *, size=4):
    """Tables in which the last fold, or another, of every repeat has no positive clips."""
    labels = np.repeat([1, 0], 30)
    recordings = np.array([f"r{number // 3}" for number in range(60)])
    dealt = np.repeat(np.r_[np.arange(10) % 4, np.arange(10) % 5], 3)
    dealt[:30] += dealt[:30] >= fold
    rng = np.random.default_rng(0)
    ranks = np.array([[rng.permutation(60) for _ in range(5)] for _ in range(2)])
    keys = tuple(f"{number:02d}" for number in range(60))
    vectors = rng.normal(size=(60, 6)) + labels[:, None]
    plan = SplitPlan(np.tile(dealt, (2, 1)), ranks, 5, keys)
    found = score_folds(
        vectors, labels, recordings, plan, sizes=[size], also_largest=False, head="logistic"
    )
    named = {"species": "owl", "model": "m", "head": "logistic", "protocol": "cv", "seed": 0}
    embeddings = pd.DataFrame(
        {
            "status": "ok",
            "label": np.where(labels == 1, "pos", "neg"),
            "clip_id": keys,
            "sha256": keys,
            "embedding": list(vectors),
        }
    )
    predictions = found.predictions.assign(clip_id=np.array(keys)[found.predictions["clip"]])
    return embeddings, found.scores.assign(**named), predictions


@pytest.mark.parametrize("fold", [0, 4])
@pytest.mark.parametrize("size", [4, 21])
def test_folds_without_a_value_count_among_the_folds(fold, size):
    embeddings, scores, predictions = one_class_in_a_fold(fold, size=size)
    with mock.patch.object(module, "make_split_plan", wraps=make_split_plan) as drawn:
        row = checked_tables(embeddings, scores, predictions)
    assert drawn.call_args.kwargs["folds"] == 5 and drawn.call_args.kwargs["repeats"] == 2
    assert row["status"].endswith(
        ": 2 of 10 folds over recordings have no AUC, the others are compared with all folds over "
        "clips"
    )
    assert row["difference"] == pytest.approx(row["auc_clips"] - row["auc_recordings"])


def test_a_size_that_folds_over_clips_do_not_leave_is_no_leak_check():
    embeddings, scores, predictions = one_class_in_a_fold(4)
    scores["training_size"] = predictions["training_size"] = 25
    row = checked_tables(embeddings, scores, predictions)
    assert row["status"] == "5 folds over clips leave fewer than 25 per class"
    assert pd.isna(row["difference"]) and row["auc_recordings"] > 0.5


def test_one_repeat_gives_a_difference_without_an_interval():
    row = checked(simulate(), repeats=1)
    assert row["difference"] == row["difference"]
    assert pd.isna(row["ci_low"]) and row["status"] == "one repeat gives no interval"


def test_the_order_of_the_clips_changes_nothing():
    embeddings, scores, predictions = tables(simulate(effect=2.0))
    turned = embeddings.iloc[::-1].reset_index(drop=True)
    first, second = (
        leak_check(e, scores, predictions, by_rule(e), ci_level=0.95) for e in (embeddings, turned)
    )
    pd.testing.assert_frame_equal(first, second)


def test_a_species_without_an_evaluation_says_why():
    embeddings, _, predictions = tables(simulate())
    scores = pd.DataFrame(
        [{"species": "owl", "model": "m", "metric": None, "value": np.nan, "training_size": None}]
    ).assign(reason="no positive clips", protocol="cv")
    row = checked_tables(embeddings, scores, predictions)
    assert row["status"] == "no evaluation: no positive clips"
