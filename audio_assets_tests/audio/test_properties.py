"""Levels and spectra are those of the sound, however it comes in."""

import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audio_assets.audio.properties import SoundLevels, SoundMeter
from audio_assets.audio.spectrum import BANDS
from audio_assets.tables import SPECTRUM_EDGES_HZ

RATES = (1_000, 8_000, 44_100, 48_000, 250_000, 384_000, 768_000)


def measured(samples: np.ndarray, rate: int, cuts: list[int] | None = None) -> SoundLevels:
    meter = SoundMeter(rate)
    for block in np.split(samples, sorted(cuts or [])):
        meter.add(block)
    return meter.result()


def noise(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(scale=0.1, size=n).astype(np.float32)


def band_of(hertz: float) -> int:
    return int(np.searchsorted(SPECTRUM_EDGES_HZ, hertz, side="right")) - 1


@settings(deadline=None, max_examples=30)
@given(
    n=st.integers(1, 200_000),
    rate=st.sampled_from(RATES),
    cuts=st.lists(st.floats(0.0, 1.0), max_size=8),
    double=st.booleans(),
)
def test_where_the_audio_is_cut_into_blocks_changes_no_bit(n, rate, cuts, double):
    whole = noise(n)
    samples = whole.astype(np.float64) if double else whole
    cut = measured(samples, rate, [int(place * n) for place in cuts])
    at_once = measured(whole, rate)
    assert (cut.rms_db, cut.peak_db) == (at_once.rms_db, at_once.peak_db)
    np.testing.assert_array_equal(cut.spectrum, at_once.spectrum)


@pytest.mark.parametrize("rate", RATES)
def test_the_bands_hold_the_power_of_the_sound_at_every_rate(rate):
    levels = measured(noise(3 * rate), rate)
    assert levels.spectrum.shape == (BANDS,) and levels.spectrum.dtype == np.float32
    # Of 32 samples, which are a frame at 1 kHz, the mean that is taken off is 3 % and more.
    assert levels.spectrum.sum() == pytest.approx(0.01, rel=0.03 if rate > 1_000 else 0.08)
    assert levels.rms_db == pytest.approx(-20, abs=0.1)
    # Of white noise, each band has what its width in Hz is of the whole.
    edges = np.minimum(SPECTRUM_EDGES_HZ, rate / 2)
    expected = np.diff(edges) / (rate / 2)
    assert np.abs(levels.spectrum / 0.01 - expected).max() < 0.06


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("place", [0.11, 0.35, 0.8])
def test_a_tone_lies_in_its_band(rate, place):
    low, high = SPECTRUM_EDGES_HZ[band_of(place * rate / 2) : band_of(place * rate / 2) + 2]
    middle = (low + high) / 2
    tone = np.sin(2 * np.pi * middle * np.arange(rate) / rate)
    spectrum = measured(tone, rate).spectrum
    assert spectrum[band_of(middle)] > 0.95 * spectrum.sum()


def test_a_call_counts_alike_wherever_it_lies():
    rate = 384_000
    time = np.arange(int(0.005 * rate)) / rate
    call = np.sin(2 * np.pi * 55_000 * time) * np.hanning(len(time))
    found = []
    for start in range(20_000, 30_000, 700):
        samples = np.zeros(rate // 4)
        samples[start : start + len(call)] = call
        found.append(measured(samples, rate).spectrum.sum())
    assert np.ptp(found) < 0.01 * np.mean(found)


def test_an_offset_of_the_recorder_is_no_energy():
    plain, shifted = noise(48_000), noise(48_000) + np.float32(0.5)
    expected = measured(plain, 48_000).spectrum
    np.testing.assert_allclose(measured(shifted, 48_000).spectrum, expected, rtol=0.01)


@pytest.mark.parametrize("n", [1, 2, 7, 100, 511, 1023])
def test_a_clip_shorter_than_a_frame_is_measured_too(n):
    samples = noise(n) + np.float32(0.2)
    levels = measured(samples, 48_000)
    assert levels.rms_db == pytest.approx(20 * np.log10(np.sqrt(np.mean(samples**2))), abs=1e-4)
    assert np.isfinite(levels.spectrum).all() and (levels.spectrum >= 0).all()
    assert n == 1 or levels.spectrum.sum() > 0


def test_silence_has_no_level():
    with pytest.raises(ValueError, match="silence"):
        measured(np.zeros(1000), 48_000)


def test_memory_does_not_grow_with_the_length_of_the_audio():
    block = noise(48_000)
    measured(block, 48_000)
    tracemalloc.start()
    meter = SoundMeter(48_000)
    for _ in range(120):
        meter.add(block)
    meter.result()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8e6
