"""The calibration chart of a species: observed share against predicted probability."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.charts.learning_curve import finish, with_switches
from audio_assets.reporting.charts.marks import INK, base, base_of_models
from audio_assets.reporting.charts.narrow import narrow_form
from audio_assets.reporting.charts.styles import model_styles
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.finding_words import error_beside_floor

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

SIDE = 260
"""Width and height in pixels."""

_LEGEND_BELOW = {"orient": "bottom", "columns": 2}
_SUBTITLE = "On the dashed line they do."


def calibration_chart(
    bins: pd.DataFrame, *, species: str, models: Mapping[str, str]
) -> alt.LayerChart:
    """Draw observed against predicted, one line per model, with the diagonal they should follow.

    Parameters
    ----------
    bins
        Rows of :data:`audio_assets.tables.CALIBRATION` of the species, at least one.
    models
        Model -> title, as in
        :func:`audio_assets.reporting.charts.learning_curve.learning_curve_chart`.
    """
    import altair as alt

    names = sorted(set(bins["model"]))
    styles = model_styles({*models, *names})
    titles = {name: models.get(name, name) for name in names}
    legend = alt.Legend(title=None, labelColor=INK, labelFontSize=12, symbolOpacity=1)
    shown = [titles[name] for name in names]
    scale_x, scale_y = (alt.Scale(domain=[0, 1], nice=False) for _ in range(2))
    x = alt.X("predicted:Q", title="Mean probability given", scale=scale_x)
    y = alt.Y("observed:Q", title="Share positive (classes weighted equally)", scale=scale_y)
    color = alt.Color(
        "title:N",
        legend=legend,
        scale=alt.Scale(domain=shown, range=[styles[name].color for name in names]),
    )
    shape = alt.Shape(
        "title:N",
        legend=legend,
        scale=alt.Scale(domain=shown, range=[styles[name].shape for name in names]),
    )
    rows = [
        {
            "key": row["model"],
            "title": titles[row["model"]],
            "predicted": float(row["predicted"]),
            "observed": float(row["observed"]),
            "clips": int(row["clips"]),
            "recordings": int(row["recordings"]),
            "words": _in_words(row, titles[row["model"]]),
        }
        for row in bins.to_dict("records")
    ]
    diagonal = base([{"predicted": end, "observed": end} for end in (0, 1)])
    layers = [
        diagonal.mark_line(stroke=INK, strokeDash=[5, 4], opacity=0.6, aria=False).encode(x=x, y=y),
        base_of_models(rows)
        .mark_line(strokeWidth=2, aria=False)
        .encode(x=x, y=y, color=color, order="predicted:Q"),
        base_of_models(rows)
        .mark_point(filled=True, size=60, opacity=1)
        .encode(
            x=x,
            y=y,
            color=color,
            shape=shape,
            description=alt.Description("words:N"),
            tooltip=[
                alt.Tooltip("title:N", title="model"),
                alt.Tooltip("predicted:Q", title="mean probability", format=".3f"),
                alt.Tooltip("observed:Q", title="share positive", format=".3f"),
                alt.Tooltip("clips:Q", title="clips"),
                alt.Tooltip("recordings:Q", title="recordings"),
            ],
        ),
    ]
    words = f"{wording.species_in_words(species)}: do the probabilities come true?"
    errors = "; ".join(
        f"{titles[name]} is off by {error_beside_floor(bins[bins['model'] == name])}"
        for name in names
    )
    chart = finish(
        layers,
        alt.Title(words, subtitle=_SUBTITLE),
        f"{words} Share of positives against the probability given: {errors}.",
        height=SIDE,
        width=SIDE,
        file_name=f"{species}-calibration",
        narrow={
            "patch": narrow_form(words, [_SUBTITLE], height=SIDE, width=SIDE, legend=_LEGEND_BELOW)
        },
    )
    return with_switches(chart, titles, styles)


def _in_words(row: Mapping[Any, Any], title: str) -> str:
    """Describe a point for screen readers."""
    return (
        f"{title}: mean probability {wording.share(row['predicted'])}, share positive "
        f"{wording.share(row['observed'])}, {int(row['clips'])} clips of "
        f"{int(row['recordings'])} recordings"
    )
