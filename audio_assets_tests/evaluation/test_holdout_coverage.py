"""Does the interval over a fixed test set hold the true AUC in 95 of 100 sets of clips?"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from audio_assets import evaluate
from audio_assets.evaluation.scores.metrics import score_fold
from audio_assets.evaluation.splits.holdout import make_holdout_plan
from audio_assets.models.kernel_logistic import fit_kernel_logistic

SETS = 40


@pytest.mark.slow
@pytest.mark.parametrize(
    ("recordings", "shift"),
    [(18, 2.0), (40, 3.0), (34, 8.0)],
    ids=["five test recordings", "medium", "at the ceiling"],
)
def test_the_interval_over_a_fixed_test_set_covers_and_one_over_clips_does_not(
    recordings: int, shift: float, simulated: Callable[..., Any]
) -> None:
    fresh = simulated(2000, 2000, clips=1, shift=shift, seed=10_000)
    unit_fresh = fresh.embeddings / np.linalg.norm(fresh.embeddings, axis=1, keepdims=True)
    intervals, naive, truths = [], [], []
    for seed in range(SETS):
        clips = simulated(recordings, recordings, clips=6, shift=shift, seed=seed)
        plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, seed=seed)
        curve = evaluate(
            clips.embeddings, clips.labels, clips.recordings,
            sizes=(16,), protocol="holdout", splits=plan, seed=seed,
        ).query("metric == 'roc_auc' and training_size == 16")  # fmt: skip
        low, high = curve[["ci_low", "ci_high"]].to_numpy()[0]
        intervals.append((low, high))
        # Clips as if each were a recording (Hanley and McNeil 1982), the usual interval.
        mean, clips_tested = float(curve["mean"].iloc[0]), int(plan.tested.sum()) / 2
        q1, q2 = mean / (2 - mean), 2 * mean**2 / (1 + mean)
        variance = mean * (1 - mean) + (clips_tested - 1) * (q1 + q2 - 2 * mean**2)
        half = 1.96 * np.sqrt(max(variance, 0.0)) / clips_tested
        naive.append((mean - half, mean + half))
        unit = clips.embeddings / np.linalg.norm(clips.embeddings, axis=1, keepdims=True)
        train = plan.training_clips(clips.labels, 0, 0, 16)
        fit = fit_kernel_logistic(unit[train] @ unit[train].T, clips.labels[train], 10.0)
        scores = fit.decision(unit_fresh @ unit[train].T)
        truths.append(score_fold(fresh.labels, scores, is_probability=False)["roc_auc"][0])
    truth = np.mean(truths)

    def coverage(ends: list[Any]) -> float:
        low, high = np.array(ends).T
        return float(np.mean((low <= truth) & (truth <= high)))

    assert coverage(intervals) >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / SETS)
    if shift < 8.0:
        assert coverage(naive) < 0.85
