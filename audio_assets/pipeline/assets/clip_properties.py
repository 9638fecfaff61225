"""Properties of clips that can be measured without listening."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import READERS_POOL, Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.settings import Settings
from audio_assets.tables import CLIP_PROPERTIES

if TYPE_CHECKING:
    import pandas as pd


def build_clip_properties(
    assets: StageAssets, settings: Settings, roots: Roots, models: EnabledModels
) -> dg.AssetsDefinition:
    @assets.table(CLIP_PROPERTIES, group="audio", pool=READERS_POOL)
    def clip_properties(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        progress: Progress,
    ) -> Made:
        """Format, sample rate, channels, duration and level of the clips that models read.

        A clip with unchanged bytes is taken from the table's last version.
        """
        from audio_assets.audio.decode import DurationLimits
        from audio_assets.catalog.clip_properties import measure_clips, seconds_before
        from audio_assets.catalog.reading import ClipReader

        species = context.partition_key
        limits = DurationLimits(settings.min_seconds, settings.max_seconds, settings.max_samples)
        title = f"{species}: measuring clips"
        with progress.task(title, context.log.info) as advance:
            table, measured = measure_clips(
                audio_inventory,
                models.variants,
                known=roots.last_version(CLIP_PROPERTIES, species, context.log),
                read=ClipReader(roots.audio, audio_inventory, limits),
                limits=limits,
                workers=settings.worker_count,
                progress=advance,
                heard_before=seconds_before(roots.results.table(CLIP_PROPERTIES.name, species)),
            )
        return Made(table, {"measured now": measured})

    return clip_properties
