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
from audio_assets.evaluation.threshold_counts import Counts, count_above, without_each
from audio_assets.tables import METRICS

MIN_CLIPS_FOR_PRECISION = 5
"""Clips of each class in a fold whose average precision is given.

Without skill, where 0.5 is true, its mean is 0.53 at 5 + 5 clips, 0.51 at 10 + 10, and 0.54 at
3 + 3.
"""

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
    within = [
        score_fold(fold.labels, fold.scores, fold.recordings, is_probability=is_probability)
        for fold in folds
    ]
    if not all(set(fold.labels.tolist()) == {0, 1} for fold in folds):
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
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if is_probability and len(scores) and (scores.min() < 0.0 or scores.max() > 1.0):
        raise ValueError("probabilities must lie in 0 to 1")
    metrics = [metric for metric in METRICS if metric != "recall_at_precision_90"]
    lacking = _lacking(labels)
    if lacking:
        return dict.fromkeys(metrics, (float("nan"), lacking))
    names = np.arange(len(labels)) if recordings is None else recordings
    once = np.ones(len(labels), dtype=np.int64)
    values: dict[str, Value] = {
        "roc_auc": (float(roc_auc(count_above(labels, scores, once))), ""),
        "average_precision": _unbiased_precision(labels, scores, names),
        "brier": _NO_BRIER,
    }
    if is_probability:
        values["brier"] = (float(brier(labels, scores, once)), "")
    return values


_NO_BRIER: Value = (float("nan"), "the scores are not probabilities")
_NO_RECALL: Value = (float("nan"), "another test fold lacks a class")
_NO_PRECISION: Value = (
    float("nan"),
    f"the test fold has fewer than {MIN_CLIPS_FOR_PRECISION} positive or negative clips",
)


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
    new_tp, new_fp = np.diff(counts.tp, prepend=0), np.diff(counts.fp, prepend=0)
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
    recordings: NDArray[np.str_] | NDArray[np.int64],
) -> Value:
    """Average precision less its bias, as the jackknife over recordings finds it.

    For each class with g recordings ``(g - 1) (mean of v(-i) - v)`` is taken off, v being the value
    of the fold and v(-i) that without recording i's clips of the class (Quenouille 1956): at
    10 + 10 clips without skill 0.51 is left of 0.54.
    """
    if min(int(np.sum(labels == label)) for label in (0, 1)) < MIN_CLIPS_FOR_PRECISION:
        return _NO_PRECISION
    # Of each label apart: a recording may hold both.
    _, codes = np.unique(recordings, return_inverse=True)
    _, units = np.unique(2 * codes + labels, return_inverse=True)
    count = int(units.max()) + 1
    positive = np.zeros(count, dtype=bool)
    positive[units] = labels == 1
    values = average_precision(count_above(labels, scores, _leaving_each(units, positive)))
    whole, left_out = values[0], values[1:]
    bias = 0.0
    for of_class in (positive, ~positive):
        # Sorted, so that the order of the rows changes no bit.
        mean = np.sort(left_out[of_class]).mean()
        bias += (int(of_class.sum()) - 1) * float(mean - whole)
    return float(np.clip(whole - bias, 0.0, 1.0)), ""


def _leaving_each(units: NDArray[np.int64], positive: NDArray[np.bool_]) -> NDArray[np.int64]:
    """As :func:`without_each`; a unit alone in its class stays, as nothing would be left."""
    times = without_each(units, len(positive))
    alone = np.where(positive, positive.sum(), (~positive).sum()) == 1
    times[1:][alone] = 1
    return times


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
    steps = min(BRIER_UNITS, 2 ** (63 - most.bit_length()))
    squared = np.rint((scores - labels) ** 2 * steps).astype(np.int64)
    errors = [
        (times * (labels == label)) @ squared / ((times * (labels == label)).sum(axis=-1) * steps)
        for label in (1, 0)
    ]
    return np.asarray((errors[0] + errors[1]) / 2.0)


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
    times = _leaving_each(units, positive)
    counts = count_above(labels, scores, times)
    nothing = np.full(len(times), np.nan)
    return {
        "roc_auc": roc_auc(counts),
        "average_precision": average_precision(counts),
        "brier": brier(labels, scores, times) if is_probability else nothing,
    }


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
    counts = count_above(labels, scores, times)
    nothing = np.full(len(times), np.nan)
    found = {
        "roc_auc": roc_auc(counts),
        "average_precision": average_precision(counts),
        "recall_at_precision_90": resampled_recall(labels, scores, times),
        "brier": brier(labels, scores, times) if is_probability else nothing,
    }
    return {metric: found[metric] for metric in METRICS}
