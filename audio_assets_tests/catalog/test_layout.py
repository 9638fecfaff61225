"""Mistakes in the layout of an audio root, in a folder and in a bucket."""

import pytest

from audio_assets.catalog.folder_counts import count_files
from audio_assets.catalog.layout import counts_in_words, suggested_name
from audio_assets.catalog.listing import examine_layout, list_species
from audio_assets.objects.files import write_atomic


def put(root, *folders, clips=2):
    for folder in folders:
        for number in range(clips):
            write_atomic(root / folder / f"{number}.WAV", b"x")


def look(root):
    return examine_layout(root, list_species(root))


def good(root):
    put(root, "fox/data/pos", "fox/data/neg")


@pytest.mark.parametrize(
    ("folders", "said"),
    [
        (
            ("owl/data/positive", "owl/data/negative"),
            [
                "owl/data holds 'negative' with 2 audio files; rename it to 'neg'",
                "owl/data holds 'positive' with 2 audio files; rename it to 'pos'",
            ],
        ),
        (
            ("owl/data/Pos", "owl/data/Neg"),
            [
                "owl/data holds 'Neg' with 2 audio files; rename it to 'neg'",
                "owl/data holds 'Pos' with 2 audio files; rename it to 'pos'",
            ],
        ),
        (
            ("owl/data/presence", "owl/data/absence"),
            [
                "owl/data holds 'absence' with 2 audio files; rename it to 'neg'",
                "owl/data holds 'presence' with 2 audio files; rename it to 'pos'",
            ],
        ),
        (
            ("owl/data/pos", "owl/data/neg", "owl/data/positive"),
            [
                "owl/data holds 'positive' with 2 audio files; "
                "move them into owl/data/pos, which exists"
            ],
        ),
        (
            ("owl/pos", "owl/neg"),
            [
                "owl holds 'neg' with 2 audio files, outside 'data'; move it to owl/data/neg",
                "owl holds 'pos' with 2 audio files, outside 'data'; move it to owl/data/pos",
            ],
        ),
        (
            ("owl/Data/pos", "owl/Data/neg"),
            ["owl holds 'Data' with 4 audio files; rename it to 'data'"],
        ),
        (
            ("owl/data/pos", "owl/data/neg/2023/may", "owl/data/neg/2024"),
            [
                "owl/data/neg holds 4 audio files in folders below it, which are not used; "
                "move them into owl/data/neg itself, under names that differ"
            ],
        ),
        (
            ("owl",),
            [
                "owl holds 2 audio files outside 'pos' and 'neg', which are not used; "
                "move them into owl/data/pos or owl/data/neg"
            ],
        ),
        (
            ("owl/data",),
            [
                "owl/data holds 2 audio files outside 'pos' and 'neg', which are not used; "
                "move them into owl/data/pos or owl/data/neg"
            ],
        ),
        (
            ("owl/data/pos", "owl/data/calls"),
            [
                "owl/data holds 'calls' with 2 audio files, which is neither 'pos' nor 'neg'; "
                "move its clips into owl/data/pos or owl/data/neg"
            ],
        ),
        (
            ("owl/data/pos",),
            [
                "owl/data/neg has no clips, so that there is nothing to compare with; "
                "put clips into owl/data/neg"
            ],
        ),
    ],
)
def test_a_wrong_folder_of_a_species_is_named_with_its_remedy(root, folders, said):
    good(root)
    put(root, *folders)
    found = look(root)
    assert not found.of_root and not found.not_species
    assert {name: [str(one) for one in some] for name, some in found.of_species.items()} == {
        "owl": said
    }


@pytest.mark.parametrize(
    "extra", ["owl/unlabelled", "owl/data/other", "owl/.cache/pos", "owl/data/pos/.old"]
)
def test_folders_beside_both_classes_that_are_not_meant_to_be_one_are_no_mistake(root, extra):
    put(root, "owl/data/pos", "owl/data/neg", extra)
    write_atomic(root / "owl/data/readme.txt", b"x")
    write_atomic(root / "owl/positive/readme.txt", b"x")
    found = look(root)
    assert found.mistakes(["owl"]) == [] and found.can_be_evaluated("owl")


@pytest.mark.parametrize(
    ("below", "folders", "not_species", "said", "remedy"),
    [
        ("", ("pos", "neg"), {"pos", "neg"}, "outside the folder of a species", "{species}/data/"),
        ("", ("Pos", "Neg"), {"Pos", "Neg"}, "outside the folder of a species", "{species}/data/"),
        ("owl", ("data/pos", "data/neg"), {"data"}, "folder of one species", "above it, ROOT."),
        ("owl/data", ("pos", "neg"), {"pos", "neg"}, "the 'data' of one species", "to ROOT."),
        ("owl/data/pos", ("",), set(), "the 'pos' of one species", "to ROOT."),
        ("", ("a/owl/data/pos", "a/fox/data/neg"), {"a"}, "(fox, owl)", "to ROOT/a,"),
        ("", ("a/b/owl/data/pos", "a/b/owl/data/neg"), {"a"}, "(owl)", "to ROOT/a/b,"),
    ],
)
def test_a_root_that_is_too_low_or_too_high_names_the_right_one(
    root, below, folders, not_species, said, remedy
):
    here = root / below if below else root
    put(here, *folders)
    found = look(here)
    assert found.not_species == not_species and not found.of_species
    [mistake] = found.of_root
    assert said in mistake.what
    assert remedy.replace("ROOT", str(root).rstrip("/")) in mistake.remedy


def test_a_species_may_have_the_name_of_a_class_or_a_variant(root):
    put(root, "pos/data/pos", "pos/data/neg", "data/data/pos", "data/data/neg")
    found = look(root)
    assert found.mistakes(["pos", "data"]) == [] and not found.not_species
    assert found.can_be_evaluated("pos") and found.can_be_evaluated("data")


def test_a_species_needs_both_classes_in_one_variant_to_be_evaluated(root):
    put(root, "owl/data/pos", "owl/data_5s/neg", "fox/data_5s/pos", "fox/data_5s/neg")
    found = look(root)
    assert not found.can_be_evaluated("owl") and found.can_be_evaluated("fox")


def test_clips_of_a_variant_that_no_model_reads_cannot_be_evaluated(root):
    put(root, "owl/data_5s/pos", "owl/data_5s/neg", "fox/data/pos", "fox/data/neg")
    found = examine_layout(root, list_species(root), variants=("data",))
    assert not found.can_be_evaluated("owl") and found.can_be_evaluated("fox")
    assert [str(one) for one in found.mistakes(["owl", "fox"])] == [
        "owl has clips of both classes only in 'data_5s', which no available model reads; put "
        "clips into owl/data/pos and owl/data/neg, or enable a model that reads 'data_5s' and "
        "install its weights"
    ]


def test_clips_are_counted_by_class_and_variant_whatever_their_endings(root):
    put(root, "owl/data/pos", "owl/data/neg", "owl/data_5s/neg")
    write_atomic(root / "owl/data/pos/clip", b"x")
    write_atomic(root / "owl/data/pos/.hidden.wav", b"x")
    words = counts_in_words(look(root).clips["owl"])
    assert words == "3 pos and 2 neg in data; 0 pos and 2 neg in data_5s"


@pytest.mark.parametrize(
    ("name", "suggested"),
    [
        ("Canis lupus", "canis_lupus"),
        ("Canis  lupus (L.)", "canis_lupus_l"),
        ("Élan", "elan"),
        ("a|b", "a_b"),
        ("Barn-Owl", "barn-owl"),
        ("狼", ""),
    ],
)
def test_a_name_is_suggested_that_keeps_the_key_rule(name, suggested):
    assert suggested_name(name) == suggested


def test_the_remedy_of_a_name_does_not_suggest_one_that_is_taken(root):
    put(root, "Canis lupus/data/pos", "canis_lupus/data/pos", "Barn owl/data/pos", "狼/data/pos")
    rejected = list_species(root).rejected
    assert rejected["Canis lupus"].endswith("or move its clips into 'canis_lupus'")
    assert rejected["Barn owl"].endswith("for instance to 'barn_owl'")
    assert rejected["狼"] == "rename the folder so that it matches ^[a-z0-9_-]+$"


@pytest.mark.posix
def test_a_folder_that_cannot_be_listed_is_named_and_the_others_are_counted(tmp_path, monkeypatch):
    import os

    from upath import UPath

    root = UPath(tmp_path)
    put(root, "owl/data/pos", "owl/data/neg", "owl/secret")
    real = os.scandir

    def refuse(path):
        if str(path).endswith("secret"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    found = look(root)
    assert [str(one) for one in found.of_species["owl"]] == [
        "owl/secret cannot be listed: Permission denied; check that you may read it"
    ]
    assert found.can_be_evaluated("owl")


@pytest.mark.posix
def test_nothing_behind_a_link_out_of_the_root_is_counted(tmp_path):
    from upath import UPath

    root = UPath(tmp_path / "audio")
    put(root, "owl/data/pos")
    put(UPath(tmp_path), "elsewhere")
    (tmp_path / "audio/owl/positive").symlink_to(tmp_path / "elsewhere")
    assert set(count_files(root, "owl")) == {("data", "pos")}


@pytest.mark.posix
def test_a_link_to_itself_hides_no_clip_and_a_name_that_is_not_utf_8_is_shown(tmp_path):
    import os

    from upath import UPath

    root = UPath(tmp_path)
    put(root, "owl/data/pos", "owl/data/neg")
    (tmp_path / "owl/data/pos/loop.wav").symlink_to("loop.wav")
    odd = os.path.join(os.fsencode(tmp_path), b"owl/data/pos/\xff")
    os.mkdir(odd)
    with open(os.path.join(odd, b"a.wav"), "wb"):
        pass
    found = count_files(root, "owl")
    assert found["data", "pos"].files == 3 and not found["data", "pos"].fault
    assert found["data", "pos", "\\xff"].audio == 1
