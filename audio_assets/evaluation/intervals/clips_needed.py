"""The number of labelled clips per class that is enough, read off a learning curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.evaluation.intervals.fold_means import recordings_to_show
from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.evaluation.scores.metrics import CHANCE

if TYPE_CHECKING:
    import pandas as pd


CANNOT_BE_SHOWN = "cannot be shown"
"""Status text: the recordings are too few for the target, whatever the number of clips."""


@dataclass(frozen=True)
class ClipsNeeded:
    """The answer for one model and species, in sizes that were evaluated.

    Attributes
    ----------
    training_size
        Smallest size whose lower bound reaches the target; None if there is none.
    low
        Smallest size whose upper bound reaches it: fewer are not enough. None if there is none.
    high
        Smallest size from which on every lower bound reaches it: as many are enough. None if the
        lower bound at the largest size does not.
    largest
        Largest size evaluated; no statement is made beyond it. None without any.
    status
        ``ok``, ``not reached with n = ...``, ``... cannot be shown with ... recordings ...`` or
        ``not estimated: ...``.
    """

    training_size: int | None
    low: int | None
    high: int | None
    largest: int | None
    status: str


def clips_needed(curve: pd.DataFrame, *, target: float, metric: str = "roc_auc") -> ClipsNeeded:
    """The smallest training size, from 1, whose lower bound reaches a target, and its range.

    The criterion is the bound and not the mean, since a mean that reaches the target does so by
    chance half of the time.

    Parameters
    ----------
    curve
        Rows of one model and species with the columns of :data:`audio_assets.tables.CURVE_ROWS`.
    target
        Between 0 and 1.
    metric
        A metric for which higher is better.

    Notes
    -----
    With few recordings no lower bound reaches a high target, however well a model does (see
    :func:`audio_assets.evaluation.intervals.fold_means.recordings_to_show`). The status then says
    so in place of a size, since more clips of the same recordings would not help.

    Let n* be the smallest evaluated size at which the true value reaches the target. The range
    ``low`` to ``high`` misses n* no more often than two intervals miss their values on one side
    each, so it has their level, however many sizes were evaluated: ``low > n*`` needs the upper
    bound at the one size n* to lie below the truth there, and ``high < n*`` needs the lower bound
    at the one evaluated size before n* to lie above the truth there. The latter holds because every
    lower bound from ``high`` on reaches the target; the first size that does, ``training_size``,
    has many chances to be too early. A size without an interval excludes nothing.
    """
    rows = curve[(curve["metric"] == metric) & (curve["training_size"].fillna(0) >= 1)]
    rows = rows.sort_values("training_size")
    largest = int(rows["training_size"].iloc[-1]) if len(rows) else None
    bounded = rows[rows["ci_low"].notna()]
    if bounded.empty:
        why = rows if len(rows) else curve
        return ClipsNeeded(None, None, None, largest, f"not estimated: {why['ci_status'].iloc[-1]}")
    sizes = [int(size) for size in rows["training_size"]]
    above = (rows["ci_low"] >= target).tolist()
    maybe = (rows["ci_high"].isna() | (rows["ci_high"] >= target)).tolist()
    low = next((size for size, possible in zip(sizes, maybe, strict=True) if possible), None)
    high = None
    for size, enough in zip(reversed(sizes), reversed(above), strict=True):
        if not enough:
            break
        high = size
    needed = next((size for size, enough in zip(sizes, above, strict=True) if enough), None)
    status = "ok"
    if needed is None:
        status = _cannot_be_shown(bounded, target, metric) or (
            f"not reached with n = {bounded['training_size'].iloc[-1]}"
        )
    return ClipsNeeded(needed, low, high, largest, status)


def _cannot_be_shown(rows: pd.DataFrame, target: float, metric: str) -> str:
    """Explain why no lower bound can reach the target; empty if one can."""
    pairs = rows["recording_pairs"].dropna()
    if pairs.empty:
        return ""
    here = int(pairs.max())
    least = recordings_to_show(target, float(rows["ci_level"].iloc[0]), CHANCE[metric])
    if least is None:
        return f"{target:g} {CANNOT_BE_SHOWN} with any number of recordings"
    if here >= least:
        return ""
    protocol = find_protocol(str(rows["protocol"].iloc[0]))
    kind = protocol.recording
    recordings = f"1 {kind}" if here == 1 else f"{here} {kind}s"
    status = f"{target:g} {CANNOT_BE_SHOWN} with {recordings} of a class, only with {least} or more"
    return f"{status} ({protocol.more_recordings})" if protocol.more_recordings else status
