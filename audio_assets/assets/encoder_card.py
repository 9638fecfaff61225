"""What identifies the encoder behind a model, so that a changed encoder makes its embeddings stale.

A code version holds for all partitions of an asset; the fingerprint differs by model, so it is the
data version of an asset of its own.
"""

from typing import Any

import dagster as dg

from audio_assets.assets.plan import OWNERS, AssetPlan, clear_failures
from audio_assets.encoders.registry import get_model, load_encoder


def build_encoder_card(plan: AssetPlan) -> dg.AssetsDefinition:
    @dg.asset(
        partitions_def=plan.partitions.models,
        code_version=plan.version("encoder_card"),
        group_name="audio",
        kinds={"python"},
        owners=OWNERS,
    )
    def encoder_card(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The encoder of a model: its weights, preprocessing and libraries, as one fingerprint."""
        spec = get_model(context.partition_key)
        with clear_failures():
            encoder = load_encoder(spec.encoder)
            fingerprint = encoder.fingerprint
        return dg.MaterializeResult(
            data_version=dg.DataVersion(fingerprint),
            metadata={
                "encoder": encoder.name,
                "fingerprint": fingerprint,
                "head": spec.head,
                "clips": spec.variant,
                "sample rate (Hz)": encoder.sample_rate,
                "window (s)": encoder.window_seconds,
                "dimension": encoder.dimension,
                "classes": len(encoder.classes or ()),
            },
        )

    return encoder_card
