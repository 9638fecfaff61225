"""Evaluate a model on a species with folds over clips, to show what leaks would add."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import LEAK_CHECK

if TYPE_CHECKING:
    import pandas as pd


def build_leak_check(assets: StageAssets, settings: Settings) -> dg.AssetsDefinition:
    @assets.table(LEAK_CHECK, group="evaluation")
    def leak_check(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        embeddings: pd.DataFrame,
        fold_scores: pd.DataFrame,
        fold_predictions: pd.DataFrame,
    ) -> Made:
        """AUC of folds over clips minus AUC of folds over recordings, at the largest size."""
        from audio_assets.evaluation.doubts.leak_check import leak_check as check

        table = check(
            embeddings,
            fold_scores,
            fold_predictions,
            audio_inventory,
            ci_level=settings.ci_level,
            workers=settings.worker_count,
        )
        row = table.iloc[0]
        shown = {"leak": float(row["difference"])} if row["difference"] == row["difference"] else {}
        return Made(table, {"status": str(row["status"]), **shown})

    return leak_check
