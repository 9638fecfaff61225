"""The clips of a species that could not be used, over all models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.tables import QUARANTINE

if TYPE_CHECKING:
    import pandas as pd


def build_quarantine(assets: StageAssets) -> dg.AssetsDefinition:
    @assets.table(QUARANTINE, group="report")
    def quarantine(
        context: dg.AssetExecutionContext, embeddings: Mapping[str, pd.DataFrame]
    ) -> Made:
        """Clips that no model could use, each once, with the reason."""
        from audio_assets.catalog.quarantine import quarantined_clips

        table = quarantined_clips(embeddings.values(), context.partition_key)
        counts = table["reason"].value_counts()
        return Made(table, {str(reason): int(n) for reason, n in counts.items()})

    return quarantine
