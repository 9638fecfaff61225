"""Made-up data sets for the simulations of coverage: settings, and how clips are drawn.

What is evaluated on them belongs in coverage.py and the benchmarks beside it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


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


# The usual cases. The formula of the interval was chosen by looking at these and at the grid.
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

# Recordings from 5 to 200 a class and unequal, clips per recording, K, R, dimension and effect.
GRID = (
    Setting(200, 200, (1, 1), 2.5, 8, folds=10, repeats=5),
    Setting(200, 200, (1, 1), 2.5, 8, folds=10, repeats=1),
    Setting(200, 200, (1, 1), 2.5, 8),
    Setting(200, 200, (2, 2), 6.0, 64),
    Setting(100, 100, (1, 1), 2.5, 8, folds=5, repeats=1),
    Setting(100, 100, (2, 2), 5.0, 32),
    Setting(60, 60, (3, 3), 3.0, 32, dimension=40),
    Setting(40, 40, (2, 2), 2.5, 8, folds=2, repeats=1),
    Setting(40, 40, (2, 2), 2.5, 8, folds=2, repeats=2),
    Setting(40, 40, (2, 2), 2.5, 8, folds=2, repeats=3),
    Setting(40, 40, (2, 2), 2.5, 8, folds=2, repeats=5),
    Setting(40, 40, (2, 2), 2.5, 8, folds=3, repeats=1),
    Setting(30, 30, (3, 3), 2.5, 16, folds=3, repeats=1),
    Setting(30, 30, (3, 3), 2.5, 16, folds=10, repeats=1),
    Setting(30, 30, (3, 3), 2.5, 16, folds=10, repeats=10),
    Setting(30, 30, (1, 1), 1.0, 8),
    Setting(25, 25, (4, 4), 5.0, 32, dimension=40),
    Setting(20, 20, (3, 3), 0.0, 16),
    Setting(20, 20, (3, 3), 2.5, 16),
    Setting(20, 20, (20, 20), 2.5, 64),
    Setting(20, 20, (3, 3), 2.5, 16, dimension=100),
    Setting(20, 20, (3, 3), 5.0, 16, dimension=100),
    Setting(15, 15, (3, 3), 3.0, 8, folds=10, repeats=5),
    Setting(12, 12, (3, 3), 2.5, 8, folds=3, repeats=1),
    Setting(10, 10, (3, 3), 3.0, 8),
    Setting(10, 100, (2, 2), 2.5, 8),
    Setting(8, 80, (6, 6), 3.0, 16),
    Setting(7, 7, (3, 3), 3.0, 8),
    Setting(7, 7, (3, 3), 6.0, 8, inaudible=0.15),
    Setting(6, 6, (3, 3), 5.0, 8),
    Setting(6, 60, (3, 3), 3.0, 8),
    Setting(6, 60, (3, 3), 6.0, 8, inaudible=0.15),
    Setting(5, 5, (3, 3), 3.0, 8),
    Setting(5, 5, (3, 3), 7.0, 8),
    Setting(5, 5, (10, 10), 2.0, 16),
    Setting(5, 60, (3, 3), 3.0, 8),
    Setting(5, 200, (2, 2), 4.0, 8),
    Setting(60, 5, (3, 3), 3.0, 8),
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
