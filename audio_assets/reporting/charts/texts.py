"""The words of a chart: title, subtitle, tooltips and the description for screen readers."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from audio_assets.evaluation.intervals.protocols import find_protocol
from audio_assets.reporting.words import wording
from audio_assets.reporting.words.curve_points import CurvePoint

LINE_LENGTH = 108
"""Characters of a subtitle line that fit above the chart at its font size."""

NARROW_LINE_LENGTH = 42
"""Characters of a line of text on a narrow screen."""


@dataclass(frozen=True)
class MetricWords:
    """Name of a metric on an axis, and the value of guessing if that is a single number."""

    title: str
    chance: float | None


METRIC_WORDS = {
    "roc_auc": MetricWords("ROC-AUC", 0.5),
    "average_precision": MetricWords("Average precision", 0.5),
    "recall_at_precision_90": MetricWords("Recall at precision 0.9", None),
    "brier": MetricWords("Brier score (lower is better)", None),
}


# Shown only if a chart mixes methods: intervals that all come from folds and recordings need none.
_METHOD_WORDS = {
    "recording_t": "t, from folds and recordings",
    "bootstrap": "bootstrap over recordings",
    "test_recording_bootstrap": "bootstrap over test recordings and training draws",
    "recording_bound": "bound from the number of recordings",
}

# Counted in the class with fewer distinct sets: whole folds may all be distinct.
_DISTINCT = "distinct sets of positive or negative test clips"


def metric_words(metric: str) -> MetricWords:
    """Return the words for a metric.

    Raises
    ------
    ValueError
        The metric is not known.
    """
    try:
        return METRIC_WORDS[metric]
    except KeyError:
        known = ", ".join(METRIC_WORDS)
        raise ValueError(f"unknown metric {metric!r}; known are {known}") from None


def chart_title(species: str, metric: str) -> str:
    """Return the first line above a chart."""
    name = metric_words(metric).title
    return f"{wording.species_in_words(species)}: {name} by number of training clips"


def chart_subtitle(
    points: Sequence[CurvePoint], titles: Mapping[str, str], axis_start: float | None
) -> list[str]:
    """Return the lines under the title: the method, and warnings against misreading.

    Parameters
    ----------
    points
        Points that are drawn; at least one.
    titles
        Model -> title.
    axis_start
        Start of the y axis if it leaves out chance, else None.
    """
    sentences = [_protocol(points)]
    levels = sorted({point.level for point in points if point.low is not None})
    if levels:
        named = " and ".join(wording.percent(level) for level in levels)
        sentences[0] += f"; error bars are {named} intervals"
    if axis_start is not None:
        sentences.append(f"The axis starts at {axis_start:.10g}, not at chance (0.5).")
    sentences += _without_interval(points, titles)
    sentences += [
        f"Warning for {models}: {text}."
        for text, models in _by_text({p: p.warning for p in points if p.warning}, titles)
    ]
    return [line for sentence in sentences for line in wrap(sentence)]


def wrap(sentence: str, length: int = LINE_LENGTH) -> list[str]:
    """Break a sentence into lines that fit above the chart."""
    return textwrap.wrap(sentence, length)


def chart_description(
    species: str, metric: str, ends: Sequence[CurvePoint], titles: Mapping[str, str]
) -> str:
    """Return the description for screen readers: the value at the end of each line."""
    parts = [
        f"{titles[point.model]} {wording.share(point.mean)}"
        + (
            f" ({wording.interval(point.low, point.high)})"
            if point.low is not None and point.high is not None
            else " (no interval)"
        )
        + f" at {size_in_words(point.size)}"
        for point in ends
    ]
    return f"{chart_title(species, metric)}. " + "; ".join(parts) + "."


def size_in_words(size: int) -> str:
    """Write a training size in clips per class."""
    return f"{size} clips per class" if size else "0 clips, untrained"


def point_in_words(point: CurvePoint, title: str, metric: str) -> str:
    """Describe a point for screen readers: model, training clips, value and interval."""
    if point.low is None or point.high is None:
        bounds = "no interval"
    else:
        bounds = (
            f"{wording.percent(point.level)} interval {wording.interval(point.low, point.high)}"
        )
    value = wording.share(point.mean)
    size = size_in_words(point.size)
    return f"{title}, {size}: {metric_words(metric).title} {value}, {bounds}"


def tooltip(
    point: CurvePoint, title: str, metric: str, *, with_method: bool = False
) -> dict[str, str]:
    """Return a point's tooltip as label -> text in display order, optionally with its method."""
    if point.low is None or point.high is None:
        bounds = "none"
    else:
        bounds = f"{wording.interval(point.low, point.high)} ({wording.percent(point.level)})"
    rows = {
        "model": title,
        "training clips per class": str(point.size) if point.size else "0 (untrained)",
        metric_words(metric).title: wording.share(point.mean),
        "interval": bounds,
        "interval status": point.status,
    }
    if with_method and point.low is not None:
        rows["interval method"] = _METHOD_WORDS[point.method]
    if point.recordings_pos is not None and point.recordings_neg is not None:
        rows["training recordings"] = (
            f"{wording.count(point.recordings_pos)} positive, "
            f"{wording.count(point.recordings_neg)} negative"
        )
    if point.folds is not None and point.repeats is not None:
        rows["test folds"] = f"{point.folds} × {point.repeats} repeats"
        if point.distinct_folds is not None:
            rows["test folds"] += f", {point.distinct_folds} {_DISTINCT}"
    return rows


def _protocol(points: Sequence[CurvePoint]) -> str:
    repeats = {point.repeats for point in points if point.repeats is not None}
    folds = {point.folds for point in points if point.folds is not None}
    protocols = {point.protocol for point in points}
    has_folds = {find_protocol(name).has_folds for name in protocols}
    if has_folds == {True} and folds:
        text = f"{wording.number_range(folds)}-fold cross-validation over recordings"
        if repeats:
            text += f", {wording.number_range(repeats)} repeats"
        drawn = {(p.folds or 0) * (p.repeats or 0) for p in points if p.distinct_folds is not None}
        distinct = {p.distinct_folds for p in points if p.distinct_folds is not None}
        if distinct and max(distinct) < max(drawn):
            text += f" ({wording.number_range(distinct)} {_DISTINCT})"
        return text
    if has_folds == {False}:
        text = "One fixed test set of whole recordings"
        return text + (f", {wording.number_range(repeats)} training draws" if repeats else "")
    return "Protocol: " + ", ".join(sorted(protocols))


def _without_interval(points: Sequence[CurvePoint], titles: Mapping[str, str]) -> list[str]:
    bare = {point: point.status for point in points if point.low is None}
    sentences = []
    everywhere = len(bare) == len(points)
    for text, models in _by_text(bare, titles):
        whose = "Hollow points" if everywhere else f"Hollow points ({models})"
        sentences.append(f"{whose} have no interval: {text}.")
    return sentences


def _by_text(texts: Mapping[CurvePoint, str], titles: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return each text once, with the models that it applies to."""
    grouped: dict[str, list[str]] = {}
    for point, text in texts.items():
        models = grouped.setdefault(text.rstrip("."), [])
        if titles[point.model] not in models:
            models.append(titles[point.model])
    return [(text, ", ".join(models)) for text, models in grouped.items()]
