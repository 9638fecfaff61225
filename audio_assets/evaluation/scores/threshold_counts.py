"""True and false positives above every threshold, for many selections of clips at once.

All rank-based metrics are computed from these integers, so that equal rankings give bit-identical
values, whatever the order of the rows. The formulas of the metrics belong in
:mod:`audio_assets.evaluation.scores.metric_formulas` and
:mod:`audio_assets.evaluation.scores.recall`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.integer[Any]]
"""Whole numbers of any width, so that large arrays of small numbers need not be wide."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Steps of ROC curves: at a threshold, clips of each class are added to those above.

    Attributes
    ----------
    tp, fp
        int[..., t], clips of each class at or above the threshold.
    new_tp, new_fp
        int[..., t], those of them that are at it.
    pos, neg
        int[..., 1], all clips of each class.
    """

    tp: Integers
    fp: Integers
    new_tp: Integers
    new_fp: Integers
    pos: Integers
    neg: Integers

    @property
    def pairs(self) -> Integers:
        """Pairs of a positive and a negative clip, int[...]."""
        return np.asarray(self.pos[..., 0] * self.neg[..., 0])


@dataclass(frozen=True, eq=False)
class Counts:
    """Counts at each distinct score, in descending order.

    Attributes
    ----------
    thresholds
        float64[t], the distinct scores.
    tp, fp
        int64[..., t], clips of each class at or above the threshold; the last are all of them.
    """

    thresholds: NDArray[np.float64]
    tp: NDArray[np.int64]
    fp: NDArray[np.int64]

    def steps(self) -> Steps:
        """The steps of the ROC curve at all thresholds."""
        new_tp, new_fp = increments(self.tp), increments(self.fp)
        return Steps(self.tp, self.fp, new_tp, new_fp, self.tp[..., -1:], self.fp[..., -1:])


@dataclass(frozen=True, eq=False)
class Ranking:
    """Clips in descending order of their scores, at several training sizes.

    Attributes
    ----------
    order
        int64[s, n], clips.
    scores
        float64[s, n].
    tied
        bool[s], whether any scores are equal.
    """

    order: NDArray[np.int64]
    scores: NDArray[np.float64]
    tied: NDArray[np.bool_]

    def steps(self, labels: NDArray[np.int64]) -> Steps:
        """The step at the score of each clip, int[s, n]; clips of equal scores repeat it."""
        tp = np.cumsum(labels[self.order], axis=1)
        fp = np.arange(1, tp.shape[1] + 1) - tp
        pos, neg = tp[:, -1:], fp[:, -1:]
        if not self.tied.any():
            return Steps(tp, fp, increments(tp), increments(fp), pos, neg)
        first, last = self._ends_of_ties()
        tp, fp = (np.take_along_axis(counts, last, axis=1) for counts in (tp, fp))
        new_tp, new_fp = (
            np.take_along_axis(increments(counts), first, axis=1) for counts in (tp, fp)
        )
        return Steps(tp, fp, new_tp, new_fp, pos, neg)

    def by_clip(self, values: Integers) -> Integers:
        """Put values int[s, n] in descending order of the scores into the order of the clips."""
        ordered = np.empty_like(values)
        np.put_along_axis(ordered, self.order, values, axis=1)
        return ordered

    def _ends_of_ties(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions of the first and the last score equal to each score; int[s, n] both."""
        sets, n = self.scores.shape
        changes = self.scores[:, 1:] != self.scores[:, :-1]
        new = np.concatenate([np.ones((sets, 1), dtype=bool), changes], axis=1)
        first = np.maximum.accumulate(np.where(new, np.arange(n), 0), axis=1)
        ends = np.where(np.roll(new, -1, axis=1), np.arange(n), n - 1)
        return first, np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]


def rank(scores: NDArray[np.float64]) -> Ranking:
    """Rank the clips by scores float64[s, n] at s training sizes."""
    order = np.argsort(-scores, axis=1, kind="stable")
    ordered = np.take_along_axis(scores, order, axis=1)
    return Ranking(order, ordered, (ordered[:, 1:] == ordered[:, :-1]).any(axis=1))


def count_above(
    labels: NDArray[np.int64], scores: NDArray[np.float64], times: NDArray[np.int64]
) -> Counts:
    """Count the clips of each class above every threshold.

    Parameters
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    times
        int[..., n], how often each clip counts: 1, 0 where it is left out, or how often it was
        drawn.
    """
    order, last_of_tie = descending(scores)
    drawn, positive = times[..., order], labels[order] == 1
    tp = np.cumsum(drawn * positive, axis=-1, dtype=np.int64)
    fp = np.cumsum(drawn * ~positive, axis=-1, dtype=np.int64)
    return Counts(scores[order[last_of_tie]], tp[..., last_of_tie], fp[..., last_of_tie])


def descending(scores: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Clips int64[n] in descending order of their scores, and the last place int64[t] of each."""
    order = np.argsort(-scores, kind="stable")
    return order, np.append(np.flatnonzero(np.diff(scores[order])), len(order) - 1)


def increments(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Increment of counts int64[..., t] per threshold; ``np.diff`` with ``prepend`` is slower.

    The order of the axes in memory is kept: floating-point sums over thresholds depend on it.
    """
    added = counts.copy(order="K")
    added[..., 1:] -= counts[..., :-1]
    return added


def without_each(units: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """``times`` int[1 + count, n]: all clips, then those without each unit, numbered from 0."""
    kept = units[None, :] != np.arange(-1, count)[:, None]
    return np.asarray(kept, dtype=np.int64)


def label_units(
    labels: NDArray[np.int64], recordings: NDArray[np.str_] | NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Number the labels of recordings: int[n] unit of each clip, bool[u] whether it is positive.

    A recording with both labels is two units.
    """
    _, codes = np.unique(recordings, return_inverse=True)
    _, units = np.unique(2 * codes + labels, return_inverse=True)
    positive = np.zeros(int(units.max(initial=-1)) + 1, dtype=bool)
    positive[units] = labels == 1
    return units, positive
