"""Simulated coverage of the default interval, beside the usual one: the table of the README.

    python benchmarks/coverage.py [SETS]

A data set has recordings of three clips; the recording's own effect is as large as the noise of a
clip. The truth is the mean AUC of classifiers trained on the folds' largest size, on fresh
recordings.
"""

import sys
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from audio_assets.evaluation.grid import score_folds
from audio_assets.evaluation.kernel_logistic import fit_kernel_logistic
from audio_assets.evaluation.learning_curve import summarise
from audio_assets.evaluation.metrics import score_fold
from audio_assets.evaluation.splits import make_split_plan

Clips = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]

DIMENSION = 12
CLIPS_PER_RECORDING = 3
FRESH_RECORDINGS = 3000
LEVEL = 0.95

# Recordings with positive and with negative clips, distance of the classes, and the share of
# positive recordings in which nothing can be heard.
SETTINGS = (
    (15, 15, 2.0, 0.0),
    (40, 40, 2.0, 0.0),
    (12, 12, 6.0, 0.0),
    (10, 10, 8.0, 0.0),
    (12, 12, 6.0, 0.1),
    (5, 40, 2.0, 0.0),
    (7, 30, 2.0, 0.0),
)


def draw(
    rng: np.random.Generator, pos: int, neg: int, distance: float, inaudible: float, clips: int
) -> Clips:
    """Embeddings float64[n, DIMENSION] of unit length, labels and recordings."""
    count = pos + neg
    recording = np.repeat(np.arange(count), clips)
    labels = np.repeat(np.r_[np.ones(pos), np.zeros(neg)].astype(np.int64), clips)
    audible = (rng.random(count) >= inaudible)[recording]
    effect = rng.normal(size=(count, DIMENSION))[recording]
    vectors = effect + rng.normal(size=(len(recording), DIMENSION))
    vectors[:, 0] += distance * audible * labels
    vectors[:, 1] += 3.0
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors, labels, recording.astype(str)


def simulate(
    pos: int, neg: int, distance: float, inaudible: float, sets: int
) -> Iterator[tuple[float, tuple[float, float], tuple[float, float]]]:
    """For each data set: one draw of the truth, the interval and the usual interval."""
    rng = np.random.default_rng(5)
    fresh, fresh_labels, _ = draw(
        rng, FRESH_RECORDINGS, FRESH_RECORDINGS, distance, inaudible, clips=1
    )
    for seed in range(sets):
        vectors, labels, recordings = draw(rng, pos, neg, distance, inaudible, CLIPS_PER_RECORDING)
        keys = [f"{key:06d}" for key in rng.permutation(len(labels))]
        plan = make_split_plan(labels, recordings, keys=keys, seed=seed)
        results = score_folds(vectors, labels, recordings, plan, sizes=(), head="logistic")
        curve = summarise(
            results.scores, recordings=results.recordings, ci_level=LEVEL, head="logistic"
        ).set_index("metric")
        values = results.scores.query("metric == 'roc_auc'")["value"].to_numpy()
        half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1)
        half /= np.sqrt(len(values))
        train = plan.training_clips(labels, 0, 0, plan.largest_size(labels))
        fit = fit_kernel_logistic(vectors[train] @ vectors[train].T, labels[train], 10.0)
        scores = fit.decision(fresh @ vectors[train].T)
        truth = score_fold(fresh_labels, scores, is_probability=False)["roc_auc"][0]
        ends = (float(curve["ci_low"]["roc_auc"]), float(curve["ci_high"]["roc_auc"]))
        yield truth, ends, (values.mean() - half, values.mean() + half)


def main(sets: int) -> None:
    print("| recordings a class, true AUC | this interval | the usual one | width |")
    print("|---|---|---|---|")
    for pos, neg, distance, inaudible in SETTINGS:
        truths, ours, usual = zip(*simulate(pos, neg, distance, inaudible, sets), strict=True)
        truth = float(np.mean(truths))
        covered = [
            float(np.mean([low <= truth <= high for low, high in ends])) for ends in (ours, usual)
        ]
        width = float(np.mean([high - low for low, high in ours]))
        who = f"{pos} and {neg}, {truth:.4f}"
        who += f", {inaudible:.0%} of the positive recordings inaudible" if inaudible else ""
        print(f"| {who} | {covered[0]:.2f} | {covered[1]:.2f} | {width:.2f} |", flush=True)
    print(
        f"\n{sets} data sets a row; the standard error of a coverage of 0.95 is "
        f"{np.sqrt(0.95 * 0.05 / sets):.3f}."
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
