import unicodedata
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from upath import UPath

from audio_assets.catalog.clip_names import DEFAULT_RECORDING_PATTERNS
from audio_assets.catalog.inventory import build_inventory, inventory_version, listing_digest
from audio_assets.catalog.listing import AudioObject
from audio_assets.catalog.recordings import NO_LINE, RecordingRules, read_recording_rules
from audio_assets.errors import AudioRootError
from audio_assets.results.validation import validate
from audio_assets.tables import AUDIO_INVENTORY

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
    assert rules.recording_of("owl/data/neg/other.wav")[0] == "other"


@pytest.mark.parametrize(
    "line",
    [
        "owl/data/pos/J\u00e4gerhof_1.wav",
        "owl/data/pos/Ja\u0308gerhof_1.wav",
        "./owl/data/pos/J\u00e4gerhof_1.wav",
        "owl\\data\\pos\\J\u00e4gerhof_1.wav",
        ".\\owl\\data\\pos\\Ja\u0308gerhof_1.wav",
    ],
)
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_a_line_names_its_clip_however_systems_write_the_path(tmp_path, line, form):
    (tmp_path / "clips.csv").write_text(f"file,group\n{line},site1\n", encoding="utf-8")
    rules = read_recording_rules(UPath(tmp_path), ())
    path = unicodedata.normalize(form, "owl/data/pos/J\u00e4gerhof_1.wav")
    assert rules.recording_of(path) == ("site1", "clips.csv")


def csv_rules(folder, *files):
    (folder / "clips.csv").write_text("\n".join(["file,group", *(f"{f},site" for f in files)]))
    return read_recording_rules(UPath(folder), DEFAULT_RECORDING_PATTERNS)


@pytest.mark.parametrize(
    ("line", "warned"),
    [
        ("owl/data/pos/x.wav", {"owl"}),
        ("owl/data_5s/neg/x.wav", {"owl"}),
        # What can be no clip of any species may be meant for each.
        ("x.wav", {"owl", "fox"}),
        ("/home/me/owl/data/pos/x.wav", {"owl", "fox"}),
    ],
)
def test_a_species_with_lines_that_fit_no_clip_says_so(tmp_path, line, warned):
    rules = csv_rules(tmp_path, line, "fox/data/pos/a.wav")
    for species, named in (("owl", []), ("fox", ["fox/data/pos/a.wav"])):
        names = ("a.wav", "b-pos-r1_3sec.wav")
        clips = [clip(f"{species}/data/pos/{name}", f"md5:{name}") for name in names]
        inventory = build_inventory(clips, rules)
        assert rules.lines_without_clip(species, inventory) == [line] * (species in warned)
        unnamed = inventory["recording_rule"].str.endswith(NO_LINE)
        # The fox has a line that fits the first of its clips.
        assert unnamed.tolist() == ([False, True] if named else [species in warned] * 2)


def test_further_columns_of_clips_csv_are_told_of_each_clip(tmp_path):
    lines = [
        "site;file;group;Device;;notes",
        "creek;owl/data/pos/a.wav;r1;'=SM4;x;",
        "marsh;owl/data/neg/c.wav;r2",
        "road;fox/data/pos/a.wav;r3;AM;;far away",
    ]
    (tmp_path / "clips.csv").write_text("\n".join(lines))
    rules = read_recording_rules(UPath(tmp_path), DEFAULT_RECORDING_PATTERNS)
    names = ("pos/a.wav", "pos/b.wav", "neg/c.wav")
    clips = [clip(f"owl/data/{name}", f"md5:{name}") for name in names]
    said = rules.further_columns("owl", build_inventory(clips, rules))
    rows = {index: of_clip.to_dict() for index, of_clip in said.iterrows()}
    assert rows == {
        ("data", "pos/a"): {"site": "creek", "Device": "=SM4"},
        ("data", "pos/b"): {"site": "", "Device": ""},
        ("data", "neg/c"): {"site": "marsh", "Device": ""},
    }


def test_a_clips_csv_that_fits_no_clip_changes_what_is_listed(tmp_path):
    clips = [clip("owl/data/pos/a.wav", "md5:1")]
    wrong = csv_rules(tmp_path, "owl/data/pos/b.wav")
    tables = [build_inventory(clips, rules) for rules in (RULES, wrong)]
    assert tables[0]["recording_id"].tolist() == tables[1]["recording_id"].tolist()
    assert len({inventory_version(table) for table in tables}) == 2
    assert listing_digest(clips, RULES) != listing_digest(clips, wrong)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("file,site\na,b\n", "no column group"),
        ("file,group\na,\n", "line 2"),
        ("file,group\na,x,y\nb,x,y\n", "line 2: more values than the columns file, group"),
        ("file,group\na,x\na,y\n", "to a second group"),
        ("file,group\na/b,x\n./a\\b,y\n", "to a second group"),
        ("file,group\n\u00e4,x\na\u0308,y\n", "to a second group"),
        ("", "no column file and no column group; it is empty"),
    ],
)
def test_a_faulty_clips_csv_is_an_error_that_says_where(tmp_path, text, fault):
    (tmp_path / "clips.csv").write_text(text, encoding="utf-8")
    with pytest.raises(AudioRootError, match=fault):
        read_recording_rules(UPath(tmp_path), ())


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("owl/data/pos/a.wav,", "line 3: file or group is empty"),
        ("./owl/data/pos/a.wav,y", "second group"),
    ],
)
def test_a_wrong_line_of_clips_csv_is_a_fault_of_its_species_alone(tmp_path, line, words):
    (tmp_path / "clips.csv").write_text(f"file,group\nowl/data/pos/a.wav,x\n{line}\n")
    rules = read_recording_rules(UPath(tmp_path), ())
    assert rules.recording_of("fox/data/pos/a.wav") == ("a", "stem")
    with pytest.raises(AudioRootError, match=words):
        rules.recording_of("owl/data/pos/b.wav")


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


NAMES = st.lists(
    st.lists(st.sampled_from(["a", "b", ".wav", ".txt", ".asd", "."]), min_size=1, max_size=4)
    .map("".join)
    .filter(lambda name: not name.startswith(".")),
    unique=True,
    max_size=8,
)


def ids(names):
    clips = [clip(f"owl/data/pos/{name}", f"md5:{name}") for name in names]
    table = build_inventory(clips, RULES)
    return {row.uri.rsplit("/", 1)[1]: row.clip_id for row in table.itertuples()}


@settings(max_examples=40)
@given(NAMES)
@example(["a.wav", "a.txt", "a.wav.reapeaks"])
@example(["a", "a.wav", "a.wav.asd", "a.wav.asd.txt"])
def test_no_two_files_share_an_id_whatever_their_names(names):
    found = ids(names)
    assert set(found) == set(names) and len(set(found.values())) == len(names)


@settings(max_examples=40)
@given(NAMES.filter(bool), st.sampled_from([".asd", ".reapeaks", ".wav"]), st.data())
def test_a_file_named_by_a_clip_and_an_ending_leaves_the_clip_its_id(names, ending, data):
    beside = data.draw(st.sampled_from(names))
    assert ids({*names, beside + ending})[beside] == ids(names)[beside]


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
