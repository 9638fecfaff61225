"""Map of the clips of a species, as its best model's encoder separates them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.current import BestModel, StalenessOf, best_current_model
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.partitions import split_key
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.tables import EMBEDDING_MAP, EMBEDDINGS

if TYPE_CHECKING:
    import pandas as pd


def build_embedding_map(
    assets: StageAssets, roots: Roots, models: EnabledModels, staleness_of: StalenessOf
) -> dg.AssetsDefinition:
    # Embeddings are no input: that would hold those of all models.
    @assets.table(
        EMBEDDING_MAP,
        group="report",
    )
    def embedding_map(
        context: dg.AssetExecutionContext,
        balanced_manifest: pd.DataFrame,
        learning_curve: Mapping[str, pd.DataFrame],
    ) -> Made:
        """Principal components of the best model's embeddings, to reveal clusters and outliers.

        Only results of today's audio and settings are used.
        """
        from audio_assets.results.parquet import concat_tables

        best = best_current_model(
            models.settings, staleness_of(context.instance), balanced_manifest, learning_curve
        )
        rows = [] if best is None else [_map_of(roots, balanced_manifest, best)]
        table = concat_tables(rows, EMBEDDING_MAP)
        preview = _preview(models, context.partition_key, table)
        return Made(table, {**(best.metadata if best else {}), **preview})

    return embedding_map


def _map_of(roots: Roots, manifest: pd.DataFrame, best: BestModel) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    from audio_assets.evaluation.doubts.embedding_map import embedding_map
    from audio_assets.results.parquet import read_pieces

    columns = ("clip_id", "label", "status", "embedding", "encoder_fingerprint")
    path = roots.results.table(EMBEDDINGS.name, *split_key(best.key))
    # The recordings of the split plan: near-duplicates share one. Embeddings may be newer than the
    # plan, and are mapped again when it is updated.
    split = manifest[manifest["variant"] == best.origin["variant"]].drop_duplicates("clip_id")
    recordings = split.set_index("clip_id")["recording_id"]
    clips = pd.concat(
        piece[(piece["status"] == "ok") & piece["clip_id"].isin(recordings.index)]
        for piece in read_pieces(path, EMBEDDINGS, columns)
    )
    made = embedding_map(np.stack(list(clips.pop("embedding"))))
    return clips.assign(
        # The report shows no map of embeddings that are newer than the curve.
        **{name: value for name, value in best.origin.items() if name != "encoder_fingerprint"},
        recording_id=recordings.loc[clips["clip_id"]].to_numpy(),
        x=made.points[:, 0],
        y=made.points[:, 1],
        variance_x=made.variance[0],
        variance_y=made.variance[1],
    )


def _preview(models: EnabledModels, species: str, table: pd.DataFrame) -> dict[str, Any]:
    import base64

    from audio_assets.reporting.charts.embedding_map import map_chart
    from audio_assets.reporting.charts.render import preview_png

    if table.empty:
        return {}
    chart = map_chart(table, species=species, models=models.titles)
    picture = base64.b64encode(preview_png(chart)).decode()
    return {
        "preview": dg.MetadataValue.md(
            f"![Map of the embeddings of {species}](data:image/png;base64,{picture})"
        )
    }
