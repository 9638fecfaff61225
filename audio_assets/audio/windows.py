"""Cut a clip into the windows that an encoder takes."""

import numpy as np
from numpy.typing import NDArray

MIN_LAST_SECONDS = 0.5
WINDOW_RULE = f"no overlap; last part of at least {MIN_LAST_SECONDS} s kept, zero-padded at its end"
"""Name of the rule in an encoder's fingerprint."""


def cut_windows(
    samples: NDArray[np.float32], sample_rate: int, window_seconds: float
) -> NDArray[np.float32]:
    """Cut a clip into windows without overlap.

    A clip shorter than a window is zero-padded at its end. For a longer clip, a last part of at
    least 0.5 s is kept and padded, and a shorter one is dropped: it would be mostly padding, yet
    weigh as much as a full window in the clip's mean.

    Parameters
    ----------
    samples
        float32[n], n > 0.
    sample_rate
        Hz.
    window_seconds
        Length of a window in seconds.

    Returns
    -------
    NDArray[np.float32]
        float32[k, round(sample_rate * window_seconds)], k >= 1.

    Raises
    ------
    ValueError
        If ``samples`` is empty or not a vector, or a window would have no samples.
    """
    if samples.ndim != 1 or len(samples) == 0:
        raise ValueError(f"samples must be a vector that is not empty, not {list(samples.shape)}")
    length = round(sample_rate * window_seconds)
    if length <= 0:
        raise ValueError(f"a window of {window_seconds} s at {sample_rate} Hz has no samples")
    full, rest = divmod(len(samples), length)
    count = full + (full == 0 or rest >= MIN_LAST_SECONDS * sample_rate)
    if count == full:
        return samples[: full * length].reshape(full, length)
    windows = np.zeros((count, length), dtype=np.float32)
    windows.reshape(-1)[: len(samples)] = samples
    return windows


def window_starts(count: int, sample_rate: int, window_seconds: float) -> NDArray[np.float64]:
    """Seconds at which the first ``count`` windows of :func:`cut_windows` begin."""
    length = round(sample_rate * window_seconds)
    return np.arange(count, dtype=np.float64) * length / sample_rate
