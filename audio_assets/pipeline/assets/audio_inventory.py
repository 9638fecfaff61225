"""The first stage: what audio of a species lies under the audio root."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import READERS_POOL, AssetPlan, clear_failures
from audio_assets.pipeline.probes import LISTING, READ_ALL_TAG, take_inventory
from audio_assets.tables import AUDIO_INVENTORY


def build_audio_inventory(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(AUDIO_INVENTORY, group="audio", pool=READERS_POOL)
    def audio_inventory(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The clips of a species: a listing with recordings, nothing decoded.

        A species without a folder has an empty inventory. A listing that fails is an error.
        """
        with clear_failures(context):
            inventory, digest = take_inventory(
                plan, context.partition_key, read_all=READ_ALL_TAG in context.run.tags
            )
        from audio_assets.catalog.inventory import inventory_version

        clips = inventory.groupby(["variant", "label"]).size()
        return dg.MaterializeResult(
            value=inventory,
            data_version=dg.DataVersion(inventory_version(inventory)),
            metadata={
                "dagster/row_count": len(inventory),
                LISTING: digest,
                "recordings": int(inventory["recording_id"].nunique()),
                "megabytes": round(float(inventory["size"].sum()) / 1e6, 2),
                "not used": int((inventory["status"] != "ok").sum()),
                **{f"clips {variant}/{label}": int(n) for (variant, label), n in clips.items()},
            },
        )

    return audio_inventory
