"""From the bytes of a file to mono samples, or to the reason why they cannot be used.

Every rule about unusable files is here or in :mod:`audio_assets.audio.containers`. Nothing about
sample rates or windows of an encoder is.
"""

import io
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.containers import CutOffError, check_ogg, container, whole_wav
from audio_assets.audio.faults import ClipFault

CHANNELS = (1, 8)
SAMPLE_RATES = (8_000, 384_000)

_FORMATS = {"WAV": ("WAV", "WAVEX", "RF64"), "FLAC": ("FLAC",), "OGG": ("OGG",), "MP3": ("MP3",)}
# 21 s at 48 kHz: most clips are one block, and a header that lies costs at most one.
_BLOCK_FRAMES = 2**20
# Past the scale of 32-bit integers a value is no level but an accident. Up to here the square of a
# spectrum still fits float32.
_LARGEST_LEVEL = 2.0**31
# libsndfile's stand-in for a length that the header leaves open.
_UNKNOWN_FRAMES = 2**62


@dataclass(frozen=True)
class DurationLimits:
    """Durations in seconds that a clip may have, both ends included.

    Raises
    ------
    ValueError
        Unless 0 < min_seconds <= max_seconds < infinity.
    """

    min_seconds: float = 0.5
    max_seconds: float = 600.0

    def __post_init__(self) -> None:
        if not 0 < self.min_seconds <= self.max_seconds < float("inf"):
            raise ValueError(f"no durations lie in {self.min_seconds} to {self.max_seconds} s")

    def fault(self, seconds: float) -> ClipFault | None:
        """The fault of a clip of this duration, or None."""
        if seconds < self.min_seconds:
            return ClipFault("too_short", f"{seconds:.3f} s, shorter than {self.min_seconds:g} s")
        if seconds > self.max_seconds:
            return ClipFault("too_long", f"{seconds:.1f} s, longer than {self.max_seconds:g} s")
        return None


@dataclass(frozen=True)
class Waveform:
    """A decoded clip.

    Attributes
    ----------
    samples
        float32[n], mean of the channels; full scale is 1, and float files may exceed it.
    sample_rate
        Hz.
    channels
        Channels of the file.
    file_format
        Container and coding of the file, e.g. ``WAV PCM_16`` or ``OGG VORBIS``.
    """

    samples: NDArray[np.float32]
    sample_rate: int
    channels: int
    file_format: str

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return len(self.samples) / self.sample_rate


def decode_clip(data: bytes, limits: DurationLimits) -> Waveform | ClipFault:
    """Decode a WAV, FLAC, OGG or MP3 file.

    Whether a clip is too long is decided from its header, and decoding stops at the length that
    the header gives, so memory is bounded by ``limits`` whatever the bytes are. The one kind of cut
    that passes unseen is an MP3 file without a length in its header, cut between two frames: it is
    a whole file by all that can be known.

    Parameters
    ----------
    data
        Bytes of the whole file.
    limits
        Durations that are accepted.

    Returns
    -------
    Waveform or ClipFault
        A fault, and never an exception, for any bytes that cannot be used.
    """
    if not data:
        return ClipFault("empty_file", "0 bytes")
    kind = container(data)
    if kind is None:
        return ClipFault("not_audio", f"{len(data)} bytes that begin with no WAV, FLAC, OGG or MP3")
    import soundfile

    try:
        if kind == "WAV":
            data = whole_wav(data)
        elif kind == "OGG":
            check_ogg(data)
    except CutOffError as error:
        return ClipFault("undecodable", str(error))
    try:
        file = soundfile.SoundFile(io.BytesIO(data))
    except soundfile.SoundFileError as error:
        # An MPEG frame is announced by eleven bits, which other files may begin with too.
        reason = "not_audio" if kind == "MP3" else "undecodable"
        return ClipFault(reason, f"{len(data)} bytes of {kind}: {_words(error)}")
    with file:
        fault = _header_fault(file, kind, limits)
        if fault is not None:
            return fault
        try:
            return _read(file, kind, limits)
        except soundfile.SoundFileError as error:
            return ClipFault("undecodable", f"damaged or cut off {kind} file: {_words(error)}")


def _header_fault(file: Any, kind: str, limits: DurationLimits) -> ClipFault | None:
    if file.format not in _FORMATS[kind]:
        return ClipFault("not_audio", f"a {kind} header around {file.format}")
    if not CHANNELS[0] <= file.channels <= CHANNELS[1]:
        return ClipFault(
            "not_audio", f"{file.channels} channels, outside {CHANNELS[0]} to {CHANNELS[1]}"
        )
    if not SAMPLE_RATES[0] <= file.samplerate <= SAMPLE_RATES[1]:
        low, high = SAMPLE_RATES
        return ClipFault("not_audio", f"{file.samplerate} Hz, outside {low} to {high} Hz")
    if file.frames <= 0:
        return ClipFault("no_samples", f"a {kind} header and no samples")
    if file.frames >= _UNKNOWN_FRAMES:
        return None
    return limits.fault(file.frames / file.samplerate)


def _read(file: Any, kind: str, limits: DurationLimits) -> Waveform | ClipFault:
    # soundfile seeks to where it is after each read of a file that can seek. That moves the last
    # bits of MP3, and fails in a FLAC file of unknown length.
    file.seekable = lambda: False
    promised = None if file.frames >= _UNKNOWN_FRAMES else file.frames
    longest = int(limits.max_seconds * file.samplerate) + 1
    channels = file.channels
    blocks: list[NDArray[np.float32] | NDArray[np.float64]] = []
    read = 0
    peak = 0.0
    while read < (longest if promised is None else promised):
        block = file.read(_BLOCK_FRAMES, dtype="float64", always_2d=True)
        if len(block) == 0:
            break
        finite = np.isfinite(block)
        if not finite.all():
            first = (read + int(np.argmin(finite.all(axis=1)))) / file.samplerate
            return ClipFault(
                "non_finite", f"NaN or infinite samples, the first one {first:.3f} s into the clip"
            )
        # Divided before it is summed: the sum of finite values need not be finite.
        mono = (block / channels).sum(axis=1)
        block_peak = float(np.abs(mono).max())
        peak = max(peak, block_peak)
        blocks.append(mono.astype(np.float32) if block_peak <= _LARGEST_LEVEL else mono)
        read += len(block)
    if promised is None:
        fault = limits.fault(read / file.samplerate)
        if fault is not None:
            return fault
    elif read < promised:
        return ClipFault(
            "undecodable",
            f"damaged or cut off {kind} file: its header promises {promised} samples per channel "
            f"and {read} could be decoded",
        )
    samples = np.concatenate(blocks)
    if peak > _LARGEST_LEVEL:
        # A power of two changes no digit of a sample.
        samples = np.ldexp(samples, -int(np.frexp(peak)[1]))
    mono32 = samples.astype(np.float32, copy=False)
    low, high = float(mono32.min()), float(mono32.max())
    if low == high:
        averaged = f", the mean of {channels} channels," if channels > 1 else ""
        return ClipFault("silent", f"all {len(mono32)} samples{averaged} are {low:g}")
    return Waveform(mono32, file.samplerate, channels, f"{kind} {file.subtype}")


def _words(error: Exception) -> str:
    """What libsndfile says, without the address of the object it was reading."""
    text = str(getattr(error, "error_string", error))
    return text.removeprefix("Error : ").strip().rstrip(".")
