"""The model to use: the best, or the cheapest that is certainly as good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from audio_assets.evaluation.intervals.pairs import SAME_EVERYWHERE

if TYPE_CHECKING:
    import pandas as pd

HIGHEST = "highest AUC"
CHEAPEST = "cheapest of the models that are as good"
COST_UNKNOWN = "highest AUC; a tied model is as good, but what they cost is not known"
ONLY = "the only model with a result"
ONLY_LONG = "the only model with a curve of this length"


@dataclass(frozen=True)
class Rival:
    """Comparison of a given model with another one at one training size.

    Attributes
    ----------
    low, high
        Ends of the Holm-adjusted interval of the AUC of the given model minus the other's; None
        without an interval.
    told_apart
        Whether the adjusted p-value tells the two from each other.
    """

    low: float | None
    high: float | None
    told_apart: bool


@dataclass(frozen=True)
class Recommendation:
    """A model, and those that cannot be distinguished from it.

    Attributes
    ----------
    model
        None if no model can be recommended.
    chosen_for
        Why; empty without a model.
    tied
        Models that cannot be distinguished from it, in alphabetical order.
    not_compared
        Models whose curves are too short to have a part in the choice, in alphabetical order.
    tied_doubt
        AUC by which one of them may be better; None without them or where one has no interval.
    status
        ``ok``, or why there is no model.
    """

    model: str | None
    chosen_for: str
    tied: tuple[str, ...]
    tied_doubt: float | None
    status: str
    not_compared: tuple[str, ...] = ()


def recommend(
    aucs: Mapping[str, Mapping[int, float]],
    differences: pd.DataFrame,
    *,
    margin: float,
    costs: Mapping[str, float],
) -> Recommendation:
    """Recommend a model for a species.

    It is the one with the highest AUC at the largest training size that all have; among those that
    the paired comparison does not distinguish from it and that lose at most the margin, the
    cheapest.

    A model whose largest size is less than half of the longest curve's has no part in the choice.
    It would otherwise set the size for all: with one short curve of 4 clips, what the others reach
    with 64 would not count. It is named in ``not_compared``, so that a person can give it more
    clips.

    Parameters
    ----------
    aucs
        Model -> training size -> AUC, of trained sizes.
    differences
        Rows of kind ``difference`` of :data:`audio_assets.tables.MODEL_COMPARISON`, of one species
        and metric.
    margin
        Loss of AUC that does not matter.
    costs
        Model -> CPU seconds per hour of audio. Cost decides nothing unless it is known for each of
        the models among which it would decide.
    """
    trained = {model: sizes for model, sizes in aucs.items() if sizes}
    if not trained:
        return Recommendation(None, "", (), None, "no model has an AUC")
    longest = max(max(sizes) for sizes in trained.values())
    short = tuple(sorted(model for model, sizes in trained.items() if 2 * max(sizes) < longest))
    trained = {model: sizes for model, sizes in trained.items() if model not in short}
    common = set.intersection(*(set(sizes) for sizes in trained.values()))
    if not common:
        reason = "the models have no training size in common"
        return Recommendation(None, "", (), None, reason, short)
    size = max(common)
    best = min(trained, key=lambda model: (-trained[model][size], model))
    others = sorted(set(trained) - {best})
    if not others:
        return Recommendation(best, ONLY_LONG if short else ONLY, (), None, "ok", short)
    rivals = {other: find_rival(differences, best, other, size) for other in others}
    as_good = [
        other
        for other, rival in rivals.items()
        if not rival.told_apart and rival.high is not None and rival.high <= margin
    ]
    chosen, why = best, HIGHEST
    if as_good and all(model in costs for model in (best, *as_good)):
        chosen = min((best, *as_good), key=lambda m: (costs[m], -trained[m][size], m))
        why = HIGHEST if chosen == best else CHEAPEST
    elif as_good:
        why = COST_UNKNOWN
    return replace(_with_ties(chosen, why, sorted(trained), differences, size), not_compared=short)


def find_rival(differences: pd.DataFrame, model: str, other: str, size: int) -> Rival:
    """Read off how a model compares with another at a training size.

    Without a row, or without an interval, nothing tells the two apart, and nothing bounds the
    doubt. Models that differ by the same amount in every fold have that amount as their interval.
    """
    rows = differences[differences["training_size"] == size]
    for first, second, sign in ((model, other, 1.0), (other, model, -1.0)):
        found = rows[(rows["model_a"] == first) & (rows["model_b"] == second)]
        if found.empty:
            continue
        row = found.iloc[0]
        if str(row["status"]).startswith(SAME_EVERYWHERE):
            gap = sign * float(row["difference"])
            return Rival(gap, gap, gap != 0.0)
        if not np.isfinite(float(row["holm_low"])):
            break
        ends = sorted((sign * float(row["holm_low"]), sign * float(row["holm_high"])))
        return Rival(ends[0], ends[1], float(row["p_holm"]) < 1.0 - float(row["ci_level"]))
    return Rival(None, None, False)


def _with_ties(
    model: str, why: str, models: Sequence[str], differences: pd.DataFrame, size: int
) -> Recommendation:
    rivals = {m: find_rival(differences, model, m, size) for m in models if m != model}
    tied = {other: rival for other, rival in rivals.items() if not rival.told_apart}
    doubts = [-rival.low for rival in tied.values() if rival.low is not None]
    doubt = max(doubts) if doubts and len(doubts) == len(tied) else None
    return Recommendation(model, why, tuple(sorted(tied)), doubt, "ok")
