"""The public function ``answer``: one row per species, from curves, comparisons and findings.

Each part of the answer has a file of its own; this one combines them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audio_assets.evaluation.answers.enough import enough
from audio_assets.evaluation.answers.next_step import next_step, without_model
from audio_assets.evaluation.answers.proof import Measured, plan_proof
from audio_assets.evaluation.answers.recommend import recommend
from audio_assets.evaluation.splits.arguments import share
from audio_assets.tables import ANSWER, FINDINGS

if TYPE_CHECKING:
    import pandas as pd

METRIC = "roc_auc"


def answer(
    curves: pd.DataFrame,
    comparisons: pd.DataFrame,
    findings: pd.DataFrame | None = None,
    *,
    target: float = 0.95,
    margin: float = 0.01,
    costs: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """Answer per species which model to use, whether the clips are enough, and what to do next.

    Parameters
    ----------
    curves
        Rows of :data:`audio_assets.tables.LEARNING_CURVE`, of any species, as
        :func:`audio_assets.load_learning_curves` returns them.
    comparisons
        Rows of :data:`audio_assets.tables.MODEL_COMPARISON`, as
        :func:`audio_assets.published.load_comparisons` returns them.
    findings
        Rows of :data:`audio_assets.tables.FINDINGS`. Without them no leak and no confound limits an
        answer.
    target
        AUC that the lower end of the interval is to reach.
    margin
        Gain or loss of AUC that does not matter.
    costs
        Model -> CPU seconds per hour of audio, for the choice between models that are as good; by
        default those declared with the encoders, as for the published answers.

    Returns
    -------
    DataFrame
        As :data:`audio_assets.tables.ANSWER`, one row per species that has a curve.

    Raises
    ------
    ValueError
        ``target`` or ``margin`` is not between 0 and 1, or a model has two rows for one size.

    See Also
    --------
    load_answers : The published answers, which also know the findings.

    Examples
    --------
    >>> from audio_assets import load_learning_curves
    >>> from audio_assets.published import load_comparisons
    >>> answers = answer(load_learning_curves("results"), load_comparisons("results"), target=0.9)
    >>> answers[["species", "model"]].to_dict("records")
    [{'species': 'owl', 'model': 'placeholder'}]
    """
    import pandas as pd

    target, margin = share("target", target), share("margin", margin)
    if costs is None:
        from audio_assets.models.registry import known_costs

        costs = known_costs()
    if findings is None:
        findings = pd.DataFrame(columns=list(FINDINGS.column_names))
    rows = [
        _answer(
            str(species),
            of_species,
            comparisons[comparisons["species"] == species],
            findings[findings["species"] == species],
            target=target,
            margin=margin,
            costs=costs,
        )
        for species, of_species in curves.groupby("species", sort=True)
    ]
    table = pd.DataFrame(rows, columns=list(ANSWER.column_names))
    dtypes = {"int64": "Int64", "float64": "float64", "bool": "bool"}
    return table.astype({c.name: dtypes[c.dtype] for c in ANSWER.columns if c.dtype in dtypes})


def _answer(
    species: str,
    curves: pd.DataFrame,
    comparisons: pd.DataFrame,
    findings: pd.DataFrame,
    *,
    target: float,
    margin: float,
    costs: Mapping[str, float],
) -> dict[str, Any]:
    scored = curves[(curves["metric"] == METRIC) & (curves["training_size"].fillna(0) >= 1)]
    scored = scored[scored["mean"].notna()]
    aucs = {
        str(model): dict(zip(rows["training_size"].astype(int), rows["mean"], strict=True))
        for model, rows in scored.groupby("model", sort=True)
    }
    compared = comparisons[comparisons["metric"] == METRIC]
    best = recommend(aucs, compared[compared["kind"] == "difference"], margin=margin, costs=costs)
    row: dict[str, Any] = dict.fromkeys(ANSWER.column_names)
    row |= {"species": species, "margin": margin, "target": target, "proven": False}
    left_out = sorted({*curves["model"].astype(str).unique()} - set(aucs) | set(best.not_compared))
    row |= {"status": best.status, "not_compared": ", ".join(left_out) or None}
    if best.model is None:
        reasons = sorted({str(s) for s in curves["ci_status"] if not str(s).startswith("ok")})
        why = "; ".join([best.status, *reasons])
        step = without_model(species, why)
        return row | {
            "gain_status": best.status,
            "proof_status": best.status,
            "limited_by": step.limited_by,
            "next": step.sentence,
        }
    gains = compared[(compared["kind"] == "gain") & (compared["model_a"] == best.model)]
    more = enough(gains, margin=margin)
    largest = max(aucs[best.model])
    at = largest if more.size is None else more.size
    tested = _tested(scored, best.model, at)
    plan = plan_proof(tested, target=target)
    step = next_step(
        species,
        best.model,
        tested=tested,
        largest=largest,
        enough=more,
        plan=plan,
        findings=findings,
        target=target,
        margin=margin,
    )
    return row | {
        "model": best.model,
        "chosen_for": best.chosen_for,
        "tied": ", ".join(best.tied) or None,
        "tied_doubt": best.tied_doubt,
        "cpu_seconds_per_hour": costs.get(best.model),
        "at": at,
        "auc": tested.mean,
        "ci_low": tested.low,
        "ci_high": tested.high,
        "enough_at": more.size,
        "largest_size": largest,
        "gain_from": more.gain_from,
        "gain_last_doubling": more.gain,
        "gain_low": more.low,
        "gain_high": more.high,
        "gain_status": more.status,
        "proven": tested.proves(target),
        "recordings": tested.recordings,
        "recordings_to_prove": plan.recordings,
        "proof_status": plan.status,
        "limited_by": step.limited_by,
        "next": step.sentence,
    }


def _tested(scored: pd.DataFrame, model: str, size: int) -> Measured:
    rows = scored[(scored["model"] == model) & (scored["training_size"] == size)]
    if len(rows) != 1:
        raise ValueError(f"{len(rows)} rows of {model} with {size} clips per class in the curves")
    row = rows.iloc[0]
    bounded = bool(rows["ci_low"].notna().iloc[0])
    counted = bool(rows["recording_pairs"].notna().iloc[0])
    return Measured(
        mean=float(row["mean"]),
        low=float(row["ci_low"]) if bounded else None,
        high=float(row["ci_high"]) if bounded else None,
        level=float(row["ci_level"]),
        recordings=int(row["recording_pairs"]) if counted else None,
        status=str(row["ci_status"]),
    )
