"""The table of stages is complete, and the pipeline is what it says."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

from audio_assets.automation.decisions import Inputs, Task
from audio_assets.automation.tasks import all_tasks
from audio_assets.definitions import build_defs
from audio_assets.pipeline import assets
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.stage_graph import (
    awaited_jobs,
    lineage_of_curves,
    made_together,
    required_jobs,
)
from audio_assets.pipeline.stages import JOBS, STAGES, Stage, stages_of, stages_of_job
from audio_assets.settings import Settings, load_settings
from audio_assets.tables import ALL_TABLES

WITH_ALL = {"audio_root": "somewhere", "bootstrap": 100, "models": ("svm", "birdnet")}


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(**WITH_ALL)


@pytest.fixture(scope="module")
def graph(settings: Settings) -> AssetGraph:
    return build_defs(settings).resolve_asset_graph()


def upstream(graph: AssetGraph, stage: str) -> set[str]:
    return {key.to_user_string() for key in graph.get(dg.AssetKey(stage)).parent_keys}


def test_each_asset_has_its_row_and_each_row_its_asset(graph: AssetGraph) -> None:
    assert {key.to_user_string() for key in graph.get_all_asset_keys()} == set(STAGES)


def test_each_file_of_an_asset_has_its_row_and_each_row_its_file() -> None:
    folder = Path(str(assets.__file__)).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert files == {stage.name for stage in STAGES.values() if not stage.made_by}


def test_assets_depend_on_what_their_rows_say(graph: AssetGraph) -> None:
    assert {name: upstream(graph, name) for name in STAGES} == {
        name: set(stage.inputs) for name, stage in STAGES.items()
    }


def test_the_rows_stand_in_the_order_of_the_data_flow() -> None:
    names = list(STAGES)
    for name, stage in STAGES.items():
        assert all(names.index(other) < names.index(name) for other in stage.inputs), name
    jobs = list(JOBS)
    for job in JOBS:
        before = required_jobs(job) | awaited_jobs(job)
        assert all(jobs.index(other) < jobs.index(job) for other in before if other != "encoders")


def test_assets_are_partitioned_as_their_jobs_are(graph: AssetGraph, settings: Settings) -> None:
    partitions = build_partitions(settings)
    for name, stage in STAGES.items():
        assert graph.get(dg.AssetKey(name)).partitions_def == partitions.of(stage.per), name


def test_every_stage_belongs_to_one_job(settings: Settings) -> None:
    of_jobs = [name for job in JOBS for name in stages_of_job(job, settings)]
    assert sorted(of_jobs) == sorted(STAGES)


def test_a_stage_that_a_setting_turns_on_is_left_out_without_it() -> None:
    without = {stage.name for stage in stages_of(load_settings(**WITH_ALL | {"bootstrap": 0}))}
    assert set(STAGES) - without == {"bootstrap_scores"}


def test_every_stage_that_has_a_file_has_a_table() -> None:
    tables = {table.name for table in ALL_TABLES}
    for name, stage in STAGES.items():
        if not stage.reads_outside and name != "experiment_report":
            assert name in tables


@pytest.mark.parametrize("stage", STAGES.values(), ids=lambda stage: stage.name)
def test_the_settings_of_a_row_exist(stage: Stage) -> None:
    assert set(stage.settings) <= set(Settings.model_fields)
    assert not stage.only_with or stage.only_with in Settings.model_fields


def test_what_one_op_makes_is_made_together() -> None:
    assert made_together("fold_scores") == {"fold_predictions"}
    assert made_together("fold_predictions") == {"fold_scores"}
    assert made_together("embeddings") == set()


def test_the_numbers_of_a_curve_come_from_these_stages() -> None:
    assert [stage.name for stage in lineage_of_curves()] == [
        "audio_inventory",
        "clip_digests",
        "near_duplicates",
        "balanced_manifest",
        "embeddings",
        "fold_scores",
        "bootstrap_scores",
        "learning_curve",
    ]


def test_tasks_follow_from_the_rows(settings: Settings) -> None:
    plan = AssetPlan(settings, build_partitions(settings))
    tasks = all_tasks(plan, ["fox", "owl"])

    def named(*names: str) -> set[Task]:
        return {Task(*name.split(" ", 1)) for name in names}

    def both(inputs: Inputs) -> tuple[set[Task], set[Task]]:
        return set(inputs.required), set(inputs.awaited)

    assert both(tasks[Task("splits", "owl")]) == (named("inventory owl", "duplicates"), set())
    assert both(tasks[Task("experiment", "svm|owl")]) == (
        named("inventory owl", "splits owl", "encoders svm"),
        set(),
    )
    experiments = named("experiment svm|owl", "experiment birdnet|owl")
    assert both(tasks[Task("charts", "owl")]) == (
        named("inventory owl"),
        named("splits owl", "encoders svm", "encoders birdnet") | experiments,
    )
    assert both(tasks[Task("checks", "owl")]) == (
        named("inventory owl", "splits owl"),
        experiments,
    )
    assert both(tasks[Task("report")]) == (
        set(),
        {
            task
            for name in ("fox", "owl")
            for task in named(f"inventory {name}", f"splits {name}", f"charts {name}")
            | named(f"checks {name}", f"answers {name}")
        },
    )
    order = list(tasks)
    for task, inputs in tasks.items():
        for other in (*inputs.required, *inputs.awaited):
            assert order.index(other) < order.index(task)


def test_without_species_there_is_no_report(settings: Settings) -> None:
    plan = AssetPlan(settings, build_partitions(settings))
    assert {task.job for task in all_tasks(plan, [])} == {"duplicates", "encoders"}
