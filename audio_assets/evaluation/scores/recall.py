"""Recall at a precision of 0.9, with a threshold that was chosen on other clips.

The largest recall over the thresholds of a fold that have a precision of 0.9 in that fold is far
too high where the fold is small: it picks the luckiest of them (10 + 2 clips without skill: 0.33;
20 + 20 recordings of 3 clips, n = 4: 0.46 where the true value is 0.21). So the threshold is chosen
on the other folds of the repeat, whose clips are scored by classifiers trained on the same number
of clips, and evaluated on this one. The mean over folds is comparable between folds of any size. It
is the recall to expect when a threshold is chosen on labelled clips and applied to new ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.threshold_counts import Counts, count_above, steps, without_each

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
    units
        The labels of these recordings, as
        :func:`audio_assets.evaluation.scores.threshold_counts.label_units` numbers them, where they
        are known: they are the same at all training sizes.
    """

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    recordings: NDArray[np.str_] | NDArray[np.int64]
    units: tuple[NDArray[np.int64], NDArray[np.bool_]] | None = None


def lowest_threshold(counts: Counts) -> NDArray[np.float64]:
    """The lowest threshold with a balanced precision of at least 0.9, float64[...]; inf if none.

    Half a negative clip is added to those above it: ``(FP + 1/2) / (N + 1)`` is at most a ninth of
    ``TP / P``. Without this the choice is too optimistic: on 24 + 24 clips whose scores lie 1
    standard deviation apart it selects a recall of 0.24 where 0.10 is the largest with a precision
    of 0.9; with it, 0.15. Adding a whole clip, as in the knockoff+ filter (Barber & Candes 2015),
    loses half of the recall: 0.24 for 0.44 where the scores lie 1.5 apart; half a clip, 0.37.
    """
    tp, fp = counts.tp, counts.fp
    # In integers, so that the test is exact where the precision is just 0.9.
    last = _last_reached(tp, fp, tp[..., -1:], fp[..., -1:])
    return np.where(last >= 0, counts.thresholds[last], np.inf)


def recall_of_folds(folds: Sequence[ScoredFold]) -> list[Value]:
    """Recall of each fold of a repeat, or NaN with the reason.

    For a single fold, the fixed test set of a holdout, the threshold for a recording is chosen on
    the other recordings. Every fold has both classes.
    """
    if len(folds) == 1:
        return [_recall_of_test_set(folds[0])]
    labels = np.concatenate([fold.labels for fold in folds])
    scores = np.concatenate([fold.scores for fold in folds])
    of_fold = np.repeat(np.arange(len(folds)), [len(fold.labels) for fold in folds])
    counts = count_above(labels, scores, without_each(of_fold, len(folds))[1:])
    fewest = np.minimum(counts.tp[:, -1], counts.fp[:, -1])
    found: list[Value] = []
    for fold, threshold, clips in zip(folds, lowest_threshold(counts), fewest, strict=True):
        if clips < MIN_CLIPS:
            found.append((float("nan"), f"the other test folds have {_FEW}"))
        else:
            found.append((float(np.mean(fold.scores[fold.labels == 1] >= threshold)), ""))
    return found


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

    A recording affects its own fold and, through the choice of thresholds, all others; so the mean
    over the folds is jackknifed as a whole: ``G r - (G - 1) r(-i)`` with the G recordings of the
    label. Leaving out the only recording with positives in a fold leaves that fold's recall as it
    is.

    Parameters
    ----------
    folds
        All folds of one repeat.
    units
        For each fold int[n], the unit (recording and label) that a clip belongs to.
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
    labels = np.concatenate([fold.labels for fold in folds])
    of_unit = np.concatenate(units)
    scores = np.concatenate([fold.scores for fold in folds])
    of_fold = np.repeat(np.arange(len(folds)), [len(fold.labels) for fold in folds])
    # Clips of each unit above each threshold, and positives of each fold.
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)
    members = of_unit[order] == np.arange(len(positive))[:, None]
    inside = np.cumsum(members, axis=1, dtype=np.int64)[:, last_of_tie]
    pool = count_above(labels, scores, without_each(of_fold, len(folds))[1:])
    whole = count_above(labels, scores, np.ones(len(labels), dtype=np.int64))
    judged = whole.tp - pool.tp
    home = np.zeros(len(positive), dtype=np.int64)
    home[of_unit] = of_fold
    left_out = np.empty((len(folds), len(positive)))
    for place in range(len(folds)):
        counts = Counts(pool.thresholds, pool.tp[place], pool.fp[place])
        last = _last_thresholds(counts, inside, positive)
        above = np.where(last >= 0, judged[place, last], 0)
        left_out[place] = above / judged[place, -1]
        own = home == place
        # In its own fold a unit chooses nothing; its positives are not judged.
        base = int(_last_reached(counts.tp, counts.fp, counts.tp[-1], counts.fp[-1]))
        hits = judged[place, base] if base >= 0 else 0
        mine = np.where(positive & own, inside[:, base] if base >= 0 else 0, 0)
        clips = np.where(positive & own, inside[:, -1], 0)
        rest = judged[place, -1] - clips
        value = np.where(rest > 0, (hits - mine) / np.maximum(rest, 1), hits / judged[place, -1])
        left_out[place, own] = value[own]
    mean = float(np.mean([value for value, _ in values]))
    count = np.where(positive, positive.sum(), (~positive).sum())
    return np.asarray(count * mean - (count - 1) * left_out.mean(axis=0))


def _last_reached(
    tp: NDArray[np.int64], fp: NDArray[np.int64], pos: Any, neg: Any
) -> NDArray[np.int64]:
    """Position of the lowest threshold that meets the precision, int64[...]; -1 without one."""
    reached = (9 * pos * (2 * fp + 1) <= 2 * (neg + 1) * tp) & (tp > 0)
    # The score of a clip that is left out is not a threshold.
    reached &= steps(tp + fp) > 0
    last = reached.shape[-1] - 1 - np.argmax(reached[..., ::-1], axis=-1)
    return np.asarray(np.where(reached.any(axis=-1), last, -1))


def _last_thresholds(
    counts: Counts, inside: NDArray[np.int64], positive: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """:func:`_last_reached` without each unit, int64[u], of which ``inside`` int64[u, t] are above.

    Leaving out the few clips of a unit moves the threshold only a little. So positions below the
    last at which the condition could hold without any one unit, or above the one at which it holds
    without each, are skipped: out of 960 clips, about 50 are left.
    """
    most = int(inside[:, -1].max())
    pos, neg, tp, fp = counts.tp[-1], counts.fp[-1], counts.tp, counts.fp
    could = 9 * max(pos - most, 1) * (2 * np.maximum(fp - most, 0) + 1) <= 2 * (neg + 1) * tp
    must = (9 * pos * (2 * fp + 1) <= 2 * (neg + 1 - most) * (tp - most)) & (tp > most)
    end = int(np.flatnonzero(could)[-1]) + 1 if could.any() else 0
    # A unit may hold the clips at some places before the last that is sure.
    sure = np.flatnonzero(must)
    start = 0
    if len(sure):
        # Places without clips of these folds do not count: their scores are those of the judged
        # fold, and a unit that holds the clips of other places leaves them as they are.
        holding = np.flatnonzero(steps(tp + fp)[: int(sure[-1]) + 1] > 0)
        start = int(holding[max(len(holding) - 1 - most, 0)])
    if start >= end:
        return np.full(len(positive), -1)
    here = slice(start, end)
    change = positive[:, None]
    tp_left = tp[here] - np.where(change, inside[:, here], 0)
    fp_left = fp[here] - np.where(change, 0, inside[:, here])
    all_tp = pos - np.where(change, inside[:, -1:], 0)
    all_fp = neg - np.where(change, 0, inside[:, -1:])
    reached = (9 * all_tp * (2 * fp_left + 1) <= 2 * (all_fp + 1) * tp_left) & (tp_left > 0)
    above = tp_left + fp_left
    before = tp[start - 1] + fp[start - 1] - inside[:, start - 1] if start else 0
    reached &= np.diff(above, prepend=np.broadcast_to(before, len(positive))[:, None]) > 0
    last = reached.shape[1] - 1 - np.argmax(reached[:, ::-1], axis=1)
    return np.asarray(np.where(reached.any(axis=1), start + last, -1))


_FEW = f"fewer than {MIN_CLIPS} positive or negative clips to choose a threshold on"
