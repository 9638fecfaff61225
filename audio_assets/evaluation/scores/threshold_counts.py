"""True and false positives above every threshold, for many selections of clips at once.

All rank-based metrics are computed from these integers, so that equal rankings give bit-identical
values, whatever the order of the rows. The metrics belong in
:mod:`audio_assets.evaluation.scores.metrics` and :mod:`audio_assets.evaluation.scores.recall`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


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
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    drawn, positive = times[..., order], labels[order] == 1
    tp = np.cumsum(drawn * positive, axis=-1, dtype=np.int64)
    fp = np.cumsum(drawn * ~positive, axis=-1, dtype=np.int64)
    return Counts(ordered[last_of_tie], tp[..., last_of_tie], fp[..., last_of_tie])


def steps(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Increment of counts int64[..., t] per threshold; ``np.diff`` with ``prepend`` is slower."""
    added = counts.copy()
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
