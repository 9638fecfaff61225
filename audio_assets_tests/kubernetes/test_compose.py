"""The services of Docker Compose, beside the pods of a cluster and the local instance."""

import re

import yaml

from audio_assets.instance.pods import PODS
from audio_assets.settings import PREFIX
from audio_assets_tests.kubernetes.chart import ROOT, VALUES, code_server, daemon, load_values
from audio_assets_tests.kubernetes.chart import webserver as webserver_pod
from audio_assets_tests.kubernetes.deploy_files import COMPOSE, exporter


def test_the_services_of_compose_are_as_closed_as_the_pods() -> None:
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    built = {n: s for n, s in services.items() if s.get("image") == "audio-assets:local"}
    assert set(built) == {"code", "webserver", "daemon", "metrics"}
    for service in built.values():
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports == ["127.0.0.1:3000:3000", "127.0.0.1:9464:9464"]


def mebibytes(size: str) -> int:
    """Of a size as Compose (``2g``) or Kubernetes (``1536Mi``) writes it."""
    number, unit = re.fullmatch(r"(\d+)(m|g|Mi|Gi)", size).groups()  # type: ignore[union-attr]
    return int(number) * (1 if unit[0].lower() == "m" else 1024)


def test_every_service_of_compose_has_the_memory_that_it_has_on_a_cluster() -> None:
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    limits = {
        name: mebibytes(re.sub(r"\$\{\w+:-(\w+)\}", r"\1", service["mem_limit"]))
        for name, service in services.items()
    }
    values = load_values(VALUES)
    charted = {
        "webserver": webserver_pod(values),
        "daemon": daemon(values),
        "metrics": {"spec": exporter()["spec"]["template"]["spec"]},
        "code": code_server(values),
    }
    needed = {
        name: mebibytes(pod["spec"]["containers"][0]["resources"]["limits"]["memory"])
        for name, pod in charted.items()
    }
    # Runs are child processes of the code server, as many at once as its instance says; and /tmp is
    # memory.
    instance = yaml.safe_load((COMPOSE / "dagster.yaml").read_text())
    runs = instance["concurrency"]["runs"]["max_concurrent_runs"]
    largest = max(pod.memory_gib for pod in PODS.values())
    (tmp,) = services["code"]["tmpfs"]
    needed["code"] += int(runs * largest * 1024) + mebibytes(tmp.split("=")[1])
    assert {name: limits[name] for name in needed} == needed
    total = sum(limits.values()) / 1024
    assert f"Together {total:.1f} GiB" in (COMPOSE / "docker-compose.yaml").read_text()


def test_settings_reach_what_knows_the_assets_in_compose_and_nothing_else() -> None:
    """With Compose, runs are its child processes; one setting is a secret."""
    services = yaml.safe_load((COMPOSE / "docker-compose.yaml").read_text())["services"]
    given = {name: s["env_file"] for name, s in services.items() if "env_file" in s}
    file = [{"path": "settings.env", "required": False}]
    assert given == {"code": file, "metrics": file}
    # The exporter has to know the settings, and not the one that is a secret.
    assert services["metrics"]["environment"][f"{PREFIX}WEBHOOK_URL"] == ""
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
