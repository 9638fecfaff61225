"""``audio-assets job launch``: what is refused, what is queued, and what is left behind."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.definitions.partitions.context import partition_loading_context

from audio_assets.cli import launch
from audio_assets.definitions import build_defs

CLONE = Path(launch.__file__).parents[2]


@pytest.fixture
def instance(call, tmp_path):
    """Return the instance of the calls, which knows the species owl and fox."""
    shutil.copy(CLONE / "dagster.yaml", tmp_path)
    shutil.copy(CLONE / "workspace.yaml", tmp_path)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        instance.add_dynamic_partitions("species", ["owl", "fox"])
        yield instance


@pytest.fixture
def launched(instance, monkeypatch):
    """Record launches instead of starting a code server; return (job, tags) of each."""
    made = []

    def record(*, instance, workspace_opts, job_name, tags):
        assert workspace_opts.workspace == ["workspace.yaml"]
        made.append((job_name, tags and json.loads(tags)))
        return SimpleNamespace(run_id=f"run-{len(made)}")

    monkeypatch.setattr(launch, "execute_launch_command", record)
    return made


def checks_of(instance: dg.DagsterInstance) -> dict[str, int]:
    """Return the number of recorded executions of each check that has any, in any state."""
    storage = instance.event_log_storage
    keys = build_defs().resolve_asset_graph().asset_check_keys
    with partition_loading_context(dynamic_partitions_store=instance):
        found = {k.name: len(storage.get_asset_check_execution_history(k, 10)) for k in keys}
    return {name: number for name, number in found.items() if number}


@pytest.mark.parametrize(
    ("arguments", "what", "remedy"),
    [
        (
            ("experiment", "placeholder|owll"),
            "The job experiment has no partition placeholder|owll; nothing was launched",
            "Perhaps you mean placeholder|owl? Its partitions: placeholder|",
        ),
        (
            ("inventory", "owl", "Fox", "cow"),
            "The job inventory has no partition Fox, cow; nothing was launched",
            "Perhaps you mean fox? Perhaps you mean owl? Its partitions: ",
        ),
        (
            ("inventory",),
            "The job inventory needs a partition; nothing was launched",
            "Its partitions: ",
        ),
        (
            ("experimant", "placeholder|owl"),
            "There is no job 'experimant'; nothing was launched",
            "Perhaps you mean experiment? The jobs are: inventory, ",
        ),
        (
            ("report", "owl"),
            "The job report has no partitions; nothing was launched",
            "Leave out owl.",
        ),
    ],
)
def test_a_name_that_does_not_exist_is_refused_before_anything_is_launched(
    call, instance, launched, arguments, what, remedy
):
    called = call("job", "launch", *arguments)
    assert called.code == 2 and called.out == ""
    assert called.err.startswith(f"Error: {what}\n  {remedy}")
    assert launched == [] and instance.get_runs() == [] and checks_of(instance) == {}


def test_a_long_list_of_partitions_is_cut(call, instance, launched):
    instance.add_dynamic_partitions("species", [f"bird{number:02}" for number in range(30)])
    called = call("job", "launch", "inventory", "bird1")
    assert "Perhaps you mean bird" in called.err and called.err.endswith(" and 12 more.\n")


def test_a_launch_prints_each_run_and_that_no_daemon_has_run(call, instance, launched):
    called = call("job", "launch", "inventory", "owl", "fox", "owl")
    assert called.code == 0
    assert launched == [
        ("inventory", {"dagster/partition": "owl"}),
        ("inventory", {"dagster/partition": "fox"}),
    ]
    first, second, third = called.out.splitlines()
    assert first == "Queued: inventory owl, run run-1"
    assert second == "Queued: inventory fox, run run-2"
    assert third.startswith("Nothing starts yet: the daemon has never run on this instance.")


def test_a_job_without_partitions_is_launched_as_a_whole_and_as_json(call, instance, launched):
    called = call("job", "launch", "report", "--json")
    assert called.code == 0 and launched == [("report", None)]
    assert json.loads(called.out) == [{"job": "report", "partition": None, "run_id": "run-1"}]
    assert "Queued: report, run run-1" in called.err


def test_a_launch_without_a_workspace_file_says_where_it_was_looked_for(call, instance, tmp_path):
    (tmp_path / "workspace.yaml").unlink()
    called = call("job", "launch", "report")
    assert called.code == 2
    assert called.err.startswith("Error: There is no workspace file workspace.yaml")
    assert "--workspace" in called.err


def process(*call: str) -> subprocess.CompletedProcess[str]:
    """Call in a process of its own: a code server started by it ends after it."""
    environment = {**os.environ, "DAGSTER_HOME": os.getcwd(), "PYTHONPATH": str(CLONE)}
    return subprocess.run(
        [sys.executable, *call], env=environment, capture_output=True, text=True, timeout=300
    )


@pytest.mark.slow
def test_a_launched_run_waits_in_the_queue_with_its_partition(instance):
    main = "from audio_assets.cli import main; main()"
    called = process("-c", main, "job", "launch", "inventory", "owl", "--json")
    assert called.returncode == 0
    (run,) = instance.get_runs()
    # Nothing of the code server that was started gets between.
    assert json.loads(called.stdout) == [
        {"job": "inventory", "partition": "owl", "run_id": run.run_id}
    ]
    assert f"Queued: inventory owl, run {run.run_id}" in called.stderr
    assert run.status is dg.DagsterRunStatus.QUEUED
    assert run.tags["dagster/partition"] == "owl"
    assert checks_of(instance).keys() >= {"both_classes_present"}


@pytest.mark.slow
def test_a_wrong_partition_by_dagsters_own_launch_leaves_no_checks_and_no_alarm(call, instance):
    tags = json.dumps({"dagster/partition": "owwl"})
    launch = ("-m", "dagster", "job", "launch", "-w", "workspace.yaml", "-j", "inventory")
    called = process(*launch, "--tags", tags)
    assert called.returncode == 1
    assert "Perhaps you mean owl?" in called.stderr and "Traceback" not in called.stderr
    assert checks_of(instance) == {}
    (run,) = instance.get_runs()
    assert run.status is dg.DagsterRunStatus.FAILURE
    events = {record.dagster_event.event_type_value for record in instance.all_logs(run.run_id)}
    assert events == {"ENGINE_EVENT", "PIPELINE_FAILURE"}
    called = call("doctor")
    assert called.code == 0 and "problem" not in called.out
    # The sensor that posts failed runs passes over it.
    assert "audio_assets/refused" in run.tags
