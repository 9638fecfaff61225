"""A real daemon over a folder: clips are dropped in, and everything else happens by itself."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.definitions.partitions.context import partition_loading_context

import audio_assets
from audio_assets import load_learning_curves
from audio_assets.assets.plan import AssetPlan
from audio_assets.definitions import build_defs
from audio_assets.partitions import build_partitions
from audio_assets.runner import LocalRunner
from audio_assets.settings import PREFIX, load_settings
from audio_assets.staleness import _Loading
from audio_assets_tests.small_audio import clip, write_clip, write_species

pytestmark = pytest.mark.slow

CLONE = Path(audio_assets.__file__).parents[1]
PATIENCE_SECONDS = 900


SETTINGS = {
    "models": ("placeholder",),
    "duplicate_encoder": "",
    "training_sizes": (4,),
    "folds": 2,
    "repeats": 1,
    "species_classes": {},
}


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """A daemon with the clone's own instance and workspace files, where fox is done."""
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(CLONE / "dagster.yaml", home)
    write_species(tmp_path / "audio", "fox", recordings=4)
    roots = {"audio_root": str(tmp_path / "audio"), "results_root": str(tmp_path / "results")}
    settings = load_settings(**roots, **SETTINGS)
    plan = AssetPlan(settings, build_partitions(settings))
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(PREFIX)},
        **{PREFIX + name.upper(): value for name, value in roots.items()},
        **{
            PREFIX + name.upper(): value if isinstance(value, str) else json.dumps(value)
            for name, value in SETTINGS.items()
        },
        "AUDIO_ASSETS_SENSOR_SECONDS": "2",
        "DAGSTER_HOME": str(home),
        "PYTHONPATH": str(CLONE),
        "PYTHONWARNINGS": "ignore",
    }
    command = ["-m", "dagster._daemon", "run", "-w", str(CLONE / "workspace.yaml")]
    with (
        dg.DagsterInstance.from_config(str(home)) as instance,
        (tmp_path / "daemon.log").open("wb") as log,
    ):
        assert (
            LocalRunner(build_defs(settings), plan, instance)
            .bring_up_to_date(["fox"], settings.models)
            .failures
            == {}
        )
        process = subprocess.Popen(
            [sys.executable, *command], cwd=tmp_path, env=environment, stdout=log, stderr=log
        )
        try:
            yield instance
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(condition: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > until:
            pytest.fail("it did not happen; the daemon said:\n" + log.read_text()[-5000:])
        time.sleep(1)


def at_rest(instance: dg.DagsterInstance, before: int) -> Callable[[], bool]:
    """Whether a report was made since there were ``before`` runs, and no run is left."""

    def is_at_rest() -> bool:
        runs = instance.get_runs()
        new = runs[: len(runs) - before]
        return any(run.job_name == "report" for run in new) and all(run.is_finished for run in new)

    return is_at_rest


def materialized(instance: dg.DagsterInstance, runs: int) -> list[tuple[str, str]]:
    """What the newest runs materialized; every one of them has to have succeeded."""
    made = []
    for run in instance.get_runs(limit=runs):
        assert run.status is dg.DagsterRunStatus.SUCCESS, run
        assets = [key.to_user_string() for key in run.asset_selection or ()]
        made += [(asset, run.tags.get("dagster/partition", "")) for asset in assets]
    return made


def not_fresh(instance: dg.DagsterInstance, folder: Path) -> list[tuple[str, str | None]]:
    """Partitions that the UI would show as stale or missing: by Dagster's decision, not ours."""
    roots = {"audio_root": str(folder / "audio"), "results_root": str(folder / "results")}
    graph = build_defs(load_settings(**roots, **SETTINGS)).resolve_asset_graph()
    found = []
    with partition_loading_context(dynamic_partitions_store=instance):
        resolver = CachingStaleStatusResolver(instance, graph, _Loading(instance))
        for key in graph.materializable_asset_keys:
            partitions = graph.get(key).partitions_def
            for partition in partitions.get_partition_keys() if partitions else [None]:
                if resolver.get_status(key, partition) is not StaleStatus.FRESH:
                    found.append((key.to_user_string(), partition))
    return found


def test_clips_that_are_dropped_in_become_a_chart_and_a_replaced_one_reruns_its_species(
    daemon, tmp_path
):
    results, log = tmp_path / "results", tmp_path / "daemon.log"
    before = daemon.get_runs_count()
    write_species(tmp_path / "audio", "owl", recordings=4)
    wait_for(at_rest(daemon, before), log)
    assert (results / "learning_curves" / "owl.svg").exists()
    assert set(load_learning_curves(results)["species"]) == {"fox", "owl"}
    added = materialized(daemon, daemon.get_runs_count() - before)
    assert len(added) == len(set(added))
    assert {partition for _, partition in added} == {"owl", "placeholder|owl", ""}

    assert not_fresh(daemon, tmp_path) == []
    before = daemon.get_runs_count()
    folder = tmp_path / "audio" / "owl" / "data" / "pos"
    write_clip(sorted(folder.glob("*.wav"))[0], clip(1, tone=True))
    wait_for(at_rest(daemon, before), log)
    replaced = materialized(daemon, daemon.get_runs_count() - before)
    assert len(replaced) == len(set(replaced))
    assert {partition for _, partition in replaced} == {"owl", "placeholder|owl", ""}
    assert ("embeddings", "placeholder|owl") in replaced
    assert not_fresh(daemon, tmp_path) == []
