"""The report's answers in words: how many labelled clips each model needs for each species.

One :class:`Answer` per species and model is the source of the sentences, the console's table and
the report's table, so that they cannot contradict each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import (
    CurvePoint,
    curve_points,
    reasons_without_points,
    sizes_without_points,
)

if TYPE_CHECKING:
    import pandas as pd

METRIC = "roc_auc"
NO_TITLES: Mapping[str, str] = {}

NOT_COMPUTED = "clips needed: no result"
"""Status of a model that has a curve but no row of clips needed."""


@dataclass(frozen=True)
class Answer:
    """The result of one model for one species.

    Attributes
    ----------
    title
        The model's title.
    last
        Point at the largest training size that has a result; None without an evaluation.
    untrained
        Point at size 0, if the encoder knows the species.
    needed
        Clips per class at which the lower bound reaches the target; None if it does not, or if it
        could not be estimated.
    at_needed
        Point at that size.
    needed_range
        The range of clips needed, in words; empty if it could not be estimated.
    target
        The AUC to reach; None if clips needed were not computed.
    status
        `ok`, or the reason for a missing number.
    without_auc
        Training sizes that have no AUC, with the reason.
    """

    species: str
    model: str
    title: str
    last: CurvePoint | None
    untrained: CurvePoint | None
    needed: int | None
    at_needed: CurvePoint | None
    needed_range: str
    target: float | None
    status: str
    without_auc: Mapping[int, str]

    @property
    def warning(self) -> str:
        """Warning about the interval; empty without one."""
        point = self.at_needed or self.last
        return point.warning if point else ""


def answers(
    curves: pd.DataFrame, comparisons: pd.DataFrame, models: Mapping[str, str] = NO_TITLES
) -> list[Answer]:
    """Return one answer per species and model that has rows, by species, best model first.

    Parameters
    ----------
    curves
        Rows of :data:`audio_assets.tables.LEARNING_CURVE`, any species.
    comparisons
        Rows of :data:`audio_assets.tables.MODEL_COMPARISON`; those of kind `clips_needed` count.
    models
        Model -> title; a model that is not in it is called by its key.

    Raises
    ------
    ValueError
        Two rows of clips needed for one species and model, a status that contradicts its number,
        or a size at which the curve has no point whose lower bound reaches the target.
    """
    needed = _needed_rows(comparisons)
    found = []
    for species in sorted(set(curves["species"])):
        points = curve_points(curves, species, METRIC)
        reasons = reasons_without_points(curves, species, METRIC)
        without = sizes_without_points(curves, species, METRIC)
        names = sorted({point.model for point in points} | set(reasons))
        of_species = [
            _answer(
                species,
                model,
                models.get(model, model),
                {point.size: point for point in points if point.model == model},
                needed.get((species, model)),
                reasons.get(model),
                without.get(model, {}),
            )
            for model in names
        ]
        found += sorted(of_species, key=_best_first)
    return found


def sentence(answer: Answer) -> str:
    """Write one answer as a sentence, without the species.

    "BirdNET reaches 0.95 with 32 clips per class (AUC 0.974, 0.951 to 0.987), needed: 8 to 32".
    Where the lower bound falls below the target again at the largest size: "BirdNET first reaches
    0.95 with 32 clips per class (AUC 0.974, 0.951 to 0.987), but not with 120 (AUC 0.962, 0.931 to
    0.980), needed: 8 to more than 120".
    """
    if answer.last is None:
        return f"{answer.title}: not evaluated: {answer.status}"
    if answer.needed is None or answer.target is None:
        # A status such as "not reached with n = 120" names the size already.
        has_size = answer.status.endswith(f"n = {answer.last.size}")
        auc = _auc(answer.last, at="" if has_size else f" with {answer.last.size} clips per class")
        text = f"{answer.title}: {answer.status} ({auc})"
    else:
        low, largest = answer.last.low, max(answer.last.size, *answer.without_auc, 0)
        holds = low is not None and low >= answer.target
        reaches = "reaches" if holds and answer.last.size == largest else "first reaches"
        text = f"{answer.title} {reaches} {answer.target:g} with {answer.needed} clips per class"
        if answer.at_needed is not None:
            text += f" ({_auc(answer.at_needed)})"
        if low is None:
            mean = wording.share(answer.last.mean)
            text += f", no interval with {answer.last.size} (AUC {mean})"
        elif not holds:
            text += f", but not with {answer.last.size} ({_auc(answer.last)})"
    if answer.needed_range:
        text += f", needed: {answer.needed_range}"
    for size, reason in answer.without_auc.items():
        text += f" (no AUC with {size} clips per class: {reason})"
    return text + (f" (warning: {answer.warning})" if answer.warning else "")


def sentences(found: list[Answer]) -> dict[str, str]:
    """Return all answers about each species as one sentence: species -> sentence.

    For example "coyote: BirdNET reaches 0.95 with 32 clips per class (AUC 0.974, 0.951 to 0.987),
    needed: 8 to 32; random_forest: not reached with n = 120 (AUC 0.871, 0.812 to 0.915), needed:
    more than 120".
    """
    by_species: dict[str, list[str]] = {}
    for answer in found:
        by_species.setdefault(answer.species, []).append(sentence(answer))
    return {species: f"{species}: {'; '.join(parts)}" for species, parts in by_species.items()}


CLIPS_NEEDED_COLUMNS = (
    "species",
    "model",
    "AUC at largest size",
    "interval",
    "largest size",
    "untrained AUC",
    "clips needed",
    "range",
    "status",
)


def clips_needed_table(
    curves: pd.DataFrame, comparisons: pd.DataFrame, models: Mapping[str, str] = NO_TITLES
) -> pd.DataFrame:
    """Return the answers as a table for printing: every cell is text, and an empty one is a dash.

    Parameters and errors are those of :func:`answers`; the columns are CLIPS_NEEDED_COLUMNS.
    """
    import pandas as pd

    rows = [
        {"species": answer.species, **answer_cells(answer)}
        for answer in answers(curves, comparisons, models)
    ]
    return pd.DataFrame(rows, columns=list(CLIPS_NEEDED_COLUMNS), dtype=object)


def answer_cells(answer: Answer) -> dict[str, str]:
    """Return one answer as the cells of its table, without the species."""
    last, untrained = answer.last, answer.untrained
    cells = dict.fromkeys(CLIPS_NEEDED_COLUMNS[1:], wording.EMPTY)
    cells["model"] = answer.title
    if last is not None:
        cells["AUC at largest size"] = wording.share(last.mean)
        cells["largest size"] = str(last.size)
        if last.low is not None and last.high is not None:
            cells["interval"] = wording.interval(last.low, last.high)
    if untrained is not None:
        cells["untrained AUC"] = wording.share(untrained.mean)
    if answer.needed is not None:
        cells["clips needed"] = str(answer.needed)
    if answer.needed_range:
        cells["range"] = answer.needed_range
    cells["status"] = answer.status
    for size, reason in answer.without_auc.items():
        cells["status"] += f"; no AUC with {size} clips per class: {reason}"
    if answer.warning:
        cells["status"] += f"; warning: {answer.warning}"
    return cells


def _needed_rows(comparisons: pd.DataFrame) -> dict[tuple[str, str], dict[Any, Any]]:
    rows = comparisons[
        (comparisons["kind"] == "clips_needed") & (comparisons["metric"] == METRIC)
    ].to_dict("records")
    found = {(row["species"], row["model_a"]): row for row in rows}
    if len(found) != len(rows):
        raise ValueError("two rows of clips needed for one species and model")
    return found


def _answer(
    species: str,
    model: str,
    title: str,
    points: Mapping[int, CurvePoint],
    row: Mapping[Any, Any] | None,
    reason: str | None,
    without_auc: Mapping[int, str],
) -> Answer:
    needed = target = None
    status, between = NOT_COMPUTED, ""
    if row is not None:
        target, status = float(row["target"]), str(row["status"])
        needed = None if wording.is_missing(row["training_size"]) else int(row["training_size"])
        if (needed is None) == (status == "ok"):
            raise ValueError(f"{species}, {model}: {needed} clips needed with status {status!r}")
        if needed is not None and needed not in points:
            raise ValueError(
                f"{species}, {model}: needs {needed} clips, but has no point at {needed}"
            )
        low = None if needed is None else points[needed].low
        if needed is not None and (low is None or low < target):
            raise ValueError(f"{species}, {model}: {target:g} is not reached at {needed} clips")
        trained = {size for size in points if size > 0} | set(without_auc)
        between = _range(f"{species}, {model}", trained, row)
    return Answer(
        species=species,
        model=model,
        title=title,
        last=points[max(points)] if points else None,
        untrained=points.get(0),
        needed=needed,
        at_needed=None if needed is None else points[needed],
        needed_range=between,
        target=target,
        status=reason if reason is not None else status,
        without_auc=without_auc if points else {},
    )


def _range(name: str, trained: set[int], row: Mapping[Any, Any]) -> str:
    """Write the range of a row of clips needed in words; empty if nothing was estimated."""
    low, high, largest = (
        None if wording.is_missing(row[column]) else int(row[column])
        for column in ("needed_low", "needed_high", "largest_size")
    )
    if str(row["status"]).startswith("not estimated"):
        return ""
    if largest is None or largest != max(trained, default=None):
        raise ValueError(f"{name}: sizes up to {largest} were evaluated, but not by this curve")
    if not {low, high} - {None} <= trained:
        raise ValueError(f"{name}: a range of {low} to {high} clips, but no points there")
    if high is not None and (low is None or low > high):
        raise ValueError(f"{name}: a range of {low} to {high} clips")
    return wording.range_needed(low, high, min(trained), largest)


def _best_first(answer: Answer) -> tuple[bool, float, float, str]:
    auc = answer.last.mean if answer.last else 0.0
    needed = float("inf") if answer.needed is None else float(answer.needed)
    return (answer.last is None, needed, -auc, answer.title)


def _auc(point: CurvePoint, at: str = "") -> str:
    text = f"AUC {wording.share(point.mean)}{at}"
    if point.low is None or point.high is None:
        return f"{text}, no interval"
    return f"{text}, {wording.interval(point.low, point.high)}"
