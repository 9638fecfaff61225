"""The small chart beside the answer about a species: its curves, and the line of the target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.charts import embed
from audio_assets.reporting.charts import marks as chart_marks
from audio_assets.reporting.charts.placement import share_axis, size_positions
from audio_assets.reporting.charts.styles import ModelStyle, model_styles
from audio_assets.reporting.words.curve_points import CurvePoint, curve_points

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

WIDTH, HEIGHT = 220, 120
"""Plotting area in pixels."""


def small_curve(
    curve: pd.DataFrame,
    *,
    species: str,
    models: Mapping[str, str],
    target: float | None,
    model: str | None,
) -> alt.LayerChart | None:
    """Draw ROC-AUC against training clips per class; None if there is no point.

    Parameters
    ----------
    curve
        Rows of :data:`audio_assets.tables.LEARNING_CURVE`.
    models
        Model -> title, the same for all species; see :mod:`audio_assets.reporting.charts.styles`.
    target
        AUC to reach, drawn as a dashed line; None if there is none.
    model
        Model with a thick line and its intervals; the others are thin. None: all are thin.
    """
    import altair as alt

    points = curve_points(curve, species, "roc_auc")
    if not points:
        return None
    drawn = sorted({point.model for point in points})
    styles = model_styles([*models, *drawn])
    positions = size_positions([point.size for point in points])
    axes = _Axes(points, positions, target)
    layers = [
        *axes.target_line(),
        *(
            layer
            for name in sorted(drawn, key=lambda name: name == model)
            for layer in _model_layers(
                axes, [p for p in points if p.model == name], styles[name], strong=name == model
            )
        ),
    ]
    ink = chart_marks.INK
    return alt.LayerChart(
        layer=layers,
        width=WIDTH,
        height=HEIGHT,
        background="transparent",
        config=alt.Config(
            font="Liberation Sans, Arial, Helvetica, sans-serif",
            padding=2,
            view=alt.ViewConfig(stroke=None),
            axis=alt.AxisConfig(
                labelColor=ink,
                titleColor=ink,
                domainColor=ink,
                tickColor=ink,
                gridColor=ink,
                gridOpacity=0.12,
                labelFontSize=11,
                titleFontSize=11,
                titleFontWeight="normal",
                titlePadding=3,
            ),
        ),
    )


def svg(chart: alt.LayerChart) -> str:
    """Write a chart as an SVG element whose text has the colour of the page."""
    import vl_convert

    text: str = vl_convert.vegalite_to_svg(
        chart.to_json(), vl_version=embed.vegalite_version(), allowed_base_urls=[]
    )
    # Its description is that of the element around it.
    return text.replace("<svg ", '<svg aria-hidden="true" ', 1).replace('class="marks" ', "", 1)


class _Axes:
    """The axes that the layers share."""

    def __init__(
        self, points: Sequence[CurvePoint], positions: Mapping[int, float], target: float | None
    ) -> None:
        lowest = min(point.mean if point.low is None else point.low for point in points)
        low, high = share_axis(lowest)
        if target is not None:
            low = min(low, target - 0.02)
        self.positions, self._target = positions, target
        self._x = (min(positions.values()) - 0.4, max(positions.values()) + 0.3)
        self._y = (low, high)

    def x(self) -> alt.X:
        import altair as alt

        sizes = sorted(self.positions, key=self.positions.__getitem__)
        values = [self.positions[size] for size in sizes]
        names = [str(size) for size in sizes]
        return alt.X(
            "x:Q",
            title="Training clips per class",
            scale=alt.Scale(domain=list(self._x), zero=False, nice=False),
            axis=alt.Axis(
                values=values,
                labelExpr=f"{names}[indexof({values}, datum.value)]",
                labelOverlap=True,
                grid=False,
            ),
        )

    def y(self, field: str = "y:Q") -> alt.Y:
        import altair as alt

        return alt.Y(
            field,
            title="ROC-AUC",
            scale=alt.Scale(domain=list(self._y), zero=False, nice=False),
            axis=alt.Axis(tickCount=4),
        )

    def target_line(self) -> list[alt.Chart]:
        if self._target is None:
            return []
        low, high = self._x
        row = {"x": low, "end": high, "y": self._target, "text": ["target", f"{self._target:g}"]}
        chart = chart_marks.base([row]).encode(y=self.y())
        return [
            chart.mark_rule(stroke=chart_marks.INK, strokeDash=[5, 4]).encode(
                x=self.x(), x2="end:Q"
            ),
            chart.mark_text(
                align="left", baseline="middle", dx=4, dy=-6, fill=chart_marks.INK, fontSize=11
            ).encode(x="end:Q", text="text:N"),
        ]


def _model_layers(
    axes: _Axes, points: Sequence[CurvePoint], style: ModelStyle, *, strong: bool
) -> list[alt.Chart]:
    rows: list[dict[str, Any]] = [
        {"x": axes.positions[p.size], "y": p.mean, "low": p.low, "high": p.high, "size": p.size}
        for p in points
    ]
    width, opacity = (2.5, 1.0) if strong else (1.2, 0.75)
    trained = [row for row in rows if row["size"]]
    bounded = [row for row in rows if row["low"] is not None]
    layers = []
    if trained:
        line = chart_marks.base(trained).mark_line(
            stroke=style.color, strokeWidth=width, opacity=opacity
        )
        layers.append(line.encode(x=axes.x(), y=axes.y(), order="x:Q"))
    if strong and bounded:
        bars = chart_marks.base(bounded).mark_rule(stroke=style.color, strokeWidth=1.5)
        layers.append(bars.encode(x=axes.x(), y=axes.y("low:Q"), y2="high:Q"))
    marks = chart_marks.base(rows).mark_point(
        filled=True, color=style.color, shape=style.shape, size=45 if strong else 22, opacity=1
    )
    layers.append(marks.encode(x=axes.x(), y=axes.y()))
    return layers
