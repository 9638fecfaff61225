"""The metrics of a test fold, and the same without each of its recordings in turn.

They are the scores of folds, the basis of intervals and of the bias correction of average
precision. All training sizes at which a fold is scored are computed at once, since folds are small
and calls are expensive. The formulas belong in
:mod:`audio_assets.evaluation.scores.metric_formulas`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.metric_formulas import (
    average_precision,
    brier,
    doubled_pairs_by_clip,
    roc_auc,
    squared_errors,
)
from audio_assets.evaluation.scores.threshold_counts import (
    Integers,
    Ranking,
    Steps,
    count_above,
    rank,
    without_each,
)

_NUMBERS_AT_ONCE = 2**18

MIN_CLIPS_FOR_PRECISION = 5
"""Clips of each class, of 2 recordings, in a fold whose average precision is given.

With one recording the jackknife removes no bias: 5 + 5 recordings of 10 clips without skill, one of
each class per fold, gave 0.59 for 0.5. With clips that are separate recordings, the mean without
skill is 0.53 at 5 + 5 clips, 0.51 at 10 + 10, and 0.54 at 3 + 3.
"""


def has_enough_for_precision(labels: NDArray[np.int64], positive: NDArray[np.bool_]) -> bool:
    """Whether a fold allows average precision: the jackknife needs 2 recordings per class."""
    clips, recordings = np.bincount(labels, minlength=2), (positive.sum(), (~positive).sum())
    return int(min(clips)) >= MIN_CLIPS_FOR_PRECISION and int(min(recordings)) >= 2


def jackknifed_rankings(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """The rank-based metrics of a fold, then the same without each unit.

    A unit alone in its class is kept, since nothing would be left.

    Parameters
    ----------
    labels
        {0, 1}[n], both of them.
    scores
        float64[s, n], at s training sizes.
    units
        int[n], the unit, out of u, that a clip belongs to. A unit is a recording and label.
    positive
        bool[u], whether a unit's clips are positive.

    Returns
    -------
    dict
        float64[s, 1 + u] by metric, NaN where the fold has too few recordings for it.
    """
    clips, ranking = _Clips(labels, units, positive), rank(scores)
    if has_enough_for_precision(labels, positive):
        precision = _precision(clips, scores, ranking)
    else:
        precision = np.full((len(scores), len(positive) + 1), np.nan)
    return {"roc_auc": _auc(clips, ranking), "average_precision": precision}


def jackknifed_metrics(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
    *,
    is_probability: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """:func:`jackknifed_rankings` and the Brier score.

    Parameters
    ----------
    is_probability
        bool[s], whether the scores are probabilities; the Brier score is NaN otherwise.
    """
    error = np.full((len(scores), len(positive) + 1), np.nan)
    if is_probability.any():
        clips = _Clips(labels, units, positive)
        error[is_probability] = _brier(clips, scores[is_probability])
    return jackknifed_rankings(labels, scores, units, positive) | {"brier": error}


def unbiased_precision(
    jackknifed: NDArray[np.float64], positive: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Average precision float64[s] less its bias, estimated by the jackknife over recordings.

    For each class with g recordings ``(g - 1) (mean of v(-i) - v)`` is subtracted, v being the
    value of the fold and v(-i) that without recording i's clips of the class (Quenouille 1956): at
    10 + 10 clips without skill this reduces 0.54 to 0.51.

    Parameters
    ----------
    jackknifed
        float64[s, 1 + u] of :func:`jackknifed_rankings`.
    positive
        bool[u], whether a unit's clips are positive.
    """
    whole, left_out = jackknifed[:, 0], jackknifed[:, 1:]
    bias = np.zeros(len(whole))
    for of_class in (positive, ~positive):
        # Sorted, so that the order of the rows changes no bit; row by row in memory, so that the
        # number of rows does not.
        mean = np.sort(np.ascontiguousarray(left_out[:, of_class]), axis=1).mean(axis=1)
        bias += (int(of_class.sum()) - 1) * (mean - whole)
    return np.asarray(np.clip(whole - bias, 0.0, 1.0))


@dataclass(frozen=True, eq=False)
class _Clips:
    """The clips of a fold, which are the same at all sizes."""

    labels: NDArray[np.int64]
    units: NDArray[np.int64]
    positive: NDArray[np.bool_]

    @property
    def alone(self) -> NDArray[np.bool_]:
        """Whether a unit is the only one of its class."""
        of_class = np.where(self.positive, self.positive.sum(), (~self.positive).sum())
        return np.asarray(of_class == 1)

    def left_out(self, values: Integers) -> Integers:
        """Sums of int[..., n] over the clips of each unit, 0 for a unit kept; int[..., u]."""
        order = np.argsort(self.units, kind="stable")
        starts = np.searchsorted(self.units[order], np.arange(len(self.positive)))
        sums = np.add.reduceat(values[..., order], starts, axis=-1)
        return np.where(self.alone, 0, sums)


def _auc(clips: _Clips, ranking: Ranking) -> NDArray[np.float64]:
    """ROC-AUC, then that without each unit, whose pairs are subtracted."""
    in_order = doubled_pairs_by_clip(clips.labels, ranking)
    of_positive = clips.labels == 1
    whole = in_order[:, of_positive].sum(axis=1, keepdims=True)
    pos, neg = int(of_positive.sum()), int((~of_positive).sum())
    members = clips.left_out(np.ones_like(clips.units))
    pairs = np.where(clips.positive, (pos - members) * neg, pos * (neg - members))
    return np.asarray(
        roc_auc(
            np.concatenate([whole, whole - clips.left_out(in_order)], axis=1),
            np.concatenate([[pos * neg], pairs]),
        )
    )


def _precision(clips: _Clips, scores: NDArray[np.float64], ranking: Ranking) -> NDArray[np.float64]:
    """Average precision of a fold, then that without each unit; float64[s, 1 + u]."""
    values = np.empty((len(scores), len(clips.positive) + 1))
    if ranking.tied.any():
        times = without_each(clips.units, len(clips.positive))
        times[1:][clips.alone] = 1
        for place in np.flatnonzero(ranking.tied):
            counts = count_above(clips.labels, scores[place], times)
            values[place] = average_precision(counts.steps())
    untied = np.flatnonzero(~ranking.tied)
    # A few sizes at a time: all of them, for folds of thousands of clips, take gigabytes.
    some = max(_NUMBERS_AT_ONCE // (scores.shape[1] * values.shape[1]), 1)
    for start in range(0, len(untied), some):
        places = untied[start : start + some]
        values[places] = average_precision(_steps_of_positives(clips, ranking.order[places]))
    return values


def _steps_of_positives(clips: _Clips, order: NDArray[np.int64]) -> Steps:
    """The steps int[s, 1 + u, p] of all clips, then without each unit, if no scores are equal.

    They are those at the p positive clips: only there recall rises, and the false positive rate is
    constant. The counts are those of :func:`count_above` with :func:`without_each` at half of the
    positions, for all sizes at once.
    """
    positive = np.concatenate([[False], clips.positive])
    # -1 is no clip, so nothing is left out there; nor is a unit that is kept.
    left_out = np.concatenate([[-1], np.where(clips.alone, -1, np.arange(len(clips.positive)))])
    # Clips are the first axis in memory, so that all sums over them are sums of whole rows.
    of_unit, is_positive = clips.units[order.T], clips.labels[order] == 1
    members = of_unit[:, :, None] == left_out
    at = np.nonzero(is_positive)[1].reshape(len(order), -1).T
    here = at, np.arange(len(order))
    out = np.cumsum(members, axis=0, dtype=np.int32)[here]
    number = np.arange(1, len(at) + 1, dtype=np.int32)[:, None, None]
    tp = number - np.where(positive, out, 0)
    fp = (at[:, :, None] + 1 - number).astype(np.int32) - np.where(positive, 0, out)
    left = np.where(left_out >= 0, np.bincount(clips.units)[left_out], 0)
    pos = len(at) - np.where(positive, left, 0)
    neg = order.shape[1] - len(at) - np.where(positive, 0, left)
    # A positive clip that is left out is not a step.
    new_tp = (~members[here]).view(np.int8)
    last = tuple(counts.transpose(1, 2, 0) for counts in (tp, fp, new_tp))
    nothing = np.zeros(1, dtype=np.int8)
    return Steps(last[0], last[1], last[2], nothing, pos[:, None], neg[:, None])


def _brier(clips: _Clips, scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brier score of a fold, then that without each unit, whose errors are subtracted."""
    counts = np.bincount(clips.labels)
    squared, units = squared_errors(clips.labels, scores, int(counts.max()))
    own, members = clips.left_out(squared), clips.left_out(np.ones_like(clips.units))
    errors, left = [], []
    for label in (1, 0):
        of_label = clips.positive == bool(label)
        whole = squared[:, clips.labels == label].sum(axis=1, keepdims=True)
        errors.append(np.concatenate([whole, whole - np.where(of_label, own, 0)], axis=1))
        left.append(counts[label] - np.concatenate([[0], np.where(of_label, members, 0)]))
    return np.asarray(brier((errors[0], errors[1]), (left[0], left[1]), units))
