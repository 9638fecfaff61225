"""Digests of species' listings: of the audio now, and as recorded by the inventories."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor

import dagster as dg

from audio_assets.catalog.inventory import listing_digest
from audio_assets.catalog.listing import list_objects, list_species
from audio_assets.catalog.recordings import read_recording_rules
from audio_assets.errors import AudioAssetsError, TransientStorageError
from audio_assets.objects.bucket_requests import map_counted
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import LISTING

_LISTED_AT_ONCE = 8


def listings_now(plan: AssetPlan, species: Sequence[str]) -> dict[str, str]:
    """Return species -> digest of its current listing.

    A species whose folder cannot be listed gets a digest of the error: its inventory is tried,
    fails with that error and is given up, without delaying any other species.

    Raises
    ------
    AudioAssetsError
        If the root cannot be listed or ``clips.csv`` cannot be read, or a bucket is temporarily
        unavailable.
    """
    root = plan.roots.audio
    list_species(root)
    rules = read_recording_rules(root, plan.settings.recording_patterns)

    def digest(name: str) -> str:
        objects = list_objects(root, name, compute_checksums=False, check_root=False)
        try:
            return listing_digest(objects, rules)
        except TransientStorageError:
            raise
        except AudioAssetsError as error:
            return hashlib.sha256(str(error).encode()).hexdigest()[:16]

    # Listing a bucket is mostly waiting, and Dagster limits a tick to one minute.
    with ThreadPoolExecutor(_LISTED_AT_ONCE) as pool:
        return dict(zip(species, map_counted(pool, digest, species), strict=True))


def recorded_listings(instance: dg.DagsterInstance, species: Iterable[str]) -> dict[str, str]:
    """Return species -> digest of the listing behind its inventory."""
    inventory = dg.AssetKey("audio_inventory")
    # Two queries for all: one per species would take most of the time of a tick without listings.
    ids = instance.get_latest_storage_id_by_partition(
        inventory, dg.DagsterEventType.ASSET_MATERIALIZATION, set(species)
    )
    if not ids:
        return {}
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(inventory, storage_ids=list(ids.values())), limit=len(ids)
    ).records
    recorded = {}
    for record in records:
        made = record.asset_materialization
        if made is not None and made.partition is not None and LISTING in made.metadata:
            recorded[made.partition] = str(made.metadata[LISTING].value)
    return recorded


def audio_is_as_recorded(plan: AssetPlan, instance: dg.DagsterInstance, species: str) -> bool:
    """Return whether a species' audio matches its inventory, so that a failed listing is resolved.

    The result is False if the audio still cannot be listed.
    """
    try:
        # If it cannot be listed, this is the digest of the error, which no inventory records.
        now = listings_now(plan, [species])[species]
    except AudioAssetsError:
        return False
    return recorded_listings(instance, [species]).get(species) == now
