"""How many labelled clips a class are enough, read off a learning curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ClipsNeeded:
    """The answer for one model and species.

    Attributes
    ----------
    training_size
        Clips per class, or None.
    status
        ``ok``, ``not reached with n = ...``, or ``not estimated: ...``.
    """

    training_size: int | None
    status: str


def clips_needed(curve: pd.DataFrame, *, target: float, metric: str = "roc_auc") -> ClipsNeeded:
    """The smallest training size, from 1, whose lower bound reaches a target.

    The bound and not the mean: a mean that reaches the target does so by luck half of the time.

    Parameters
    ----------
    curve
        Rows of one model and species with the columns of :data:`audio_assets.tables.CURVE_ROWS`.
    target
        Between 0 and 1.
    metric
        A metric for which higher is better.
    """
    rows = curve[(curve["metric"] == metric) & (curve["training_size"].fillna(0) >= 1)]
    rows = rows.sort_values("training_size")
    bounded = rows[rows["ci_low"].notna()]
    if bounded.empty:
        why = rows if len(rows) else curve
        return ClipsNeeded(None, f"not estimated: {why['ci_status'].iloc[-1]}")
    reached = bounded[bounded["ci_low"] >= target]
    if reached.empty:
        return ClipsNeeded(None, f"not reached with n = {bounded['training_size'].iloc[-1]}")
    return ClipsNeeded(int(reached["training_size"].iloc[0]), "ok")
