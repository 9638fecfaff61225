"""The 78 features are the ones the name promises, in their order."""

import numpy as np
import pytest

from audio_assets.encoders.mfcc import MfccEncoder

SAMPLES = 66_150


def noise(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.05, size=SAMPLES).astype(np.float32)


def features(window: np.ndarray) -> np.ndarray:
    return MfccEncoder().encode(window[None].astype(np.float32)).embeddings[0]


def test_they_are_mean_and_deviation_of_librosas_mfcc_and_its_differences() -> None:
    import librosa

    window = noise()
    mfcc = librosa.feature.mfcc(y=window.astype(np.float64), sr=22_050, n_mfcc=13)
    parts = [mfcc, librosa.feature.delta(mfcc), librosa.feature.delta(mfcc, order=2)]
    expected = [part.mean(axis=1) for part in parts] + [part.std(axis=1) for part in parts]
    np.testing.assert_allclose(features(window), np.concatenate(expected), rtol=1e-5, atol=1e-5)


def test_the_level_shifts_the_first_coefficient_alone() -> None:
    # 20 dB on each of 128 mel bands, through an orthonormal DCT-II: 20 * sqrt(128).
    change = features(noise()) - features(noise() / 10)
    assert change[0] == pytest.approx(20 * np.sqrt(128), rel=1e-4)
    np.testing.assert_allclose(change[1:], 0, atol=1e-3)


def test_a_steady_sound_changes_less_over_time_than_one_that_comes_and_goes() -> None:
    gated = noise() * (np.arange(SAMPLES) // 11_025 % 2)
    assert features(gated)[39:].sum() > 3 * features(noise())[39:].sum()
