"""Sounds other than the species' calls, some of them similar, which make negatives hard.

Each has the signature of a call: ``(individual, rng, seconds) -> Signal`` of unit level, where
``individual`` is seeded by the recording and ``rng`` by the clip. Steady weather and hum are
backgrounds (:mod:`audio_assets.synthetic.backgrounds`).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from audio_assets.synthetic.human_vocal import LEVELS, VOWELS, WIDTHS
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

Distractor = Callable[[np.random.Generator, np.random.Generator, float], Signal]


def _repeated(
    rng: np.random.Generator, seconds: float, count: int, pause: float, sound: Callable[[], Signal]
) -> Signal:
    """``count`` sounds with about ``pause`` seconds between them, at a random start."""
    canvas = np.zeros(samples(seconds))
    start = rng.uniform(0.0, 0.4 * seconds)
    for _ in range(count):
        piece = sound()
        place(canvas, rng.uniform(0.6, 1.0) * piece, start)
        start += len(piece) / samples(1.0) + pause * rng.uniform(0.7, 1.4)
    return unit_level(canvas)


def dog_bark(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Barks of one dog, at its pitch and pace."""
    pitch, pause = individual.uniform(350, 750), individual.uniform(0.15, 0.6)

    def bark() -> Signal:
        length = rng.uniform(0.1, 0.2)
        at = frames(length)
        contour = pitch * rng.uniform(0.9, 1.15) * np.interp(at, [0, 0.35, 1], [0.75, 1.1, 0.65])
        tone = unit_level(harmonic_tone(contour, rolloff(10, 6)[:, None] * swell(at, 0.1, 0.6)))
        breath = band_noise(rng, len(tone), 500, 3000) * np.hanning(len(tone))
        return tone + 0.5 * breath

    return _repeated(rng, seconds, int(rng.integers(2, 8)), pause, bark)


def dog_howl(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Flatter, lower and richer in harmonics than a coyote's howl, without a register break."""
    pitch, slope = individual.uniform(380, 800), individual.uniform(5, 10)

    def howl() -> Signal:
        length = rng.uniform(0.9, 2.2)
        at = frames(length)
        contour = pitch * (
            np.interp(at, [0, 0.2, 0.8, 1], [0.8, 1, 0.97, 0.85]) + 0.008 * wander(rng, len(at), 8)
        )
        return harmonic_tone(contour, rolloff(10, slope)[:, None] * swell(at, 0.2, 0.2))

    return _repeated(rng, seconds, int(rng.integers(1, 3)), 0.4, howl)


def owl(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Hoots of one owl, at its pitch and length."""
    pitch, length = individual.uniform(280, 700), individual.uniform(0.2, 0.5)

    def hoot() -> Signal:
        at = frames(length)
        contour = pitch * np.interp(at, [0, 0.4, 1], [0.94, 1.0, 0.95])
        return harmonic_tone(contour, rolloff(3, 18)[:, None] * swell(at, 0.3, 0.4))

    return _repeated(rng, seconds, int(rng.integers(2, 6)), 0.3, hoot)


def songbird(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Phrases of whistled notes of one bird."""
    pitch, pause = individual.uniform(1800, 5000), individual.uniform(0.05, 0.3)
    knots = individual.uniform(0.75, 1.3, size=4)

    def whistle() -> Signal:
        length = rng.uniform(0.08, 0.35)
        at = frames(length)
        contour = pitch * rng.uniform(0.9, 1.1) * np.interp(at, [0, 0.3, 0.7, 1], knots)
        return harmonic_tone(contour, rolloff(2, 20)[:, None] * swell(at, 0.2, 0.3))

    return _repeated(rng, seconds, int(rng.integers(4, 10)), pause, whistle)


def gull(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Yelping series of falling, harmonic cries: near a coyote's yips."""
    pitch = individual.uniform(700, 1300)

    def cry() -> Signal:
        length = rng.uniform(0.12, 0.4)
        at = frames(length)
        contour = pitch * rng.uniform(0.85, 1.3) * np.interp(at, [0, 0.2, 1], [0.85, 1.15, 0.8])
        return harmonic_tone(contour, rolloff(9, 5)[:, None] * swell(at, 0.15, 0.35))

    return _repeated(rng, seconds, int(rng.integers(3, 8)), 0.15, cry)


def crow(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Caws of one crow: harsh, with a formant of its own."""
    pitch, centre = individual.uniform(300, 480), individual.uniform(1200, 1900)

    def caw() -> Signal:
        length = rng.uniform(0.25, 0.45)
        at = frames(length)
        contour = pitch * (
            np.interp(at, [0, 0.3, 1], [0.85, 1, 0.85]) + 0.05 * wander(rng, len(at), 40)
        )
        frequency = contour * np.arange(1, 15)[:, None]
        peaks = np.array([centre, 2.1 * centre])[:, None, None]
        gains = resonances(frequency, peaks, 0.4 * peaks, np.array([1.0, 0.4]))
        return harmonic_tone(contour, gains * swell(at, 0.15, 0.3))

    return _repeated(rng, seconds, int(rng.integers(2, 5)), 0.35, caw)


def sheep(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A bleat: a voice with formants and a tremolo, the nearest thing to a vowel."""
    pitch, tremolo = individual.uniform(150, 320), individual.uniform(6, 10)
    vowel = VOWELS[individual.integers(len(VOWELS))] * individual.uniform(0.9, 1.2)

    def bleat() -> Signal:
        length = rng.uniform(0.5, 1.1)
        at = frames(length)
        shake = np.sin(2 * np.pi * tremolo * at * length)
        contour = pitch * (np.interp(at, [0, 0.2, 1], [0.9, 1.0, 0.85]) + 0.03 * shake)
        frequency = contour * np.arange(1, 31)[:, None]
        gains = resonances(frequency, vowel[:, None, None], WIDTHS[:, None, None], LEVELS)
        gains *= rolloff(30, 4)[:, None] * swell(at, 0.15, 0.3) * (1 + 0.5 * shake)
        return harmonic_tone(contour, gains)

    return _repeated(rng, seconds, int(rng.integers(1, 4)), 0.4, bleat)


def cow(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A moo: long, low and harmonic, in a bullfrog's band."""
    pitch, low = individual.uniform(80, 150), individual.uniform(220, 420)

    def moo() -> Signal:
        length = rng.uniform(0.8, 1.8)
        at = frames(length)
        contour = pitch * np.interp(at, [0, 0.3, 0.8, 1], [0.85, 1.0, 1.05, 0.8])
        contour *= 1 + 0.01 * wander(rng, len(at), 20)
        frequency = contour * np.arange(1, 25)[:, None]
        peaks = np.array([low, 3.2 * low])[:, None, None]
        gains = resonances(frequency, peaks, 0.45 * peaks, np.array([1.0, 0.3]))
        return harmonic_tone(contour, gains * swell(at, 0.25, 0.3))

    return _repeated(rng, seconds, int(rng.integers(1, 4)), 0.5, moo)


def engine(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """An engine that revs: a low pulse train under one resonance."""
    pitch, centre = individual.uniform(35, 110), individual.uniform(150, 500)
    length = rng.uniform(0.5, 1.0) * seconds
    at = frames(length)
    contour = pitch * (1 + 0.12 * wander(rng, len(at), length) + 0.02 * wander(rng, len(at), 40))
    contour = np.maximum(contour, 20.0)
    frequency = contour * np.arange(1, 31)[:, None]
    peaks = np.array([centre, 3 * centre])[:, None, None]
    gains = resonances(frequency, peaks, 0.8 * peaks, np.array([1.0, 0.25]))
    throb = 1 + 0.4 * wander(rng, len(at), 8 * length)
    canvas = np.zeros(samples(seconds))
    tone = harmonic_tone(contour, gains * swell(at, 0.2, 0.2) * throb)
    place(canvas, tone, rng.uniform(0, seconds - length))
    return unit_level(canvas)


def green_frog(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A plucked, falling "gunk" with a bullfrog's two bands, but one short note at a time."""
    pitch, low = individual.uniform(90, 180), individual.uniform(300, 520)

    def gunk() -> Signal:
        length = rng.uniform(0.12, 0.45)
        at = frames(length)
        contour = pitch * np.interp(at, [0, 1], [1.05, 0.9])
        frequency = contour * np.arange(1, 25)[:, None]
        peaks = np.array([low, 3.6 * low])[:, None, None]
        gains = resonances(frequency, peaks, 0.35 * peaks, np.array([1.0, 0.3]))
        return harmonic_tone(contour, gains * np.exp(-3 * at) * swell(at, 0.05, 0.3))

    return _repeated(rng, seconds, int(rng.integers(1, 6)), 0.4, gunk)


def tree_frog(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A fast trill between 1 and 3 kHz."""
    pitch, trill = individual.uniform(1000, 3000), individual.uniform(25, 60)

    def call() -> Signal:
        length = rng.uniform(0.4, 1.2)
        at = frames(length)
        pulses = np.clip(np.sin(2 * np.pi * trill * at * length), 0, None)
        gains = rolloff(3, 14)[:, None] * swell(at, 0.2, 0.2) * pulses
        return harmonic_tone(np.full(len(at), pitch), gains)

    return _repeated(rng, seconds, int(rng.integers(1, 4)), 0.4, call)


def horn(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """A horn or a siren: two steady or slowly gliding tones rich in harmonics."""
    pitch, second = individual.uniform(250, 700), individual.uniform(1.19, 1.5)
    rise = individual.choice([1.0, 1.0, 1.4])
    slope = individual.uniform(4, 10)

    def tone() -> Signal:
        length = rng.uniform(0.4, 1.8)
        at = frames(length)
        contour = pitch * (1 + (rise - 1) * np.sin(np.pi * at))
        gains = rolloff(12, slope)[:, None] * swell(at, 0.05, 0.08)
        return harmonic_tone(contour, gains) + harmonic_tone(second * contour, gains)

    return _repeated(rng, seconds, int(rng.integers(1, 4)), 0.3, tone)


def footsteps(individual: np.random.Generator, rng: np.random.Generator, seconds: float) -> Signal:
    """Steps on the ground, at the pace of one walker."""
    low = individual.uniform(150, 900)

    def step() -> Signal:
        noise = band_noise(rng, samples(rng.uniform(0.06, 0.15)), low, 5 * low)
        return noise * np.exp(-np.linspace(0, 5, len(noise)))

    return _repeated(rng, seconds, int(rng.integers(3, 8)), 0.4, step)


NEAR_MISSES: dict[str, tuple[Distractor, ...]] = {
    "coyote": (dog_howl, dog_bark, gull, owl, horn, songbird, crow),
    "bullfrog": (cow, green_frog, engine, owl, tree_frog, sheep, footsteps),
    "human_vocal": (sheep, crow, dog_bark, cow, gull, horn, engine),
}
"""Sounds in a species' own negatives, the most similar first."""

BYSTANDERS: tuple[Distractor, ...] = (songbird, tree_frog, footsteps, crow, engine)
"""Sounds that may also be heard in a positive clip."""
