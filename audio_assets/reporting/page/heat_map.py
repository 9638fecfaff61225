"""The overview of all species and models: the AUC of each at its largest training size, in colour.

The numbers are in the cells, so reading the map depends neither on a key nor on colour vision.
"""

from __future__ import annotations

from dataclasses import dataclass

from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import curve_points, reasons_without_points
from audio_assets.reporting.words.sentences import METRIC

STEPS = (0.6, 0.7, 0.8, 0.9, 0.95)
"""Lower ends of the colour classes except the first; shades of one blue, darker is better."""


@dataclass(frozen=True)
class HeatCell:
    """One species and model.

    Attributes
    ----------
    text
        The AUC, or a few words on why it is missing.
    detail
        The training size, or the full reason if no table below contains it.
    level
        Colour class, from 0; None without an AUC.
    """

    text: str
    detail: str
    level: int | None


@dataclass(frozen=True)
class HeatMap:
    """A table of all species by all models.

    Attributes
    ----------
    models
        Titles, in the order of the columns.
    rows
        Species with its cells.
    classes
        Range of AUC behind each colour class.
    """

    models: tuple[str, ...]
    rows: tuple[tuple[str, tuple[HeatCell, ...]], ...]
    classes: tuple[str, ...]


def heat_map(content: ReportContent) -> HeatMap | None:
    """Return the map of a report; None without a species or a model."""
    models = [model for model in content.models if _is_known(content, model)]
    models += sorted(set(content.curves["model"]) - set(models))
    if not models or not content.species():
        return None
    return HeatMap(
        models=tuple(content.title(model) for model in models),
        rows=tuple((species, _cells(content, species, models)) for species in content.species()),
        classes=(
            f"below {STEPS[0]:g}",
            *(f"{low:g} to {high:g}" for low, high in zip(STEPS, STEPS[1:], strict=False)),
            f"{STEPS[-1]:g} and above",
        ),
    )


def _is_known(content: ReportContent, model: str) -> bool:
    without_result = {name for _, name, _ in content.missing} | set(content.left_out)
    return model in without_result or model in set(content.curves["model"])


def _cells(content: ReportContent, species: str, models: list[str]) -> tuple[HeatCell, ...]:
    points = curve_points(content.curves, species, METRIC)
    last = {point.model: point for point in points}
    reasons = reasons_without_points(content.curves, species, METRIC)
    cells = []
    for model in models:
        if model in last:
            point = last[model]
            size = f"n = {point.size}" if point.size else "untrained"
            cells.append(HeatCell(wording.share(point.mean), size, _level(point.mean)))
        elif model in reasons:
            cells.append(HeatCell("not evaluated", reasons[model], None))
        elif model in content.left_out:
            cells.append(HeatCell("left out", "", None))
        else:
            cells.append(HeatCell("no result", "", None))
    return tuple(cells)


def _level(auc: float) -> int:
    # By the printed value: 0.7996 is printed as 0.800, and a colour for less would puzzle readers.
    return sum(float(wording.share(auc)) >= step for step in STEPS)
