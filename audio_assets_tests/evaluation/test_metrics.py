import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score

from audio_assets.evaluation.metrics import score_fold

# Few values, so that ties are common, or any, so that some differ in their last bits alone.
score_values = st.one_of(st.integers(0, 12).map(lambda k: k / 12), st.floats(0.0, 1.0))
pairs = st.lists(st.tuples(st.integers(0, 1), score_values), min_size=2, max_size=80).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@settings(max_examples=150)
@given(pairs)
def test_auc_precision_recall_and_brier_equal_scikit_learn_with_balanced_weights(
    rows: list[tuple[int, float]],
) -> None:
    labels, scores = (np.array(column) for column in zip(*rows, strict=True))
    weights = np.where(labels == 1, 0.5 / labels.sum(), 0.5 / (1 - labels).sum())
    mine = score_fold(labels, scores, is_probability=True)
    auc = roc_auc_score(labels, scores, sample_weight=weights)
    assert mine["roc_auc"][0] == pytest.approx(auc, abs=1e-12)
    assert mine["roc_auc"][0] == pytest.approx(roc_auc_score(labels, scores), abs=1e-12)
    precision = average_precision_score(labels, scores, sample_weight=weights)
    assert mine["average_precision"][0] == pytest.approx(precision, abs=1e-12)
    assert mine["brier"][0] == pytest.approx(np.sum(weights * (scores - labels) ** 2), abs=1e-12)
    recall, reason = mine["recall_at_precision_90"]
    if labels.sum() < 10:
        assert np.isnan(recall) and "fewer than 10 positive" in reason
    else:
        p, r, _ = precision_recall_curve(labels, scores, sample_weight=weights)
        assert recall == pytest.approx(r[p >= 0.9 - 1e-12].max(), abs=1e-12)


def test_values_of_a_fold_counted_by_hand() -> None:
    labels = np.array([1, 1, 0, 1, 0, 0])
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.6, 0.1])
    values = score_fold(labels, scores, is_probability=True)
    # Of 9 pairs 7 are in order and one is tied.
    assert values["roc_auc"] == (7.5 / 9, "")
    # Steps of 1/3 in recall at balanced precision 1, 1 and 1 / (1 + 2/3).
    assert values["average_precision"][0] == pytest.approx((1 + 1 + 0.6) / 3, abs=1e-15)


def test_a_precision_of_just_ninety_percent_counts() -> None:
    # 9 of 10 positives above 1 of 10 negatives is a balanced precision of exactly 0.9.
    labels = np.repeat([1, 0, 1, 0], [9, 1, 1, 9])
    scores = np.repeat([3.0, 3.0, 1.0, 2.0], [9, 1, 1, 9])
    assert score_fold(labels, scores, is_probability=False)["recall_at_precision_90"] == (0.9, "")
    low = np.where(labels == 0, 4.0, scores)
    assert score_fold(labels, low, is_probability=False)["recall_at_precision_90"] == (0.0, "")


def test_brier_is_undefined_for_scores_that_are_no_probabilities() -> None:
    value, reason = score_fold(np.array([0, 1]), np.array([-3.0, 2.0]), is_probability=False)[
        "brier"
    ]
    assert np.isnan(value) and reason == "the scores are not probabilities"


@pytest.mark.parametrize(
    ("labels", "lacking"),
    [([1, 1], "no negative"), ([0], "no positive"), ([], "no positive and no negative")],
)
def test_a_fold_with_one_class_defines_nothing(labels: list[int], lacking: str) -> None:
    scores = np.linspace(0.1, 0.9, len(labels))
    for value, reason in score_fold(np.array(labels), scores, is_probability=True).values():
        assert np.isnan(value) and reason == f"the test fold has {lacking} clips"


def test_scores_that_are_not_finite_or_no_probabilities_are_refused() -> None:
    with pytest.raises(ValueError, match="finite"):
        score_fold(np.array([0, 1]), np.array([0.0, np.nan]), is_probability=False)
    with pytest.raises(ValueError, match="0 to 1"):
        score_fold(np.array([0, 1]), np.array([0.0, 1.5]), is_probability=True)
