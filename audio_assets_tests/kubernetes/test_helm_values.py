"""``helm-values.yaml``: the chart takes it, it agrees with dagster.yaml, and pods are closed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from dagster._core.instance.config import dagster_instance_config
from sqlalchemy.engine import make_url

from audio_assets.instance.pods import DEFAULT, PODS
from audio_assets.models.registry import default_model_names
from audio_assets.pipeline.stages import JOBS, Per
from audio_assets.settings import load_settings
from audio_assets_tests.kubernetes.chart import (
    KIND_VALUES,
    ROOT,
    VALUES,
    deployment,
    instance,
    load_values,
    over,
)

CHECKER = "TEST_HELM_CHECK"
# Where a cluster and a single machine differ on purpose.
DIFFERENT = {
    ("concurrency", "runs", "max_concurrent_runs"),
    ("concurrency", "pools", "default_limit"),
    ("run_monitoring", "poll_interval_seconds"),
    ("run_monitoring", "start_timeout_seconds"),
    # That of a cluster refuses what the local one does, and chooses pods.
    ("run_coordinator", "class"),
}
# What only the local instance says: the chart has nothing for it, or runs are not pods there.
LOCAL_ONLY = {"nux", "run_launcher"}


@pytest.fixture(scope="module")
def values() -> dict[str, Any]:
    return load_values(VALUES)


@pytest.mark.parametrize("overlay", [None, KIND_VALUES], ids=["cluster", "kind"])
def test_the_chart_accepts_the_values(overlay: Path | None, tmp_path: Path) -> None:
    checker = os.environ.get(CHECKER)
    if not checker:
        pytest.skip(f"{CHECKER} names no checker of the chart's schema")
    file = tmp_path / "values.yaml"
    files = [VALUES] if overlay is None else [VALUES, overlay]
    file.write_text(yaml.safe_dump(load_values(*files)))
    done = subprocess.run([sys.executable, checker, str(file)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_instance_that_the_values_make_is_valid(values: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(instance(values)))
    config, _ = dagster_instance_config(str(tmp_path))
    assert config["run_coordinator"]["class"] == "PodRunCoordinator"


@pytest.mark.parametrize("place", ["cluster", "compose"])
def test_the_driver_of_the_database_is_installed(place: str, values: dict[str, Any]) -> None:
    given = instance(values)
    if place == "compose":
        given = yaml.safe_load((ROOT / "deploy/compose/dagster.yaml").read_text())
    scheme = given["storage"]["postgres"]["postgres_db"]["scheme"]
    assert make_url(f"{scheme}://user@host/name").get_dialect().import_dbapi()


def leaves(config: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(config, dict):
        for key, value in config.items():
            yield from leaves(value, (*path, key))
    else:
        yield path, config


def test_the_values_agree_with_the_local_instance(values: dict[str, Any]) -> None:
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    on_a_cluster = dict(leaves(instance(values)))
    compared = {path: value for path, value in leaves(local) if path[0] not in LOCAL_ONLY}
    assert compared
    differing = {path for path, value in compared.items() if on_a_cluster.get(path) != value}
    assert differing == DIFFERENT & set(compared)


@pytest.mark.parametrize("overlay", [None, KIND_VALUES], ids=["cluster", "kind"])
def test_every_pod_of_ours_runs_as_little_as_it_can(overlay: Path | None) -> None:
    values = load_values(VALUES, *([overlay] if overlay else []))
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    runs = {
        "podSecurityContext": launcher["runK8sConfig"]["podSpecConfig"]["securityContext"],
        "securityContext": launcher["securityContext"],
    }
    parts = [deployment(values), values["dagsterDaemon"], values["dagsterWebserver"], runs]
    for part in parts:
        pod, container = part["podSecurityContext"], part["securityContext"]
        assert pod["runAsNonRoot"] and pod["runAsUser"] == pod["runAsGroup"] == 10001
        assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["allowPrivilegeEscalation"] is False
        assert container["readOnlyRootFilesystem"] is True
        assert container["capabilities"] == {"drop": ["ALL"]}


def test_runs_have_no_token_and_no_right_in_the_cluster(values: dict[str, Any]) -> None:
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    pod = launcher["runK8sConfig"]["podSpecConfig"]
    assert pod["automountServiceAccountToken"] is False
    # The chart's container context would mount it again.
    assert deployment(values)["includeConfigInLaunchedRuns"] == {"enabled": False}
    bound = yaml.safe_load_all((ROOT / "deploy/base/rbac.yaml").read_text())
    subjects = [s["name"] for doc in bound for s in doc.get("subjects", [])]
    assert subjects == [values["serviceAccount"]["name"]]
    assert pod["serviceAccountName"] not in subjects
    assert values["dagster-user-deployments"]["serviceAccount"]["name"] not in subjects
    assert values["rbacEnabled"] is False


def test_no_secret_is_in_the_values(values: dict[str, Any]) -> None:
    assert values["generatePostgresqlPasswordSecret"] is False
    assert not values["postgresql"]["postgresqlPassword"]
    secrets = [
        (path, value)
        for path, value in leaves(values)
        if path[-1].lower().endswith(("password", "token", "key")) and value
    ]
    assert not secrets


def test_the_launchers_own_resources_are_those_of_a_run_without_a_model(
    values: dict[str, Any],
) -> None:
    config = PODS[DEFAULT].run_config()["container_config"]["resources"]
    assert values["runLauncher"]["config"]["k8sRunLauncher"]["resources"] == config


def the_quota() -> dict[str, str]:
    documents = yaml.safe_load_all((ROOT / "deploy/base/quota.yaml").read_text())
    found: dict[str, str] = next(d for d in documents if d["kind"] == "ResourceQuota")["spec"][
        "hard"
    ]
    return found


def test_the_quota_has_room_for_the_runs(values: dict[str, Any]) -> None:
    quota = the_quota()
    runs = values["concurrency"]["runs"]["maxConcurrentRuns"]
    platform = [deployment(values), values["dagsterDaemon"], values["dagsterWebserver"]]
    mebibytes = sum(int(p["resources"]["limits"]["memory"].removesuffix("Mi")) for p in platform)
    assert all(p["resources"]["limits"]["memory"].endswith("Mi") for p in platform)
    gibibytes = runs * max(pod.memory_gib for pod in PODS.values()) + 2 * mebibytes / 1024
    assert gibibytes <= int(quota["limits.memory"].removesuffix("Gi"))
    assert runs * max(pod.cpu for pod in PODS.values()) + 2 <= int(quota["requests.cpu"])


def test_the_quota_has_room_for_the_jobs_of_two_full_builds(values: dict[str, Any]) -> None:
    """Each run is a job that counts until its time to live is over; past the quota runs fail."""
    settings = load_settings(models=default_model_names())
    species, models = 50, len(settings.models)
    runs_by = {
        Per.ALL: 1,
        Per.SPECIES: species,
        Per.MODEL: models,
        Per.SPECIES_AND_MODEL: species * models,
    }
    build = sum(runs_by[job.per] for job in JOBS.values())
    assert (models, build) == (7, 609)
    # Half as many again fail and are retried; embedding jobs and the like.
    assert 2 * build * 1.5 <= int(the_quota()["count/jobs.batch"])
    ttl = values["runLauncher"]["config"]["k8sRunLauncher"]["runK8sConfig"]["jobSpecConfig"]
    monitoring = values["dagsterDaemon"]["runMonitoring"]
    assert 10 * monitoring["pollIntervalSeconds"] <= ttl["ttlSecondsAfterFinished"] <= 3600


def test_helm_lays_a_null_over_a_value_by_removing_it() -> None:
    assert over({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}) == {"a": {"c": 2, "d": 3}}
