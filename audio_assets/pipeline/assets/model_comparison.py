"""Models against each other on a species, and the clips each of them needs."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.current import Look, current_curves
from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.tables import MODEL_COMPARISON


def build_model_comparison(plan: AssetPlan, look: Look) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(
        MODEL_COMPARISON,
        group="report",
    )
    def model_comparison(
        context: dg.AssetExecutionContext,
        balanced_manifest: Any,
        fold_scores: Any,
        fold_predictions: Any,
        learning_curve: Any,
    ) -> dg.MaterializeResult[Any]:
        """Paired differences on equal folds with Holm's correction, and clips needed.

        Between results of today's audio and settings alone.
        """
        from audio_assets.evaluation.species import compare_species
        from audio_assets.results.parquet import content_version

        with clear_failures(context):
            current = current_curves(
                plan, look(context.instance), balanced_manifest, learning_curve
            )
            table = compare_species(
                [fold_scores[key] for key in current],
                [fold_predictions[key] for key in current],
                current.values(),
                species=context.partition_key,
                ci_level=settings.ci_level,
                target=settings.target_auc,
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, MODEL_COMPARISON)),
            metadata={
                "dagster/row_count": len(table),
                **_clips_needed(table),
            },
        )

    return model_comparison


def _clips_needed(table: Any) -> dict[str, Any]:
    needed = table[table["kind"] == "clips_needed"]
    return {
        f"clips needed: {row.model_a}": int(row.training_size) if row.status == "ok" else row.status
        for row in needed.itertuples()
    }
