"""Simulated coverage of the interval over a fixed test set: the holdout table of the README.

    python benchmarks/holdout_coverage.py [SETS]

Data sets are those of benchmarks/coverage.py. The truth is the mean AUC, on fresh recordings, of
classifiers trained on draws of n clips per class from fresh data sets.
"""

import sys
from collections.abc import Iterator

import numpy as np
from coverage import CLIPS_PER_RECORDING, LEVEL, draw

from audio_assets import evaluate
from audio_assets.evaluation.api import content_keys
from audio_assets.evaluation.holdout import make_holdout_plan
from audio_assets.evaluation.kernel_logistic import fit_kernel_logistic
from audio_assets.evaluation.metrics import score_fold
from audio_assets.evaluation.threads import one_blas_thread

FRESH_RECORDINGS = 1500
SIZES = (4, 16)

# Recordings with positive and with negative clips, distance of the classes, and the share of
# positive recordings in which nothing can be heard.
SETTINGS = (
    (20, 20, 2.0, 0.0),
    (40, 40, 2.0, 0.0),
    (20, 60, 2.0, 0.0),
    (40, 40, 6.0, 0.0),
    (40, 40, 8.0, 0.0),
    (20, 20, 6.0, 0.1),
    (40, 40, 6.0, 0.1),
)

Row = tuple[float, float, float, bool]


def simulate(
    pos: int, neg: int, distance: float, inaudible: float, sets: int
) -> Iterator[list[Row]]:
    """For each data set, a row a size: one draw of the truth, the ends, whether all is perfect."""
    rng = np.random.default_rng(5)
    fresh, fresh_labels, _ = draw(
        rng, FRESH_RECORDINGS, FRESH_RECORDINGS, distance, inaudible, clips=1
    )
    for seed in range(sets):
        vectors, labels, recordings = draw(rng, pos, neg, distance, inaudible, CLIPS_PER_RECORDING)
        plan = make_holdout_plan(labels, recordings, keys=content_keys(vectors), seed=seed)
        curve = evaluate(
            vectors, labels, recordings, sizes=SIZES, protocol="holdout", splits=plan,
            seed=seed, ci_level=LEVEL,
        ).query("metric == 'roc_auc'")  # fmt: skip
        rows = []
        for point in curve.itertuples():
            truths = []
            for repeat in range(plan.repeats):
                train = plan.training_clips(labels, repeat, 0, point.training_size)
                fit = fit_kernel_logistic(vectors[train] @ vectors[train].T, labels[train], 10.0)
                scores = fit.decision(fresh @ vectors[train].T)
                truths.append(score_fold(fresh_labels, scores, is_probability=False)["roc_auc"][0])
            perfect = point.ci_method == "recording_bound"
            rows.append((float(np.mean(truths)), point.ci_low, point.ci_high, perfect))
        yield rows


def main(sets: int) -> None:
    print("| recordings a class | n | true AUC | coverage | width | perfectly separated |")
    print("|---|---|---|---|---|---|")
    for pos, neg, distance, inaudible in SETTINGS:
        with one_blas_thread():
            found = list(simulate(pos, neg, distance, inaudible, sets))
        for number, size in enumerate((*map(str, SIZES), "largest")):
            rows = np.array([rows[number] for rows in found])
            truth, low, high = rows[:, 0].mean(), rows[:, 1], rows[:, 2]
            covered = np.mean((low <= truth) & (truth <= high))
            who = f"{pos} and {neg}" + (f", {inaudible:.0%} inaudible" if inaudible else "")
            print(
                f"| {who} | {size} | {truth:.4f} | {covered:.3f} | {np.mean(high - low):.2f} | "
                f"{rows[:, 3].mean():.2f} |",
                flush=True,
            )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
