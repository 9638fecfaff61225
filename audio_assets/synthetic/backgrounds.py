"""Continuous background sounds of a place: noise, hum, wind, insects, rain; and the microphone.

A background belongs to a recording: all its clips share the kind and the parameters, and differ
only in the noise itself. Sounds that come and go are distractors or calls.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audio_assets.synthetic.signals import (
    RATE,
    Signal,
    band_noise,
    filtered,
    samples,
    shaped_noise,
    unit_level,
    wander,
)

KINDS = ("noise", "wind", "insects", "rain", "hum", "stream")

_OCTAVES = np.array([30.0, 60, 125, 250, 500, 1000, 2000, 4000, 8000, 16000])


@dataclass(frozen=True)
class Place:
    """The place and the microphone of a recording.

    Attributes
    ----------
    kind
        One of :data:`KINDS`.
    tilt
        dB at each octave of the coloured noise that is always there.
    response
        dB at each octave of the microphone, housing and vegetation before it.
    amount
        Level of the sound of ``kind`` relative to the coloured noise.
    pitch
        Hz of the insects or of the mains.
    beat
        Insect chirps or gusts per second.
    """

    kind: str
    tilt: Signal
    response: Signal
    amount: float
    pitch: float
    beat: float


def draw_place(rng: np.random.Generator, kind: str) -> Place:
    """Draw the parameters of a place of a given kind."""
    slope = rng.uniform(-6.0, -1.0)
    octave = np.arange(len(_OCTAVES))
    tilt = slope * octave + 3.0 * rng.standard_normal(len(_OCTAVES))
    tilt[0] -= 12.0
    response = 2.5 * rng.standard_normal(len(_OCTAVES)).cumsum() / np.sqrt(1 + octave)
    response[-1] -= rng.uniform(0, 15)
    return Place(
        kind=kind,
        tilt=tilt,
        response=response,
        amount=rng.uniform(0.5, 2.0),
        pitch=rng.uniform(2500, 7000) if kind == "insects" else float(rng.choice([50.0, 60.0])),
        beat=rng.uniform(1.0, 12.0) if kind == "insects" else rng.uniform(0.3, 1.0),
    )


def background(place: Place, rng: np.random.Generator, seconds: float) -> Signal:
    """Make ``seconds`` of background at a place, float64[samples(seconds)] of unit level."""
    count = samples(seconds)
    noise = shaped_noise(rng, count, _OCTAVES, place.tilt)
    if place.kind == "noise":
        return noise
    return unit_level(noise + place.amount * _layer(place, rng, count, seconds))


def _layer(place: Place, rng: np.random.Generator, count: int, seconds: float) -> Signal:
    time = np.arange(count) / RATE
    if place.kind == "wind":
        rumble = shaped_noise(
            rng, count, np.array([30.0, 120, 600, 3000]), np.array([0.0, -3, -30, -60])
        )
        gusts = np.exp(0.7 * wander(rng, count, place.beat * seconds))
        return unit_level(rumble * gusts)
    if place.kind == "insects":
        chirps = np.clip(np.sin(2 * np.pi * place.beat * time + rng.uniform(0, 6.28)), 0, None)
        jitter = np.cumsum(0.01 * place.pitch * wander(rng, count, 20 * seconds)) / RATE
        return unit_level(chirps * np.sin(2 * np.pi * (place.pitch * time + jitter)))
    if place.kind == "rain":
        hiss = band_noise(rng, count, 1500, 12000)
        drops = np.zeros(count)
        at = rng.integers(count, size=rng.poisson(25 * seconds))
        drops[at] = rng.exponential(1.0, size=len(at))
        patter = filtered(drops, np.array([200.0, 800, 4000, 12000]), np.array([-40.0, 0, 0, -40]))
        return unit_level(hiss + 1.5 * unit_level(patter))
    if place.kind == "hum":
        tone = np.zeros(count)
        for harmonic, level in enumerate((0.3, 1.0, 0.3, 0.6, 0.15, 0.3), start=1):
            tone += level * np.sin(2 * np.pi * place.pitch * harmonic * time + rng.uniform(0, 6.28))
        return unit_level(tone)
    babble = band_noise(rng, count, 300, 3000)
    return unit_level(babble * (1 + 0.3 * wander(rng, count, 15 * seconds)))


def through_microphone(place: Place, sound: Signal) -> Signal:
    """Colour a whole scene by the place's response."""
    return filtered(sound, _OCTAVES, place.response)
