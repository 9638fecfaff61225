"""``deploy/``: every manifest is valid Kubernetes, and says what it should of who may do what."""

import re
from collections.abc import Iterator
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import kubernetes_validate
import pytest
import yaml
from kubernetes_validate.utils import all_versions

from audio_assets.instance.pods import PODS
from audio_assets.instance.queue import PartitionRunCoordinator
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
from audio_assets_tests.kubernetes.deploy_files import COMPOSE, DEPLOY, documents, exporter

OLDEST = 30
# Not resources of a cluster: of kustomize and kind, values of the chart, patches.
OTHER = {"kustomization.yaml", "cluster.yaml", "values.yaml", "docker-compose.yaml", "alerts.yaml"}


def minor(version: str) -> int:
    return int(version.split(".")[1])


def files() -> list[Path]:
    found = [path for path in sorted(DEPLOY.rglob("*.yaml")) if path.name not in OTHER]
    return [path for path in found if COMPOSE not in path.parents]


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


KUSTOMIZED = [path.parent.relative_to(DEPLOY) for path in DEPLOY.rglob("kustomization.yaml")]
COMPONENTS = sorted(folder.name for folder in KUSTOMIZED if folder.parent.name == "components")


@pytest.mark.parametrize("folder", KUSTOMIZED, ids=str)
def test_a_kustomization_names_every_file_beside_it(folder: Path) -> None:
    (kustomization,) = documents(DEPLOY / folder / "kustomization.yaml")
    named = set(kustomization["resources"]) - {"../base"}
    for component in kustomization.get("components", []):
        (there,) = documents(DEPLOY / folder / component / "kustomization.yaml")
        assert there["kind"] == "Component"
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


def policies(folder: str, *components: str) -> dict[str, dict[str, Any]]:
    """Specs of the network policies that a kustomization makes, by name.

    With ``components`` besides those that it names.
    """
    (kustomization,) = documents(DEPLOY / folder / "kustomization.yaml")
    found: dict[str, dict[str, Any]] = {}
    named = kustomization["resources"] + kustomization.get("components", [])
    for path in [DEPLOY / folder / resource for resource in named]:
        if path.is_dir():
            found |= policies(path.resolve().relative_to(DEPLOY).as_posix())
        else:
            made = (doc for doc in documents(path) if doc["kind"] == "NetworkPolicy")
            found |= {doc["metadata"]["name"]: doc["spec"] for doc in made}
    for component in components:
        found |= policies(f"components/{component}")
    return found


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    return all(
        labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()
    ) and all(
        rule["operator"] == "In" and labels.get(rule["key"]) in rule["values"]
        for rule in selector.get("matchExpressions", [])
    )


def ours(name: str) -> dict[str, str]:
    return {"app.kubernetes.io/component": name}


# What tells each kind of pod from the others: labels of the chart, of the run launcher and of ours.
PODS_BY_KIND = {
    **{
        name: {"component": name}
        for name in ("dagster-webserver", "dagster-daemon", "user-deployments", "run_worker")
    },
    **{name: ours(name) for name in ("embed", "metrics")},
    "other": {},
}
CONTROL = {"dagster-webserver", "dagster-daemon"}


def pods_that_reach(port: int, folder: str, *components: str) -> set[str]:
    """Kinds of pods that are let out on a port to addresses that are not named one by one."""
    return {
        name
        for name, labels in PODS_BY_KIND.items()
        for spec in policies(folder, *components).values()
        if selects(spec["podSelector"], labels)
        for rule in spec.get("egress", [])
        if "to" not in rule and {"protocol": "TCP", "port": port} in rule["ports"]
    }


def test_no_pod_gets_out_on_443_unless_a_component_says_so() -> None:
    for folder in ("base", "kind"):
        assert pods_that_reach(443, folder) == set()
    for spec in policies("base").values():
        for rule in spec.get("egress", []):
            assert {"protocol": "TCP", "port": 443} not in rule["ports"]
            # Without ports a rule is for all of them.
            assert rule["ports"]


@pytest.mark.parametrize(
    ("component", "let_out"),
    [
        ("api-server", CONTROL),
        ("google-apis", PODS_BY_KIND.keys() - {"other"}),
        ("webhook", {"user-deployments"}),
        ("metrics", set()),
    ],
)
def test_each_component_lets_out_whom_it_is_for(component: str, let_out: set[str]) -> None:
    assert pods_that_reach(443, "base", component) == let_out


def test_every_component_is_judged_here_and_told_in_the_handbook() -> None:
    assert COMPONENTS == ["api-server", "google-apis", "metrics", "webhook"]
    handbook = (DEPLOY / "README.md").read_text()
    for component in COMPONENTS:
        assert f"`components/{component}`" in handbook


def test_what_starts_runs_reaches_the_api_server_and_on_kind_no_other_does() -> None:
    """Policies are judged by the port that the API server itself listens on."""
    assert pods_that_reach(443, "gke") >= CONTROL
    assert pods_that_reach(6443, "kind") == CONTROL


def test_pods_of_gke_reach_buckets_and_get_their_tokens() -> None:
    assert pods_that_reach(443, "gke") == PODS_BY_KIND.keys() - {"other"}
    token = {
        "to": [{"ipBlock": {"cidr": "169.254.169.254/32"}}],
        "ports": [{"protocol": "TCP", "port": 80}],
    }
    for name, labels in PODS_BY_KIND.items():
        reached = [
            rule
            for spec in policies("gke").values()
            if selects(spec["podSelector"], labels)
            for rule in spec.get("egress", [])
        ]
        assert (token in reached) is (name != "other")


def test_our_own_pods_have_the_labels_that_policies_know() -> None:
    for path in (DEPLOY / "embed/job.yaml", DEPLOY / "components/metrics/deployment.yaml"):
        (document,) = documents(path)
        labels = document["spec"]["template"]["metadata"]["labels"]
        known = [ours(name) for name in ("embed", "metrics")]
        assert any(label.items() <= labels.items() for label in known)


def test_the_workflow_and_the_handbook_apply_what_opens_443() -> None:
    applied = "kubectl apply -k deploy/gke"
    assert applied in (ROOT / ".github/workflows/deploy.yaml").read_text()
    handbook = (DEPLOY / "README.md").read_text()
    assert applied in handbook and "apply -k deploy/base" not in handbook


def test_the_exporter_has_the_instance_and_the_password_as_the_charts_pods_do() -> None:
    pod = exporter()["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    charted = code_server(load_values(VALUES))["spec"]
    (theirs,) = charted["containers"]
    names = {item["name"]: item for item in theirs["env"]}
    for item in container["env"]:
        assert item == names[item["name"]]
    assert theirs["volumeMounts"][-1] in container["volumeMounts"]
    assert charted["volumes"][-1] in pod["volumes"]
    assert container["envFrom"] == theirs["envFrom"]
    assert pod["serviceAccountName"] == charted["serviceAccountName"]


def test_prometheus_scrapes_and_reaches_the_port_that_the_exporter_listens_on() -> None:
    template = exporter()["spec"]["template"]
    (container,) = template["spec"]["containers"]
    (port,) = [item["containerPort"] for item in container["ports"]]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == str(port)
    assert container["args"][-2:] == ["--port", str(port)]
    (rule,) = policies("components/metrics")["metrics"]["ingress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": port}] and rule["from"]


def test_alerts_are_of_metrics_that_there_are() -> None:
    (rules,) = documents(DEPLOY / "prometheus/alerts.yaml")
    told = (ROOT / "audio_assets/automation/metrics.py").read_text()
    alerts = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in alerts}) == len(alerts) >= 5
    for rule in alerts:
        names = re.findall(r"audio_assets_(\w+)", rule["expr"])
        assert names and all(f'"{name}"' in told for name in names)
        assert "summary" in rule["annotations"]


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
