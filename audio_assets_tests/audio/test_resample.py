"""Resampling keeps level, time and frequency."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.audio.resample import resample

RATES = (8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 384_000)


def tone(rate: int, hertz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def middle(samples: np.ndarray) -> np.ndarray:
    edge = len(samples) // 10
    return samples[edge:-edge]


def test_equal_rates_give_the_samples_back_untouched() -> None:
    samples = tone(48_000, 440)
    assert resample(samples, 48_000, 48_000) is samples


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("target", [16_000, 22_050, 48_000])
def test_a_tone_keeps_level_time_and_frequency(rate: int, target: int) -> None:
    # The same tone, generated at the target rate: any delay, gain or shift of frequency shows.
    resampled = resample(tone(rate, 1_000), rate, target)
    assert resampled.dtype == np.float32
    expected = tone(target, 1_000)
    assert len(resampled) == len(expected)
    np.testing.assert_allclose(middle(resampled), middle(expected), atol=2e-4)


def test_a_click_stays_where_it_is() -> None:
    samples = np.zeros(44_100, dtype=np.float32)
    samples[11_025] = 1
    assert np.argmax(np.abs(resample(samples, 44_100, 48_000))) == 12_000


def test_what_the_target_rate_cannot_hold_is_removed_instead_of_folded_back() -> None:
    resampled = resample(tone(48_000, 12_000), 48_000, 16_000)
    assert np.abs(middle(resampled)).max() < 1e-4


@given(n=st.integers(1, 5_000), rate=st.sampled_from(RATES), target=st.sampled_from(RATES))
def test_the_duration_is_kept_to_a_sample(n: int, rate: int, target: int) -> None:
    samples = np.ones(n, dtype=np.float32)
    assert abs(len(resample(samples, rate, target)) - n * target / rate) <= 1


@pytest.mark.parametrize("samples", [np.zeros((4, 2), np.float32), np.zeros(4)])
def test_only_a_vector_of_float32_is_taken(samples: np.ndarray) -> None:
    with pytest.raises(ValueError, match="float32"):
        resample(samples, 48_000, 16_000)


def test_a_rate_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="0 Hz"):
        resample(np.zeros(4, np.float32), 48_000, 0)
