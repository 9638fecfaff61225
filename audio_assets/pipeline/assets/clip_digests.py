"""What the clips of a species are, by content: the order that splits are drawn in."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import READERS_POOL, AssetPlan, clear_failures
from audio_assets.progress import Progress
from audio_assets.tables import CLIP_DIGESTS


def build_clip_digests(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(CLIP_DIGESTS, group="audio", pool=READERS_POOL)
    def clip_digests(
        context: dg.AssetExecutionContext,
        audio_inventory: Any,
        progress: dg.ResourceParam[Progress],
    ) -> dg.MaterializeResult[Any]:
        """SHA-256 of the clips, of very large ones their ends; those in a bucket are read once.

        A clip whose listing is as it was is taken from the table's last version.
        """
        from audio_assets.catalog.clip_digests import digest_clips
        from audio_assets.catalog.reading import content_reader
        from audio_assets.results.parquet import content_version

        species = context.partition_key
        title = f"{species}: reading clips for their digests"
        with clear_failures(), progress.task(title, context.log.info) as advance:
            table, read = digest_clips(
                audio_inventory,
                known=plan.last_version(CLIP_DIGESTS, species, context.log),
                content=content_reader(plan.audio_root, audio_inventory),
                progress=advance,
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, CLIP_DIGESTS)),
            metadata={"dagster/row_count": len(table), "read now": read},
        )

    return clip_digests
