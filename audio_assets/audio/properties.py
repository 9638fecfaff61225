"""What can be told of a clip without listening to it: how the file was made and how it is filled.

A classifier may learn these in place of the species. Whether the labels can be read off them is
asked in :mod:`audio_assets.evaluation.doubts.confounds`.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.decode import DurationLimits, hear
from audio_assets.audio.faults import ClipFault
from audio_assets.audio.spectrum import BandEnergies

METHOD = 2
"""Version of the measurement: raise it when a value changes, so that kept rows are made again."""

# 1.4 s at 48 kHz: of a long clip, no more than this is in memory beside the block at hand.
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
        What is odd about how the file was read, such as a header that names a wrong length; None
        otherwise.
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
    """Measures mono audio as it comes in, in memory that does not grow with its length.

    All is computed on pieces of one length, whatever the lengths of the blocks are: cut in other
    places, equal audio gives equal bits.

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
        """Take the next samples; [n], any n, finite, full scale 1."""
        while len(block):
            room = _CHUNK - self._filled
            part, block = block[:room], block[room:]
            self._chunk[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            if self._filled == _CHUNK:
                self._measure()

    def result(self) -> "SoundLevels":
        """The levels of all audio taken; none can be taken afterwards.

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
    """What :class:`SoundMeter` measures; see :class:`ClipProperties`."""

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
        What is accepted.

    Returns
    -------
    ClipProperties or ClipFault
        The fault of :func:`audio_assets.audio.decode.hear` where it gives one.
    """
    listener = _Listener()
    heard = hear(data, limits, listener)
    if isinstance(heard, ClipFault):
        return heard
    assert listener.meter is not None
    # A clip that was heard is never silent, so there are levels.
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
