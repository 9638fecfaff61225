"""Decode the bytes of a file to mono samples, or to the reason why they cannot be used.

All rules about unusable clips are here. Reading files belongs in
:mod:`audio_assets.audio.sound`, mixing channels down in :mod:`audio_assets.audio.mixdown`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.faults import ClipFault
from audio_assets.audio.mixdown import LARGEST_LEVEL, Mix, Mixdown, NonFiniteError
from audio_assets.audio.parts import DamagedError
from audio_assets.audio.resample import Resampler
from audio_assets.audio.sound import BLOCK_VALUES, Sound, open_sound
from audio_assets.audio.stitched import Data

CHANNELS = (1, 64)
SAMPLE_RATES = (1_000, 768_000)
SAME_SECONDS = 0.01
"""Largest difference between two durations of the same audio."""


@dataclass(frozen=True)
class DurationLimits:
    """Accepted durations of a clip, and the largest amount of audio to decode.

    Attributes
    ----------
    min_seconds, max_seconds
        Both included.
    max_samples
        Most samples, all channels together. A duration alone does not limit the work: 600 s of 8
        channels at 384 kHz are 64 times as much as one channel at 48 kHz.

    Raises
    ------
    ValueError
        Unless 0 < min_seconds <= max_seconds < infinity and 0 < max_samples.
    """

    min_seconds: float = 0.5
    max_seconds: float = 600.0
    max_samples: int = 120_000_000

    def __post_init__(self) -> None:
        if not 0 < self.min_seconds <= self.max_seconds < float("inf"):
            raise ValueError(f"no durations lie in {self.min_seconds} to {self.max_seconds} s")
        if self.max_samples < 1:
            raise ValueError(f"no clip has at most {self.max_samples} samples")

    def fault(self, seconds: float, samples: int | None = None) -> ClipFault | None:
        """Return the fault of a clip of this duration, or None.

        Parameters
        ----------
        samples
            Number for all channels together; None if unknown.
        """
        if seconds < self.min_seconds:
            return ClipFault("too_short", f"{seconds:.3f} s, shorter than {self.min_seconds:g} s")
        if seconds > self.max_seconds:
            return ClipFault("too_long", f"{seconds:.1f} s, longer than {self.max_seconds:g} s")
        if samples is not None and samples > self.max_samples:
            return ClipFault(
                "too_large",
                f"{samples / 1e6:.1f} million samples in all channels, more than "
                f"{self.max_samples / 1e6:g} million",
            )
        return None

    def too_much(self, frames: int, rate: float, channels: int) -> ClipFault | None:
        """Return the fault of a file with at least this many samples per channel, or None.

        Being too short is not a fault here: the file may be a long one that is damaged.
        """
        fault = self.fault(frames / rate, frames * channels)
        return fault if fault is not None and fault.reason != "too_short" else None


@dataclass(frozen=True)
class Heard:
    """Facts about a decoded clip.

    Attributes
    ----------
    frames
        Samples per channel at ``file_rate``.
    file_rate
        Sample rate of the file in Hz.
    channels
        Channels of the file.
    file_format
        Container and coding of the file, e.g. ``WAV PCM_16`` or ``OGG VORBIS``.
    note
        Remark on an unusual file, in words; None in most cases.
    mix
        The channels that were used.
    """

    frames: int
    file_rate: int
    channels: int
    file_format: str
    note: str | None
    mix: Mix

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.frames / self.file_rate


@dataclass(frozen=True)
class Waveform:
    """A decoded clip.

    Attributes
    ----------
    samples
        float32[n], mean of the channels, or the part of it that was asked for; full scale is 1,
        and float files may exceed it.
    sample_rate
        Rate of ``samples`` in Hz.
    heard
        Further facts about the clip.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    heard: Heard

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.heard.seconds

    @property
    def channels(self) -> int:
        """Channels of the file."""
        return self.heard.channels

    @property
    def file_format(self) -> str:
        """Container and coding of the file."""
        return self.heard.file_format

    @property
    def note(self) -> str | None:
        """Remark on an unusual file, in words."""
        return self.heard.note


class Listener(Protocol):
    """A receiver of the samples of a clip while it is decoded."""

    def start(self, sample_rate: int) -> None:
        """Begin a clip, or begin it again: discard its earlier samples.

        Parameters
        ----------
        sample_rate
            Hz.
        """

    def add(self, samples: NDArray[np.float32]) -> None:
        """Receive the next samples of the clip, float32[n], mono."""


def decode_clip(
    data: Data, limits: DurationLimits, rate: int | None = None, seconds: float | None = None
) -> Waveform | ClipFault:
    """Decode a sound file.

    It is decoded in blocks to the real end of its audio, whatever length its header gives. Memory
    is bounded by ``limits`` and ``rate`` for any bytes.

    Parameters
    ----------
    data
        Bytes of the whole file.
    limits
        Accepted durations.
    rate
        Sample rate of the result in Hz; the file's if None.
    seconds
        Length to keep from the start of the clip; all of it if None.

    Returns
    -------
    Waveform or ClipFault
        A fault, never an exception, for any bytes that cannot be used.
    """
    collector = _Collector(rate, seconds)
    heard = hear(data, limits, collector)
    if isinstance(heard, ClipFault):
        return heard
    return Waveform(collector.samples(), collector.rate, heard)


def hear(data: Data, limits: DurationLimits, listener: Listener) -> Heard | ClipFault:
    """Decode a sound file for a listener, at the sample rate of the file.

    Parameters
    ----------
    data, limits
        As for :func:`decode_clip`.
    listener
        Receives the samples, block by block.

    Returns
    -------
    Heard or ClipFault
        A fault for bytes that cannot be used; the samples that the listener received are then
        void.
    """
    if not data:
        return ClipFault("empty_file", "0 bytes")
    try:
        sound = open_sound(data)
        fault = _header_fault(sound, limits)
        return fault if fault is not None else _hear(sound, limits, listener)
    except DamagedError as error:
        return ClipFault(error.reason, str(error))
    except NonFiniteError as error:
        return ClipFault("non_finite", str(error))


def format_fault(rate: float, channels: int) -> ClipFault | None:
    """Return the fault of a file with this sample rate in Hz and number of channels, or None."""
    for value, (low, high), unit in (
        (channels, CHANNELS, "channels"),
        (rate, SAMPLE_RATES, "Hz"),
    ):
        if not low <= value <= high:
            return ClipFault("not_audio", f"{value:.0f} {unit}, outside {low} to {high} {unit}")
    return None


def _header_fault(sound: Sound, limits: DurationLimits) -> ClipFault | None:
    fault = format_fault(sound.rate, sound.channels)
    if fault is not None or sound.frames is None:
        return fault
    return limits.too_much(sound.frames, sound.rate, sound.channels)


def _hear(sound: Sound, limits: DurationLimits, listener: Listener) -> Heard | ClipFault:
    longest = int(limits.max_seconds * sound.rate)
    mix = Mix()
    while True:
        mixdown = Mixdown(sound.rate, sound.channels, mix)
        listener.start(sound.rate)
        for block in sound.blocks(BLOCK_VALUES):
            samples = mixdown.add(block)
            if mixdown.frames > longest:
                return ClipFault("too_long", f"longer than {limits.max_seconds:g} s")
            if mixdown.frames * sound.channels > limits.max_samples:
                return ClipFault(
                    "too_large",
                    f"more than {limits.max_samples / 1e6:g} million samples in all channels",
                )
            if mixdown.peak <= LARGEST_LEVEL or mix.exponent:
                listener.add(samples)
        # Only the whole clip shows whether its channels cancel or its level must be lowered.
        better = mixdown.better()
        if better is None:
            break
        mix = better
    if not mixdown.frames:
        return ClipFault("no_samples", f"a {sound.file_format} header and no samples")
    fault = limits.fault(mixdown.frames / sound.rate)
    if fault is not None:
        return fault
    if mixdown.is_silent:
        averaged = f", the mean of {sound.channels} channels," if sound.channels > 1 else ""
        return ClipFault("silent", f"all {mixdown.frames} samples{averaged} are {mixdown.low:g}")
    notes = [note for note in (sound.note, mix.note) if note]
    return Heard(
        mixdown.frames,
        sound.rate,
        sound.channels,
        sound.file_format,
        "; ".join(notes) or None,
        mix,
    )


def is_as_before(heard: Heard, seconds: float) -> bool:
    """Return whether an earlier version, which read this many seconds, used the same audio.

    That version always averaged all channels, and read as much audio as the header gave.
    """
    return heard.mix.channel is None and abs(heard.seconds - seconds) <= SAME_SECONDS


class _Collector:
    """Collects the samples of a clip at the requested rate."""

    def __init__(self, rate: int | None, seconds: float | None) -> None:
        self._wanted = rate
        self._seconds = seconds
        self._left: int | None = None
        self.rate = 0
        self._blocks: list[NDArray[np.float32]] = []
        self._resampler: Resampler | None = None

    def start(self, sample_rate: int) -> None:
        """See :class:`Listener`."""
        self.rate = self._wanted or sample_rate
        self._blocks = []
        self._left = None if self._seconds is None else round(self._seconds * sample_rate)
        same = self.rate == sample_rate
        self._resampler = None if same else Resampler(sample_rate, self.rate)

    def add(self, samples: NDArray[np.float32]) -> None:
        """See :class:`Listener`."""
        if self._left is not None:
            samples = samples[: self._left]
            self._left -= len(samples)
        self._blocks.append(self._resampler.add(samples) if self._resampler else samples)

    def samples(self) -> NDArray[np.float32]:
        """Return all samples, float32[n]; can be called once."""
        if self._resampler is not None:
            self._blocks.append(self._resampler.finish())
        if len(self._blocks) == 1:
            return self._blocks[0]
        # Each block is freed once it is copied, so that a long clip is not in memory twice.
        joined = np.empty(sum(map(len, self._blocks)), dtype=np.float32)
        end = len(joined)
        while self._blocks:
            block = self._blocks.pop()
            joined[end - len(block) : end] = block
            end -= len(block)
        return joined
