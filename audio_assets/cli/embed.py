"""Implement ``audio-assets embed``: one of many workers that fill a partition's embedding store.

It needs no Dagster instance, so that a pod with access to the buckets alone can run it.
"""

from __future__ import annotations

import logging

from audio_assets.cli.console import ConsoleProgress, QuietProgress, plain_console
from audio_assets.errors import UnknownSpeciesError
from audio_assets.pipeline.assets.embeddings import embed_species
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import take_inventory
from audio_assets.settings import load_settings


def run_embed(model: str, species: str, *, windows: bool, quiet: bool) -> None:
    """Return once the store has every usable clip of the species, embedded here or elsewhere.

    Raises
    ------
    UnknownSpeciesError
        If the species has no clips that the model reads.
    AudioAssetsError
        If the clips cannot be embedded.
    """
    console = plain_console()
    settings = load_settings()
    plan = AssetPlan(settings, build_partitions(settings))
    encoder = plan.models.load_encoder(model)
    variant = settings.variant(model)
    inventory, _ = take_inventory(plan.roots, plan.settings.recording_patterns, species)
    if not (inventory["variant"] == variant).any():
        raise UnknownSpeciesError(
            f"There are no clips of {species} under {settings.audio_root}",
            f"{model} reads {species}/{variant}/pos and {species}/{variant}/neg there.",
        )
    _, counts = embed_species(
        plan.settings,
        plan.roots,
        logging.getLogger(__name__),
        inventory,
        variant,
        encoder=encoder,
        classes=(),
        need_windows=windows,
        progress=QuietProgress() if quiet else ConsoleProgress(console),
        title=f"{species}: embedding with {encoder.name}",
    )
    console.print(
        f"{species}, {model}: {counts.embedded} embedded here, {counts.from_store} found in the "
        f"store, {counts.quarantined} could not be used",
        highlight=False,
        soft_wrap=True,
    )
