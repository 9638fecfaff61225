"""What the Dagster chart makes of values, as far as tests need it: the instance, and pods to run.

Written after the chart's templates; values are laid over one another as Helm does it.
"""

import json
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
VALUES = ROOT / "helm-values.yaml"
KIND_VALUES = ROOT / "deploy" / "kind" / "values.yaml"
NAMESPACE = "audio-assets"
HOME = "/opt/dagster/dagster_home"

Values = dict[str, Any]


def over(below: Any, above: Any) -> Any:
    """``above`` laid over ``below``: mappings are merged, null removes, all else replaces."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    merged = dict(below)
    for key, value in above.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = over(below[key], value) if key in below else value
    return merged


def load_values(*files: Path) -> Values:
    values: Values = {}
    for file in files:
        values = over(values, yaml.safe_load(file.read_text()))
    return values


def deployment(values: Values) -> Values:
    """The one code location."""
    (only,) = values["dagster-user-deployments"]["deployments"]
    found: Values = only
    return found


def image_name(image: Values) -> str:
    return f"{image['repository']}:{image['tag']}"


def instance(values: Values) -> Values:
    """The ``dagster.yaml`` of the cluster."""
    daemon = values["dagsterDaemon"]
    launcher = values["runLauncher"]["config"]["k8sRunLauncher"]
    coordinator = daemon["runCoordinator"]["config"]["customRunCoordinator"]
    monitoring, retries = daemon["runMonitoring"], daemon["runRetries"]
    raw = launcher["runK8sConfig"]
    return {
        "storage": {"postgres": {"postgres_db": _postgres(values)}},
        "run_launcher": {
            "module": "dagster_k8s",
            "class": "K8sRunLauncher",
            "config": {
                "load_incluster_config": launcher["loadInclusterConfig"],
                "job_namespace": NAMESPACE,
                "image_pull_policy": launcher["imagePullPolicy"],
                "service_account_name": values["serviceAccount"]["name"],
                "dagster_home": HOME,
                "instance_config_map": "dagster-instance",
                "postgres_password_secret": values["global"]["postgresqlSecretName"],
                "env_config_maps": [item["name"] for item in launcher["envConfigMaps"]],
                "volumes": launcher["volumes"],
                "volume_mounts": launcher["volumeMounts"],
                "labels": launcher["labels"],
                "resources": launcher["resources"],
                "fail_pod_on_run_failure": launcher["failPodOnRunFailure"],
                "security_context": launcher["securityContext"],
                "run_k8s_config": {
                    "pod_template_spec_metadata": raw["podTemplateSpecMetadata"],
                    "pod_spec_config": raw["podSpecConfig"],
                    "job_spec_config": raw["jobSpecConfig"],
                },
            },
        },
        "run_coordinator": {
            "module": coordinator["module"],
            "class": coordinator["class"],
            "config": coordinator["config"],
        },
        "retention": {
            "schedule": {"purge_after_days": values["retention"]["schedule"]["purgeAfterDays"]},
            "sensor": {"purge_after_days": values["retention"]["sensor"]["purgeAfterDays"]},
        },
        "run_monitoring": {
            "enabled": monitoring["enabled"],
            "start_timeout_seconds": monitoring["startTimeoutSeconds"],
            "cancel_timeout_seconds": monitoring["cancelTimeoutSeconds"],
            "max_runtime_seconds": monitoring["maxRuntimeSeconds"],
            "max_resume_run_attempts": monitoring["maxResumeRunAttempts"],
            "poll_interval_seconds": monitoring["pollIntervalSeconds"],
            "free_slots_after_run_end_seconds": monitoring["freeSlotsAfterRunEndSeconds"],
        },
        "run_retries": {
            "enabled": retries["enabled"],
            "max_retries": retries["maxRetries"],
            "retry_on_asset_or_op_failure": retries["retryOnAssetOrOpFailure"],
        },
        "concurrency": _concurrency(values["concurrency"]),
        "telemetry": {"enabled": values["telemetry"]["enabled"]},
    }


def _postgres(values: Values) -> Values:
    postgres = values["postgresql"]
    return {
        "hostname": postgres["postgresqlHost"],
        "port": postgres["service"]["port"],
        "username": postgres["postgresqlUsername"],
        "password": {"env": "DAGSTER_PG_PASSWORD"},
        "db_name": postgres["postgresqlDatabase"],
        "params": postgres["postgresqlParams"],
        "scheme": postgres["postgresqlScheme"],
    }


def _concurrency(given: Values) -> Values:
    pools, runs = given.get("pools", {}), given.get("runs", {})
    known = {
        "pools": {
            "default_limit": pools.get("defaultLimit"),
            "granularity": pools.get("granularity"),
            "op_granularity_run_buffer": pools.get("opGranularityRunBuffer"),
        },
        "runs": {
            "max_concurrent_runs": runs.get("maxConcurrentRuns"),
            "tag_concurrency_limits": runs.get("tagConcurrencyLimits"),
        },
    }
    said = {
        part: {key: value for key, value in keys.items() if value is not None}
        for part, keys in known.items()
    }
    return {part: keys for part, keys in said.items() if keys}


def code_server(values: Values) -> Values:
    """The pod of the code location."""
    given = deployment(values)
    port = str(given["port"])
    command = ["dagster", "api", "grpc", "-h", "0.0.0.0", "-p", port]
    container = _container(given, args=[*command, *given["dagsterApiGrpcArgs"]])
    container["env"].append({"name": "DAGSTER_CURRENT_IMAGE", "value": image_name(given["image"])})
    health = {"exec": {"command": ["dagster", "api", "grpc-health-check", "-p", port]}}
    container["readinessProbe"] = {**health, **_probe(given["readinessProbe"])}
    container["envFrom"] = [{"configMapRef": item} for item in given["envConfigMaps"]]
    account = values["dagster-user-deployments"]["serviceAccount"]["name"]
    return _pod("code", given, container, account)


def daemon(values: Values) -> Values:
    """The pod of the daemon."""
    given = values["dagsterDaemon"]
    container = _container(
        given,
        command=["/bin/bash", "-c", "dagster-daemon run -w /dagster-workspace/workspace.yaml"],
    )
    container["livenessProbe"] = given["livenessProbe"]
    return _pod("daemon", given, container, values["serviceAccount"]["name"], workspace=True)


def webserver(values: Values) -> Values:
    """The pod of the webserver."""
    given = values["dagsterWebserver"]
    call = f"dagster-webserver -h 0.0.0.0 -p {given['service']['port']}"
    container = _container(
        given, command=["/bin/bash", "-c", f"{call} -w /dagster-workspace/workspace.yaml"]
    )
    container["readinessProbe"] = given["readinessProbe"]
    return _pod("webserver", given, container, values["serviceAccount"]["name"], workspace=True)


def code_service(values: Values) -> Values:
    """The service of the code location; Kubernetes names variables in other pods after it."""
    given = deployment(values)
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": given["name"], "namespace": NAMESPACE},
        "spec": {
            "type": "ClusterIP",
            "ports": [{"name": "grpc", "protocol": "TCP", "port": given["port"]}],
            "selector": {"component": "user-deployments", "deployment": given["name"]},
        },
    }


def _probe(given: Values) -> Values:
    return {key: value for key, value in given.items() if key != "enabled"}


def _container(given: Values, **call: list[str]) -> Values:
    return {
        "name": "dagster",
        "image": image_name(given["image"]),
        "imagePullPolicy": given["image"]["pullPolicy"],
        "securityContext": given["securityContext"],
        "resources": given["resources"],
        "volumeMounts": [
            *given["volumeMounts"],
            {"name": "instance", "mountPath": f"{HOME}/dagster.yaml", "subPath": "dagster.yaml"},
        ],
        "env": [
            {"name": "DAGSTER_HOME", "value": HOME},
            {
                "name": "DAGSTER_PG_PASSWORD",
                "valueFrom": {
                    "secretKeyRef": {"name": "dagster-postgresql", "key": "postgresql-password"}
                },
            },
        ],
        **call,
    }


# It says nothing of service links, as the chart does not: such pods have them.
def _pod(
    name: str, given: Values, container: Values, account: str, workspace: bool = False
) -> Values:
    volumes = [*given["volumes"], {"name": "instance", "configMap": {"name": "dagster-instance"}}]
    if workspace:
        volumes.append({"name": "workspace", "configMap": {"name": "dagster-workspace"}})
        container["volumeMounts"].append({"name": "workspace", "mountPath": "/dagster-workspace/"})
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": given["labels"]},
        "spec": {
            "serviceAccountName": account,
            "automountServiceAccountToken": True,
            "restartPolicy": "Never",
            "securityContext": given["podSecurityContext"],
            "containers": [container],
            "volumes": volumes,
        },
    }


def config_map(name: str, **data: str) -> Values:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": NAMESPACE},
        "data": {key.replace("_yaml", ".yaml"): value for key, value in data.items()},
    }


def as_yaml(value: Values) -> str:
    """Without anchors, which ``yaml.dump`` would make of shared parts."""
    text: str = yaml.safe_dump(json.loads(json.dumps(value)))
    return text
