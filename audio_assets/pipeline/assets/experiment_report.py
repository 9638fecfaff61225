"""The last stage: the shared CSV files and the report over all species and models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.current import (
    Look,
    current_findings,
    current_rows,
    fresh_tables,
    is_of_settings,
    of_best_models,
    of_curves,
)
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.report_content import ReportTables, report_content
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import (
    AUDIO_INVENTORY,
    CALIBRATION,
    EMBEDDING_MAP,
    FINDINGS,
    HARD_CLIPS,
    LEARNING_CURVE,
    MODEL_COMPARISON,
    NEAR_DUPLICATES,
    QUARANTINE,
    REPORTED_CLIPS,
    ROC_AUC_CHART,
    Table,
)

if TYPE_CHECKING:
    import pandas as pd


def build_experiment_report(
    assets: StageAssets, settings: Settings, roots: Roots, models: EnabledModels, look: Look
) -> dg.AssetsDefinition:
    @assets.other(
        "experiment_report",
        group_name="report",
        kinds={"python", "html"},
        # The nightly schedule makes it whatever has changed.
        freshness_policy=dg.FreshnessPolicy.time_window(
            warn_window=timedelta(hours=26), fail_window=timedelta(hours=50)
        ),
    )
    def experiment_report(
        context: dg.AssetExecutionContext,
        audio_inventory: Mapping[str, pd.DataFrame],
        near_duplicates: Mapping[str, pd.DataFrame],
        roc_auc_chart: Mapping[str, pd.DataFrame],
        model_comparison: Mapping[str, pd.DataFrame],
        quarantine: Mapping[str, pd.DataFrame],
        findings: Mapping[str, pd.DataFrame],
        calibration: Mapping[str, pd.DataFrame],
        hard_clips: Mapping[str, pd.DataFrame],
        embedding_map: Mapping[str, pd.DataFrame],
    ) -> dg.MaterializeResult[Any]:
        """learning_curves.csv, comparisons.csv, quarantine.csv and report/index.html.

        This asset alone writes them, each atomically, and beside the report the clips that it
        knows of, so that the next one can name those that are gone.
        """
        import hashlib

        from audio_assets.catalog.reported_clips import clips_to_report, read_reported
        from audio_assets.objects.files import write_atomic
        from audio_assets.reporting.page.page import render_report
        from audio_assets.results.csv_format import to_csv_bytes
        from audio_assets.results.parquet import concat_tables, table_bytes

        results = roots.results
        inventory = {key: concat_tables([t], AUDIO_INVENTORY) for key, t in audio_inventory.items()}
        staleness = look(context.instance, of_all=True)

        def fresh(table: Table, tables: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
            return concat_tables(fresh_tables(staleness, table.name, tables).values(), table)

        curves = fresh(ROC_AUC_CHART, roc_auc_chart)
        curves = curves[is_of_settings(curves, settings)]
        curves = current_rows(staleness, LEARNING_CURVE.name, curves)
        comparisons = of_curves(fresh(MODEL_COMPARISON, model_comparison), curves)
        # Kept when it could not be made anew: it names clips that somebody should look at.
        quarantined = concat_tables(quarantine.values(), QUARANTINE)
        looked_at = fresh_tables(staleness, QUARANTINE.name, quarantine)
        clips = clips_to_report(read_reported(results.reported_clips), inventory)
        found = current_findings(staleness, of_curves(fresh(FINDINGS, findings), curves))
        calibrated = of_curves(fresh(CALIBRATION, calibration), curves)
        hard = of_best_models(fresh(HARD_CLIPS, hard_clips), curves)
        maps = of_best_models(fresh(EMBEDDING_MAP, embedding_map), curves)
        copies = {
            species: pairs
            for species, pairs in near_duplicates.items()
            if staleness.up_to_date(NEAR_DUPLICATES.name, species)
        }
        tables = ReportTables(
            published_charts=fresh_tables(staleness, ROC_AUC_CHART.name, roc_auc_chart),
            inventory=inventory,
            near_duplicates=copies,
            curves=curves,
            comparisons=comparisons,
            quarantine=quarantined,
            clips=clips,
            findings=found,
            calibration=calibrated,
            hard_clips=hard,
            embedding_maps=maps,
            unchecked=sorted(inventory.keys() - looked_at.keys()),
        )
        content = report_content(settings, roots, models, tables)
        files = {
            results.learning_curves: to_csv_bytes(curves, ROC_AUC_CHART),
            results.comparisons: to_csv_bytes(comparisons, MODEL_COMPARISON),
            results.quarantine: to_csv_bytes(quarantined, QUARANTINE),
            results.report: render_report(content).encode(),
            # Last: a run that is killed before it compares with the same clips again.
            results.reported_clips: table_bytes(clips, REPORTED_CLIPS),
        }
        for path, data in files.items():
            write_atomic(path, data)
        digest = hashlib.sha256(b"".join(hashlib.sha256(d).digest() for d in files.values()))
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest.hexdigest()),
            metadata={
                "species": len(inventory),
                "curves": int(curves[["species", "model"]].drop_duplicates().shape[0]),
                "quarantined clips": len(quarantined),
                "removed clips": len(content.removed),
                "warnings": int(found["warning"].sum()),
                "partitions without a result": len(content.missing),
                **{path.name: dg.MetadataValue.path(str(path)) for path in files},
                "answers": dg.MetadataValue.md(content.answers_markdown()),
            },
        )

    return experiment_report
