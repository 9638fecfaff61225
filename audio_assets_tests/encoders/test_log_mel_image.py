"""The picture shows each sound where its axes say, at a level that the recorder does not decide."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.encoders.log_mel_image import (
    SAMPLE_RATE,
    SIZE,
    WINDOW_SECONDS,
    band_centres,
    log_mel_image,
    log_mel_images,
)

SAMPLES = round(SAMPLE_RATE * WINDOW_SECONDS)
TIME = np.arange(SAMPLES) / SAMPLE_RATE


def tone(hertz: float, level: float = 0.5) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * TIME)).astype(np.float32)


def noise(seed: int = 0, level: float = 0.1) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=level, size=SAMPLES).astype(np.float32)


@settings(max_examples=30)
@given(hertz=st.floats(60, 10_900))
def test_a_tone_is_brightest_in_the_row_of_its_frequency(hertz: float) -> None:
    image = log_mel_image(tone(hertz))
    rows = np.argmax(image, axis=0)
    nearest = np.argmin(np.abs(band_centres() - hertz))
    # A bin of the transform is 10.8 Hz wide, and so is the distance of the lowest rows.
    assert np.abs(rows - nearest).max() <= 1
    # And dark away from it: more than 40 dB down eight rows off.
    away = np.abs(np.arange(SIZE) - nearest) > 8
    assert image[away].max() < 255 * 40 / 80


def test_rows_go_from_high_to_low_and_columns_from_early_to_late() -> None:
    centres = band_centres()
    assert len(centres) == SIZE and (np.diff(centres) < 0).all()
    assert centres[0] < 11_025 and centres[-1] > 50
    for second in (0.4, 1.5, 2.7):
        burst = np.where(np.abs(TIME - second) < 0.02, tone(3_000), 0).astype(np.float32)
        column = int(np.argmax(log_mel_image(burst).sum(axis=0)))
        # A column is a frame of 2,048 samples that begins every 287 samples.
        assert (column * 287 + 1024) / SAMPLE_RATE == pytest.approx(second, abs=0.03)


def test_the_loudest_pixel_is_white_and_80_decibels_below_is_black() -> None:
    steps = np.where(TIME < 1, 0, np.where(TIME < 2, -40, -60))
    image = log_mel_image((tone(1_000) * 10 ** (steps / 20)).astype(np.float32))
    assert image.max() == 255 and image.min() == 0
    loudest = image.max(axis=0)
    # 40 dB down is half way to black, and 60 dB three quarters.
    for column, level in ((30, 255), (110, 255 / 2), (190, 255 / 4)):
        assert loudest[column] == pytest.approx(level, abs=0.5)


def test_the_recorders_gain_does_not_change_the_picture() -> None:
    np.testing.assert_allclose(log_mel_image(noise()), log_mel_image(noise() / 64), atol=1e-3)


@pytest.mark.parametrize("level", [0, 1e-9])
def test_silence_is_black(level: float) -> None:
    assert not log_mel_image(noise(level=level)).any()


def test_the_quietest_step_of_16_bits_is_still_a_picture() -> None:
    assert log_mel_image(noise(level=1 / 32768)).any()


def test_channels_are_equal_and_values_fit_a_picture() -> None:
    images = log_mel_images(np.stack([noise(0), noise(1)]))
    assert images.shape == (2, SIZE, SIZE, 3) and images.dtype == np.float32
    np.testing.assert_array_equal(images[..., 0], images[..., 1])
    np.testing.assert_array_equal(images[..., 0], images[..., 2])
    assert images.min() >= 0 and images.max() <= 255


def test_no_filter_is_empty() -> None:
    # Where filters are narrower than a bin, a row would be black whatever the sound.
    click = np.zeros(SAMPLES, dtype=np.float32)
    click[SAMPLES // 2] = 1
    assert (log_mel_image(click).max(axis=1) > 0).all()
