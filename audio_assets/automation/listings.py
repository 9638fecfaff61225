"""Digests of species' listings: as their audio is now, and as their inventories recorded it."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from audio_assets.assets.audio_inventory import LISTING
from audio_assets.assets.plan import AssetPlan
from audio_assets.errors import AudioAssetsError


def listing_now(plan: AssetPlan, species: str) -> str:
    """Digest of the listing of a species now.

    Raises
    ------
    AudioAssetsError
        If it cannot be listed, or ``clips.csv`` cannot be read.
    """
    from audio_assets.storage.inventory import listing_digest
    from audio_assets.storage.listing import list_objects
    from audio_assets.storage.recordings import read_recording_rules

    rules = read_recording_rules(plan.audio_root, plan.settings.recording_patterns)
    return listing_digest(list_objects(plan.audio_root, species, compute_checksums=False), rules)


def recorded_listings(instance: dg.DagsterInstance, species: Iterable[str]) -> dict[str, str]:
    """Digest of the listing that each species' inventory was made of."""
    recorded = {}
    for name in species:
        records = instance.fetch_materializations(
            dg.AssetRecordsFilter(dg.AssetKey("audio_inventory"), asset_partitions=[name]), limit=1
        ).records
        made = records[0].asset_materialization if records else None
        if made is not None and LISTING in made.metadata:
            recorded[name] = str(made.metadata[LISTING].value)
    return recorded


def audio_is_as_recorded(plan: AssetPlan, instance: dg.DagsterInstance, species: str) -> bool:
    """Whether the audio of a species is that of its inventory, so that a failed listing is over.

    False as well if it still cannot be listed.
    """
    try:
        now = listing_now(plan, species)
    except AudioAssetsError:
        return False
    return recorded_listings(instance, [species]).get(species) == now
