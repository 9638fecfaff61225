"""Resources by model, as they arrive at Kubernetes: the job that the run launcher would make."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.run_coordinator import SubmitRunContext
from dagster._core.storage.dagster_run import DagsterRunStatus
from dagster._core.test_utils import in_process_test_workspace
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster_k8s import K8sRunLauncher
from dagster_k8s.job import construct_dagster_k8s_job

from audio_assets.instance.pods import DEFAULT, POD_TAG, PODS, PodSize, pod_of
from audio_assets.instance.queue import PodRunCoordinator
from audio_assets.models.registry import model_names
from audio_assets.pipeline.partitions import ENCODER_TAG
from audio_assets_tests.kubernetes.chart import VALUES, instance, load_values

# Not a model of users.
PLACEHOLDER = {"placeholder"}


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, str]], Any]:
    """The V1Job of a run with these tags, as the launcher of helm-values.yaml makes it."""
    monkeypatch.setattr("dagster_k8s.launcher.load_kubernetes_config", lambda **_: None)
    config = instance(load_values(VALUES))["run_launcher"]["config"]
    launcher = K8sRunLauncher(**config, k8s_client_batch_api=object(), k8s_client_core_api=object())

    def make(tags: dict[str, str]) -> Any:
        run = dg.DagsterRun(job_name="job", tags=tags)
        context = launcher.get_container_context_for_run(run)
        return construct_dagster_k8s_job(
            context.get_k8s_job_config("image", launcher),
            args=["true"],
            job_name="run",
            user_defined_k8s_config=context.run_k8s_config,
        )

    return make


@pytest.fixture
def job_of(launched: Callable[[dict[str, str]], Any]) -> Callable[[PodSize], Any]:
    """The V1Job of a run with a pod of this size."""
    return lambda pod: launched({POD_TAG: json.dumps(pod.run_config())})


def workers_of(container: Any) -> str:
    (found,) = [item.value for item in container.env if item.name == "AUDIO_ASSETS_WORKERS"]
    return str(found)


@pytest.mark.parametrize("name", PODS)
def test_a_pod_asks_for_what_the_table_says(name: str, job_of: Any) -> None:
    pod = PODS[name]
    spec = job_of(pod).spec.template.spec
    (container,) = spec.containers
    memory = f"{pod.memory_gib * 1024:.0f}Mi"
    assert container.resources.requests == {"cpu": f"{pod.cpu * 1000:.0f}m", "memory": memory}
    assert container.resources.limits == {"memory": memory}
    assert workers_of(container) == str(pod.cpu)


def test_a_gpu_and_a_node_pool_arrive_at_the_pod(job_of: Any) -> None:
    pod = PodSize(cpu=1.5, memory_gib=2.5, gpus=1, node_selector={"pool": "gpu"})
    spec = job_of(pod).spec.template.spec
    limits = spec.containers[0].resources.limits
    assert limits == {"memory": "2560Mi", "nvidia.com/gpu": "1"}
    assert spec.node_selector == {"pool": "gpu"}
    assert [(t.key, t.effect) for t in spec.tolerations] == [("nvidia.com/gpu", "NoSchedule")]
    assert workers_of(spec.containers[0]) == "2"


def test_a_pod_keeps_what_the_launcher_says_beside_its_resources(job_of: Any) -> None:
    job = job_of(PODS["vgg"])
    spec = job.spec.template.spec
    assert spec.automount_service_account_token is False
    assert spec.enable_service_links is False
    assert spec.service_account_name == "audio-assets-runs"
    assert spec.security_context.run_as_non_root is True
    assert spec.security_context.seccomp_profile.type == "RuntimeDefault"
    assert spec.containers[0].security_context.read_only_root_filesystem is True
    assert spec.containers[0].security_context.capabilities.drop == ["ALL"]
    assert {v.name for v in spec.volumes} == {"tmp", "cache"}
    assert job.spec.backoff_limit == 0 and job.spec.ttl_seconds_after_finished == 3600


def test_every_model_is_in_the_table() -> None:
    assert set(model_names()) - PLACEHOLDER == PODS.keys() - {DEFAULT}


@pytest.mark.parametrize(
    ("partition", "name"),
    [
        ("vgg|coyote", "vgg"),
        ("vgg", "vgg"),
        ("coyote", DEFAULT),
        (None, DEFAULT),
        ("mine|owl", DEFAULT),
    ],
)
def test_the_model_is_told_by_the_partition(partition: str | None, name: str) -> None:
    assert pod_of(partition) is PODS[name]


@pytest.mark.parametrize("numbers", [(0, 1, 0), (1, 0, 0), (1, 1, -1)])
def test_a_size_out_of_range_is_refused(numbers: tuple[float, float, int]) -> None:
    with pytest.raises(ValueError, match="a pod needs"):
        PodSize(*numbers)


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Any]:
    """Makes an instance with the run coordinator under a configuration."""
    opened: list[dg.DagsterInstance] = []

    def make(**config: Any) -> dg.DagsterInstance:
        coordinator = {
            "module": "audio_assets.instance.queue",
            "class": "PodRunCoordinator",
            "config": config,
        }
        limit = {"runs": {"max_concurrent_runs": 3}}
        (tmp_path / "dagster.yaml").write_text(
            yaml.safe_dump({"run_coordinator": coordinator, "concurrency": limit})
        )
        opened.append(dg.DagsterInstance.from_config(str(tmp_path)))
        return opened[-1]

    yield make
    for each in opened:
        each.dispose()


def workspace(*jobs: str, **encoders: str) -> Any:
    """A code location without partitions, of assets that name these encoders, all in all jobs."""
    tags = {
        dg.AssetKey(asset): {ENCODER_TAG: name} if name else {} for asset, name in encoders.items()
    }
    graph = SimpleNamespace(
        asset_keys_for_job=lambda job: set(tags) if job in jobs else set(),
        has=lambda key: key in tags,
        get=lambda key: SimpleNamespace(tags=tags[key]),
    )
    return SimpleNamespace(
        get_partition_sets=lambda _: [],
        get_repository=lambda _: SimpleNamespace(asset_graph=graph),
    )


def submit(
    instance: dg.DagsterInstance,
    *,
    job: str = "job",
    assets: list[str] | None = None,
    within: Any = None,
    place: str = "here",
    **tags: str,
) -> dg.DagsterRun:
    origin = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin(place), "__repository__")
    run = dg.DagsterRun(
        job,
        tags=tags,
        remote_job_origin=RemoteJobOrigin(origin, job),
        asset_selection=None if assets is None else frozenset(map(dg.AssetKey, assets)),
    )
    instance.add_run(run)
    context = SubmitRunContext(run, workspace=within or workspace())
    instance.run_coordinator.submit_run(context)
    found = instance.get_run_by_id(run.run_id)
    assert found is not None and found.status == DagsterRunStatus.QUEUED
    return found


def test_a_queued_run_is_tagged_with_the_pod_of_its_model(queue: Any) -> None:
    run = submit(queue(), **{"dagster/partition": "vgg|coyote"})
    assert json.loads(run.tags[POD_TAG]) == PODS["vgg"].run_config()


@pytest.mark.parametrize(
    ("encoder", "memory"),
    [("perch", "8192Mi"), ("mfcc", "3072Mi"), ("mobilenet", "6144Mi"), ("", "3072Mi")],
)
@pytest.mark.parametrize("assets", [None, ["near_duplicates"]], ids=["job", "asset"])
def test_a_run_that_looks_for_near_duplicates_gets_a_pod_for_their_encoder(
    encoder: str, memory: str, assets: list[str] | None, queue: Any, launched: Any
) -> None:
    here = workspace("splits", near_duplicates=encoder, balanced_manifest="")
    partition = {"dagster/partition": "coyote"}
    run = submit(queue(), job="splits", assets=assets, within=here, **partition)
    (container,) = launched(run.tags).spec.template.spec.containers
    assert container.resources.limits == {"memory": memory}
    other = submit(queue(), job="splits", assets=["balanced_manifest"], within=here, **partition)
    assert json.loads(other.tags[POD_TAG]) == PODS[DEFAULT].run_config()


def test_what_the_instance_says_of_an_encoders_model_holds_for_near_duplicates(queue: Any) -> None:
    instance = queue(
        pods={
            "perch": {"cpu": 1.0, "memory_gib": 9.0, "gpus": 1, "node_selector": {"pool": "gpu"}},
            "default": {"cpu": 4.0, "memory_gib": 2.0},
        }
    )
    run = submit(instance, job="splits", within=workspace("splits", near_duplicates="perch"))
    expected = PodSize(cpu=4, memory_gib=9, gpus=1, node_selector={"pool": "gpu"})
    assert json.loads(run.tags[POD_TAG]) == expected.run_config()


@pytest.fixture
def code_location(tmp_path: Path) -> Callable[..., Any]:
    """Makes the workspace of our own definitions under settings."""

    def make(instance: dg.DagsterInstance, **settings: Any) -> Any:
        file = tmp_path / "code_location.py"
        file.write_text(
            "from audio_assets.definitions import build_defs\n"
            "from audio_assets.settings import load_settings\n"
            f"defs = build_defs(load_settings(**{settings!r}))\n"
        )
        origin = LoadableTargetOrigin(executable_path=sys.executable, python_file=str(file))
        return in_process_test_workspace(instance, origin)

    return make


# Of Dagster, when it tells a workspace of schedules.
@pytest.mark.filterwarnings("ignore:Property .ScheduleDefinition.environment_vars")
@pytest.mark.parametrize(
    ("settings", "memory_gib"),
    [
        ({"duplicate_encoder": "perch"}, 8),
        ({"duplicate_encoder": "perch", "duplicate_cosine": 1.0}, 3),
        ({"duplicate_encoder": ""}, 3),
    ],
    ids=["perch", "all are apart", "none"],
)
def test_our_definitions_name_the_encoder_of_near_duplicates(
    settings: dict[str, Any],
    memory_gib: float,
    code_location: Any,
    queue: Any,
    tmp_path: Path,
) -> None:
    instance = queue()
    instance.add_dynamic_partitions("species", ["coyote"])
    default = PODS[DEFAULT].run_config()
    expected = PodSize(cpu=2, memory_gib=memory_gib).run_config()
    species, model = {"dagster/partition": "coyote"}, {"dagster/partition": "svm|coyote"}
    with code_location(instance, results_root=str(tmp_path), **settings) as within:
        (place,) = within.code_location_names

        def pod_for(job: str, assets: list[str] | None = None, **tags: str) -> Any:
            run = submit(instance, job=job, assets=assets, within=within, place=place, **tags)
            return json.loads(run.tags[POD_TAG])

        assert pod_for("duplicates") == expected
        assert pod_for("splits", **species) == expected
        # As the asset graph of the UI starts it.
        assert pod_for("__ASSET_JOB", ["near_duplicates"], **species) == expected
        assert pod_for("inventory", **species) == default
        assert pod_for("__ASSET_JOB", ["balanced_manifest"], **species) == default
        assert pod_for("experiment", **model) == PODS["svm"].run_config()


def test_a_tag_given_by_hand_stays(queue: Any) -> None:
    assert submit(queue(), **{POD_TAG: "{}"}).tags[POD_TAG] == "{}"


def test_the_instance_may_say_otherwise_for_a_model(queue: Any) -> None:
    heavy = {"cpu": 4.0, "memory_gib": 12.0, "node_selector": {"pool": "heavy"}}
    instance = queue(pods={"vgg": heavy, "default": {"cpu": 1.0, "memory_gib": 1.0}})
    vgg = submit(instance, **{"dagster/partition": "vgg|coyote"})
    assert json.loads(vgg.tags[POD_TAG]) == PodSize(**heavy).run_config()
    other = submit(instance)
    assert json.loads(other.tags[POD_TAG]) == PodSize(1, 1).run_config()


def test_a_model_that_there_is_not_is_refused_when_the_instance_is_loaded(queue: Any) -> None:
    from audio_assets.errors import UnknownModelError

    instance = queue(pods={"bridnet": {"cpu": 1.0, "memory_gib": 1.0}})
    with pytest.raises(UnknownModelError, match="bridnet"):
        instance.run_coordinator  # noqa: B018


def test_the_limit_of_concurrent_runs_still_holds(queue: Any) -> None:
    instance = queue()
    assert isinstance(instance.run_coordinator, PodRunCoordinator)
    config = instance.get_concurrency_config().run_queue_config
    assert config is not None and config.max_concurrent_runs == 3
