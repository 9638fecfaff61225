"""CPU time of the logistic grid against a plain scikit-learn loop, and equality of the AUCs.

    python benchmarks/heads.py [--sklearn-repeats 1] [--bootstrap-draws 2]

The full default grid (3 species, 5 logistic models, 5 repeats of 5 folds, all training sizes) on
simulated embeddings of 300 + 300 clips and 1024 dimensions. The loop fits scikit-learn's
LogisticRegression (lbfgs, tol 1e-8) for every fold and size; as it is slow it may be run on fewer
repeats, at every size alike, and is scaled up. The two take turns, model by model and size by size.
CPU seconds are those of this process, with one BLAS thread.
"""

import argparse
import platform
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import normalize

from audio_assets.evaluation.scores.bootstrap import bootstrap_scores
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.scores.inputs import training_sizes
from audio_assets.evaluation.scores.threads import one_blas_thread
from audio_assets.evaluation.splits.plan import SplitPlan, make_split_plan
from audio_assets.models.heads import HEADS, Fit

SPECIES, MODELS = 3, 5
CLIPS, CLIPS_PER_RECORDING, DIMENSION = 300, 3, 1024
SIZES = (4, 8, 16, 32, 64, 128, 256, 300)
REPEATS = FOLDS = 5
DRAWS, CORES = 200, 2
SMALL = 64

Clips = tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]


def draw(species: int, model: int) -> Clips:
    """Embeddings with a common mean, a falling spectrum and a recording effect.

    The distance of the classes and the fall of the spectrum differ from model to model.
    """
    rng = np.random.default_rng([species, model])
    recording = np.repeat(np.arange(2 * CLIPS // CLIPS_PER_RECORDING), CLIPS_PER_RECORDING)
    labels = np.repeat(np.array([1, 0]), CLIPS)
    scale = np.arange(1, DIMENSION + 1) ** (-0.25 * model)
    scale /= np.linalg.norm(scale)
    vectors = rng.normal(size=(recording[-1] + 1, DIMENSION))[recording]
    vectors = (vectors + rng.normal(size=vectors.shape)) * scale
    for size, weight in (((0.2 + 0.2 * species), labels[:, None]), (1.0, 1.0)):
        direction = rng.normal(size=DIMENSION) * scale
        vectors += size * weight * direction / np.linalg.norm(direction)
    return vectors, labels, recording.astype(str)


def cpu(action: Callable[[], object]) -> tuple[float, object]:
    """CPU seconds, and what the action gave."""
    start = time.process_time()
    result = action()
    return time.process_time() - start, result


def fits_of(plan: SplitPlan, labels: NDArray[np.int64], size: int, repeats: int) -> list[Fit]:
    return [
        Fit(
            plan.training_clips(labels, repeat, fold, size),
            np.flatnonzero(plan.folds[repeat] == fold),
            0,
        )
        for repeat in range(repeats)
        for fold in range(plan.n_folds)
    ]


def sklearn_loop(
    unit: NDArray[np.float64], labels: NDArray[np.int64], fits: list[Fit]
) -> list[NDArray[np.float64]]:
    scores = []
    for fit in fits:
        model = LogisticRegression(C=10.0, tol=1e-8, max_iter=100_000)
        model.fit(unit[fit.train], labels[fit.train])
        scores.append(model.decision_function(unit[fit.test]))
    return scores


def main(sklearn_repeats: int, bootstrap_draws: int) -> None:
    ours: dict[int, float] = defaultdict(float)
    theirs: dict[int, float] = defaultdict(float)
    gram_seconds = norm_seconds = whole = drawing = 0.0
    drawn = compared = unequal = swapped = 0
    for species in range(SPECIES):
        for model in range(MODELS):
            vectors, labels, recordings = draw(species, model)
            keys = [f"{key:06d}" for key in range(len(labels))]
            plan = make_split_plan(labels, recordings, keys=keys, folds=FOLDS, repeats=REPEATS)
            given = (vectors, labels, recordings, plan)
            with one_blas_thread():
                seconds, scorer = cpu(lambda v=vectors: HEADS["logistic"].prepare(v))
                gram_seconds += seconds
                seconds, unit = cpu(lambda v=vectors: normalize(v))
                norm_seconds += seconds
                for size in training_sizes(SIZES, plan.largest_size(labels)):
                    fits = fits_of(plan, labels, size, REPEATS)
                    some = fits_of(plan, labels, size, sklearn_repeats)
                    seconds, mine = cpu(lambda s=scorer, y=labels, f=fits: s(y, f))
                    ours[size] += seconds
                    seconds, loop = cpu(lambda u=unit, y=labels, f=some: sklearn_loop(u, y, f))
                    theirs[size] += seconds * REPEATS / sklearn_repeats
                    for fit, one, other in zip(some, mine, loop, strict=False):
                        tested = labels[fit.test]
                        pairs = int(tested.sum()) * int((1 - tested).sum())
                        apart = abs(roc_auc_score(tested, one) - roc_auc_score(tested, other))
                        compared += 1
                        swapped += apart * pairs > 0.4
                        unequal += apart * pairs > 1.0 + 1e-6
            options = {"sizes": SIZES, "head": "logistic"}
            whole += cpu(lambda g=given, o=options: score_folds(*g, **o))[0]
            # Two models of each species stand for all.
            if bootstrap_draws and model in (0, 4):
                drawing += cpu(
                    lambda g=given, o=options: bootstrap_scores(*g, draws=bootstrap_draws, **o)
                )[0]
                drawn += bootstrap_draws
            print(f"species {species + 1}, model {model + 1} done", flush=True)

    print("\n| clips a class | scikit-learn, CPU s | this, CPU s | ratio |")
    print("|---|---|---|---|")
    for size in ours:
        print(_row(str(size), theirs[size], ours[size]))
    small = [size for size in ours if size <= SMALL]
    print(_row(
        f"all up to {SMALL}, with the Gram matrix",
        sum(theirs[size] for size in small) + norm_seconds,
        sum(ours[size] for size in small) + gram_seconds,
    ))  # fmt: skip
    everything = sum(theirs.values()) + norm_seconds
    print(_row("all, with the Gram matrix", everything, sum(ours.values()) + gram_seconds))
    print(_row("all, with metrics and tables on this side alone", everything, whole))
    print(
        f"\nAUCs: {compared} compared, {swapped} differ by a swapped pair, {unequal} by more than "
        f"one. scikit-learn was run on {sklearn_repeats} of {REPEATS} repeats."
    )
    if drawn:
        each = drawing / drawn
        total = each * DRAWS * SPECIES * MODELS
        print(
            f"Bootstrap: {each:.2f} CPU s a draw ({drawn} draws); bootstrap={DRAWS} on the whole "
            f"grid would take {total:.0f} CPU s, {total / CORES / 60:.1f} minutes on {CORES} cores."
        )
    print(f"Machine: {_processor()}, Python {platform.python_version()}, numpy {np.__version__}.")
    if unequal:
        raise SystemExit("AUCs differ")


def _row(name: str, theirs: float, ours: float) -> str:
    return f"| {name} | {theirs:.2f} | {ours:.2f} | {theirs / ours:.1f} |"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{len(named)} x {named[0]}" if named else platform.processor() or platform.machine()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sklearn-repeats", type=int, default=1, choices=range(1, REPEATS + 1))
    parser.add_argument("--bootstrap-draws", type=int, default=2)
    main(**vars(parser.parse_args()))
