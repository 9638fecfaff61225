"""The report shows the rows that the table of stages says, and no others."""

from pathlib import Path
from typing import Any, cast

import pandas as pd
from upath import UPath

from audio_assets.catalog.reported_clips import read_reported
from audio_assets.pipeline.report_tables import ReportTables, report_tables
from audio_assets.pipeline.stages import STAGES
from audio_assets.pipeline.staleness import Staleness, State
from audio_assets.pipeline.versions import numbers_version
from audio_assets.results.parquet import concat_tables
from audio_assets.settings import load_settings
from audio_assets.tables import ALL_TABLES, HARD_CLIPS, MODEL_COMPARISON
from audio_assets_tests.reporting.fake_results import (
    curve_frame,
    fake_comparisons,
    hard_clip,
    hard_clips_frame,
    model_curve,
)

SETTINGS = load_settings(audio_root="somewhere", models=("birdnet", "svm"))


class FreshBut:
    """A decision that all is fresh, but the partitions named."""

    def __init__(self, *outdated: str) -> None:
        self.outdated = outdated

    def state(self, asset: str, partition: str) -> State:
        return State.STALE if asset in self.outdated else State.FRESH

    def up_to_date(self, asset: str, partition: str) -> bool:
        return asset not in self.outdated


def selected(tmp_path: Path, decision: FreshBut, **rows: pd.DataFrame) -> ReportTables:
    curves = curve_frame([*model_curve("coyote", "birdnet"), *model_curve("coyote", "svm")])
    versions = {model: numbers_version(model, SETTINGS) for model in SETTINGS.models}
    curves["code_version"] = curves["model"].map(versions)
    definitions = {table.name: table for table in ALL_TABLES}
    tables: dict[str, dict[str, Any]] = {
        name: {"coyote": concat_tables([], definitions[name])}
        for name in STAGES["experiment_report"].inputs
    }
    tables["roc_auc_chart"] = {"coyote": curves}
    tables |= {name: {"coyote": table} for name, table in rows.items()}
    known = read_reported(UPath(tmp_path / "no-report.parquet"))
    return report_tables(SETTINGS, cast(Staleness, decision), tables, known)


def hard_clips() -> pd.DataFrame:
    """Clips of the best model, from its curve; of another model; and from an earlier curve."""
    curve = curve_frame(model_curve("coyote", "birdnet")).iloc[0]
    origin = {name: curve[name] for name in ("encoder_fingerprint", "split_plan")}
    now = {**origin, "code_version": numbers_version("birdnet", SETTINGS)}
    return hard_clips_frame(
        [
            hard_clip("pos", 0, **now),
            hard_clip("pos", 0, model="svm", **now),
            hard_clip("pos", 0, **{**now, "code_version": "earlier"}),
            hard_clip("pos", 0, **{**now, "training_size": 64}),
        ]
    )


def test_hard_clips_are_those_of_the_best_model_from_the_curve_that_is_shown(
    tmp_path: Path,
) -> None:
    shown = selected(tmp_path, FreshBut(), hard_clips=hard_clips()).rows[HARD_CLIPS.name]
    assert shown[["model", "training_size"]].values.tolist() == [["birdnet", 107]]
    assert shown["code_version"].tolist() == [numbers_version("birdnet", SETTINGS)]


def test_comparisons_name_only_models_whose_curves_are_shown(tmp_path: Path) -> None:
    comparisons = fake_comparisons().query("species == 'coyote'")
    shown = selected(tmp_path, FreshBut(), model_comparison=comparisons)
    models = set(shown.rows[MODEL_COMPARISON.name][["model_a", "model_b"]].stack())
    assert models == {"birdnet", "svm"} < set(comparisons[["model_a", "model_b"]].stack())


def test_rows_that_could_not_be_made_again_are_left_out(tmp_path: Path) -> None:
    comparisons = fake_comparisons().query("species == 'coyote'")
    decision = FreshBut("model_comparison", "quarantine")
    shown = selected(tmp_path, decision, model_comparison=comparisons)
    assert shown.rows[MODEL_COMPARISON.name].empty and len(shown.curves)
    assert shown.unchecked == ["coyote"]
