"""Simulated coverage of the bootstrap interval: a table of docs/coverage.md.

    python benchmarks/bootstrap_coverage.py [--sets 100] [--draws 100] [--repeats 5] [--workers 1]

A data set has recordings of three clips; the recording's own effect is as large as the noise of a
clip. The truth is the mean AUC over classifiers trained on n clips a class of fresh recordings,
scored on fresh recordings.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from audio_assets import evaluate
from audio_assets.evaluation.scores.metrics import score_fold
from audio_assets.evaluation.scores.threads import one_blas_thread
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.models.kernel_logistic import fit_kernel_logistic

Clips = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]

DIMENSION = 12
CLIPS_PER_RECORDING = 3
FRESH_RECORDINGS = 500
FRESH_DRAWS = 500
LEVEL = 0.95


@dataclass(frozen=True)
class Setting:
    """Recordings with positive and with negative clips, distance of the classes, clips a class."""

    pos: int
    neg: int
    distance: float
    size: int


SETTINGS = (Setting(15, 15, 2.0, 8), Setting(12, 12, 6.0, 16))


def draw(rng: np.random.Generator, pos: int, neg: int, distance: float, clips: int) -> Clips:
    """Embeddings float64[n, DIMENSION], labels and recordings."""
    recording = np.repeat(np.arange(pos + neg), clips)
    labels = np.repeat(np.r_[np.ones(pos), np.zeros(neg)].astype(np.int64), clips)
    vectors = rng.normal(size=(pos + neg, DIMENSION))[recording]
    vectors += rng.normal(size=vectors.shape)
    vectors[:, 0] += distance * labels
    vectors[:, 1] += 3.0
    return vectors, labels, recording.astype(str)


def true_auc(setting: Setting) -> float:
    """Mean AUC over fresh training draws, on fresh recordings."""
    rng = np.random.default_rng(1)
    fresh = FRESH_RECORDINGS
    tested, tested_labels, _ = draw(rng, fresh, fresh, setting.distance, clips=1)
    tested /= np.linalg.norm(tested, axis=1, keepdims=True)
    aucs = []
    for seed in range(FRESH_DRAWS):
        clips = draw(rng, setting.pos, setting.neg, setting.distance, CLIPS_PER_RECORDING)
        vectors, labels, recordings = clips
        keys = [f"{key:06d}" for key in range(len(labels))]
        plan = make_split_plan(labels, recordings, keys=keys, repeats=1, seed=seed)
        train = plan.training_clips(labels, 0, 0, setting.size)
        unit = vectors[train] / np.linalg.norm(vectors[train], axis=1, keepdims=True)
        fit = fit_kernel_logistic(unit @ unit.T, labels[train], 10.0)
        scores = fit.decision(tested @ unit.T)
        aucs.append(score_fold(tested_labels, scores, is_probability=False)["roc_auc"][0])
    return float(np.mean(aucs))


def interval(setting: Setting, draws: int, repeats: int, seed: int) -> tuple[float, float, float]:
    """Mean and ends of the interval of one data set."""
    rng = np.random.default_rng([2, seed])
    clips = draw(rng, setting.pos, setting.neg, setting.distance, CLIPS_PER_RECORDING)
    curve = evaluate(
        *clips,
        sizes=(setting.size,),
        repeats=repeats,
        seed=seed,
        bootstrap=draws,
        ci_level=LEVEL,
    )
    row = curve[(curve["metric"] == "roc_auc") & (curve["training_size"] == setting.size)].iloc[0]
    return float(row["mean"]), float(row["ci_low"]), float(row["ci_high"])


def main(sets: int, draws: int, repeats: int, workers: int) -> None:
    print("| recordings a class | clips a class | true AUC | mean | coverage | width |")
    print("|---|---|---|---|---|---|")
    pool = Parallel(n_jobs=workers)
    for setting in SETTINGS:
        with one_blas_thread():
            truth = true_auc(setting)
        found = pool(delayed(interval)(setting, draws, repeats, seed) for seed in range(sets))
        mean, low, high = np.array(found).T
        covered = np.mean((low <= truth) & (truth <= high))
        who = f"{setting.pos} and {setting.neg} | {setting.size} | {truth:.3f} | {mean.mean():.3f}"
        print(f"| {who} | {covered:.2f} | {np.mean(high - low):.2f} |", flush=True)
    print(
        f"\n{sets} data sets a row, {draws} draws each, {repeats} repeats; the standard error of a "
        f"coverage of 0.95 is {np.sqrt(0.95 * 0.05 / sets):.3f}."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=100)
    parser.add_argument("--draws", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    main(**vars(parser.parse_args()))
