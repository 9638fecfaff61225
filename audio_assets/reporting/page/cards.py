"""The first screen of the page: the answer about each species beside a small chart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from audio_assets.reporting.charts.small_curve import small_curve, svg
from audio_assets.reporting.page.content import ReportContent
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.answer_words import Verdict, verdict_in_parts
from audio_assets.reporting.words.curve_points import CurvePoint, curve_points
from audio_assets.reporting.words.sentences import METRIC
from audio_assets.tables import ANSWER, MODEL_COMPARISON


@dataclass(frozen=True)
class Card:
    """The answer about a species.

    Attributes
    ----------
    verdict
        The answer; None if there is none yet.
    chart
        SVG of the curves; empty if no model has a point.
    description
        The same in words, for screen readers.
    key
        Colour and title of each line of the chart, and whether its model is recommended.
    """

    verdict: Verdict | None
    chart: str
    description: str
    key: tuple[tuple[str, str, bool], ...]


def card(content: ReportContent, species: str) -> Card:
    """Return the card of a species."""
    row = _answer(content, species)
    model = None if row is None or wording.is_missing(row["model"]) else str(row["model"])
    target = _target(content, species, row)
    chart = small_curve(
        content.curves, species=species, models=content.models, target=target, model=model
    )
    points = curve_points(content.curves, species, METRIC)
    return Card(
        verdict=None if row is None else verdict_in_parts(row, content.models),
        chart="" if chart is None else svg(chart),
        description=_description(content, species, points, target),
        key=_key(content, points, model),
    )


def _answer(content: ReportContent, species: str) -> Mapping[Any, Any] | None:
    # A report of results from before there were answers is drawn without them.
    table = content.tables.get(ANSWER.name)
    if table is None:
        return None
    rows = table[table["species"] == species].to_dict("records")
    return rows[0] if rows else None


def _target(content: ReportContent, species: str, row: Mapping[Any, Any] | None) -> float | None:
    if row is not None:
        return float(row["target"])
    rows = content.rows(MODEL_COMPARISON)
    targets = set(rows.loc[rows["species"] == species, "target"].dropna())
    return float(targets.pop()) if len(targets) == 1 else None


def _key(
    content: ReportContent, points: list[CurvePoint], model: str | None
) -> tuple[tuple[str, str, bool], ...]:
    """Return the key of the chart, the recommended model first."""
    from audio_assets.reporting.charts.styles import model_styles

    drawn = sorted({point.model for point in points}, key=lambda name: (name != model, name))
    styles = model_styles([*content.models, *drawn])
    return tuple((styles[name].color, content.title(name), name == model) for name in drawn)


def _description(
    content: ReportContent, species: str, points: list[CurvePoint], target: float | None
) -> str:
    """Describe the chart: the AUC of each model at its largest number of clips."""
    last = {point.model: point for point in points}
    ends = [
        f"{content.title(name)} {wording.share(point.mean)} with {point.size} clips per class"
        for name, point in sorted(last.items())
    ]
    aim = "" if target is None else f" The target is {target:g}."
    words = wording.species_in_words(species)
    return f"Chart of {words}, ROC-AUC by training clips per class: {'; '.join(ends)}.{aim}"
