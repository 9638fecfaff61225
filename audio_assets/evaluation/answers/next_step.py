"""Find what limits the answer about a species, and the one thing to do next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.evaluation.answers.enough import Enough
from audio_assets.evaluation.answers.proof import BELOW, ProofPlan, Measured

if TYPE_CHECKING:
    import pandas as pd

LEAKS = ("leak", "same_recording", "unknown_recordings", "look_alike")
"""Kinds of findings that recordings may lie on both sides of a split."""

CONFOUNDS = ("confound", "site")
"""Kinds of findings that something other than the sound tells the labels."""


@dataclass(frozen=True)
class NextStep:
    """The next thing to do, and why.

    Attributes
    ----------
    limited_by
        One of :data:`audio_assets.tables.answers.LIMITS`.
    sentence
        One sentence with a number and a command.
    """

    limited_by: str
    sentence: str


def doubts(findings: pd.DataFrame, model: str | None, kinds: Sequence[str]) -> int:
    """Count the warnings of some kinds about a model, or about the clips whatever the model."""
    about = findings["model"].isna() | (findings["model"] == model)
    return int((about & findings["kind"].isin(kinds) & findings["warning"].astype(bool)).sum())


def next_step(
    species: str,
    model: str,
    *,
    tested: Measured,
    largest: int,
    enough: Enough,
    plan: ProofPlan,
    findings: pd.DataFrame,
    target: float,
    margin: float,
) -> NextStep:
    """Say what limits the answer, the most serious first, and what to do about it.

    A leak or a confound puts the AUC itself in doubt, so that neither clips nor recordings help
    before it is removed. After that an estimate that has not reached the target needs training
    clips while the curve rises. Where it does not rise, its labels are to be checked: this is said
    without evidence of wrong labels, since it is the cheapest step that may help, and where the
    gain of more clips is only not shown, the sentence says so. An estimate that has reached the
    target needs proof. An AUC that is proven is limited by training as long as it rises.

    Parameters
    ----------
    tested, largest, enough, plan
        Of the recommended model.
    findings
        Rows of :data:`audio_assets.tables.FINDINGS` of the species.
    """
    again = f"audio-assets run --species {species}"
    leaks, confounds = doubts(findings, model, LEAKS), doubts(findings, model, CONFOUNDS)
    if leaks:
        return NextStep(
            "leak",
            f"Settle the {_warnings(leaks)} of the report that clips of one recording may be both "
            f"trained on and tested, by naming recordings in clips.csv, then: {again}",
        )
    if confounds:
        return NextStep(
            "confound",
            f"Settle the {_warnings(confounds)} of the report that files or sites give the label "
            f"away, by adding clips of both classes that are alike in these, then: {again}",
        )
    more = (
        f"Label more clips, about {2 * largest} per class for training in place of {largest}, "
        f"then: {again}"
    )
    proven = tested.proves(target)
    unknown = enough.gain is None and enough.size is None
    if enough.size is None and (enough.rises(margin) or (unknown and tested.mean <= target)):
        return NextStep("training", more)
    if proven:
        size = largest if enough.size is None else enough.size
        return NextStep(
            "nothing",
            f"Nothing more needs to be labelled: train {model} with {size} clips per class; after "
            f"a change of the clips: {again}",
        )
    if plan.status == BELOW:
        return NextStep(
            "labels",
            f"Check the labels of the clips that the report shows as hardest, since {model} stays "
            f"at or below {target:g} with {largest} clips per class and more are not shown to "
            f"help, then: {again}",
        )
    return NextStep("proof", f"{_record(tested, plan)}, then: {again}")


def without_model(species: str, why: str) -> NextStep:
    """The step where no model has a result."""
    return NextStep(
        "proof",
        f"Remove what keeps the models from a result ({why}), then: "
        f"audio-assets run --species {species}",
    )


def _record(tested: Measured, plan: ProofPlan) -> str:
    if plan.recordings is None or tested.recordings is None:
        return (
            "Label clips from recordings that are not among the "
            f"{'tested ones' if tested.recordings is None else f'{tested.recordings} tested'}, "
            f"since how many would prove the target is {plan.status}"
        )
    missing = plan.recordings - tested.recordings
    return (
        f"Label clips of each class from about {missing} more recording{'s' * (missing != 1)} "
        f"(a plan: {plan.recordings} in place of {tested.recordings})"
    )


def _warnings(count: int) -> str:
    return "warning" if count == 1 else f"{count} warnings"
