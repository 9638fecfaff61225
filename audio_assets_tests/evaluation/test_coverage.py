"""Does an interval of nominal 0.95 hold the true AUC in 95 of 100 sets of clips?"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import t as student

from audio_assets.evaluation.grid import score_folds
from audio_assets.evaluation.kernel_logistic import fit_kernel_logistic
from audio_assets.evaluation.learning_curve import summarise
from audio_assets.evaluation.metrics import score_fold
from audio_assets.evaluation.splits import make_split_plan

SETS = 40


@pytest.mark.parametrize(
    ("pos", "neg", "shift"),
    [(15, 15, 2.0), (5, 30, 2.0), (10, 10, 8.0)],
    ids=["medium", "five positive recordings", "at the ceiling"],
)
def test_the_interval_covers_and_the_naive_one_does_not(
    pos: int, neg: int, shift: float, simulated: Callable[..., Any]
) -> None:
    fresh = simulated(2000, 2000, clips=1, shift=shift, seed=10_000)
    unit_fresh = fresh.embeddings / np.linalg.norm(fresh.embeddings, axis=1, keepdims=True)
    intervals, naive, truths = [], [], []
    for seed in range(SETS):
        clips = simulated(pos, neg, clips=2, shift=shift, seed=seed)
        plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys, seed=seed)
        results = score_folds(
            clips.embeddings, clips.labels, clips.recordings, plan, sizes=(), head="logistic"
        )
        curve = summarise(
            results.scores, recordings=results.recordings, ci_level=0.95, head="logistic"
        )
        intervals.append(
            curve.loc[curve["metric"] == "roc_auc", ["ci_low", "ci_high"]].to_numpy()[0]
        )
        values = results.scores.query("metric == 'roc_auc'")["value"].to_numpy()
        half = student.ppf(0.975, 24) * values.std(ddof=1) / 5.0
        naive.append((values.mean() - half, values.mean() + half))
        train = plan.training_clips(clips.labels, 0, 0, plan.largest_size(clips.labels))
        unit = clips.embeddings[train]
        unit = unit / np.linalg.norm(unit, axis=1, keepdims=True)
        fit = fit_kernel_logistic(unit @ unit.T, clips.labels[train], 10.0)
        scored = score_fold(fresh.labels, fit.decision(unit_fresh @ unit.T), is_probability=False)
        truths.append(scored["roc_auc"][0])
    truth = np.mean(truths)

    def coverage(ends: list[Any]) -> float:
        low, high = np.array(ends).T
        return float(np.mean((low <= truth) & (truth <= high)))

    # Two standard errors of a share of 0.95 over so many sets.
    assert coverage(intervals) >= 0.95 - 2 * np.sqrt(0.95 * 0.05 / SETS)
    assert coverage(naive) < 0.8
