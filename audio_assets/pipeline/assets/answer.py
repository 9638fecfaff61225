"""Answer for a species which model to use, whether the clips are enough, and what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dagster as dg

from audio_assets.pipeline.current import (
    StalenessOf,
    current_findings,
    current_rows,
    fresh_tables,
    is_of_settings,
    of_curves,
)
from audio_assets.pipeline.stage_assets import Made, StageAssets
from audio_assets.settings import Settings
from audio_assets.tables import ANSWER, FINDINGS, LEARNING_CURVE, MODEL_COMPARISON, ROC_AUC_CHART

if TYPE_CHECKING:
    import pandas as pd


def build_answer(
    assets: StageAssets, settings: Settings, staleness_of: StalenessOf
) -> dg.AssetsDefinition:
    @assets.table(ANSWER, group="report")
    def answer(
        context: dg.AssetExecutionContext,
        roc_auc_chart: Mapping[str, pd.DataFrame],
        model_comparison: Mapping[str, pd.DataFrame],
        findings: Mapping[str, pd.DataFrame],
    ) -> Made:
        """The recommended model, the clips that are enough, and the next step.

        Only results of today's audio and settings count. Without findings the answer is made from
        the others.
        """
        from audio_assets.evaluation.answers.verdict import answer as answer_species
        from audio_assets.results.parquet import concat_tables

        staleness = staleness_of(context.instance)
        curves = concat_tables(
            fresh_tables(staleness, ROC_AUC_CHART.name, roc_auc_chart).values(), ROC_AUC_CHART
        )
        curves = curves[is_of_settings(curves, settings)]
        curves = current_rows(staleness, LEARNING_CURVE.name, curves)
        compared = fresh_tables(staleness, MODEL_COMPARISON.name, model_comparison)
        found = fresh_tables(staleness, FINDINGS.name, findings)
        table = answer_species(
            curves,
            of_curves(concat_tables(compared.values(), MODEL_COMPARISON), curves),
            current_findings(staleness, concat_tables(found.values(), FINDINGS)),
            target=settings.target_auc,
            margin=settings.margin_auc,
        )
        titles = {model: settings.title(model) for model in settings.models}
        return Made(table, {"answer": _in_words(table, titles)} if len(table) else {})

    return answer


def _in_words(table: pd.DataFrame, titles: Mapping[str, str]) -> dg.MetadataValue[str]:
    from audio_assets.reporting.words.answer_words import verdict

    return dg.MetadataValue.text(verdict(table.to_dict("records")[0], titles))
