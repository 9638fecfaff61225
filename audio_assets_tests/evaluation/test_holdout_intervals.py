from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audio_assets import evaluate
from audio_assets.evaluation.intervals.comparison import differences
from audio_assets.evaluation.intervals.holdout_intervals import (
    HeldOut,
    error_of_mean,
    resampled_means,
)
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.holdout import make_holdout_plan
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.results.validation import validate
from audio_assets.tables import EVALUATION, LABELS, MODEL_COMPARISON

Simulate = Callable[..., Any]


def run(clips: Any, **options: Any) -> pd.DataFrame:
    options = {"sizes": (4, 8), "repeats": 3, "protocol": "holdout"} | options
    return evaluate(clips.embeddings, clips.labels, clips.recordings, **options)


def auc(curve: pd.DataFrame) -> pd.DataFrame:
    return curve[curve["metric"] == "roc_auc"].set_index("training_size")


def test_the_rows_are_those_of_the_table_and_say_what_was_done(simulated: Simulate) -> None:
    clips = simulated(40, 34)
    curve = run(clips, class_scores=clips.embeddings[:, 0])
    validate(curve, EVALUATION)
    assert auc(curve).index.tolist()[:3] == [0, 4, 8]
    assert set(curve["protocol"]) == {"holdout"} and set(curve["repeats"]) == {3}
    assert curve["folds"].isna().all() and curve["distinct_folds"].isna().all()
    with_interval = curve[curve["ci_low"].notna()]
    assert {"roc_auc", "average_precision", "brier"} <= set(with_interval["metric"])
    # Where no threshold is good enough in any draw, recall is 0 in all.
    inside = with_interval[with_interval["mean"].between(0, 1, inclusive="neither")]
    assert set(inside["ci_method"]) == {"test_recording_bootstrap"}
    assert (inside["ci_low"] < inside["mean"]).all()
    assert (inside["mean"] < inside["ci_high"]).all()


def test_shuffled_clips_and_new_names_give_identical_bytes(simulated: Simulate) -> None:
    clips = simulated(20, 18)
    other = clips.take(np.random.default_rng(3).permutation(len(clips.labels)))
    other.recordings[:] = [name[::-1] for name in other.recordings]
    one, two = (run(c, head="logistic", keys=c.keys).to_csv() for c in (clips, other))
    assert one == two


def test_perfect_separation_is_bounded_by_the_number_of_test_recordings(
    simulated: Simulate,
) -> None:
    row = auc(run(simulated(40, 40, shift=60.0))).iloc[-1]
    assert row["mean"] == 1.0 == row["ci_high"] and row["ci_method"] == "recording_bound"
    # A kind that 12 recordings miss with probability 0.025, scored at chance.
    assert row["ci_low"] == pytest.approx(0.5 + 0.025 ** (1 / 12) / 2)


def test_constant_scores_are_at_chance_with_a_width(simulated: Simulate) -> None:
    clips = simulated(20, 20)
    row = auc(run(clips, class_scores=np.zeros(len(clips.labels)))).loc[0]
    assert row["mean"] == 0.5 and row["ci_low"] < 0.3 and row["ci_high"] > 0.7


@pytest.mark.parametrize(
    ("recordings", "status"),
    [
        (16, "fewer than 5 test recordings of a class, 4 positive and 4 negative"),
        (20, "ok: warning: fewer than 10 test recordings of a class, 6 positive and 6 negative"),
        (34, "ok"),
    ],
)
def test_the_limits_hold_for_the_test_recordings(
    recordings: int, status: str, simulated: Simulate
) -> None:
    rows = auc(run(simulated(recordings, recordings), sizes=(4,)))
    assert set(rows["ci_status"]) == {status}
    assert (rows["ci_low"].isna() == (not status.startswith("ok"))).all()
    assert rows["mean"].notna().all()


def test_one_training_draw_has_no_interval_but_untrained_scores_have(simulated: Simulate) -> None:
    clips = simulated(34, 34)
    rows = auc(run(clips, sizes=(4,), repeats=1, class_scores=clips.embeddings[:, 0]))
    assert rows.loc[4, "ci_status"] == "fewer than 2 training draws"
    assert np.isnan(rows.loc[4, "ci_low"]) and rows.loc[0, "ci_low"] < rows.loc[0, "mean"]


def test_the_bootstrap_is_that_of_the_mean_of_recordings_where_that_is_known() -> None:
    # One negative clip far below, so the AUC is the share of positives above it: a plain mean.
    rng = np.random.default_rng(0)
    above = rng.random(40) < 0.7
    labels = np.r_[np.ones(40, int), np.zeros(6, int)]
    scores = np.r_[np.where(above, 1.0, -1.0), np.zeros(6)]
    held = HeldOut(labels, np.arange(46).astype(str), np.tile(scores, (2, 1)), False)
    means = resampled_means([held], seed=0)[0]["roc_auc"]
    assert means.mean() == pytest.approx(above.mean(), abs=0.01)
    assert means.std() == pytest.approx(above.std() / np.sqrt(40), rel=0.06)


def test_the_error_joins_recordings_and_draws() -> None:
    values, resampled = np.array([0.7, 0.8, 0.9]), np.array([0.7, 0.9])
    error = error_of_mean(values, resampled, RecordingCounts(11, 30, 41))
    recordings, draws = 0.01 * 11 / 10, 0.01 / 3
    assert error.standard == pytest.approx(np.sqrt(recordings + draws))
    parts = recordings**2 / 10 + draws**2 / 2
    assert error.freedom == pytest.approx((recordings + draws) ** 2 / parts)


@pytest.fixture
def models(simulated: Simulate) -> dict[str, tuple[FoldResults, pd.DataFrame]]:
    clips = simulated(34, 34, shift=4.0)
    plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys)
    rng = np.random.default_rng(5)
    vectors = {"sharp": clips.embeddings, "noise": rng.normal(size=clips.embeddings.shape)}
    found = {}
    for name, embeddings in vectors.items():
        result = score_folds(
            embeddings, clips.labels, clips.recordings, plan,
            sizes=(4,), head="logistic", protocol="holdout",
        )  # fmt: skip
        tested = result.predictions["clip"]
        found[name] = (
            result,
            result.predictions.assign(
                clip_id=tested,
                label=np.array(LABELS)[clips.labels[tested]],
                recording_id=clips.recordings[tested],
            ),
        )
    return found


def compared(
    models: dict[str, tuple[FoldResults, pd.DataFrame]], ci_level: float = 0.95, **options: Any
) -> pd.DataFrame:
    return differences(
        {name: result.scores for name, (result, _) in models.items()},
        {name: table for name, (_, table) in models.items()},
        species="coyote",
        ci_level=ci_level,
        protocol="holdout",
        **options,
    )


def test_the_interval_at_one_minus_the_p_value_ends_at_no_difference(
    models: dict[str, tuple[FoldResults, pd.DataFrame]],
) -> None:
    rows = compared(models).query("status == 'ok' and p_value > 1e-9")
    assert len(rows)
    for row in rows.itertuples():
        again = compared(models, ci_level=1 - row.p_value)
        same = again.query("metric == @row.metric and training_size == @row.training_size").iloc[0]
        ends = same["ci_low"], same["ci_high"]
        assert min(abs(end) for end in ends) == pytest.approx(0.0, abs=1e-9)


def test_models_are_compared_on_the_same_resamples(
    models: dict[str, tuple[FoldResults, pd.DataFrame]],
) -> None:
    table = compared(models)
    validate(table, MODEL_COMPARISON)
    row = table.query("metric == 'roc_auc' and training_size == 4").iloc[0]
    assert row["status"] == "ok" and pd.isna(row["distinct_folds"])
    means = [
        models[name][0].scores.query("training_size == 4 and metric == 'roc_auc'")["value"].mean()
        for name in ("noise", "sharp")
    ]
    assert row["difference"] == pytest.approx(means[0] - means[1])
    assert row["ci_low"] < row["difference"] < row["ci_high"] < 0
    assert row["p_value"] < 0.05 and row["p_holm"] == row["p_value"]


def test_the_difference_of_a_model_and_its_double_has_no_p_value(
    models: dict[str, tuple[FoldResults, pd.DataFrame]],
) -> None:
    # Unpaired resamples would give the difference a spread.
    table = compared({"a": models["sharp"], "b": models["sharp"]})
    rows = table[table["metric"] == "roc_auc"]
    assert (rows["difference"] == 0.0).all() and rows["p_value"].isna().all()
    same = "the models differ by the same amount in every draw and resample"
    assert set(rows["status"]) == {same}
