"""On a real API server, with the image: runs as pods, and what becomes of them when pods die.

The tests build on one another's results, in this order; each can be run alone.
"""

import json
import re
import time
from typing import Any

import pandas as pd
import pytest
import yaml
from dagster._core.storage.tags import RETRY_NUMBER_TAG
from upath import UPath

from audio_assets.embeddings.store import EmbeddingStore
from audio_assets.instance.pods import POD_TAG, PodSize
from audio_assets.models.registry import load_encoder
from audio_assets_tests.kubernetes import chart
from audio_assets_tests.kubernetes.chart import ROOT, Values
from audio_assets_tests.kubernetes.platform import IMAGE, Cluster, Platform, wait_for

pytestmark = [
    pytest.mark.cluster,
    # Of psycopg2 and of the connection that a killed test leaves.
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]

CLIPS = 400


def prepared(platform: Platform, species: str) -> None:
    """Materialize what the experiment of a species reads, if no test before has."""
    if (platform.results / "balanced_manifest" / f"{species}.parquet").exists():
        return
    platform.wait(platform.launch("inventory", species), "SUCCESS")
    platform.wait(platform.launch("splits", species), "SUCCESS")


def store_of(platform: Platform) -> EmbeddingStore:
    encoder = load_encoder("birdnet")
    store = EmbeddingStore(
        UPath(platform.results), encoder.name, encoder.fingerprint, warn=pytest.fail
    )
    store.refresh()
    return store


def test_the_image_loads_its_definitions_without_root_and_with_a_read_only_root(
    cluster: Cluster, platform: Platform
) -> None:
    pod = chart.code_server(platform.values)
    pod["metadata"]["name"] = "probe"
    (container,) = pod["spec"]["containers"]
    del container["readinessProbe"]
    script = """
        set -u
        echo link=$AUDIO_ASSETS_PORT_3030_TCP_PORT
        echo uid=$(id -u) gid=$(id -g) groups=$(id -G)
        for place in / /opt/app /opt/venv /opt/dagster/dagster_home /etc; do
          touch $place/x 2>/dev/null && echo writable=$place
        done
        for place in /tmp /var/cache/audio-assets; do
          touch $place/x && echo room=$place
        done
        grep -E 'NoNewPrivs|CapEff|CapBnd|Seccomp:' /proc/self/status | tr '\\t' ' '
        for tool in gcc cc make git curl; do
          command -v $tool && echo tool=$tool
        done
        find / -xdev -path /proc -prune -o -type d -name 'audio_assets_tests' -print
        find /root/.cache /opt -name '*.whl' 2>/dev/null
        exec dagster definitions validate -m audio_assets.definitions
    """
    container["args"] = ["bash", "-c", script]
    phase, printed = cluster.run(pod)
    assert phase == "Succeeded", printed
    # As under the chart, whose service has the name that settings begin with.
    assert "link=3030\n" in printed
    assert "uid=10001 gid=10001" in printed
    assert "writable=" not in printed
    assert "room=/tmp" in printed and "room=/var/cache/audio-assets" in printed
    found = re.findall(r"^(NoNewPrivs|CapEff|CapBnd|Seccomp): +(\S+)$", printed, re.MULTILINE)
    status = dict(found)
    assert status["NoNewPrivs"] == "1"
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    # 2: a filter, the runtime's own.
    assert status["Seccomp"] == "2"
    assert "tool=" not in printed
    assert "audio_assets_tests" not in printed and ".whl" not in printed
    assert "Validation successful" in printed


def test_an_experiment_succeeds_in_a_pod_and_its_results_are_on_the_volume(
    cluster: Cluster, platform: Platform
) -> None:
    prepared(platform, "canid")
    tags = json.dumps({"dagster/partition": "birdnet|canid"})
    started = time.monotonic()
    before = {record.dagster_run.run_id for record in platform.instance.get_run_records()}
    launch = ["dagster", "job", "launch", "-w", "/dagster-workspace/workspace.yaml"]
    cluster("exec", "daemon", "--", *launch, "-j", "experiment", "--tags", tags)
    launched = time.monotonic()
    (run_id,) = {
        record.dagster_run.run_id for record in platform.instance.get_run_records()
    } - before
    pod = cluster.get("pod", platform.pod(run_id))
    platform.wait(run_id, "SUCCESS")
    print(f"launch {launched - started:.0f} s, to SUCCESS {time.monotonic() - started:.0f} s")

    predictions = platform.results / "fold_predictions" / "birdnet" / "canid.parquet"
    assert len(pd.read_parquet(predictions))
    assert (platform.results / "learning_curve" / "birdnet" / "canid.parquet").is_file()

    spec = pod["spec"]
    (container,) = spec["containers"]
    assert container["image"] == IMAGE
    wanted = platform.values["dagsterDaemon"]["runCoordinator"]["config"]["customRunCoordinator"]
    size = PodSize(**wanted["config"]["pods"]["birdnet"])
    resources = size.run_config()["container_config"]["resources"]
    assert container["resources"]["limits"] == {"memory": "2Gi"}
    assert resources["limits"] == {"memory": "2048Mi"}
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    # Runs have no token of the cluster.
    assert spec["serviceAccountName"] == "audio-assets-runs"
    assert spec["enableServiceLinks"] is False
    mounted = {mount["mountPath"] for mount in container["volumeMounts"]}
    assert not any("serviceaccount" in path for path in mounted)


def test_a_run_that_fails_says_why_and_is_not_tried_again(platform: Platform) -> None:
    prepared(platform, "canid")
    # No weights are in the image but BirdNET's.
    run_id = platform.launch("experiment", "perch|canid")
    platform.wait(run_id, "FAILURE")
    assert "perch: its weights are missing" in platform.messages(run_id)
    decided = "Not retrying run since it failed due to an asset or op failure"
    wait_for("the decision", lambda: decided in platform.messages(run_id))


def start_embedding(platform: Platform, species: str, **tags: str) -> str:
    """An experiment that is embedding; the store has the first clips of it."""
    # Clips and not files: what another run left may be merged into a new one.
    before = len(store_of(platform))
    run_id = platform.launch("experiment", f"birdnet|{species}", **tags)
    platform.wait(run_id, "STARTED")
    wait_for("the first clips", lambda: len(store_of(platform)) > before)
    return run_id


def test_a_run_can_be_terminated(cluster: Cluster, platform: Platform) -> None:
    prepared(platform, "owl")
    run_id = platform.launch("experiment", "birdnet|owl")
    platform.wait(run_id, "STARTED")
    pod = platform.pod(run_id)
    platform.terminate(run_id)
    platform.wait(run_id, "CANCELED")
    wait_for("the end of the pod", lambda: not cluster("get", "pod", pod, "--ignore-not-found"))


def test_a_run_whose_pod_is_killed_is_tried_again_and_goes_on_from_the_store(
    cluster: Cluster, platform: Platform
) -> None:
    prepared(platform, "owl")
    before = len(store_of(platform))
    run_id = start_embedding(platform, "owl")
    kept = len(store_of(platform)) - before
    cluster.kill(platform.pod(run_id))
    platform.wait(run_id, "FAILURE")

    def second() -> Any:
        group = platform.instance.get_run_group(run_id)
        runs = [run for run in (group[1] if group else []) if run.run_id != run_id]
        return runs[0] if runs else None

    retried = wait_for("a second run", second)
    assert retried.tags[RETRY_NUMBER_TAG] == "1"
    platform.wait(retried.run_id, "SUCCESS")
    metadata = materialization(platform, retried.run_id, "embeddings")
    assert 0 < kept < CLIPS, f"the killed run left {kept} clips"
    assert metadata["from the store"] >= kept
    assert metadata["from the store"] + metadata["embedded now"] == CLIPS
    assert store_of(platform).repeats() == 0


def materialization(platform: Platform, run_id: str, asset: str) -> dict[str, Any]:
    for entry in platform.instance.all_logs(run_id):
        event = entry.dagster_event
        if event is not None and event.is_step_materialization:
            found = event.step_materialization_data.materialization
            if found.asset_key.path == [asset]:
                return {key: value.value for key, value in found.metadata.items()}
    raise AssertionError(f"{asset} was not materialized by {run_id}")


def test_a_run_that_needs_more_memory_than_it_has_is_reported_as_such(platform: Platform) -> None:
    prepared(platform, "lark")
    config = PodSize(cpu=0.5, memory_gib=0.32).run_config()
    run_id = platform.launch(
        "experiment", "birdnet|lark", **{POD_TAG: json.dumps(config), "dagster/max_retries": "0"}
    )
    platform.wait(run_id, "FAILURE")
    # The kernel takes the whole container, or (before cgroup v2) the largest process of it; a
    # worker process that went so is reported by the run itself.
    assert re.search("OOMKilled|short of memory", platform.messages(run_id))


def embed_job(platform: Platform) -> Values:
    """``deploy/embed/job.yaml`` for this cluster."""
    job: Values = yaml.safe_load((ROOT / "deploy/embed/job.yaml").read_text())
    # Kubernetes 1.20 knows none.
    del job["spec"]["podFailurePolicy"]
    job["spec"]["parallelism"] = 2
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    launcher = platform.values["runLauncher"]["config"]["k8sRunLauncher"]
    container["image"], container["imagePullPolicy"] = IMAGE, "Never"
    container["args"][-1] = "lark"
    container["env"][0]["value"] = "1"
    container["resources"] = {"requests": {"cpu": "200m"}, "limits": {"memory": "1536Mi"}}
    pod["volumes"], container["volumeMounts"] = launcher["volumes"], launcher["volumeMounts"]
    return job


def test_two_pods_on_one_partition_embed_every_clip_once_though_one_is_killed(
    cluster: Cluster, platform: Platform
) -> None:
    prepared(platform, "lark")
    job = embed_job(platform)
    name = job["metadata"]["name"]
    known = len(store_of(platform))
    cluster.apply(job)
    selector = f"job-name={name}"

    def both_at_work() -> list[str] | None:
        claims = list(platform.results.glob("embeddings/birdnet/*/.*.claim"))
        names = [
            pod["metadata"]["name"]
            for pod in cluster.pods(selector)
            if pod["status"]["phase"] == "Running"
        ]
        new = len(store_of(platform)) > known
        return names if len(claims) >= 2 and len(names) == 2 and new else None

    first, second = wait_for("two pods at work", both_at_work)
    cluster.kill(first)

    def complete() -> bool:
        conditions = cluster.get("job", name)["status"].get("conditions", [])
        assert not any(c["type"] == "Failed" for c in conditions)
        return any(c["type"] == "Complete" for c in conditions)

    wait_for("the end of the job", complete)
    done = [
        p["metadata"]["name"] for p in cluster.pods(selector) if p["status"]["phase"] == "Succeeded"
    ]
    assert second in done
    print("\n".join(cluster("logs", pod).splitlines()[-1] for pod in done))
    store = store_of(platform)
    assert store.repeats() == 0
    inventory = pd.read_parquet(platform.results / "audio_inventory" / "lark.parquet")
    assert len(inventory) == CLIPS
    assert len(store) - known <= CLIPS
    missing = [
        row.clip_id
        for row in inventory.itertuples()
        if row.status == "ok" and store.sha256_of(row.checksum, row.size) is None
    ]
    assert not missing
    assert not list(platform.results.glob("embeddings/birdnet/*/.*.claim"))
    cluster("delete", "job", name)
