"""The cross-validation of a model on a species: fold scores and out-of-fold predictions."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg

from audio_assets.models.registry import get_model
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.plan import (
    KINDS,
    OWNERS,
    TABLES_IO,
    AssetPlan,
    clear_failures,
    column_schema,
)
from audio_assets.progress import Progress
from audio_assets.tables import BALANCED_MANIFEST, FOLD_PREDICTIONS, FOLD_SCORES


def build_fold_scores(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @dg.multi_asset(
        name="fold_scores",
        partitions_def=plan.partitions.species_by_model,
        deps=["encoder_card"],
        outs={
            table.name: dg.AssetOut(
                description=table.description,
                code_version=plan.version(table.name),
                io_manager_key=TABLES_IO,
                group_name="evaluation",
                kinds=KINDS,
                owners=OWNERS,
                metadata=column_schema(table),
            )
            for table in (FOLD_SCORES, FOLD_PREDICTIONS)
        },
    )
    def fold_scores(
        context: dg.AssetExecutionContext,
        embeddings: Any,
        balanced_manifest: Any,
        progress: dg.ResourceParam[Progress],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        """Train the head on growing balanced subsets and score it on each test fold."""
        from audio_assets.evaluation.species import score_species
        from audio_assets.results.parquet import content_version

        model, species = split_key(context.partition_key)
        spec = get_model(model)
        title = f"{species}: training {model}"
        started = time.process_time()
        with clear_failures(), progress.task(title, context.log.info) as advance:
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
                workers=plan.workers,
                progress=advance,
            )
        cpu = round(time.process_time() - started, 2)
        if "warning" in results.summary:
            context.log.warning(f"{species}: {model}: {results.summary['warning']}")
        for table, frame in (
            (FOLD_SCORES, results.scores),
            (FOLD_PREDICTIONS, results.predictions),
        ):
            yield dg.MaterializeResult(
                asset_key=table.name,
                value=frame,
                # Equal sounds in both variants give equal scores, and so may two heads; a curve
                # that says it is of the other variant or head would never be made again.
                data_version=dg.DataVersion(
                    f"{content_version(frame, table)}-{plan.reading_version(model)}"
                ),
                metadata={
                    "dagster/row_count": len(frame),
                    "CPU seconds": cpu,
                    **results.summary,
                },
            )

    return fold_scores
