"""Log-mel images of sound, the input of the ImageNet backbones.

A window of 3 s becomes 224 x 224 pixels, one pixel per mel band and frame, so that nothing is
stretched or cropped. The choices:

- 22,050 Hz and 3 s, as for the MFCC, so that models differ in features and not in their audio.
- Frames of 2,048 samples (93 ms, Hann) every 287 samples (13.0 ms), none of them padded: 224 frames
  cover the window except its last 5 ms. Bins are 10.8 Hz apart, which the narrowest filters need.
- 224 mel filters (Slaney's scale and normalisation) from 50 Hz to 11,025 Hz. Wind noise lies below
  and would determine the level of the image.
- Power in decibels below the loudest pixel, from 0 (white, 255) to -80 (black, 0). Thus the image
  does not depend on the recorder's gain, and has 80 dB of contrast for any sound. A silent window
  is black.
- Low frequencies at the bottom and time to the right; three equal channels, because the weights are
  for colour images.

Everything is computed in float64 and one window at a time, so that no pixel depends on the other
windows of a batch.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.librosa_runtime import import_librosa

SAMPLE_RATE = 22_050
WINDOW_SECONDS = 3.0
SIZE = 224

FRAME_SAMPLES = 2048
"""Smallest number of samples of a sound."""

_HOP = 287
_FMIN = 50.0
_FMAX = SAMPLE_RATE / 2
_RANGE_DB = 80.0
# Power of the loudest pixel, about 140 dB below a full-scale tone; digital silence stays below it
# after resampling.
_SILENCE = 2e-10

PARAMETERS: dict[str, str | int | float | bool | None] = {
    "sample_rate": SAMPLE_RATE,
    "window_seconds": WINDOW_SECONDS,
    "n_fft": FRAME_SAMPLES,
    "hop": _HOP,
    "frames": "hann, not padded",
    "n_mels": SIZE,
    "mel": "slaney scale and norm",
    "fmin": _FMIN,
    "fmax": _FMAX,
    "range_db": _RANGE_DB,
    "reference": "loudest pixel of the window",
    "silence": _SILENCE,
    "levels": "0 to 255",
    "orientation": "low frequencies at the bottom, time to the right",
    "channels": "three equal",
}
"""Everything that determines the image, for an encoder's fingerprint."""


def log_mel_image(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the image of a window, or of any sound.

    Parameters
    ----------
    window
        float32[66150], or float32[n], n >= 2048, for any other sound.

    Returns
    -------
    NDArray[np.float32]
        float32[224, 224], from 0 to 255; row 0 is the highest band. For any other sound,
        float32[224, 1 + (n - 2048) // 287].
    """
    librosa = import_librosa()

    samples = window.astype(np.float64)
    spectrum = librosa.stft(
        samples, n_fft=FRAME_SAMPLES, hop_length=_HOP, window="hann", center=False
    )
    # Equal to librosa.feature.melspectrogram to the last bit, but that recomputes its filters for
    # each window, which took nearly half of the 17 ms per image.
    power = np.einsum("ft,mf->mt", np.abs(spectrum) ** 2.0, _mel_filters(), optimize=True)
    loudest = power.max()
    if loudest <= _SILENCE:
        return np.zeros(power.shape, dtype=np.float32)
    floor = 10.0 ** (-_RANGE_DB / 10)
    decibels = 10.0 * np.log10(np.maximum(power / loudest, floor))
    image = (decibels + _RANGE_DB) * (255.0 / _RANGE_DB)
    return np.ascontiguousarray(image[::-1]).astype(np.float32)


def log_mel_images(windows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute images with three equal channels: float32[n, 224, 224, 3] from float32[n, 66150]."""
    images = np.empty((len(windows), SIZE, SIZE, 3), dtype=np.float32)
    for number, window in enumerate(windows):
        images[number] = log_mel_image(window)[:, :, None]
    return images


@cache
def _mel_filters() -> NDArray[np.float64]:
    """Return the filters, float64[224, 1025]."""
    librosa = import_librosa()

    filters: NDArray[np.float64] = librosa.filters.mel(
        sr=SAMPLE_RATE,
        n_fft=FRAME_SAMPLES,
        n_mels=SIZE,
        fmin=_FMIN,
        fmax=_FMAX,
        htk=False,
        norm="slaney",
        dtype=np.float64,
    )
    filters.setflags(write=False)
    return filters


def band_centres() -> NDArray[np.float64]:
    """Return the centre frequency of each row of an image in Hz, from row 0 down."""
    librosa = import_librosa()

    edges: Any = librosa.mel_frequencies(n_mels=SIZE + 2, fmin=_FMIN, fmax=_FMAX, htk=False)
    centres: NDArray[np.float64] = edges[1:-1][::-1]
    return centres
