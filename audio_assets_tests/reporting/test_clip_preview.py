import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from audio_assets.reporting.charts.clip_preview import (
    HEIGHT,
    PEAK,
    SECONDS,
    SOUND_RATE,
    clip_preview,
)


def tone(
    hertz: float, seconds: float, rate: int = 48_000, level: float = 0.01
) -> tuple[np.ndarray, int]:
    times = np.arange(round(seconds * rate)) / rate
    samples = (level * np.sin(2 * np.pi * hertz * times)).astype(np.float32)
    return samples, rate


def grey(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(picture)).convert("L"))


def test_equal_clips_give_equal_bytes():
    assert clip_preview(*tone(1000, 2)) == clip_preview(*tone(1000, 2))


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_the_sound_is_the_clip_at_one_level(rate):
    sound, heard_rate = soundfile.read(io.BytesIO(clip_preview(*tone(1000, 2, rate)).sound))
    assert heard_rate == SOUND_RATE and sound.ndim == 1
    assert len(sound) / heard_rate == pytest.approx(2, abs=0.1)
    assert np.abs(sound).max() == pytest.approx(PEAK, abs=0.1)
    spectrum = np.abs(np.fft.rfft(sound))
    assert spectrum.argmax() * heard_rate / len(sound) == pytest.approx(1000, abs=2)


def test_a_tone_is_a_dark_line_and_a_higher_one_lies_higher():
    rows = []
    for hertz in (500, 4000):
        image = grey(clip_preview(*tone(hertz, 2)).picture)
        assert image.shape[0] == HEIGHT
        darkness = 255 - image.mean(axis=1)
        rows.append(int(darkness.argmax()))
        assert darkness.max() > 200 and np.median(darkness) < 40
    assert rows[1] < rows[0]


def test_time_runs_to_the_right():
    late, rate = tone(1000, 2, level=1.0)
    late[: len(late) // 2] *= 1e-4
    image = grey(clip_preview(late, rate).picture)
    half = image.shape[1] // 2
    assert image[:, :half].mean() > image[:, half:].mean() + 5


def test_of_a_long_clip_the_beginning_is_shown():
    long, short = (clip_preview(*tone(1000, seconds)) for seconds in (SECONDS + 5, SECONDS))
    assert long == short


@pytest.mark.parametrize("seconds", [0.001, 0.05, 0.5])
def test_a_very_short_clip_has_a_picture_and_a_sound(seconds):
    made = clip_preview(*tone(1000, seconds))
    assert grey(made.picture).shape[0] == HEIGHT and made.sound


def test_a_clip_is_small():
    noise = np.random.default_rng(0).normal(0, 0.1, 48_000 * 9).astype(np.float32)
    made = clip_preview(noise, 48_000)
    assert len(made.picture) < 12_000 and len(made.sound) < 60_000
