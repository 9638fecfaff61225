"""Simulated coverage of the default interval, beside the naive one and the one before it.

    python -m benchmarks.coverage [--grid] [--sets 300] [--cells 1,4] [--processes 2] [--seed 0]

A recording's own effect is as large as the noise of its clips. The truth of a cell is the mean AUC
over fresh training draws of n clips a class and fresh test recordings, so it is what the procedure
reaches at that n and not what one classifier does: the classifiers of each data set, which is such
a draw, are scored on new recordings as well. At n = 0 the score is a fixed one. Splits, fits,
scores and intervals are the project's own. "Before" is what was used earlier, on the same data
sets: one draw order per repeat, and the corrected resampled t joined with the variance over
recordings. Exits 1 if a requirement below is not met in some cell.
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
from scipy.special import logit
from scipy.stats import rankdata
from scipy.stats import t as student

from audio_assets.evaluation.intervals.learning_curve import summarise
from audio_assets.evaluation.intervals.recording_values import recording_values, recording_variances
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.plan import SplitPlan, make_split_plan
from audio_assets.models.heads import HEADS, Fit
from benchmarks.earlier_interval import earlier_interval, one_order_per_repeat
from benchmarks.simulated_clips import (
    GRID,
    SETTINGS,
    Clips,
    Setting,
    Vector,
    draw,
    draw_embeddings,
)

LEVEL = 0.95
HEAD = "logistic"
FRESH_RECORDINGS = 200
SMALLEST = 4
CLIP_FOLDS_EVERY = 5

# What is required of every cell, by two standard errors of a coverage.
MIN_COVERAGE = 0.93
MAX_BIAS = 0.01
# Where the interval reaches to recordings that were not seen, it covers more than is asked for by
# right: what is left without that is judged.
MAX_COVERAGE = 0.98
MANY_PERFECT = 0.2


@dataclass(frozen=True)
class Outcome:
    """What one data set gave at one training size.

    Attributes
    ----------
    values
        AUC of every fold, float64[K * R].
    interval, before, naive
        Ends of the interval that is published, of the one before, and of mean +- t s / sqrt(K R).
    truth
        Mean AUC of the same classifiers on fresh recordings.
    clip_folds
        Mean AUC over folds that are drawn over clips; NaN where that was not computed.
    """

    values: Vector
    interval: tuple[float, float]
    before: tuple[float, float]
    naive: tuple[float, float]
    truth: float
    clip_folds: float

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def steps(self) -> float:
        """Half width on the logit scale, without room for unseen recordings; NaN if there is none.

        That room moves the end towards 1/2 alone.
        """
        far = max if self.mean > 0.5 else min
        end = far(self.interval)
        if not 0.0 < self.mean < 1.0 or end in (0.0, 1.0):
            return float("nan")
        return float(abs(logit(end) - logit(self.mean)))


def sizes_of(setting: Setting, largest: int) -> list[int]:
    """The cells' sizes: untrained, the smallest, the middle one, and the largest."""
    return [0, SMALLEST, min(setting.middle, largest), largest]


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
    sizes = sizes_of(setting, plan.largest_size(clips.labels))
    before = intervals_before(setting, clips, plan)
    truths = fresh_aucs(setting, clips, plan, rng)
    by_clip = [float("nan")] * len(sizes)
    if setting in SETTINGS and number % CLIP_FOLDS_EVERY == 0:
        # One repeat: the mean over more has the same expectation.
        keys = np.array(clips.keys)
        clip_plan = _plan(setting, clips, keys, number, 1)
        of_clips = _aucs(_scored(setting, clips, keys, clip_plan))
        by_clip = [
            float(of_clips[size].mean())
            for size in sizes_of(setting, clip_plan.largest_size(clips.labels))
        ]
    outcomes = []
    for size, truth, clip_mean in zip(sizes, truths, by_clip, strict=True):
        values = by_size[size]
        half = student.ppf((1 + LEVEL) / 2, len(values) - 1) * values.std(ddof=1)
        half /= np.sqrt(len(values))
        outcomes.append(
            Outcome(
                values,
                (float(curve["ci_low"][size]), float(curve["ci_high"][size])),
                before[size],
                (values.mean() - half, values.mean() + half),
                truth,
                clip_mean,
            )
        )
    return outcomes


def intervals_before(
    setting: Setting, clips: Clips, plan: SplitPlan
) -> dict[int, tuple[float, float]]:
    """Intervals by size as they were before: another plan, another formula."""
    results = _scored(setting, clips, clips.recordings, one_order_per_repeat(plan))
    tested = recording_variances(recording_values(results.predictions))
    scores = results.scores[results.scores["metric"] == "roc_auc"]
    return {
        int(size): earlier_interval(
            cells["value"].to_numpy(),
            cells["test_fold"].tolist(),
            plan.n_folds,
            tested[int(size), "roc_auc"],
            results.recordings,
            LEVEL,
        )
        for size, cells in scores.groupby("training_size")
    }


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
    for size in sizes_of(setting, plan.largest_size(clips.labels)):
        if size == 0:
            scores = fixed_scores(fresh)[None]
        else:
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


def fixed_scores(embeddings: Vector) -> Vector:
    """A score that is not trained, in place of an encoder's own class."""
    return embeddings[:, 0]


def _plan(
    setting: Setting, clips: Clips, groups: NDArray[np.str_], number: int, repeats: int
) -> SplitPlan:
    return make_split_plan(
        clips.labels, groups, keys=clips.keys, folds=setting.folds, repeats=repeats, seed=number
    )


def _scored(
    setting: Setting, clips: Clips, groups: NDArray[np.str_], plan: SplitPlan
) -> FoldResults:
    return score_folds(
        clips.embeddings,
        clips.labels,
        groups,
        plan,
        sizes=(SMALLEST, setting.middle),
        head=HEAD,
        class_scores=fixed_scores(clips.embeddings),
    )


@dataclass(frozen=True)
class Cell:
    """One row of the table: a setting at one size.

    Attributes
    ----------
    room
        Coverage without room for unseen recordings.
    factor
        What the half width, without that room, would have to be multiplied by to cover 0.95.
    """

    name: str
    size: str
    truth: float
    truth_error: float
    before: float
    before_width: float
    coverage: float
    width: float
    room: float
    factor: float
    naive: float
    perfect: float
    bias: float
    bias_error: float
    clip_bias: float
    sets: int

    def faults(self) -> Iterator[str]:
        """The requirements that are not met."""
        lowest = MIN_COVERAGE - 2 * np.sqrt(MIN_COVERAGE * (1 - MIN_COVERAGE) / self.sets)
        highest = MAX_COVERAGE + 2 * np.sqrt(MAX_COVERAGE * (1 - MAX_COVERAGE) / self.sets)
        if self.coverage < lowest:
            yield f"covers {self.coverage:.3f}, less than {lowest:.3f}"
        if self.perfect <= MANY_PERFECT and self.room > highest:
            yield f"covers {self.room:.3f} without room for the unseen, more than {highest:.3f}"
        if abs(self.bias) >= MAX_BIAS + 2 * self.bias_error:
            yield f"a bias of {self.bias:+.4f}"


def cells_of(setting: Setting, outcomes: list[list[Outcome]]) -> list[Cell]:
    """The rows of one setting, from its data sets."""
    found = []
    for place, size in enumerate(("0", str(SMALLEST), str(setting.middle), "largest")):
        here = [outcome[place] for outcome in outcomes]
        truths = np.array([outcome.truth for outcome in here])
        truth = float(truths.mean())
        # Of the same classifiers, so that what the training draws do to both cancels.
        biases = np.array([outcome.mean for outcome in here]) - truths
        away = np.array(
            [abs(logit(truth) - logit(o.mean)) / o.steps for o in here if np.isfinite(o.steps)]
        )
        found.append(
            Cell(
                name=setting.name,
                size=size,
                truth=truth,
                truth_error=_error(truths),
                before=_share_that_holds(truth, [outcome.before for outcome in here]),
                before_width=_width([outcome.before for outcome in here]),
                coverage=_share_that_holds(truth, [outcome.interval for outcome in here]),
                width=_width([outcome.interval for outcome in here]),
                room=float(np.mean(away <= 1.0)) if len(away) else float("nan"),
                factor=float(np.quantile(away, LEVEL)) if len(away) else float("nan"),
                naive=_share_that_holds(truth, [outcome.naive for outcome in here]),
                perfect=float(np.mean([(outcome.values == 1.0).all() for outcome in here])),
                bias=float(biases.mean()),
                bias_error=_error(biases),
                clip_bias=_clip_bias([outcome.clip_folds for outcome in here], truth),
                sets=len(here),
            )
        )
    return found


def table_rows(cells: Iterable[Cell]) -> Iterator[str]:
    """Lines of a Markdown table."""
    yield (
        "| recordings | n | true AUC (SE) | before: coverage | width | coverage | width "
        "| without room | factor for 0.95 | naive | all folds at 1 | bias (SE) "
        "| bias of clip folds |"
    )
    yield "|---" * 13 + "|"
    for cell in cells:
        clip_bias = f"{cell.clip_bias:+.3f}" if np.isfinite(cell.clip_bias) else ""
        yield (
            f"| {cell.name} | {cell.size} | {cell.truth:.4f} ({cell.truth_error:.4f}) "
            f"| {cell.before:.3f} | {cell.before_width:.3f} | {cell.coverage:.3f} "
            f"| {cell.width:.3f} | {cell.room:.3f} | {cell.factor:.2f} | {cell.naive:.2f} "
            f"| {cell.perfect:.0%} | {cell.bias:+.4f} ({cell.bias_error:.4f}) | {clip_bias} |"
        )


def _aucs(results: FoldResults) -> dict[int, Vector]:
    """AUC of every fold, by training size."""
    scores = results.scores[results.scores["metric"] == "roc_auc"]
    return {int(size): cells["value"].to_numpy() for size, cells in scores.groupby("training_size")}


def _error(values: Vector) -> float:
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _width(ends: list[tuple[float, float]]) -> float:
    return float(np.mean([high - low for low, high in ends]))


def _share_that_holds(truth: float, ends: list[tuple[float, float]]) -> float:
    return float(np.mean([low <= truth <= high for low, high in ends]))


def _clip_bias(means: list[float], truth: float) -> float:
    known = [mean for mean in means if np.isfinite(mean)]
    return float(np.mean(known)) - truth if known else float("nan")


def _generator(setting: Setting, seed: int, *path: int) -> np.random.Generator:
    name = zlib.crc32(repr(setting).encode())
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(name, *path)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=300, help="data sets a setting")
    parser.add_argument("--grid", action="store_true", help="the grid in place of the usual cells")
    parser.add_argument("--cells", default="", help="settings by number from 1; empty for all")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    settings = GRID if options.grid else SETTINGS
    chosen = [int(number) - 1 for number in options.cells.split(",") if number]
    cells = []
    # Inherited by the workers, which start their own libraries.
    os.environ["OMP_NUM_THREADS"] = "1"
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in [settings[number] for number in chosen] or settings:
            outcomes = pool.map(
                partial(evaluate_set, setting, options.seed), range(options.sets), chunksize=10
            )
            of_setting = cells_of(setting, list(outcomes))
            cells += of_setting
            print("\n".join(list(table_rows(of_setting))[2:]), file=sys.stderr, flush=True)
    print("\n".join(table_rows(cells)))
    faults = [f"{c.name} at {c.size}: {fault}" for c in cells for fault in c.faults()]
    print("\n".join(faults) if faults else "every cell meets the requirements")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
