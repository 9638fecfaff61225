"""Simulated coverage of the intervals of average precision, recall and Brier score.

    python -m benchmarks.metric_coverage [--sets 300] [--cells 1,4] [--processes 2]

Data sets are those of benchmarks/coverage.py. The truth is the mean of the same quantity on fresh
recordings: of recall, at the thresholds that the other folds chose. Beside it stands the largest
recall with a precision of 0.9 among all thresholds, which only the fresh recordings show.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from audio_assets.evaluation.intervals.learning_curve import summarise
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.scores.metric_formulas import average_precision
from audio_assets.evaluation.scores.metrics import score_fold
from audio_assets.evaluation.scores.recall import lowest_threshold
from audio_assets.evaluation.scores.threshold_counts import count_above
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.models.heads import HEADS, Fit
from benchmarks.coverage import FRESH_RECORDINGS, HEAD, LEVEL, SMALLEST
from benchmarks.simulated_clips import Setting, Vector, draw, draw_embeddings

SETTINGS = (
    Setting(20, 20, (3, 3), 2.5, 16),
    Setting(15, 15, (3, 3), 1.8, 16),
    Setting(40, 40, (2, 2), 2.8, 16),
    Setting(12, 40, (1, 4), 2.5, 8),
    Setting(60, 60, (3, 3), 4.0, 32),
    Setting(20, 20, (3, 3), 0.0, 16),
    Setting(10, 10, (10, 10), 3.0, 16),
)
METRICS = ("average_precision", "recall_at_precision_90", "brier")

# Of a data set at one size and metric: the truth's draw, the estimate, both ends, and the recall
# that the best threshold of all would have.
Row = tuple[float, float, float, float, float]


def evaluate_set(setting: Setting, number: int) -> list[dict[str, Row]]:
    """What one data set gave, by metric, one a size."""
    name = zlib.crc32(repr(setting).encode())
    rng = np.random.default_rng(np.random.SeedSequence(3, spawn_key=(name, number)))
    clips = draw(setting, rng)
    plan = make_split_plan(
        clips.labels,
        clips.recordings,
        keys=clips.keys,
        folds=setting.folds,
        repeats=setting.repeats,
        seed=number,
    )
    sizes = [SMALLEST, setting.middle, plan.largest_size(clips.labels)]
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=sizes[:2], head=HEAD
    )
    curve = summarise(
        results.scores,
        results.predictions,
        recordings=results.recordings,
        ci_level=LEVEL,
        head=HEAD,
    ).set_index(["training_size", "metric"])
    recording = np.arange(2 * FRESH_RECORDINGS)
    labels = (recording < FRESH_RECORDINGS).astype(np.int64)
    fresh = draw_embeddings(setting, rng, recording, labels)
    scorer = HEADS[HEAD].prepare(np.concatenate([clips.embeddings, fresh]))
    every = np.concatenate([clips.labels, labels])
    found = []
    for size in sizes:
        fits = [
            Fit(
                plan.training_clips(clips.labels, repeat, fold, size),
                len(clips.labels) + recording,
                0,
            )
            for repeat in range(plan.repeats)
            for fold in range(plan.n_folds)
        ]
        scores = np.array(scorer(every, fits))
        thresholds = _thresholds(results.predictions, size)
        truths = _truths(labels, scores, thresholds)
        found.append(
            {
                metric: (
                    truths[metric],
                    *(float(curve[end][size, metric]) for end in ("mean", "ci_low", "ci_high")),
                    truths["best_recall"],
                )
                for metric in METRICS
            }
        )
    return found


def _thresholds(predictions: pd.DataFrame, size: int) -> list[float]:
    """Of every fold, repeat by repeat."""
    chosen = predictions[predictions["training_size"] == size]
    found = []
    for _, repeat in chosen.groupby("repeat"):
        for fold in sorted(set(repeat["fold"])):
            others = repeat[repeat["fold"] != fold]
            labels = (others["label"] == "pos").to_numpy(dtype=np.int64)
            once = np.ones(len(labels), dtype=np.int64)
            found.append(
                float(lowest_threshold(count_above(labels, others["score"].to_numpy(), once)))
            )
    return found


def _truths(labels: NDArray[np.int64], scores: Vector, thresholds: list[float]) -> dict[str, float]:
    once = np.ones(len(labels), dtype=np.int64)
    counts = [count_above(labels, of_fit, once) for of_fit in scores]
    reached = [9 * of.fp * of.tp[-1] <= of.tp * of.fp[-1] for of in counts]
    best = [
        np.max(np.where(ok, of.tp, 0)) / of.tp[-1] for ok, of in zip(reached, counts, strict=True)
    ]
    above = [
        np.mean(of_fit[labels == 1] >= threshold)
        for of_fit, threshold in zip(scores, thresholds, strict=True)
    ]
    return {
        "average_precision": float(np.mean([average_precision(of.steps()) for of in counts])),
        "recall_at_precision_90": float(np.mean(above)),
        "brier": float(
            np.mean([score_fold(labels, of, is_probability=True)["brier"][0] for of in scores])
        ),
        "best_recall": float(np.mean(best)),
    }


def table_rows(setting: Setting, outcomes: list[list[dict[str, Row]]]) -> Iterator[str]:
    """Lines of a Markdown table, one a size and metric."""
    for place, size in enumerate((str(SMALLEST), str(setting.middle), "largest")):
        for metric in METRICS:
            rows = np.array([outcome[place][metric] for outcome in outcomes])
            truth, mean, low, high, best = rows.T
            given = np.isfinite(low)
            centre = truth.mean()
            held = (
                np.mean((low[given] <= centre) & (centre <= high[given])) if given.any() else np.nan
            )
            width = np.mean((high - low)[given]) if given.any() else np.nan
            also = f"{best.mean():.3f}" if metric == "recall_at_precision_90" else ""
            yield (
                f"| {setting.name}, d = {setting.distance:g} | {size} | {metric} "
                f"| {centre:.3f} | {also} | {np.nanmean(mean):.3f} | {held:.3f} | {width:.3f} "
                f"| {given.mean():.0%} |"
            )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=300, help="data sets a setting")
    parser.add_argument("--cells", default="", help="settings by number from 1; empty for all")
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    chosen = [int(number) - 1 for number in options.cells.split(",") if number]
    # Inherited by the workers, which start their own libraries.
    os.environ["OMP_NUM_THREADS"] = "1"
    print("| recordings | n | metric | truth | best threshold | mean | coverage | width | given |")
    print("|---" * 9 + "|")
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in [SETTINGS[number] for number in chosen] or SETTINGS:
            outcomes = pool.map(partial(evaluate_set, setting), range(options.sets), chunksize=10)
            print("\n".join(table_rows(setting, list(outcomes))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
