"""Which sound of the positives a model does not hear, over many kinds of recordings."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import pytest

from audio_assets.audio.properties import SoundMeter
from audio_assets.evaluation.doubts.hearing import (
    STANDS_OUT,
    WHOLE,
    Hearing,
    hearing_rows,
    share_above,
)

BIRDNET, PERCH, YAMNET = 24_000.0, 16_000.0, 8_000.0
CLIPS = 8
Sound = Callable[[np.random.Generator, int], np.ndarray]


def hiss(rate: int, level: float = 0.003) -> Sound:
    return lambda rng, clip: level * rng.normal(size=rate // 2)


def calls(rate: int, low: float, high: float, level: float, seconds: float = 0.03) -> Sound:
    """Sweeps every 100 ms."""
    time = np.arange(round(seconds * rate)) / rate
    phase = low * time + (high - low) * time**2 / (2 * seconds)
    sweep = level * np.sin(2 * np.pi * phase) * np.hanning(len(time))

    def sound(rng: np.random.Generator, clip: int) -> np.ndarray:
        samples = np.zeros(rate // 2)
        for start in range(rate // 20, len(samples) - len(time), rate // 10):
            samples[start : start + len(time)] += sweep
        return samples

    return sound


def chorus(rate: int, low: float, high: float, level: float) -> Sound:
    """A sound without pauses, as of cicadas."""

    def sound(rng: np.random.Generator, clip: int) -> np.ndarray:
        spectrum = np.fft.rfft(rng.normal(size=rate // 2))
        frequencies = np.fft.rfftfreq(rate // 2, 1 / rate)
        spectrum[(frequencies < low) | (frequencies > high)] = 0
        samples = np.fft.irfft(spectrum, rate // 2)
        return level * samples / samples.std()

    return sound


def wind(rate: int) -> Sound:
    """Loud, and as loud as it likes in each clip."""
    gust = chorus(rate, 5, 300, 1.0)
    return lambda rng, clip: 10 ** rng.uniform(-3, -0.7) * gust(rng, clip)


def of_some(sound: Sound, is_with: Callable[[int], bool], other: Sound | None = None) -> Sound:
    def chosen(rng: np.random.Generator, clip: int) -> np.ndarray:
        if is_with(clip):
            return sound(rng, clip)
        return other(rng, clip) if other else 0 * sound(rng, clip)

    return chosen


def clips(positive: list[Sound], negative: list[Sound], rate: int, other_rate: int = 0):
    rows = []
    for label, sounds in (("pos", positive), ("neg", negative)):
        hertz = rate if label == "pos" else other_rate or rate
        for clip in range(CLIPS):
            rng = np.random.default_rng([clip, label == "pos"])
            meter = SoundMeter(hertz)
            meter.add(np.sum([sound(rng, clip) for sound in sounds], axis=0))
            rows.append((label, "data", hertz, meter.result().spectrum))
    return pd.DataFrame(rows, columns=["label", "variant", "sample_rate", "spectrum"])


def varied(rng: np.random.Generator, clip: int) -> np.ndarray:
    low = rng.uniform(50_000, 75_000)
    return calls(250_000, low, low + 4_000, 0.05)(rng, clip)


@cache
def recorded(name: str) -> pd.DataFrame:
    bat = calls(384_000, 70_000, 45_000, 0.1, 0.005)
    high, fast, slow = 384_000, 96_000, 48_000
    bird = calls(fast, 3_000, 6_000, 0.02)
    made = {
        "bats": lambda: clips([hiss(high), bat], [hiss(high)], high),
        "bats in wind": lambda: clips(
            [hiss(high), bat, wind(high)], [hiss(high), wind(high)], high
        ),
        "bats against silence at 48 kHz": lambda: clips(
            [hiss(high), bat], [hiss(slow)], high, slow
        ),
        "bats in two of five clips": lambda: clips(
            [hiss(high), of_some(bat, lambda n: n % 5 < 2, calls(high, 3_000, 5_000, 0.05))],
            [hiss(high)],
            high,
        ),
        "the same bats in both classes": lambda: clips([hiss(high), bat], [hiss(high), bat], high),
        "other bats in the negatives": lambda: clips(
            [hiss(high), bat], [hiss(high), calls(high, 50_000, 60_000, 0.1, 0.008)], high
        ),
        "rodents, each at its own pitch": lambda: clips(
            [hiss(250_000), varied], [hiss(250_000)], 250_000
        ),
        "insects at 25 to 40 kHz": lambda: clips(
            [hiss(fast), chorus(fast, 25_000, 40_000, 0.01)], [hiss(fast)], fast
        ),
        "frogs at 12 to 15 kHz": lambda: clips(
            [hiss(slow), calls(slow, 12_000, 15_000, 0.05)], [hiss(slow)], slow
        ),
        "calls from 20 to 30 kHz": lambda: clips(
            [hiss(fast), calls(fast, 20_000, 30_000, 0.05)], [hiss(fast)], fast
        ),
        "birds": lambda: clips([hiss(fast), bird], [hiss(fast)], fast),
        "faint birds": lambda: clips(
            [hiss(fast), calls(fast, 3_000, 6_000, 0.003)], [hiss(fast)], fast
        ),
        "birds, recorded with more gain": lambda: clips(
            [hiss(fast, 0.012), bird], [hiss(fast)], fast
        ),
        "birds at 96 kHz, negatives at 48 kHz": lambda: clips(
            [hiss(fast, 0.006), bird], [hiss(slow)], fast, slow
        ),
        "birds, negatives without anything above 16 kHz": lambda: clips(
            [hiss(slow), calls(slow, 3_000, 6_000, 0.02)], [chorus(slow, 0, 16_000, 0.003)], slow
        ),
        "frogs among crickets at 10 kHz": lambda: clips(
            [hiss(slow), chorus(slow, 9_000, 11_000, 0.05), calls(slow, 900, 1_100, 0.1)],
            [hiss(slow), chorus(slow, 9_000, 11_000, 0.05)],
            slow,
        ),
        "nothing but hiss": lambda: clips([hiss(fast)], [hiss(fast)], fast),
    }
    return made[name]()


@pytest.mark.parametrize(
    ("name", "limit", "low", "high"),
    [
        ("bats", BIRDNET, 0.97, 1.0),
        ("bats in wind", BIRDNET, 0.4, 1.0),
        ("bats against silence at 48 kHz", BIRDNET, 0.97, 1.0),
        ("bats in two of five clips", BIRDNET, 0.35, 0.65),
        ("the same bats in both classes", BIRDNET, 0.9, 1.0),
        ("other bats in the negatives", BIRDNET, 0.9, 1.0),
        ("rodents, each at its own pitch", BIRDNET, 0.97, 1.0),
        ("insects at 25 to 40 kHz", BIRDNET, 0.97, 1.0),
        ("insects at 25 to 40 kHz", YAMNET, 0.97, 1.0),
        ("frogs at 12 to 15 kHz", YAMNET, 0.97, 1.0),
        ("frogs at 12 to 15 kHz", PERCH, 0.0, 0.01),
    ],
)
def test_the_share_of_the_calls_above_what_is_heard_is_found(name, limit, low, high):
    found = share_above(recorded(name), limit)
    assert found is not None and low <= found.share <= high


@pytest.mark.parametrize("limit", [21_000.0, 22_500.0, BIRDNET, 25_000.0, 27_777.0])
def test_of_a_sweep_through_the_limit_the_part_above_is_found_for_any_sample_rate(limit):
    passed = (limit - 20_000.0) / 10_000.0
    # The integral of a squared Hann window up to there.
    expected = 1 - (
        passed
        - 2 / 3 / np.pi * np.sin(2 * np.pi * passed)
        + 1 / 12 / np.pi * np.sin(4 * np.pi * passed)
    )
    found = share_above(recorded("calls from 20 to 30 kHz"), limit)
    assert found.share == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("limit", [BIRDNET, PERCH, YAMNET])
@pytest.mark.parametrize(
    "name",
    [
        "birds",
        "faint birds",
        "birds, recorded with more gain",
        "birds at 96 kHz, negatives at 48 kHz",
        "birds, negatives without anything above 16 kHz",
        "frogs among crickets at 10 kHz",
        "nothing but hiss",
    ],
)
def test_hiss_above_what_is_heard_is_no_sound_of_the_positives(name, limit):
    assert not hearing_rows(recorded(name), {"model": Hearing("data", limit)})


def test_where_positives_do_not_stand_out_their_whole_energy_counts():
    apart, alike = recorded("bats"), recorded("the same bats in both classes")
    assert share_above(apart, BIRDNET).of == STANDS_OUT
    assert share_above(alike, BIRDNET).of == WHOLE


def test_without_negatives_the_whole_energy_counts_and_without_positives_nothing_is_said():
    bats = recorded("bats")
    assert share_above(bats[bats["label"] == "pos"], BIRDNET).of == WHOLE
    assert share_above(bats[bats["label"] == "neg"], BIRDNET) is None
    assert share_above(bats[:0], BIRDNET) is None


def test_a_clip_whose_own_rate_ends_at_the_limit_has_nothing_above_it():
    frogs = recorded("frogs at 12 to 15 kHz")
    assert share_above(frogs, BIRDNET).share == 0.0


def test_each_model_has_a_row_by_what_it_hears_and_none_where_it_hears_all():
    insects = recorded("insects at 25 to 40 kHz")
    models = {
        "deaf": Hearing("data", BIRDNET),
        "deafer": Hearing("data", YAMNET),
        "bat_ears": Hearing("data", 48_000.0),
        "other_clips": Hearing("data_5s", YAMNET),
        "broken": "its weights are missing",
    }
    rows = {row["model"]: row for row in hearing_rows(insects, models)}
    assert set(rows) == {"deaf", "deafer", "broken"}
    assert rows["deaf"]["value"] == BIRDNET and rows["deaf"]["count"] == CLIPS
    assert rows["deaf"]["warning"] and rows["deafer"]["warning"]
    assert not rows["broken"]["warning"]
    assert rows["broken"]["status"] == "its weights are missing"


def test_a_small_part_above_is_a_note_and_no_warning():
    # A song with a fifth of its energy in an overtone at 26 kHz.
    rate = 96_000
    song = [calls(rate, 12_000, 14_000, 0.05), calls(rate, 25_000, 27_000, 0.022)]
    found = clips([hiss(rate, 0.001), *song], [hiss(rate, 0.001)], rate)
    (row,) = hearing_rows(found, {"birdnet": Hearing("data", BIRDNET)})
    assert 0.1 < row["share"] < 0.25 and not row["warning"]
