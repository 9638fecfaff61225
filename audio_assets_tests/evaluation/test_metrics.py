import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from sklearn.metrics import brier_score_loss, roc_auc_score

from audio_assets.evaluation.scores.metric_formulas import (
    average_precision,
    doubled_pairs_by_clip,
    doubled_pairs_in_order,
    roc_auc,
)
from audio_assets.evaluation.scores.metrics import (
    CHANCE,
    resampled_metrics,
    score_fold,
    score_repeat,
)
from audio_assets.evaluation.scores.recall import ScoredFold
from audio_assets.evaluation.scores.threshold_counts import count_above, rank
from audio_assets.tables import METRICS

# Few values, so that ties are common, or any, so that some differ in their last bits alone.
score_values = st.one_of(st.integers(0, 12).map(lambda k: k / 12), st.floats(0.0, 1.0))
pairs = st.lists(st.tuples(st.integers(0, 1), score_values), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


def columns(rows: list[tuple[int, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    return labels, scores, np.ones(len(labels), dtype=np.int64)


@settings(max_examples=150)
@given(pairs)
def test_auc_and_brier_equal_scikit_learn_with_balanced_weights(
    rows: list[tuple[int, float]],
) -> None:
    labels, scores, _ = columns(rows)
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    mine = score_fold(labels, scores, is_probability=True)
    auc = roc_auc_score(labels, scores, sample_weight=weights)
    assert mine["roc_auc"][0] == pytest.approx(auc, abs=1e-12)
    assert mine["roc_auc"][0] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    assert mine["brier"][0] == pytest.approx(np.sum(weights * (scores - labels) ** 2), abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(pairs)
def test_average_precision_is_the_area_under_precision_along_straight_lines_of_the_roc_curve(
    rows: list[tuple[int, float]],
) -> None:
    labels, scores, once = columns(rows)
    pos, neg = labels.sum(), (1 - labels).sum()
    area, before = 0.0, (0.0, 0.0)
    for threshold in np.unique(scores)[::-1]:
        above = scores >= threshold
        after = (labels[above].sum() / pos, (1 - labels[above]).sum() / neg)
        (t0, f0), (t1, f1) = before, after
        if t1 > t0:

            def precision(t: float, t0: float = t0, f0: float = f0, t1: float = t1,
                          f1: float = f1) -> float:  # fmt: skip
                return t / (t + f0 + (f1 - f0) * (t - t0) / (t1 - t0)) if t > 0 else 0.0

            area += quad(precision, t0, t1)[0]
        before = after
    found = float(average_precision(count_above(labels, scores, once).steps()))
    assert found == pytest.approx(area, abs=1e-6)


def test_values_of_a_fold_counted_by_hand() -> None:
    labels = np.array([1, 1, 0, 1, 0, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.1])
    once = np.ones(6, dtype=np.int64)
    steps = count_above(labels, scores, once).steps()
    # Of 9 pairs 7 are in order and one is tied.
    assert float(roc_auc(doubled_pairs_in_order(steps), steps.pairs)) == 7.5 / 9
    # Two thirds of recall at precision 1; then t / (2 t - 1/3), both rates rising alike.
    rest = (1 / 3) / 2 + (1 / 12) * np.log((5 / 3) / 1)
    assert float(average_precision(steps)) == pytest.approx(2 / 3 + rest, abs=1e-12)


@settings(max_examples=100)
@given(pairs)
def test_the_pairs_of_the_clips_of_either_class_are_all_pairs_in_order(
    rows: list[tuple[int, float]],
) -> None:
    labels, scores, once = columns(rows)
    side = np.sign(scores[:, None] - scores) * np.sign(labels[:, None] - labels)
    in_order = np.where(labels[:, None] != labels, 1 + side, 0).sum(axis=1)
    # Beside another size without ties, whose clips have no others of equal scores.
    ranking = rank(np.stack([scores, np.arange(len(labels)) / 7]))
    found = doubled_pairs_by_clip(labels, ranking)[0]
    np.testing.assert_array_equal(found, in_order)
    total = int(doubled_pairs_in_order(count_above(labels, scores, once).steps()))
    assert found[labels == 1].sum() == found[labels == 0].sum() == total


@settings(max_examples=60)
@given(pairs, st.integers(0, 10**6))
def test_resampled_clips_have_the_auc_and_brier_score_of_scikit_learn(
    rows: list[tuple[int, float]], seed: int
) -> None:
    labels, scores, _ = columns(rows)
    times = np.random.default_rng(seed).integers(0, 4, (3, len(labels)))
    times[:, labels.argmax()] += 1
    times[:, labels.argmin()] += 1
    found = resampled_metrics(labels, scores, times, is_probability=True)
    for place, of_draw in enumerate(times):
        auc = roc_auc_score(labels, scores, sample_weight=of_draw)
        weights = of_draw / np.where(labels == 1, of_draw @ labels, of_draw @ (1 - labels)) / 2
        error = brier_score_loss(labels, scores, sample_weight=weights)
        assert found["roc_auc"][place] == pytest.approx(auc, abs=1e-12)
        assert found["brier"][place] == pytest.approx(error, abs=1e-12)


def test_perfect_separation_is_one_to_the_last_bit() -> None:
    for pos, neg in ((5, 7), (7, 30), (49, 11)):
        labels = np.repeat([1, 0], [pos, neg])
        scores = np.r_[np.linspace(0.6, 0.9, pos), np.linspace(0.1, 0.4, neg)]
        values = score_fold(labels, scores, is_probability=False)
        assert values["roc_auc"][0] == values["average_precision"][0] == 1.0


@pytest.mark.parametrize(("pos", "neg"), [(5, 5), (10, 10), (5, 20), (20, 5), (30, 30)])
def test_average_precision_without_skill_is_a_half_in_folds_of_any_size(pos: int, neg: int) -> None:
    # The usual sum gives 0.61 at 5 + 5, 0.57 at 10 + 10 and 0.53 at 30 + 30.
    rng = np.random.default_rng(0)
    labels = np.repeat([1, 0], [pos, neg])
    found = [
        score_fold(labels, rng.random(pos + neg), is_probability=False)["average_precision"][0]
        for _ in range(1500)
    ]
    assert abs(np.mean(found) - CHANCE["average_precision"]) < 0.04


def test_a_fold_of_few_clips_has_no_average_precision() -> None:
    labels = np.repeat([1, 0], [5, 4])
    value, reason = score_fold(labels, np.arange(9.0), is_probability=False)["average_precision"]
    assert np.isnan(value) and reason == (
        "the test fold has fewer than 5 clips, or 2 recordings, of a class"
    )


def test_a_fold_of_one_recording_of_a_class_has_no_average_precision() -> None:
    # The jackknife takes no bias off there: 5 + 5 recordings of 10 clips without skill gave 0.59.
    labels, scores = np.repeat([1, 0], 10), np.random.default_rng(0).random(20)
    for recordings, defined in (
        (np.repeat(["a", "b"], 10), False),
        (np.r_[np.repeat("a", 10), np.repeat(["b", "c"], 5)], False),
        (np.repeat(["a", "b", "c", "d"], 5), True),
    ):
        found = score_fold(labels, scores, recordings, is_probability=False)["average_precision"]
        assert (found[1] == "") == defined


def test_the_order_of_the_rows_changes_no_bit() -> None:
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 2, 60)
    scores, recordings = rng.random(60).round(1), rng.integers(0, 9, 60)
    first = score_fold(labels, scores, recordings, is_probability=True)
    for _ in range(20):
        order = rng.permutation(60)
        again = score_fold(labels[order], scores[order], recordings[order], is_probability=True)
        assert again == first


def test_brier_is_undefined_for_scores_that_are_no_probabilities() -> None:
    value, reason = score_fold(np.array([0, 1]), np.array([-3.0, 2.0]), is_probability=False)[
        "brier"
    ]
    assert np.isnan(value) and reason == "the scores are not probabilities"


@pytest.mark.parametrize("clips", [4096, 8191, 8192, 16384, 40000])
def test_brier_holds_in_large_folds(clips: int) -> None:
    labels = np.repeat([1, 0], clips)
    scores = np.repeat([0.3, 0.7], clips)
    once = np.ones((1, 2 * clips), dtype=np.int64)
    drawn = resampled_metrics(labels, scores, once, is_probability=True)["brier"]
    whole = score_fold(labels, scores, labels, is_probability=True)["brier"][0]
    np.testing.assert_allclose([*drawn, whole], [0.49, 0.49], rtol=1e-9)


@pytest.mark.parametrize(
    ("labels", "lacking"),
    [([1, 1], "no negative"), ([0], "no positive"), ([], "no positive and no negative")],
)
def test_a_fold_with_one_class_defines_nothing(labels: list[int], lacking: str) -> None:
    scores = np.linspace(0.1, 0.9, len(labels))
    other = ScoredFold(np.array([0, 1]), np.array([0.2, 0.8]), np.array(["a", "b"]))
    mine = ScoredFold(np.array(labels, dtype=np.int64), scores, np.array(["c"] * len(labels)))
    (values,) = score_repeat([[mine, other]], is_probability=[True])
    assert list(values[0]) == list(METRICS)
    for value, reason in values[0].values():
        assert np.isnan(value) and reason == f"the test fold has {lacking} clips"
    assert values[1]["recall_at_precision_90"][1] == "another test fold lacks a class"


def test_a_size_has_the_metrics_of_its_own_scores() -> None:
    rng = np.random.default_rng(0)
    labels, names = np.tile([0, 1], 12), np.repeat(np.arange(12).astype(str), 2)
    sizes = [[ScoredFold(labels, rng.random(24).round(r), names) for _ in range(3)] for r in (1, 9)]
    together = score_repeat(sizes, is_probability=[True, False])
    assert together[0] == score_repeat(sizes[:1], is_probability=[True])[0]
    assert together[1] == score_repeat(sizes[1:], is_probability=[False])[0]
    assert together[1][0]["brier"][1] and not together[0][0]["brier"][1]
    once = score_fold(labels, sizes[1][2].scores, names, is_probability=False)
    assert once.items() <= together[1][2].items() | {("brier", once["brier"])}


def test_scores_that_are_not_finite_or_no_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        score_fold(np.array([0, 1]), np.array([0.0, np.nan]), is_probability=False)
    with pytest.raises(ValueError, match="0 to 1"):
        score_fold(np.array([0, 1]), np.array([0.0, 1.5]), is_probability=True)


@settings(max_examples=60)
@given(pairs, st.integers(0, 10**6))
def test_clips_that_are_drawn_often_count_as_often(
    rows: list[tuple[int, float]], seed: int
) -> None:
    labels, scores, _ = columns(rows)
    times = np.random.default_rng(seed).integers(0, 4, (3, len(labels)))
    times[:, labels.argmax()] += 1
    times[:, labels.argmin()] += 1
    found = resampled_metrics(labels, scores, times, is_probability=True)
    for place, of_draw in enumerate(times):
        written, drawn = np.repeat(labels, of_draw), np.repeat(scores, of_draw)
        once = np.ones((1, len(written)), dtype=np.int64)
        expected = resampled_metrics(written, drawn, once, is_probability=True)
        for metric in METRICS:
            assert found[metric][place] == pytest.approx(expected[metric][0], abs=1e-12), metric
