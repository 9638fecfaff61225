"""Compare the models of a species, and the clips that each of them needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.current import StalenessOf, current_curves
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import MODEL_COMPARISON

if TYPE_CHECKING:
    import pandas as pd


def build_model_comparison(
    assets: StageAssets, settings: Settings, staleness_of: StalenessOf
) -> dg.AssetsDefinition:
    @assets.table(
        MODEL_COMPARISON,
        group="report",
    )
    def model_comparison(
        context: dg.AssetExecutionContext,
        balanced_manifest: pd.DataFrame,
        fold_scores: Mapping[str, pd.DataFrame],
        fold_predictions: Mapping[str, pd.DataFrame],
        learning_curve: Mapping[str, pd.DataFrame],
    ) -> Made:
        """Paired differences on equal folds with Holm's correction, and clips needed.

        Only results of today's audio and settings are compared.
        """
        from audio_assets.evaluation.species import compare_species

        current = current_curves(
            settings, staleness_of(context.instance), balanced_manifest, learning_curve
        )
        table = compare_species(
            [fold_scores[key] for key in current],
            [fold_predictions[key] for key in current],
            current.values(),
            species=context.partition_key,
            ci_level=settings.ci_level,
            target=settings.target_auc,
        )
        return Made(table, _clips_needed(table))

    return model_comparison


def _clips_needed(table: pd.DataFrame) -> dict[str, Any]:
    needed = table[table["kind"] == "clips_needed"]
    return {
        f"clips needed: {row['model_a']}": (
            int(row["training_size"]) if row["status"] == "ok" else row["status"]
        )
        for row in needed.to_dict("records")
    }
