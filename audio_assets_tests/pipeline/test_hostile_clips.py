"""A run over a species that holds a file of gigabytes: what the benchmark prints, with bounds."""

from pathlib import Path

import pytest

from benchmarks.hostile_clips import FILES, GOOD, measure

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["folder", "bucket"])
@pytest.mark.parametrize("name", FILES)
def test_a_hostile_file_costs_a_run_neither_memory_nor_the_other_clips(
    name: str, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The benchmark sets it for the run that it starts.
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "")
    hostile = FILES[name]()
    cost = measure(ROOT, place, hostile)
    assert cost.outcome == f"{hostile.reason}, {GOOD} of {GOOD} others used"
    assert cost.peak < 1_000
    if place == "bucket" and len(hostile.start) < hostile.size:
        assert cost.sent is not None and cost.sent < 1
