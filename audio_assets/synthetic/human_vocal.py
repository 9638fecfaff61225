"""Human voice: a glottal source through moving formants, in syllables; and single shouts."""

from __future__ import annotations

import numpy as np

from audio_assets.synthetic.signals import (
    Signal,
    band_noise,
    frames,
    harmonic_tone,
    place,
    resonances,
    rolloff,
    samples,
    swell,
    unit_level,
    wander,
)

VOWELS = np.array(
    [
        [730, 1090, 2440, 3400],
        [270, 2290, 3010, 3600],
        [300, 870, 2240, 3300],
        [530, 1840, 2480, 3500],
        [570, 840, 2410, 3300],
        [490, 1350, 1690, 3300],
    ],
    dtype=np.float64,
)
"""First four formants in Hz of adult vowels, rounded (Peterson and Barney 1952; F4 set)."""

WIDTHS = np.array([80.0, 110.0, 160.0, 220.0])
LEVELS = np.array([1.0, 0.6, 0.3, 0.15])
HARMONICS = 40


def syllable(
    rng: np.random.Generator, pitch: float, tract: float, seconds: float, glide: float
) -> Signal:
    """Make two vowels that blend into each other on a gliding pitch.

    Parameters
    ----------
    pitch
        Hz at the start.
    tract
        Factor on the formants: above 1 for a shorter vocal tract.
    glide
        Pitch at the end over pitch at the start.
    """
    at = frames(seconds)
    first, second = VOWELS[rng.integers(len(VOWELS), size=2)]
    formants = tract * (first[:, None] + (second - first)[:, None] * np.clip(1.5 * at - 0.25, 0, 1))
    contour = pitch * (1 + (glide - 1) * at + 0.012 * wander(rng, len(at), 30 * seconds))
    frequency = contour * np.arange(1, HARMONICS + 1)[:, None]
    gains = resonances(
        frequency, formants[:, None, :], WIDTHS[:, None, None] * np.ones((1, 1, len(at))), LEVELS
    )
    gains *= rolloff(HARMONICS, 5.0)[:, None] * swell(at, 0.2, 0.35)
    return harmonic_tone(contour, gains)


def call(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Speech or shouts within ``seconds``, unit level; generators as in :func:`coyote.call`."""
    pitch = individual.uniform(95, 230)
    tract = 0.9 + 0.25 * (pitch - 95) / 135
    shouting = individual.random() < 0.3
    canvas = np.zeros(samples(seconds))
    start = rng.uniform(0.0, 0.5)
    end = rng.uniform(0.6, 1.0) * seconds
    phrase = 1.0
    while start < end - 0.15:
        length = rng.uniform(0.35, 0.7) if shouting else rng.uniform(0.12, 0.3)
        voice = pitch * (1.6 if shouting else 1.0) * phrase * rng.uniform(0.9, 1.1)
        sound = unit_level(syllable(rng, voice, tract, length, rng.uniform(0.8, 1.05)))
        if not shouting and rng.random() < 0.4:
            hiss = band_noise(rng, samples(rng.uniform(0.05, 0.12)), 3000, 7000)
            place(canvas, 0.3 * hiss * np.hanning(len(hiss)), start - 0.06)
        place(canvas, rng.uniform(0.5, 1.0) * sound, start)
        start += length + rng.uniform(0.01, 0.08)
        phrase *= 0.97
        if rng.random() < (0.5 if shouting else 0.18):
            start, phrase = start + rng.uniform(0.2, 0.6), 1.0
    return unit_level(canvas)
