"""The placeholder tells sounds apart by where their energy lies."""

import numpy as np

from audio_assets.encoders.placeholder import PlaceholderEncoder


def tones(hertz: float, count: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    time = np.arange(16_000) / 16_000
    phase = rng.uniform(0, 2 * np.pi, size=(count, 1))
    noise = rng.normal(scale=0.05, size=(count, 16_000))
    return (noise + 0.1 * np.sin(2 * np.pi * hertz * time + phase)).astype(np.float32)


def test_tones_of_two_pitches_are_separated_by_nearest_mean() -> None:
    encoder = PlaceholderEncoder()
    low, high = (encoder.encode(tones(hertz, 20, 0)).embeddings for hertz in (400, 3_000))
    centre = (low.mean(axis=0) + high.mean(axis=0)) / 2
    direction = high.mean(axis=0) - low.mean(axis=0)
    new_low, new_high = (encoder.encode(tones(hertz, 20, 1)).embeddings for hertz in (400, 3_000))
    assert ((new_low - centre) @ direction < 0).all()
    assert ((new_high - centre) @ direction > 0).all()


def test_class_scores_follow_the_pitch() -> None:
    encoder = PlaceholderEncoder()
    low, high = (encoder.encode(tones(hertz, 5, 0)).class_scores for hertz in (200, 5_000))
    assert low is not None and high is not None
    assert (low[:, 0] > high[:, 0]).all()
    assert (low[:, 1] < high[:, 1]).all()
