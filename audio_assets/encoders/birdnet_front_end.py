"""BirdNET's two spectrograms, computed outside its graph.

In the graph they take more than half of the time: the transform there is a general one, and
computes all of its 1,025 bins for the 127 that the filters read. The model uses the *real part* of
the spectrum, so that the 96 bands are a linear map of the frame. Since the cosine is even, half of
the samples of a frame suffice once the other half has been added to them.

Rounding follows the graph step by step, in float32 up to the windowed frames and in float64 from
there on, as in its transform. Both are needed: the bands are raised to powers of 0.46 and 0.38,
which turns a rounding error of 1e-8 in an empty band (a padded window, a pure tone) into 1e-3. In
float32 throughout, or with an exactly symmetric window, class scores differed by up to 0.5.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

FRONT_END = "float64 cosine transform of float32 frames"
"""Name of the method in the encoder's fingerprint."""

FRAMES = 511
BANDS = 96
BRANCHES = 2
# Rows of a block, so that frames and their folded halves stay in a core's cache of about 1 MB. With
# 128 to 256 it is 20 % faster than with 16, and 10 % faster than with all 511 at once.
_BLOCK = 128
_TINY = np.float32(1e-6)


@dataclass(frozen=True)
class Branch:
    """One of the two spectrograms.

    Attributes
    ----------
    window
        float32[n], factors of a frame of n samples; the first one is 0.
    filters
        float32[96, n / 2 + 1], weight of each bin in each band.
    exponent
        Exponent of the squared band.
    hop
        Samples from one frame to the next.
    """

    window: NDArray[np.float32]
    filters: NDArray[np.float32]
    exponent: np.float32
    hop: int

    def __post_init__(self) -> None:
        size = len(self.window)
        if size % 2 or self.window[0] != 0 or self.filters.shape != (BANDS, size // 2 + 1):
            raise ValueError(
                f"a window of {size} samples that begins with {self.window[0]} and filters of "
                f"shape {self.filters.shape} are not BirdNET's"
            )


class FrontEnd:
    """Computes the input of BirdNET's convolutions from windows; for use by one thread."""

    def __init__(self, branches: tuple[Branch, ...]) -> None:
        self._transforms = [_Transform(branch) for branch in branches]

    def __call__(self, windows: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Compute spectrograms.

        Parameters
        ----------
        windows
            float32[n, samples], any level: each window is scaled to -1 to 1 first.
        out
            float32[n, 96, 511, 2], which receives the spectrograms.
        """
        # With two threads, the products of one block took 60 times the CPU, spinning on each other.
        with _blas().limit(limits=1):
            for window, target in zip(windows, out, strict=True):
                scaled = window - window.min()
                scaled /= scaled.max() + _TINY
                scaled -= np.float32(0.5)
                scaled *= np.float32(2)
                for index, transform in enumerate(self._transforms):
                    target[:, :, index] = transform(scaled)


@cache
def _blas() -> Any:
    from threadpoolctl import ThreadpoolController

    # Cached: finding the libraries takes 1 ms, setting the limit 0.04 ms.
    return ThreadpoolController()


class _Transform:
    def __init__(self, branch: Branch) -> None:
        self._branch = branch
        half = len(branch.window) // 2
        bins = np.flatnonzero((branch.filters != 0).any(axis=0))
        # Reduced to one turn in integers, so that the cosine loses no digit.
        turns = np.outer(np.arange(1, half + 1), bins) % (2 * half) / (2 * half)
        weights = branch.filters[:, bins].astype(np.float64)
        # Bands from high to low, as rows of the image.
        self._matrix = np.ascontiguousarray((np.cos(2 * np.pi * turns) @ weights.T)[:, ::-1])
        self._framed = np.empty((_BLOCK, 2 * half), dtype=np.float32)
        self._folded = np.empty((_BLOCK, half), dtype=np.float64)
        self._bands = np.empty((FRAMES, BANDS), dtype=np.float64)

    def __call__(self, scaled: NDArray[np.float32]) -> NDArray[np.float32]:
        size = len(self._branch.window)
        half = size // 2
        views = np.lib.stride_tricks.sliding_window_view(scaled, size)
        frames = views[:: self._branch.hop][:FRAMES]
        for start in range(0, FRAMES, _BLOCK):
            rows = slice(start, min(start + _BLOCK, FRAMES))
            count = rows.stop - start
            framed, folded = self._framed[:count], self._folded[:count]
            np.multiply(frames[rows], self._branch.window, out=framed)
            # Sample 0 has weight 0; sample 1 is added to the last one, the middle one stays alone.
            folded[:] = framed[:, 1 : half + 1]
            folded[:, :-1] += framed[:, :half:-1]
            np.matmul(folded, self._matrix, out=self._bands[rows])
        power = self._bands.astype(np.float32)
        power *= power
        image: NDArray[np.float32] = np.power(power, self._branch.exponent).T
        return image
