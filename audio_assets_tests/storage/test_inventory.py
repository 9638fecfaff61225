from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from upath import UPath

from audio_assets.errors import AudioRootError
from audio_assets.settings import DEFAULT_RECORDING_PATTERNS
from audio_assets.storage.inventory import build_inventory, inventory_version
from audio_assets.storage.listing import AudioObject
from audio_assets.storage.recordings import RecordingRules, read_recording_rules
from audio_assets.tables import AUDIO_INVENTORY
from audio_assets.validation import validate

RULES = RecordingRules(patterns=DEFAULT_RECORDING_PATTERNS)


def clip(path, checksum, updated=0.0):
    species, variant, label, name = path.split("/")
    when = datetime.fromtimestamp(updated, UTC)
    return AudioObject(name, path, variant, label, f"/root/{path}", 7, checksum, "", when)


def rows(*clips, rules=RULES):
    table = validate(build_inventory(clips, rules), AUDIO_INVENTORY)
    return {(r.variant, r.clip_id): r for r in table.itertuples()}


@pytest.mark.parametrize(
    ("stem", "recording"),
    [
        ("coyote-pos-t-11031961_122_9sec_1_a", "t-11031961_122"),
        ("coyote-pos-t-11031961_122_9sec_1_b", "t-11031961_122"),
        ("coyote-neg-t-11031961_122_5sec_2", "t-11031961_122"),
        ("human_vocal-pos-site 4_3sec", "site 4"),
        ("plain", "plain"),
    ],
)
def test_the_default_patterns_know_the_users_names(stem, recording):
    assert RULES.recording_of(f"x/data/pos/{stem}.wav")[0] == recording


def test_clips_csv_goes_before_patterns_and_patterns_before_the_stem(tmp_path):
    (tmp_path / "clips.csv").write_text("file,group\nowl/data/pos/a-pos-r1_3sec.wav,site A\n")
    rules = read_recording_rules(UPath(tmp_path), DEFAULT_RECORDING_PATTERNS)
    assert rules.recording_of("owl/data/pos/a-pos-r1_3sec.wav") == ("site A", "clips.csv")
    assert rules.recording_of("owl/data/neg/a-neg-r1_3sec.wav")[0] == "r1"
    assert rules.recording_of("owl/data/neg/other.wav") == ("other", "stem")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("file,site\na,b\n", "no column group"),
        ("file,group\na,\n", "line 2"),
        ("file,group\na,x\na,y\n", "more than one group"),
        ("", "cannot be read"),
    ],
)
def test_a_faulty_clips_csv_is_an_error_that_says_where(tmp_path, text, fault):
    (tmp_path / "clips.csv").write_text(text)
    with pytest.raises(AudioRootError, match=fault):
        read_recording_rules(UPath(tmp_path), ())


def test_equal_bytes_with_one_label_are_used_once_and_join_their_recordings():
    table = rows(
        clip("owl/data/pos/b.wav", "md5:1"),
        clip("owl/data/pos/a.wav", "md5:1"),
        clip("owl/data/neg/c.wav", "md5:2"),
    )
    assert table["data", "pos/a"].status == "ok"
    assert table["data", "pos/b"].status == "duplicate"
    assert table["data", "pos/b"].duplicate_of == "pos/a"
    assert table["data", "pos/a"].recording_id == table["data", "pos/b"].recording_id == "a"


def test_equal_bytes_under_both_labels_are_both_refused():
    table = rows(
        clip("owl/data/pos/a.wav", "md5:1"),
        clip("owl/data/neg/b.wav", "md5:1"),
        clip("owl/data_5s/pos/d.wav", "md5:1"),
        clip("owl/data/neg/c.wav", "md5:2"),
    )
    assert table["data", "pos/a"].status == table["data", "neg/b"].status == "both_labels"
    assert table["data", "pos/a"].duplicate_of == "neg/b"
    assert table["data_5s", "pos/d"].status == "both_labels"
    assert table["data", "neg/c"].status == "ok"


def test_one_stem_with_two_endings_is_two_clips():
    table = rows(clip("owl/data/pos/a.wav", "md5:1"), clip("owl/data/pos/a.flac", "md5:2"))
    assert set(table) == {("data", "pos/a.wav"), ("data", "pos/a.flac")}


def test_an_empty_species_has_an_empty_inventory():
    assert len(validate(build_inventory([], RULES), AUDIO_INVENTORY)) == 0


def test_a_relisting_of_the_same_audio_has_the_same_version():
    before = build_inventory([clip("owl/data/pos/a.wav", "md5:1", updated=1.0)], RULES)
    after = build_inventory([clip("owl/data/pos/a.wav", "md5:1", updated=9.0)], RULES)
    changed = build_inventory([clip("owl/data/pos/a.wav", "md5:2", updated=1.0)], RULES)
    regrouped = build_inventory(
        [clip("owl/data/pos/a.wav", "md5:1")], RecordingRules({"owl/data/pos/a.wav": "x"})
    )
    assert inventory_version(before) == inventory_version(after)
    assert len({inventory_version(t) for t in (before, changed, regrouped)}) == 3


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["data", "data_5s"]),
            st.sampled_from(["pos", "neg"]),
            st.integers(0, 30),
            st.integers(0, 12),
        ),
        unique_by=lambda c: c[:3],
        max_size=25,
    ),
    st.randoms(),
)
def test_clips_that_share_bytes_share_a_recording_whatever_the_order(clips, random):
    objects = [
        clip(f"owl/{variant}/{label}/s{stem}.wav", f"md5:{checksum}")
        for variant, label, stem, checksum in clips
    ]
    table = build_inventory(objects, RULES)
    for _, same in table.groupby("checksum"):
        assert same["recording_id"].nunique() == 1
        both = same["label"].nunique() > 1
        assert (same["status"] == "both_labels").all() == both
        if not both:
            used = same[same["status"] == "ok"].groupby("variant").size()
            assert (used == 1).all()
    for _, same in table.groupby(table["clip_id"].str.split("/").str[1]):
        assert same["recording_id"].nunique() == 1
    random.shuffle(objects)
    assert inventory_version(build_inventory(objects, RULES)) == inventory_version(table)
