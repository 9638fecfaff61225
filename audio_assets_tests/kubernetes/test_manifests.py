"""``deploy/``: every manifest is valid Kubernetes, and says what it should of who may do what."""

from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions

from audio_assets.pods import PODS
from audio_assets.run_coordinator import PartitionRunCoordinator
from audio_assets.settings import PREFIX
from audio_assets_tests.kubernetes.chart import (
    ROOT,
    VALUES,
    code_server,
    code_service,
    daemon,
    instance,
    load_values,
)
from audio_assets_tests.kubernetes.chart import webserver as webserver_pod

DEPLOY = ROOT / "deploy"
OLDEST = 30
# Not resources of a cluster: of kustomize and kind, values of the chart, patches.
OTHER = {"kustomization.yaml", "cluster.yaml", "values.yaml", "docker-compose.yaml"}
COMPOSE = DEPLOY / "compose"


def minor(version: str) -> int:
    return int(version.split(".")[1])


def files() -> list[Path]:
    found = [path for path in sorted(DEPLOY.rglob("*.yaml")) if path.name not in OTHER]
    return [path for path in found if COMPOSE not in path.parents]


def documents(path: Path) -> list[dict[str, Any]]:
    return [doc for doc in yaml.safe_load_all(path.read_text()) if doc]


VERSIONS = [version for version in all_versions() if minor(version) >= OLDEST]


@pytest.mark.parametrize("path", files(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_every_manifest_is_valid_from_the_oldest_to_the_newest_kubernetes(path: Path) -> None:
    assert {minor(version) for version in VERSIONS} >= {OLDEST, OLDEST + 5}
    for document in documents(path):
        for version in VERSIONS:
            kubernetes_validate.validate(document, version, strict=True)


@pytest.mark.parametrize("make", [code_server, daemon, webserver_pod])
def test_the_charts_pods_are_valid_with_our_values(make: Any) -> None:
    pod = make(load_values(VALUES))
    for version in VERSIONS:
        kubernetes_validate.validate(pod, version, strict=True)


def test_the_charts_service_is_valid_with_our_values_and_makes_names_of_settings() -> None:
    """Which settings must take for none."""
    service = code_service(load_values(VALUES))
    for version in VERSIONS:
        kubernetes_validate.validate(service, version, strict=True)
    variable = service["metadata"]["name"].upper().replace("-", "_") + "_"
    assert variable == PREFIX


@pytest.mark.parametrize("folder", ["base", "kind"])
def test_a_kustomization_names_every_file_beside_it(folder: str) -> None:
    (kustomization,) = documents(DEPLOY / folder / "kustomization.yaml")
    named = set(kustomization["resources"]) - {"../base"}
    named |= {patch["path"] for patch in kustomization.get("patches", [])}
    beside = {path.name for path in (DEPLOY / folder).glob("*.yaml")} - OTHER
    assert named == beside


def pod_specs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in files():
        for document in documents(path):
            template = document.get("spec", {}).get("template")
            if template:
                yield f"{path.stem}/{document['metadata']['name']}", template["spec"]


@pytest.mark.parametrize(
    ("name", "spec"), list(pod_specs()), ids=lambda value: value if type(value) is str else ""
)
def test_every_pod_gives_up_what_it_does_not_need(name: str, spec: dict[str, Any]) -> None:
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]


def test_the_role_has_no_wildcard_and_reads_no_secret() -> None:
    (role,) = [d for d in documents(DEPLOY / "base/rbac.yaml") if d["kind"] == "Role"]
    for rule in role["rules"]:
        assert "*" not in rule["apiGroups"] + rule["resources"] + rule["verbs"]
        assert "secrets" not in rule["resources"]


def policies(folder: str) -> dict[str, dict[str, Any]]:
    """Specs of the network policies that a kustomization makes, by name."""
    (kustomization,) = documents(DEPLOY / folder / "kustomization.yaml")
    found: dict[str, dict[str, Any]] = {}
    for resource in kustomization["resources"]:
        path = DEPLOY / folder / resource
        if path.is_dir():
            found |= policies(path.resolve().relative_to(DEPLOY).as_posix())
        else:
            named = (doc for doc in documents(path) if doc["kind"] == "NetworkPolicy")
            found |= {doc["metadata"]["name"]: doc["spec"] for doc in named}
    return found


def selects(selector: dict[str, Any], component: str) -> bool:
    labels = selector.get("matchLabels", {})
    return labels.get("component", component) == component and all(
        rule["key"] == "component" and rule["operator"] == "In" and component in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )


def reaches_any_address(folder: str, component: str, port: int) -> bool:
    return any(
        {"protocol": "TCP", "port": port} in rule["ports"]
        for spec in policies(folder).values()
        if selects(spec["podSelector"], component)
        for rule in spec.get("egress", [])
        if "to" not in rule
    )


@pytest.mark.parametrize(("folder", "port"), [("base", 443), ("kind", 6443)])
@pytest.mark.parametrize("component", ["dagster-webserver", "dagster-daemon"])
def test_what_starts_runs_reaches_the_api_server(folder: str, port: int, component: str) -> None:
    """Policies are judged by the port that the API server itself listens on."""
    assert reaches_any_address(folder, component, port)


def test_other_pods_of_kind_do_not_reach_the_api_server() -> None:
    assert not reaches_any_address("kind", "user-deployments", 6443)
    assert not reaches_any_address("kind", "run_worker", 6443)


def test_embedding_workers_get_what_runs_of_their_model_get() -> None:
    (job,) = documents(DEPLOY / "embed/job.yaml")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    model = container["args"][container["args"].index("--model") + 1]
    config = PODS[model].run_config()["container_config"]
    assert container["resources"] == config["resources"]
    assert container["env"] == config["env"]


def test_each_file_of_compose_and_of_the_workflows_is_yaml_without_a_secret() -> None:
    workflows = sorted((ROOT / ".github/workflows").glob("*.yaml"))
    assert workflows
    for path in [*COMPOSE.glob("*.yaml"), *workflows]:
        assert yaml.safe_load(path.read_text())
        assert "PRIVATE KEY" not in path.read_text()
    example = (COMPOSE / "example.env").read_text()
    assert "POSTGRES_PASSWORD=\n" in example


def test_workflows_start_with_no_more_than_reading() -> None:
    for path in (ROOT / ".github/workflows").glob("*.yaml"):
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}


def test_the_workflow_deploys_with_the_helm_of_the_handbook() -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/deploy.yaml").read_text())
    steps = workflow["jobs"]["deploy"]["steps"]
    (helm,) = [s for s in steps if s.get("uses", "").startswith("azure/setup-helm@")]
    major = helm["with"]["version"].removeprefix("v").split(".")[0]
    assert f"helm {major}" in (DEPLOY / "README.md").read_text()


def test_the_services_of_compose_are_as_closed_as_the_pods() -> None:
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    ours = {name: s for name, s in services.items() if s.get("image") == "audio-assets:local"}
    assert set(ours) == {"code", "webserver", "daemon"}
    for service in ours.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000"]


def test_settings_reach_the_code_server_of_compose_and_nothing_else() -> None:
    """With Compose, runs are its child processes; one setting is a secret."""
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    given = {name: s["env_file"] for name, s in services.items() if "env_file" in s}
    assert given == {"code": [{"path": "settings.env", "required": False}]}
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert "/deploy/compose/settings.env" in ignored and "/deploy/compose/.env" in ignored
    # These stay what the volumes are mounted at, whatever the file says.
    ours = {name for name in services["code"]["environment"] if name.startswith(PREFIX)}
    assert ours == {f"{PREFIX}AUDIO_ROOT", f"{PREFIX}RESULTS_ROOT"}


def test_an_image_that_compose_builds_may_name_its_commit() -> None:
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    assert services["code"]["build"]["args"] == {"REVISION": "${REVISION:-}"}
    assert "\nARG REVISION=\n" in (ROOT / "Dockerfile").read_text()


def test_compose_agrees_with_the_local_instance() -> None:
    local = yaml.safe_load((ROOT / "dagster.yaml").read_text())
    composed = yaml.safe_load((COMPOSE / "dagster.yaml").read_text())
    for key in ("run_coordinator", "run_retries", "concurrency", "telemetry"):
        assert composed[key] == local[key]


def instances() -> dict[str, dict[str, Any]]:
    """What each instance of ours is made from, by where that is written."""
    written = [ROOT / "dagster.yaml", *sorted(DEPLOY.rglob("dagster.yaml"))]
    found = {
        path.relative_to(ROOT).as_posix(): yaml.safe_load(path.read_text()) for path in written
    }
    for files in ([VALUES], [VALUES, DEPLOY / "kind/values.yaml"]):
        name = files[-1].relative_to(ROOT).as_posix()
        found[name] = instance(load_values(*files))
    return found


@pytest.mark.parametrize("place", instances())
def test_every_instance_refuses_a_run_without_a_right_partition(place: str) -> None:
    """Dagster's own coordinator would queue it, and it would fail when it is its turn."""
    coordinator = instances()[place]["run_coordinator"]
    named = resolve_name(f"{coordinator['module']}:{coordinator['class']}")
    assert issubclass(named, PartitionRunCoordinator)
