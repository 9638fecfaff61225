"""Mix the channels of a file down to one, block by block: their mean, unless they cancel.

The mean of channels that nearly cancel is useless: a recorder wired in opposite phase would be
silent. Statistics of the whole clip, its peak and whether its channels cancel, are collected here.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audio_assets.audio.sound import Block

LARGEST_LEVEL = 2.0**31
"""Beyond the scale of 32-bit integers a value is an accident rather than a level. Up to here the
square of a spectrum still fits float32."""
CANCELLING_DB = 30.0
"""Level of the channels' sum below the loudest channel from which they count as cancelling."""


class NonFiniteError(Exception):
    """A clip has samples that are NaN or infinite; the message says where."""


@dataclass(frozen=True)
class Mix:
    """The way in which the channels of a clip are mixed.

    Attributes
    ----------
    channel
        The only channel to use, from 0; None for the mean of all.
    exponent
        Power of two that samples are divided by.
    """

    channel: int | None = None
    exponent: int = 0

    @property
    def note(self) -> str | None:
        """Remark on an unusual mix, in words, or None."""
        if self.channel is None:
            return None
        return (
            f"its channels cancel (their sum lies {CANCELLING_DB:g} dB or more below the loudest), "
            f"so channel {self.channel + 1} alone was used"
        )


class Mixdown:
    """Mixes a clip down block by block, and collects statistics of the whole clip.

    Parameters
    ----------
    rate
        Hz.
    channels
        Number of channels.
    mix
        The way to mix them.

    Attributes
    ----------
    frames
        Samples so far.
    peak
        Largest absolute value so far, before it is divided.
    low, high
        Smallest and largest sample so far.
    """

    def __init__(self, rate: int, channels: int, mix: Mix) -> None:
        self._rate = rate
        self._channels = channels
        self._mix = mix
        self.frames = 0
        self.peak = 0.0
        self.low, self.high = np.inf, -np.inf
        # Sums and sums of squares, of each channel and of all of them added up.
        self._sums = np.zeros((2, channels))
        self._of_sum = np.zeros(2)

    def add(self, block: Block) -> NDArray[np.float32]:
        """Mix down a block.

        Parameters
        ----------
        block
            [n, channels].

        Returns
        -------
        NDArray[np.float32]
            float32[n]; void if ``peak`` exceeds :data:`LARGEST_LEVEL` and the mix has no exponent.

        Raises
        ------
        NonFiniteError
            If a value is NaN or infinite.
        """
        mono = self._one(block)
        low, high = float(mono.min()), float(mono.max())
        # The sum of finite values divided beforehand is finite, so the mean reveals every NaN.
        if not (np.isfinite(low) and np.isfinite(high)):
            self._raise(block)
        if self._mix.channel is not None and not np.isfinite(block).all():
            self._raise(block)
        self.frames += len(mono)
        self.peak = max(self.peak, -low, high)
        if self._mix.exponent:
            # A power of two changes no digit of a sample.
            mono = np.ldexp(mono, -self._mix.exponent)
        elif self.peak > LARGEST_LEVEL:
            return np.zeros(0, dtype=np.float32)
        if self._channels > 1 and self._mix == Mix():
            self._compare(block, mono)
        samples: NDArray[np.float32] = mono.astype(np.float32, copy=False)
        # Rounding preserves order, so the extremes need no second pass over the samples.
        ends = np.array([low, high]) * 2.0**-self._mix.exponent
        self.low = min(self.low, float(np.float32(ends[0])))
        self.high = max(self.high, float(np.float32(ends[1])))
        return samples

    @property
    def is_silent(self) -> bool:
        """Return whether all samples are equal."""
        return self.low == self.high

    def better(self) -> Mix | None:
        """Return the mix that the whole clip requires, if it differs from the present one."""
        if self._mix.exponent or not self.frames:
            return None
        if self.peak > LARGEST_LEVEL:
            return Mix(self._mix.channel, int(np.frexp(self.peak)[1]))
        if self._channels == 1 or self._mix.channel is not None:
            return None
        # Variances, because a DC offset is not sound.
        energies = self._sums[1] - self._sums[0] ** 2 / self.frames
        of_sum = float(self._of_sum[1] - self._of_sum[0] ** 2 / self.frames)
        loudest = int(np.argmax(energies))
        # Below this floor, rounding errors of large values would count as sound.
        floor = 1e-12 * float(self._sums[1][loudest])
        if energies[loudest] <= floor:
            return None
        if of_sum < energies[loudest] * 10.0 ** (-CANCELLING_DB / 10.0):
            return Mix(loudest)
        return None

    def _compare(self, block: Block, mono: NDArray[np.floating]) -> None:
        """Add a block to the sums that reveal cancelling channels."""
        if self._channels == 2:
            left, right = np.ascontiguousarray(block.T)
            energies = np.array([left @ left, right @ right])
            self._sums += np.array([left.sum(), right.sum()]), energies
        else:
            self._sums += block.sum(axis=0), np.einsum("ij,ij->j", block, block)
        factor = float(self._channels)
        self._of_sum += mono.sum() * factor, (mono @ mono) * factor**2

    def _one(self, block: Block) -> NDArray[np.floating]:
        if self._mix.channel is not None:
            return np.ascontiguousarray(block[:, self._mix.channel])
        if self._channels == 1:
            return block[:, 0]
        # Divided before summing, because the sum of finite values need not be finite.
        if self._channels == 2:
            return np.asarray(block[:, 0] / 2 + block[:, 1] / 2)
        mean: NDArray[np.float64] = (block / self._channels).sum(axis=1)
        return mean

    def _raise(self, block: Block) -> None:
        finite = np.isfinite(block).all(axis=1)
        first = (self.frames + int(np.argmin(finite))) / self._rate
        raise NonFiniteError(f"NaN or infinite samples, the first one {first:.3f} s into the clip")
