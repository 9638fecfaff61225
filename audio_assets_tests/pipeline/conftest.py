"""A place of its own for each test of the pipeline."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from audio_assets_tests.place import Place, new_place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_place(tmp_path) as place:
        yield place
