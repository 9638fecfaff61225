"""Calibration of the probabilities of a species' models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.tables import CALIBRATION

if TYPE_CHECKING:
    import pandas as pd


def build_calibration(assets: StageAssets) -> dg.AssetsDefinition:
    @assets.table(CALIBRATION, group="report")
    def calibration(
        context: dg.AssetExecutionContext, fold_predictions: Mapping[str, pd.DataFrame]
    ) -> Made:
        """Out-of-fold probabilities against what came true, in bins, for every model."""
        from audio_assets.evaluation.doubts.calibration import calibration as calibrate
        from audio_assets.evaluation.doubts.calibration import expected_calibration_error
        from audio_assets.results.parquet import concat_tables

        tables = [calibrate(predictions) for predictions in fold_predictions.values()]
        table = concat_tables(tables, CALIBRATION)
        return Made(
            table,
            {
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
