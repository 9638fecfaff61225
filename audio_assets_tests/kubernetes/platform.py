"""The platform on a test cluster: what helm and kustomize would install, as bare pods.

The test clusters have no names for services, so pods find one another by address. Everything else -
values, roles, quota, the manifests of ``deploy/`` - is the project's own.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import dagster as dg
import yaml

from audio_assets.pipeline.partitions import SPECIES
from audio_assets_tests.kubernetes import chart
from audio_assets_tests.kubernetes.chart import NAMESPACE, ROOT, Values, as_yaml, config_map

IMAGE = "localhost/audio-assets:test"
POSTGRES_IMAGE = "localhost/audio-assets-postgres:test"
PASSWORD = "of-this-test-alone"
# Of a machine that has other things to do.
PATIENCE = 300

Found = TypeVar("Found")


def wait_for(what: str, ask: Callable[[], Found | None], seconds: float = PATIENCE) -> Found:
    """The first answer of ``ask`` that is something."""
    deadline = time.monotonic() + seconds
    while (found := ask()) is None or found is False:
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:.0f} s")
        time.sleep(0.5)
    return found


@dataclass(frozen=True)
class Cluster:
    """A cluster that is up."""

    script: str
    kubeconfig: str

    def __call__(self, *arguments: str, stdin: str | None = None, check: bool = True) -> str:
        """``kubectl`` in the namespace; what it prints."""
        done = subprocess.run(
            ["kubectl", "--kubeconfig", self.kubeconfig, "-n", NAMESPACE, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {done.stderr}{done.stdout}")
        return done.stdout

    def apply(self, *documents: Values) -> None:
        # Without a check of the fields: the test cluster is older than what the manifests are for.
        text = "---\n".join(as_yaml(document) for document in documents)
        self("apply", "--validate=false", "-f", "-", stdin=text)

    def apply_file(self, path: Path) -> None:
        self.apply(*(document for document in yaml.safe_load_all(path.read_text()) if document))

    def get(self, *arguments: str) -> Any:
        return json.loads(self("get", *arguments, "-o", "json"))

    def pods(self, selector: str) -> list[Any]:
        found: list[Any] = self.get("pods", "-l", selector)["items"]
        return found

    def start(self, pod: Values) -> str:
        """Start a pod and wait until it is ready; its address."""
        self.apply(pod)
        name = pod["metadata"]["name"]

        def ready() -> str | None:
            status = self.get("pod", name)["status"]
            if status["phase"] in ("Failed", "Succeeded"):
                raise AssertionError(f"{name} ended: {self('logs', name, check=False)}")
            conditions = {c["type"]: c["status"] for c in status.get("conditions", [])}
            return status["podIP"] if conditions.get("Ready") == "True" else None

        return wait_for(f"the pod {name}", ready)

    def run(self, pod: Values) -> tuple[str, str]:
        """Run a pod to its end; its phase and what it printed."""
        self.apply(pod)
        name = pod["metadata"]["name"]

        def end() -> str | None:
            phase: str = self.get("pod", name)["status"]["phase"]
            return phase if phase in ("Failed", "Succeeded") else None

        phase = wait_for(f"the end of the pod {name}", end)
        return phase, self("logs", name)

    def kill(self, pod: str) -> None:
        """End a pod at once, as a node that goes away does."""
        self("delete", "pod", pod, "--force", "--grace-period=0", "--wait=false")


def build(script: str, folder: Path) -> None:
    """Build the images and load them into the cluster. Without TensorFlow, which takes 2 GB."""
    slim = folder / "Dockerfile"
    text = (ROOT / "Dockerfile").read_text()
    assert "ARG EXTRAS=k8s,tensorflow\n" in text
    text = text.replace("ARG EXTRAS=k8s,tensorflow\n", "ARG EXTRAS=k8s\n")
    # The cluster's machine has a stand-in of the base image, under its tag.
    text, pinned = re.subn(r"(?m)^(ARG BASE=[^@\n]+)@sha256:[0-9a-f]{64}$", r"\1", text)
    assert pinned == 1
    slim.write_text(text)
    postgres = Path(__file__).parent / "postgres"
    for image, context, file in (
        (IMAGE, ROOT, slim),
        (POSTGRES_IMAGE, postgres, postgres / "Dockerfile"),
    ):
        subprocess.run(
            [script, "build-image", image, str(context), str(file)], check=True, timeout=1500
        )
        subprocess.run([script, "load", image], check=True, timeout=600)


def values_here(audio: Path, results: Path) -> Values:
    """Values of the kind recipe, with the folders of this machine and no waiting."""
    text = as_yaml(chart.load_values(chart.VALUES, chart.KIND_VALUES))
    text = text.replace("path: /data/audio", f"path: {audio}")
    text = text.replace("path: /data/results", f"path: {results}")
    text = text.replace("tag: kind", "tag: test")
    values: Values = yaml.safe_load(text)
    quick = {
        "dagsterDaemon": {
            "runMonitoring": {"pollIntervalSeconds": 5},
            "runCoordinator": {
                "config": {"customRunCoordinator": {"config": {"dequeue_interval_seconds": 1}}}
            },
        },
        "concurrency": {"runs": {"maxConcurrentRuns": 4}},
    }
    merged: Values = chart.over(values, quick)
    return merged


@dataclass(frozen=True)
class Platform:
    """Webserver, daemon, code server and Postgres, ready for runs."""

    cluster: Cluster
    values: Values
    results: Path
    instance: dg.DagsterInstance
    url: str

    def ask(self, query: str, **variables: Any) -> Any:
        """Data of a GraphQL query to the webserver."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"{self.url}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer = json.load(response)
        assert "errors" not in answer, answer
        return answer["data"]

    def launch(self, job: str, partition: str | None = None, **tags: str) -> str:
        """Launch a run through the webserver, as the UI does; its id."""
        if partition:
            tags["dagster/partition"] = partition
        parameters = {
            "selector": {
                "repositoryLocationName": "audio-assets",
                "repositoryName": "__repository__",
                "jobName": job,
            },
            "runConfigData": {},
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in tags.items()]
            },
        }
        query = """
            mutation Launch($parameters: ExecutionParams!) {
              launchRun(executionParams: $parameters) {
                __typename
                ... on LaunchRunSuccess { run { runId } }
                ... on PythonError { message }
              }
            }"""
        launched = self.ask(query, parameters=parameters)["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        run_id: str = launched["run"]["runId"]
        return run_id

    def stop_sensors(self) -> None:
        place = {"repositoryLocationName": "audio-assets", "repositoryName": "__repository__"}
        query = """
            query Sensors($place: RepositorySelector!) {
              sensorsOrError(repositorySelector: $place) {
                ... on Sensors { results { sensorState { id } } }
              }
            }"""
        stop = "mutation Stop($id: String!) { stopSensor(id: $id) { __typename } }"
        for sensor in self.ask(query, place=place)["sensorsOrError"]["results"]:
            answer = self.ask(stop, id=sensor["sensorState"]["id"])["stopSensor"]
            assert answer["__typename"] == "StopSensorMutationResult", answer

    def terminate(self, run_id: str) -> None:
        query = "mutation Stop($id: String!) { terminateRun(runId: $id) { __typename } }"
        answer = self.ask(query, id=run_id)["terminateRun"]
        assert answer["__typename"] == "TerminateRunSuccess", answer

    def status(self, run_id: str) -> str:
        run = self.instance.get_run_by_id(run_id)
        assert run is not None
        return run.status.value

    def wait(self, run_id: str, *statuses: str, seconds: float = PATIENCE) -> str:
        """Wait until a run is in one of these; it must not end in another."""

        def reached() -> str | None:
            status = self.status(run_id)
            if status in statuses:
                return status
            ended = status in ("SUCCESS", "FAILURE", "CANCELED")
            assert not ended, f"{status}: {self.messages(run_id)}"
            return None

        return wait_for(f"{statuses} of the run {run_id}", reached, seconds)

    def messages(self, run_id: str) -> str:
        """All that the log of a run says."""
        lines = []
        for entry in self.instance.all_logs(run_id):
            lines.append(entry.user_message or "")
            if entry.dagster_event is not None:
                lines.append(entry.dagster_event.message or "")
                data = entry.dagster_event.event_specific_data
                failure = getattr(data, "user_failure_data", None)
                if failure is not None:
                    lines.append(str(failure.description))
        return "\n".join(lines)

    def pod(self, run_id: str) -> str:
        """Name of the pod of a run, when it has one that runs."""

        def running() -> str | None:
            for pod in self.cluster.pods(f"dagster/run-id={run_id}"):
                if pod["status"]["phase"] == "Running":
                    name: str = pod["metadata"]["name"]
                    return name
            return None

        return wait_for(f"the pod of the run {run_id}", running)


@contextmanager
def installed(
    cluster: Cluster, folder: Path, audio: Path, results: Path, settings: dict[str, str]
) -> Iterator[Platform]:
    """The platform in a namespace of its own, and an instance on its database."""
    values = values_here(audio, results)
    image = chart.image_name(chart.deployment(values)["image"])
    assert image == IMAGE, image
    # Of a run that was killed.
    cluster("delete", "namespace", NAMESPACE, "--ignore-not-found")
    cluster("create", "namespace", NAMESPACE)
    try:
        for name in ("rbac", "service-accounts", "quota", "network-policies"):
            cluster.apply_file(ROOT / "deploy/base" / f"{name}.yaml")
        runs = values["dagster-user-deployments"]["serviceAccount"]["name"]
        cluster.apply(
            _account(values["serviceAccount"]["name"]),
            _account(runs),
            config_map("audio-assets-settings", **settings),
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "dagster-postgresql", "namespace": NAMESPACE},
                "stringData": {"postgresql-password": PASSWORD},
            },
            # Pods find one another by address; it is here for the variables that pods get of it, so
            # before any of them: a pod has the variables of what there was when it started.
            chart.code_service(values),
        )
        address = cluster.start(_postgres())
        values["postgresql"]["postgresqlHost"] = address
        cluster.apply(config_map("dagster-instance", dagster_yaml=as_yaml(chart.instance(values))))
        code = cluster.start(chart.code_server(values))
        server = {"host": code, "port": 3030, "location_name": "audio-assets"}
        workspace = as_yaml({"load_from": [{"grpc_server": server}]})
        cluster.apply(config_map("dagster-workspace", workspace_yaml=workspace))
        url = f"http://{cluster.start(chart.webserver(values))}:3000"
        database = {
            "hostname": address,
            "username": "dagster",
            "password": PASSWORD,
            "db_name": "dagster",
            "scheme": values["postgresql"]["postgresqlScheme"],
        }
        (folder / "dagster.yaml").write_text(
            yaml.safe_dump(
                {
                    "storage": {"postgres": {"postgres_db": database}},
                    "telemetry": {"enabled": False},
                }
            )
        )
        with dg.DagsterInstance.from_config(str(folder)) as instance:
            platform = Platform(cluster, values, results, instance, url)
            # Before the daemon, so that the tests' runs are the only ones.
            platform.stop_sensors()
            cluster.start(chart.daemon(values))
            yield platform
    finally:
        cluster("delete", "namespace", NAMESPACE, "--wait=false")


def _account(name: str) -> Values:
    return {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "automountServiceAccountToken": False,
    }


def _postgres() -> Values:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "postgres", "namespace": NAMESPACE},
        "spec": {
            "automountServiceAccountToken": False,
            "containers": [
                {
                    "name": "postgres",
                    "image": POSTGRES_IMAGE,
                    "imagePullPolicy": "Never",
                    "volumeMounts": [{"name": "password", "mountPath": "/run/secret"}],
                    "readinessProbe": {
                        "exec": {"command": ["ready"]},
                        "periodSeconds": 2,
                        "timeoutSeconds": 10,
                    },
                }
            ],
            "volumes": [{"name": "password", "secret": {"secretName": "dagster-postgresql"}}],
        },
    }


def add_species(instance: dg.DagsterInstance, names: Sequence[str]) -> None:
    instance.add_dynamic_partitions(SPECIES.name or "", list(names))
