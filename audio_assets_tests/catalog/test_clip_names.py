"""The recording is read from the names that programs give to the clips they cut."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio_assets.catalog.clip_names import CLIP_NAMES, DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.recordings import RecordingRules

RULES = RecordingRules(patterns=DEFAULT_RECORDING_PATTERNS)


def recording(stem: str) -> str:
    return RULES.recording_of(f"owl/data/pos/{stem}.wav")[0]


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        # BirdNET-Analyzer segments: without times, with one decimal, with two.
        ("0.912_1_SMM01_20240510_050000", "SMM01_20240510_050000"),
        ("0.912_1_SMM01_20240510_050000_12.0s_15.0s", "SMM01_20240510_050000"),
        ("1.000_23_SMM01_20240510_050000_12.00s_15.00s", "SMM01_20240510_050000"),
        ("0.455_1_rec 7_3.0s_6.0s", "rec 7"),
        ("pos_0.912_1_SMM01_20240510_050000_12.0s_15.0s", "SMM01_20240510_050000"),
        ("Bubo virginianus_0.912_1_SMM01_20240510_050000_12.0s_15.0s", "SMM01_20240510_050000"),
        ("SMM01_20240510_050000_12.0_15.0_0.912", "SMM01_20240510_050000"),
        # birdnetlib
        ("2022-08-15-birdnet-21:05:54_9s-12s", "2022-08-15-birdnet-21:05:54"),
        ("22m00s_48kHz_mono_1002s-1005s", "22m00s_48kHz_mono"),
        ("soundscape_10s-17s", "soundscape"),
        # OpenSoundscape
        ("soundscape_0.0s_5.0s", "soundscape"),
        ("soundscape_0.0_5.0", "soundscape"),
        ("MSD-0558_20180321_102500_0_5", "MSD-0558_20180321_102500"),
        # Kaleidoscope, of Song Meters: a counter of three digits, also behind a channel
        ("S4A12345_20240510_050000_000", "S4A12345_20240510_050000"),
        ("S4A12345_0+1_20240510_050000_012", "S4A12345_0+1_20240510_050000"),
        ("2MM01234_20240510_050000_001", "2MM01234_20240510_050000"),
        # HawkEars and other tables of offsets
        ("ARU7_20240510_050000_12.30", "ARU7_20240510_050000"),
        ("ARU7_20240510_050000-12.30", "ARU7_20240510_050000"),
        # Arbimon: a stream of recordings a minute long, by the hour; and its older recordings
        (
            "Rq48bGCkR0NG_t20210418T112502517Z.20210418T112506208Z_fwav",
            "Rq48bGCkR0NG_t20210418T11",
        ),
        ("SITE-2021-04-18_11-25_3", "SITE-2021-04-18_11-25"),
        # ESC-50 and UrbanSound8K: the number of the Freesound recording
        ("1-100032-A-0", "100032"),
        ("5-9032-B-39", "9032"),
        ("pos_1-977-B-39", "977"),
        ("1-100032-A-0_aug1", "100032"),
        ("1-100032-A-0 (1)", "100032"),
        ("esc10__1-100032-A", "100032"),
        ("100032-3-0-12", "100032"),
        ("123456__a_user__frog-pond_3", "123456"),
        # xeno-canto, Macaulay Library, iNaturalist
        ("XC123456_0", "XC123456"),
        ("XC123456 - Great Horned Owl - Bubo virginianus-3", "XC123456"),
        ("ML123456789_12.5", "ML123456789"),
        # BirdNET-Pi and BirdNET-Go record without a break: by the hour
        ("Eurasian_Magpie-91-2024-02-24-birdnet-16:19:40", "2024-02-24-birdnet-16"),
        ("Pacific_Koel-76-2023-04-25-birdnet-RTSP_2-16:24:05", "2023-04-25-birdnet-RTSP_2-16"),
        ("bubo_bubo_80p_20220910T192255Z", "20220910T19"),
        # this project's importer, and others that keep the file's ending
        ("a.wav_12-15s", "a"),
        ("north__rec7.flac_0.5-3.25s", "north__rec7"),
        ("CC1_20171010_125500.wav-3", "CC1_20171010_125500"),
        # warbleR's cut_sels, ohun, Raven, Audacity
        ("CC1_20171010_125500-3", "CC1_20171010_125500"),
        ("CC1_20171010_125500.Selection.12", "CC1_20171010_125500"),
        ("CC1_20171010_125500-01", "CC1_20171010_125500"),
        # the general shape
        ("SITE_20240501_050000_12", "SITE_20240501_050000"),
        ("SMM01_20240510_050000_0012.5-0015.5", "SMM01_20240510_050000"),
        ("SMM01_20240510_050000-0012", "SMM01_20240510_050000"),
        ("SMM01_20240510_050000_start12.0_end15.0", "SMM01_20240510_050000"),
        ("20240501_050000_seg003", "20240501_050000"),
        ("20240501_050000_chunk_3", "20240501_050000"),
        ("20240501_050000_part2", "20240501_050000"),
        ("SITE_20240501_050000 (3)", "SITE_20240501_050000"),
        ("SITE_20240501_050000_a", "SITE_20240501_050000"),
        ("SITE_20240501_0500_12", "SITE_20240501_0500"),
        ("SITE_2024-05-01T05:00:00Z_12", "SITE_2024-05-01T05:00:00Z"),
        ("R7_2024-05-01_05h00m00_12", "R7_2024-05-01_05h00m00"),
        ("240501_050000_3", "240501_050000"),
        ("5B2E5A70_12", "5B2E5A70"),
        ("20240716-140000-ST4037-BTO-XM_15-18", "20240716-140000-ST4037-BTO-XM"),
        (
            "20240510T050000+1000_REC [-27.38 +152.87]_3",
            "20240510T050000+1000_REC [-27.38 +152.87]",
        ),
        ("SITE_20240501_050000_12_owl_0.91", "SITE_20240501_050000"),
        ("SITE_20240501_050000_12.0_15.0_Bubo virginianus_0.912", "SITE_20240501_050000"),
        ("SITE_20240501_050000_0.912_12.0_15.0", "SITE_20240501_050000"),
        ("pos_SITE_20240501_050000_12", "SITE_20240501_050000"),
        ("owl-neg-SITE_20240501_050000_12", "SITE_20240501_050000"),
        ("001_SITE_20240501_050000_12", "SITE_20240501_050000"),
        ("seg003_SITE_20240501_050000", "SITE_20240501_050000"),
        ("0.912_SITE_20240501_050000", "SITE_20240501_050000"),
        ("night7_part2", "night7"),
        ("rec12_12.0s", "rec12"),
        ("REC_12s", "REC"),
        ("rec000123_12.5", "rec000123"),
        ("092fdddf18f2c41c5d92b243e0fd67d7_12.5", "092fdddf18f2c41c5d92b243e0fd67d7"),
        ("3ceb3ffd-97b7-48b5-8216-ea7b5eb561a4_00m12s", "3ceb3ffd-97b7-48b5-8216-ea7b5eb561a4"),
        # a number of the recording's own before the offsets
        ("recording 7_6.0_11.0", "recording 7"),
        ("DR0000_0012_6.0_11.0", "DR0000_0012"),
        ("DR0000_0012_6.00_9.00_0.91", "DR0000_0012"),
        ("plotA_2024-05-10_3.0_8.0", "plotA_2024-05-10"),
        # milliseconds and the time zone belong to the time
        ("ARU7_2024-05-10T05-00-00.000Z_3-6", "ARU7_2024-05-10T05-00-00.000Z"),
        ("SITE_10.05.24_05.00_3", "SITE_10.05.24_05.00"),
        ("CR1_20240510_050000.123_6", "CR1_20240510_050000.123"),
        ("BARLT1_20240510_050000+0200_6", "BARLT1_20240510_050000+0200"),
        # a clip's number before a recording that begins with its date
        ("clip_123_20240510_050000_6", "20240510_050000"),
        ("clip 12 2024-05-10T05-00-00_6", "2024-05-10T05-00-00"),
    ],
)
def test_a_clip_that_was_cut_is_of_the_recording_it_was_cut_from(stem: str, expected: str) -> None:
    assert recording(stem) == expected


@pytest.mark.parametrize(
    "stem",
    [
        "SMM01_20240510_050000",
        "SMM01_20240510_060000",
        "2024-05-10_05-00-00",
        "2024-05-10_05-00-30",
        "2024-05-10T05:00:30Z",
        "20240716-140000-ST4037-BTO-XM",
        "20240716-140000-ST4037",
        "20240510T050000+1000",
        "20240510T050000+1000_REC [-27.38 +152.87]",
        "XC20240510_050000",
        "ML20240510_050000",
        "5B2E5A70",
        "2024-06-07",
        "2024-05-10-3-4-5",
        "t-11031961_122",
        "rec12_3",
        "rec-03_a",
        "plot_3.1",
        "plot 7_3s",
        "recording 7_6.5",
        "DR0000_0012_6.000",
        "CR1_20240510_050000.123",
        "site 4_3sec",
        "soundscape_0_5",
        "site_37.2174_122.4194",
        "creek_part2",
        "frog_clip_3",
        "esc50wav__frog_10",
        "bobwhite__DiLane_TrainingClip_Presence (19)",
        "positive_thinking",
    ],
)
def test_a_name_that_shows_no_cut_is_kept(stem: str) -> None:
    assert RULES.recording_of(f"owl/data/pos/{stem}.wav") == (stem, "stem")


STEMS = st.builds(
    lambda site, day, hour: f"{site}_202405{day:02d}_{hour:02d}0000",
    st.sampled_from(["SMM01", "2MM00123", "S4A1_0+1", "creek", "north ridge", "12"]),
    st.integers(1, 31),
    st.integers(0, 23),
)
STYLES = (
    "{c:.3f}_{k}_{r}_{a:.1f}s_{b:.1f}s",
    "{c:.3f}_{k}_{r}_{a:.2f}s_{b:.2f}s",
    "{c:.3f}_{k}_{r}",
    "{r}_{a:.0f}s-{b:.0f}s",
    "{r}_{a:.1f}s_{b:.1f}s",
    "{r}_{a:.1f}_{b:.1f}",
    "{r}_{a:.0f}_{b:.0f}",
    "{r}_{k:03d}",
    "{r}-{k}",
    "{r} ({k})",
    "{r}_{a:.2f}",
    "{r}.wav_{a:g}-{b:g}s",
    "{r}_seg{k:03d}",
    "{r}_chunk_{k}",
    "{r}_{a:.1f}_{b:.1f}_{c:.3f}",
    "pos_{r}_{k}",
)


@given(STEMS, st.sampled_from(STYLES), st.integers(0, 999), st.integers(0, 3597), st.floats(0, 1))
def test_offsets_counters_and_confidence_are_no_part_of_a_recording(
    stem: str, style: str, counter: int, start: int, confidence: float
) -> None:
    name = style.format(r=stem, k=counter, a=float(start), b=start + 3.0, c=confidence)
    assert recording(name) == stem


@given(STEMS, STEMS, st.sampled_from(STYLES))
def test_recordings_of_other_sites_days_or_hours_stay_apart(a: str, b: str, style: str) -> None:
    names = [style.format(r=stem, k=3, a=12.0, b=15.0, c=0.91) for stem in (a, b)]
    assert (recording(names[0]) == recording(names[1])) == (a == b)


def test_every_pattern_is_a_rule_with_a_recording() -> None:
    for pattern, words in CLIP_NAMES.items():
        assert "recording" in re.compile(pattern).groupindex and words


@pytest.mark.parametrize("before", ["", "0.912_", "20240510_050000_", "SITE 20240510_050000"])
@pytest.mark.parametrize(
    "part",
    ["_1", "0.91_", "20240510_050000_", "seg1_", "12.0_", "((", "12h3m4s_", "0.912_1_", " ", "_"]
    + ["3s_", "_a", "...", "-.", "_1.", "pos_", "(1)", "t1_", "1to1", "5F", "é_", "-3-", "clip "],
)
def test_no_name_takes_long(before: str, part: str) -> None:
    name = f"{before}{(part * 200)[:200]}!"
    began = time.process_time()
    recording(name)
    # It takes up to 0.03 s; a pattern that tries all ways would take for ever.
    assert time.process_time() - began < 1
