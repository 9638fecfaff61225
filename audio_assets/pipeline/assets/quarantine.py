"""The clips of a species that could not be used, over all models."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.tables import QUARANTINE


def build_quarantine(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(QUARANTINE, group="report")
    def quarantine(context: dg.AssetExecutionContext, embeddings: Any) -> dg.MaterializeResult[Any]:
        """Clips that no model could use, each once, with the reason."""
        from audio_assets.catalog.quarantine import quarantined_clips
        from audio_assets.results.parquet import content_version

        with clear_failures(context):
            table = quarantined_clips(embeddings.values(), context.partition_key)
        counts = table["reason"].value_counts()
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, QUARANTINE)),
            metadata={
                "dagster/row_count": len(table),
                **{str(reason): int(n) for reason, n in counts.items()},
            },
        )

    return quarantine
