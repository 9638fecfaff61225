"""Findings about a species' clips that a reader should know before trusting its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.errors import AudioAssetsError
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import FINDINGS

if TYPE_CHECKING:
    import pandas as pd

    from audio_assets.evaluation.doubts.hearing import Hearing


def build_findings(
    assets: StageAssets, settings: Settings, roots: Roots, models: EnabledModels
) -> dg.AssetsDefinition:
    @assets.table(FINDINGS, group="report")
    def findings(
        context: dg.AssetExecutionContext,
        leak_check: Mapping[str, pd.DataFrame],
        audio_inventory: pd.DataFrame,
        clip_properties: pd.DataFrame,
        balanced_manifest: pd.DataFrame,
    ) -> Made:
        """Reasons to doubt the numbers.

        Leaks of ordinary folds, labels that the files give away, sites, split recordings, and
        sound above what a model hears.
        """
        from audio_assets.catalog.recordings import read_recording_rules
        from audio_assets.evaluation.doubts.findings import find

        # No table has the further columns of clips.csv, since no number needs them.
        rules = read_recording_rules(roots.audio, settings.recording_patterns)
        checked = {table["model"].iloc[0] for table in leak_check.values()}
        table = find(
            leak_check.values(),
            clip_properties,
            balanced_manifest,
            audio_inventory,
            species=context.partition_key,
            ci_level=settings.ci_level,
            warn_auc=settings.confound_warn_auc,
            models={model: hearing(models, model) for model in models if model in checked},
            columns=rules.further_columns(context.partition_key, audio_inventory),
        )
        return Made(table, {"warnings": int(table["warning"].sum())})

    return findings


def hearing(models: EnabledModels, model: str) -> Hearing | str:
    """The frequencies that a model hears, or why they are not known."""
    from audio_assets.evaluation.doubts.hearing import Hearing

    try:
        encoder = models.load_encoder(model)
    # Its own assets fail for it, and the other models' findings are not to be lost.
    except AudioAssetsError as error:
        return error.what
    return Hearing(models.settings.variant(model), encoder.sample_rate / 2)
