"""The evaluation of a model on a species, repeated on resampled recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.models.registry import get_model
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.settings import Settings
from audio_assets.tables import BOOTSTRAP_SCORES

if TYPE_CHECKING:
    import pandas as pd


def build_bootstrap_scores(assets: StageAssets, settings: Settings) -> dg.AssetsDefinition:
    @assets.table(
        BOOTSTRAP_SCORES,
        group="evaluation",
    )
    def bootstrap_scores(
        context: dg.AssetExecutionContext,
        embeddings: pd.DataFrame,
        balanced_manifest: pd.DataFrame,
        progress: Progress,
    ) -> Made:
        """Scores on recordings drawn with replacement, for the intervals of the learning curve."""
        from audio_assets.evaluation.species import bootstrap_species

        model, species = split_key(context.partition_key)
        spec = get_model(model)
        title = f"{species}: bootstrap of {model}"
        with progress.task(title, context.log.info) as advance:
            table = bootstrap_species(
                embeddings,
                balanced_manifest,
                draws=settings.bootstrap,
                species=species,
                model=model,
                encoder=spec.encoder,
                variant=settings.variant(model),
                head=spec.head,
                sizes=settings.training_sizes,
                protocol=settings.protocol,
                seed=settings.seed,
                workers=settings.worker_count,
                progress=advance,
            )
        return Made(table, {"draws": int(table["draw"].nunique())})

    return bootstrap_scores
