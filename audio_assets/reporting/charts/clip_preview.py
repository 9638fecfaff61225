"""Previews of clips to look at and listen to, small enough for many in one report."""

from __future__ import annotations

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.resample import resample
from audio_assets.encoders import log_mel_image

SECONDS = 9.0
"""Longest preview; of a longer clip the beginning is used."""
SOUND_RATE = 24_000
PEAK = 0.7
HEIGHT = 112

# MP3 of libsndfile, 0 to 1: about 4 kB/s. At 0.6 it is an eighth larger, at 0.3 more than half.
_COMPRESSION = 0.8
_WEBP_QUALITY = 60


@dataclass(frozen=True)
class ClipPreview:
    """A clip's picture and sound.

    Attributes
    ----------
    picture
        WebP: log-mel spectrogram, dark is loud, low frequencies at the bottom.
    sound
        MP3, mono, 24 kHz; its peak is the same for all clips.
    """

    picture: bytes
    sound: bytes


def clip_preview(
    samples: NDArray[np.float32], sample_rate: int, seconds: float = SECONDS
) -> ClipPreview:
    """Return the picture and sound of a clip; equal clips yield equal bytes.

    The sound is MP3 because every browser plays it and because, unlike an Ogg stream, it contains
    neither a time nor a random number. The picture is grey because that needs no key, prints well,
    and does not depend on colour vision.

    Parameters
    ----------
    samples
        float32[n], at least the part that is used.
    sample_rate
        Hz.
    seconds
        Length of the preview, from the clip's beginning.
    """
    start = samples[: round(seconds * sample_rate)]
    return ClipPreview(_picture(start, sample_rate), _sound(start, sample_rate))


def _picture(samples: NDArray[np.float32], rate: int) -> bytes:
    from PIL import Image

    heard = resample(samples, rate, log_mel_image.SAMPLE_RATE)
    missing = log_mel_image.FRAME_SAMPLES - len(heard)
    image = log_mel_image.log_mel_image(np.pad(heard, (0, max(0, missing))))
    grey = Image.fromarray(255 - image.astype(np.uint8))
    width = max(1, grey.width * HEIGHT // grey.height)
    buffer = io.BytesIO()
    grey.resize((width, HEIGHT), Image.Resampling.BOX).save(
        buffer, "WEBP", quality=_WEBP_QUALITY, method=6
    )
    return buffer.getvalue()


def _sound(samples: NDArray[np.float32], rate: int) -> bytes:
    import soundfile

    heard = resample(samples, rate, SOUND_RATE)
    # After resampling, because the resampler overshoots the loudest sample a little.
    loudest = float(np.abs(heard).max(initial=0.0))
    level = heard * np.float32(PEAK / loudest) if loudest > 0 else heard
    buffer = io.BytesIO()
    soundfile.write(
        buffer,
        level,
        SOUND_RATE,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=_COMPRESSION,
        bitrate_mode="VARIABLE",
    )
    return buffer.getvalue()
