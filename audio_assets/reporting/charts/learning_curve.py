"""The learning-curve chart of a species, as an Altair chart.

Composition and style belong here. Marks are in :mod:`audio_assets.reporting.charts.marks`, words
in :mod:`audio_assets.reporting.charts.texts`, positions in
:mod:`audio_assets.reporting.charts.plan`, files in :mod:`audio_assets.reporting.charts.render`.

Ink is ``currentColor``: black in a standalone file, the text colour in a page, light or dark.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.charts import marks as chart_marks
from audio_assets.reporting.charts import texts as chart_words
from audio_assets.reporting.charts.narrow import NARROW, narrow_form
from audio_assets.reporting.charts.narrow import WIDTH as NARROW_WIDTH
from audio_assets.reporting.charts.plan import HEIGHT, WIDTH, ChartPlan, make_plan
from audio_assets.reporting.charts.styles import ModelStyle
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import curve_points, reasons_without_points

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

FONT = "Liberation Sans, Arial, Helvetica, sans-serif"
"""The first is part of vl-convert, so that text has the same width on every machine."""

EMBED_OPTIONS = {
    # The editor is a web site, and the two source views open windows without a file.
    "actions": {"export": True, "source": False, "compiled": False, "editor": False},
    "renderer": "svg",
    "scaleFactor": {"png": 2, "svg": 1},
}

_NARROW_HEIGHT = 260


def learning_curve_chart(
    curve: pd.DataFrame,
    *,
    species: str,
    metric: str = "roc_auc",
    models: Mapping[str, str],
) -> alt.LayerChart:
    """Draw a metric against training clips per class, one line per model.

    Parameters
    ----------
    curve
        Rows of :data:`audio_assets.tables.LEARNING_CURVE`; those of the species and metric are
        drawn, rows without a mean are not.
    species
        Species folder.
    metric
        One of :data:`audio_assets.tables.METRICS`.
    models
        Model -> title. Pass the same models for all species, so that a user's own model has the
        same colour in all charts. A model of the curve that is not in it is called by its key.

    Returns
    -------
    altair.LayerChart
        The chart; for a species without a point, a chart that states the reasons.

    Raises
    ------
    ValueError
        The metric is unknown, two rows share model and size, or an interval has one end.
    """
    import altair as alt

    chart_words.metric_words(metric)
    points = curve_points(curve, species, metric)
    if not points:
        reasons = reasons_without_points(curve, species, metric)
        return _empty(species, metric, reasons, models)
    plan = make_plan(points, species, metric, models)
    layers = [
        *chart_marks.chance(plan),
        *chart_marks.untrained_divider(plan),
        chart_marks.lines(plan),
        *chart_marks.error_bars(plan),
        *chart_marks.points(plan),
        *chart_marks.labels(plan),
    ]
    words = chart_words.chart_description(species, metric, plan.ends, plan.titles)
    title, subtitle = _title(plan)
    chart = finish(
        layers,
        alt.Title(title, subtitle=subtitle),
        words,
        height=HEIGHT,
        file_name=f"{species}-{metric}",
        narrow={
            "patch": narrow_form(title, subtitle, height=_NARROW_HEIGHT),
            "legend": chart_marks.narrow_legend(plan).to_dict(),
        },
    )
    chart = with_switches(chart, plan.titles, plan.styles, has_narrow_marks=True)
    return chart


def with_switches(
    chart: alt.LayerChart,
    titles: Mapping[str, str],
    styles: Mapping[str, ModelStyle],
    *,
    has_narrow_marks: bool = False,
) -> alt.LayerChart:
    """Add the signals and the metadata with which a page lets readers hide models.

    The chart's layers come from :func:`audio_assets.reporting.charts.marks.base_of_models`.

    Parameters
    ----------
    has_narrow_marks
        Whether some marks depend on the signal of the narrow form.
    """
    import altair as alt

    models = [
        {"key": model, "title": title, "color": styles[model].color}
        for model, title in titles.items()
    ]
    narrow = [alt.VariableParameter(name=NARROW, value=False)] if has_narrow_marks else []
    chart.params = [alt.VariableParameter(name=chart_marks.HIDDEN, value=[]), *narrow]
    chart.usermeta = {**chart.usermeta, "switches": models}
    return chart


def _title(plan: ChartPlan) -> tuple[str, list[str]]:
    """Return the title and the lines under it."""
    chance = chart_words.metric_words(plan.metric).chance
    start = plan.y_domain[0]
    hides_chance = chance is not None and start > chance
    return (
        chart_words.chart_title(plan.species, plan.metric),
        chart_words.chart_subtitle(plan.points, plan.titles, start if hides_chance else None),
    )


def _empty(
    species: str, metric: str, reasons: Mapping[str, str], models: Mapping[str, str]
) -> alt.LayerChart:
    name = chart_words.metric_words(metric).title
    text = f"No {name}: " + (
        "no model could be evaluated." if reasons else "no model has a result."
    )
    sentences = [text, *(f"{models.get(model, model)}: {why}" for model, why in reasons.items())]
    narrow = _lines_of_text(species, metric, sentences, chart_words.NARROW_LINE_LENGTH).to_dict()
    form = {name: narrow[name] for name in ("layer", "datasets", "height") if name in narrow}
    chart = _lines_of_text(species, metric, sentences, chart_words.LINE_LENGTH)
    chart.usermeta = {**chart.usermeta, "narrow": {"patch": {"width": NARROW_WIDTH, **form}}}
    return chart


def _lines_of_text(
    species: str, metric: str, sentences: Sequence[str], length: int
) -> alt.LayerChart:
    """Return a chart that consists of text."""
    import altair as alt

    lines = [line for text in sentences for line in chart_words.wrap(text, length)]
    layer = (
        chart_marks.base([{"text": lines}])
        .mark_text(align="left", baseline="top", fill=chart_marks.INK, fontSize=13, lineHeight=20)
        .encode(x=alt.value(0), y=alt.value(0), text="text:N")
    )
    words = wording.species_in_words(species)
    return finish(
        [layer],
        alt.Title(words),
        f"{words}. {' '.join(lines)}",
        height=22 * len(lines),
        file_name=f"{species}-{metric}",
    )


def finish(
    layers: Sequence[alt.Chart],
    title: alt.Title,
    description: str,
    *,
    height: int,
    file_name: str,
    width: int = WIDTH,
    narrow: Mapping[str, Any] | None = None,
) -> alt.LayerChart:
    """Combine the layers with sizes, fonts and ink.

    Parameters
    ----------
    file_name
        Name without a suffix under which a browser saves the chart.
    narrow
        ``patch``, from :func:`audio_assets.reporting.charts.narrow.narrow_form`, and ``legend``,
        which the narrow form gives to layers that have none; None if the chart has the same form on
        all screens.
    """
    import altair as alt

    ink = chart_marks.INK
    # In one call: each call on a chart copies it with its rows, which takes most of the time.
    config = alt.Config(
        font=FONT,
        padding=10,
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(
            anchor="start",
            frame="group",
            color=ink,
            subtitleColor=ink,
            fontSize=17,
            subtitleFontSize=12,
            subtitleLineHeight=16,
            subtitlePadding=6,
            offset=14,
        ),
        axis=alt.AxisConfig(
            labelColor=ink,
            titleColor=ink,
            domainColor=ink,
            tickColor=ink,
            gridColor=ink,
            gridOpacity=0.14,
            labelFontSize=12,
            titleFontSize=12,
            titleFontWeight="normal",
            titlePadding=8,
        ),
    )
    metadata: dict[str, Any] = {"embedOptions": {**EMBED_OPTIONS, "downloadFileName": file_name}}
    if narrow is not None:
        metadata["narrow"] = narrow
    return alt.LayerChart(
        layer=list(layers),
        width=width,
        height=height,
        title=title,
        description=description,
        background="white",
        usermeta=metadata,
        config=config,
    )
