"""Mel-frequency cepstral coefficients: the classical features, without pretrained weights.

Reference: Davis and Mermelstein (1980), Comparison of parametric representations for monosyllabic
word recognition in continuously spoken sentences, IEEE Trans. ASSP 28(4), in librosa's conventions
(Slaney mel scale and filters, orthonormal DCT-II).
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded
from audio_assets.encoders.fingerprint import encoder_fingerprint
from audio_assets.encoders.librosa_runtime import import_librosa

_COEFFICIENTS = 13
# 93 ms frames every 23 ms at 22,050 Hz.
_N_FFT = 2048
_HOP = 512
_N_MELS = 128
_DELTA_FRAMES = 9
_TOP_DB = 80.0
_FLOOR = 1e-10


class MfccEncoder:
    """13 MFCC, their first and second differences, each by mean and standard deviation over time.

    The window is BirdNET's, so that the models differ in features and not in their audio.
    """

    name = "mfcc"
    sample_rate = 22_050
    window_seconds = 3.0
    dimension = 2 * 3 * _COEFFICIENTS
    classes: tuple[str, ...] | None = None

    @cached_property
    def fingerprint(self) -> str:
        return encoder_fingerprint(
            self.name,
            weights={},
            preprocessing={
                "sample_rate": self.sample_rate,
                "window_seconds": self.window_seconds,
                "coefficients": _COEFFICIENTS,
                "n_fft": _N_FFT,
                "hop": _HOP,
                "n_mels": _N_MELS,
                "delta_frames": _DELTA_FRAMES,
                "top_db": _TOP_DB,
                "floor": _FLOOR,
                "order": "mean then standard deviation of mfcc, delta, delta-delta",
            },
            libraries=("librosa", "scipy"),
        )

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        # One window at a time, so that no window's rounding depends on its neighbours.
        for row, window in enumerate(windows):
            embeddings[row] = self._features(window.astype(np.float64))
        return Encoded(embeddings)

    def _features(self, window: NDArray[np.float64]) -> NDArray[np.float64]:
        librosa = import_librosa()

        power = librosa.feature.melspectrogram(
            y=window,
            sr=self.sample_rate,
            n_fft=_N_FFT,
            hop_length=_HOP,
            n_mels=_N_MELS,
            window="hann",
            center=True,
            pad_mode="constant",
            power=2.0,
            fmin=0.0,
            fmax=self.sample_rate / 2,
            htk=False,
            norm="slaney",
            dtype=np.float64,
        )
        decibels = librosa.power_to_db(power, ref=1.0, amin=_FLOOR, top_db=_TOP_DB)
        mfcc = librosa.feature.mfcc(S=decibels, n_mfcc=_COEFFICIENTS, dct_type=2, norm="ortho")
        over_time = np.concatenate(
            [
                mfcc,
                librosa.feature.delta(mfcc, width=_DELTA_FRAMES, order=1),
                librosa.feature.delta(mfcc, width=_DELTA_FRAMES, order=2),
            ]
        )
        features: NDArray[np.float64] = np.concatenate(
            [over_time.mean(axis=1), over_time.std(axis=1)]
        )
        return features
