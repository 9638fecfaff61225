"""Simulated quality of answers: is the planned proof reached, and are enough clips enough?

    python -m benchmarks.answers [--sets 100] [--processes 2] [--seed 0] [--only proof|enough]

Proof: a data set whose estimate is above the target without proving it gives a plan of recordings
per class. A second data set with as many recordings is drawn twice: with the distance of classes
at which the true AUC is what the first data set seemed to show, which is what the plan promises a
probability of 0.8 for, and with the true distance, which is what a user meets. Both are evaluated
at the same training size, and count if their lower end reaches the target.

Enough: the size that is named as enough is right if the true gain of the largest size over it is at
most the margin. True AUCs are means over the classifiers of all data sets of the setting, scored on
new recordings.

Splits, fits, scores, intervals and answers are the project's own.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from audio_assets.evaluation.answers.enough import enough
from audio_assets.evaluation.answers.proof import Measured, ProofPlan, plan_proof
from audio_assets.evaluation.intervals.comparison import gain_rows
from audio_assets.evaluation.intervals.learning_curve import summarise
from audio_assets.evaluation.scores.grid import FoldResults, score_folds
from audio_assets.evaluation.splits.plan import SplitPlan, make_split_plan
from benchmarks.coverage import HEAD, LEVEL, _generator, fresh_aucs
from benchmarks.simulated_clips import Clips, Setting, draw

TARGET = 0.95
MARGIN = 0.01
PROMISED = (0.7, 0.9)
MOST_RECORDINGS = 200
"""Plans of more recordings are counted and not tried."""
DISTANCES = np.array([2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 6.0, 7.0])
SETS_PER_DISTANCE = 8

PROOF = (
    Setting(20, 20, (3, 3), 5.0, 16),
    Setting(30, 30, (2, 2), 4.6, 16),
    Setting(24, 24, (1, 5), 5.5, 16),
    Setting(40, 40, (1, 1), 4.6, 16),
    Setting(30, 30, (2, 2), 5.0, 16, heavy_tails=True),
)
PERFECT = Setting(16, 16, (3, 3), 10.0, 16)

ENOUGH = (
    Setting(40, 40, (3, 3), 10.0, 16),
    Setting(40, 40, (3, 3), 5.0, 16),
    Setting(40, 40, (3, 3), 3.0, 16),
    Setting(40, 40, (3, 3), 4.0, 16, dimension=60),
    Setting(100, 100, (1, 1), 4.0, 16),
    Setting(100, 100, (2, 2), 3.0, 32, dimension=60),
)
SIZES = (4, 8, 16, 32, 64)


def evaluate(
    setting: Setting, clips: Clips, number: int, sizes: Sequence[int]
) -> tuple[SplitPlan, FoldResults]:
    """Split and score a data set at some training sizes and the largest."""
    plan = make_split_plan(
        clips.labels,
        clips.recordings,
        keys=clips.keys,
        folds=setting.folds,
        repeats=setting.repeats,
        seed=number,
    )
    usable = [size for size in sizes if size <= plan.largest_size(clips.labels)]
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=usable, head=HEAD
    )
    return plan, results


def measured(results: FoldResults, size: int) -> Measured:
    """Return the AUC at a training size, as the answer reads it off the curve."""
    curve = summarise(
        results.scores,
        results.predictions,
        recordings=results.recordings,
        ci_level=LEVEL,
        head=HEAD,
    )
    row = curve[(curve["metric"] == "roc_auc") & (curve["training_size"] == size)].iloc[0]
    return Measured(
        float(row["mean"]),
        float(row["ci_low"]),
        float(row["ci_high"]),
        LEVEL,
        int(row["recording_pairs"]),
        str(row["ci_status"]),
    )


@cache
def true_aucs(setting: Setting) -> tuple[float, ...]:
    """Return the true AUC at the middle size for each of :data:`DISTANCES`."""
    found = []
    for distance in DISTANCES:
        there = replace(setting, distance=float(distance))
        values = []
        for number in range(SETS_PER_DISTANCE):
            rng = _generator(there, 1, number)
            clips = draw(there, rng)
            plan = make_split_plan(
                clips.labels, clips.recordings, keys=clips.keys, folds=5, repeats=5, seed=number
            )
            values.append(fresh_aucs(there, clips, plan, rng)[2])
        found.append(float(np.mean(values)))
    return tuple(np.maximum.accumulate(found))


@dataclass(frozen=True)
class Proof:
    """What became of the plan of one data set; None where there was none to try."""

    tested: Measured
    plan: ProofPlan
    as_seemed: bool | None = None
    as_true: bool | None = None


def try_plan(setting: Setting, seed: int, number: int) -> Proof:
    """Plan from one data set, and try the plan."""
    clips = draw(setting, _generator(setting, seed, number))
    first = measured(evaluate(setting, clips, number, (setting.middle,))[1], setting.middle)
    plan = plan_proof(first, target=TARGET)
    if plan.recordings is None or plan.recordings > MOST_RECORDINGS:
        return Proof(first, plan)
    distance = setting.distance
    if first.mean < 1.0:
        distance = float(np.interp(first.mean, true_aucs(setting), DISTANCES))

    def proves(distance: float) -> bool:
        second = replace(
            setting, pos=plan.recordings or 0, neg=plan.recordings or 0, distance=distance
        )
        drawn = draw(second, _generator(second, seed + 1, number))
        results = evaluate(second, drawn, number, (setting.middle,))[1]
        return measured(results, setting.middle).proves(TARGET)

    return Proof(first, plan, proves(distance), proves(setting.distance))


def proof_row(setting: Setting, proofs: Sequence[Proof]) -> tuple[str, float]:
    """Return a line of the table, and the rate at which plans are reached as promised."""
    tried = [proof for proof in proofs if proof.as_seemed is not None]
    named = [proof.plan.recordings for proof in tried if proof.plan.recordings is not None]
    too_many = sum((proof.plan.recordings or 0) > MOST_RECORDINGS for proof in proofs)
    proven = sum(proof.tested.proves(TARGET) for proof in proofs)
    if not tried:
        raise ValueError(f"no data set of {setting} has a plan to try; draw more sets")
    rate = float(np.mean([proof.as_seemed for proof in tried]))
    met = float(np.mean([proof.as_true for proof in tried]))
    error = np.sqrt(rate * (1 - rate) / len(tried))
    seen = float(np.mean([proof.tested.mean for proof in proofs]))
    return (
        f"| {setting.name} | {setting.distance:g} | {seen:.3f} | {proven / len(proofs):.0%} "
        f"| {too_many / len(proofs):.0%} | {len(tried)} | {np.median(named):.0f} "
        f"| {rate:.2f} ({error:.2f}) | {met:.2f} |",
        rate,
    )


@dataclass(frozen=True)
class Named:
    """The size that one data set names as enough, and the truth about its classifiers."""

    size: int | None
    largest: int
    truths: dict[int, float]


def name_enough(setting: Setting, seed: int, number: int) -> Named:
    """Name the size that is enough in one data set."""
    rng = _generator(setting, seed, number)
    clips = draw(setting, rng)
    plan, results = evaluate(setting, clips, number, SIZES)
    rows = gain_rows(
        results.scores,
        results.predictions,
        species="simulated",
        model="m",
        ci_level=LEVEL,
    )
    largest = plan.largest_size(clips.labels)
    truths = {}
    for size in SIZES:
        if size < largest:
            at = fresh_aucs(replace(setting, middle=size), clips, plan, rng)
            truths[size], truths[largest] = at[2], at[3]
    return Named(enough(rows, margin=MARGIN).size, largest, truths)


def enough_row(setting: Setting, found: Sequence[Named]) -> tuple[str, float]:
    """Return a line of the table, and the share of data sets that name a size wrongly."""
    sizes = [size for size in SIZES if all(size in named.truths for named in found)]
    gains = {
        size: float(np.mean([n.truths[n.largest] - n.truths[size] for n in found]))
        for size in sizes
    }
    right_sizes = [size for size in sizes if all(gains[s] <= MARGIN for s in sizes if s >= size)]
    named = [n.size for n in found if n.size is not None]
    wrong = sum(gains.get(size, 0.0) > MARGIN for size in named)
    largest = np.median([n.largest for n in found])
    true = str(min(right_sizes)) if right_sizes else f"more than {sizes[-1]}"
    typical = f"{np.median(named):g}" if named else ""
    every = "; ".join(f"{size}: {gain:+.3f}" for size, gain in gains.items())
    return (
        f"| {setting.name} | {setting.distance:g} | {largest:.0f} | {every} | {true} "
        f"| {len(named) / len(found):.0%} | {typical} | {wrong / len(found):.1%} |",
        wrong / len(found),
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sets", type=int, default=100, help="data sets per setting")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("proof", "enough"))
    options = parser.parse_args()
    # Inherited by the workers, which start their own libraries.
    os.environ["OMP_NUM_THREADS"] = "1"
    faults = []
    with ProcessPoolExecutor(options.processes) as pool:
        if options.only != "enough":
            print(
                "| recordings | distance | mean AUC | proven at once | plan above "
                f"{MOST_RECORDINGS} | plans tried | median plan | proven if the AUC is what it "
                "seemed (SE) | proven with the true AUC |"
            )
            print("|---" * 9 + "|", flush=True)
            for setting in (*PROOF, PERFECT):
                proofs = list(
                    pool.map(partial(try_plan, setting, options.seed), range(options.sets))
                )
                line, rate = proof_row(setting, proofs)
                print(line, flush=True)
                if setting != PERFECT and not PROMISED[0] <= rate <= PROMISED[1]:
                    faults.append(f"{setting.name}: the plan is reached at a rate of {rate:.2f}")
        if options.only != "proof":
            print(
                "\n| recordings | distance | largest | true gain of the largest over | enough in "
                "truth | sets that name a size | median size | sets that name a wrong one |"
            )
            print("|---" * 8 + "|", flush=True)
            for setting in ENOUGH:
                found = list(
                    pool.map(partial(name_enough, setting, options.seed), range(options.sets))
                )
                line, wrong = enough_row(setting, found)
                print(line, flush=True)
                if wrong > (1 - LEVEL) / 2 + 2 * np.sqrt(0.025 * 0.975 / options.sets):
                    faults.append(f"{setting.name}: {wrong:.1%} name a size that is not enough")
    print("\n".join(faults) if faults else "every setting meets the requirements")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
