"""The metrics of a test fold without each of its recordings, one by one.

What an interval is made of, and the bias of average precision. The formulas belong in
:mod:`audio_assets.evaluation.scores.metric_formulas`.
"""

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.metric_formulas import (
    average_precision,
    brier_units_of,
    doubled_pairs_in_order,
    errors_in_units,
)
from audio_assets.evaluation.scores.threshold_counts import count_above, steps, without_each

MIN_CLIPS_FOR_PRECISION = 5
"""Clips of each class, of 2 recordings, in a fold whose average precision is given.

Of one recording the jackknife takes no bias off: 5 + 5 recordings of 10 clips without skill, one of
each class in a fold, gave 0.59 for 0.5. Of clips that are recordings of their own, the mean without
skill is 0.53 at 5 + 5 clips, 0.51 at 10 + 10, and 0.54 at 3 + 3.
"""


def has_enough_for_precision(labels: NDArray[np.int64], positive: NDArray[np.bool_]) -> bool:
    """Whether a fold has enough for average precision: the jackknife takes 2 recordings a class."""
    clips, recordings = np.bincount(labels, minlength=2), (positive.sum(), (~positive).sum())
    return int(min(clips)) >= MIN_CLIPS_FOR_PRECISION and int(min(recordings)) >= 2


def unbiased_precision(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
) -> float:
    """Average precision less its bias, as the jackknife over recordings finds it.

    For each class with g recordings ``(g - 1) (mean of v(-i) - v)`` is taken off, v being the value
    of the fold and v(-i) that without recording i's clips of the class (Quenouille 1956): at
    10 + 10 clips without skill 0.51 is left of 0.54.
    """
    values = jackknifed_precision(labels, scores, units, positive)
    whole, left_out = values[0], values[1:]
    bias = 0.0
    for of_class in (positive, ~positive):
        # Sorted, so that the order of the rows changes no bit.
        mean = np.sort(left_out[of_class]).mean()
        bias += (int(of_class.sum()) - 1) * float(mean - whole)
    return float(np.clip(whole - bias, 0.0, 1.0))


def jackknifed_precision(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Average precision of a fold, then that without each unit; float64[1 + u].

    A unit alone in its class stays, as nothing would be left. Without ties recall rises at positive
    clips alone and the false positive rate stands still there, which is half of the columns and a
    single logarithm each.
    """
    order = np.argsort(-scores, kind="stable")
    if (np.diff(scores[order]) == 0).any():
        times = without_each(units, len(positive))
        times[1:][_alone(positive)] = 1
        return average_precision(count_above(labels, scores, times))
    of_unit, is_positive = units[order], labels[order] == 1
    members = of_unit == np.arange(len(positive))[:, None]
    members[_alone(positive)] = False
    members = np.concatenate([np.zeros((1, len(labels)), dtype=bool), members])
    at = np.flatnonzero(is_positive)
    out = np.cumsum(members, axis=1, dtype=np.int64)[:, at]
    of_positive = np.concatenate([[False], positive])[:, None]
    tp = np.arange(1, len(at) + 1) - np.where(of_positive, out, 0)
    fp = (at + 1 - np.arange(1, len(at) + 1)) - np.where(of_positive, 0, out)
    left = members.sum(axis=1, keepdims=True)
    pos = len(at) - np.where(of_positive, left, 0)
    neg = len(labels) - len(at) - np.where(of_positive, 0, left)
    rate = fp / neg
    # A positive clip that is left out is no step: what it would lose is nothing.
    before = (tp - ~members[:, at]) / pos + rate
    ratio = np.where(fp > 0, (tp / pos + rate) / np.where(fp > 0, before, 1.0), 1.0)
    lost = rate * np.log(ratio)
    return np.asarray(np.clip(1.0 - lost.sum(axis=1), 0.0, 1.0))


def _alone(positive: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a unit is the only one of its class."""
    return np.asarray(np.where(positive, positive.sum(), (~positive).sum()) == 1)


def jackknifed_metrics(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
    *,
    is_probability: bool,
) -> dict[str, NDArray[np.float64]]:
    """The metrics of a fold, then those without each unit; float64[1 + u] by name.

    Parameters
    ----------
    labels, scores, is_probability
        As in :func:`audio_assets.evaluation.scores.metrics.score_fold`, with both classes.
    units
        int[n], which of u units a clip belongs to: a label of a recording.
    positive
        bool[u], whether a unit's clips are positive.
    """
    nothing = np.full(len(positive) + 1, np.nan)
    precise = has_enough_for_precision(labels, positive)
    return {
        "roc_auc": _jackknifed_auc(labels, scores, units, positive),
        "average_precision": (
            jackknifed_precision(labels, scores, units, positive) if precise else nothing
        ),
        "brier": _jackknifed_brier(labels, scores, units, positive) if is_probability else nothing,
    }


def _jackknifed_auc(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """Twice the pairs in order fall by those of the unit's clips, which are counted once."""
    once = np.ones(len(labels), dtype=np.int64)
    counts = count_above(labels, scores, once)
    pos, neg = int(counts.tp[-1]), int(counts.fp[-1])
    new_tp, new_fp = steps(counts.tp), steps(counts.fp)
    # By threshold: what one positive, and one negative, clip there adds.
    of_positive, of_negative = 2 * (neg - counts.fp) + new_fp, 2 * counts.tp - new_tp
    place = np.searchsorted(-counts.thresholds, -scores)
    pairs = np.where(labels == 1, of_positive[place], of_negative[place])
    all_pairs = int(doubled_pairs_in_order(counts))
    own, clips = _sums(units, pairs, len(positive)), np.bincount(units, minlength=len(positive))
    stays = _alone(positive)
    own, clips = np.where(stays, 0, own), np.where(stays, 0, clips)
    left = 2 * (pos - np.where(positive, clips, 0)) * (neg - np.where(positive, 0, clips))
    return np.concatenate([[all_pairs / (2 * pos * neg)], (all_pairs - own) / left])


def _jackknifed_brier(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    units: NDArray[np.int64],
    positive: NDArray[np.bool_],
) -> NDArray[np.float64]:
    clips_of = np.bincount(labels, minlength=2)
    brier_units = brier_units_of(int(clips_of.max()))
    squared = errors_in_units(labels, scores, brier_units)
    of_class = _sums(labels, squared, 2)
    own, clips = _sums(units, squared, len(positive)), np.bincount(units, minlength=len(positive))
    stays = _alone(positive)
    own, clips = np.where(stays, 0, own), np.where(stays, 0, clips)
    errors = [
        (of_class[label] - np.where(positive == bool(label), own, 0))
        / ((clips_of[label] - np.where(positive == bool(label), clips, 0)) * brier_units)
        for label in (1, 0)
    ]
    whole = sum(of_class[label] / (clips_of[label] * brier_units) for label in (1, 0)) / 2.0
    return np.concatenate([[whole], (errors[0] + errors[1]) / 2.0])


def _sums(groups: NDArray[np.int64], values: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Whole-number sums of each group."""
    found = np.zeros(count, dtype=np.int64)
    np.add.at(found, groups, values)
    return found
