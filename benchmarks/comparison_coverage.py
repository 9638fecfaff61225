"""Simulated comparisons of two models on the same clips: type I error, power and coverage.

    python -m benchmarks.comparison_coverage [--sets 300] [--cells 1,4] [--processes 2]

Two models hear the same recordings: part of what makes a recording or a clip hard is hard for
both. The truth is 0 where the models are made alike, and else the mean difference of the AUCs of
the same classifiers on fresh recordings. "Before" is what was used earlier, on the same data sets;
see benchmarks/coverage.py.
"""

from __future__ import annotations

import argparse
import os
import sys
import zlib
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata
from scipy.stats import t as student

from audio_assets.evaluation.intervals.comparison import differences
from audio_assets.evaluation.intervals.recording_values import recording_values, recording_variances
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.plan import SplitPlan, make_split_plan
from audio_assets.models.heads import HEADS, Fit
from benchmarks.coverage import FRESH_RECORDINGS, HEAD, LEVEL, SMALLEST
from benchmarks.earlier_interval import earlier_error, one_order_per_repeat
from benchmarks.simulated_clips import Vector

DIMENSION = 12


@dataclass(frozen=True)
class Pair:
    """Where data sets of two models come from.

    Attributes
    ----------
    pos, neg, clips, middle, folds, repeats
        As in :class:`benchmarks.simulated_clips.Setting`.
    distances
        Of the classes, for each model.
    shared
        Share of the variance, along the line between the classes, that both models have in common.
    """

    pos: int
    neg: int
    clips: tuple[int, int]
    distances: tuple[float, float]
    shared: float
    middle: int
    folds: int = 5
    repeats: int = 5

    @property
    def name(self) -> str:
        each = str(self.clips[0])
        if self.clips[0] != self.clips[1]:
            each = f"{self.clips[0]} to {self.clips[1]}"
        apart = " and ".join(f"{distance:g}" for distance in sorted(set(self.distances)))
        text = f"{self.pos} + {self.neg}, {each} clips each, d = {apart}, {self.shared:.0%} shared"
        if (self.folds, self.repeats) != (5, 5):
            text += f", K = {self.folds}, R = {self.repeats}"
        return text


PAIRS = (
    Pair(20, 20, (3, 3), (2.5, 2.5), 0.5, 16),
    Pair(20, 20, (3, 3), (2.5, 2.5), 0.9, 16),
    Pair(40, 40, (2, 2), (2.5, 2.5), 0.5, 16),
    Pair(12, 40, (1, 4), (2.5, 2.5), 0.5, 8),
    Pair(15, 15, (3, 3), (1.8, 1.8), 0.0, 16),
    Pair(60, 60, (2, 2), (3.5, 3.5), 0.9, 32),
    Pair(20, 20, (3, 3), (5.0, 5.0), 0.5, 16),
    Pair(100, 100, (1, 1), (2.5, 2.5), 0.5, 8, repeats=1),
    Pair(6, 60, (3, 3), (3.0, 3.0), 0.5, 8),
    Pair(20, 20, (3, 3), (3.5, 2.5), 0.5, 16),
    Pair(20, 20, (3, 3), (3.5, 2.5), 0.9, 16),
    Pair(40, 40, (2, 2), (3.0, 2.2), 0.5, 16),
)


def draw_models(
    pair: Pair,
    rng: np.random.Generator,
    recording: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> list[Vector]:
    """Embeddings float64[n, d] of the same clips by both models."""
    count = int(recording.max()) + 1
    effect, noise = rng.normal(size=count), rng.normal(size=len(recording))
    own, common = np.sqrt(1.0 - pair.shared), np.sqrt(pair.shared)
    models = []
    for distance in pair.distances:
        effects = rng.normal(size=(count, DIMENSION))
        effects[:, 0] = own * effects[:, 0] + common * effect
        vectors = rng.normal(size=(len(recording), DIMENSION))
        vectors[:, 0] = own * vectors[:, 0] + common * noise
        vectors += effects[recording]
        vectors[:, 0] += distance * labels
        vectors[:, 1] += 3.0
        models.append(vectors)
    return models


@dataclass(frozen=True)
class Outcome:
    """Of a data set at one size: the truth, and (low, high, p) as published and as before."""

    truth: float
    now: tuple[float, float, float]
    before: tuple[float, float, float]


def evaluate_set(pair: Pair, number: int) -> list[Outcome]:
    """Outcomes of one data set, one a size."""
    name = zlib.crc32(repr(pair).encode())
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(name, number)))
    count = pair.pos + pair.neg
    recording = np.repeat(np.arange(count), rng.integers(pair.clips[0], pair.clips[1] + 1, count))
    labels = (recording < pair.pos).astype(np.int64)
    keys = [f"{key:06d}" for key in rng.permutation(len(labels))]
    models = draw_models(pair, rng, recording, labels)
    plan = make_split_plan(
        labels,
        recording.astype(str),
        keys=keys,
        folds=pair.folds,
        repeats=pair.repeats,
        seed=number,
    )
    sizes = [SMALLEST, pair.middle, plan.largest_size(labels)]
    found = _scored(models, labels, recording, plan, pair.middle)
    table = differences(
        {name: result.scores for name, result in found.items()},
        {name: result.predictions for name, result in found.items()},
        species="simulated",
        ci_level=LEVEL,
    )
    table = table[table["metric"] == "roc_auc"].set_index("training_size")
    before = _before(models, labels, recording, plan, pair.middle)
    truths = _fresh_differences(pair, models, labels, plan, sizes, rng)
    return [
        Outcome(
            truth,
            tuple(float(table[column][size]) for column in ("ci_low", "ci_high", "p_value")),
            before[size],
        )
        for size, truth in zip(sizes, truths, strict=True)
    ]


def _scored(
    models: list[Vector],
    labels: NDArray[np.int64],
    recording: NDArray[np.int64],
    plan: SplitPlan,
    middle: int,
) -> dict[str, FoldResults]:
    return {
        name: score_folds(
            vectors, labels, recording.astype(str), plan, sizes=(SMALLEST, middle), head=HEAD
        )
        for name, vectors in zip("ab", models, strict=True)
    }


def _before(
    models: list[Vector],
    labels: NDArray[np.int64],
    recording: NDArray[np.int64],
    plan: SplitPlan,
    middle: int,
) -> dict[int, tuple[float, float, float]]:
    """(low, high, p) by size, as they were before: another plan, another formula."""
    found = _scored(models, labels, recording, one_order_per_repeat(plan), middle)
    values = [recording_values(result.predictions) for result in found.values()]
    keys = ["training_size", "metric", "label", "recording_id"]
    both = values[0].merge(values[1], on=keys)
    tested = recording_variances(both.assign(value=both["value_x"] - both["value_y"]))
    scores = pd.merge(
        found["a"].scores,
        found["b"].scores,
        on=["repeat", "fold", "training_size", "metric", "test_fold"],
    )
    intervals = {}
    for size, cells in scores[scores["metric"] == "roc_auc"].groupby("training_size"):
        gaps = (cells["value_x"] - cells["value_y"]).to_numpy()
        part = tested[int(size), "roc_auc"]
        test_folds = cells["test_fold"].tolist()
        error = earlier_error(float(gaps.std(ddof=1)), test_folds, plan.n_folds, part)
        half = student.ppf((1 + LEVEL) / 2, part.degrees) * error
        p = 2 * student.sf(abs(gaps.mean()) / error, part.degrees)
        intervals[int(size)] = (gaps.mean() - half, gaps.mean() + half, p)
    return intervals


def _fresh_differences(
    pair: Pair,
    models: list[Vector],
    labels: NDArray[np.int64],
    plan: SplitPlan,
    sizes: list[int],
    rng: np.random.Generator,
) -> list[float]:
    """Mean difference of the AUCs on fresh recordings of one clip each, one a size."""
    recording = np.arange(2 * FRESH_RECORDINGS)
    of_fresh = (recording < FRESH_RECORDINGS).astype(np.int64)
    fresh = draw_models(pair, rng, recording, of_fresh)
    tested = len(labels) + recording
    aucs = np.empty((2, len(sizes)))
    for row, (vectors, other) in enumerate(zip(models, fresh, strict=True)):
        scorer = HEADS[HEAD].prepare(np.concatenate([vectors, other]))
        for column, size in enumerate(sizes):
            fits = [
                Fit(plan.training_clips(labels, repeat, fold, size), tested, 0)
                for repeat in range(plan.repeats)
                for fold in range(plan.n_folds)
            ]
            scores = np.array(scorer(np.concatenate([labels, of_fresh]), fits))
            ranks = rankdata(scores, axis=1)[:, of_fresh == 1].mean()
            aucs[row, column] = (ranks - (FRESH_RECORDINGS + 1) / 2) / FRESH_RECORDINGS
    return [float(gap) for gap in aucs[0] - aucs[1]]


def table_rows(pair: Pair, outcomes: list[list[Outcome]]) -> Iterator[str]:
    """Lines of a Markdown table, one a size."""
    for place, size in enumerate((str(SMALLEST), str(pair.middle), "largest")):
        here = [outcome[place] for outcome in outcomes]
        alike = pair.distances[0] == pair.distances[1]
        truth = 0.0 if alike else float(np.mean([outcome.truth for outcome in here]))
        cells = [
            cell
            for side in (
                np.array([outcome.before for outcome in here]),
                np.array([outcome.now for outcome in here]),
            )
            for cell in _shares(side, truth)
        ]
        yield f"| {pair.name} | {size} | {truth:+.3f} | {' | '.join(cells)} |"


def _shares(ends: Vector, truth: float) -> Iterable[str]:
    """Share that finds a difference, share that holds the truth, and mean width."""
    low, high, p = ends.T
    found = np.mean(np.nan_to_num(p, nan=1.0) < 1 - LEVEL)
    return (
        f"{found:.3f}",
        f"{np.mean((low <= truth) & (truth <= high)):.3f}",
        f"{np.nanmean(high - low):.3f}",
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
    print("| recordings | n | true difference | before: p < 0.05 | coverage | width ", end="")
    print("| p < 0.05 | coverage | width |")
    print("|---" * 9 + "|")
    with ProcessPoolExecutor(options.processes) as pool:
        for pair in [PAIRS[number] for number in chosen] or PAIRS:
            outcomes = pool.map(partial(evaluate_set, pair), range(options.sets), chunksize=10)
            print("\n".join(table_rows(pair, list(outcomes))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
