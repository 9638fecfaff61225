"""The page's map of a species' clips, with the sentences that explain how to read it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from audio_assets.evaluation.doubts.hard_clips import best_model
from audio_assets.reporting.charts import embed
from audio_assets.reporting.charts.embedding_map import drawn_clips, map_chart, variance_in_words
from audio_assets.reporting.page.content import ReportContent
from audio_assets.tables import EMBEDDING_MAP


@dataclass(frozen=True)
class PageMap:
    """The map of a species.

    Attributes
    ----------
    sentences
        Explanation of the map.
    sounds
        Which clips can be played; empty without a map.
    specification
        Vega-Lite JSON made safe for a script element; None if there is no map.
    """

    sentences: tuple[str, ...]
    sounds: str
    specification: str | None


def embedding_map(
    content: ReportContent, species: str, playable: Collection[str] = ()
) -> PageMap | None:
    """Return the map of a species; None if no model has a result.

    Parameters
    ----------
    playable
        Clips of the species whose sounds are on the page.
    """
    best = best_model(content.curves[content.curves["species"] == species])
    if best is None:
        return None
    title = content.title(best[0])
    table = content.rows(EMBEDDING_MAP)
    clips = table[table["species"] == species]
    if clips.empty:
        missing = f"There is no map of the embeddings of {title}: the step failed or has not run; "
        return PageMap((missing + "see audio-assets status.",), "", None)
    first = clips.iloc[0]
    x, y = (variance_in_words(first[name]) for name in ("variance_x", "variance_y"))
    texts = [
        f"Each point is a clip, placed by its {title} embedding. The axes are the first two "
        f"principal components of the embeddings, scaled to length 1: {x} of their variance lies "
        f"along the first axis, {y} along the second. Clips that lie apart here are apart; clips "
        "that lie together may still differ in what the plane does not show.",
        "Where the labels lie apart, the embeddings tell them apart, or something that goes with "
        "them; the learning curve shows how many clips that takes. Where the clips of one "
        "recording lie together, away from others of their label, the model may hear the recorder "
        "or the site as well: what it learns may not hold elsewhere. Choose a recording, or point "
        "at a clip, to see where the clips of its recording lie.",
    ]
    if _head(content, species, best[0]) != "logistic":
        texts.append(
            f"The classifier of {title} uses the embeddings differently: at their full length, "
            "with each value scaled separately. Clips that lie together here may be apart for it, "
            "and vice versa."
        )
    shown = drawn_clips(clips, playable=playable)
    drawn = len(shown)
    if drawn < len(clips):
        texts.append(
            f"{drawn:,} of {len(clips):,} clips are drawn, chosen by a digest of their names: "
            "always the same ones, and all clips of a label that has few. The table embedding_map "
            "has the others."
        )
    chart = map_chart(clips, species=species, models=content.models, playable=playable)
    heard = int(shown["clip_id"].isin(list(playable)).sum())
    return PageMap(tuple(texts), _sounds_in_words(heard), embed.script_json(chart.to_json()))


def _sounds_in_words(clips: int) -> str:
    if not clips:
        return "No clip of the map can be played: their sounds are not in this page."
    return (
        f"{clips} clips with a ring can be played: click on one, or reach it with the Tab key and "
        "press Enter. They are those listed under Clips most wrong; the sounds of the others would "
        "make this page too large."
    )


def _head(content: ReportContent, species: str, model: str) -> str:
    """Return the model's classifier; only the logistic one scales to length 1, as the map does."""
    rows = content.curves[
        (content.curves["species"] == species) & (content.curves["model"] == model)
    ]
    return str(rows["head"].iloc[0])
