"""The cross-validation of a model on a species: fold scores and out-of-fold predictions."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.models.registry import get_model
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.settings import Settings
from audio_assets.tables import BALANCED_MANIFEST, FOLD_PREDICTIONS, FOLD_SCORES

if TYPE_CHECKING:
    import pandas as pd


def build_fold_scores(
    assets: StageAssets, settings: Settings, models: EnabledModels
) -> dg.AssetsDefinition:
    @assets.tables((FOLD_SCORES, FOLD_PREDICTIONS), group="evaluation")
    def fold_scores(
        context: dg.AssetExecutionContext,
        embeddings: pd.DataFrame,
        balanced_manifest: pd.DataFrame,
        progress: Progress,
    ) -> list[Made]:
        """Train the head on growing balanced subsets and score it on each test fold."""
        from audio_assets.evaluation.species import score_species
        from audio_assets.results.parquet import content_version

        model, species = split_key(context.partition_key)
        spec = get_model(model)
        started = time.process_time()
        with progress.task(f"{species}: training {model}", context.log.info) as advance:
            results = score_species(
                embeddings,
                balanced_manifest,
                species=species,
                model=model,
                encoder=spec.encoder,
                variant=settings.variant(model),
                head=spec.head,
                sizes=settings.training_sizes,
                protocol=settings.protocol,
                seed=settings.seed,
                split_plan=content_version(balanced_manifest, BALANCED_MANIFEST),
                workers=settings.worker_count,
                progress=advance,
            )
        if "warning" in results.summary:
            context.log.warning(f"{species}: {model}: {results.summary['warning']}")
        metadata = {"CPU seconds": round(time.process_time() - started, 2), **results.summary}
        # Equal sounds in both variants give equal scores, and so may two heads; a curve that says
        # it is of the other variant or head would never be made again.
        reading = models.reading_version(model)
        return [
            Made(frame, metadata, version=f"{content_version(frame, table)}-{reading}")
            for table, frame in (
                (FOLD_SCORES, results.scores),
                (FOLD_PREDICTIONS, results.predictions),
            )
        ]

    return fold_scores
