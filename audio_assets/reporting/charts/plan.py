"""The plan of a chart: its points, and the positions and styles that all layers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audio_assets.reporting.charts import placement
from audio_assets.reporting.charts import texts as chart_words
from audio_assets.reporting.charts.styles import ModelStyle, model_styles
from audio_assets.reporting.words.curve_points import CurvePoint

WIDTH, HEIGHT = 580, 340
"""Plotting area in pixels; titles, axes and line labels come on top."""


@dataclass(frozen=True)
class ChartPlan:
    """Everything that the layers share.

    Attributes
    ----------
    points
        Points in order of model and size.
    ends
        Last point of each model, from the top of the chart down.
    titles, styles
        Model -> title and style.
    positions
        Training size -> position on the x axis.
    dodge
        Model -> shift on the x axis.
    x_domain, y_domain
        Ends of the axes.
    """

    species: str
    metric: str
    points: tuple[CurvePoint, ...]
    ends: tuple[CurvePoint, ...]
    titles: Mapping[str, str]
    styles: Mapping[str, ModelStyle]
    positions: Mapping[int, float]
    dodge: Mapping[str, float]
    x_domain: tuple[float, float]
    y_domain: tuple[float, float]

    def x(self, point: CurvePoint) -> float:
        """Return the x position of a point: its size, shifted so that no model hides another."""
        return round(self.positions[point.size] + self.dodge[point.model], 4)

    def x_beyond(self, pixels: float) -> float:
        """Return the x value this far to the right of the plotting area."""
        low, high = self.x_domain
        return round(high + pixels * (high - low) / WIDTH, 4)


def make_plan(
    points: Sequence[CurvePoint], species: str, metric: str, models: Mapping[str, str]
) -> ChartPlan:
    """Lay out a chart from at least one point."""
    drawn = [model for model in models if any(point.model == model for point in points)]
    drawn += sorted({point.model for point in points} - set(drawn))
    titles = {model: models.get(model, model) for model in drawn}
    ends = [max((p for p in points if p.model == m), key=lambda p: p.size) for m in drawn]
    ends.sort(key=lambda end: (-end.mean, titles[end.model]))
    positions = placement.size_positions([point.size for point in points])
    lowest = min(point.mean if point.low is None else point.low for point in points)
    if chart_words.metric_words(metric).chance is None:
        y_domain = (0.0, 1.0)
    else:
        y_domain = placement.share_axis(lowest)
    return ChartPlan(
        species=species,
        metric=metric,
        points=tuple(points),
        ends=tuple(ends),
        titles=titles,
        styles=model_styles([*models, *drawn]),
        positions=positions,
        dodge=dict(zip(drawn, placement.dodges(len(drawn)), strict=True)),
        x_domain=(min(positions.values()) - 0.4, max(positions.values()) + 0.3),
        y_domain=y_domain,
    )
