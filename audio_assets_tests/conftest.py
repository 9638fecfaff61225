"""What every test may ask for."""

import os
from pathlib import Path

import pytest

REAL_AUDIO = "TEST_AUDIO_ROOT"


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
