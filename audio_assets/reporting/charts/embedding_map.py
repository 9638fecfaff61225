"""The chart of a species' clips on the first two principal components of their embeddings."""

from __future__ import annotations

import csv
import hashlib
import io
import math
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from audio_assets.reporting.charts.learning_curve import finish
from audio_assets.reporting.charts.marks import INK
from audio_assets.reporting.charts.narrow import narrow_form
from audio_assets.reporting.charts.plan import WIDTH
from audio_assets.reporting.words import wording
from audio_assets.tables.task import PRESENCE

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

HEIGHT = 400
MOST_POINTS = 600
"""Most points on a map: more would hide each other and make a page of many species slow."""
CLIPS = "clips"
"""Name of the chart's data; charts.js lists the recordings in it."""
CHOSEN = "chosen"
"""Signal of the chart: the recording to highlight, or null. The page sets it."""

# Label -> word, colour, shape. The shapes alone suffice; contrast is 3:1 on light and dark pages.
_LABELS = {
    PRESENCE.positive: ("positive", "#d55e00", "triangle-up"),
    PRESENCE.negative: ("negative", "#3f8fd2", "circle"),
}
# A margin of one fortieth of the plotted range on each side.
_MARGIN = 1.05


def map_chart(
    clips: pd.DataFrame,
    *,
    species: str,
    models: Mapping[str, str],
    playable: Collection[str] = (),
) -> alt.LayerChart:
    """Draw the clips on the plane of their principal components, at one scale on both axes.

    Parameters
    ----------
    clips
        Rows of :data:`audio_assets.tables.EMBEDDING_MAP` of the species, at least one.
    models
        Model -> title, as in
        :func:`audio_assets.reporting.charts.learning_curve.learning_curve_chart`.
    playable
        Clips whose sounds the page has; their points have a ring, and a name for screen readers.
    """
    import altair as alt

    drawn = drawn_clips(clips, playable=playable)
    counts = {label: int((drawn["label"] == label).sum()) for label in _LABELS}
    names = [label for label, count in counts.items() if count]
    keys = {name: f"{_LABELS[name][0]} ({counts[name]})" for name in names}
    legend = alt.Legend(
        title=None,
        orient="top",
        labelColor=INK,
        labelFontSize=12,
        symbolOpacity=1,
        # The ring of a clip that can be played says nothing about its label.
        symbolStrokeWidth=0,
        labelExpr=f"{keys}[datum.value]",
    )
    pixel = _pixel(drawn)
    first = clips.iloc[0]
    source = alt.InlineData(
        values=_as_csv(drawn, pixel, playable),
        format=alt.CsvDataFormat(type="csv", parse={"x": "number", "y": "number"}),
        name=CLIPS,
    )
    points = alt.Chart(source).encode(
        x=_axis("x", "First component", first["variance_x"], drawn, pixel * WIDTH),
        y=_axis("y", "Second component", first["variance_y"], drawn, pixel * HEIGHT),
        color=alt.Color(
            "label:N",
            legend=legend,
            scale=alt.Scale(domain=names, range=[_LABELS[name][1] for name in names]),
        ),
        shape=alt.Shape(
            "label:N",
            legend=legend,
            scale=alt.Scale(domain=names, range=[_LABELS[name][2] for name in names]),
        ),
        opacity=alt.condition(
            f"{CHOSEN} === null || datum.recording === {CHOSEN}", alt.value(1), alt.value(0.07)
        ),
        tooltip=[alt.Tooltip("clip:N", title="clip"), alt.Tooltip("recording:N")],
    )
    layers = [_silent(points, playable)]
    if set(playable) & set(drawn["clip_id"]):
        layers.append(_ringed(points))
    model = models.get(first["model"], first["model"])
    words = f"{wording.species_in_words(species)}: clips by the embeddings of {model}"
    chart = finish(
        layers,
        alt.Title(words),
        _description(words, clips),
        height=HEIGHT,
        file_name=f"{species}-map",
        # Both sides by one factor, so that the axes keep one scale.
        narrow={"patch": narrow_form(words, height=HEIGHT // 2, width=WIDTH // 2)},
    )
    chart.params = [alt.VariableParameter(name=CHOSEN, value=None)]
    chart.usermeta = {
        **chart.usermeta,
        "picks": {"data": CLIPS, "signal": CHOSEN},
        "plays": len(layers) > 1,
    }
    return chart


def _silent(points: alt.Chart, playable: Collection[str]) -> alt.Chart:
    """Return the points without a sound; a screen reader would announce hundreds of them."""
    import altair as alt

    shown = [alt.FilterTransform("!datum.plays")] if playable else alt.Undefined
    chart: alt.Chart = points.mark_point(filled=True, size=45, aria=False)
    chart.transform = shown
    return chart


def _ringed(points: alt.Chart) -> alt.Chart:
    """Return the points that play their clips."""
    import altair as alt

    chart: alt.Chart = points.mark_point(
        filled=True, size=75, stroke=INK, strokeWidth=1.5, cursor="pointer"
    ).encode(description=alt.Description("words:N"))
    chart.transform = [
        alt.FilterTransform("datum.plays"),
        alt.CalculateTransform(
            calculate="'Play ' + datum.clip + ', recording ' + datum.recording", **{"as": "words"}
        ),
    ]
    return chart


def drawn_clips(
    clips: pd.DataFrame, most: int = MOST_POINTS, playable: Collection[str] = ()
) -> pd.DataFrame:
    """Choose the clips to draw: all, or ``most`` of them in an order independent of their content.

    Clips that can be played come first. All clips of a label are drawn if it has fewer than half of
    ``most``. The choice is reproducible.

    Parameters
    ----------
    clips
        Rows of :data:`audio_assets.tables.EMBEDDING_MAP` of one species.
    """
    shuffled = clips.iloc[
        sorted(
            range(len(clips)),
            key=lambda row: (
                clips["clip_id"].iloc[row] not in playable,
                hashlib.sha256(clips["clip_id"].iloc[row].encode()).digest(),
            ),
        )
    ]
    positive: pd.Series[bool] = PRESENCE.is_positive(shuffled["label"])
    room = max(most // 2, most - int((~positive).sum())), max(most // 2, most - int(positive.sum()))
    place = shuffled.groupby("label").cumcount()
    return shuffled[(positive & (place < room[0])) | (~positive & (place < room[1]))]


def variance_in_words(share: Any) -> str:
    """Write a share of the variance, such as ``31 %``; a small one is "under 1 %", never 0."""
    if wording.is_missing(share):
        return "none"
    return "under 1 %" if 0 < share < 0.01 else f"{100 * share:.0f} %"


def _axis(field: str, name: str, share: Any, clips: pd.DataFrame, length: float) -> Any:
    import altair as alt

    middle = (float(clips[field].min()) + float(clips[field].max())) / 2
    ends = [round(middle + side * length / 2, 6) for side in (-1, 1)]
    return (alt.X if field == "x" else alt.Y)(
        f"{field}:Q",
        title=f"{name} ({variance_in_words(share)} of the variance)",
        scale=alt.Scale(domain=ends, zero=False, nice=False),
        axis=alt.Axis(tickCount=5),
    )


def _pixel(clips: pd.DataFrame) -> float:
    """Return the units per pixel, the same on both axes."""
    needed = [
        float(clips[name].max() - clips[name].min()) * _MARGIN / side
        for name, side in (("x", WIDTH), ("y", HEIGHT))
    ]
    # If all clips coincide, any scale shows them.
    return max(needed) or 1 / WIDTH


def _as_csv(clips: pd.DataFrame, pixel: float, playable: Collection[str]) -> str:
    """Write the clips as CSV, which takes two thirds of the bytes of JSON."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("x", "y", "label", "recording", "clip", "plays"))
    columns = ("x", "y", "label", "recording_id", "clip_id")
    decimals = max(0, math.ceil(-math.log10(pixel / 2)))
    for x, y, *names in clips[list(columns)].itertuples(index=False, name=None):
        plays = "1" if names[-1] in playable else ""
        writer.writerow((f"{x:.{decimals}f}", f"{y:.{decimals}f}", *names, plays))
    return text.getvalue()


def _description(words: str, clips: pd.DataFrame) -> str:
    """Describe for screen readers where the clips of each label lie, and how spread out."""
    parts = []
    for label, (word, _, _) in _LABELS.items():
        at = clips.loc[clips["label"] == label, ["x", "y"]].to_numpy()
        if len(at):
            middle = at.mean(axis=0)
            away = float((((at - middle) ** 2).sum(axis=1) ** 0.5).mean())
            parts.append(
                f"{len(at)} {word} clips around ({middle[0]:.2f}, {middle[1]:.2f}), on average "
                f"{away:.2f} away from there"
            )
    first = clips.iloc[0]
    return (
        f"{words}. {'; '.join(parts)}. The axes explain "
        f"{variance_in_words(first['variance_x'])} and {variance_in_words(first['variance_y'])} "
        "of the variance."
    )
