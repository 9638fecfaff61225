"""Calls, distractors and backgrounds sound as their animals and places do."""

from dataclasses import replace

import numpy as np
import pytest

from audio_assets.synthetic import bullfrog, coyote, human_vocal
from audio_assets.synthetic.backgrounds import KINDS, background, draw_place
from audio_assets.synthetic.distractors import BYSTANDERS, NEAR_MISSES, Distractor
from audio_assets.synthetic.plan import Recording, draw_slots
from audio_assets.synthetic.scenes import CALLS, LOUDNESS, Loudness, middle, scene
from audio_assets.synthetic.signals import RATE, Signal, harmonic_tone, samples, shaped_noise

SOURCES = sorted(
    {*CALLS.values(), *BYSTANDERS, *(s for kinds in NEAR_MISSES.values() for s in kinds)},
    key=lambda source: f"{source.__module__}.{source.__name__}",
)
SEEDS = range(6)


def heard(source: Distractor, seed: int, seconds: float = 4.0) -> Signal:
    return source(np.random.default_rng(seed), np.random.default_rng(seed + 1000), seconds)


def share_of_power(sound: Signal, low: float, high: float) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    return float(power[(hertz >= low) & (hertz < high)].sum() / power.sum())


@pytest.mark.parametrize(
    "source", SOURCES, ids=lambda source: f"{source.__module__}.{source.__name__}"
)
@pytest.mark.parametrize("seconds", [3, 5])
def test_a_sound_fills_its_canvas_at_unit_level_and_repeats(
    source: Distractor, seconds: int
) -> None:
    for seed in SEEDS:
        sound = heard(source, seed, seconds)
        assert sound.shape == (samples(seconds),)
        assert np.isfinite(sound).all()
        loud = np.square(sound) > 1e-6 * np.square(sound).max()
        assert np.mean(sound[loud] ** 2) == pytest.approx(1, rel=0.02)
        np.testing.assert_array_equal(sound, heard(source, seed, seconds))


@pytest.mark.parametrize(
    ("source", "low", "high"),
    [
        pytest.param(coyote.call, 300, 6000, id="coyote"),
        pytest.param(bullfrog.call, 80, 2500, id="bullfrog"),
        pytest.param(human_vocal.call, 80, 8000, id="human_vocal"),
    ],
)
def test_a_call_lies_in_its_species_band(source: Distractor, low: float, high: float) -> None:
    for seed in SEEDS:
        assert share_of_power(heard(source, seed), low, high) > 0.95


def test_a_bullfrog_has_a_low_band_a_gap_and_a_high_band() -> None:
    for seed in SEEDS:
        sound = heard(bullfrog.call, seed)
        low, gap, high = (
            share_of_power(sound, *band) for band in [(150, 450), (600, 800), (900, 1700)]
        )
        assert low > high > gap


def test_a_tone_has_the_pitch_it_was_given_and_nothing_above_nyquist() -> None:
    tone = harmonic_tone(np.full(201, 3000.0), np.ones((8, 201)))
    spectrum = np.abs(np.fft.rfft(tone))
    hertz = np.fft.rfftfreq(len(tone), 1 / RATE)
    loud = np.unique(np.round(hertz[spectrum > spectrum.max() / 2], -1))
    np.testing.assert_array_equal(loud, [3000, 6000, 9000])


def test_shaped_noise_follows_its_points() -> None:
    points = np.array([100.0, 400.0, 1600.0, 6400.0])
    noise = shaped_noise(np.random.default_rng(0), RATE * 8, points, np.array([0.0, -20, 0, -20]))
    power = np.abs(np.fft.rfft(noise)) ** 2
    hertz = np.fft.rfftfreq(len(noise), 1 / RATE)
    around = [10 * np.log10(power[np.abs(hertz - f) < 0.05 * f].mean()) for f in points[1:]]
    assert around[1] - around[0] == pytest.approx(20, abs=2.5)
    assert around[1] - around[2] == pytest.approx(20, abs=2.5)


@pytest.mark.parametrize("kind", KINDS)
def test_a_background_belongs_to_its_recording(kind: str) -> None:
    """Two clips of a place have nearly the same spectrum; another place has a different one."""

    def bands(place_seed: int, clip_seed: int) -> Signal:
        place = draw_place(np.random.default_rng(place_seed), kind)
        sound = background(place, np.random.default_rng(clip_seed), 6.0)
        edges = 60 * 2.0 ** np.arange(8)
        return np.array([10 * np.log10(share_of_power(sound, e, 2 * e)) for e in edges])

    siblings = np.abs(bands(1, 10) - bands(1, 11)).mean()
    strangers = np.mean([np.abs(bands(1, 10) - bands(s, 10)).mean() for s in range(2, 8)])
    assert siblings < strangers / 1.5


def test_a_positive_scene_holds_its_species_and_an_equal_slot_has_an_equal_level() -> None:
    slot = draw_slots(0, 3)[2]
    levels = [
        10 * np.log10(np.mean(scene(Recording(0, species, label, slot), 0) ** 2))
        for species in CALLS
        for label in ("pos", "neg")
    ]
    assert np.ptp(levels) < 8
    assert np.mean(levels) == pytest.approx(slot.level, abs=2.5)


@pytest.mark.parametrize("seconds", [3, 5, 9])
def test_the_call_lies_in_what_both_variants_share(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    """Else a clip under data_5s could be labelled with a call that is only heard under data."""
    monkeypatch.setitem(LOUDNESS, "coyote", Loudness(40.0, 40.0))
    slot = replace(draw_slots(0, 1)[0], seconds=seconds)
    whole = scene(Recording(0, "coyote", "pos", slot), 0)
    shared = middle(whole, min(seconds, 5), RATE)
    assert len(whole) == samples(max(seconds, 5))
    assert np.sum(shared**2) > 0.99 * np.sum(whole**2)
