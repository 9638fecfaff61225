"""Recall at a precision of 0.9, with a threshold that was chosen on other clips.

The largest recall over the thresholds of a fold that have a precision of 0.9 in that fold is far
too high where the fold is small: it picks the luckiest of them (10 + 2 clips without skill: 0.33;
20 + 20 recordings of 3 clips, n = 4: 0.46 where 0.21 is true). So the threshold is chosen on the
other folds of the repeat, whose clips are scored by classifiers trained on as many clips, and
judged on this one. Its mean over folds compares between folds of any size, and is what one gets who
chooses a threshold on labelled clips and uses it on new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.threshold_counts import Counts, count_above, without_each

MIN_CLIPS = 10
"""Clips of each class that a threshold is chosen on."""

Value = tuple[float, str]


@dataclass(frozen=True, eq=False)
class ScoredFold:
    """The clips of a test fold with their scores.

    Attributes
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    recordings
        [n], names or numbers.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    recordings: NDArray[np.str_] | NDArray[np.int64]


def lowest_threshold(counts: Counts) -> NDArray[np.float64]:
    """The lowest threshold with a balanced precision of at least 0.9, float64[...]; inf if none.

    Half a negative clip more is counted than there is above it: ``(FP + 1/2) / (N + 1)`` is at most
    a ninth of ``TP / P``. Without that the choice overstates what it reaches on other clips (at
    24 + 24 clips a third of a deviation apart by 0.05 to 0.14 of recall); with a whole one, as in
    the knockoff+ filter (Barber & Candes 2015), it falls short of a precision of 0.9 no more than
    by chance, and misses up to half of the recall.
    """
    tp, fp = counts.tp, counts.fp
    pos, neg = tp[..., -1:], fp[..., -1:]
    # In whole numbers, so that it is exact where precision is just 0.9.
    reached = (9 * pos * (2 * fp + 1) <= 2 * (neg + 1) * tp) & (tp > 0)
    # The score of a clip that is left out is no threshold.
    reached &= np.diff(tp + fp, prepend=0) > 0
    last = reached.shape[-1] - 1 - np.argmax(reached[..., ::-1], axis=-1)
    return np.where(reached.any(axis=-1), counts.thresholds[last], np.inf)


def recall_of_folds(folds: Sequence[ScoredFold]) -> list[Value]:
    """Recall of each fold of a repeat, or NaN with the reason.

    Of a single fold, the fixed test set of a holdout, the threshold for a recording is chosen on
    the others.
    """
    if len(folds) == 1:
        return [_recall_of_test_set(folds[0])]
    return [_recall(fold, [other for other in folds if other is not fold]) for fold in folds]


def _recall(fold: ScoredFold, others: Sequence[ScoredFold]) -> Value:
    labels = np.concatenate([other.labels for other in others])
    missing = _too_few(labels, "the other test folds have")
    if missing:
        return float("nan"), missing
    scores = np.concatenate([other.scores for other in others])
    threshold = lowest_threshold(count_above(labels, scores, np.ones(len(labels), dtype=np.int64)))
    return float(np.mean(fold.scores[fold.labels == 1] >= threshold)), ""


def _recall_of_test_set(fold: ScoredFold) -> Value:
    names, units = np.unique(fold.recordings, return_inverse=True)
    fewest = min(
        int(np.sum(fold.labels[units != unit] == label))
        for unit in range(len(names))
        for label in (0, 1)
    )
    if fewest < MIN_CLIPS:
        return float("nan"), f"the test set without one recording has {_FEW}"
    times = without_each(units, len(names))[1:]
    thresholds = lowest_threshold(count_above(fold.labels, fold.scores, times))
    positive = fold.labels == 1
    return float(np.mean(fold.scores[positive] >= thresholds[units[positive]])), ""


def resampled_recall(
    labels: NDArray[np.int64], scores: NDArray[np.float64], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Recall float64[B] at thresholds chosen on the draws int[B, n] themselves, for its spread."""
    counts = count_above(labels, scores, times)
    thresholds = lowest_threshold(counts)
    above = (scores >= thresholds[:, None]) & (labels == 1)
    return np.asarray((times * above).sum(axis=1) / counts.tp[:, -1])


def recall_pseudo_values(
    folds: Sequence[ScoredFold], units: Sequence[NDArray[np.int64]], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Pseudo-value of every recording of each label, in the mean recall of a repeat.

    A recording acts in its own fold and, by the choice of thresholds, in all others; so the mean
    over the folds is jackknifed as a whole: ``G r - (G - 1) r(-i)`` with the G recordings of the
    label. A recording alone with its positives in a fold leaves that fold's recall as it is.

    Parameters
    ----------
    folds
        Of one repeat.
    units
        For each fold int[n], which unit (recording and label) a clip belongs to.
    positive
        bool[u], whether a unit's clips are positive.

    Returns
    -------
    float64[u]
        NaN where a fold has no value.
    """
    values = recall_of_folds(folds)
    if len(folds) < 2 or any(reason for _, reason in values):
        return np.full(len(positive), np.nan)
    left_out = np.empty((len(folds), len(positive)))
    for place, (fold, own) in enumerate(zip(folds, units, strict=True)):
        others = [number for number in range(len(folds)) if number != place]
        pool = np.concatenate([units[number] for number in others])
        seen, codes = np.unique(pool, return_inverse=True)
        counts = count_above(
            np.concatenate([folds[number].labels for number in others]),
            np.concatenate([folds[number].scores for number in others]),
            without_each(codes, len(seen)),
        )
        thresholds = lowest_threshold(counts)
        judged = fold.labels == 1
        above = fold.scores[judged][None, :] >= thresholds[:, None]
        left_out[place] = values[place][0]
        left_out[place, seen] = above[1:].mean(axis=1)
        for unit in np.unique(own[judged]):
            kept = own[judged] != unit
            if kept.any():
                left_out[place, unit] = above[0, kept].mean()
    mean = float(np.mean([value for value, _ in values]))
    count = np.where(positive, positive.sum(), (~positive).sum())
    return np.asarray(count * mean - (count - 1) * left_out.mean(axis=0))


_FEW = f"fewer than {MIN_CLIPS} positive or negative clips to choose a threshold on"


def _too_few(labels: NDArray[np.int64], what: str) -> str:
    fewest = min(int(np.sum(labels == label)) for label in (0, 1))
    return f"{what} {_FEW}" if fewest < MIN_CLIPS else ""
