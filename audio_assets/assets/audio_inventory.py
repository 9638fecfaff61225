"""The first stage: what audio of a species lies under the audio root."""

from typing import Any

import dagster as dg

from audio_assets.assets.plan import READERS_POOL, AssetPlan, clear_failures
from audio_assets.partitions import SPECIES
from audio_assets.tables import AUDIO_INVENTORY

LISTING = "listing"
"""Metadata with the digest of the listing; the audio sensor compares it with the audio of now."""


def build_audio_inventory(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(AUDIO_INVENTORY, group="audio", partitions_def=SPECIES, pool=READERS_POOL)
    def audio_inventory(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The clips of a species: a listing with recordings, nothing decoded.

        A species without a folder has an empty inventory. A listing that fails is an error.
        """
        with clear_failures(context):
            inventory, digest = take_inventory(plan, context.partition_key)
        from audio_assets.storage.inventory import inventory_version

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


def take_inventory(plan: AssetPlan, species: str) -> tuple[Any, str]:
    """List a species now: :data:`audio_assets.tables.AUDIO_INVENTORY` and the listing's digest."""
    from audio_assets.storage.inventory import build_inventory, listing_digest
    from audio_assets.storage.listing import list_objects
    from audio_assets.storage.recordings import read_recording_rules

    rules = read_recording_rules(plan.audio_root, plan.settings.recording_patterns)
    objects = list(list_objects(plan.audio_root, species))
    return build_inventory(objects, rules), listing_digest(objects, rules)
