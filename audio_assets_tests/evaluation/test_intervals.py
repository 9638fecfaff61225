from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import t as student

from audio_assets.evaluation.intervals import Estimate, count_distinct_folds, estimate
from audio_assets.evaluation.recording_values import RecordingVariance
from audio_assets.evaluation.recordings import RecordingCounts

MANY = RecordingCounts(40, 40, 80)
FOLDS = [f"p{i}-n{i}" for i in range(25)]


def of(
    values: Any,
    *,
    folds: Any = None,
    recordings: RecordingCounts = MANY,
    variance: float = 4e-4,
) -> Estimate:
    values = np.asarray(values, dtype=float)
    return estimate(
        values,
        folds or FOLDS[: len(values)],
        ["" if np.isfinite(v) else "the test fold has no positive clips" for v in values],
        n_folds=5,
        tested=RecordingVariance(variance, 60.0),
        recordings=recordings,
        ci_level=0.95,
    )


def test_the_interval_is_the_formula() -> None:
    values = np.random.default_rng(0).uniform(0.7, 0.9, 25)
    m, s = values.mean(), values.std(ddof=1)
    error = np.sqrt((s**2 * (1 / 25 + 1 / 4) + 2 * 4e-4) / 2)
    half = student.ppf(0.975, 60) * error / (m * (1 - m))
    result = of(values)
    assert result.mean == pytest.approx(m) and result.status == "ok"
    assert (result.low, result.high) == pytest.approx(
        (expit(logit(m) - half), expit(logit(m) + half))
    )
    assert result.method == "recording_t"


@pytest.mark.parametrize("mean", [0.02, 0.98])
def test_there_is_room_for_a_kind_of_recordings_that_was_not_seen(mean: float) -> None:
    # A share of recordings that is absent from 20 with probability 0.025, scored at chance.
    share = 1 - 0.025 ** (1 / 20)
    values = mean + 1e-4 * np.tile([-1.0, 1.0, 0.0, 0.0, 0.0], 5)
    result = of(values, recordings=RecordingCounts(20, 30, 50), variance=1e-9)
    reached = result.low if mean > 0.5 else result.high
    assert reached == pytest.approx((1 - share) * mean + share * 0.5)
    assert abs((result.low + result.high - reached) - mean) < 1e-3


def test_folds_that_repeats_share_count_once() -> None:
    values = np.random.default_rng(0).uniform(0.7, 0.9, 3)
    repeated = of(np.tile(values, 5), folds=FOLDS[:3] * 5)
    assert repeated.distinct_folds == 3
    once = of(values)
    assert (repeated.low, repeated.high) == pytest.approx((once.low, once.high))


def test_folds_are_counted_in_the_class_in_which_fewer_differ() -> None:
    assert count_distinct_folds([f"p{i % 5}-n{i}" for i in range(25)]) == 5
    assert count_distinct_folds(FOLDS) == 25


@settings(max_examples=200)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=2, max_size=25),
    st.integers(5, 80),
    st.integers(5, 80),
    st.integers(0, 5),
    st.floats(0.0, 0.25),
)
def test_the_interval_holds_its_mean_lies_in_0_to_1_and_has_a_width(
    values: list[float], pos: int, neg: int, shared: int, variance: float
) -> None:
    counts = RecordingCounts(pos, neg, max(pos + neg - shared, pos, neg))
    result = of(values, recordings=counts, variance=variance)
    assert 0.0 <= result.low <= result.mean <= result.high <= 1.0
    assert result.low < result.high


@pytest.mark.parametrize("value", [0.0, 0.3, 0.5, 1.0])
def test_equal_folds_are_bounded_by_the_number_of_recordings(value: float) -> None:
    widths = []
    for n in (5, 12, 40, 200):
        result = of(np.full(25, value), recordings=RecordingCounts(n, n + 3, 2 * n + 3))
        assert result.method == "recording_bound"
        assert 0.0 <= result.low <= value <= result.high <= 1.0
        widths.append(result.high - result.low)
    assert widths == sorted(widths, reverse=True) and widths[-1] > 0.01


def test_some_perfect_folds_keep_the_t_with_both_ends_inside() -> None:
    values = np.ones(25)
    values[:3] = 0.9
    result = of(values, variance=3e-5)
    assert result.method == "recording_t"
    assert 0.75 < result.low < values.mean() < result.high < 1.0
    # A single fold a hair below 1 is no certainty either.
    values = np.ones(25)
    values[0] = 0.999
    result = of(values, variance=1e-9)
    assert result.method == "recording_t" and result.low < 0.9999 < result.mean < result.high


def test_perfect_folds_are_bounded_as_in_the_docstring() -> None:
    result = of(np.ones(25), recordings=RecordingCounts(12, 30, 42))
    assert result.low == pytest.approx(0.025 ** (1 / 12)) and result.high == 1.0
    # Recordings that hold both labels can not be paired with themselves.
    shared = of(np.ones(25), recordings=RecordingCounts(12, 12, 12))
    assert shared.low == pytest.approx(0.025 ** (1 / 6))


def test_the_bound_covers_in_the_worst_case_it_is_made_for() -> None:
    # A share q of positive recordings scores below all negatives: AUC = 1 - q.
    rng = np.random.default_rng(0)
    for n in (5, 12, 40):
        bound = of(np.ones(25), recordings=RecordingCounts(n, n, 2 * n)).low
        auc = bound - 1e-3
        perfect = (rng.random((20_000, n)) < auc).all(axis=1)
        assert perfect.mean() < 0.025 + 3 * np.sqrt(0.025 / 20_000)
        assert perfect.mean() > 0.025 * 0.6


@pytest.mark.parametrize(
    ("pos", "neg", "status"),
    [
        (3, 6, "fewer than 5 recordings of a class, 3 positive and 6 negative"),
        (7, 40, "ok: warning: fewer than 10 recordings of a class, 7 positive and 40 negative"),
        (10, 10, "ok"),
    ],
)
def test_few_recordings_have_no_interval_or_a_warning(pos: int, neg: int, status: str) -> None:
    result = of(np.linspace(0.6, 0.9, 25), recordings=RecordingCounts(pos, neg, pos + neg))
    assert result.status == status
    assert np.isnan(result.low) == np.isnan(result.high) == (not status.startswith("ok"))
    assert result.mean == pytest.approx(0.75)


def test_undefined_folds_leave_the_mean_of_the_others_and_no_interval() -> None:
    result = of([0.8, np.nan, 0.6, np.nan])
    assert result.mean == pytest.approx(0.7) and np.isnan(result.low)
    assert result.status == "undefined in 2 of 4 folds: the test fold has no positive clips"
    assert np.isnan(of([np.nan, np.nan]).mean)


def test_one_distinct_fold_has_no_interval() -> None:
    result = of([0.8, 0.7], folds=["p-n", "p-n"])
    assert np.isnan(result.low) and result.status == "fewer than 2 distinct test folds"


def test_a_level_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ValueError, match="ci_level"):
        estimate(
            np.ones(2),
            FOLDS[:2],
            ["", ""],
            n_folds=2,
            tested=RecordingVariance(1e-3, 9.0),
            recordings=MANY,
            ci_level=95,
        )
