"""Calls of a bullfrog: a low, pulsed "jug-o-rum" of a few notes."""

from __future__ import annotations

import numpy as np

from audio_assets.synthetic.signals import (
    Signal,
    frames,
    harmonic_tone,
    place,
    resonances,
    samples,
    swell,
    unit_level,
    wander,
)

HARMONICS = 24


def note(rng: np.random.Generator, pitch: float, low: float, high: float, seconds: float) -> Signal:
    """One note: harmonics of ``pitch`` Hz under a low and a high resonance, beating as it swells.

    A bullfrog's energy lies in two bands, near 200 to 400 Hz and 1 to 1.6 kHz, with a gap between.
    """
    at = frames(seconds)
    contour = pitch * (
        np.interp(at, [0, 0.25, 1], [0.92, 1.0, 0.97]) + 0.01 * wander(rng, len(at), 5)
    )
    frequency = contour * np.arange(1, HARMONICS + 1)[:, None]
    gains = resonances(
        frequency,
        np.array([low, high])[:, None, None],
        np.array([160.0, 450.0])[:, None, None],
        np.array([1.0, rng.uniform(0.15, 0.35)]),
    )
    beat = 1 + 0.45 * np.sin(2 * np.pi * rng.uniform(18, 30) * at * seconds)
    return harmonic_tone(contour, gains * swell(at, 0.35, 0.25) * beat)


def call(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A series of notes within ``seconds``, unit level; generators as in :func:`coyote.call`."""
    pitch = individual.uniform(85, 125)
    low, high = individual.uniform(200, 360), individual.uniform(1000, 1600)
    length = individual.uniform(0.45, 0.8)
    pause = individual.uniform(0.12, 0.35)
    canvas = np.zeros(samples(seconds))
    start = rng.uniform(0.0, 0.4)
    for index in range(rng.integers(2, 6)):
        if start + length > seconds:
            break
        loudness = 0.6 + 0.1 * index
        place(canvas, loudness * note(rng, pitch, low, high, length), start)
        start += length * rng.uniform(0.9, 1.1) + pause
    return unit_level(canvas)
