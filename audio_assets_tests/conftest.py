"""What every test may ask for."""

import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from audio_assets.weights.places import WeightPlaces

REAL_AUDIO = "TEST_AUDIO_ROOT"

# Deadlines of single examples fail on a busy machine, and speed is not what these tests are about.
settings.register_profile("no deadline", deadline=None)
settings.load_profile("no deadline")


def pytest_configure() -> None:
    """Keep absl, which TensorFlow logs with, from closing the file that pytest captures into.

    Its handler writes to the ``sys.stderr`` of the moment it is imported in, and closes that when
    Dagster configures logging, unless it is the process's own.
    """
    from absl import logging

    logging.get_absl_handler().python_handler.stream = sys.__stderr__


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
def stand_ins(
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
