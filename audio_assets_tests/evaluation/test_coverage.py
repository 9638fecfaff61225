"""The short version of benchmarks/coverage.py, whose table stands in the README."""

import dataclasses

import numpy as np
import pytest

from benchmarks.coverage import SETTINGS, Cell, cells_of, evaluate_set

SETS = 150


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2], ids=["medium", "some inaudible"])
def test_the_interval_covers_and_the_naive_one_does_not(number: int) -> None:
    setting = SETTINGS[number]
    outcomes = [evaluate_set(setting, 1, place) for place in range(SETS)]
    cells = cells_of(setting, outcomes)
    assert [cell.size for cell in cells] == ["4", str(setting.middle), "largest"]
    lowest = 0.92 - 2 * np.sqrt(0.92 * 0.08 / SETS)
    for cell in cells:
        assert cell.coverage >= lowest, cell
        assert cell.naive < 0.8, cell
        assert abs(cell.bias) < 0.01 + 2 * cell.bias_error, cell
        assert cell.clip_bias > cell.bias, cell


def test_each_requirement_of_the_benchmark_is_looked_at() -> None:
    good = Cell("12 + 12", "4", 0.9, 0.001, 0.95, 0.5, 0.2, 0.0, 0.001, 0.001, 0.03, 1000)
    changes: tuple[tuple[dict[str, float], str | None], ...] = (
        ({}, None),
        ({"coverage": 0.902}, "covers 0.902, less than 0.903"),
        ({"coverage": 0.995}, "covers 0.995, more than 0.99"),
        ({"coverage": 0.995, "perfect": 0.21}, None),
        ({"bias": -0.01}, "a bias of -0.0100"),
        ({"naive": 0.93}, "the naive interval covers too, 0.930"),
    )
    for change, fault in changes:
        cell = dataclasses.replace(good, **change)
        assert list(cell.faults()) == ([] if fault is None else [fault])
