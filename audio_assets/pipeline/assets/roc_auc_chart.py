"""The chart of a species: ROC-AUC against training size, one line per model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.current import StalenessOf, current_curves
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.roots import Roots
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.results.layout import CHART_FORMATS
from audio_assets.tables import ROC_AUC_CHART

if TYPE_CHECKING:
    import pandas as pd


def build_roc_auc_chart(
    assets: StageAssets, roots: Roots, models: EnabledModels, staleness_of: StalenessOf
) -> dg.AssetsDefinition:
    @assets.table(
        ROC_AUC_CHART,
        group="report",
    )
    def roc_auc_chart(
        context: dg.AssetExecutionContext,
        balanced_manifest: pd.DataFrame,
        learning_curve: Mapping[str, pd.DataFrame],
    ) -> Made:
        """The learning curves of a species in one chart: HTML, SVG, PNG, Vega-Lite JSON and CSV.

        A model without a result, or with one of earlier audio or settings, is left out of the
        chart and named in the report.
        """
        import base64

        from audio_assets.objects.files import write_atomic
        from audio_assets.reporting.charts.learning_curve import learning_curve_chart
        from audio_assets.reporting.charts.render import render
        from audio_assets.results.csv_format import to_csv_bytes
        from audio_assets.results.parquet import concat_tables

        species = context.partition_key
        current = current_curves(
            models.settings, staleness_of(context.instance), balanced_manifest, learning_curve
        )
        curves = concat_tables(current.values(), ROC_AUC_CHART)
        rendered = render(learning_curve_chart(curves, species=species, models=models.titles))
        files = {
            "html": rendered.html.encode(),
            "svg": rendered.svg.encode(),
            "png": rendered.png,
            "json": rendered.json.encode(),
            "csv": to_csv_bytes(curves, ROC_AUC_CHART),
        }
        for form in CHART_FORMATS:
            write_atomic(roots.results.chart(species, form), files[form])
        # The SVG: the PNG is made for print and would not fit the page.
        preview = base64.b64encode(rendered.svg.encode()).decode()
        links = {
            form: dg.MetadataValue.path(str(roots.results.chart(species, form)))
            for form in CHART_FORMATS
        }
        return Made(
            curves,
            {
                "preview": dg.MetadataValue.md(
                    f"![Learning curves of {species}](data:image/svg+xml;base64,{preview})"
                ),
                "models": ", ".join(sorted(curves["model"].unique())) or "none",
                "left out as out of date": ", ".join(sorted(set(learning_curve) - set(current)))
                or "none",
                **links,
            },
        )

    return roc_auc_chart
