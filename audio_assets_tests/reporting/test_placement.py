import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.reporting.charts.placement import (
    MIN_GAP,
    dodges,
    share_axis,
    size_positions,
    spread,
)

SIZES = st.lists(st.integers(0, 2000), min_size=1, unique=True, max_size=12)


@given(SIZES)
def test_sizes_stand_in_order_and_never_on_each_other(sizes):
    positions = size_positions(sizes)
    assert set(positions) == set(sizes)
    places = [positions[size] for size in sorted(sizes)]
    assert all(b - a >= MIN_GAP - 1e-3 for a, b in zip(places, places[1:]))


def test_the_default_sizes_stand_an_octave_apart():
    positions = size_positions([0, 4, 8, 16, 32, 64, 128, 256])
    assert [positions[2**k] for k in range(2, 9)] == [2, 3, 4, 5, 6, 7, 8]


@given(st.integers(1, 30))
def test_error_bars_of_one_size_stay_clear_of_the_next_size(lines):
    shifts = dodges(lines)
    assert len(set(shifts)) == lines
    assert max(shifts) - min(shifts) < MIN_GAP
    assert sum(shifts) == pytest.approx(0, abs=1e-3)


@given(st.floats(0, 1))
def test_the_axis_holds_every_value_and_one(lowest):
    low, high = share_axis(lowest)
    assert low <= lowest + 1e-9  # a value a rounding error below a tick counts as on it
    assert lowest <= high == 1
    assert high - low >= 0.02 - 1e-9


@given(st.floats(0, 0.7499))
def test_the_axis_holds_chance_unless_everything_is_far_above_it(lowest):
    assert share_axis(lowest)[0] < 0.5


@given(
    st.lists(st.floats(0, 340), min_size=1, max_size=30).map(sorted),
    st.floats(1, 40),
)
def test_labels_keep_their_order_and_distance_and_stay_inside(wanted, gap):
    places = spread(wanted, gap, 0, 340)
    fitting = min(gap, 340 / max(len(wanted) - 1, 1))
    assert all(b - a >= fitting - 1e-4 for a, b in zip(places, places[1:]))
    assert places[0] >= -1e-4
    assert places[-1] <= 340 + 1e-4


def test_labels_with_room_stay_where_they_are():
    assert spread([10, 60, 200], 17, 0, 340) == [10, 60, 200]


def test_equal_labels_spread_around_their_place():
    assert spread([100, 100, 100], 10, 0, 340) == [90, 100, 110]


def test_no_label_needs_no_place():
    assert spread([], 17, 0, 340) == []
