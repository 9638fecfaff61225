"""Select the rows that the report shows: those of today's audio, encoders and settings.

:mod:`audio_assets.pipeline.current` decides which rows are current, and
:mod:`audio_assets.pipeline.report_content` what the report says about them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audio_assets.pipeline.current import (
    current_findings,
    current_rows,
    fresh_tables,
    is_of_settings,
    of_best_models,
    of_curves,
)
from audio_assets.pipeline.stages import STAGES, Shown
from audio_assets.pipeline.staleness import Staleness
from audio_assets.settings import Settings
from audio_assets.tables import (
    ALL_TABLES,
    AUDIO_INVENTORY,
    FINDINGS,
    LEARNING_CURVE,
    NEAR_DUPLICATES,
    QUARANTINE,
    ROC_AUC_CHART,
)

if TYPE_CHECKING:
    import pandas as pd

_SELECT = {Shown.OF_CURVES: of_curves, Shown.OF_BEST_MODELS: of_best_models}


@dataclass(frozen=True)
class ReportTables:
    """The tables that the report is made from.

    Attributes
    ----------
    inventory, near_duplicates
        By species.
    published_charts
        Rows of the charts that are published, by species.
    curves, quarantine
        Rows of all species.
    rows
        Rows of all species by stage: those that its row in the table of stages says are shown.
    clips
        The clips that the report knows of, removed ones included.
    unchecked
        Species whose clips were not examined with today's audio and settings.
    """

    inventory: Mapping[str, pd.DataFrame]
    near_duplicates: Mapping[str, pd.DataFrame]
    published_charts: Mapping[str, pd.DataFrame]
    curves: pd.DataFrame
    quarantine: pd.DataFrame
    rows: Mapping[str, pd.DataFrame]
    clips: pd.DataFrame
    unchecked: list[str]


def report_tables(
    settings: Settings,
    staleness: Staleness,
    tables: Mapping[str, Mapping[str, pd.DataFrame]],
    reported: pd.DataFrame,
) -> ReportTables:
    """Select the rows that the report shows.

    Parameters
    ----------
    tables
        By stage and partition.
    reported
        Clips that the last report knew of.
    """
    from audio_assets.catalog.reported_clips import clips_to_report
    from audio_assets.results.parquet import concat_tables

    definitions = {table.name: table for table in ALL_TABLES}
    inventory = {
        species: concat_tables([table], AUDIO_INVENTORY)
        for species, table in tables[AUDIO_INVENTORY.name].items()
    }

    def fresh(name: str) -> pd.DataFrame:
        current = fresh_tables(staleness, name, tables[name])
        return concat_tables(current.values(), definitions[name])

    curves = fresh(ROC_AUC_CHART.name)
    curves = curves[is_of_settings(curves, settings)]
    curves = current_rows(staleness, LEARNING_CURVE.name, curves)
    rows = {
        name: _SELECT[shown](fresh(name), curves)
        for name in tables
        if (shown := STAGES[name].shown) is not None
    }
    rows[FINDINGS.name] = current_findings(staleness, rows[FINDINGS.name])
    checked = fresh_tables(staleness, QUARANTINE.name, tables[QUARANTINE.name])
    return ReportTables(
        inventory=inventory,
        near_duplicates={
            species: pairs
            for species, pairs in tables[NEAR_DUPLICATES.name].items()
            if staleness.up_to_date(NEAR_DUPLICATES.name, species)
        },
        published_charts=fresh_tables(staleness, ROC_AUC_CHART.name, tables[ROC_AUC_CHART.name]),
        curves=curves,
        # Kept even if it could not be renewed: it names clips that a user should examine.
        quarantine=concat_tables(tables[QUARANTINE.name].values(), QUARANTINE),
        rows=rows,
        clips=clips_to_report(reported, inventory),
        unchecked=sorted(inventory.keys() - checked.keys()),
    )
