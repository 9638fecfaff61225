"""What the code location offers."""

import statistics
import subprocess
import sys

import dagster as dg
import pytest

from audio_assets.definitions import build_defs
from audio_assets.settings import load_settings
from audio_assets.tables import ALL_TABLES


@pytest.fixture(scope="module")
def graph():
    return build_defs(load_settings(audio_root="somewhere")).resolve_asset_graph()


def test_assets_depend_on_one_another_as_drawn(graph):
    def upstream(asset: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(asset)).parent_keys}

    assert {
        key.to_user_string(): upstream(key.to_user_string()) for key in graph.get_all_asset_keys()
    } == {
        "audio_inventory": set(),
        "encoder_card": set(),
        "duplicate_encoder": set(),
        "near_duplicates": {"audio_inventory", "duplicate_encoder"},
        "clip_digests": {"audio_inventory"},
        "balanced_manifest": {"audio_inventory", "clip_digests", "near_duplicates"},
        "embeddings": {"audio_inventory", "encoder_card"},
        "fold_scores": {"embeddings", "balanced_manifest", "encoder_card"},
        "fold_predictions": {"embeddings", "balanced_manifest", "encoder_card"},
        "learning_curve": {"audio_inventory", "fold_scores", "fold_predictions"},
        "roc_auc_chart": {
            "audio_inventory",
            "encoder_card",
            "balanced_manifest",
            "learning_curve",
        },
        "model_comparison": {
            "balanced_manifest",
            "fold_scores",
            "fold_predictions",
            "learning_curve",
        },
        "quarantine": {"embeddings"},
        "leak_check": {"audio_inventory", "embeddings", "fold_scores", "fold_predictions"},
        "clip_properties": {"audio_inventory"},
        "findings": {
            "audio_inventory",
            "leak_check",
            "clip_properties",
            "balanced_manifest",
        },
        "calibration": {"fold_predictions"},
        "hard_clips": {
            "audio_inventory",
            "balanced_manifest",
            "fold_predictions",
            "learning_curve",
        },
        "embedding_map": {"balanced_manifest", "embeddings", "learning_curve"},
        "experiment_report": {
            "audio_inventory",
            "near_duplicates",
            "roc_auc_chart",
            "model_comparison",
            "quarantine",
            "findings",
            "calibration",
            "hard_clips",
            "embedding_map",
            "answer",
        },
        "answer": {"roc_auc_chart", "model_comparison", "findings"},
    }


def test_bootstrap_draws_lie_between_embeddings_and_the_curve_when_they_are_asked_for():
    settings = load_settings(audio_root="somewhere", bootstrap=100)
    defs = build_defs(settings)
    graph = defs.resolve_asset_graph()

    def upstream(asset: str) -> set[str]:
        return {key.to_user_string() for key in graph.get(dg.AssetKey(asset)).parent_keys}

    assert upstream("bootstrap_scores") == {"embeddings", "balanced_manifest", "encoder_card"}
    assert upstream("learning_curve") == {
        "audio_inventory",
        "fold_scores",
        "fold_predictions",
        "bootstrap_scores",
    }
    keys = defs.resolve_job_def("experiment").asset_layer.executable_asset_keys
    assert dg.AssetKey("bootstrap_scores") in keys


def test_every_table_asset_shows_its_columns_in_the_ui(graph):
    tables = {table.name: table for table in ALL_TABLES}
    for key in graph.get_all_asset_keys():
        table = tables.get(key.to_user_string())
        if table is not None:
            schema = graph.get(key).metadata["dagster/column_schema"]
            assert tuple(column.name for column in schema.columns) == table.column_names


def seconds_to_import(module: str) -> float:
    code = f"import time; t = time.process_time(); import {module}; print(time.process_time() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


@pytest.mark.slow
def test_importing_the_definitions_costs_at_most_twice_importing_dagster():
    # CPU time in pairs, and the median of the ratios, so that a busy machine does not decide.
    ratios = [
        seconds_to_import("audio_assets.definitions") / seconds_to_import("dagster")
        for _ in range(3)
    ]
    assert statistics.median(ratios) <= 2


def test_every_asset_has_a_version_a_group_an_owner_and_a_description(graph):
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.code_version and node.group_name != "default" and node.owners
        assert node.description
