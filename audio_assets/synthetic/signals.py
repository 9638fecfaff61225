"""Building blocks of synthetic sounds: harmonic tones, shaped noise, slow random curves, placing.

Particular animals, voices and weather belong in the modules beside this one.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]

RATE = 24_000
"""Hz at which scenes are built, even for files with a higher rate: calls and most other sounds lie
below 12 kHz, and 32 kHz would cost a third more time."""

CONTROL_RATE = 200
"""Hz at which pitch and harmonic gains are given; they are interpolated to :data:`RATE`."""

_HOP = RATE // CONTROL_RATE
_RAMP = np.arange(_HOP) / _HOP


def samples(seconds: float) -> int:
    """Number of samples of a sound of ``seconds``."""
    return round(seconds * RATE)


def frames(seconds: float) -> Signal:
    """Position 0 to 1 within a sound of ``seconds``, at the control rate, float64[frames]."""
    return np.linspace(0.0, 1.0, max(1, round(seconds * CONTROL_RATE)) + 1)


def harmonic_tone(pitch: Signal, gains: Signal) -> Signal:
    """Sum the harmonics of a gliding pitch.

    Parameters
    ----------
    pitch
        float64[frames], fundamental in Hz at the control rate.
    gains
        float64[harmonics, frames], amplitude of each harmonic, the fundamental first. Harmonics
        that pass 90 % of the Nyquist frequency are silent, so that nothing aliases.

    Returns
    -------
    float64[n]
        As long as the control points last: ``(frames - 1) * RATE / CONTROL_RATE`` samples.
    """
    phase = 2 * np.pi * np.cumsum(_to_rate(pitch)) / RATE
    # sin((h+1)x) = 2 cos(x) sin(hx) - sin((h-1)x) costs a tenth of a sine per harmonic.
    twice_cosine = 2 * np.cos(phase)
    before, current = np.zeros(len(phase)), np.sin(phase)
    sound = np.zeros(len(phase))
    for index, gain in enumerate(gains):
        audible = np.where(pitch * (index + 1) < 0.45 * RATE, gain, 0.0)
        if audible.any():
            sound += _to_rate(audible) * current
        before, current = current, twice_cosine * current - before
    return sound


def _to_rate(control: Signal) -> Signal:
    """Interpolate from the control rate to :data:`RATE`, five times as fast as ``np.interp``."""
    steps = np.diff(control)
    return np.asarray((control[:-1, None] + steps[:, None] * _RAMP).ravel())


def rolloff(harmonics: int, db_per_octave: float) -> Signal:
    """Amplitudes 1, ... of harmonics that fall by ``db_per_octave``, float64[harmonics]."""
    return np.asarray(np.arange(1, harmonics + 1) ** (-db_per_octave / 6.02), dtype=np.float64)


def resonances(frequency: Signal, centres: Signal, widths: Signal, levels: Signal) -> Signal:
    """Gain of parallel resonances (formants) at a frequency.

    Parameters
    ----------
    frequency
        float64[...], Hz.
    centres, widths
        float64[k, ...], centre and -3 dB bandwidth in Hz, broadcast against ``frequency``.
    levels
        float64[k], amplitude at each centre.

    Returns
    -------
    float64[...]
    """
    detuning = (frequency - centres) / (widths / 2)
    shape = (len(levels),) + (1,) * (detuning.ndim - 1)
    return np.asarray(np.sum(levels.reshape(shape) / np.sqrt(1 + detuning**2), axis=0))


def swell(position: Signal, attack: float, release: float) -> Signal:
    """Loudness that rises over the share ``attack`` and falls over the last share ``release``."""
    rise = np.clip(position / max(attack, 1e-3), 0, 1)
    fall = np.clip((1 - position) / max(release, 1e-3), 0, 1)
    return np.asarray(np.sin(0.5 * np.pi * rise) * np.sin(0.5 * np.pi * fall))


def wander(rng: np.random.Generator, count: int, turns: float) -> Signal:
    """Slow random curve of unit spread with about ``turns`` knots, float64[count]."""
    knots = rng.standard_normal(max(3, round(turns) + 2))
    return np.asarray(
        np.interp(np.linspace(0, len(knots) - 1, count), np.arange(len(knots)), knots)
    )


def shaped_noise(rng: np.random.Generator, count: int, hertz: Signal, decibels: Signal) -> Signal:
    """Gaussian noise whose spectrum follows points of (Hz, dB), straight lines over log frequency.

    Returns
    -------
    float64[count] with unit root mean square.
    """
    from scipy import fft

    length = fft.next_fast_len(count, real=True)
    gain = _gain(length, hertz, decibels)
    spectrum = rng.standard_normal(2 * len(gain)).view(np.complex128) * gain
    spectrum[0] = 0.0
    return unit_level(fft.irfft(spectrum, length)[:count])


def band_noise(rng: np.random.Generator, count: int, low: float, high: float) -> Signal:
    """Noise between ``low`` and ``high`` Hz that falls by 48 dB within an octave outside."""
    return shaped_noise(
        rng, count, np.array([low / 2, low, high, high * 2]), np.array([-48.0, 0.0, 0.0, -48.0])
    )


def filtered(sound: Signal, hertz: Signal, decibels: Signal) -> Signal:
    """Pass a sound through a zero-phase filter given by points of (Hz, dB)."""
    from scipy import fft

    length = fft.next_fast_len(len(sound), real=True)
    gain = _gain(length, hertz, decibels)
    return np.asarray(fft.irfft(fft.rfft(sound, length) * gain, length)[: len(sound)])


def _gain(length: int, hertz: Signal, decibels: Signal) -> Signal:
    """Amplitude at each bin of a real transform of ``length``, drawn at 1,024 frequencies."""
    grid = np.linspace(0.0, RATE / 2, 1025)
    points = np.interp(np.log(np.maximum(grid, 1.0)), np.log(hertz), decibels)
    bins = np.linspace(0.0, RATE / 2, length // 2 + 1)
    return np.asarray(np.interp(bins, grid, 10 ** (points / 20)))


def unit_level(sound: Signal) -> Signal:
    """Scale to a root mean square of 1 over the part that sounds; silence stays silence."""
    power = np.square(sound)
    loud = power > 1e-6 * np.max(power, initial=0.0)
    if not loud.any():
        return sound
    return np.asarray(sound / np.sqrt(np.sum(power) / np.count_nonzero(loud)))


def place(canvas: Signal, sound: Signal, start: float) -> None:
    """Add ``sound`` to ``canvas`` in place from ``start`` seconds on; the excess is cut off."""
    first = max(0, samples(start))
    piece = sound[: max(0, len(canvas) - first)]
    canvas[first : first + len(piece)] += piece
