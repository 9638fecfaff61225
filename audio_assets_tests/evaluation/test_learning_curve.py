from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.clips_needed import clips_needed
from audio_assets.evaluation.grid import score_folds
from audio_assets.evaluation.learning_curve import no_evaluation_row, summarise
from audio_assets.evaluation.recordings import RecordingCounts
from audio_assets.evaluation.splits import make_split_plan
from audio_assets.tables import EVALUATION, METRICS
from audio_assets.validation import validate


def curve_of(clips: Any, **options: Any) -> tuple[pd.DataFrame, pd.DataFrame]:
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=2)
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=(4, 8), head="logistic"
    )
    options = {"recordings": results.recordings, "ci_level": 0.95, "head": "logistic"} | options
    return summarise(results.scores, **options), results.scores


def test_a_curve_has_a_row_a_size_and_metric_with_the_mean_over_folds(
    simulated: Callable[..., Any],
) -> None:
    curve, scores = curve_of(simulated(12, 12, clips=6))
    validate(curve, EVALUATION)
    assert curve["metric"].tolist() == list(METRICS) * curve["training_size"].nunique()
    means = scores.groupby(["training_size", "metric"])["value"].mean()
    for row in curve.itertuples():
        if row.ci_status == "ok":
            assert row.mean == pytest.approx(means[row.training_size, row.metric])
            assert row.ci_low <= row.mean <= row.ci_high
    assert set(curve["test_prevalence"].round(2)) == {0.5}
    assert set(curve["folds"]) == {5} and set(curve["repeats"]) == {2}


def test_rows_in_another_order_give_the_same_curve(simulated: Callable[..., Any]) -> None:
    curve, scores = curve_of(simulated())
    shuffled = scores.sample(frac=1.0, random_state=0)
    counts = RecordingCounts(12, 12, 24)
    again = summarise(shuffled, recordings=counts, ci_level=0.95, head="logistic")
    pd.testing.assert_frame_equal(curve, again, check_exact=True)


def test_a_missing_fold_is_an_error(simulated: Callable[..., Any]) -> None:
    _, scores = curve_of(simulated())
    with pytest.raises(ValueError, match="9 folds, expected 2 repeats of 5"):
        summarise(
            scores.drop(index=scores.index[0]),
            recordings=RecordingCounts(12, 12, 24),
            ci_level=0.95,
            head="logistic",
        )


def test_no_evaluation_is_one_row_with_the_reason() -> None:
    row = no_evaluation_row("only 1 recording has positive clips", ci_level=0.9, head="svm", seed=2)
    validate(row, EVALUATION)
    assert len(row) == 1 and row["mean"].isna().all() and row["training_size"].isna().all()
    assert row["ci_status"][0] == "no evaluation: only 1 recording has positive clips"
    assert clips_needed(row, target=0.95).status == f"not estimated: {row['ci_status'][0]}"


def points(*rows: tuple[int, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["training_size", "ci_low"])
    status = np.where(table["ci_low"].isna(), "fewer than 5 recordings of a class", "ok")
    return table.assign(metric="roc_auc", ci_status=status)


def test_clips_needed_is_the_smallest_size_whose_lower_bound_reaches_the_target() -> None:
    needed = clips_needed(points((16, 0.97), (0, 0.99), (4, 0.8), (8, 0.95)), target=0.95)
    assert (needed.training_size, needed.status) == (8, "ok")


def test_clips_needed_says_when_the_target_is_not_reached_or_nothing_is_estimated() -> None:
    needed = clips_needed(points((4, 0.8), (8, 0.9)), target=0.95)
    assert (needed.training_size, needed.status) == (None, "not reached with n = 8")
    needed = clips_needed(points((4, np.nan), (8, np.nan)), target=0.95)
    assert needed.training_size is None
    assert needed.status == "not estimated: fewer than 5 recordings of a class"
