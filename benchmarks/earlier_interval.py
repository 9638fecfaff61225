"""The interval and the draw orders that were used earlier, which the simulations compare with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.special import expit, logit
from scipy.stats import beta
from scipy.stats import t as student

from audio_assets.evaluation.intervals.fold_means import count_distinct_folds
from audio_assets.evaluation.intervals.recording_values import RecordingVariance
from audio_assets.evaluation.splits.plan import SplitPlan
from audio_assets.evaluation.splits.recordings import RecordingCounts
from benchmarks.simulated_clips import Vector


def one_order_per_repeat(plan: SplitPlan) -> SplitPlan:
    """The plan with one draw order for all folds of a repeat."""
    return replace(plan, ranks=np.repeat(plan.ranks[:, :1], plan.n_folds, axis=1))


def earlier_error(
    spread: float, test_folds: list[str], n_folds: int, tested: RecordingVariance
) -> float:
    """``SE^2 = (s^2 (1/J + 1/(K-1)) + 2 V) / 2``, the corrected resampled t joined with V."""
    of_folds = spread**2 * (1 / count_distinct_folds(test_folds) + 1 / (n_folds - 1))
    return float(np.sqrt((of_folds + 2 * tested.variance) / 2))


def earlier_interval(
    values: Vector,
    test_folds: list[str],
    n_folds: int,
    tested: RecordingVariance,
    recordings: RecordingCounts,
    level: float,
) -> tuple[float, float]:
    """The interval by :func:`earlier_error`; Clopper-Pearson where all folds agree."""
    mean, tail = float(values.mean()), (1 - level) / 2
    grouped: dict[str, list[float]] = {}
    for value, fold in zip(values, test_folds, strict=True):
        grouped.setdefault(fold, []).append(float(value))
    spread = np.std([np.mean(group) for group in grouped.values()], ddof=1)
    n = recordings.independent_pairs
    if spread < 1e-12 or not 0.0 < mean < 1.0:
        low = beta.ppf(tail, n * mean, n * (1 - mean) + 1) if mean > 0 else 0.0
        high = beta.ppf(1 - tail, n * mean + 1, n * (1 - mean)) if mean < 1 else 1.0
        return float(low), float(high)
    error = earlier_error(float(spread), test_folds, n_folds, tested)
    half = student.ppf(1 - tail, tested.degrees) * error
    steps = half / (mean * (1 - mean))
    unseen = mean - (1 - tail ** (1 / n)) * (mean - 0.5)
    low, high = expit(logit(mean) - steps), expit(logit(mean) + steps)
    return float(min(low, unseen)), float(max(high, unseen))
