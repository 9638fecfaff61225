"""Find clips that sound the same, so that no copy of a training clip is tested on.

One encoder decides for all models, whatever models are enabled: the split plan that follows is
shared by all of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.assets.embeddings import embed_species
from audio_assets.pipeline.failures import log_while_running
from audio_assets.pipeline.probes import (
    as_duplicate_encoder,
    duplicate_encoder_tags,
    load_duplicate_encoder,
)
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import ENCODERS_POOL, Made, StageAssets
from audio_assets.progress import Progress
from audio_assets.settings import Settings
from audio_assets.tables import NEAR_DUPLICATES, VARIANTS

if TYPE_CHECKING:
    import pandas as pd


def build_near_duplicates(
    assets: StageAssets, settings: Settings, roots: Roots
) -> dg.AssetsDefinition:
    @assets.table(
        NEAR_DUPLICATES,
        group="audio",
        tags=duplicate_encoder_tags(settings),
        pool=ENCODERS_POOL,
    )
    def near_duplicates(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        progress: Progress,
    ) -> Made:
        """Pairs of clips of a species that sound the same, even if their bytes differ.

        The clips under data/ are compared with each other, and so are those under data_5s/: models
        read one or the other, and one split plan serves all. Stored embeddings are reused, and
        models reuse what is embedded here.
        """
        from audio_assets.evaluation.doubts.near_duplicates import (
            find_near_duplicates,
            joined_groups,
        )
        from audio_assets.results.parquet import concat_tables

        species = context.partition_key
        metadata: dict[str, Any] = {}
        pairs = concat_tables([], NEAR_DUPLICATES)
        if settings.finds_near_duplicates and len(audio_inventory):
            with log_while_running(context):
                encoder = load_duplicate_encoder(settings)
            with as_duplicate_encoder(settings):
                found, counted = [], []
                for variant in VARIANTS:
                    if not (audio_inventory["variant"] == variant).any():
                        continue
                    embeddings, counts = embed_species(
                        settings,
                        roots,
                        context.log,
                        audio_inventory,
                        variant,
                        encoder=encoder,
                        classes=(),
                        progress=progress,
                        title=f"{species}: looking for near-duplicates in {variant} "
                        f"with {encoder.name}",
                    )
                    found.append(
                        find_near_duplicates(
                            embeddings.whole(), species=species, above=settings.duplicate_cosine
                        )
                    )
                    counted.append(counts)
                pairs = concat_tables(found, NEAR_DUPLICATES)
            metadata = {
                "embedded now": sum(counts.embedded for counts in counted),
                "from the store": sum(counts.from_store for counts in counted),
                "megabytes read": round(sum(counts.bytes_read for counts in counted) / 1e6, 2),
                "CPU seconds": round(sum(counts.cpu_seconds for counts in counted), 2),
            }
        groups = joined_groups(pairs)
        contradictory = pairs[pairs["label_a"] != pairs["label_b"]]
        for pair in contradictory.itertuples():
            context.log.warning(
                f"{species}: {pair.clip_id_a} and {pair.clip_id_b} sound the same "
                f"(cosine {pair.cosine:.4f}) and have contradictory labels"
            )
        return Made(
            pairs,
            {
                "encoder": settings.duplicate_encoder or "none",
                "cosine above": settings.duplicate_cosine,
                "contradictory pairs": len(contradictory),
                "recordings joined": sum(map(len, groups)),
                "joined groups": len(groups),
                "recordings in the largest group": max(map(len, groups), default=0),
                **metadata,
            },
        )

    return near_duplicates
