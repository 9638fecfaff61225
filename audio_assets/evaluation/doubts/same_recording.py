"""Pairs of a positive and a negative clip from one recording, and the ROC-AUC without them.

The AUC counts every pair of a test fold. Where recordings hold both labels, some pairs come from
one recording: site, recorder and background are the same in both clips and cancel, so that they are
easier to distinguish than a call in one new recording from noise in another. The table of the leak
check belongs in :mod:`audio_assets.evaluation.doubts.leak_check`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.metric_formulas import doubled_pairs_in_order, roc_auc
from audio_assets.evaluation.scores.threshold_counts import count_above
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

WARN_DIFFERENCE = 0.01
"""Excess of the AUC of all pairs over the other that makes it a warning."""
WARN_SHARE = 0.05
"""Share of pairs from one recording at and above which it is a warning."""
NO_OTHER_PAIR = "every test fold is of one recording: no pair is of different recordings"


@dataclass(frozen=True)
class SameRecording:
    """Pairs from one recording among those tested.

    Attributes
    ----------
    share
        Their share of the pairs of a fold, mean over folds and repeats; NaN without a fold that
        has both classes.
    auc
        ROC-AUC of the pairs of different recordings, mean over the folds that have such; NaN if
        none has.
    status
        ``ok``, or in how many folds there is no such pair.
    """

    share: float
    auc: float
    status: str


def same_recording(predictions: pd.DataFrame) -> SameRecording:
    """Share of the pairs of one recording, and the AUC of the others.

    Parameters
    ----------
    predictions
        Rows of :data:`audio_assets.tables.FOLD_PREDICTIONS` of one training size.
    """
    shares, values = [], []
    for _, fold in predictions.groupby(["repeat", "fold"]):
        labels = np.asarray(PRESENCE.is_positive(fold["label"]), dtype=np.int64)
        if labels.min() == labels.max():
            continue
        scores = fold["score"].to_numpy(dtype=np.float64)
        share, value = of_fold(labels, scores, fold["recording_id"].to_numpy(dtype=str))
        shares.append(share)
        values.append(value)
    if not shares:
        return SameRecording(float("nan"), float("nan"), "no test fold has both classes")
    defined = np.isfinite(values)
    if not defined.any():
        return SameRecording(float(np.mean(shares)), float("nan"), NO_OTHER_PAIR)
    lacking = int(np.sum(~defined))
    status = f"no such pair in {lacking} of {len(values)} test folds" if lacking else "ok"
    return SameRecording(float(np.mean(shares)), float(np.mean(np.array(values)[defined])), status)


def of_fold(
    labels: NDArray[np.int64], scores: NDArray[np.float64], recordings: NDArray[Any]
) -> tuple[float, float]:
    """Share of the pairs of one recording, and the AUC of the others, of one test fold.

    The ordered pairs within each recording are subtracted from all ordered pairs, in integers,
    without an array of all pairs.

    Parameters
    ----------
    labels, scores
        {0, 1}[n] with both classes, float64[n].
    recordings
        str[n].

    Returns
    -------
    tuple
        The AUC is NaN where all clips are of one recording.
    """
    doubled, pairs = _in_order(labels, scores)
    same_doubled = same_pairs = 0
    order = np.argsort(recordings, kind="stable")
    starts = np.flatnonzero(recordings[order][1:] != recordings[order][:-1]) + 1
    for rows in np.split(order, starts):
        if labels[rows].min() != labels[rows].max():
            in_order, count = _in_order(labels[rows], scores[rows])
            same_doubled += in_order
            same_pairs += count
    others = pairs - same_pairs
    value = float(roc_auc(doubled - same_doubled, others)) if others else float("nan")
    return same_pairs / pairs, value


def _in_order(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> tuple[int, int]:
    """Twice the pairs in order, ties counting one, and the number of pairs."""
    steps = count_above(labels, scores, np.ones(len(labels), dtype=np.int64)).steps()
    return int(doubled_pairs_in_order(steps)), int(steps.pairs)
