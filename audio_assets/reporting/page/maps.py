"""The map of a species' clips, as the page shows it and says how to read it."""

from __future__ import annotations

from dataclasses import dataclass

from audio_assets.evaluation.doubts.hard_clips import best_model
from audio_assets.reporting.charts import embed
from audio_assets.reporting.charts.embedding_map import drawn_clips, map_chart, variance_in_words
from audio_assets.reporting.page.content import ReportContent


@dataclass(frozen=True)
class PageMap:
    """The map of a species.

    Attributes
    ----------
    sentences
        What is shown and how to read it.
    specification
        Vega-Lite JSON made safe for a script element; None where there is no map.
    """

    sentences: tuple[str, ...]
    specification: str | None


def embedding_map(content: ReportContent, species: str) -> PageMap | None:
    """The section of a species; None where no model has a result."""
    best = best_model(content.curves[content.curves["species"] == species])
    if best is None:
        return None
    title = content.title(best[0])
    table = content.embedding_maps
    clips = table[table["species"] == species]
    if clips.empty:
        lost = f"There is no map of the embeddings of {title}: failed or not run; see "
        return PageMap((lost + "audio-assets status.",), None)
    first = clips.iloc[0]
    x, y = (variance_in_words(first[name]) for name in ("variance_x", "variance_y"))
    said = [
        f"Each point is a clip, by the embeddings of {title}, on the plane in which these, scaled "
        f"to length 1, differ most (principal components): {x} of their variance lies along "
        f"the first axis, {y} along the second. Clips that lie apart here are apart; clips that "
        "lie together may still differ in what the plane does not show.",
        "Where the labels lie apart, the embeddings tell them apart, or what goes with them; how "
        "many clips that takes is what the learning curve shows. Where the clips of one recording "
        "lie together, away from others of their label, the model may hear the recorder or the "
        "site as well: what it learns may not hold elsewhere. Choose a recording, or point "
        "at a clip, to see where the clips of its recording lie.",
    ]
    if _head(content, species, best[0]) != "logistic":
        said.append(
            f"The classifier of {title} weighs the embeddings otherwise: at their full length, "
            "with each value on a scale of its own. What lies together here may be apart for it, "
            "and the other way round."
        )
    drawn = len(drawn_clips(clips))
    if drawn < len(clips):
        said.append(
            f"{drawn:,} of {len(clips):,} clips are drawn, chosen by a digest of their names: "
            "always the same, and of a label with few clips all. The table embedding_map has the "
            "others."
        )
    chart = map_chart(clips, species=species, models=content.models)
    return PageMap(tuple(said), embed.script_json(chart.to_json()))


def _head(content: ReportContent, species: str, model: str) -> str:
    """The model's classifier; the logistic one alone scales to length 1, as the map does."""
    rows = content.curves[
        (content.curves["species"] == species) & (content.curves["model"] == model)
    ]
    return str(rows["head"].iloc[0])
