import numpy as np
import pytest

from audio_assets.evaluation.doubts.recording_hints import look_alike_recordings


@pytest.mark.parametrize(
    "names",
    [
        ("rec-03_a", "rec-03_b"),
        ("rec12a", "rec12b", "rec12c"),
        ("rec12", "rec12_b"),
        ("t-11031961_122_9_1_a", "t-11031961_122_9_1_b"),
        ("1-100032-A", "1-100032-B"),
        ("rec12_1", "rec12_2", "rec12_3"),
        ("rec12 (1)", "rec12 (2)"),
        ("night7_part1", "night7_part2"),
    ],
)
def test_a_recording_split_in_parts_is_found_among_others(names):
    others = [f"t-{number:08d}_{number}" for number in range(1000, 1030)]
    assert look_alike_recordings([*others, *names, *names]) == [tuple(sorted(names))]


@pytest.mark.parametrize(
    "names",
    [
        ("site_a", "site_b"),
        ("frog_1", "frog_2", "frog_3"),
        ("2024-06-07", "2024-06-08"),
        ("t-11031961_122", "t-11031961_123"),
        ("t-001_pos", "t-001_neg"),
        ("rec12_3", "rec12_7"),
        ("rec12_3", "rec12_4"),
        ("SM4_20240607_050000", "SM4_20240607_060000"),
    ],
)
def test_names_that_count_recordings_raise_no_alarm(names):
    assert look_alike_recordings(names) == []


@pytest.mark.parametrize("seed", range(20))
def test_drawn_names_raise_no_alarm(seed):
    rng = np.random.default_rng(seed)
    names = [f"t-{rng.integers(10**8):08d}_{rng.integers(100, 1000)}" for _ in range(200)]
    assert look_alike_recordings(names) == []
