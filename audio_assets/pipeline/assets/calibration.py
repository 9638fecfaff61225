"""Whether the probabilities of a species' models come true."""

from typing import Any

import dagster as dg

from audio_assets.pipeline.plan import AssetPlan, clear_failures
from audio_assets.tables import CALIBRATION


def build_calibration(plan: AssetPlan) -> dg.AssetsDefinition:
    @plan.table_asset(CALIBRATION, group="report")
    def calibration(
        context: dg.AssetExecutionContext, fold_predictions: Any
    ) -> dg.MaterializeResult[Any]:
        """Out-of-fold probabilities against what came true, in bins, for every model."""
        from audio_assets.evaluation.doubts.calibration import calibration as calibrate
        from audio_assets.evaluation.doubts.calibration import expected_calibration_error
        from audio_assets.results.parquet import concat_tables, content_version

        with clear_failures(context):
            tables = [calibrate(predictions) for predictions in fold_predictions.values()]
            table = concat_tables(tables, CALIBRATION)
        return dg.MaterializeResult(
            value=table,
            data_version=dg.DataVersion(content_version(table, CALIBRATION)),
            metadata={
                "dagster/row_count": len(table),
                **{
                    f"expected calibration error: {model}": expected_calibration_error(bins)
                    for model, bins in table.groupby("model")
                },
                # An error says little without what chance makes of probabilities that come true.
                **{
                    f"of that by chance: {model}": float(bins["floor"].iloc[0])
                    for model, bins in table.groupby("model")
                    if bins["floor"].notna().all()
                },
            },
        )

    return calibration
