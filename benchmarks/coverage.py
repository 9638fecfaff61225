"""Simulated coverage of the default interval, beside the naive one: the table of the README.

    python benchmarks/coverage.py [--sets 1000] [--cells 1,4] [--processes 2]

A recording's own effect is as large as the noise of its clips. The truth of a cell is the mean AUC
over fresh training draws of n clips a class and fresh test recordings, so it is what the procedure
reaches at that n and not what one classifier does: the classifiers of each data set, which is such
a draw, are scored on new recordings as well. Splits, fits, scores and intervals are the project's
own. Exits 1 if a requirement below is not met in some cell.
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
from numpy.typing import NDArray
from scipy.stats import rankdata
from scipy.stats import t as student

from audio_assets.evaluation.grid import FoldResults, score_folds
from audio_assets.evaluation.heads import HEADS, Fit
from audio_assets.evaluation.learning_curve import summarise
from audio_assets.evaluation.splits import SplitPlan, make_split_plan

Vector = NDArray[np.float64]

LEVEL = 0.95
HEAD = "logistic"
FRESH_RECORDINGS = 200
SMALLEST = 4
CLIP_FOLDS_EVERY = 5

# What is required of every cell. Perfectly separated data sets leave only a bound from the number
# of recordings, which is wide by right: with many of them there is no upper limit, the width is
# shown instead.
MIN_COVERAGE = 0.92
MAX_COVERAGE = 0.99
MAX_BIAS = 0.01
MANY_PERFECT = 0.2


@dataclass(frozen=True)
class Setting:
    """Where data sets come from.

    Attributes
    ----------
    pos, neg
        Recordings with positive and with negative clips.
    clips
        Clips of a recording: all alike, or drawn evenly from a range.
    distance
        Of the classes, in standard deviations of the recordings' effect and of the clips' noise.
    middle
        The middle training size, clips a class.
    inaudible
        Share of positive recordings in which nothing can be heard.
    dimension
        Of the embeddings.
    folds, repeats
        K and R.
    heavy_tails
        Whether recordings' effects are t-distributed with 3 degrees of freedom (and a standard
        deviation of 1), not normal.
    """

    pos: int
    neg: int
    clips: tuple[int, int]
    distance: float
    middle: int
    inaudible: float = 0.0
    dimension: int = 12
    folds: int = 5
    repeats: int = 5
    heavy_tails: bool = False

    @property
    def name(self) -> str:
        who = f"{self.pos} + {self.neg}"
        if self.clips[0] != self.clips[1]:
            who += f", {self.clips[0]} to {self.clips[1]} clips each"
        others = {
            f"{self.inaudible:.0%} inaudible": self.inaudible > 0,
            f"{self.dimension}-d": self.dimension != 12,
            "heavy tails": self.heavy_tails,
            f"K = {self.folds}, R = {self.repeats}": (self.folds, self.repeats) != (5, 5),
        }
        return ", ".join([who, *(words for words, here in others.items() if here)])


# The formula of the interval was chosen by looking at all but the last three of these.
SETTINGS = (
    Setting(15, 15, (3, 3), 1.8, 16),
    Setting(12, 12, (3, 3), 5.0, 8),
    Setting(20, 20, (3, 3), 6.0, 16, inaudible=0.1),
    Setting(12, 12, (3, 3), 10.0, 8),
    Setting(40, 40, (2, 2), 2.8, 16),
    Setting(60, 60, (2, 2), 10.0, 32),
    Setting(12, 40, (1, 4), 2.5, 8),
    Setting(25, 25, (4, 4), 3.0, 32, dimension=40),
    Setting(10, 50, (1, 8), 3.5, 8),
    Setting(30, 30, (2, 2), 4.0, 16, heavy_tails=True),
    Setting(20, 20, (3, 3), 2.5, 16, folds=10, repeats=3),
    Setting(18, 18, (1, 6), 3.0, 8, folds=3, repeats=2),
    Setting(24, 24, (2, 5), 2.2, 16, dimension=24),
    Setting(16, 30, (3, 3), 4.5, 8, inaudible=0.06),
    Setting(50, 25, (2, 2), 3.2, 16, heavy_tails=True),
)


@dataclass(frozen=True)
class Clips:
    """Embeddings float64[n, d], labels {0, 1}[n], recordings str[n] and content keys."""

    embeddings: Vector
    labels: NDArray[np.int64]
    recordings: NDArray[np.str_]
    keys: list[str]


def draw(setting: Setting, rng: np.random.Generator) -> Clips:
    """One data set."""
    count = setting.pos + setting.neg
    lengths = rng.integers(setting.clips[0], setting.clips[1] + 1, count)
    recording = np.repeat(np.arange(count), lengths)
    labels = (recording < setting.pos).astype(np.int64)
    keys = [f"{key:06d}" for key in rng.permutation(len(labels))]
    return Clips(
        draw_embeddings(setting, rng, recording, labels), labels, recording.astype(str), keys
    )


def draw_embeddings(
    setting: Setting,
    rng: np.random.Generator,
    recording: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> Vector:
    """Embeddings float64[n, d] of clips of int[n] recordings, numbered from 0."""
    count = int(recording.max()) + 1
    effect = rng.normal(size=(count, setting.dimension))
    if setting.heavy_tails:
        effect *= np.sqrt(1.0 / rng.chisquare(3, size=(count, 1)))
    audible = (rng.random(count) >= setting.inaudible)[recording]
    vectors = effect[recording] + rng.normal(size=(len(recording), setting.dimension))
    vectors[:, 0] += setting.distance * audible * labels
    # A constant part, so that scaling to unit length does not throw the distance away.
    vectors[:, 1] += 3.0
    return vectors


@dataclass(frozen=True)
class Outcome:
    """What one data set gave at one training size.

    Attributes
    ----------
    values
        AUC of every fold, float64[K * R].
    interval, naive
        Ends of the interval that is published, and of mean +- t s / sqrt(K R).
    truth
        Mean AUC of the same classifiers on fresh recordings.
    clip_folds
        Mean AUC over folds that are drawn over clips; NaN where that was not computed.
    """

    values: Vector
    interval: tuple[float, float]
    naive: tuple[float, float]
    truth: float
    clip_folds: float

    @property
    def mean(self) -> float:
        return float(self.values.mean())


def sizes_of(setting: Setting, scored: Iterable[int]) -> list[int]:
    """The cells' sizes: the smallest, the middle one, and the largest that was scored."""
    return [SMALLEST, setting.middle, max(scored)]


def evaluate_set(setting: Setting, seed: int, number: int) -> list[Outcome]:
    """Outcomes of one data set, one a size."""
    rng = _generator(setting, seed, number)
    clips = draw(setting, rng)
    plan = _plan(setting, clips, clips.recordings, number, setting.repeats)
    results = _scored(setting, clips, clips.recordings, plan)
    curve = summarise(
        results.scores,
        results.predictions,
        recordings=results.recordings,
        ci_level=LEVEL,
        head=HEAD,
    )
    curve = curve[curve["metric"] == "roc_auc"].set_index("training_size")
    by_size = _aucs(results)
    truths = fresh_aucs(setting, clips, plan, rng)
    by_clip = [float("nan")] * 3
    if number % CLIP_FOLDS_EVERY == 0:
        # One repeat: the mean over more has the same expectation.
        keys = np.array(clips.keys)
        clip_plan = _plan(setting, clips, keys, number, 1)
        clip_sizes = _aucs(_scored(setting, clips, keys, clip_plan))
        by_clip = [float(clip_sizes[size].mean()) for size in sizes_of(setting, clip_sizes)]
    outcomes = []
    sizes = sizes_of(setting, by_size)
    for size, truth, clip_mean in zip(sizes, truths, by_clip, strict=True):
        values = by_size[size]
        half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1)
        half /= np.sqrt(len(values))
        outcomes.append(
            Outcome(
                values,
                (float(curve["ci_low"][size]), float(curve["ci_high"][size])),
                (values.mean() - half, values.mean() + half),
                truth,
                clip_mean,
            )
        )
    return outcomes


def fresh_aucs(
    setting: Setting, clips: Clips, plan: SplitPlan, rng: np.random.Generator
) -> list[float]:
    """Mean AUC of the folds' classifiers on fresh recordings of one clip each, one a size."""
    recording = np.arange(2 * FRESH_RECORDINGS)
    labels = (recording < FRESH_RECORDINGS).astype(np.int64)
    fresh = draw_embeddings(setting, rng, recording, labels)
    scorer = HEADS[HEAD].prepare(np.concatenate([clips.embeddings, fresh]))
    tested = len(clips.labels) + recording
    found = []
    for size in sizes_of(setting, [plan.largest_size(clips.labels)]):
        fits = [
            Fit(plan.training_clips(clips.labels, repeat, fold, size), tested, 0)
            for repeat in range(plan.repeats)
            for fold in range(plan.n_folds)
        ]
        scores = np.array(scorer(np.concatenate([clips.labels, labels]), fits))
        # The share of pairs in order, from the ranks of the positive recordings.
        in_order = (
            rankdata(scores, axis=1)[:, labels == 1].mean(axis=1) - (FRESH_RECORDINGS + 1) / 2
        )
        found.append(float(in_order.mean() / FRESH_RECORDINGS))
    return found


def _plan(
    setting: Setting, clips: Clips, groups: NDArray[np.str_], number: int, repeats: int
) -> SplitPlan:
    return make_split_plan(
        clips.labels, groups, keys=clips.keys, folds=setting.folds, repeats=repeats, seed=number
    )


def _scored(
    setting: Setting, clips: Clips, groups: NDArray[np.str_], plan: SplitPlan
) -> FoldResults:
    sizes = (SMALLEST, setting.middle)
    return score_folds(clips.embeddings, clips.labels, groups, plan, sizes=sizes, head=HEAD)


@dataclass(frozen=True)
class Cell:
    """One row of the table: a setting at one size."""

    name: str
    size: str
    truth: float
    truth_error: float
    coverage: float
    naive: float
    width: float
    perfect: float
    bias: float
    bias_error: float
    clip_bias: float
    sets: int

    def faults(self) -> Iterator[str]:
        """The requirements that are not met."""
        lowest = MIN_COVERAGE - 2 * np.sqrt(MIN_COVERAGE * (1 - MIN_COVERAGE) / self.sets)
        if self.coverage < lowest:
            yield f"covers {self.coverage:.3f}, less than {lowest:.3f}"
        if self.perfect <= MANY_PERFECT and self.coverage > MAX_COVERAGE:
            yield f"covers {self.coverage:.3f}, more than {MAX_COVERAGE}"
        if abs(self.bias) >= MAX_BIAS:
            yield f"a bias of {self.bias:+.4f}"
        if self.naive >= lowest:
            yield f"the naive interval covers too, {self.naive:.3f}"


def cells_of(setting: Setting, outcomes: list[list[Outcome]]) -> list[Cell]:
    """The rows of one setting, from its data sets."""
    found = []
    for place, size in enumerate((str(SMALLEST), str(setting.middle), "largest")):
        here = [outcome[place] for outcome in outcomes]
        truths = np.array([outcome.truth for outcome in here])
        truth = float(truths.mean())
        # Of the same classifiers, so that what the training draws do to both cancels.
        biases = np.array([outcome.mean for outcome in here]) - truths
        found.append(
            Cell(
                name=setting.name,
                size=size,
                truth=truth,
                truth_error=_error(truths),
                coverage=_share_that_holds(truth, [outcome.interval for outcome in here]),
                naive=_share_that_holds(truth, [outcome.naive for outcome in here]),
                width=float(np.mean([high - low for low, high in (o.interval for o in here)])),
                perfect=float(np.mean([(outcome.values == 1.0).all() for outcome in here])),
                bias=float(biases.mean()),
                bias_error=_error(biases),
                clip_bias=float(np.nanmean([outcome.clip_folds for outcome in here])) - truth,
                sets=len(here),
            )
        )
    return found


def table_rows(cells: Iterable[Cell]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield (
        "| recordings | n | true AUC (SE) | this interval | naive | width | all folds at 1 "
        "| bias (SE) | bias of clip folds | sets |"
    )
    yield "|---" * 10 + "|"
    for cell in cells:
        yield (
            f"| {cell.name} | {cell.size} | {cell.truth:.4f} ({cell.truth_error:.4f}) "
            f"| {cell.coverage:.3f} | {cell.naive:.2f} | {cell.width:.2f} | {cell.perfect:.0%} "
            f"| {cell.bias:+.4f} ({cell.bias_error:.4f}) | {cell.clip_bias:+.3f} | {cell.sets} |"
        )


def _aucs(results: FoldResults) -> dict[int, Vector]:
    """AUC of every fold, by training size."""
    scores = results.scores[results.scores["metric"] == "roc_auc"]
    return {int(size): cells["value"].to_numpy() for size, cells in scores.groupby("training_size")}


def _error(values: Vector) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _share_that_holds(truth: float, ends: list[tuple[float, float]]) -> float:
    return float(np.mean([low <= truth <= high for low, high in ends]))


def _generator(setting: Setting, seed: int, *path: int) -> np.random.Generator:
    name = zlib.crc32(repr(setting).encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(name, *path)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=1000, help="data sets a setting")
    parser.add_argument("--cells", default="", help="settings by number from 1; empty for all")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    chosen = [int(number) - 1 for number in options.cells.split(",") if number]
    cells = []
    # Inherited by the workers, which start their own libraries.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in [SETTINGS[number] for number in chosen] or SETTINGS:
            outcomes = pool.map(
                partial(evaluate_set, setting, options.seed), range(options.sets), chunksize=10
            )
            cells += cells_of(setting, list(outcomes))
            for cell in cells[-3:]:
                print(cell, file=sys.stderr, flush=True)
    print("\n".join(table_rows(cells)))
    faults = [f"{c.name} at {c.size}: {fault}" for c in cells for fault in c.faults()]
    print("\n".join(faults) if faults else "every cell meets the requirements")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
