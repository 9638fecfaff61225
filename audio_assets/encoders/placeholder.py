"""An encoder without weights, for tests of everything else.

Its embeddings contain signal, the shape of the spectrum, so that classifiers can learn from them,
and it takes less than a millisecond per window.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from audio_assets.encoders.base import Encoded
from audio_assets.encoders.fingerprint import encoder_fingerprint

_BANDS = 24
_LOW_HZ = 60.0
# Quieter than one step of 16-bit audio; keeps the logarithm of digital silence finite.
_FLOOR = 1e-10


class PlaceholderEncoder:
    """Cosine transform of log band energies; the class scores compare low and high bands."""

    name = "placeholder"
    sample_rate = 16_000
    window_seconds = 1.0
    dimension = 16
    classes: tuple[str, ...] | None = ("placeholder_a", "placeholder_b")

    @cached_property
    def fingerprint(self) -> str:
        return encoder_fingerprint(
            self.name,
            weights={},
            preprocessing={
                "sample_rate": self.sample_rate,
                "window_seconds": self.window_seconds,
                "bands": _BANDS,
                "low_hz": _LOW_HZ,
                "floor": _FLOOR,
                "dimension": self.dimension,
            },
            libraries=(),
        )

    def encode(self, windows: NDArray[np.float32]) -> Encoded:
        bands = np.arange(_BANDS)
        order = np.arange(self.dimension)
        cosines = np.cos(np.pi * order[:, None] * (bands + 0.5) / _BANDS) / _BANDS
        edges = np.geomspace(_LOW_HZ, self.sample_rate / 2, _BANDS + 1) * self.window_seconds
        starts = np.round(edges[:-1]).astype(int)
        embeddings = np.empty((len(windows), self.dimension), dtype=np.float32)
        scores = np.empty((len(windows), 2), dtype=np.float32)
        # One window at a time, and sums instead of a matrix product: BLAS and the FFT choose other
        # kernels for other numbers of rows, which round differently.
        for row, window in enumerate(windows):
            spectrum = np.abs(np.fft.rfft(window.astype(np.float64))) ** 2 / len(window) ** 2
            levels = np.log10(np.add.reduceat(spectrum, starts) + _FLOOR)
            embeddings[row] = (cosines * levels).sum(axis=1)
            tilt = levels[: _BANDS // 2].mean() - levels[_BANDS // 2 :].mean()
            scores[row] = tilt, -tilt
        return Encoded(embeddings, scores)
