import json
import re
from random import Random
from uuid import UUID

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.recordings import NO_LINE, RecordingRules
from audio_assets.evaluation.doubts.unknown_recordings import (
    suggest_pattern,
    unknown_recordings,
)
from audio_assets.settings import load_settings


def names(form, recordings=6, clips=5):
    return [form.format(r=r, k=k) for r in range(recordings) for k in range(clips)]


@pytest.mark.parametrize(
    "form",
    [
        "creek{r}_night_{k}",
        "rec{r}_{k}",
        "ZOOM000{r}-{k}",
        "t-1103196{r}_10{k}",
        "soundscape_{r}_{k}_{k}s",
        "plot {r} ({k})",
        "site_{r}_a.{k}",
        "ponds 10{r}#{k}",
        "SMM01_2024051{r}_05{k}000",
        "00{k}{r}{k}_2024051{r}_0500",
        "clip_1{r}{k}_rec{r}_{k}",
        "Selection {k} - ZOOM000{r}",
        "ponds{r}_2024-05-10_{k}9f0{k}c2e",
    ],
)
def test_the_pattern_that_is_suggested_joins_the_clips_of_a_recording(form):
    listed = names(form)
    found = suggest_pattern(listed)
    assert (found.recordings, found.joined) == (6, 30)
    rules = RecordingRules(patterns=found.patterns)
    told = [rules.recording_of(f"owl/data/pos/{name}.wav")[0] for name in listed]
    assert [len(set(told[5 * r : 5 * r + 5])) for r in range(6)] == [1] * 6
    assert len(set(told)) == 6


def test_ids_in_hexadecimal_digits_are_of_one_kind_wherever_their_letters_stand():
    random = Random(0)
    ids = [f"{random.getrandbits(128):032x}" for _ in range(6)]
    ids += [str(UUID(int=random.getrandbits(128))) for _ in range(6)]
    found = suggest_pattern([f"{one}_{clip}" for one in ids for clip in range(5)])
    assert (found.recordings, found.joined) == (12, 60) and len(found.patterns) == 2


def test_words_before_a_start_and_an_end_are_recordings_and_before_a_count_kinds_of_sound():
    words = "creek marsh ridge road hill dune".split()
    times = [f"{word}_{3 * clip}_{3 * clip + 3}" for word in words for clip in range(5)]
    assert suggest_pattern(times).recordings == 6
    counted = [f"{word}_{clip}" for word in words for clip in range(5)]
    assert suggest_pattern(counted) is None


@pytest.mark.parametrize(
    "listed",
    [
        [],
        ["one"],
        names("frog_{r}{k}") + names("noise_{r}{k}"),
        [f"{number * 7919}" for number in range(40)],
        [f"{word}" for word in "creek marsh ridge road hill dune".split()],
        [f"1-{number * 991}-A-0" for number in range(100, 140)],
    ],
)
def test_names_that_share_nothing_or_are_only_counted_suggest_nothing(listed):
    assert suggest_pattern(listed) is None


SITES = st.lists(st.from_regex(r"[A-Za-z]{2,6}[0-9]{1,4}", fullmatch=True), min_size=4, max_size=8)


@settings(max_examples=40)
@given(
    SITES.map(lambda sites: sorted(set(sites))),
    st.integers(2, 6),
    st.sampled_from(["_", "-", " ", "."]),
    st.randoms(),
)
def test_a_suggestion_gives_what_it_says_whatever_the_order(sites, clips, sign, random):
    assume(len(sites) >= 4)
    listed = [f"{site}{sign}{number}" for site in sites for number in range(clips)]
    found = suggest_pattern(listed)
    random.shuffle(listed)
    assert suggest_pattern(listed) == found
    if found is None:
        return
    told = {}
    for name in listed:
        matches = [match for pattern in found.patterns if (match := re.search(pattern, name))]
        assert len(matches) <= 1
        told[name] = matches[0]["recording"] if matches else name
    assert len(set(told.values())) == found.recordings
    # Clips are joined by what stands before their number, and by nothing else.
    assert all(of in (name, name.rpartition(sign)[0]) for name, of in told.items())


def test_the_setting_can_be_pasted_into_env_or_a_shell(tmp_path, monkeypatch):
    listed = [f'pondé.{r}\'s "rec" {r}#{k}$x' for r in range(6) for k in range(5)]
    found = suggest_pattern(listed)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(found.setting + "\n")
    assert load_settings().recording_patterns == (*DEFAULT_RECORDING_PATTERNS, *found.patterns)
    value = found.setting.partition("=")[2]
    assert "\\" not in value.replace('\\"', "") and value[0] == value[-1] == "'"
    assert json.loads(value[1:-1]) == ["default", *found.patterns]
    assert suggest_pattern(listed).recordings == 6


def inventory(listed, rule, label="pos"):
    return pd.DataFrame(
        {
            "uri": [f"/root/owl/data/pos/{name}.wav" for name in listed],
            "recording_rule": rule,
            "label": label,
            "status": "ok",
        }
    )


def test_only_where_most_clips_count_by_their_names_is_there_a_suggestion():
    listed = names("rec{r}_{k}")
    for rule in ("stem", f"stem{NO_LINE}"):
        found = unknown_recordings(inventory(listed, rule))
        assert (found.clips, found.by_name) == (30, 30) and found.suggestion.recordings == 6
    for rule in ("clips.csv", DEFAULT_RECORDING_PATTERNS[3]):
        found = unknown_recordings(inventory(listed, rule))
        assert found.by_name == 0 and found.suggestion is None
    found = unknown_recordings(inventory(listed, ["stem"] * 14 + ["clips.csv"] * 16))
    assert found.by_name == 14 and found.suggestion is None
    assert unknown_recordings(inventory([], pd.Series([], dtype=str))).suggestion is None


def test_clips_that_are_not_used_do_not_count():
    table = inventory(names("rec{r}_{k}"), "stem").assign(status="folder")
    assert unknown_recordings(table).by_name == 0


def test_counted_words_are_recordings_where_the_positives_have_many():
    words = "creek marsh ridge road hill dune".split()
    listed = [f"{word}_{clip}" for word in words for clip in range(4)]
    labels = [label for word in range(6) for label in ["pos" if word < 4 else "neg"] * 4]
    found = unknown_recordings(inventory(listed, "stem", labels)).suggestion
    assert (found.recordings, found.joined) == (6, 24)
    # Negatives are of many kinds, and so named.
    labels = ["pos" if word == 0 else "neg" for word in range(6) for _ in range(4)]
    found = unknown_recordings(inventory(listed, "stem", labels))
    assert found.by_name == 24 and found.suggestion is None


def test_siblings_among_the_negatives_alone_are_a_suggestion():
    positives = inventory([f"Barn owl of {place}" for place in ("A", "B", "C", "D")], "stem")
    negatives = inventory(names("rec{r}_{k}"), "stem", label="neg")
    found = unknown_recordings(pd.concat([positives, negatives])).suggestion
    assert found is not None and found.recordings == 6 + 4
