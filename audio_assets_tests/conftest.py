"""What every test may ask for."""

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import dagster
import pytest
from hypothesis import settings
from upath import UPath

from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.bucket_server import BucketServer

REAL_AUDIO = "TEST_AUDIO_ROOT"

# Deadlines of single examples fail on a busy machine, and speed is not what these tests are about.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_configure() -> None:
    """Keep absl, which TensorFlow logs with, from closing the file that pytest captures into.

    Its handler writes to the ``sys.stderr`` of the moment it is imported in, and closes that when
    Dagster configures logging, unless it is the process's own.
    """
    try:
        from absl import logging
    except ModuleNotFoundError:
        # It comes with TensorFlow, and nothing closes anything without.
        return
    logging.get_absl_handler().python_handler.stream = sys.__stderr__


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put files with slow tests first: the last of them would keep one worker alone for minutes."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if sys.platform == "win32":
        for item in items:
            if item.get_closest_marker("posix"):
                item.add_marker(pytest.mark.skip(reason="needs POSIX signals or a POSIX shell"))


@pytest.fixture(scope="session")
def real_audio() -> Path:
    """Folder of real labelled clips with ``clips.csv``, named by the environment."""
    folder = os.environ.get(REAL_AUDIO)
    if not folder:
        pytest.skip(f"{REAL_AUDIO} names no folder of real clips")
    path = Path(folder)
    if not (path / "clips.csv").is_file():
        pytest.fail(f"{REAL_AUDIO}={folder} has no clips.csv")
    return path


@pytest.fixture(scope="session")
def needs_tensorflow() -> None:
    """Skips what cannot do without the extra; CI has it, and allows no such skip."""
    if find_spec("tensorflow") is None:
        pytest.skip("the extra tensorflow is not installed")


@pytest.fixture(scope="session")
def stand_ins(
    needs_tensorflow: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., WeightPlaces]]:
    """Makes stand-ins of the named TensorFlow models when they are first asked for.

    Their digests are not the published ones, so these are not asked for while the tests run.
    """
    from audio_assets_tests.weights.stand_ins import (
        BACKBONES,
        without_digests,
        write_backbone,
        write_saved_model,
    )

    folder = tmp_path_factory.mktemp("weights")

    def make(*names: str) -> WeightPlaces:
        for name in names:
            without_digests(name, patch)
            if not (folder / name).exists():
                (write_backbone if name in BACKBONES else write_saved_model)(folder, name)
        return WeightPlaces(str(folder))

    with pytest.MonkeyPatch.context() as patch:
        yield make


BUCKET = "field-audio"


@pytest.fixture
def bucket_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    """The stand-in, with a bucket, as what gs:// leads to; faults are tried again at once."""
    with BucketServer(BUCKET).serve() as server, _leading_to(server.url, monkeypatch):
        yield server


@pytest.fixture
def server(bucket_server: BucketServer) -> BucketServer:
    """The stand-in bucket, by a short name."""
    return bucket_server


@pytest.fixture
def gives_up_soon(bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """For faults that stay; those that pass would outlast so short a time on a busy machine."""
    from audio_assets.objects import bucket_requests

    monkeypatch.setattr(bucket_requests, "GIVE_UP_SECONDS", 0.3)
    monkeypatch.setattr(dagster.RetryPolicy, "calculate_delay", lambda policy, attempt: 0.1)


@pytest.fixture(scope="session")
def emulator_url() -> Iterator[str]:
    from gcp_storage_emulator.server import create_server

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = create_server("127.0.0.1", port, in_memory=True, default_bucket=BUCKET)
    server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


@pytest.fixture(params=["local", "stand-in", "emulator"])
def root(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[UPath]:
    """An empty root: a folder, or a prefix of its own in a bucket."""
    from audio_assets.objects.roots import open_root

    if request.param == "local":
        yield open_root(tmp_path)
        return
    if request.param == "stand-in":
        request.getfixturevalue("bucket_server")
        yield open_root(f"gs://{BUCKET}/{tmp_path.name}")
        return
    yield open_root(request.getfixturevalue("emulator_bucket"))


@pytest.fixture
def emulator_bucket(
    emulator_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """An empty prefix in the emulator's bucket, and the emulator as what gs:// leads to."""
    with _leading_to(emulator_url, monkeypatch):
        yield f"gs://{BUCKET}/{tmp_path.name}"


@contextmanager
def _leading_to(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    from audio_assets.objects import bucket_requests, roots

    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    monkeypatch.setattr(bucket_requests, "FIRST_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(bucket_requests, "LONGEST_WAIT_SECONDS", 0.05)
    monkeypatch.setattr(bucket_requests, "GIVE_UP_SECONDS", 60.0)
    roots._client.cache_clear()
    yield
    roots._client().close()
    roots._client.cache_clear()
