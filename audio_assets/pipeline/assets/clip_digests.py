"""Digests of the contents of clips, which fix the order that splits are drawn in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import READERS_POOL, Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.tables import CLIP_DIGESTS

if TYPE_CHECKING:
    import pandas as pd


def build_clip_digests(assets: StageAssets, roots: Roots) -> dg.AssetsDefinition:
    @assets.table(CLIP_DIGESTS, group="audio", pool=READERS_POOL)
    def clip_digests(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        progress: Progress,
    ) -> Made:
        """SHA-256 per clip, or of the ends of a very large one; clips in a bucket are read once.

        A clip with an unchanged listing is taken from the table's last version.
        """
        from audio_assets.catalog.clip_digests import digest_clips
        from audio_assets.catalog.reading import content_reader

        species = context.partition_key
        title = f"{species}: reading clips for their digests"
        with progress.task(title, context.log.info) as advance:
            table, read = digest_clips(
                audio_inventory,
                known=roots.last_version(CLIP_DIGESTS, species, context.log),
                content=content_reader(roots.audio, audio_inventory),
                progress=advance,
            )
        return Made(table, {"read now": read})

    return clip_digests
