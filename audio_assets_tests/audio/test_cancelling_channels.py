"""Channels that cancel are read from the louder one, and this is said; all others are averaged."""

import io

import numpy as np
import pytest
import soundfile

from audio_assets.audio.decode import DurationLimits, Waveform, decode_clip
from audio_assets.audio.faults import ClipFault
from audio_assets_tests.audio.steps import steps

LIMITS = DurationLimits()
RATE = 24_000
SOUND = steps(1.5, RATE)[:, 0]
# Uncorrelated with the sound.
OTHER = 0.3 * np.random.default_rng(3).normal(size=len(SOUND))


def decoded(channels: list[np.ndarray], kind: str = "WAV", subtype: str = "FLOAT") -> Waveform:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack(channels, axis=1), RATE, format=kind, subtype=subtype)
    result = decode_clip(buffer.getvalue(), LIMITS)
    assert isinstance(result, Waveform), result
    assert result.channels == len(channels)
    return result


def decibels(sound: np.ndarray) -> float:
    return 20 * float(np.log10(np.sqrt(np.mean(sound**2))))


@pytest.mark.parametrize("louder", [0, 1])
@pytest.mark.parametrize("below", [31, 35, 40, 60])
def test_channels_that_nearly_cancel_are_read_from_the_louder(louder: int, below: float) -> None:
    # What is left of the sum lies this far below the louder channel.
    quieter = -(1 - 10 ** (-below / 20)) * SOUND
    channels = [SOUND, quieter] if louder == 0 else [quieter, SOUND]
    assert decibels(channels[0] + channels[1]) - decibels(SOUND) == pytest.approx(-below, abs=0.1)
    found = decoded(channels)
    np.testing.assert_allclose(found.samples, SOUND, atol=1e-6)
    assert found.note is not None and "cancel" in found.note
    assert f"channel {louder + 1}" in found.note


@pytest.mark.parametrize(("kind", "subtype"), [("WAV", "PCM_16"), ("FLAC", "PCM_16")])
def test_exact_opposites_are_read_from_one_channel(kind: str, subtype: str) -> None:
    found = decoded([SOUND, -SOUND], kind, subtype)
    assert decibels(found.samples) == pytest.approx(decibels(SOUND), abs=0.1)
    assert found.note is not None and "cancel" in found.note


def test_opposites_coded_with_loss_are_read_from_one_channel() -> None:
    found = decoded([SOUND, -SOUND], "OGG", "VORBIS")
    assert decibels(found.samples) == pytest.approx(decibels(SOUND), abs=0.5)
    assert found.note is not None and "cancel" in found.note


@pytest.mark.parametrize("below", [1, 6, 20, 28, 29])
def test_channels_that_cancel_less_are_averaged(below: float) -> None:
    quieter = -(1 - 10 ** (-below / 20)) * SOUND
    found = decoded([SOUND, quieter])
    np.testing.assert_allclose(found.samples, (SOUND + quieter) / 2, atol=1e-6)
    assert found.note is None


@pytest.mark.parametrize(
    "channels",
    [
        [SOUND, SOUND],
        [SOUND, OTHER],
        [SOUND, 0.001 * SOUND],
        [SOUND, -0.001 * SOUND],
        [SOUND, 0 * SOUND],
        [0 * SOUND, SOUND],
        [1e-5 * SOUND, 1e-5 * OTHER],
        [SOUND, np.roll(SOUND, 7)],
    ],
    ids=[
        "equal",
        "uncorrelated",
        "one quiet",
        "one quiet, inverted",
        "one dead",
        "the first dead",
        "both quiet",
        "one later",
    ],
)
def test_ordinary_stereo_is_averaged(channels: list[np.ndarray]) -> None:
    found = decoded(channels)
    np.testing.assert_allclose(found.samples, (channels[0] + channels[1]) / 2, atol=1e-6)
    assert found.note is None


@pytest.mark.parametrize("live", [0, 40, 63])
def test_one_live_channel_of_64_is_no_cancellation(live: int) -> None:
    channels = [0 * SOUND] * 64
    channels[live] = SOUND
    found = decoded(channels)
    np.testing.assert_allclose(found.samples, SOUND / 64, atol=1e-7)
    assert found.note is None


def test_four_channels_that_cancel_are_read_from_the_loudest() -> None:
    found = decoded([0.5 * SOUND, -0.5 * SOUND, SOUND, -SOUND])
    assert decibels(found.samples) == pytest.approx(decibels(SOUND), abs=0.1)
    assert found.note is not None and "cancel" in found.note


def test_a_direct_current_hides_no_cancellation_and_makes_none() -> None:
    found = decoded([0.5 + SOUND / 2, 0.3 - SOUND / 2])
    assert found.note is not None and "cancel" in found.note
    found = decoded([0.5 + SOUND / 2, -0.5 + SOUND / 2])
    np.testing.assert_allclose(found.samples, SOUND / 2, atol=1e-6)
    assert found.note is None


def test_a_cancelling_clip_is_the_same_at_another_rate() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([SOUND, -SOUND], axis=1), RATE, format="WAV", subtype="FLOAT")
    found = decode_clip(buffer.getvalue(), LIMITS, rate=48_000)
    assert isinstance(found, Waveform)
    assert decibels(found.samples) == pytest.approx(decibels(SOUND), abs=0.2)
    assert found.note is not None and "cancel" in found.note


def test_silence_in_all_channels_stays_silent() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((RATE, 2)), RATE, format="WAV")
    result = decode_clip(buffer.getvalue(), LIMITS)
    assert isinstance(result, ClipFault)
    assert result.reason == "silent"
