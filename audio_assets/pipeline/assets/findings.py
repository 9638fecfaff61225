"""What a reader should know of a species' clips before trusting its numbers."""

from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.errors import AudioAssetsError
from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.tables import FINDINGS

if TYPE_CHECKING:
    from audio_assets.evaluation.doubts.hearing import Hearing


def build_findings(plan: AssetPlan) -> dg.AssetsDefinition:
    settings = plan.settings

    @plan.table_asset(FINDINGS, group="report")
    def findings(
        context: dg.AssetExecutionContext,
        leak_check: Any,
        audio_inventory: Any,
        clip_properties: Any,
        balanced_manifest: Any,
    ) -> dg.MaterializeResult[Any]:
        """What puts the numbers in doubt.

        Leaks of ordinary folds, labels that the files give away, sites, split recordings, and
        sound above what a model hears.
        """
        from audio_assets.catalog.recordings import read_recording_rules
        from audio_assets.evaluation.doubts.findings import find
        from audio_assets.results.parquet import content_version

        with clear_failures(context):
            # Read anew: no table has the further columns of clips.csv, since no number needs them.
            rules = read_recording_rules(plan.audio_root, settings.recording_patterns)
            table = find(
                leak_check.values(),
                clip_properties,
                balanced_manifest,
                audio_inventory,
                species=context.partition_key,
                ci_level=settings.ci_level,
                warn_auc=settings.confound_warn_auc,
                models={
                    model: hearing(plan, model)
                    for model in settings.models
                    if model in {table["model"].iloc[0] for table in leak_check.values()}
                },
                columns=rules.further_columns(context.partition_key, audio_inventory),
            )
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, FINDINGS)),
            metadata={"dagster/row_count": len(table), "warnings": int(table["warning"].sum())},
        )

    return findings


def hearing(plan: AssetPlan, model: str) -> "Hearing | str":
    """What a model listens to, or why that is not known."""
    from audio_assets.evaluation.doubts.hearing import Hearing

    try:
        encoder = plan.load_encoder(model)
    # Its own assets fail for it, and the other models' findings are not to be lost.
    except AudioAssetsError as error:
        return error.what
    return Hearing(plan.settings.variant(model), encoder.sample_rate / 2)
