"""Simulated coverage of the interval over a fixed test set: a table of docs/coverage.md.

    python -m benchmarks.holdout_coverage [--sets 200] [--processes 2]

Data sets are made as in benchmarks/coverage.py. The truth of a cell is the mean AUC over fresh
training draws of n clips a class and fresh test recordings. The naive interval takes every clip of
the test set for a recording of its own (Hanley and McNeil 1982).
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
from numpy.typing import NDArray

from audio_assets import evaluate
from audio_assets.evaluation.scores.metrics import score_fold
from audio_assets.evaluation.splits.holdout import make_holdout_plan
from audio_assets.models.heads import HEADS, Fit
from benchmarks.coverage import LEVEL, SMALLEST
from benchmarks.simulated_clips import Setting, draw, draw_embeddings

FRESH_RECORDINGS = 500
HEAD = "logistic"

SETTINGS = (
    Setting(20, 20, (3, 3), 2.0, 16),
    Setting(40, 40, (3, 3), 2.0, 16),
    Setting(20, 60, (3, 3), 2.0, 16),
    Setting(40, 40, (3, 3), 6.0, 16),
    Setting(40, 40, (3, 3), 8.0, 16),
    Setting(20, 20, (3, 3), 6.0, 16, inaudible=0.1),
    Setting(40, 40, (3, 3), 6.0, 16, inaudible=0.1),
)

# Of a data set at one size: the truth's draw, both intervals' ends, whether all is perfect.
Row = tuple[float, float, float, float, float, bool]


def evaluate_set(setting: Setting, number: int) -> list[Row]:
    """What one data set gave, a row a size."""
    rng = np.random.default_rng([SETTINGS.index(setting), number])
    clips = draw(setting, rng)
    plan = make_holdout_plan(clips.labels, clips.recordings, keys=clips.keys, seed=number)
    curve = evaluate(
        clips.embeddings, clips.labels, clips.recordings, sizes=(SMALLEST, setting.middle),
        protocol="holdout", splits=plan, seed=number, ci_level=LEVEL,
    ).query("metric == 'roc_auc'")  # fmt: skip
    recording = np.arange(2 * FRESH_RECORDINGS)
    fresh_labels = (recording < FRESH_RECORDINGS).astype(np.int64)
    fresh = draw_embeddings(setting, rng, recording, fresh_labels)
    scorer = HEADS[HEAD].prepare(np.concatenate([clips.embeddings, fresh]))
    labels = np.concatenate([clips.labels, fresh_labels])
    rows = []
    for point in curve.itertuples():
        fits = [
            Fit(
                plan.training_clips(clips.labels, repeat, 0, point.training_size),
                len(clips.labels) + recording,
                0,
            )
            for repeat in range(plan.repeats)
        ]
        truths = [
            score_fold(fresh_labels, scores, is_probability=False)["roc_auc"][0]
            for scores in scorer(labels, fits)
        ]
        naive = hanley_mcneil(float(point.mean), clips.labels[plan.tested])
        perfect = point.ci_method == "recording_bound"
        rows.append((float(np.mean(truths)), point.ci_low, point.ci_high, *naive, perfect))
    return rows


def hanley_mcneil(auc: float, labels: NDArray[np.int64]) -> tuple[float, float]:
    """Ends of the usual interval, which takes clips for independent."""
    pos = int(labels.sum())
    neg = len(labels) - pos
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    spread = (pos - 1) * (q1 - auc**2) + (neg - 1) * (q2 - auc**2)
    half = 1.96 * np.sqrt(max(auc * (1 - auc) + spread, 0.0) / (pos * neg))
    return auc - half, auc + half


def table_rows(setting: Setting, found: list[list[Row]]) -> Iterator[str]:
    """Lines of a Markdown table, one a size."""
    for number, size in enumerate((str(SMALLEST), str(setting.middle), "largest")):
        rows = np.array([rows[number] for rows in found])
        truth, low, high, naive_low, naive_high, perfect = rows.T
        mean = truth.mean()
        yield (
            f"| {setting.name} | {size} | {mean:.4f} "
            f"| {np.mean((low <= mean) & (mean <= high)):.3f} "
            f"| {np.mean((naive_low <= mean) & (mean <= naive_high)):.2f} "
            f"| {np.mean(high - low):.2f} | {perfect.mean():.0%} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=200, help="data sets a setting")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    # Inherited by the workers, which start their own libraries.
    os.environ["OMP_NUM_THREADS"] = "1"
    print("| recordings | n | true AUC | this interval | naive | width | perfectly separated |")
    print("|---" * 7 + "|")
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in SETTINGS:
            found = pool.map(partial(evaluate_set, setting), range(options.sets), chunksize=5)
            print("\n".join(table_rows(setting, list(found))), flush=True)


if __name__ == "__main__":
    main()
