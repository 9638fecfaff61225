"""CPU time of the logistic grid and of its learning curve, in two checkouts taking turns.

    git worktree add /tmp/before COMMIT
    python benchmarks/grid_speed.py /tmp/before [--rounds 10]

Made-up embeddings of 1024 dimensions, the default 5 repeats of 5 folds, an untrained size and all
training sizes. Each round starts a process for each checkout, which has one BLAS thread, warms up
once and gives the median CPU seconds of three runs. The ratio is that of this checkout to the
other, the median over rounds.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
# Recordings of each class, and clips of each recording.
SETS = ((15, 3), (60, 3), (120, 4))
SIZES = (0, 4, 8, 16, 32, 64, 128, 256, 300)
RUNS = 3


def measure() -> list[list[float]]:
    """Seconds of the grid, and of the grid with its curve, for each of the sets."""
    from audio_assets.evaluation.intervals.learning_curve import summarise
    from audio_assets.evaluation.scores.grid import score_folds
    from audio_assets.evaluation.splits.plan import make_split_plan

    found = []
    for recordings, clips in SETS:
        rng = np.random.default_rng(0)
        recording = np.repeat(np.arange(2 * recordings), clips)
        labels = (recording < recordings).astype(np.int64)
        vectors = 0.7 * rng.normal(size=(2 * recordings, 1024))[recording]
        vectors += rng.normal(size=vectors.shape)
        vectors[:, 0] += 4.0 * labels
        vectors[:, 1] += 3.0
        names = recording.astype(str)
        plan = make_split_plan(labels, names, keys=[f"{row:06d}" for row in range(len(labels))])
        seconds = []
        for _ in range(1 + RUNS):
            start = time.process_time()
            results = score_folds(
                vectors,
                labels,
                names,
                plan,
                sizes=SIZES,
                head="logistic",
                class_scores=vectors[:, 0],
            )
            grid = time.process_time() - start
            summarise(
                results.scores,
                results.predictions,
                recordings=results.recordings,
                ci_level=0.95,
                head="logistic",
            )
            seconds.append((grid, time.process_time() - start))
        found.append(np.median(seconds[1:], axis=0).tolist())
    return found


def measure_in(checkout: Path) -> list[list[float]]:
    """:func:`measure` with the package of a checkout."""
    environment = os.environ | {"PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(Path(__file__).resolve()), "--measure"]
    done = subprocess.run(
        command, cwd=checkout, env=environment, check=True, capture_output=True, text=True
    )
    seconds: list[list[float]] = json.loads(done.stdout)
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path, nargs="?", help="the other checkout")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--measure", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure()))
        return
    if options.before is None:
        parser.error("name the checkout to compare with")
    rounds = [
        [measure_in(checkout) for checkout in (options.before.resolve(), HERE)]
        for _ in range(options.rounds)
    ]
    seconds = np.array(rounds)
    ratios = np.median(seconds[:, 1] / seconds[:, 0], axis=0)
    before, after = np.median(seconds, axis=0)
    print("| clips | what | before, s | now, s | ratio |\n|---|---|---|---|---|")
    for place, (recordings, clips) in enumerate(SETS):
        for part, what in enumerate(("grid", "grid and curve")):
            print(
                f"| {recordings * clips} + {recordings * clips} | {what} "
                f"| {before[place, part]:.3f} | {after[place, part]:.3f} "
                f"| {ratios[place, part]:.2f} |"
            )


if __name__ == "__main__":
    main()
