from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from audio_assets.evaluation.intervals.clips_needed import clips_needed
from audio_assets.evaluation.intervals.learning_curve import no_evaluation_row, summarise
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.evaluation.splits.recordings import RecordingCounts
from audio_assets.results.validation import validate
from audio_assets.tables import EVALUATION, METRICS


def curve_of(clips: Any, **options: Any) -> tuple[pd.DataFrame, FoldResults]:
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, repeats=2)
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=(4, 8), head="logistic"
    )
    options = {"recordings": results.recordings, "ci_level": 0.95, "head": "logistic"} | options
    return summarise(results.scores, results.predictions, **options), results


def test_a_curve_has_a_row_a_size_and_metric_with_the_mean_over_folds(
    simulated: Callable[..., Any],
) -> None:
    curve, results = curve_of(simulated(12, 12, clips=6))
    scores = results.scores
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
    curve, results = curve_of(simulated())
    shuffled = [
        table.sample(frac=1.0, random_state=0) for table in (results.scores, results.predictions)
    ]
    counts = RecordingCounts(12, 12, 24)
    again = summarise(*shuffled, recordings=counts, ci_level=0.95, head="logistic")
    pd.testing.assert_frame_equal(curve, again, check_exact=True)


def test_a_missing_fold_is_an_error(simulated: Callable[..., Any]) -> None:
    _, results = curve_of(simulated())
    with pytest.raises(ValueError, match="9 folds, expected 2 repeats of 5"):
        summarise(
            results.scores.drop(index=results.scores.index[0]),
            results.predictions,
            recordings=RecordingCounts(12, 12, 24),
            ci_level=0.95,
            head="logistic",
        )


def test_no_evaluation_is_one_row_with_the_reason() -> None:
    row = no_evaluation_row("only 1 recording has positive clips", ci_level=0.9, head="svm", seed=2)
    validate(row, EVALUATION)
    assert len(row) == 1 and row["mean"].isna().all() and row["training_size"].isna().all()
    assert row["ci_status"][0] == "no evaluation: only 1 recording has positive clips"
    needed = clips_needed(row, target=0.95)
    assert needed.status == f"not estimated: {row['ci_status'][0]}" and needed.largest is None


def points(
    *rows: tuple[int, float, float], pairs: int | None = 60, protocol: str = "cv"
) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=["training_size", "ci_low", "ci_high"])
    status = np.where(table["ci_low"].isna(), "fewer than 5 recordings of a class", "ok")
    return table.assign(
        metric="roc_auc", ci_status=status, recording_pairs=pairs, ci_level=0.95, protocol=protocol
    )


RISING = ((4, 0.7, 0.9), (8, 0.8, 0.95), (16, 0.9, 0.98), (32, 0.95, 0.99), (64, 0.97, 1.0))


def needed_of(*rows: tuple[int, float, float]) -> tuple[int | None, int | None, int | None]:
    needed = clips_needed(points(*rows), target=0.95)
    assert (needed.status == "ok") == (needed.training_size is not None)
    return needed.low, needed.training_size, needed.high


def test_clips_needed_is_the_smallest_size_whose_lower_bound_reaches_the_target() -> None:
    rows = ((16, 0.97, 1.0), (0, 0.99, 1.0), (4, 0.8, 0.9), (8, 0.95, 0.97))
    needed = clips_needed(points(*rows), target=0.95)
    assert (needed.training_size, needed.status, needed.largest) == (8, "ok", 16)


def test_clips_needed_lie_between_what_the_upper_and_the_lower_bounds_allow() -> None:
    assert needed_of(*RISING) == (8, 32, 32)
    assert needed_of(*RISING[:3]) == (8, None, None)
    assert needed_of(*RISING[:1]) == (None, None, None)
    assert needed_of(*RISING[3:]) == (32, 32, 32)


def test_a_lower_bound_that_falls_again_moves_the_upper_end_of_the_range() -> None:
    dips = (*RISING, (128, 0.94, 1.0), (256, 0.96, 1.0))
    assert needed_of(*dips) == (8, 32, 256)
    assert needed_of(*dips[:-1]) == (8, 32, None)


def test_a_size_without_an_interval_excludes_nothing() -> None:
    assert needed_of((2, np.nan, np.nan), *RISING) == (2, 32, 32)
    assert needed_of(*RISING, (128, np.nan, np.nan)) == (8, 32, None)


def test_clips_needed_says_when_the_target_is_not_reached_or_nothing_is_estimated() -> None:
    needed = clips_needed(points((4, 0.8, 0.9), (8, 0.9, 0.94)), target=0.95)
    assert (needed.training_size, needed.status) == (None, "not reached with n = 8")
    assert (needed.low, needed.high, needed.largest) == (None, None, 8)
    needed = clips_needed(points((4, np.nan, np.nan), (8, np.nan, np.nan)), target=0.95)
    assert needed.training_size is needed.low is needed.high is None and needed.largest == 8
    assert needed.status == "not estimated: fewer than 5 recordings of a class"


def test_few_recordings_cannot_show_a_high_target_however_many_clips_there_are() -> None:
    rows = (16, 0.9, 1.0), (19, 0.94, 1.0)
    for pairs, status in (
        (24, "0.95 cannot be shown with 24 recordings of a class, only with 36 or more"),
        (36, "not reached with n = 19"),
        (None, "not reached with n = 19"),
    ):
        assert clips_needed(points(*rows, pairs=pairs), target=0.95).status == status
    of_test_set = clips_needed(points(*rows, pairs=10, protocol="holdout"), target=0.95)
    assert of_test_set.status == (
        "0.95 cannot be shown with 10 test recordings of a class, only with 36 or more "
        "(HOLDOUT_PER_CLASS)"
    )
    # At their best 24 recordings show 0.929.
    assert clips_needed(points(*rows, pairs=24), target=0.92).training_size == 19
    never = clips_needed(points(*rows, pairs=24), target=1.0)
    assert never.status == "1 cannot be shown with any number of recordings"


def test_the_range_holds_the_size_needed_as_often_as_the_intervals_hold() -> None:
    """Independent intervals, the worst case: each size has its own chance to be wrong."""
    rng = np.random.default_rng(0)
    truth = np.array([0.85, 0.9, 0.93, 0.945, 0.955, 0.96, 0.965])
    sizes = [4, 8, 16, 32, 64, 128, 256]
    held = early = 0
    for _ in range(400):
        centre = truth + rng.normal(scale=0.01, size=len(truth))
        low, high = centre - 0.0196, centre + 0.0196
        needed = clips_needed(points(*zip(sizes, low, high, strict=True)), target=0.95)
        held += (needed.low or 999) <= 64 <= (needed.high or 999)
        early += (needed.training_size or 999) < 64
    assert held / 400 > 0.95 - 2 * np.sqrt(0.95 * 0.05 / 400)
    assert early > 0
