"""What a reader should know of a species' clips before trusting its numbers."""

from typing import Any

import dagster as dg

from audio_assets.assets.plan import AssetPlan, clear_failures
from audio_assets.partitions import SPECIES
from audio_assets.tables import FINDINGS


def build_findings(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(FINDINGS, group="report", partitions_def=SPECIES, fan_in=["leak_check"])
    def findings(
        context: dg.AssetExecutionContext,
        leak_check: Any,
        clip_properties: Any,
        balanced_manifest: Any,
    ) -> dg.MaterializeResult[Any]:
        """Leaks of ordinary folds, labels that the files give away, sites and split recordings."""
        from audio_assets.evaluation.findings import find
        from audio_assets.storage.parquet import content_version

        with clear_failures(context):
            table = find(
                leak_check.values(),
                clip_properties,
                balanced_manifest,
                species=context.partition_key,
                ci_level=settings.ci_level,
                warn_auc=settings.confound_warn_auc,
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, FINDINGS)),
            metadata={"dagster/row_count": len(table), "warnings": int(table["warning"].sum())},
        )

    return findings
