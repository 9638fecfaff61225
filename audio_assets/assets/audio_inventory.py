"""The first stage: what audio of a species lies under the audio root."""

import logging
from typing import Any

import dagster as dg

from audio_assets.assets.plan import READERS_POOL, AssetPlan, clear_failures
from audio_assets.partitions import SPECIES
from audio_assets.tables import AUDIO_INVENTORY

READ_ALL_TAG = "audio-assets/read-all"
"""Tag of a run that reads all local files for their checksums, as if none was known."""

_log = logging.getLogger(__name__)

LISTING = "listing"
"""Metadata with the digest of the listing; the audio sensor compares it with the audio of now."""


def build_audio_inventory(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(AUDIO_INVENTORY, group="audio", partitions_def=SPECIES, pool=READERS_POOL)
    def audio_inventory(context: dg.AssetExecutionContext) -> dg.MaterializeResult[Any]:
        """The clips of a species: a listing with recordings, nothing decoded.

        A species without a folder has an empty inventory. A listing that fails is an error.
        """
        with clear_failures(context):
            inventory, digest = take_inventory(
                plan, context.partition_key, read_all=READ_ALL_TAG in context.run.tags
            )
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


def take_inventory(plan: AssetPlan, species: str, *, read_all: bool = False) -> tuple[Any, str]:
    """List a species now: :data:`audio_assets.tables.AUDIO_INVENTORY` and the listing's digest.

    Local files that the table's last version knows are not read again, unless all are to be.
    """
    from audio_assets.storage.files import is_local
    from audio_assets.storage.inventory import build_inventory, known_checksums, listing_digest
    from audio_assets.storage.listing import list_objects
    from audio_assets.storage.recordings import read_recording_rules

    root = plan.audio_root
    rules = read_recording_rules(root, plan.settings.recording_patterns)
    # A bucket lists its checksums.
    knows = is_local(root) and not read_all
    last = plan.last_version(AUDIO_INVENTORY, species, _log) if knows else None
    known = {} if last is None else known_checksums(last)
    objects = list(list_objects(root, species, known=known))
    return build_inventory(objects, rules), listing_digest(objects, rules)
