"""The learning curve of a model on a species: means over folds with their intervals."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.pipeline.versions import numbers_version
from audio_assets.tables import LEARNING_CURVE


def build_learning_curve(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(
        LEARNING_CURVE,
        group="evaluation",
    )
    def learning_curve(
        context: dg.AssetExecutionContext,
        audio_inventory: Any,
        fold_scores: Any,
        fold_predictions: Any,
        **bootstrap: Any,
    ) -> dg.MaterializeResult[Any]:
        """ROC-AUC and the other metrics against clips per class, each with its interval."""
        from audio_assets.evaluation.doubts.unknown_recordings import (
            CURVE_WARNING,
            unknown_recordings,
        )
        from audio_assets.evaluation.species import summarise_species
        from audio_assets.results.parquet import content_version

        model, _ = split_key(context.partition_key)
        with clear_failures(context):
            unknown = unknown_recordings(audio_inventory)
            curve = summarise_species(
                fold_scores,
                fold_predictions,
                ci_level=settings.ci_level,
                code_version=numbers_version(model, settings),
                draws=bootstrap.get("bootstrap_scores"),
                doubt=CURVE_WARNING if unknown.suggestion else "",
            )
        return dg.MaterializeResult(
            value=curve,
            data_version=dg.DataVersion(content_version(curve, LEARNING_CURVE)),
            metadata={"dagster/row_count": len(curve), **_largest(curve)},
        )

    return learning_curve


def _largest(curve: Any) -> dict[str, Any]:
    auc = curve[(curve["metric"] == "roc_auc") & curve["mean"].notna()]
    if auc.empty:
        return {"no evaluation": str(curve["ci_status"].iloc[0])}
    row = auc.sort_values("training_size").iloc[-1]
    shown: dict[str, Any] = {
        "AUC at the largest size": float(row["mean"]),
        "largest size": int(row["training_size"]),
        "interval": str(row["ci_status"]),
    }
    if row["ci_low"] == row["ci_low"]:
        shown["interval"] = f"{row['ci_low']:.3f} to {row['ci_high']:.3f}"
    return shown
