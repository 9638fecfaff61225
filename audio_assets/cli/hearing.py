"""Console sentences about models that do not hear the sound of a species' positives.

They rest on the published measurements of the clips: nothing is listed, downloaded or decoded.
"""

from __future__ import annotations

from collections.abc import Sequence

from audio_assets.evaluation.doubts.hearing import hearing_rows
from audio_assets.objects.files import exists
from audio_assets.pipeline.assets.findings import hearing
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.reporting.words.hearing_words import hearing_sentences
from audio_assets.results.parquet import read_table
from audio_assets.tables import CLIP_PROPERTIES


def measured_species(plan: AssetPlan, species: Sequence[str]) -> list[str]:
    """Return the species among these whose clips have been measured."""
    table = CLIP_PROPERTIES.name
    return [name for name in species if exists(plan.roots.results.table(table, name))]


def unheard(plan: AssetPlan, species: Sequence[str]) -> list[str]:
    """Return a sentence per species and per upper frequency of models that miss its positives.

    Raises
    ------
    ResultsError
        If a published table is damaged, or was written by an earlier version.
    """
    heard = {model: hearing(plan.models, model) for model in plan.models}
    # Problems with the other models are reported elsewhere.
    known = {model: found for model, found in heard.items() if not isinstance(found, str)}
    sentences: list[str] = []
    for name in measured_species(plan, species):
        properties = read_table(
            plan.roots.results.table(CLIP_PROPERTIES.name, name), CLIP_PROPERTIES
        )
        rows = [row | {"species": name} for row in hearing_rows(properties, known)]
        sentences += hearing_sentences(rows, plan.settings.title)
    return sentences
