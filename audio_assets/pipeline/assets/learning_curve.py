"""The learning curve of a model on a species: means over folds with their intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.pipeline.versions import numbers_version
from audio_assets.settings import Settings
from audio_assets.tables import LEARNING_CURVE

if TYPE_CHECKING:
    import pandas as pd


def build_learning_curve(assets: StageAssets, settings: Settings) -> dg.AssetsDefinition:
    @assets.table(
        LEARNING_CURVE,
        group="evaluation",
    )
    def learning_curve(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        fold_scores: pd.DataFrame,
        fold_predictions: pd.DataFrame,
        bootstrap_scores: pd.DataFrame | None = None,
    ) -> Made:
        """ROC-AUC and the other metrics against clips per class, each with its interval."""
        from audio_assets.evaluation.doubts.unknown_recordings import (
            CURVE_WARNING,
            unknown_recordings,
        )
        from audio_assets.evaluation.species import summarise_species

        model, _ = split_key(context.partition_key)
        unknown = unknown_recordings(audio_inventory)
        curve = summarise_species(
            fold_scores,
            fold_predictions,
            ci_level=settings.ci_level,
            code_version=numbers_version(model, settings),
            draws=bootstrap_scores,
            doubt=CURVE_WARNING if unknown.suggestion else "",
        )
        return Made(curve, _largest(curve))

    return learning_curve


def _largest(curve: pd.DataFrame) -> dict[str, Any]:
    from audio_assets.reporting.words.wording import interval

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
        shown["interval"] = interval(float(row["ci_low"]), float(row["ci_high"]))
    return shown
