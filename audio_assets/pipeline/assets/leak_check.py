"""What folds over clips, instead of recordings, would have shown of a model on a species."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.tables import LEAK_CHECK


def build_leak_check(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(LEAK_CHECK, group="evaluation")
    def leak_check(
        context: dg.AssetExecutionContext,
        audio_inventory: Any,
        embeddings: Any,
        fold_scores: Any,
        fold_predictions: Any,
    ) -> dg.MaterializeResult[Any]:
        """AUC of folds over clips minus AUC of folds over recordings, at the largest size."""
        from audio_assets.evaluation.doubts.leak_check import leak_check as check
        from audio_assets.results.parquet import content_version

        with clear_failures(context):
            table = check(
                embeddings,
                fold_scores,
                fold_predictions,
                audio_inventory,
                ci_level=plan.settings.ci_level,
                workers=plan.workers,
            )
        row = table.iloc[0]
        shown = {"leak": float(row["difference"])} if row["difference"] == row["difference"] else {}
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, LEAK_CHECK)),
            metadata={"dagster/row_count": 1, "status": str(row["status"]), **shown},
        )

    return leak_check
