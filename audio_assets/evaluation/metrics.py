"""What is measured on a test fold, with class-balanced weights.

Each class has a total weight of 1/2 in the fold, so that values compare between folds and species
of different prevalence. A metric gives (value, ""), or (nan, reason) where it is not defined. How
folds are summarised belongs in :mod:`audio_assets.evaluation.learning_curve`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import METRICS

MIN_POSITIVES_FOR_RECALL = 10

CHANCE: Mapping[str, float] = MappingProxyType(
    {"roc_auc": 0.5, "average_precision": 0.5, "recall_at_precision_90": 0.0, "brier": 0.25}
)
"""Value of each metric for scores that say nothing, with both classes weighing one half.

Half of the pairs are in order and precision is 1/2 at every threshold; no threshold reaches a
precision of 0.9; and a probability of 1/2 for every clip is wrong by 1/2.
"""

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
    kept = np.ones(len(labels), dtype=bool)
    values: dict[str, Value] = {
        metric: (float(value), "")
        for metric, value in ranking_values(counts_above_thresholds(labels, scores, kept)).items()
    }
    if pos < MIN_POSITIVES_FOR_RECALL:
        values["recall_at_precision_90"] = _NO_RECALL
    values["brier"] = _brier(labels, scores) if is_probability else _NO_BRIER
    return values


_NO_BRIER: Value = (float("nan"), "the scores are not probabilities")
_NO_RECALL: Value = (
    float("nan"),
    f"the test fold has fewer than {MIN_POSITIVES_FOR_RECALL} positive clips",
)


@dataclass(frozen=True, eq=False)
class Counts:
    """True and false positives, int64[..., thresholds], at thresholds from the highest down.

    The last threshold is below all scores, so the last numbers are all clips of each class.
    """

    tp: NDArray[np.int64]
    fp: NDArray[np.int64]


def counts_above_thresholds(
    labels: NDArray[np.int64], scores: NDArray[np.float64], kept: NDArray[np.bool_]
) -> Counts:
    """Counts at each distinct score, of the clips kept.

    Parameters
    ----------
    labels, scores
        As in :func:`score_fold`.
    kept
        bool[..., n]: which clips count.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    tp = np.cumsum(kept[..., order] & (labels[order] == 1), axis=-1, dtype=np.int64)
    fp = np.cumsum(kept[..., order] & (labels[order] == 0), axis=-1, dtype=np.int64)
    return Counts(tp[..., last_of_tie], fp[..., last_of_tie])


def ranking_values(counts: Counts) -> dict[str, NDArray[np.float64]]:
    """The metrics that need the order of the scores alone, float64[...] by name.

    Both classes have clips. Recall is that of a fold with enough positives for it.
    """
    return {
        "roc_auc": _roc_auc(counts),
        "average_precision": _average_precision(counts),
        "recall_at_precision_90": _recall_at_precision_90(counts),
    }


def _roc_auc(counts: Counts) -> NDArray[np.float64]:
    """Share of (positive, negative) pairs in the right order, ties counting half.

    Balanced weights do not change it. Counted in integers, so equal rankings give equal bits.
    """
    doubled = doubled_pairs_in_order(counts)
    return np.asarray(doubled / (2 * counts.tp[..., -1] * counts.fp[..., -1]))


def doubled_pairs_in_order(counts: Counts) -> NDArray[np.int64]:
    """Twice the (positive, negative) pairs in the right order, ties counting half; int64[...]."""
    new_tp, new_fp = np.diff(counts.tp, prepend=0), np.diff(counts.fp, prepend=0)
    return np.asarray(np.sum(new_fp * (2 * counts.tp - new_tp), axis=-1))


def _average_precision(counts: Counts) -> NDArray[np.float64]:
    """Sum over thresholds of the step in recall times the balanced precision there."""
    tpr, fpr = counts.tp / counts.tp[..., -1:], counts.fp / counts.fp[..., -1:]
    # Where no clip is above a threshold there is no step either.
    share = np.where(tpr + fpr > 0.0, tpr + fpr, 1.0)
    return np.asarray(np.minimum(np.sum(np.diff(tpr, prepend=0.0) * tpr / share, axis=-1), 1.0))


def _recall_at_precision_90(counts: Counts) -> NDArray[np.float64]:
    """Largest recall over thresholds whose balanced precision is at least 0.9; 0 if none is."""
    tp, fp = counts.tp, counts.fp
    pos, neg = tp[..., -1:], fp[..., -1:]
    # tpr / (tpr + fpr) >= 9/10 in integers: exact where precision is just 0.9.
    reached = tp * neg >= 9 * fp * pos
    return np.asarray(np.max(np.where(reached, tp, 0), axis=-1) / pos[..., 0])


def _brier(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> Value:
    """Mean squared error of the probability, averaged within and then over classes."""
    if scores.min() < 0.0 or scores.max() > 1.0:
        raise ValueError("probabilities must lie in 0 to 1")
    squared = (scores - labels) ** 2
    return float(squared[labels == 1].mean() + squared[labels == 0].mean()) / 2.0, ""
