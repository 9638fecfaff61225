"""A sound that tells which part of it was heard: a tone whose pitch rises in steps.

A file of the right length may still hold silence, or one stretch twice. Here the steps are read
back from decoded samples, in order and with their durations. Nothing about files is here.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

STEP = 0.25
"""Seconds for which one pitch lasts."""
# Pitches go by the sample rate up to here, so that files of any rate can hold them.
_HIGHEST_BASE = 16_000
_FRAME = 0.04
_HOP = 0.01
# Shorter stretches are where one pitch turns into the next.
_SHORTEST_RUN = 0.05


def hertz(step: int | np.ndarray, rate: int) -> np.ndarray:
    """Pitch of a step in a file of this sample rate."""
    return min(rate, _HIGHEST_BASE) * (0.05 + 0.015 * np.asarray(step))


@lru_cache(maxsize=64)
def steps(seconds: float, rate: int = 24_000, first: int = 0, channels: int = 1) -> np.ndarray:
    """The sound, on a little noise; float64[frames, channels], equal in all channels."""
    frames = round(seconds * rate)
    step = first + np.floor(np.arange(frames) / rate / STEP)
    phase = 2 * np.pi * np.cumsum(hertz(step, rate)) / rate
    rng = np.random.default_rng(frames + first)
    mono = 0.4 * np.sin(phase) + 0.002 * rng.normal(size=frames)
    return np.repeat(mono[:, None], channels, axis=1)


def order(seconds: float, first: int = 0) -> tuple[tuple[int, float], ...]:
    """Steps of the sound with their durations in seconds."""
    count = int(np.ceil(seconds / STEP - 1e-9))
    return tuple((first + k, min(STEP, seconds - k * STEP)) for k in range(count))


@dataclass(frozen=True)
class Heard:
    """What has to be heard where a file is used.

    Attributes
    ----------
    low, high
        Bounds of the duration in seconds.
    order
        Steps with their durations in seconds.
    slack
        Seconds by which a step may be off: a lossy coder blurs the edges.
    gap
        Longest stretch without a clear pitch that may stand between steps, in seconds.
    """

    low: float
    high: float
    order: tuple[tuple[int, float], ...]
    slack: float = 0.04
    gap: float = 0.05

    def problems(self, samples: np.ndarray, rate: int, written_rate: int) -> list[str]:
        """What is wrong with the samples; nothing if all is right.

        Parameters
        ----------
        samples
            float32[n], mono.
        rate, written_rate
            Hz, of ``samples`` and of the sound as it was made.
        """
        found = []
        seconds = len(samples) / rate
        if not self.low <= seconds <= self.high:
            found.append(f"{seconds:.3f} s, not {self.low:.3f} to {self.high:.3f} s")
        runs = heard_runs(samples, rate, written_rate)
        clear = self._clear(runs)
        expected = list(self.order)
        if expected[-1][1] < 2 * _SHORTEST_RUN and clear[-1:] and clear[-1][0] != expected[-1][0]:
            # Too short to be told from the edge of the step before it.
            expected.pop()
        if [step for step, _ in clear] != [step for step, _ in expected]:
            found.append(f"steps {clear}, not {[step for step, _ in expected]}")
        else:
            for (step, length), (_, right) in zip(clear, expected, strict=True):
                if abs(length - right) > self.slack:
                    found.append(f"step {step} lasts {length:.2f} s, not {right:.2f} s")
        for step, length in runs:
            if step is None and length > self.gap:
                found.append(f"{length:.2f} s without a clear pitch")
        return found

    def _clear(self, runs: list[tuple[int | None, float]]) -> list[tuple[int, float]]:
        """Runs with a pitch, in which a gap that may stand within a step does not divide it."""
        clear: list[tuple[int, float]] = []
        gap = 0.0
        for step, length in runs:
            if step is None:
                gap = length
                continue
            if clear and clear[-1][0] == step and 0 < gap <= self.gap:
                clear[-1] = (step, clear[-1][1] + gap + length)
            else:
                clear.append((step, length))
            gap = 0.0
        return clear


def heard_runs(samples: np.ndarray, rate: int, written_rate: int) -> list[tuple[int | None, float]]:
    """Steps in the order in which they are heard, with seconds; None where no pitch is clear."""
    thinned = max(1, rate // _HIGHEST_BASE)
    samples = np.asarray(samples[::thinned], dtype=np.float64)
    rate_thinned = rate / thinned
    frame, hop = round(_FRAME * rate_thinned), round(_HOP * rate_thinned)
    padded = np.pad(samples, frame // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, frame)[:: max(1, hop)]
    size = 4 * 2 ** int(np.ceil(np.log2(frame)))
    power = np.abs(np.fft.rfft(frames * np.hanning(frame), size)) ** 2
    peak = power.argmax(axis=1)
    pitch = peak * rate_thinned / size
    near = int(np.ceil(3 * size / frame))
    total = power.sum(axis=1)
    share = np.array(
        [power[i, max(0, p - near) : p + near + 1].sum() for i, p in enumerate(peak)]
    ) / np.maximum(total, 1e-30)
    loud = np.sqrt((frames**2).mean(axis=1)) > 0.03
    base = hertz(0, written_rate)
    apart = hertz(1, written_rate) - base
    number = np.round((pitch - base) / apart)
    clear = loud & (share > 0.6) & (np.abs(pitch - base - number * apart) < 0.35 * apart)
    named = np.where(clear & (number >= 0), number, -1).astype(int)
    return _runs(named, max(1, hop) / rate_thinned)


def _runs(named: np.ndarray, hop: float) -> list[tuple[int | None, float]]:
    edges = np.flatnonzero(np.diff(named)) + 1
    runs: list[list[float]] = []
    for part in np.split(named, edges):
        length = len(part) * hop
        if runs and runs[-1][0] == part[0]:
            runs[-1][1] += length
        elif length < _SHORTEST_RUN and runs:
            runs[-1][1] += length
        elif length >= _SHORTEST_RUN:
            # What was too short at the beginning belongs to the first run.
            runs.append([part[0], length])
    return [(None if step < 0 else int(step), round(length, 3)) for step, length in runs]
