"""What is measured on a test fold, with class-balanced weights.

Each class has a total weight of 1/2 in the fold, so that values compare between folds and species
of different prevalence. A metric gives (value, ""), or (nan, reason) where it is not defined. How
folds are summarised belongs in :mod:`audio_assets.evaluation.learning_curve`.
"""

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import METRICS

MIN_POSITIVES_FOR_RECALL = 10

Value = tuple[float, str]


def score_fold(
    labels: NDArray[np.int64], scores: NDArray[np.float64], *, is_probability: bool
) -> dict[str, Value]:
    """All metrics of one test fold.

    Parameters
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    is_probability
        Whether ``scores`` are probabilities; the Brier score is undefined otherwise.

    Raises
    ------
    ValueError
        A score is NaN or infinite.
    """
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    pos, neg = int(np.sum(labels == 1)), int(np.sum(labels == 0))
    if pos == 0 or neg == 0:
        lacking = [w for w, count in (("positive", pos), ("negative", neg)) if count == 0]
        reason = f"the test fold has no {' and no '.join(lacking)} clips"
        return dict.fromkeys(METRICS, (float("nan"), reason))
    tp, fp = _counts_above_thresholds(labels, scores)
    return {
        "roc_auc": (_roc_auc(tp, fp), ""),
        "average_precision": (_average_precision(tp, fp), ""),
        "recall_at_precision_90": _recall_at_precision_90(tp, fp),
        "brier": _brier(labels, scores) if is_probability else _NO_BRIER,
    }


_NO_BRIER: Value = (float("nan"), "the scores are not probabilities")


def _counts_above_thresholds(
    labels: NDArray[np.int64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """True and false positives at each distinct threshold, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    tp = np.cumsum(labels[order] == 1)[last_of_tie]
    fp = np.cumsum(labels[order] == 0)[last_of_tie]
    return tp.astype(np.int64), fp.astype(np.int64)


def _roc_auc(tp: NDArray[np.int64], fp: NDArray[np.int64]) -> float:
    """Share of (positive, negative) pairs in the right order, ties counting half.

    Balanced weights do not change it. Counted in integers, so equal rankings give equal bits.
    """
    new_tp, new_fp = np.diff(tp, prepend=0), np.diff(fp, prepend=0)
    doubled = int(np.sum(new_fp * (2 * tp - new_tp)))
    return doubled / (2 * int(tp[-1]) * int(fp[-1]))


def _average_precision(tp: NDArray[np.int64], fp: NDArray[np.int64]) -> float:
    """Sum over thresholds of the step in recall times the balanced precision there."""
    tpr, fpr = tp / tp[-1], fp / fp[-1]
    return float(min(np.sum(np.diff(tpr, prepend=0.0) * tpr / (tpr + fpr)), 1.0))


def _recall_at_precision_90(tp: NDArray[np.int64], fp: NDArray[np.int64]) -> Value:
    """Largest recall over thresholds whose balanced precision is at least 0.9; 0 if none is."""
    pos, neg = int(tp[-1]), int(fp[-1])
    if pos < MIN_POSITIVES_FOR_RECALL:
        return (
            float("nan"),
            f"the test fold has fewer than {MIN_POSITIVES_FOR_RECALL} positive clips",
        )
    # tpr / (tpr + fpr) >= 9/10 in integers: exact where precision is just 0.9.
    reached = tp * neg >= 9 * fp * pos
    return int(tp[reached].max(initial=0)) / pos, ""


def _brier(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Value:
    """Mean squared error of the probability, averaged within and then over classes."""
    if scores.min() < 0.0 or scores.max() > 1.0:
        raise ValueError("probabilities must lie in 0 to 1")
    squared = (scores - labels) ** 2
    return float(squared[labels == 1].mean() + squared[labels == 0].mean()) / 2.0, ""
