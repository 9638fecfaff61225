"""The metrics of a test fold, with class-balanced weights.

Each class has a total weight of 1/2 in the fold, so that values are comparable between folds and
species of different prevalence. A metric returns (value, ""), or (nan, reason) where it is
undefined. Recall at a precision, which needs more than one fold, belongs in
:mod:`audio_assets.evaluation.scores.recall`; summarising folds belongs in
:mod:`audio_assets.evaluation.intervals.learning_curve`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.scores.jackknifed_metrics import (
    MIN_CLIPS_FOR_PRECISION,
    jackknifed_rankings,
    unbiased_precision,
)
from audio_assets.evaluation.scores.metric_formulas import (
    average_precision,
    brier,
    doubled_pairs_in_order,
    roc_auc,
    squared_errors,
)
from audio_assets.evaluation.scores.recall import (
    ScoredFold,
    Value,
    recall_of_folds,
    resampled_recall,
)
from audio_assets.evaluation.scores.threshold_counts import count_above, label_units
from audio_assets.tables import METRICS

_DRAWS_AT_ONCE = 200

CHANCE: Mapping[str, float] = MappingProxyType(
    {"roc_auc": 0.5, "average_precision": 0.5, "recall_at_precision_90": 0.0, "brier": 0.25}
)
"""Value of each metric for uninformative scores, with a weight of one half for each class.

Half of the pairs are in order and precision is 1/2 at every threshold; no threshold reaches a
precision of 0.9; and a probability of 1/2 for every clip is wrong by 1/2.
"""


def score_repeat(
    sizes: Sequence[Sequence[ScoredFold]], *, is_probability: Sequence[bool]
) -> list[list[dict[str, Value]]]:
    """All metrics of the test folds of a repeat, or of the single test set of a holdout.

    Parameters
    ----------
    sizes
        For each training size all folds of the repeat. Folds at the same position have the same
        clips in the same order.
    is_probability
        For each size, whether the scores are probabilities; the Brier score is undefined otherwise.

    Returns
    -------
    list
        For each size the metrics of each fold.

    Raises
    ------
    ValueError
        A score is NaN or infinite, or no probability though it should be.
    """
    lacking = [_lacking(fold.labels) for fold in sizes[0]]
    within = [_score_fold(fold, is_probability) for fold in zip(*sizes, strict=True)]
    found = []
    for place, folds in enumerate(sizes):
        if any(lacking):
            # A fold of one class has its own reason; the others lack that fold.
            recalls = [(float("nan"), reason) if reason else _NO_RECALL for reason in lacking]
        else:
            recalls = recall_of_folds(folds)
        found.append(
            [
                {
                    metric: (values | {"recall_at_precision_90": recall})[metric]
                    for metric in METRICS
                }
                for values, recall in zip(
                    (of_fold[place] for of_fold in within), recalls, strict=True
                )
            ]
        )
    return found


def score_fold(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    recordings: NDArray[np.str_] | NDArray[np.int64] | None = None,
    *,
    is_probability: bool,
) -> dict[str, Value]:
    """The metrics of one test fold that need no other fold.

    Parameters
    ----------
    labels
        {0, 1}[n].
    scores
        float64[n], higher means more likely positive.
    recordings
        [n], recording of each clip; by default every clip is a recording of its own.
    is_probability
        Whether ``scores`` are probabilities; the Brier score is undefined otherwise.

    Raises
    ------
    ValueError
        A score is NaN or infinite, or no probability though it should be.
    """
    names = np.arange(len(labels)) if recordings is None else recordings
    return _score_fold([ScoredFold(labels, scores, names)], [is_probability])[0]


def _score_fold(
    sizes: Sequence[ScoredFold], is_probability: Sequence[bool]
) -> list[dict[str, Value]]:
    """The metrics of one test fold at each size."""
    labels = sizes[0].labels
    scores = np.stack([fold.scores for fold in sizes])
    probable = np.array(is_probability)
    if not np.isfinite(scores).all():
        raise ValueError("scores must be finite")
    if ((scores[probable] < 0.0) | (scores[probable] > 1.0)).any():
        raise ValueError("probabilities must lie in 0 to 1")
    lacking = _lacking(labels)
    if lacking:
        metrics = [metric for metric in METRICS if metric != "recall_at_precision_90"]
        return [dict.fromkeys(metrics, (float("nan"), lacking)) for _ in sizes]
    units, positive = sizes[0].units or label_units(labels, sizes[0].recordings)
    jackknifed = jackknifed_rankings(labels, scores, units, positive)
    values = {
        "roc_auc": jackknifed["roc_auc"][:, 0],
        "average_precision": unbiased_precision(jackknifed["average_precision"], positive),
        "brier": np.full(len(sizes), np.nan),
    }
    values["brier"][probable] = _brier(labels, scores[probable])
    reasons = {"average_precision": _NO_PRECISION, "brier": _NO_BRIER}
    return [
        {
            metric: reasons[metric] if np.isnan(of_metric[place]) else (float(of_metric[place]), "")
            for metric, of_metric in values.items()
        }
        for place in range(len(sizes))
    ]


def _brier(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Brier score float64[s] of probabilities float64[s, n], in whole numbers of Python."""
    clips = np.bincount(labels, minlength=2).tolist()
    squared, units = squared_errors(labels, scores, max(clips))
    sums = [squared[:, labels == label].sum(axis=1).tolist() for label in (1, 0)]
    counts = clips[1], clips[0]
    return np.array([brier(errors, counts, units) for errors in zip(*sums, strict=True)])


_NO_BRIER: Value = (float("nan"), "the scores are not probabilities")
_NO_RECALL: Value = (float("nan"), "another test fold lacks a class")
_NO_PRECISION: Value = (
    float("nan"),
    f"the test fold has fewer than {MIN_CLIPS_FOR_PRECISION} clips, or 2 recordings, of a class",
)


def _lacking(labels: NDArray[np.int64]) -> str:
    """Explain why a fold of one class has no metrics; empty if it has both classes."""
    words = [
        word for label, word in ((1, "positive"), (0, "negative")) if not (labels == label).any()
    ]
    return f"the test fold has no {' and no '.join(words)} clips" if words else ""


def resampled_metrics(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    times: NDArray[np.int64],
    *,
    is_probability: bool,
) -> dict[str, NDArray[np.float64]]:
    """All metrics of a test set under many resamples of it, float64[B] by name, for their spread.

    Average precision is not bias-corrected here, and recall uses the threshold chosen on the same
    clips: neither changes how the values vary between resamples.

    Parameters
    ----------
    labels, scores, is_probability
        As in :func:`score_fold`.
    times
        int[B, n], how often each clip was drawn; each class at least once in every resample.
    """
    blocks = []
    # A few rows at a time: 2,000 draws of thousands of clips take gigabytes.
    for start in range(0, len(times), _DRAWS_AT_ONCE):
        some = times[start : start + _DRAWS_AT_ONCE]
        counts = count_above(labels, scores, some)
        steps, nothing = counts.steps(), np.full(len(some), np.nan)
        blocks.append(
            {
                "roc_auc": roc_auc(doubled_pairs_in_order(steps), steps.pairs),
                "average_precision": average_precision(steps),
                "recall_at_precision_90": resampled_recall(counts),
                "brier": _resampled_brier(labels, scores, some) if is_probability else nothing,
            }
        )
    return {metric: np.concatenate([block[metric] for block in blocks]) for metric in METRICS}


def _resampled_brier(
    labels: NDArray[np.int64], scores: NDArray[np.float64], times: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Brier score float64[B] of clips that count ``times`` int[B, n]."""
    drawn = times * (labels == 1), times * (labels == 0)
    clips = drawn[0].sum(axis=1), drawn[1].sum(axis=1)
    squared, units = squared_errors(labels, scores, int(max(of.max() for of in clips)))
    return np.asarray(brier((drawn[0] @ squared, drawn[1] @ squared), clips, units))
