"""The full-size plan, without making its sound."""

import re
from collections import Counter

import pytest

from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.synthetic.plan import RECORDINGS, SPECIES, Entry, draw_entries, draw_slots

WINDOW_SECONDS = 3


def full_plan(seed: int = 0) -> list[Entry]:
    return list(draw_entries(seed, SPECIES, None))


@pytest.mark.parametrize("species", SPECIES)
@pytest.mark.parametrize("label", ["pos", "neg"])
def test_a_class_has_24_to_30_recordings_and_70_to_100_clips(species: str, label: str) -> None:
    entries = [e for e in full_plan() if (e.folder, e.label) == (species, label)]
    assert 24 <= len(entries) == RECORDINGS[species] <= 30
    assert 70 <= sum(entry.recording.slot.clips for entry in entries) <= 100


def test_embedding_the_whole_demo_stays_cheap() -> None:
    windows = {
        (entry.recording, clip): -(-entry.recording.slot.seconds // WINDOW_SECONDS)
        for entry in full_plan()
        for clip in range(entry.recording.slot.clips)
    }
    assert 800 < sum(windows.values()) <= 1200


def test_segment_names_are_unique_over_all_recordings() -> None:
    for seed in range(20):
        recordings = {entry.recording for entry in full_plan(seed)}
        assert len({recording.segment for recording in recordings}) == len(recordings)


def test_the_default_rule_finds_the_recording_of_every_clip_name() -> None:
    pattern = DEFAULT_RECORDING_PATTERNS[0]
    for entry in full_plan():
        for seconds in (entry.recording.slot.seconds, 5):
            match = re.search(pattern, entry.clip_name(0, seconds).rpartition(".")[0])
            assert match is not None
            assert match["recording"] == entry.recording.segment


def test_all_formats_and_rates_occur_and_wav_dominates() -> None:
    slots = draw_slots(0, min(RECORDINGS.values()))
    formats = Counter(slot.extension for slot in slots)
    assert set(formats) == {"wav", "flac", "ogg", "mp3"}
    assert formats["wav"] > len(slots) / 2
    assert {slot.rate for slot in slots} == {16_000, 22_050, 44_100, 48_000, 96_000}
    assert {slot.channels for slot in slots} == {1, 2}
    assert not [slot for slot in slots if slot.extension == "mp3" and slot.rate > 48_000]


def test_a_borrowed_negative_is_in_the_lenders_positives() -> None:
    entries = full_plan()
    positives = {entry.recording for entry in entries if entry.label == "pos"}
    borrowed = [e for e in entries if e.label == "neg" and e.recording.label == "pos"]
    assert {entry.folder for entry in borrowed} == set(SPECIES)
    assert all(entry.recording in positives for entry in borrowed)
    assert all(entry.recording.species != entry.folder for entry in borrowed)
