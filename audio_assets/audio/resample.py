"""Sample-rate conversion: one resampler with one quality for the whole package."""

import numpy as np
from numpy.typing import NDArray

QUALITY = "HQ"
RESAMPLER = f"soxr {QUALITY}"
"""Name of the method in an encoder's fingerprint, which adds the version of soxr."""


def resample(samples: NDArray[np.float32], rate: int, target_rate: int) -> NDArray[np.float32]:
    """Convert mono audio to another sample rate.

    Parameters
    ----------
    samples
        float32[n].
    rate, target_rate
        Hz.

    Returns
    -------
    NDArray[np.float32]
        float32[m], m within one sample of n * target_rate / rate; level and time are kept. The
        input itself when the rates are equal.

    Raises
    ------
    ValueError
        If ``samples`` is not a vector of float32, or a rate is not positive.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ValueError(f"samples must be float32[n], not {samples.dtype}{list(samples.shape)}")
    if rate <= 0 or target_rate <= 0:
        raise ValueError(f"sample rates must be positive, not {rate} and {target_rate} Hz")
    if rate == target_rate:
        return samples
    import soxr

    converted: NDArray[np.float32] = soxr.resample(samples, rate, target_rate, quality=QUALITY)
    return converted


class Resampler:
    """The conversion of :func:`resample` for audio in blocks, with identical bits.

    Parameters
    ----------
    rate, target_rate
        Hz.
    """

    def __init__(self, rate: int, target_rate: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(rate, target_rate, 1, dtype="float32", quality=QUALITY)

    def add(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Add samples and return the converted samples that are ready, float32[m]."""
        converted: NDArray[np.float32] = self._stream.resample_chunk(samples, last=False)
        return converted

    def finish(self) -> NDArray[np.float32]:
        """Return the remaining converted samples, float32[m]."""
        converted: NDArray[np.float32] = self._stream.resample_chunk(
            np.zeros(0, dtype=np.float32), last=True
        )
        return converted
