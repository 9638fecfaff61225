"""The share of the positives' energy above the range of a model, half its sample rate.

An encoder resamples every clip to its own rate, which removes everything above half of that rate: a
bat's calls become an empty recording, and the AUC then separates recordings, or nothing.

The share of a clip's total energy is a poor measure: wind and hum mask any call below them, and the
hiss of a recorder at 96 kHz has half of its energy above 24 kHz whatever sings. So the positives
are compared with the negatives: the energy by which a positive clip stands out is measured, band by
band. Where positives do not stand out, for example because both classes hold bats, their total
energy counts, if it is denser above the limit than hiss can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audio_assets.tables import SPECTRUM_EDGES_HZ
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import pandas as pd

STANDS_OUT = "energy that stands out from the negatives"
WHOLE = "all energy"
LEAST_SHARE = 0.1
"""A smaller share is not worth a word: overtones, rustling and clicks reach high."""
WARN_SHARE = 0.25
"""Share from which on the model misses so much that its numbers are in doubt."""

_Array = NDArray[np.float64]
_EDGES = np.array(SPECTRUM_EDGES_HZ)
_HZ = np.diff(_EDGES)

# The level that three of four negatives stay below is background: some may hold a call.
_BACKGROUND_QUANTILE = 0.75
# Power over the background from which on a band stands out.
_STANDS_OUT = 1.5
# A clip that is louder in this share of its spectrum was recorded at another gain.
_GAIN_QUANTILE = 0.25
# Share of the positives that have to stand out for this to be asked of them.
_DECIDES = 0.5
# Power per Hz above the limit over that below it. Hiss is flat, and wind and water are less than 1.
_DENSER = 4.0
_MOST = 0.5


@dataclass(frozen=True)
class Hearing:
    """The variant and frequency range of a model.

    Attributes
    ----------
    variant
        Clips it reads.
    limit_hz
        Half its sample rate.
    """

    variant: str
    limit_hz: float


@dataclass(frozen=True)
class ShareAbove:
    """The share of the positives' energy above a frequency.

    Attributes
    ----------
    share
        Mean over positive clips, 0 to 1.
    of
        Energy of what: :data:`STANDS_OUT` or :data:`WHOLE`.
    clips
        Positive clips that it is the mean of.
    """

    share: float
    of: str
    clips: int


def hearing_rows(
    properties: pd.DataFrame, models: Mapping[str, Hearing | str]
) -> list[dict[str, Any]]:
    """One row per model for which part of the positives' energy is above its frequency range.

    Parameters
    ----------
    properties
        Table of :data:`audio_assets.tables.CLIP_PROPERTIES` of one species.
    models
        Model to its frequency range, or why that is not known.

    Returns
    -------
    list of dict
        ``model``, ``variant``, ``value`` (the limit in Hz), ``share``, ``subject``, ``count``,
        ``warning`` and ``status``.
    """
    rows: list[dict[str, Any]] = []
    found: dict[Hearing, ShareAbove | None] = {}
    for model, hearing in models.items():
        if isinstance(hearing, str):
            rows.append({"model": model, "warning": False, "status": hearing})
            continue
        if hearing not in found:
            clips = properties[properties["variant"] == hearing.variant]
            found[hearing] = share_above(clips, hearing.limit_hz)
        above = found[hearing]
        if above is not None and above.share >= LEAST_SHARE:
            rows.append(
                {"model": model, "variant": hearing.variant, "value": hearing.limit_hz}
                | {"share": above.share, "subject": above.of, "count": above.clips}
                | {"warning": above.share >= WARN_SHARE, "status": "ok"}
            )
    return rows


def share_above(clips: pd.DataFrame, limit_hz: float) -> ShareAbove | None:
    """The share of the positives' energy above a frequency.

    Parameters
    ----------
    clips
        Rows of :data:`audio_assets.tables.CLIP_PROPERTIES` of one species and variant.
    limit_hz
        Highest frequency in the model's range.

    Returns
    -------
    ShareAbove or None
        None where neither measure is conclusive: the positives do not stand out from the negatives,
        and their energy is not clearly above the limit.
    """
    is_positive = PRESENCE.is_positive(clips["label"]).to_numpy(dtype=bool)
    if not is_positive.any():
        return None
    positives = _Spectra.of(clips[is_positive])
    negatives = _Spectra.of(clips[~is_positive]) if not is_positive.all() else None
    if negatives is not None:
        excess = _standing_out(positives, negatives)
        stands_out = excess.sum(axis=1) > 0.0
        if stands_out.mean() >= _DECIDES:
            shares = _shares(excess, positives.nyquist, limit_hz)[stands_out]
            return ShareAbove(float(shares.mean()), STANDS_OUT, len(shares))
    shares = _shares(positives.power, positives.nyquist, limit_hz)
    share = float(np.where(_is_denser(positives, limit_hz), shares, 0.0).mean())
    return ShareAbove(share, WHOLE, len(shares)) if share >= _MOST else None


@dataclass(frozen=True)
class _Spectra:
    """Spectra of some clips.

    Attributes
    ----------
    power
        float64[clips, bands].
    widths
        float64[clips, bands], Hz of each band that the clip's sample rate reaches.
    nyquist
        float64[clips], half the sample rate in Hz.
    """

    power: _Array
    widths: _Array
    nyquist: _Array

    @classmethod
    def of(cls, clips: pd.DataFrame) -> _Spectra:
        power = np.stack(clips["spectrum"].tolist()).astype(np.float64)
        nyquist = clips["sample_rate"].to_numpy(dtype=np.float64) / 2.0
        widths = np.clip(nyquist[:, None] - _EDGES[:-1], 0.0, _HZ)
        return cls(power, widths, nyquist)

    @property
    def density(self) -> _Array:
        """Power per Hz; NaN where a clip reaches less than half of a band."""
        reached = self.widths >= _HZ / 2.0
        return np.where(reached, self.power / np.where(reached, self.widths, 1.0), np.nan)


def _standing_out(positives: _Spectra, negatives: _Spectra) -> _Array:
    """Power of each positive clip and band beyond the background; float64[clips, bands]."""
    background = _background(negatives.density)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = positives.density / background
    # Digital silence of the negatives is not a background level.
    ratio[~np.isfinite(ratio)] = np.nan
    gain = [
        np.fmax(1.0, _quantile(row, widths, _GAIN_QUANTILE))
        for row, widths in zip(ratio, positives.widths, strict=True)
    ]
    level = background * np.array(gain)[:, None]
    excess = positives.power - level * positives.widths
    with np.errstate(invalid="ignore"):
        stands_out = positives.density >= _STANDS_OUT * level
    return np.asarray(np.where(stands_out, excess, 0.0), dtype=np.float64)


def _background(density: _Array) -> _Array:
    """Power per Hz that most negatives stay below; float64[bands].

    In bands that fewer than half of the negatives reach, and in those that a codec or a filter
    emptied, it is the median over the others: hiss is flat, and their emptiness says nothing of
    what a positive with a higher rate holds there.
    """
    found = np.full(density.shape[1], np.nan)
    reached = np.isfinite(density).mean(axis=0) >= 0.5
    found[reached] = np.nanquantile(density[:, reached], _BACKGROUND_QUANTILE, axis=0)
    middle = _quantile(found, _HZ, 0.5)
    return np.asarray(np.fmax(found, middle))


def _quantile(values: _Array, widths: _Array, quantile: float) -> float:
    """Quantile over Hz of the known values of each band; NaN if there are none."""
    known = np.flatnonzero(np.isfinite(values) & (widths > 0.0))
    if not len(known):
        return float("nan")
    order = known[np.argsort(values[known], kind="stable")]
    shares = np.cumsum(widths[order]) / widths[order].sum()
    return float(values[order[np.searchsorted(shares, quantile)]])


def _shares(power: _Array, nyquist: _Array, limit_hz: float) -> _Array:
    """Share of each clip's power above the limit; float64[clips].

    Power is assumed to be uniform within the band that contains the limit.
    """
    low, high = _EDGES[:-1], np.minimum(_EDGES[1:], nyquist[:, None])
    widths = np.maximum(high - low, 0.0)
    above = np.clip(high - limit_hz, 0.0, widths)
    # A last band of no width holds what the spectrum's last bin leaves there.
    parts = np.divide(above, widths, out=np.zeros_like(above), where=widths > 0.0)
    total = power.sum(axis=1)
    found = (power * parts).sum(axis=1)
    return np.asarray(np.divide(found, total, out=np.zeros_like(found), where=total > 0.0))


def _is_denser(clips: _Spectra, limit_hz: float) -> NDArray[np.bool_]:
    """Return whether power per Hz above the limit is well above that below it, per clip."""
    shares = _shares(clips.power, clips.nyquist, limit_hz)
    above = np.maximum(clips.nyquist - limit_hz, 1e-9)
    density, is_below = clips.density, _EDGES[1:] <= limit_hz
    if not is_below.any():
        return np.zeros(len(density), dtype=bool)
    below = np.array(
        [
            _quantile(row[is_below], widths[is_below], 0.5)
            for row, widths in zip(density, clips.widths, strict=True)
        ]
    )
    return np.asarray(shares * clips.power.sum(axis=1) / above > _DENSER * below)
