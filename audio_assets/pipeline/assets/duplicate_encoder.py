"""What identifies the encoder that tells near-duplicate clips, whatever models are turned on."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import GUARD, OWNERS, AssetPlan, clear_failures
from audio_assets.pipeline.probes import duplicate_encoder_tags, duplicate_encoder_version


def build_duplicate_encoder(plan: AssetPlan) -> dg.AssetsDefinition:
    @dg.asset(
        code_version=plan.version("duplicate_encoder"),
        tags=duplicate_encoder_tags(plan.settings),
        group_name="audio",
        kinds={"python"},
        owners=OWNERS,
        required_resource_keys={GUARD},
    )
    def duplicate_encoder(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The encoder that tells near-duplicate clips: a fingerprint, or that there is none."""
        with clear_failures(context):
            version = duplicate_encoder_version(plan.settings)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version),
            metadata={
                "encoder": plan.settings.duplicate_encoder or "none",
                "fingerprint": version,
                "cosine above": plan.settings.duplicate_cosine,
            },
        )

    return duplicate_encoder
