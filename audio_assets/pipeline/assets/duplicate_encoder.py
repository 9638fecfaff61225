"""Identity of the encoder that detects near-duplicate clips, whatever models are enabled."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.probes import duplicate_encoder_tags, duplicate_encoder_version
from audio_assets.pipeline.stage_assets import StageAssets
from audio_assets.settings import Settings


def build_duplicate_encoder(assets: StageAssets, settings: Settings) -> dg.AssetsDefinition:
    @assets.other(
        "duplicate_encoder",
        tags=duplicate_encoder_tags(settings),
        group_name="audio",
        kinds={"python"},
    )
    def duplicate_encoder(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """Fingerprint of the encoder that detects near-duplicate clips, or ``off``."""
        version = duplicate_encoder_version(settings)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version),
            metadata={
                "encoder": settings.duplicate_encoder or "none",
                "fingerprint": version,
                "cosine above": settings.duplicate_cosine,
            },
        )

    return duplicate_encoder
