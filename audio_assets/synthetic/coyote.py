"""Calls of a coyote: gliding howls and short yips, alone or as a group."""

from __future__ import annotations

import numpy as np

from audio_assets.synthetic.signals import (
    Signal,
    frames,
    harmonic_tone,
    place,
    rolloff,
    samples,
    swell,
    unit_level,
    wander,
)


def howl(rng: np.random.Generator, pitch: float, seconds: float, slope: float) -> Signal:
    """One howl: a quick rise to ``pitch`` Hz, a wavering plateau, often a break, a fall."""
    at = frames(seconds)
    contour = np.interp(at, [0, 0.12, 0.3, 0.85, 1], [0.55, 0.95, 1.0, rng.uniform(0.75, 1.0), 0.5])
    contour *= 1 + 0.02 * wander(rng, len(at), 6 * seconds)
    if rng.random() < 0.5:
        # The register break that tells a coyote from a dog: the pitch jumps for a moment.
        begin = rng.uniform(0.2, 0.7)
        contour[(at > begin) & (at < begin + 0.1)] *= rng.uniform(1.3, 1.6)
    gains = rolloff(7, slope)[:, None] * swell(at, 0.15, 0.3)
    return harmonic_tone(pitch * contour, gains)


def yip(rng: np.random.Generator, pitch: float, slope: float) -> Signal:
    """One yip of 0.08 to 0.25 s: up, then steeply down."""
    seconds = rng.uniform(0.08, 0.25)
    at = frames(seconds)
    contour = np.interp(at, [0, 0.3, 1], [0.8, 1.25, 0.6])
    gains = rolloff(7, slope)[:, None] * swell(at, 0.2, 0.5)
    return harmonic_tone(pitch * contour, gains)


def call(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Howls and yips within ``seconds``, unit level.

    Parameters
    ----------
    individual
        Seeded by the recording: voice and kind of calling, shared by the recording's clips.
    rng
        Seeded by the clip.
    """
    pitch = individual.uniform(550, 1100)
    slope = individual.uniform(7, 14)
    kind = individual.choice(["howls", "yips", "both"], p=[0.35, 0.3, 0.35])
    canvas = np.zeros(samples(seconds))
    if kind != "yips":
        length = rng.uniform(1.0, min(2.4, seconds * 0.8))
        voice = pitch * rng.uniform(0.9, 1.1)
        place(canvas, howl(rng, voice, length, slope), rng.uniform(0, seconds - length))
    if kind != "howls":
        start = rng.uniform(0.0, 0.35 * seconds)
        for _ in range(rng.integers(3, 9)):
            voice = pitch * rng.uniform(1.0, 1.7)
            place(canvas, rng.uniform(0.4, 1.0) * yip(rng, voice, slope), start)
            start += rng.uniform(0.15, 0.45)
    return unit_level(canvas)
