"""Clusters for tests: one that is up, with the images in it. None is built or started here."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio_assets_tests.kubernetes.platform import (
    Cluster,
    Platform,
    add_species,
    build,
    installed,
)
from audio_assets_tests.small_audio import write_species

SCRIPT = "TEST_CLUSTER"
# As in the Dockerfile.
USER = 10001


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster that is up, with the project's image."""
    script = os.environ.get(SCRIPT)
    if not script:
        pytest.skip(f"{SCRIPT} names no tool that starts a Kubernetes cluster")
    check = subprocess.run([script, "check"], capture_output=True, text=True)
    if check.returncode:
        pytest.skip(f"this machine cannot run a Kubernetes cluster: {check.stderr.strip()}")
    if subprocess.run([script, "status"], capture_output=True).returncode:
        pytest.skip(f"no cluster is up; start one with: {script} up")
    build(script, tmp_path_factory.mktemp("image"))
    kubeconfig = subprocess.run(
        [script, "kubeconfig"], check=True, capture_output=True, text=True
    ).stdout.strip()
    return Cluster(script, kubeconfig)


@pytest.fixture(scope="session")
def audio(tmp_path_factory: pytest.TempPathFactory, real_audio: Path) -> Path:
    """An audio root of real clips of one species, and many synthetic ones of two."""
    root = _shared_folder(tmp_path_factory, "audio")
    shutil.copytree(real_audio / "canid", root / "canid")
    shutil.copy(real_audio / "clips.csv", root)
    for path in root.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)
    for name in ("owl", "lark"):
        write_species(root, name, recordings=100, clips=2)
    return root


@pytest.fixture(scope="session")
def platform(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory, audio: Path
) -> Iterator[Platform]:
    """The platform on the cluster, and what comes before the experiment of any model."""
    results = _shared_folder(tmp_path_factory, "results")
    os.chown(results, USER, USER)
    settings = {
        "AUDIO_ASSETS_AUDIO_ROOT": "/data/audio",
        "AUDIO_ASSETS_RESULTS_ROOT": "/data/results",
        "AUDIO_ASSETS_MODELS": '["birdnet", "perch", "placeholder"]',
        "AUDIO_ASSETS_DUPLICATE_ENCODER": "",
    }
    folder = tmp_path_factory.mktemp("instance")
    with installed(cluster, folder, audio, results, settings) as found:
        add_species(found.instance, ["canid", "owl", "lark"])
        yield found


def _shared_folder(factory: pytest.TempPathFactory, name: str) -> Path:
    """A folder that pods of another user can read."""
    folder = factory.mktemp(name)
    folder.chmod(0o755)
    return folder
