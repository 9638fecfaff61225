"""What can be told of the clips of a species without listening to them."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import READERS_POOL, AssetPlan, clear_failures
from audio_assets.progress import Progress
from audio_assets.tables import CLIP_PROPERTIES


def build_clip_properties(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(CLIP_PROPERTIES, group="audio", pool=READERS_POOL)
    def clip_properties(
        context: dg.AssetExecutionContext,
        audio_inventory: Any,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[Any]:
        """Format, sample rate, channels, duration and level of the clips that models read.

        A clip whose bytes are as they were is taken from the table's last version.
        """
        from audio_assets.audio.decode import DurationLimits
        from audio_assets.catalog.clip_properties import measure_clips, seconds_before
        from audio_assets.catalog.reading import ClipReader
        from audio_assets.results.parquet import content_version

        species = context.partition_key
        limits = DurationLimits(settings.min_seconds, settings.max_seconds, settings.max_samples)
        title = f"{species}: measuring clips"
        with clear_failures(), progress.task(title, context.log.info) as advance:
            table, measured = measure_clips(
                audio_inventory,
                plan.variants,
                known=plan.last_version(CLIP_PROPERTIES, species, context.log),
                read=ClipReader(plan.audio_root, audio_inventory, limits),
                limits=limits,
                workers=plan.workers,
                progress=advance,
                heard_before=seconds_before(plan.results.table(CLIP_PROPERTIES.name, species)),
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, CLIP_PROPERTIES)),
            metadata={"dagster/row_count": len(table), "measured now": measured},
        )

    return clip_properties
