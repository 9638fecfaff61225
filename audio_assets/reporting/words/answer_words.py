"""The answer about a species in words, the same on every screen.

What the answer is belongs in :mod:`audio_assets.evaluation.answers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio_assets.reporting.words import wording


@dataclass(frozen=True)
class Verdict:
    """The answer about a species, in sentences.

    Attributes
    ----------
    use
        The recommended model, or that there is none, without a full stop.
    because
        Why it is recommended, and which models may be as good, without a full stop.
    enough, proof
        Whether the clips are enough, and whether the target is proven; empty without a model.
    next
        What to do, without a full stop.
    """

    use: str
    because: str
    enough: str
    proof: str
    next: str


def verdict(row: Mapping[Any, Any], titles: Mapping[str, str]) -> str:
    """Write a row of :data:`audio_assets.tables.ANSWER` as a few sentences.

    Parameters
    ----------
    row, titles
        See :func:`verdict_in_parts`.
    """
    parts = verdict_in_parts(row, titles)
    if wording.is_missing(row["model"]):
        return f"{parts.use}: {parts.because}. Next: {parts.next}."
    use = f"{parts.use} ({parts.because})."
    return " ".join([use, parts.enough, parts.proof, f"Next: {parts.next}."])


def verdict_in_parts(row: Mapping[Any, Any], titles: Mapping[str, str]) -> Verdict:
    """Write a row of :data:`audio_assets.tables.ANSWER` sentence by sentence.

    Parameters
    ----------
    row
        The row.
    titles
        Model -> title; a model that is not in it is called by its key.
    """
    if wording.is_missing(row["model"]):
        none = "No model can be recommended"
        return Verdict(none, str(row["status"]), "", "", str(row["next"]))
    model = str(row["model"])
    return Verdict(
        use=f"Use {titles.get(model, model)}",
        because=_because(row, titles),
        enough=_enough(row),
        proof=_proof(row),
        next=str(row["next"]),
    )


def _because(row: Mapping[Any, Any], titles: Mapping[str, str]) -> str:
    text = str(row["chosen_for"])
    if not wording.is_missing(row["tied"]):
        text += (
            f"; {_titled(row['tied'], titles, 'or')} may be as good or better, {_tied_doubt(row)}"
        )
    if not wording.is_missing(row["not_compared"]):
        left_out = _titled(row["not_compared"], titles, "and")
        text += f"; not compared, with a shorter curve or none: {left_out}"
    return text


def _titled(names: str, titles: Mapping[str, str], joint: str) -> str:
    # Titles contain commas.
    return f" {joint} ".join(titles.get(name, name) for name in names.split(", "))


def _tied_doubt(row: Mapping[Any, Any]) -> str:
    if wording.is_missing(row["tied_doubt"]):
        return "by an amount that is not known"
    # Rounded outwards, as the end of an interval.
    doubt = wording.interval(0.0, max(float(row["tied_doubt"]), 0.0)).split(" to ")[1]
    return f"by at most {doubt}"


def _enough(row: Mapping[Any, Any]) -> str:
    margin, at = f"{row['margin']:g}", row["at"]
    if not wording.is_missing(row["enough_at"]):
        return f"{at} clips per class are enough: more gains at most {margin}."
    if wording.is_missing(row["gain_last_doubling"]):
        return f"Whether more than {at} clips per class help is not known: {row['gain_status']}."
    gain = wording.signed(float(row["gain_last_doubling"]))
    text = f"From {row['gain_from']} to {row['largest_size']} clips per class the AUC changed by"
    if wording.is_missing(row["gain_low"]):
        return f"{text} {gain}, without an interval: {row['gain_status']}."
    between = wording.signed_interval(float(row["gain_low"]), float(row["gain_high"]))
    return f"{text} {gain} ({between}): it is not shown that {at} are enough."


def _proof(row: Mapping[Any, Any]) -> str:
    auc, target = wording.share(float(row["auc"])), f"{row['target']:g}"
    text = f"AUC {auc} with {row['at']} clips per class"
    if wording.is_missing(row["ci_low"]):
        return f"{text}, not proven to reach {target}; {row['proof_status']}."
    text += f" ({wording.interval(float(row['ci_low']), float(row['ci_high']))})"
    if row["proven"]:
        return f"{text}: proven to reach {target}."
    text += f": not yet proven to reach {target}"
    if wording.is_missing(row["recordings_to_prove"]):
        return f"{text}; {row['proof_status']}."
    return (
        f"{text} with {row['recordings']} recordings per class tested; about "
        f"{row['recordings_to_prove']} would prove it (a plan)."
    )
