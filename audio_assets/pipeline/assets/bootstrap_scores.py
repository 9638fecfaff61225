"""The evaluation of a model on a species, repeated on resampled recordings."""

from typing import Any

import dagster as dg

from audio_assets.models.registry import get_model
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.progress import Progress
from audio_assets.tables import BOOTSTRAP_SCORES


def build_bootstrap_scores(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(
        BOOTSTRAP_SCORES,
        group="evaluation",
    )
    def bootstrap_scores(
        context: dg.AssetExecutionContext,
        embeddings: Any,
        balanced_manifest: Any,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[Any]:
        """Scores on recordings drawn with replacement, for the intervals of the learning curve."""
        from audio_assets.evaluation.species import bootstrap_species
        from audio_assets.results.parquet import content_version

        model, species = split_key(context.partition_key)
        spec = get_model(model)
        title = f"{species}: bootstrap of {model}"
        with clear_failures(), progress.task(title, context.log.info) as advance:
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
                workers=plan.workers,
                progress=advance,
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, BOOTSTRAP_SCORES)),
            metadata={"dagster/row_count": len(table), "draws": int(table["draw"].nunique())},
        )

    return bootstrap_scores
