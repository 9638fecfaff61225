from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import chi2
from scipy.stats import t as student

from audio_assets.evaluation.intervals.fold_means import (
    Estimate,
    count_distinct_folds,
    estimate,
    logit_interval,
    recording_bound,
    recordings_to_show,
)
from audio_assets.evaluation.intervals.recording_values import RecordingVariance
from audio_assets.evaluation.scores.metrics import CHANCE
from audio_assets.evaluation.splits.recordings import RecordingCounts

MANY = RecordingCounts(40, 40, 80)
FOLDS = [f"p{i}-n{i}" for i in range(25)]


def of(
    values: Any,
    *,
    folds: Any = None,
    recordings: RecordingCounts = MANY,
    variance: float = 4e-4,
    trained: bool = True,
    chance: float = 0.5,
) -> Estimate:
    values = np.asarray(values, dtype=float)
    return estimate(
        values,
        folds or FOLDS[: len(values)],
        ["" if np.isfinite(v) else "the test fold has no positive clips" for v in values],
        n_folds=5 if len(values) % 5 == 0 else len(values),
        tested=RecordingVariance(variance, 60.0),
        recordings=recordings,
        ci_level=0.95,
        trained=trained,
        chance=chance,
    )


def ends(mean: float, error: float, degrees: float = 60.0) -> Any:
    half = student.ppf(0.975, degrees) * error / (mean * (1 - mean))
    return pytest.approx((expit(logit(mean) - half), expit(logit(mean) + half)))


def test_the_interval_joins_tested_and_trained_recordings_and_what_the_draws_leave() -> None:
    values = np.random.default_rng(0).uniform(0.7, 0.9, 25)
    m, of_repeats = values.mean(), values.reshape(5, 5).mean(axis=1).var(ddof=1)
    variance = 4e-4 + 2 * np.sqrt(m * (1 - m)) * 4e-4 + of_repeats / 5
    assert 5 * of_repeats > 2 * np.sqrt(m * (1 - m)) * 4e-4
    result = of(values)
    assert result.mean == pytest.approx(m) and result.status == "ok"
    assert (result.low, result.high) == ends(m, np.sqrt(variance))
    assert result.method == "recording_t"


def test_training_counts_no_more_than_one_classifier_varies() -> None:
    values = np.tile([0.7, 0.75, 0.8, 0.85, 0.9], (5, 1)) + np.linspace(-1e-3, 1e-3, 5)[:, None]
    of_repeats = values.mean(axis=1).var(ddof=1)
    result = of(values.ravel())
    assert (result.low, result.high) == ends(0.8, np.sqrt(4e-4 + 5 * of_repeats + of_repeats / 5))


def test_one_repeat_takes_what_its_folds_vary_beyond_the_recordings() -> None:
    values = np.array([0.7, 0.75, 0.8, 0.85, 0.9])
    result = of(values)
    draws = values.var(ddof=1) / 5 - 4e-4
    assert (result.low, result.high) == ends(0.8, np.sqrt(4e-4 + 0.8 * 4e-4 + draws))


def test_training_of_one_repeat_counts_no_more_than_its_folds_may_vary() -> None:
    steps = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    # Of 5 folds the variance is, with 90 % confidence, at most 3.76 times as much as is seen.
    for step, trained in ((0.04, 0.8 * 4e-4), (0.017, None), (0.001, 0.0)):
        values = 0.8 + step * steps
        seen = values.var(ddof=1) / 5
        if trained is None:
            trained = seen * 4 / chi2.ppf(0.1, 4) - 4e-4
            assert 0.0 < trained < 0.8 * 4e-4
        result = of(values)
        draws = max(seen - 4e-4, 0.0)
        assert (result.low, result.high) == ends(0.8, np.sqrt(4e-4 + trained + draws))


def test_two_folds_say_next_to_nothing_of_how_folds_vary() -> None:
    result = of([0.79, 0.81])
    assert (result.low, result.high) == ends(0.8, np.sqrt(4e-4 + 0.8 * 4e-4))


def test_where_nothing_is_trained_the_tested_recordings_are_all() -> None:
    result = of(np.random.default_rng(0).uniform(0.7, 0.9, 25), trained=False)
    assert (result.low, result.high) == ends(result.mean, 0.02)


@pytest.mark.parametrize(("between", "left"), [(1e-4, 3e-4), (1e-3, 2e-4)])
def test_what_partners_in_a_fold_do_counts_once_where_nothing_is_trained(
    between: float, left: float
) -> None:
    values = np.random.default_rng(0).uniform(0.7, 0.9, 25)
    tested = RecordingVariance(4e-4, 60.0, between)
    result = estimate(
        values,
        FOLDS,
        [""] * 25,
        n_folds=5,
        tested=tested,
        recordings=MANY,
        ci_level=0.95,
        trained=False,
    )
    assert (result.low, result.high) == ends(result.mean, np.sqrt(left))
    trained = of(values)
    again = estimate(
        values, FOLDS, [""] * 25, n_folds=5, tested=tested, recordings=MANY, ci_level=0.95
    )
    assert (again.low, again.high) == (trained.low, trained.high)


@settings(max_examples=300)
@given(st.integers(5, 200), st.floats(0.01, 1.0), st.floats(0.01, 1.0), st.floats(0.5, 0.999))
def test_the_lower_end_never_falls_when_the_mean_rises_to_perfect_separation(
    n: int, one: float, two: float, level: float
) -> None:
    counts = RecordingCounts(n, n, 2 * n)
    lower, upper = sorted((1.0 - one / 100, 1.0 - two / 100))
    at = [logit_interval(mean, 1e-9, counts, level)[0] for mean in (lower, upper)]
    perfect = recording_bound(1.0, counts, level)
    assert at[0] <= at[1] <= perfect[0] and perfect[1] == 1.0
    mirrored = [logit_interval(1.0 - mean, 1e-9, counts, level)[1] for mean in (lower, upper)]
    assert mirrored == pytest.approx([1.0 - end for end in at])
    assert recording_bound(0.0, counts, level)[1] == pytest.approx(1.0 - perfect[0])


def test_a_target_can_be_shown_from_the_number_of_recordings_on_that_is_told() -> None:
    assert recordings_to_show(0.95, 0.95) == 36
    for target in (0.6, 0.9, 0.95, 0.99):
        n = recordings_to_show(target, 0.95)
        assert n is not None
        enough, fewer = RecordingCounts(n, n, 2 * n), RecordingCounts(n - 1, n - 1, 2 * n - 2)
        assert recording_bound(1.0, enough, 0.95)[0] >= target
        assert n == 1 or recording_bound(1.0, fewer, 0.95)[0] < target
    assert recordings_to_show(1.0, 0.95) is None and recordings_to_show(0.5, 0.95) == 1


def test_recordings_that_were_not_seen_are_scored_at_the_chance_of_the_metric() -> None:
    counts, share = RecordingCounts(20, 20, 40), 1 - 0.025 ** (1 / 20)
    for metric, chance in CHANCE.items():
        low, high = logit_interval(0.4, 1e-9, counts, 0.95, chance)
        reached = 0.4 - share * (0.4 - chance)
        assert (high if chance > 0.4 else low) == pytest.approx(reached), metric


@pytest.mark.parametrize("mean", [0.02, 0.98])
def test_there_is_room_for_a_kind_of_recordings_that_was_not_seen(mean: float) -> None:
    # A share of recordings that is absent from 20 with probability 0.025, scored at chance.
    share = 1 - 0.025 ** (1 / 20)
    values = mean + 1e-4 * np.tile([-1.0, 1.0, 0.0, 0.0, 0.0], 5)
    result = of(values, recordings=RecordingCounts(20, 30, 50), variance=1e-9)
    reached = result.low if mean > 0.5 else result.high
    assert reached == pytest.approx((1 - share) * mean + share * 0.5)
    assert abs((result.low + result.high - reached) - mean) < 1e-3


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
        counts = RecordingCounts(n, n + 3, 2 * n + 3)
        result = of(np.full(25, value), recordings=counts, variance=0.0)
        assert result.method == "recording_bound"
        assert 0.0 <= result.low <= value <= result.high <= 1.0
        widths.append(result.high - result.low)
    assert widths == sorted(widths, reverse=True) and widths[-1] > 0.009


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
    assert result.low == pytest.approx(0.5 + 0.025 ** (1 / 12) / 2) and result.high == 1.0
    # Recordings that hold both labels can not be paired with themselves.
    shared = of(np.ones(25), recordings=RecordingCounts(12, 12, 12))
    assert shared.low == pytest.approx(0.5 + 0.025 ** (1 / 6) / 2)


def test_the_bound_covers_in_the_worst_case_it_is_made_for() -> None:
    # A share q of positive recordings scores at chance: AUC = 1 - q / 2.
    rng = np.random.default_rng(0)
    for n in (5, 12, 40):
        bound = of(np.ones(25), recordings=RecordingCounts(n, n, 2 * n)).low
        q = 2 * (1 - bound) + 1e-3
        perfect = (rng.random((20_000, n)) >= q).all(axis=1)
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


def test_undefined_folds_leave_no_mean_and_no_interval() -> None:
    # The mean of the others would be one of folds that are easier.
    result = of([0.8, np.nan, 0.6, np.nan])
    assert np.isnan(result.mean) and np.isnan(result.low) and np.isnan(result.high)
    assert result.status == "undefined in 2 of 4 folds: the test fold has no positive clips"
    assert np.isnan(of([np.nan, np.nan]).mean)


def test_a_recall_of_0_has_no_interval_and_an_auc_of_0_has_one() -> None:
    assert np.isfinite(of(np.zeros(25)).high)
    result = of(np.zeros(25), chance=0.0)
    assert result.mean == 0.0 and np.isnan(result.low) and np.isnan(result.high)
    assert result.status == "no clip of a tested fold reached a threshold with a precision of 0.9"


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
