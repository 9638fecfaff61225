"""The layers of a chart: one function per kind of mark, each drawn from the chart's plan."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.charts import placement
from audio_assets.reporting.charts import texts as chart_words
from audio_assets.reporting.charts.narrow import NARROW
from audio_assets.reporting.charts.plan import HEIGHT, ChartPlan
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import CurvePoint

if TYPE_CHECKING:
    import altair as alt

INK = "currentColor"
HIDDEN = "hidden"
"""Signal of the chart: the models to hide. The page sets it; see charts.js."""
LABEL_GAP = 17
"""Smallest distance between labels at the line ends in pixels."""


def _x(plan: ChartPlan) -> alt.X:
    import altair as alt

    sizes = sorted(plan.positions, key=plan.positions.__getitem__)
    values = [plan.positions[size] for size in sizes]
    names = [str(size) if size else "0 (untrained)" for size in sizes]
    short: list[Any] = [str(size) if size else ["0", "untrained"] for size in sizes]
    apart = any(abs(2**at - size) > 0.5 for size, at in plan.positions.items() if size)
    moved = "; close sizes moved apart" if apart else ""
    return alt.X(
        "x:Q",
        title=f"Training clips per class (log scale{moved})",
        scale=alt.Scale(domain=list(plan.x_domain), zero=False, nice=False),
        axis=alt.Axis(
            values=values,
            labelExpr=f"({NARROW} ? {short} : {names})[indexof({values}, datum.value)]",
            labelOverlap=False,
            grid=False,
            # Positions are octaves, of which a screen reader would announce the ends.
            description=f"X axis, training clips per class: {', '.join(names)}",
        ),
    )


def _y(plan: ChartPlan, field: str = "y:Q") -> alt.Y:
    import altair as alt

    return alt.Y(
        field,
        title=chart_words.metric_words(plan.metric).title,
        scale=alt.Scale(domain=list(plan.y_domain), zero=False, nice=False),
        axis=alt.Axis(tickCount=7),
    )


def _color(plan: ChartPlan) -> alt.Color:
    import altair as alt

    names = list(plan.titles)
    colors = [plan.styles[name].color for name in names]
    return alt.Color("key:N", scale=alt.Scale(domain=names, range=colors), legend=None)


def _shape(plan: ChartPlan) -> alt.Shape:
    import altair as alt

    names = list(plan.titles)
    shapes = [plan.styles[name].shape for name in names]
    return alt.Shape("key:N", scale=alt.Scale(domain=names, range=shapes), legend=None)


def narrow_legend(plan: ChartPlan) -> alt.Legend:
    """Return the key of the narrow form, which has no room for names at the line ends."""
    import altair as alt

    return alt.Legend(
        title=None,
        orient="bottom",
        columns=2,
        labelColor=INK,
        labelFontSize=12,
        symbolOpacity=1,
        labelExpr=f"{json.dumps(dict(plan.titles))}[datum.value]",
    )


def base(rows: list[dict[str, Any]]) -> alt.Chart:
    """Return a chart of these rows without a mark."""
    import altair as alt

    # Rows of plain Python values: from pandas' types altair would guess the encoding.
    chart: alt.Chart = alt.Chart(alt.InlineData(values=rows))
    return chart


def base_of_models(rows: list[dict[str, Any]], also: str = "true") -> alt.Chart:
    """Return a chart of these rows, with the model as ``key``, without hidden models.

    Parameters
    ----------
    also
        Another condition, in Vega's expressions, under which a row is drawn.
    """
    import altair as alt

    shown = alt.FilterTransform(f"indexof({HIDDEN}, datum.key) < 0 && {also}")
    chart: alt.Chart = alt.Chart(alt.InlineData(values=rows), transform=[shown])
    return chart


def _rows(plan: ChartPlan, points: Sequence[CurvePoint]) -> list[dict[str, Any]]:
    return [
        {"key": p.model, "x": plan.x(p), "y": p.mean, "low": p.low, "high": p.high} for p in points
    ]


def chance(plan: ChartPlan) -> list[alt.Chart]:
    """Return the labelled line of guessing; nothing if the axis leaves it out."""
    chance = chart_words.metric_words(plan.metric).chance
    if chance is None or not plan.y_domain[0] <= chance <= plan.y_domain[1]:
        return []
    low, high = plan.x_domain
    row = {"x": low, "end": high, "y": chance, "text": f"chance ({chance:g})"}
    rows_chart = base([row]).encode(y=_y(plan))
    return [
        rows_chart.mark_rule(stroke=INK, strokeDash=[5, 4], opacity=0.6, aria=False).encode(
            x=_x(plan), x2="end:Q"
        ),
        rows_chart.mark_text(
            align="right", baseline="bottom", dy=-3, dx=-2, fill=INK, opacity=0.8
        ).encode(x="end:Q", text="text:N"),
    ]


def untrained_divider(plan: ChartPlan) -> list[alt.Chart]:
    """Return the dotted line between the untrained and the trained points."""
    if 0 not in plan.positions or len(plan.positions) == 1:
        return []
    at = plan.positions[0] + placement.ZERO_GAP / 2
    return [
        base([{"x": at}])
        .mark_rule(stroke=INK, opacity=0.35, strokeDash=[1, 3], aria=False)
        .encode(x=_x(plan))
    ]


def lines(plan: ChartPlan) -> alt.Chart:
    """Return one line per model over its trained points."""
    # The untrained score comes from a different classifier: a line from it would suggest a trend.
    trained = [point for point in plan.points if point.size > 0]
    trained_lines = base_of_models(_rows(plan, trained)).mark_line(strokeWidth=2, aria=False)
    chart: alt.Chart = trained_lines.encode(
        x=_x(plan), y=_y(plan), color=_color(plan), detail="key:N", order="x:Q"
    )
    return chart


def error_bars(plan: ChartPlan) -> list[alt.Chart]:
    """Return the intervals with caps, side by side where models share a size."""
    rows = _rows(plan, [point for point in plan.points if point.low is not None])
    if not rows:
        # Screen readers would announce an empty group of marks.
        return []
    rows_chart = base_of_models(rows).encode(x=_x(plan), color=_color(plan))
    bars = rows_chart.mark_rule(strokeWidth=1.5, opacity=0.85, aria=False).encode(
        y=_y(plan, "low:Q"), y2="high:Q"
    )
    caps = [
        rows_chart.mark_tick(
            orient="horizontal", size=6, thickness=1.5, opacity=0.85, aria=False
        ).encode(y=_y(plan, end))
        for end in ("low:Q", "high:Q")
    ]
    return [bars, *caps]


def points(plan: ChartPlan) -> list[alt.Chart]:
    """Return the points with tooltips: filled with an interval, hollow without."""
    import altair as alt

    layers = []
    bootstrap = any(point.method == "bootstrap" for point in plan.points)
    for bounded in (True, False):
        points = [point for point in plan.points if (point.low is not None) == bounded]
        if not points:
            continue
        tooltips = [
            chart_words.tooltip(p, plan.titles[p.model], plan.metric, with_method=bootstrap)
            for p in points
        ]
        # Not the names themselves: in Vega a dot, as in "precision 0.9", means a nested field.
        fields = {
            name: f"tip{i}" for i, name in enumerate(dict.fromkeys(n for t in tooltips for n in t))
        }
        rows_chart = base_of_models(
            [
                row
                | {"words": chart_words.point_in_words(p, plan.titles[p.model], plan.metric)}
                | {fields[name]: text for name, text in texts.items()}
                for p, row, texts in zip(points, _rows(plan, points), tooltips, strict=True)
            ]
        )
        mark = (
            rows_chart.mark_point(filled=True, size=75, opacity=1)
            if bounded
            # A transparent fill rather than none, so that the whole point reacts to the pointer.
            else rows_chart.mark_point(
                filled=False, fill="transparent", size=85, strokeWidth=2, opacity=1
            )
        )
        layers.append(
            mark.encode(
                x=_x(plan),
                y=_y(plan),
                color=_color(plan),
                shape=_shape(plan),
                description=alt.Description("words:N"),
                tooltip=[
                    alt.Tooltip(field=field, type="nominal", title=name)
                    for name, field in fields.items()
                ],
            )
        )
    return layers


def labels(plan: ChartPlan) -> list[alt.Chart]:
    """Return the names at the line ends, spread out and connected to their lines by leaders."""
    low, high = plan.y_domain
    per_pixel = (high - low) / HEIGHT
    pixels = placement.spread(
        [(high - e.mean) / per_pixel for e in plan.ends], LABEL_GAP, 0, HEIGHT
    )
    largest = max(plan.positions, key=plan.positions.__getitem__)
    rows = [
        {
            "key": end.model,
            "x": plan.x(end),
            "y": end.mean,
            "elbow": plan.x_beyond(8),
            "symbol": plan.x_beyond(16),
            "text_x": plan.x_beyond(26),
            "label_y": round(high - pixel * per_pixel, 6),
            "label": f"{plan.titles[end.model]}: {wording.share(end.mean)}"
            + ("" if end.size == largest else f" (at {end.size})"),
        }
        for end, pixel in zip(plan.ends, pixels, strict=True)
    ]
    rows_chart = base_of_models(rows, also=f"!{NARROW}")
    color, shape = _color(plan), _shape(plan)
    return [
        rows_chart.mark_rule(strokeWidth=1, opacity=0.5, strokeDash=[2, 2], aria=False).encode(
            x=_x(plan), y=_y(plan), x2="elbow:Q", y2="label_y:Q", color=color
        ),
        rows_chart.mark_point(filled=True, size=75, opacity=1, aria=False).encode(
            x="symbol:Q", y=_y(plan, "label_y:Q"), color=color, shape=shape
        ),
        rows_chart.mark_text(align="left", baseline="middle", fill=INK, fontSize=12).encode(
            x="text_x:Q", y=_y(plan, "label_y:Q"), text="label:N"
        ),
    ]
