"""Properties of a clip that can be measured without listening: format, level and spectrum.

A classifier may learn these instead of the species. Testing whether they reveal the labels belongs
in :mod:`audio_assets.evaluation.doubts.confounds`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits, hear
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.spectrum import BandEnergies

METHOD = 2
"""Version of the measurement: raise it when a value changes, so that kept rows are redone."""

# 1.4 s at 48 kHz: at most this much of a long clip is in memory beside the current block.
_CHUNK = 2**16


@dataclass(frozen=True)
class ClipProperties:
    """Properties of a file.

    Attributes
    ----------
    file_format
        Container and coding, e.g. ``OGG VORBIS``.
    sample_rate
        Hz.
    channels
        Channels of the file.
    seconds
        Duration in seconds.
    rms_db, peak_db
        Root mean square and largest sample of the channels' mean, dB re full scale.
    spectrum
        float32[:data:`audio_assets.audio.spectrum.BANDS`], mean power of the channels' mean in
        each band of :data:`audio_assets.tables.SPECTRUM_EDGES_HZ`, full scale being 1.
    note
        Remark on an unusual file, for example a header with a wrong length; otherwise None.
    """

    file_format: str
    sample_rate: int
    channels: int
    seconds: float
    rms_db: float
    peak_db: float
    spectrum: NDArray[np.float32] = field(compare=False, repr=False)
    note: str | None = None


class SoundMeter:
    """Measures streamed mono audio, in memory that does not grow with its length.

    Everything is computed on pieces of one length, whatever the lengths of the blocks: equal audio
    yields equal bits even if it is split elsewhere.

    Parameters
    ----------
    sample_rate
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        self._bands = BandEnergies(sample_rate)
        self._chunk = np.empty(_CHUNK, dtype=np.float32)
        self._filled = 0
        self._measured = 0
        self._squares = 0.0
        self._peak = 0.0

    def add(self, block: NDArray[np.float32] | NDArray[np.float64]) -> None:
        """Add the next samples; [n], any n, finite, full scale 1."""
        while len(block):
            room = _CHUNK - self._filled
            part, block = block[:room], block[room:]
            self._chunk[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            if self._filled == _CHUNK:
                self._measure()

    def result(self) -> "SoundLevels":
        """Return the levels of all added audio; none can be added afterwards.

        Raises
        ------
        ValueError
            Without a sample other than 0: silence has no level.
        """
        self._measure()
        if not self._squares > 0.0:
            raise ValueError("silence has no level in decibels")
        return SoundLevels(
            10.0 * float(np.log10(self._squares / self._measured)),
            20.0 * float(np.log10(self._peak)),
            (self._bands.energies() / self._measured).astype(np.float32),
        )

    def _measure(self) -> None:
        if self._filled:
            samples = self._chunk[: self._filled]
            self._squares += float(np.sum(samples.astype(np.float64) ** 2))
            self._peak = max(self._peak, float(np.abs(samples).max()))
            self._bands.add(samples)
            self._measured += self._filled
            self._filled = 0


@dataclass(frozen=True)
class SoundLevels:
    """The result of :class:`SoundMeter`; see :class:`ClipProperties`."""

    rms_db: float
    peak_db: float
    spectrum: NDArray[np.float32]


def clip_properties(data: bytes, limits: DurationLimits) -> ClipProperties | ClipFault:
    """Measure a clip.

    Parameters
    ----------
    data
        Bytes of the whole file.
    limits
        Accepted durations.

    Returns
    -------
    ClipProperties or ClipFault
        The fault of :func:`audio_assets.audio.decode.hear` if it returns one.
    """
    listener = _Listener()
    heard = hear(data, limits, listener)
    if isinstance(heard, ClipFault):
        return heard
    assert listener.meter is not None
    # A clip without a fault is never silent, so it has levels.
    levels = listener.meter.result()
    return ClipProperties(
        heard.file_format,
        heard.file_rate,
        heard.channels,
        heard.seconds,
        levels.rms_db,
        levels.peak_db,
        levels.spectrum,
        heard.note,
    )


class _Listener:
    """Measures a clip while it is decoded."""

    def __init__(self) -> None:
        self.meter: SoundMeter | None = None

    def start(self, sample_rate: int) -> None:
        """See :class:`audio_assets.audio.decode.Listener`."""
        self.meter = SoundMeter(sample_rate)

    def add(self, samples: NDArray[np.float32]) -> None:
        """See :class:`audio_assets.audio.decode.Listener`."""
        assert self.meter is not None
        self.meter.add(samples)
