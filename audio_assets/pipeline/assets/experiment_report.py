"""The last stage: the shared CSV files and the report over all species and models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import dagster as dg

from audio_assets.pipeline.current import StalenessOf
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.report_content import report_content
from audio_assets.pipeline.report_tables import report_tables
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import (
    ANSWER,
    FINDINGS,
    MODEL_COMPARISON,
    QUARANTINE,
    REPORTED_CLIPS,
    ROC_AUC_CHART,
)

if TYPE_CHECKING:
    import pandas as pd


def build_experiment_report(
    assets: StageAssets,
    settings: Settings,
    roots: Roots,
    models: EnabledModels,
    staleness_of: StalenessOf,
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
        context: dg.AssetExecutionContext, **tables: Mapping[str, pd.DataFrame]
    ) -> dg.MaterializeResult[Any]:
        """learning_curves.csv, comparisons.csv, answers.csv, quarantine.csv and report/index.html.

        This asset alone writes them, each atomically, and beside the report the clips that it
        knows of, so that the next one can name those that are gone.
        """
        import hashlib
        from datetime import UTC, datetime

        from audio_assets.catalog.reported_clips import read_reported
        from audio_assets.objects.addresses import browser_address
        from audio_assets.objects.files import write_atomic
        from audio_assets.reporting.page.page import render_report
        from audio_assets.results.csv_format import to_csv_bytes
        from audio_assets.results.parquet import table_bytes

        results = roots.results
        staleness = staleness_of(context.instance, of_all=True)
        shown = report_tables(settings, staleness, tables, read_reported(results.reported_clips))
        content = report_content(settings, roots, models, shown, datetime.now(UTC))
        files = {
            results.learning_curves: to_csv_bytes(shown.curves, ROC_AUC_CHART),
            results.comparisons: to_csv_bytes(shown.rows[MODEL_COMPARISON.name], MODEL_COMPARISON),
            results.answers: to_csv_bytes(shown.rows[ANSWER.name], ANSWER),
            results.quarantine: to_csv_bytes(shown.quarantine, QUARANTINE),
            results.report: render_report(content).encode(),
            # Last: a run that is killed before it compares with the same clips again.
            results.reported_clips: table_bytes(shown.clips, REPORTED_CLIPS),
        }
        for path, data in files.items():
            write_atomic(path, data)
        # The time at which the report was made is no part of what it contains.
        parts = [data.replace(content.made.encode(), b"") for data in files.values()]
        digest = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts))
        not_installed = models.not_installed()
        return dg.MaterializeResult(
            data_version=dg.DataVersion(digest.hexdigest()),
            metadata={
                "report": dg.MetadataValue.url(browser_address(results.report)),
                "species": len(shown.inventory),
                "curves": int(shown.curves[["species", "model"]].drop_duplicates().shape[0]),
                "quarantined clips": len(shown.quarantine),
                "removed clips": len(content.removed),
                "warnings": int(shown.rows[FINDINGS.name]["warning"].sum()),
                "partitions without a result": sum(
                    model not in not_installed for _, model, _ in content.missing
                ),
                "models not installed": ", ".join(not_installed) or "none",
                **{path.name: dg.MetadataValue.path(str(path)) for path in files},
                "answers": dg.MetadataValue.md(content.answers_markdown()),
            },
        )

    return experiment_report
