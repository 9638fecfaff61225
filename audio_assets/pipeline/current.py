"""Select the results that are current: computed from today's audio and settings.

A partition that fails keeps the tables of its last success, and so does everything computed from
it. They are right for the audio of that time, but would look like today's results beside others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import dagster as dg

from audio_assets.pipeline.partitions import partition_key
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.pipeline.versions import numbers_version
from audio_assets.settings import Settings
from audio_assets.tables import BALANCED_MANIFEST, LEARNING_CURVE

if TYPE_CHECKING:
    import pandas as pd


class StalenessOf(Protocol):
    """Returns the states of partitions as they are now."""

    def __call__(self, instance: dg.DagsterInstance, *, of_all: bool = False) -> Staleness:
        """Evaluate an instance, at once for all partitions if ``of_all``."""


def current_curves(
    settings: Settings,
    staleness: Staleness,
    manifest: pd.DataFrame,
    curves: Mapping[str, pd.DataFrame],
) -> dict[str, pd.DataFrame]:
    """The learning curves of today's audio, encoders, code and settings.

    What Dagster remembers decides. That the tables come from this split plan and these settings is
    looked at besides: another instance may have written them.

    Parameters
    ----------
    manifest
        The balanced_manifest of the species.
    curves
        Species × model key to learning_curve.
    """
    from audio_assets.results.parquet import content_version

    split_plan = content_version(manifest, BALANCED_MANIFEST)
    return {
        key: curve
        for key, curve in curves.items()
        if staleness.up_to_date(LEARNING_CURVE.name, key)
        and set(curve["split_plan"]) == {split_plan}
        and is_of_settings(curve, settings).all()
    }


def fresh_tables(
    staleness: Staleness, asset: str, tables: Mapping[str, pd.DataFrame]
) -> dict[str, pd.DataFrame]:
    """The tables by partition of an asset, without those that could not be made again."""
    return {
        partition: table
        for partition, table in tables.items()
        if staleness.state(asset, partition) is State.FRESH
    }


def current_rows(staleness: Staleness, asset: str, rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of species and models whose partition of an asset is of today's audio and encoder.

    Parameters
    ----------
    asset
        With a partition for each species and model.
    rows
        DataFrame with species and model.
    """
    import pandas as pd

    keep = [
        staleness.up_to_date(asset, partition_key(model, species))
        for species, model in zip(rows["species"], rows["model"], strict=True)
    ]
    return rows[pd.Series(keep, index=rows.index, dtype=bool)]


def current_findings(staleness: Staleness, findings: pd.DataFrame) -> pd.DataFrame:
    """The rows of findings that were looked for in today's audio."""
    import pandas as pd

    of_model = findings["model"].notna()
    of_sound = findings["kind"] == "hearing"
    of_files = [
        staleness.up_to_date("clip_properties", species)
        and staleness.up_to_date(BALANCED_MANIFEST.name, species)
        for species in findings["species"]
    ]
    is_current = pd.Series(of_files, index=findings.index, dtype=bool)
    files = findings[~of_model & is_current]
    leaks = current_rows(staleness, "leak_check", findings[of_model & (~of_sound | is_current)])
    return findings.loc[files.index.union(leaks.index)]


def is_of_settings(curves: pd.DataFrame, settings: Settings) -> pd.Series[bool]:
    """Mark the rows that come from these settings and this code; boolean Series.

    Parameters
    ----------
    curves
        Rows of learning_curve, of any species and models.
    """
    versions = {model: numbers_version(model, settings) for model in settings.models}
    return curves["code_version"] == curves["model"].map(versions)


@dataclass(frozen=True)
class BestModel:
    """The model of a species that is examined more closely than the others.

    Attributes
    ----------
    key
        Its species × model partition.
    origin
        Columns of a row about it that name its origin: species, model, training_size, variant,
        encoder_fingerprint, split_plan and code_version.
    """

    key: str
    origin: dict[str, Any]

    @property
    def metadata(self) -> dict[str, Any]:
        """Metadata for the UI."""
        return {"model": self.origin["model"], "training size": self.origin["training_size"]}


def best_current_model(
    settings: Settings,
    staleness: Staleness,
    manifest: pd.DataFrame,
    curves: Mapping[str, pd.DataFrame],
) -> BestModel | None:
    """The best model of a species among its current curves; None if no model has a result.

    Parameters
    ----------
    manifest, curves
        As in :func:`current_curves`.
    """
    import pandas as pd

    from audio_assets.evaluation.doubts.hard_clips import best_model

    current = current_curves(settings, staleness, manifest, curves)
    best = best_model(pd.concat(current.values())) if current else None
    if best is None:
        return None
    model, size = best
    key = next(key for key, curve in current.items() if set(curve["model"]) == {model})
    origin = {name: current[key].iloc[0][name] for name in _ORIGINS}
    variant = settings.variant(model)
    return BestModel(key, {**origin, "training_size": size, "variant": variant})


_ORIGINS = ["species", "model", "encoder_fingerprint", "split_plan", "code_version"]


def of_best_models(rows: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The rows that are about the best model of their species, and come from its curve.

    Parameters
    ----------
    rows
        Rows of :data:`audio_assets.tables.HARD_CLIPS` or
        :data:`audio_assets.tables.EMBEDDING_MAP`, of any species.
    """
    import pandas as pd

    from audio_assets.evaluation.doubts.hard_clips import best_model

    ends = {species: best_model(of_species) for species, of_species in curves.groupby("species")}
    known = set(curves[_ORIGINS].itertuples(index=False, name=None))
    keep = [
        ends.get(row[0]) == (row[1], size) and row in known
        for row, size in zip(
            rows[_ORIGINS].itertuples(index=False, name=None), rows["training_size"], strict=True
        )
    ]
    # A plain empty list would be taken for columns.
    return rows[pd.Series(keep, index=rows.index, dtype=bool)]


def of_curves(rows: pd.DataFrame, curves: pd.DataFrame) -> pd.DataFrame:
    """The rows that are about models of these curves, or about a species and no model.

    Parameters
    ----------
    rows
        DataFrame with species, and with ``model``, or ``model_a`` and ``model_b``; these may be
        empty.
    """
    import pandas as pd

    shown = set(zip(curves["species"], curves["model"], strict=True))
    keep = pd.Series(True, index=rows.index)
    for column in {"model", "model_a", "model_b"} & set(rows.columns):
        pairs = zip(rows["species"], rows[column], strict=True)
        known = [pd.isna(model) or (species, model) in shown for species, model in pairs]
        keep &= pd.Series(known, index=rows.index, dtype=bool)
    return rows[keep]
