"""The short version of benchmarks/coverage.py, whose tables stand in docs/coverage.md."""

import dataclasses

import numpy as np
import pytest

from benchmarks.coverage import Cell, cells_of, evaluate_set
from benchmarks.simulated_clips import GRID, SETTINGS, Setting


def simulated_cells(setting: Setting, sets: int) -> list[Cell]:
    cells = cells_of(setting, [evaluate_set(setting, 1, place) for place in range(sets)])
    assert [cell.size for cell in cells] == ["0", "4", str(setting.middle), "largest"]
    return cells


def lowest(sets: int) -> float:
    return float(0.93 - 2 * np.sqrt(0.93 * 0.07 / sets))


@pytest.mark.slow
@pytest.mark.parametrize("number", [0, 2], ids=["medium", "some inaudible"])
def test_the_interval_covers_and_the_naive_one_does_not(number: int) -> None:
    sets = 150
    for cell in simulated_cells(SETTINGS[number], sets):
        assert cell.coverage >= lowest(sets), cell
        assert cell.naive < 0.8, cell
        assert abs(cell.bias) < 0.01 + 2 * cell.bias_error, cell
        if cell.size != "0":
            assert cell.clip_bias > cell.bias, cell


@pytest.mark.slow
def test_ten_folds_of_one_repeat_cover_though_they_train_on_few_clips_of_many() -> None:
    # With one draw order for the ten folds 4 clips covered 0.75 of the time.
    setting = next(s for s in GRID if (s.pos, s.folds, s.repeats) == (200, 10, 1))
    cells = {cell.size: cell for cell in simulated_cells(setting, 60)}
    assert cells["4"].coverage >= lowest(60) > cells["4"].before
    assert cells["8"].coverage >= lowest(60)


@pytest.mark.slow
def test_few_recordings_and_scores_that_are_not_trained_are_narrower_than_they_were() -> None:
    for pos, neg, distance in ((5, 5, 7.0), (6, 60, 3.0), (8, 80, 3.0)):
        setting = next(s for s in GRID if (s.pos, s.neg, s.distance) == (pos, neg, distance))
        cells = simulated_cells(setting, 60)
        assert all(cell.coverage >= lowest(60) for cell in cells)
        assert np.mean([cell.width for cell in cells]) < 0.93 * np.mean(
            [cell.before_width for cell in cells]
        )
        assert cells[0].width < 0.9 * cells[0].before_width


def test_each_requirement_of_the_benchmark_is_looked_at() -> None:
    good = Cell(
        name="12 + 12",
        size="4",
        truth=0.9,
        truth_error=0.001,
        before=0.99,
        before_width=0.3,
        coverage=0.95,
        width=0.2,
        room=0.95,
        factor=1.0,
        naive=0.5,
        perfect=0.0,
        bias=0.001,
        bias_error=0.001,
        clip_bias=0.03,
        sets=1000,
    )
    changes: tuple[tuple[dict[str, float], str | None], ...] = (
        ({}, None),
        ({"coverage": 0.913}, "covers 0.913, less than 0.914"),
        ({"coverage": 0.995}, None),
        ({"room": 0.995}, "covers 0.995 without room for the unseen, more than 0.989"),
        ({"room": 0.995, "perfect": 0.21}, None),
        ({"bias": -0.0121}, "a bias of -0.0121"),
        ({"bias": -0.0121, "bias_error": 0.002}, None),
    )
    for change, fault in changes:
        cell = dataclasses.replace(good, **change)
        assert list(cell.faults()) == ([] if fault is None else [fault])
