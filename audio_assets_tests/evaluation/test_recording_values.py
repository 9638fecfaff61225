from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.utils.class_weight import compute_sample_weight

from audio_assets.evaluation.intervals.recording_values import (
    KEYS,
    fold_pseudo_values,
    recording_values,
    recording_variances,
    variance_over_recordings,
)
from audio_assets.evaluation.scores import jackknifed_metrics
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.scores.metrics import resampled_metrics
from audio_assets.evaluation.scores.threshold_counts import label_units, without_each
from audio_assets.evaluation.splits.plan import make_split_plan


def area_under_precision(labels: Any, scores: Any, sample_weight: Any) -> float:
    """Integral over recall of precision along each step, in exact logarithms of its ends."""
    positives, area, before = sample_weight[labels == 1].sum(), 0.0, (0.0, 0.0)
    negatives = sample_weight[labels == 0].sum()
    for threshold in np.unique(scores)[::-1]:
        above = scores >= threshold
        t1 = sample_weight[above & (labels == 1)].sum() / positives
        f1 = sample_weight[above & (labels == 0)].sum() / negatives
        t0, f0 = before
        if t1 > t0:
            slope = (f1 - f0) / (t1 - t0)
            # Precision at the share x of the step is t / (t + f) there.
            whole, start = (1.0 + slope) * (t1 - t0), t0 + f0
            area += (t1 - t0) / (1.0 + slope)
            if start > 1e-9:
                area += (t0 - start / (1.0 + slope)) / (1.0 + slope) * np.log1p(whole / start)
        before = t1, f1
    return float(area)


def pseudo_values(labels: Any, scores: Any, units: Any, is_probability: bool) -> dict[str, Any]:
    probable = np.array([is_probability])
    found = fold_pseudo_values(labels, scores[None], units, is_probability=probable)
    return {metric: values[0] for metric, values in found.items()}


REFERENCES: dict[str, Callable[..., float]] = {
    "roc_auc": roc_auc_score,
    "average_precision": area_under_precision,
    "brier": brier_score_loss,
}


def results_of(clips: Any, **options: Any) -> FoldResults:
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, **options)
    return score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=(4,), head="logistic"
    )


@pytest.mark.slow
@settings(max_examples=100)
@given(st.integers(0, 10**6), st.integers(2, 6), st.integers(2, 6), st.booleans())
def test_pseudo_values_are_the_jackknife_of_the_metrics(
    seed: int, pos: int, neg: int, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    units = np.repeat(np.arange(pos + neg), rng.integers(3, 6, pos + neg))
    labels = (units < pos).astype(np.int64)
    scores = rng.random(len(labels))
    scores = np.round(scores, 1) if ties else scores
    found = pseudo_values(labels, scores, units, True)
    for metric, reference in REFERENCES.items():

        def value(kept: Any, reference: Callable[..., float] = reference) -> float:
            weights = compute_sample_weight("balanced", labels[kept])
            return float(reference(labels[kept], scores[kept], sample_weight=weights))

        whole = value(np.ones(len(labels), dtype=bool))
        for unit in range(pos + neg):
            count = pos if unit < pos else neg
            expected = count * whole - (count - 1) * value(units != unit)
            assert found[metric][unit] == pytest.approx(expected, abs=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6))
def test_what_a_size_gives_does_not_depend_on_the_other_sizes(
    seed: int, pos: int, neg: int
) -> None:
    rng = np.random.default_rng(seed)
    units = rng.permutation(np.repeat(np.arange(pos + neg), rng.integers(1, 6, pos + neg)))
    labels = (units < pos).astype(np.int64)
    # Without ties, with some, with nothing else; and one that is no probability.
    fine = rng.random(len(labels))
    scores = np.stack([fine, fine.round(1), np.full(len(labels), 0.5), rng.random(len(labels))])
    probable = np.array([True, True, True, False])
    together = fold_pseudo_values(labels, scores, units, is_probability=probable)
    for place in range(len(scores)):
        alone = pseudo_values(labels, scores[place], units, bool(probable[place]))
        for metric, values in alone.items():
            np.testing.assert_array_equal(together[metric][place], values)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10**6), st.integers(5, 40), st.integers(5, 40), st.booleans())
def test_leaving_out_recordings_gives_the_bits_of_clips_that_count_zero_times(
    seed: int, pos: int, neg: int, ties: bool
) -> None:
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat([1, 0], [pos, neg]))
    # Few recordings, so that some hold both labels and some are alone in their class.
    units, positive = label_units(labels, rng.integers(0, rng.integers(1, 9), pos + neg))
    scores = rng.random((3, pos + neg))
    scores = scores.round(1) if ties else scores
    found = jackknifed_metrics.jackknifed_metrics(
        labels, scores, units, positive, is_probability=np.ones(3, dtype=bool)
    )
    times = without_each(units, len(positive))
    of_class = np.where(positive, positive.sum(), (~positive).sum())
    times[1:][of_class == 1] = 1
    for place, of_size in enumerate(scores):
        drawn = resampled_metrics(labels, of_size, times, is_probability=True)
        np.testing.assert_array_equal(found["roc_auc"][place], drawn["roc_auc"])
        np.testing.assert_array_equal(found["brier"][place], drawn["brier"])
        if jackknifed_metrics.has_enough_for_precision(labels, positive):
            precision = drawn["average_precision"]
            np.testing.assert_array_equal(found["average_precision"][place], precision)
        else:
            assert np.isnan(found["average_precision"][place]).all()


def test_many_sizes_of_a_large_fold_are_worked_out_some_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(0)
    units = np.arange(24) // 2
    labels, scores = (units < 6).astype(np.int64), rng.random((5, 24))
    probable = np.ones(5, dtype=bool)
    whole = fold_pseudo_values(labels, scores, units, is_probability=probable)
    monkeypatch.setattr(jackknifed_metrics, "_NUMBERS_AT_ONCE", 2 * 24 * 13)
    parts = fold_pseudo_values(labels, scores, units, is_probability=probable)
    np.testing.assert_array_equal(parts["average_precision"], whole["average_precision"])


def test_the_order_of_the_rows_and_clips_that_differ_between_sizes_change_nothing(
    simulated: Callable[..., Any],
) -> None:
    predictions = results_of(simulated(12, 12)).predictions
    keys = ["training_size", "metric", "label", "recording_id"]
    first = recording_values(predictions)
    again = recording_values(predictions.sample(frac=1, random_state=0))
    assert again.equals(first)
    # A size that lacks a recording is worked out by itself; the others stay as they are.
    lacking = predictions["recording_id"] == predictions["recording_id"].iloc[0]
    smaller = predictions["training_size"].min()
    fewer = predictions[~(lacking & (predictions["training_size"] == smaller))]
    both = recording_values(fewer).merge(first, on=keys)
    other = both[both["training_size"] != smaller]
    assert len(other) and other["value_x"].equals(other["value_y"])
    here = both[(both["training_size"] == smaller) & (both["metric"] == "roc_auc")]
    assert (here["value_x"] != here["value_y"]).any() and here["value_x"].isna().sum() == 1


def test_a_recording_alone_in_its_fold_has_the_folds_value() -> None:
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1])
    found = pseudo_values(labels, scores, np.array([0, 0, 1, 2]), True)
    assert found["roc_auc"][0] == 0.75
    np.testing.assert_allclose(found["roc_auc"][1:], [0.5, 1.0])


def test_a_metric_that_is_undefined_has_no_pseudo_values() -> None:
    labels, scores = np.array([1, 1, 0, 0]), np.array([0.9, 0.4, 0.5, 0.1])
    found = pseudo_values(labels, scores, np.arange(4), False)
    assert np.isnan(found["brier"]).all() and np.isfinite(found["roc_auc"]).all()
    alone = pseudo_values(np.ones(3, np.int64), scores[:3], np.arange(3), True)
    assert all(np.isnan(values).all() for values in alone.values())


def test_their_mean_is_the_mean_over_folds(simulated: Callable[..., Any]) -> None:
    # Exactly so for ROC-AUC where every fold holds as many recordings, all of equal length.
    results = results_of(simulated(15, 15))
    values = recording_values(results.predictions).query("metric == 'roc_auc'")
    scores = results.scores.query("metric == 'roc_auc'")
    for (size, _), of_class in values.groupby(["training_size", "label"]):
        mean = scores.loc[scores["training_size"] == size, "value"].mean()
        assert len(of_class) == 15 and of_class["value"].mean() == pytest.approx(mean)


def test_the_variance_is_that_of_two_independent_means() -> None:
    rng = np.random.default_rng(0)
    pos, neg = rng.normal(size=12), 3 * rng.normal(size=20)
    labels = np.repeat(["pos", "neg"], [12, 20])
    names = np.arange(32).astype(str)
    found = variance_over_recordings(np.r_[pos, neg], labels, names)
    parts = np.array([pos.var(ddof=1) / 12, neg.var(ddof=1) / 20])
    assert found.variance == pytest.approx(parts.sum())
    assert found.degrees == pytest.approx(parts.sum() ** 2 / (parts**2 / [11, 19]).sum())


def test_a_recording_of_both_labels_pulls_with_both() -> None:
    values = np.random.default_rng(0).normal(size=12)
    labels, names = np.repeat(["pos", "neg"], 12), np.tile(np.arange(12).astype(str), 2)
    apart = variance_over_recordings(np.r_[values, values], labels, np.arange(24).astype(str))
    together = variance_over_recordings(np.r_[values, values], labels, names)
    against = variance_over_recordings(np.r_[values, -values], labels, names)
    assert together.variance == pytest.approx(2 * apart.variance)
    assert against.variance == pytest.approx(0.0, abs=1e-15)


@pytest.mark.parametrize("seed", range(5))
def test_recordings_of_both_labels_give_no_more_degrees_than_there_are_recordings(
    seed: int,
) -> None:
    values = np.random.default_rng(seed).normal(size=10)
    values[5:] = values[:5]
    labels, names = np.repeat(["pos", "neg"], 5), np.tile(np.arange(5).astype(str), 2)
    assert variance_over_recordings(values, labels, np.arange(10).astype(str)).degrees > 7.9
    assert variance_over_recordings(values, labels, names).degrees == 4.0


def test_what_repeats_differ_by_is_that_of_the_means_over_repeats(
    simulated: Callable[..., Any],
) -> None:
    predictions = results_of(simulated(12, 12), repeats=3).predictions
    both = recording_values(predictions)
    assert list(both.columns) == [*KEYS, "value", "between_repeats"]
    alone = [recording_values(of_repeat) for _, of_repeat in predictions.groupby("repeat")]
    assert all((one["between_repeats"] == 0.0).all() for one in alone)
    values = np.stack([one["value"].to_numpy() for one in alone])
    within = both["metric"] != "recall_at_precision_90"
    expected = (values.var(axis=0, ddof=1) / 3)[within]
    np.testing.assert_allclose(both.loc[within, "between_repeats"], expected)
    auc = both[(both["metric"] == "roc_auc") & (both["training_size"] == 4)]
    assert (both.loc[~within, "between_repeats"] == 0.0).all()
    of_classes = auc.groupby("label")["between_repeats"].mean() / 12
    found = recording_variances(both)[4, "roc_auc"]
    assert found.between_repeats == pytest.approx(of_classes.sum())
    assert recording_variances(both.drop(columns="between_repeats"))[4, "roc_auc"] == replace(
        found, between_repeats=0.0
    )


def test_of_a_fixed_score_it_is_what_the_jackknife_has_too_much() -> None:
    # Recordings of one clip and random scores. Which of two is higher has a variance of 1/4, of
    # which 1/12 comes from each of them and 1/12 from both together.
    rng = np.random.default_rng(0)
    labels, names = np.repeat([1, 0], 10), np.arange(20).astype(str)
    found = []
    for number in range(150):
        plan = make_split_plan(labels, names, keys=names, seed=number)
        results = score_folds(
            rng.random((20, 2)) + 1,
            labels,
            names,
            plan,
            sizes=(0,),
            also_largest=False,
            head="logistic",
            class_scores=rng.random(20),
        )
        one = recording_variances(recording_values(results.predictions))[0, "roc_auc"]
        in_fold = plan.folds[:, None, :] == np.arange(5)[:, None]
        weights = np.einsum("rki,rkj->ij", in_fold[..., :10] / 2, in_fold[..., 10:] / 2) / 25
        truth = (2 / 10 + (weights**2).sum()) / 12
        found.append((truth, one.variance, one.between_repeats))
    truth, variance, between = np.mean(found, axis=0)
    assert variance > 1.1 * truth
    assert variance - between == pytest.approx(truth, rel=0.05)


def test_a_class_of_one_recording_has_no_variance() -> None:
    found = variance_over_recordings(np.arange(3.0), np.array(["pos", "neg", "neg"]), np.arange(3))
    assert np.isnan(found.variance)


def test_other_names_and_another_order_change_no_bit(simulated: Callable[..., Any]) -> None:
    predictions = results_of(simulated(12, 12)).predictions
    first = recording_variances(recording_values(predictions))
    other = predictions.sample(frac=1.0, random_state=0)
    other = other.assign(recording_id=other["recording_id"].str[::-1] + "x")
    for key, variance in recording_variances(recording_values(other)).items():
        np.testing.assert_array_equal(
            (variance.variance, variance.degrees), (first[key].variance, first[key].degrees)
        )
