"""Measure the distribution of a clip's energy over frequency, on streamed audio.

Only the measurement belongs here. Its meaning for a model with a limited frequency range belongs
in :mod:`audio_assets.evaluation.doubts.hearing`.
"""

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import SPECTRUM_EDGES_HZ

_EDGES = np.array(SPECTRUM_EDGES_HZ)
BANDS = len(SPECTRUM_EDGES_HZ) - 1

# Bins at most 50 Hz apart: at least two in every band.
_BIN_HZ = 50.0


class BandEnergies:
    """Adds up the energy of mono audio in the bands :data:`audio_assets.tables.SPECTRUM_EDGES_HZ`.

    Frames overlap by half under a sine window, whose squares add up to 1: each sample counts
    once, wherever a short call falls, except in the first and last half frame, at most 20 ms.
    The mean of each frame is removed, so that a recorder's DC offset does not count as energy.

    Parameters
    ----------
    sample_rate
        Hz.
    """

    def __init__(self, sample_rate: int) -> None:
        size = 2 ** max(int(np.ceil(np.log2(sample_rate / _BIN_HZ))), 4)
        self._size, self._hop = size, size // 2
        self._window = _sine(size)
        # Each bin reaches halfway to its neighbours; a band gets the part of it that it covers.
        middles = (np.arange(size // 2) + 0.5) * (sample_rate / size)
        self._bin_edges = np.concatenate([[0.0], middles, [sample_rate / 2.0]])
        # Each bin of a real signal's spectrum counts twice, except the first and the last.
        self._weights = np.full(size // 2 + 1, 2.0 / size)
        self._weights[[0, -1]] /= 2.0
        self._energies = np.zeros(BANDS)
        self._carry = np.zeros(0, dtype=np.float32)
        self._framed = False

    def add(self, samples: NDArray[np.float32]) -> None:
        """Add the next samples.

        Parameters
        ----------
        samples
            float32[n], any n. Splitting the audio elsewhere changes the last digits of the result.
        """
        carried = np.concatenate([self._carry, samples])
        count = (len(carried) - self._size) // self._hop + 1
        if count > 0:
            frames = np.lib.stride_tricks.sliding_window_view(carried, self._size)[:: self._hop]
            self._energies += self._in_bands(frames, self._window)
            self._framed = True
            carried = carried[count * self._hop :]
        self._carry = carried.copy()

    def energies(self) -> NDArray[np.float64]:
        """Return the energy so far, the sum of squares, in each band; float64[:data:`BANDS`].

        Audio shorter than one frame counts as one frame.
        """
        if not self._framed and len(self._carry):
            return 2.0 * self._in_bands(self._carry[None, :], _sine(len(self._carry)))
        return self._energies.copy()

    def _in_bands(
        self, frames: NDArray[np.float32], window: NDArray[np.float32]
    ) -> NDArray[np.float64]:
        import scipy.fft

        spectrum = scipy.fft.rfft(
            (frames - frames.mean(axis=1, keepdims=True)) * window, self._size, axis=1
        )
        power = np.sum(spectrum.real**2 + spectrum.imag**2, axis=0, dtype=np.float64)
        below = np.concatenate([[0.0], np.cumsum(power * self._weights)])
        return np.diff(np.interp(_EDGES, self._bin_edges, below))


def _sine(size: int) -> NDArray[np.float32]:
    window: NDArray[np.float64] = np.sin(np.pi * (np.arange(size) + 0.5) / size)
    return window.astype(np.float32)
