"""Plan how many recordings would prove that a model reaches the target."""

from __future__ import annotations

import math
from dataclasses import dataclass

POWER = 0.8
"""Probability with which the planned recordings prove the target."""

PROVEN = "proven"
BELOW = "no number of recordings would prove it: the estimate is not above the target"


@dataclass(frozen=True)
class ProofPlan:
    """Recordings of each class that would prove the target.

    Attributes
    ----------
    recordings
        None where it is proven, or where no number can be named.
    status
        ``ok``, ``proven``, or why there is no number.
    """

    recordings: int | None
    status: str


@dataclass(frozen=True)
class Measured:
    """An AUC with its interval, and what it was tested on.

    Attributes
    ----------
    mean, low, high
        The AUC and the ends of its interval; None without one.
    level
        Nominal coverage.
    recordings
        Disjoint pairs of a positive and a negative recording; None if not known.
    status
        ``ok``, or why there is no interval.
    """

    mean: float
    low: float | None
    high: float | None
    level: float
    recordings: int | None
    status: str

    def proves(self, target: float) -> bool:
        """Return whether the lower end reaches the target."""
        return self.low is not None and self.low >= target


def plan_proof(tested: Measured, *, target: float, chance: float = 0.5) -> ProofPlan:
    """Plan how many recordings of each class would prove the target.

    Parameters
    ----------
    tested
        The AUC at the recommended size.
    target
        AUC that the lower end is to reach.
    chance
        AUC of scores that say nothing.

    Notes
    -----
    The interval is that of
    :func:`audio_assets.evaluation.intervals.fold_means.logit_interval`, whose half width h on the
    logit scale shrinks with ``sqrt(R0 / R)``. The lower end reaches the target t with a
    probability of 0.8 where ``logit(m) - logit(t) >= h sqrt(R0 / R) (1 + z(0.8) / z)``, z being the
    normal quantile of the interval. With few recordings z is below the t quantile that made h, and
    a t quantile falls with R: the plan is then somewhat too large, never too small for that reason.

    However small the error, the value with
    :func:`audio_assets.evaluation.intervals.fold_means.unseen_recordings` must reach the target
    too; where folds separate perfectly this alone decides. The larger of both numbers is the plan.

    The probability holds if the AUC is what it seems (0.74 to 0.85 in ``benchmarks/answers.py``).
    With the true AUC it is lower, since plans are made where the estimate is above the target.
    """
    from scipy.special import logit, ndtri

    if tested.proves(target):
        return ProofPlan(None, PROVEN)
    if tested.mean <= target:
        return ProofPlan(None, BELOW)
    if tested.low is None or tested.high is None or not tested.recordings:
        reason = tested.status if tested.low is None else "the tested recordings are not counted"
        return ProofPlan(None, f"not estimated: {reason}")
    unseen = recordings_for_unseen(tested.mean, target, tested.level, chance)
    if tested.mean >= 1.0:
        return ProofPlan(max(unseen, tested.recordings + 1), "ok")
    # The upper end is not moved by kinds of recordings that were not seen.
    if tested.high < 1.0:
        half = float(logit(tested.high) - logit(tested.mean))
    elif tested.low > 0.0:
        half = float(logit(tested.mean) - logit(tested.low))
    else:
        return ProofPlan(None, "not estimated: the interval is as wide as it can be")
    quantile = float(ndtri(0.5 + tested.level / 2.0))
    needed_half = float(logit(tested.mean) - logit(target)) / (1.0 + float(ndtri(POWER)) / quantile)
    if target <= 0.0:
        needed_half = math.inf
    scaled = math.ceil(tested.recordings * (half / needed_half) ** 2 - 1e-9)
    return ProofPlan(max(unseen, scaled, tested.recordings + 1), "ok")


def recordings_for_unseen(mean: float, target: float, level: float, chance: float = 0.5) -> int:
    """Fewest recordings with which the value with kinds of recordings unseen reaches the target.

    With a mean of 1 this is
    :func:`audio_assets.evaluation.intervals.fold_means.recordings_to_show`.

    Parameters
    ----------
    mean
        Above the target.
    target, level, chance
        See there.
    """
    share = (mean - target) / (mean - chance) if mean > chance else 1.0
    if share >= 1.0:
        return 1
    return math.ceil(math.log((1.0 - level) / 2.0) / math.log1p(-share) - 1e-9)
