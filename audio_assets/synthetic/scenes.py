"""Mix a clip's scene: background, distractors, the call, distance, microphone and level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from audio_assets.synthetic import bullfrog, coyote, human_vocal
from audio_assets.synthetic.backgrounds import background, draw_place, through_microphone
from audio_assets.synthetic.distractors import BYSTANDERS, NEAR_MISSES, Distractor
from audio_assets.synthetic.plan import FIXED_SECONDS, Recording
from audio_assets.synthetic.signals import Signal, filtered, place, unit_level
from audio_assets.tables.task import PRESENCE

CALLS: Mapping[str, Distractor] = {
    "coyote": coyote.call,
    "bullfrog": bullfrog.call,
    "human_vocal": human_vocal.call,
}

LEVEL_SPREAD = 1.5
"""Standard deviation in dB of the level of a recording's clips."""

QUIET_NEGATIVES = 0.2
"""Share of negative recordings with nothing but background."""

BYSTANDER_SHARE = 0.35
"""Share of positive recordings that contain another sound as well."""


@dataclass(frozen=True)
class Loudness:
    """The level of a species' sounds above the background.

    The figures make the demo's learning curves rise between 4 and 64 clips; sounds that are easy
    for the encoders must be fainter.

    Attributes
    ----------
    low, high
        Range in dB above the background's root mean square from which recordings are drawn.
    """

    low: float
    high: float


LOUDNESS = {
    "coyote": Loudness(-5.0, 14.0),
    "bullfrog": Loudness(0.0, 16.0),
    "human_vocal": Loudness(-6.0, 14.0),
}


def scene(recording: Recording, clip: int) -> Signal:
    """Make the sound of one clip, and of the 5 s clip around the same call.

    Returns
    -------
    float64[samples(max(slot.seconds, 5))]
        The data clip and the 5 s clip are both cut from its middle, and the call lies in what they
        share. Its root mean square is the recording's level, its peaks are below full scale.
    """
    slot = recording.slot
    seconds = max(slot.seconds, FIXED_SECONDS)
    shared = min(slot.seconds, FIXED_SECONDS)
    individual, rng = recording.rng(), recording.rng(clip)
    where = draw_place(individual, slot.place_kind)
    loudness = LOUDNESS[recording.species]
    above = individual.uniform(loudness.low, loudness.high)
    distance = individual.uniform(0.0, 1.0)
    sounds = _sounds(recording, individual)

    canvas = background(where, rng, seconds)
    for source, offset in sounds:
        # A separate generator, so that the draws of one source do not change the next.
        voice = np.random.default_rng(individual.integers(2**63))
        sound = _from_afar(source(voice, rng, shared), distance, rng)
        gain = 10 ** ((above + offset + rng.normal(0, 1.5)) / 20)
        place(canvas, gain * sound, (seconds - shared) / 2)
    canvas = unit_level(through_microphone(where, canvas))
    canvas *= 10 ** ((slot.level + LEVEL_SPREAD * rng.standard_normal()) / 20)
    peak = np.max(np.abs(canvas))
    return canvas if peak < 0.97 else canvas * (0.97 / peak)


def middle(scene: Signal, seconds: int, rate: int) -> Signal:
    """Cut ``seconds`` from the middle of a scene sampled at ``rate`` Hz."""
    count = seconds * rate
    first = (len(scene) - count) // 2
    return scene[first : first + count]


def _sounds(
    recording: Recording, individual: np.random.Generator
) -> list[tuple[Distractor, float]]:
    """Return the sounds of a recording, each with dB relative to the recording's loudness."""
    bystander = BYSTANDERS[individual.integers(len(BYSTANDERS))]
    chance, kind = individual.random(), individual.random()
    if PRESENCE.is_positive(recording.label):
        call = [(CALLS[recording.species], 0.0)]
        return [*call, (bystander, 0.0)] if chance < BYSTANDER_SHARE else call
    if chance < QUIET_NEGATIVES:
        return []
    kinds = NEAR_MISSES[recording.species]
    # The most similar kinds are more likely: the first is twice as likely as the last.
    weights = np.linspace(2.0, 1.0, len(kinds)).cumsum()
    return [(kinds[int(np.searchsorted(weights, kind * weights[-1], side="right"))], 0.0)]


def _from_afar(sound: Signal, distance: float, rng: np.random.Generator) -> Signal:
    """Dull a sound and add an echo, more with ``distance`` from 0 to 1.

    Air takes high frequencies first; hills and trees return a late, diffuse part.
    """
    air = np.array([0.0, 0.0, -4.0, -14.0, -30.0]) * distance
    sound = filtered(sound, np.array([100.0, 500, 2000, 5000, 12000]), air)
    echo = np.zeros(len(sound))
    for _ in range(4):
        place(echo, rng.uniform(-0.35, 0.35) * distance * sound, rng.uniform(0.03, 0.4))
    return unit_level(sound + echo)
