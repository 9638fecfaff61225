"""Simulated clips with a recording effect, as the evaluation's tests need them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest


@dataclass(frozen=True)
class Clips:
    """Embeddings float[n, d], labels {0, 1}[n], recordings str[n] and content keys."""

    embeddings: np.ndarray
    labels: np.ndarray
    recordings: np.ndarray
    keys: list[str]

    def take(self, rows: np.ndarray) -> "Clips":
        keys = [self.keys[row] for row in rows]
        return Clips(self.embeddings[rows], self.labels[rows], self.recordings[rows], keys)


def simulate(
    pos: int = 12,
    neg: int = 12,
    *,
    clips: int = 3,
    shift: float = 2.0,
    effect: float = 1.0,
    dimension: int = 8,
    seed: int = 0,
) -> Clips:
    """``pos`` + ``neg`` recordings of ``clips`` clips: class shift + recording effect + noise."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.r_[np.ones(pos, np.int64), np.zeros(neg, np.int64)], clips)
    recordings = np.repeat(np.arange(pos + neg), clips)
    noise = rng.normal(size=(len(labels), dimension))
    embeddings = effect * rng.normal(size=(pos + neg, dimension))[recordings] + noise
    embeddings[:, 0] += shift * labels
    # A constant part, so that scaling to unit length does not throw the shift away.
    embeddings[:, 1] += 3.0
    names = np.array([f"rec-{number}" for number in recordings])
    keys = [f"{number:08x}" for number in rng.permutation(len(labels))]
    return Clips(embeddings, labels, names, keys)


@pytest.fixture
def simulated() -> Callable[..., Clips]:
    return simulate
