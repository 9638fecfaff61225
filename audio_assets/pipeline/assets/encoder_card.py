"""Identity of a model, so that a changed encoder or head makes the model's results stale.

A code version holds for all partitions of an asset; the fingerprint, the clips that are read and
the head differ by model, so they are the data version of an asset of its own.
"""

from typing import Any

import dagster as dg

from audio_assets.models.registry import get_encoder, get_model
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.stage_assets import StageAssets


def build_encoder_card(assets: StageAssets, models: EnabledModels) -> dg.AssetsDefinition:
    @assets.other("encoder_card", group_name="audio", kinds={"python"})
    def encoder_card(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The encoder's fingerprint, the clips that the model reads, and its head."""
        spec = get_model(context.partition_key)
        encoder = models.load_encoder(spec.name)
        version = models.encoder_version(spec.name)
        return dg.MaterializeResult(
            data_version=dg.DataVersion(version),
            metadata={
                "encoder": encoder.name,
                "fingerprint": encoder.fingerprint,
                "head": spec.head,
                "clips": models.settings.variant(spec.name),
                "weights": get_encoder(spec.encoder).weights,
                "licence of the weights": get_encoder(spec.encoder).licence,
                "sample rate (Hz)": encoder.sample_rate,
                "window (s)": encoder.window_seconds,
                "dimension": encoder.dimension,
                "classes": len(encoder.classes or ()),
            },
        )

    return encoder_card
