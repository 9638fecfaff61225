"""The embeddings of a species by a model's encoder."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.encoders.base import Encoder
from audio_assets.models.registry import get_encoder, get_model, load_encoder
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.failures import log_while_running
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import ENCODERS_POOL, Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.settings import Settings
from audio_assets.tables import EMBEDDINGS

if TYPE_CHECKING:
    import pandas as pd

    from audio_assets.results.pieces import PiecewiseTable


@dataclass(frozen=True)
class EmbedCounts:
    """Counts of embedding a species; CPU seconds are those of all work, reading included."""

    embedded: int
    from_store: int
    quarantined: int
    duplicates: int
    bytes_read: int
    cpu_seconds: float


def build_embeddings(
    assets: StageAssets, settings: Settings, roots: Roots, models: EnabledModels
) -> dg.AssetsDefinition:
    @assets.table(EMBEDDINGS, group="embedding", pool=ENCODERS_POOL)
    def embeddings(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        progress: Progress,
    ) -> Made:
        """One embedding per clip; clips that cannot be used are rows with a reason.

        A clip is embedded once per encoder: stored embeddings are reused.
        """
        model, species = split_key(context.partition_key)
        spec = get_model(model)
        classes = settings.species_classes.get(species, {}).get(spec.encoder, [])
        with log_while_running(context):
            encoder = models.load_encoder(model)
        table, counts = embed_species(
            settings,
            roots,
            context.log,
            audio_inventory,
            settings.variant(model),
            encoder=encoder,
            classes=classes,
            progress=progress,
            title=f"{species}: embedding with {encoder.name}",
        )
        for row in table.rows[table.rows["status"] == "quarantined"].itertuples():
            context.log.warning(f"{row.uri} is quarantined: {row.detail}")
        return Made(
            table,
            {
                "embedded now": counts.embedded,
                "from the store": counts.from_store,
                "megabytes read": round(counts.bytes_read / 1e6, 2),
                "CPU seconds": round(counts.cpu_seconds, 2),
                "quarantined": counts.quarantined,
                "duplicates": counts.duplicates,
                "windows": int(table.rows["windows"].fillna(0).sum()),
                "encoder fingerprint": encoder.fingerprint,
                "classes of the species": ", ".join(classes) or "none",
            },
        )

    return embeddings


def embed_species(
    settings: Settings,
    roots: Roots,
    log: logging.Logger,
    inventory: pd.DataFrame,
    variant: str,
    *,
    encoder: Encoder,
    classes: Sequence[str],
    progress: Progress,
    title: str,
    need_windows: bool = False,
) -> tuple[PiecewiseTable, EmbedCounts]:
    """Embed what the store lacks: the embeddings table and counts.

    See :func:`audio_assets.embeddings.table.embed_inventory`.
    """
    from audio_assets.audio.decode import DurationLimits
    from audio_assets.catalog.reading import ClipReader
    from audio_assets.embeddings.store import EmbeddingStore
    from audio_assets.embeddings.table import embed_inventory

    limits = DurationLimits(settings.min_seconds, settings.max_seconds, settings.max_samples)
    read = ClipReader(roots.audio, inventory, limits)
    started = _cpu_seconds()
    with progress.task(title, log.info) as advance:
        table, counts = embed_inventory(
            inventory,
            variant,
            encoder=encoder,
            make_encoder=partial(
                load_encoder, encoder.name, settings.weight_places(roots.patience)
            ),
            store=EmbeddingStore(
                roots.results.root,
                encoder.name,
                encoder.fingerprint,
                warn=log.warning,
                need_windows=need_windows,
            ),
            read=read,
            limits=limits,
            species_classes=classes,
            workers=settings.worker_count,
            progress=advance,
            in_processes=get_encoder(encoder.name).in_processes,
        )
    return table, EmbedCounts(
        counts.embedded,
        counts.from_store,
        counts.quarantined,
        counts.duplicates,
        bytes_read=read.bytes_read,
        cpu_seconds=_cpu_seconds() - started,
    )


def _cpu_seconds() -> float:
    """CPU seconds of this process and of the workers that it has ended."""
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
