"""What is measured on a test fold, with class-balanced weights.

Each class has a total weight of 1/2 in the fold, so that values compare between folds and species
of different prevalence. A metric gives (value, ""), or (nan, reason) where it is not defined.
Recall at a precision, for which a fold alone is not enough, belongs in
:mod:`audio_assets.evaluation.recall`; how folds are summarised belongs in
:mod:`audio_assets.evaluation.learning_curve`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.recall import ScoredFold, Value, recall_of_folds, resampled_recall
from audio_assets.evaluation.threshold_counts import (
    Counts,
    count_above,
    label_units,
    steps,
    without_each,
)
from audio_assets.tables import METRICS

MIN_CLIPS_FOR_PRECISION = 5
"""Clips of each class, of 2 recordings, in a fold whose average precision is given.

Of one recording the jackknife takes no bias off: 5 + 5 recordings of 10 clips without skill, one of
each class in a fold, gave 0.59 for 0.5. Of clips that are recordings of their own, the mean without
skill is 0.53 at 5 + 5 clips, 0.51 at 10 + 10, and 0.54 at 3 + 3.
"""

_DRAWS_AT_ONCE = 200

BRIER_UNITS = 2**50
"""Steps of a squared error in up to 8191 clips of a class; more clips have fewer."""

CHANCE: Mapping[str, float] = MappingProxyType(
    {"roc_auc": 0.5, "average_precision": 0.5, "recall_at_precision_90": 0.0, "brier": 0.25}
)
"""Value of each metric for scores that say nothing, with both classes weighing one half.

Half of the pairs are in order and precision is 1/2 at every threshold; no threshold reaches a
precision of 0.9; and a probability of 1/2 for every clip is wrong by 1/2.
"""


def score_repeat(folds: Sequence[ScoredFold], *, is_probability: bool) -> list[dict[str, Value]]:
    """All metrics of the test folds of a repeat, or of the one test set of a holdout.

    Parameters
    ----------
    folds
        All folds of the repeat at one training size.
    is_probability
        Whether the scores are probabilities; the Brier score is undefined otherwise.

    Raises
    ------
    ValueError
        A score is NaN or infinite, or no probability though it should be.
    """
    within = [_score_fold(fold, is_probability) for fold in folds]
    if any(_lacking(fold.labels) for fold in folds):
        # The fold of one class says so itself; the others lack it.
        recalls = [_NO_RECALL] * len(folds)
    else:
        recalls = recall_of_folds(folds)
    found = []
    for fold, values, recall in zip(folds, within, recalls, strict=True):
        lacking = _lacking(fold.labels)
        values["recall_at_precision_90"] = (float("nan"), lacking) if lacking else recall
        found.append({metric: values[metric] for metric in METRICS})
    return found


def score_fold(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    recordings: NDArray[np.str_] | NDArray[np.int64] | None = None,
    *,
    is_probability: bool,
) -> dict[str, Value]:
    """The metrics of one test fold that need no other.

    Parameters
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    recordings
        [n], recording of each clip; every clip for itself when left out.
    is_probability
        Whether ``scores`` are probabilities; the Brier score is undefined otherwise.

    Raises
    ------
    ValueError
        A score is NaN or infinite, or no probability though it should be.
    """
    names = np.arange(len(labels)) if recordings is None else recordings
    return _score_fold(ScoredFold(labels, scores, names), is_probability)


def _score_fold(fold: ScoredFold, is_probability: bool) -> dict[str, Value]:
    labels, scores = fold.labels, fold.scores
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if is_probability and len(scores) and (scores.min() < 0.0 or scores.max() > 1.0):
        raise ValueError("probabilities must lie in 0 to 1")
    metrics = [metric for metric in METRICS if metric != "recall_at_precision_90"]
    lacking = _lacking(labels)
    if lacking:
        return dict.fromkeys(metrics, (float("nan"), lacking))
    once = np.ones(len(labels), dtype=np.int64)
    values: dict[str, Value] = {
        "roc_auc": (float(roc_auc(count_above(labels, scores, once))), ""),
        "average_precision": _NO_PRECISION,
        "brier": _NO_BRIER,
    }
    units, positive = fold.units or label_units(labels, fold.recordings)
    if _is_precise(labels, positive):
        values["average_precision"] = (_unbiased_precision(labels, scores, units, positive), "")
    if is_probability:
        values["brier"] = (_brier(labels, scores), "")
    return values


_NO_BRIER: Value = (float("nan"), "the scores are not probabilities")
_NO_RECALL: Value = (float("nan"), "another test fold lacks a class")
_NO_PRECISION: Value = (
    float("nan"),
    f"the test fold has fewer than {MIN_CLIPS_FOR_PRECISION} clips, or 2 recordings, of a class",
)


def _is_precise(labels: NDArray[np.int64], positive: NDArray[np.bool_]) -> bool:
    """Whether a fold has enough for average precision: the jackknife takes 2 recordings a class."""
    clips, recordings = np.bincount(labels, minlength=2), (positive.sum(), (~positive).sum())
    return int(min(clips)) >= MIN_CLIPS_FOR_PRECISION and int(min(recordings)) >= 2


def _lacking(labels: NDArray[np.int64]) -> str:
    """Why a fold of one class has no metric; empty if it has both."""
    words = [
        word for label, word in ((1, "positive"), (0, "negative")) if not (labels == label).any()
    ]
    return f"the test fold has no {' and no '.join(words)} clips" if words else ""


def roc_auc(counts: Counts) -> NDArray[np.float64]:
    """Share of (positive, negative) pairs in the right order, ties counting half; float64[...].

    Balanced weights do not change it. Counted in integers, so equal rankings give equal bits.
    """
    doubled = doubled_pairs_in_order(counts)
    return np.asarray(doubled / (2 * counts.tp[..., -1] * counts.fp[..., -1]))


def doubled_pairs_in_order(counts: Counts) -> NDArray[np.int64]:
    """Twice the (positive, negative) pairs in the right order, ties counting half; int64[...]."""
    new_tp, new_fp = steps(counts.tp), steps(counts.fp)
    return np.asarray(np.sum(new_fp * (2 * counts.tp - new_tp), axis=-1))


def average_precision(counts: Counts) -> NDArray[np.float64]:
    """Area under the curve of balanced precision over recall; float64[...].

    Between thresholds the ROC curve is a straight line, and with it ``t / (t + f)`` is integrated
    from one true positive rate to the next (Davis & Goadrich 2006; Keilwagen, Grosse & Grau 2014).
    The usual sum takes the precision at the end of each step, which is too high in small folds:
    0.57 for 0.50 at 10 + 10 clips without skill, where this gives 0.54.
    """
    t1, f1 = counts.tp / counts.tp[..., -1:], counts.fp / counts.fp[..., -1:]
    rise, run = np.diff(t1, prepend=0.0), np.diff(f1, prepend=0.0)
    t0, f0 = t1 - rise, f1 - run
    rises = rise > 0.0
    slope = run / np.where(rises, rise, 1.0)
    # t + f along the line is a t + b.
    a, b = 1.0 + slope, f0 - slope * t0
    ratio = np.where(rises & (t0 + f0 > 0.0), (t1 + f1) / np.where(t0 + f0 > 0.0, t0 + f0, 1.0), 1)
    # As what is lost against a precision of 1, so that perfect separation is 1 to the last bit.
    lost = rise * slope / a + b / a**2 * np.log(ratio)
    return np.asarray(np.clip(1.0 - np.sum(np.where(rises, lost, 0.0), axis=-1), 0.0, 1.0))


def _unbiased_precision(
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
    """:func:`average_precision`, then that without each unit; float64[1 + u].

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


def brier(
    labels: NDArray[np.int64], scores: NDArray[np.float64], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Mean squared error of the probability, averaged within and then over classes; float64[...].

    In whole numbers, so that the order of the clips changes no bit of the sums, which stay below
    2**63.

    Parameters
    ----------
    labels, scores
        As in :func:`score_fold`.
    times
        int[..., n], how often each clip counts; each class at least once.
    """
    most = max(int((times * (labels == label)).sum(axis=-1).max()) for label in (0, 1))
    brier_units = _brier_units(most)
    squared = _in_units(labels, scores, brier_units)
    errors = [
        (times * (labels == label))
        @ squared
        / ((times * (labels == label)).sum(axis=-1) * brier_units)
        for label in (1, 0)
    ]
    return np.asarray((errors[0] + errors[1]) / 2.0)


def _brier(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float:
    """:func:`brier` of clips that count once each."""
    clips = np.bincount(labels, minlength=2)
    units = _brier_units(int(clips.max()))
    squared = _in_units(labels, scores, units)
    errors = [int(squared[labels == label].sum()) / (int(clips[label]) * units) for label in (1, 0)]
    return (errors[0] + errors[1]) / 2.0


def _brier_units(most: int) -> int:
    """Steps of a squared error so that the sum of so many stays below 2**63."""
    return int(min(BRIER_UNITS, 2 ** (63 - most.bit_length())))


def _in_units(
    labels: NDArray[np.int64], scores: NDArray[np.float64], units: int
) -> NDArray[np.int64]:
    return np.asarray(np.rint((scores - labels) ** 2 * units), dtype=np.int64)


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
        As in :func:`score_fold`, with both classes.
    units
        int[n], which of u units a clip belongs to: a label of a recording.
    positive
        bool[u], whether a unit's clips are positive.
    """
    nothing = np.full(len(positive) + 1, np.nan)
    precise = _is_precise(labels, positive)
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
    brier_units = _brier_units(int(clips_of.max()))
    squared = _in_units(labels, scores, brier_units)
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


def resampled_metrics(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    times: NDArray[np.int64],
    *,
    is_probability: bool,
) -> dict[str, NDArray[np.float64]]:
    """All metrics of a test set under many resamples of it, float64[B] by name, for their spread.

    Average precision keeps its bias here, and recall is taken at the threshold chosen on the same
    clips: neither changes how the values vary between resamples.

    Parameters
    ----------
    labels, scores, is_probability
        As in :func:`score_fold`.
    times
        int[B, n], how often each clip was drawn; each class at least once in every resample.
    """
    blocks = []
    # Some rows at a time: 2,000 draws of thousands of clips are gigabytes.
    for start in range(0, len(times), _DRAWS_AT_ONCE):
        some = times[start : start + _DRAWS_AT_ONCE]
        counts = count_above(labels, scores, some)
        nothing = np.full(len(some), np.nan)
        blocks.append(
            {
                "roc_auc": roc_auc(counts),
                "average_precision": average_precision(counts),
                "recall_at_precision_90": resampled_recall(labels, scores, some),
                "brier": brier(labels, scores, some) if is_probability else nothing,
            }
        )
    return {metric: np.concatenate([block[metric] for block in blocks]) for metric in METRICS}
