"""Simulated clips for the tests of the heads."""

from collections.abc import Callable

import pytest

from audio_assets_tests.evaluation.conftest import Clips, simulate


@pytest.fixture
def simulated() -> Callable[..., Clips]:
    return simulate
