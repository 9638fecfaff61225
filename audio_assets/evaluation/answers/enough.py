"""Decide whether more training clips would still make the classifier better."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Enough:
    """Gain of more training clips, for one model and species.

    Attributes
    ----------
    size
        Smallest size from which on more clips gain at most the margin; None if that is not shown.
    gain_from
        Largest size that is at most half of the largest; None if there is none.
    gain, low, high
        AUC that the largest size gains over ``gain_from``, with its interval; None if unknown.
    status
        ``ok``, or why no gain is known.
    """

    size: int | None
    gain_from: int | None
    gain: float | None
    low: float | None
    high: float | None
    status: str

    def rises(self, margin: float) -> bool:
        """Return whether the last doubling gained more than the margin, or surely more than 0."""
        return self.gain is not None and (
            self.gain > margin or (self.low is not None and self.low > 0.0)
        )


def enough(gains: pd.DataFrame, *, margin: float) -> Enough:
    """Find the smallest training size that is enough, by what the largest size gains over it.

    Parameters
    ----------
    gains
        Rows of kind ``gain`` of :data:`audio_assets.tables.MODEL_COMPARISON`, of one species, model
        and metric.
    margin
        Gain of AUC that does not matter.

    Notes
    -----
    A size is enough if the upper end of the interval of AUC(largest) - AUC(size) is at most the
    margin, for it and for all larger sizes. A size without an interval shows nothing, so no smaller
    one is enough.

    The largest size gains little over one just below it, however steep the curve. A size above half
    of the largest therefore only counts if the curve is not seen to rise over its last doubling:
    that gain has an interval, is at most the margin itself, and its lower end is not above 0.
    """
    rows = gains.sort_values("training_size")
    if rows.empty:
        return Enough(None, None, None, None, None, "fewer than 2 training sizes")
    half = int(rows["largest_size"].iloc[0]) // 2
    doubled = rows[rows["training_size"] <= half]
    if doubled.empty:
        reason = f"no training size is at most half of {int(rows['largest_size'].iloc[0])}"
        return Enough(None, None, None, None, None, reason)
    last = doubled.iloc[-1]
    gain, low, high = (
        float(last[name]) if np.isfinite(float(last[name])) else None
        for name in ("difference", "ci_low", "ci_high")
    )
    found = Enough(None, int(last["training_size"]), gain, low, high, str(last["status"]))
    is_flat = low is not None and not found.rises(margin)
    size = None
    for row in reversed(rows.to_dict("records")):
        # NaN is not below anything.
        if not float(row["ci_high"]) <= margin:
            break
        if is_flat or row["training_size"] <= half:
            size = int(row["training_size"])
    return replace(found, size=size)
