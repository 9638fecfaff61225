"""What the decorators of stages add to the functions that compute them."""

import ast
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from audio_assets.pipeline import assets
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.stage_assets import Made, StageAssets, as_result
from audio_assets.pipeline.stages import STAGES
from audio_assets.results.parquet import concat_tables, content_version
from audio_assets.settings import load_settings
from audio_assets.tables import CALIBRATION, LEARNING_CURVE, QUARANTINE


def stage_assets(**settings: object) -> StageAssets:
    loaded = load_settings(audio_root="somewhere", models=("svm",), **settings)
    return StageAssets(loaded, build_partitions(loaded))


def test_a_function_that_takes_what_its_row_does_not_have_is_refused() -> None:
    def quarantine(context: dg.AssetExecutionContext, embedings: object) -> Made:
        raise AssertionError

    with pytest.raises(TypeError, match="quarantine takes embedings; .* has embeddings"):
        stage_assets().table(QUARANTINE, group="report")(quarantine)


def test_inputs_that_a_function_does_not_take_are_upstream_all_the_same() -> None:
    @stage_assets().table(CALIBRATION, group="report")
    def calibration(context: dg.AssetExecutionContext) -> Made:
        raise AssertionError

    upstream = {key.to_user_string() for key in calibration.dependency_keys}
    assert upstream == {"fold_predictions"}
    (loaded_as,) = calibration.node_def.input_defs
    assert loaded_as.dagster_type.is_nothing


@pytest.mark.parametrize("bootstrap", [0, 100])
def test_an_input_of_a_stage_that_is_turned_off_has_the_default_of_the_function(
    bootstrap: int,
) -> None:
    @stage_assets(bootstrap=bootstrap).table(LEARNING_CURVE, group="evaluation")
    def learning_curve(
        context: dg.AssetExecutionContext, bootstrap_scores: pd.DataFrame | None = None
    ) -> Made:
        raise AssertionError

    names = {key.to_user_string() for key in learning_curve.dependency_keys}
    assert ("bootstrap_scores" in names) == bool(bootstrap)


def test_a_table_is_recorded_with_its_rows_and_the_version_of_its_content() -> None:
    table = concat_tables([], QUARANTINE)
    made = as_result(QUARANTINE, Made(table, {"fault": 3}))
    assert made.metadata == {"dagster/row_count": 0, "fault": 3}
    assert made.data_version == dg.DataVersion(content_version(table, QUARANTINE))
    own = as_result(QUARANTINE, Made(table, version="of the listing"))
    assert own.data_version == dg.DataVersion("of the listing")


def test_inputs_of_assets_have_the_type_of_tables() -> None:
    wrong = []
    for path in sorted(Path(str(assets.__file__)).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name in STAGES:
                for one in node.args.args:
                    if one.arg in STAGES and "pd.DataFrame" not in ast.unparse(
                        one.annotation or ast.Constant(None)
                    ):
                        wrong.append(f"{path.name}: {node.name}({one.arg})")
    assert wrong == []
