"""What can be told of a clip without listening to it: how the file was made and how loud it is.

A classifier may learn these in place of the species. Whether the labels can be read off them is
asked in :mod:`audio_assets.evaluation.confounds`.
"""

from dataclasses import dataclass

import numpy as np

from audio_assets.audio.decode import DurationLimits, decode_clip
from audio_assets.audio.faults import ClipFault

METHOD = 1
"""Version of the measurement: raise it when a value changes, so that kept rows are made again."""


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
    """

    file_format: str
    sample_rate: int
    channels: int
    seconds: float
    rms_db: float
    peak_db: float


def clip_properties(data: bytes, limits: DurationLimits) -> ClipProperties | ClipFault:
    """Measure a clip.

    Parameters
    ----------
    data
        Bytes of the whole file.
    limits
        Durations that are accepted.

    Returns
    -------
    ClipProperties or ClipFault
        The fault of :func:`audio_assets.audio.decode.decode_clip` where it gives one.
    """
    clip = decode_clip(data, limits)
    if isinstance(clip, ClipFault):
        return clip
    samples = clip.samples.astype(np.float64)
    return ClipProperties(
        clip.file_format,
        clip.sample_rate,
        clip.channels,
        clip.seconds,
        _decibels(float(np.sqrt(np.mean(samples**2)))),
        _decibels(float(np.abs(samples).max())),
    )


def _decibels(level: float) -> float:
    # A decoded clip is never silent, so there is a logarithm.
    return 20.0 * float(np.log10(level))
