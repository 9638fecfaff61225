"""The split plan of a species, shared by all models so that they are compared on equal folds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import BALANCED_MANIFEST, LABELS

if TYPE_CHECKING:
    import pandas as pd


def build_balanced_manifest(assets: StageAssets, settings: Settings) -> dg.AssetsDefinition:
    @assets.table(BALANCED_MANIFEST, group="evaluation")
    def balanced_manifest(
        context: dg.AssetExecutionContext,
        audio_inventory: pd.DataFrame,
        clip_digests: pd.DataFrame,
        near_duplicates: pd.DataFrame,
    ) -> Made:
        """Folds over recordings or a fixed test set, and the order of clips for training.

        Recordings that share near-duplicate clips count as one. Empty where the species cannot be
        evaluated; the metadata then say why.
        """
        from audio_assets.catalog.clip_digests import with_digests
        from audio_assets.evaluation.doubts.near_duplicates import (
            join_recordings,
            joined_recordings,
        )
        from audio_assets.evaluation.intervals.protocols import find_protocol
        from audio_assets.evaluation.splits.loss import losses_of_classes
        from audio_assets.evaluation.splits.manifest import build_manifest
        from audio_assets.evaluation.splits.recordings import NoEvaluation
        from audio_assets.results.parquet import concat_tables

        metadata: dict[str, Any] = {}
        protocol = find_protocol(settings.protocol)
        clips = with_digests(audio_inventory, clip_digests)
        try:
            manifest = build_manifest(
                join_recordings(clips, near_duplicates),
                draw=protocol.planner(folds=settings.folds, per_class=settings.holdout_per_class),
                repeats=settings.repeats,
                seed=settings.seed,
            )
            shown, shortages = protocol.describe(manifest, settings.holdout_per_class)
            metadata |= shown
            for shortage in shortages:
                context.log.warning(f"{context.partition_key}: {shortage}")
        except NoEvaluation as reason:
            manifest = concat_tables([], BALANCED_MANIFEST)
            why = "; ".join([str(reason), *losses_of_classes(lost(audio_inventory), LABELS)])
            joined = len(joined_recordings(near_duplicates))
            if joined:
                why += (
                    f"; {joined} recordings share near-duplicate clips and count as one with "
                    "others (AUDIO_ASSETS_DUPLICATE_COSINE)"
                )
            metadata["no evaluation"] = why
            context.log.warning(f"{context.partition_key}: no evaluation: {why}")
        return Made(
            manifest,
            {
                **metadata,
                "clips": int(manifest[["variant", "clip_id"]].drop_duplicates().shape[0]),
                "recordings": int(manifest["recording_id"].nunique()),
            },
        )

    return balanced_manifest


def lost(inventory: pd.DataFrame) -> pd.DataFrame:
    """Add the reasons why listed clips are unusable, as far as a listing shows them."""
    status = inventory["status"].where(inventory["status"].isin(["ok", "duplicate"]), "quarantined")
    return inventory.assign(status=status, reason=inventory["status"])
