"""Simulated AUC with and without pairs of clips of one recording: the table of docs/data-checks.md.

    python benchmarks/same_recording.py [--sets 200]

Every recording holds clips of both labels. A recording's own effect is drawn for each recording,
the noise for each clip, both normal in all dimensions; positive clips lie further along the first.
The truth is the AUC of classifiers trained on as many recordings as a training fold has, over clips
of fresh recordings, nearly all of whose pairs are of two recordings. Splits, fits and scores are
the project's own; all clips of the training folds are used.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.evaluation.doubts.same_recording import (
    WARN_DIFFERENCE,
    WARN_SHARE,
    same_recording,
)
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.scores.metrics import score_fold
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.models.heads import HEADS, Fit

HEAD = "logistic"
CLIPS = 3
DIMENSION = 8
FOLDS = 5
REPEATS = 2
FRESH_RECORDINGS = 150


@dataclass(frozen=True)
class Setting:
    """Where data sets come from.

    Attributes
    ----------
    recordings
        Each with CLIPS clips a label.
    effect
        Standard deviation of the recordings' own effect, in those of the clips' noise.
    distance
        Of the classes, in the same unit.
    """

    recordings: int
    effect: float
    distance: float


SETTINGS = (
    Setting(12, 0.0, 1.0),
    Setting(12, 1.0, 1.5),
    Setting(12, 2.0, 1.0),
    Setting(25, 1.0, 1.5),
    Setting(50, 1.0, 1.5),
)


@dataclass(frozen=True)
class Clips:
    """float64[n, DIMENSION], {0, 1}[n], str[n]."""

    embeddings: NDArray[np.float64]
    labels: NDArray[np.int64]
    recordings: NDArray[np.str_]


def draw(setting: Setting, rng: np.random.Generator, recordings: int) -> Clips:
    """Clips of this many new recordings."""
    number = np.repeat(np.arange(recordings), 2 * CLIPS)
    labels = np.tile(np.repeat([1, 0], CLIPS), recordings).astype(np.int64)
    own = rng.normal(scale=setting.effect, size=(recordings, DIMENSION))
    embeddings = own[number] + rng.normal(size=(len(number), DIMENSION))
    embeddings[:, 0] += setting.distance * labels
    return Clips(embeddings, labels, np.char.add("r", number.astype(str)))


def published(setting: Setting, number: int) -> tuple[float, float, float]:
    """AUC of all pairs, of pairs of two recordings, and the share of the others; one data set."""
    clips = draw(setting, np.random.default_rng([number, setting.recordings]), setting.recordings)
    plan = make_split_plan(
        clips.labels, clips.recordings, folds=FOLDS, repeats=REPEATS, seed=number
    )
    results = score_folds(
        clips.embeddings, clips.labels, clips.recordings, plan, sizes=(), head=HEAD
    )
    values = results.scores.query("metric == 'roc_auc'")["value"]
    other = same_recording(results.predictions)
    return float(values.mean()), other.auc, other.share


def true_auc(setting: Setting, number: int) -> float:
    """AUC over fresh recordings of a classifier trained on a training fold's number of others."""
    rng = np.random.default_rng([number, setting.recordings, 1])
    trained = draw(setting, rng, setting.recordings - -(-setting.recordings // FOLDS))
    tested = draw(setting, rng, FRESH_RECORDINGS)
    split = len(trained.labels)
    rows = np.arange(split + len(tested.labels))
    fit = Fit(rows[:split], rows[split:], 0)
    scorer = HEADS[HEAD].prepare(np.concatenate([trained.embeddings, tested.embeddings]))
    (scores,) = scorer(np.concatenate([trained.labels, tested.labels]), [fit])
    value, _ = score_fold(tested.labels, scores, is_probability=True)["roc_auc"]
    return float(value)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=200)
    sets = range(parser.parse_args().sets)
    columns = "recordings effect/noise true published without share warned errors".split()
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for setting in SETTINGS:
        rows = np.array([(true_auc(setting, i), *published(setting, i)) for i in sets])
        truth, auc, other, share = rows.mean(axis=0)
        warned = (rows[:, 1] - rows[:, 2] >= WARN_DIFFERENCE) & (rows[:, 3] >= WARN_SHARE)
        error = (rows[:, :3].std(axis=0, ddof=1) / np.sqrt(len(rows))).max()
        print(
            f"| {setting.recordings} | {setting.effect:g} | {truth:.3f} | {auc:.3f} | "
            f"{other:.3f} | {100 * share:.0f} % | {100 * warned.mean():.0f} % | {error:.3f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
