"""The metrics of a test set under many resamples of it at once.

A resample is how often each clip was drawn. A value is what
:func:`audio_assets.evaluation.metrics.score_fold` gives for the clips repeated so often; sorting is
done once instead of once a resample.
"""

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import METRICS

Counts = NDArray[np.int64]
Values = NDArray[np.float64]


def resampled_metrics(
    labels: NDArray[np.int64], scores: NDArray[np.float64], counts: Counts, *, is_probability: bool
) -> dict[str, Values]:
    """All metrics under every resample.

    Parameters
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], finite; probabilities if ``is_probability``.
    counts
        int[B, n], how often each clip was drawn; each class at least once in every resample.

    Returns
    -------
    dict
        Metric -> float64[B]. The Brier score is NaN where the scores are no probabilities; recall
        at precision 0.9 is computed however few positives there are.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    positive = labels[order] == 1
    drawn = counts[:, order]
    tp = np.cumsum(drawn * positive, axis=1)[:, last_of_tie]
    fp = np.cumsum(drawn * ~positive, axis=1)[:, last_of_tie]
    pos, neg = tp[:, -1:], fp[:, -1:]
    new_tp, new_fp = np.diff(tp, axis=1, prepend=0), np.diff(fp, axis=1, prepend=0)
    tpr, fpr = tp / pos, fp / neg
    # No clip above a threshold: nothing drawn yet, and the step in recall is 0 as well.
    precision = tpr / np.where(tp + fp > 0, tpr + fpr, 1.0)
    reached = tp * neg >= 9 * fp * pos
    found = {
        "roc_auc": np.sum(new_fp * (2 * tp - new_tp), axis=1) / (2 * pos * neg)[:, 0],
        "average_precision": np.minimum(np.sum(new_tp / pos * precision, axis=1), 1.0),
        "recall_at_precision_90": np.max(np.where(reached, tp, 0), axis=1) / pos[:, 0],
        "brier": np.full(len(counts), np.nan),
    }
    if is_probability:
        squared = counts * (scores - labels) ** 2
        by_class = [
            squared[:, labels == label].sum(axis=1) / counts[:, labels == label].sum(axis=1)
            for label in (0, 1)
        ]
        found["brier"] = (by_class[0] + by_class[1]) / 2.0
    return {metric: found[metric] for metric in METRICS}
