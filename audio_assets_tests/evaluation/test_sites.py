import numpy as np
import pytest

from audio_assets.evaluation.doubts.sites import (
    RECORDING_IDS,
    SiteFinding,
    sites_that_tell_the_label,
)


def repeated(names, times):
    return [name for name in names for _ in range(times)]


def classes(found):
    return [(one.label, one.sites) for one in found]


def test_classes_that_come_from_sites_of_their_own_are_reported():
    sites = repeated(["creek", "ridge", "marsh", "road"], 10)
    labels = ["pos"] * 20 + ["neg"] * 20
    assert sites_that_tell_the_label(labels, sites, "owl") == [
        SiteFinding("neg", ("marsh", "road"), RECORDING_IDS, 20, 20, 0),
        SiteFinding("pos", ("creek", "ridge"), RECORDING_IDS, 20, 20, 0),
    ]


def test_one_positive_site_among_many_negative_ones_is_reported():
    sites = repeated(["creek"], 12) + [f"night-{number}" for number in range(30)]
    found = sites_that_tell_the_label(["pos"] * 12 + ["neg"] * 30, sites, "owl")
    assert classes(found) == [("pos", ("creek",))]


@pytest.mark.parametrize(
    ("form", "source", "names"),
    [
        ("{site}_2024{day:04d}", "the beginning of recording ids", ("creek", "marsh")),
        ("2024{day:04d}_{site}", "the end of recording ids", ("creek", "marsh")),
        ("{night}_{site}_{day:06d}", "part 2 of recording ids", ("creek", "marsh")),
        ("{site}{day:02d}", "the beginning of recording ids", ("creek", "marsh")),
        ("{day}{site}{night}x", "part 2 of recording ids", ("creek", "marsh")),
    ],
)
def test_sites_are_read_from_the_beginning_the_middle_and_the_end_of_recording_ids(
    form, source, names
):
    recordings = [
        form.format(site=site, day=day, night=20240501 + day % 3)
        for site in ("Creek", "Marsh")
        for day in range(8)
    ]
    found = sites_that_tell_the_label(["pos"] * 8 + ["neg"] * 8, recordings, "owl")
    assert found == [
        SiteFinding("neg", names[1:], source, 8, 8, 0),
        SiteFinding("pos", names[:1], source, 8, 8, 0),
    ]


def test_nights_that_both_sites_share_hide_nothing():
    recordings = [f"202405{day:02d}_{site}" for site in ("north", "south") for day in range(1, 11)]
    labels = ["pos"] * 30 + ["neg"] * 30
    found = sites_that_tell_the_label(labels, repeated(recordings, 3), "owl")
    assert classes(found) == [("neg", ("south",)), ("pos", ("north",))]


def test_a_column_of_clips_csv_that_equals_the_label_is_reported():
    recordings = [f"r{number:03d}" for number in np.random.default_rng(0).permutation(20)]
    columns = {"date": repeated(["may", "june"], 1) * 10, "device": repeated(["SM4", "AM"], 10)}
    found = sites_that_tell_the_label(["pos"] * 10 + ["neg"] * 10, recordings, "owl", columns)
    assert found == [
        SiteFinding("neg", ("AM",), "the column device of clips.csv", 10, 10, 0),
        SiteFinding("pos", ("SM4",), "the column device of clips.csv", 10, 10, 0),
    ]


@pytest.mark.parametrize("site_is_the_recording", [True, False])
def test_one_stray_clip_in_two_hundred_silences_nothing(site_is_the_recording):
    sites = repeated(["north", "south"], 100)
    labels = ["pos"] * 100 + ["neg"] * 99 + ["pos"]
    recordings = sites
    if not site_is_the_recording:
        recordings = [f"202405{clip // 5:02d}_{site}" for clip, site in enumerate(sites)]
    neg, pos = sites_that_tell_the_label(labels, recordings, "owl")
    assert (neg.sites, neg.clips, neg.of_clips, neg.others) == (("south",), 99, 99, 1)
    assert (pos.sites, pos.clips, pos.of_clips, pos.others) == (("north",), 100, 101, 0)


def test_a_recording_whose_name_tells_no_site_silences_nothing():
    recordings = [f"202405{day:02d}_{site}" for site in ("north", "south") for day in range(1, 21)]
    found = sites_that_tell_the_label(["pos"] * 20 + ["neg"] * 21, [*recordings, "unknown"], "owl")
    assert ("pos", ("north",)) in classes(found)


def test_recordings_whose_names_tell_no_site_are_not_one_site():
    recordings = [f"{n:03d}" for n in range(20)] + [f"{n:03d}_{n + 50}" for n in range(20, 40)]
    assert sites_that_tell_the_label(["pos"] * 20 + ["neg"] * 20, recordings, "owl") == []


@pytest.mark.parametrize(("others", "reported"), [(0, True), (6, False)])
def test_many_ways_to_read_sites_share_the_bound_on_chance(others, reported):
    # Chance parts 7 recordings from 7 others in 2 of 3432 deals.
    rng = np.random.default_rng(0)
    columns = {"site": repeated(["creek", "marsh"], 7)}
    columns |= {str(n): rng.choice(["x", "y", "z"], size=14).tolist() for n in range(others)}
    recordings = [f"{number:03d}" for number in range(14)]
    found = sites_that_tell_the_label(["pos"] * 7 + ["neg"] * 7, recordings, "owl", columns)
    assert bool(found) is reported


def test_a_site_with_both_labels_is_no_finding():
    sites = repeated(["creek", "ridge", "marsh"], 10)
    labels = ["pos", "neg"] * 5 + ["pos"] * 10 + ["neg"] * 10
    assert sites_that_tell_the_label(labels, sites, "owl") == []


def test_a_common_class_is_not_said_to_have_a_site_that_holds_the_rare_one_too():
    sites = [*repeated(["marsh"], 1000), *repeated(["marsh", "creek"], 10)]
    labels = ["neg"] * 1000 + ["pos"] * 20
    assert sites_that_tell_the_label(labels, sites, "owl") == []


@pytest.mark.parametrize(
    "names",
    [
        ("owl-pos-{}", "owl-neg-{}"),
        ("t-{}_pos", "t-{}_neg"),
        ("pos{}", "neg{}"),
        ("{}pos", "{}neg"),
    ],
)
def test_labels_and_the_species_in_a_name_are_no_site(names):
    recordings = [form.format(number) for form in names for number in range(20)]
    assert sites_that_tell_the_label(["pos"] * 20 + ["neg"] * 20, recordings, "owl") == []


def test_labels_that_fell_by_chance_are_reported_at_most_once_in_a_thousand():
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(500):
        sites, days = rng.integers(2, 4), rng.integers(2, 5)
        recordings = [f"{site}_{day}_{day % 2}" for site in "abcd"[:sites] for day in range(days)]
        count = len(recordings)
        labels = rng.permutation(["pos"] * (count // 2) + ["neg"] * (count - count // 2))
        columns = {
            name: rng.choice(["x", "y"], size=count).tolist() for name in ("site", "device", "date")
        }
        alarms += bool(sites_that_tell_the_label(labels.tolist(), recordings, "owl", columns))
    assert alarms <= 3


def test_two_clips_of_one_place_among_many_places_are_no_finding() -> None:
    # Of the 231 pairs of these 22 clips, one is of one place: 1 in 231 is more than 1 in 1000.
    sites = ["creek", "creek"] + [f"night-{number}" for number in range(20)]
    assert sites_that_tell_the_label(["pos"] * 2 + ["neg"] * 20, sites, "owl") == []


def test_many_recordings_of_one_label_each_are_what_recordings_are():
    recordings = repeated([f"t-{number:06d}" for number in range(40)], 3)
    labels = ["pos"] * 60 + ["neg"] * 60
    assert sites_that_tell_the_label(labels, recordings, "owl") == []


def test_the_order_of_the_clips_changes_nothing():
    recordings = [f"202405{day:02d}_{site}" for site in ("north", "south") for day in range(8)]
    labels = ["pos"] * 8 + ["neg"] * 8
    order = np.random.default_rng(0).permutation(16)
    shuffled = sites_that_tell_the_label(
        [labels[place] for place in order], [recordings[place] for place in order], "owl"
    )
    assert shuffled == sites_that_tell_the_label(labels, recordings, "owl") != []


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("label", ("1", "0")),
        ("source_class", ("dog", "clock")),
        ("species", ("owl", "wren")),
        ("sample_rate", ("24000", "44100")),
        ("source path", ("a", "b")),
        ("said", ("Presence", "absence")),
        ("owl", ("there", "not there")),
        ("checked", ("yes", "no")),
        ("heard", ("1", "0")),
        ("nest", ("A", "")),
    ],
)
def test_a_column_that_tells_of_the_sound_or_the_file_is_no_site(name, values):
    recordings = [f"r{number}" for number in range(40)]
    labels = ["pos"] * 20 + ["neg"] * 20
    assert not sites_that_tell_the_label(labels, recordings, "owl", {name: repeated(values, 20)})
    found = sites_that_tell_the_label(labels, recordings, "owl", {"place": repeated("ab", 20)})
    assert {one.source for one in found} == {"the column place of clips.csv"}
