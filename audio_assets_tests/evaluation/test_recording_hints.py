import numpy as np
import pytest

from audio_assets.evaluation.recording_hints import (
    SiteFinding,
    look_alike_recordings,
    sites_that_equal_a_label,
)


def repeated(names, times):
    return [name for name in names for _ in range(times)]


def test_classes_that_come_from_sites_of_their_own_are_reported():
    sites = repeated(["creek", "ridge", "marsh", "road"], 10)
    labels = ["pos"] * 20 + ["neg"] * 20
    assert sites_that_equal_a_label(labels, sites, "owl") == [
        SiteFinding("neg", ("marsh", "road")),
        SiteFinding("pos", ("creek", "ridge")),
    ]


def test_one_positive_site_among_many_negative_ones_is_reported():
    sites = repeated(["creek"], 12) + [f"night-{number}" for number in range(30)]
    found = sites_that_equal_a_label(["pos"] * 12 + ["neg"] * 30, sites, "owl")
    assert found == [SiteFinding("pos", ("creek",))]


def test_sites_are_also_read_from_what_recording_ids_begin_with():
    recordings = [f"{site}_2024{day:04d}" for site in ("creek", "marsh") for day in range(8)]
    found = sites_that_equal_a_label(["pos"] * 8 + ["neg"] * 8, recordings, "owl")
    assert found == [SiteFinding("neg", ("marsh",)), SiteFinding("pos", ("creek",))]


def test_a_site_with_both_labels_is_no_finding():
    sites = repeated(["creek", "ridge", "marsh"], 10)
    labels = ["pos", "neg"] * 5 + ["pos"] * 10 + ["neg"] * 10
    assert sites_that_equal_a_label(labels, sites, "owl") == []


@pytest.mark.parametrize("names", [("owl-pos-{}", "owl-neg-{}"), ("t-{}_pos", "t-{}_neg")])
def test_labels_and_the_species_in_a_name_are_no_site(names):
    recordings = [form.format(number) for form in names for number in range(20)]
    assert sites_that_equal_a_label(["pos"] * 20 + ["neg"] * 20, recordings, "owl") == []


@pytest.mark.parametrize("seed", range(20))
def test_labels_that_fell_by_chance_are_no_finding(seed):
    rng = np.random.default_rng(seed)
    recordings = [f"{site}_{day}" for site in ("creek", "marsh", "ridge") for day in range(4)]
    labels = rng.permutation(["pos"] * 6 + ["neg"] * 6).tolist()
    assert sites_that_equal_a_label(labels, recordings, "owl") == []


def test_two_clips_of_one_place_among_many_places_are_no_finding() -> None:
    # Of the 231 pairs of these 22 clips, one is of one place: 1 in 231 is more than 1 in 1000.
    sites = ["creek", "creek"] + [f"night-{number}" for number in range(20)]
    assert sites_that_equal_a_label(["pos"] * 2 + ["neg"] * 20, sites, "owl") == []


def test_many_recordings_of_one_label_each_are_what_recordings_are():
    recordings = repeated([f"t-{number:06d}" for number in range(40)], 3)
    labels = ["pos"] * 60 + ["neg"] * 60
    assert sites_that_equal_a_label(labels, recordings, "owl") == []


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
