"""What ``run``, ``demo`` and ``doctor`` say of mistakes in the layout, and their exit codes."""

import json
import shutil
from pathlib import Path

import pytest

from audio_assets import load_learning_curves
from audio_assets_tests.small_audio import write_species

RENAME = "owl/data holds 'positive' with 12 audio files; rename it to 'pos'"


def rename(before: str, after: str) -> None:
    Path("audio", after).parent.mkdir(parents=True, exist_ok=True)
    shutil.move(Path("audio", before), Path("audio", after))


@pytest.mark.parametrize("command", [("run",), ("demo", "--audio", "audio")])
@pytest.mark.parametrize(
    ("moves", "said"),
    [
        ({"owl/data/pos": "owl/data/positive", "owl/data/neg": "owl/data/negative"}, RENAME),
        (
            {"owl/data/pos": "owl/data/Pos", "owl/data/neg": "owl/data/Neg"},
            "owl/data holds 'Neg' with 12 audio files; rename it to 'neg'",
        ),
        (
            {"owl/data/pos": "owl/data/presence", "owl/data/neg": "owl/data/absence"},
            "owl/data holds 'absence' with 12 audio files; rename it to 'neg'",
        ),
        (
            {"owl/data/pos": "owl/pos", "owl/data/neg": "owl/neg"},
            "owl holds 'pos' with 12 audio files, outside 'data'; move it to owl/data/pos",
        ),
        ({"owl/data/pos": "owl/data/pos2/deep", "owl/data/neg": "owl/data/neg2"}, "neither 'pos'"),
        ({"owl": "more/owl"}, "more holds species folders (owl) and is not a species"),
        ({"owl/data/pos": "pos", "owl/data/neg": "neg", "owl": ".owl"}, "outside the folder of a"),
        ({"owl/data/pos": "Pos", "owl/data/neg": "Neg", "owl": ".owl"}, "outside the folder of a"),
        ({"owl/data": "data", "owl": ".owl"}, "it is the folder of one species"),
        ({"owl": "Barn owls/owl"}, "Barn owls holds species folders (owl) and is not a species"),
        ({"owl/data": "owl/data_5s"}, "only in 'data_5s', which no available model reads"),
        ({"owl/data/pos": "owl/data/pos1", "owl/data/pos1": "owl/data/pos/2023"}, "folders below"),
    ],
)
def test_a_wrong_layout_is_exit_code_1_with_the_remedy_before_anything_runs(
    call, command, moves, said
):
    for before, after in moves.items():
        rename(before, after)
    called = call(*command)
    assert called.code == 1 and "Error: " in called.err
    assert said in called.out + called.err
    assert "rename the folder" not in called.out
    assert not list(Path("results").glob("*.html"))


def test_a_species_of_the_settings_below_a_root_that_is_too_high_names_the_right_root(
    call, monkeypatch
):
    rename("owl", "more/owl")
    monkeypatch.setenv("AUDIO_ASSETS_SPECIES", '["owl"]')
    called = call("run")
    assert called.code == 1
    assert "more holds species folders (owl)" in called.err and "audio/more" in called.err


@pytest.mark.slow
def test_a_species_in_order_is_evaluated_beside_one_with_a_mistake(call):
    write_species(Path("audio"), "fox", recordings=6)
    rename("owl/data/pos", "owl/data/positive")
    called = call("run", "--quiet")
    assert called.code == 0
    assert f"Wrong layout: {RENAME}" in called.out
    curves = load_learning_curves("results").set_index("species")
    assert curves.loc[["fox"], "mean"].notna().any()
    assert curves.loc[["owl"], "mean"].isna().all()


@pytest.mark.slow
def test_a_species_that_lost_its_clips_is_run_again_and_ends_with_exit_code_1(call):
    assert call("run", "--quiet").code == 0
    rename("owl/data/pos", "owl/data/positive")
    called = call("run", "--quiet")
    assert called.code == 1
    assert RENAME in called.out and "No species could be evaluated." in called.out
    assert "owl: no evaluation: " in called.out
    assert "materialized" in called.out


@pytest.mark.parametrize("below", ["owl", "owl/data", "owl/data/pos"])
def test_a_root_that_is_too_low_is_exit_code_1_with_the_right_root(
    call, monkeypatch, tmp_path, below
):
    monkeypatch.chdir(Path("audio", below))
    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", ".")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    called = call("run")
    assert called.code == 1
    assert f"{tmp_path.as_posix()}/audio.\n" in called.err and "of one species" in called.err


def too_few() -> None:
    shutil.rmtree("audio/owl")
    write_species(Path("audio"), "owl", recordings=1)


def none_readable() -> None:
    for clip in Path("audio/owl").rglob("*.wav"):
        clip.write_bytes(b"no audio")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(too_few, "only 1 recording has positive clips"), (none_readable, "no evaluation: ")],
)
def test_a_run_without_any_result_ends_with_exit_code_1_and_the_reason_each_time(
    call, spoil, reason
):
    spoil()
    for command in (
        ("run", "--quiet"),
        ("run", "--quiet"),
        ("demo", "--audio", "audio", "--quiet"),
    ):
        called = call(*command)
        assert called.code == 1 and "Failed" not in called.out
        _, _, told = called.out.partition("No species could be evaluated.\n")
        assert told.startswith("  owl: ") and reason in told


@pytest.mark.slow
def test_a_species_without_a_result_is_in_the_summary_and_does_not_spoil_the_others(call):
    too_few()
    write_species(Path("audio"), "fox", recordings=6)
    called = call("run", "--quiet", "--json")
    assert called.code == 0
    found = json.loads(called.out)["not_evaluated"]
    assert list(found) == ["owl"] and found["owl"]
    assert "No species could be evaluated" not in called.err


def test_status_names_each_mistake_with_its_remedy(call):
    write_species(Path("audio"), "fox", recordings=1, clips=1)
    rename("owl/data/pos", "owl/data/positive")
    rename("owl/data/neg", "more/fox/data/neg")
    called = call("status")
    assert called.code == 0
    assert "problem  owl/data holds 'positive' with 12 audio files\n" in called.out
    assert "           Rename it to 'pos'.\n" in called.out
    assert "problem  more holds species folders (fox) and is not a species\n" in called.out
    assert "no clips" not in called.out


def test_the_doctor_counts_clips_by_class_and_names_each_mistake(call):
    write_species(Path("audio"), "fox", recordings=1, clips=1)
    write_species(Path("audio"), "Canis lupus", recordings=1, clips=1)
    rename("owl/data/pos", "owl/data/positive")
    called = call("doctor")
    assert called.code == 1
    assert "ok       clips of fox: 1 pos and 1 neg in data" in called.out
    assert "problem  clips of owl: owl/data holds 'positive' with 12 audio files" in called.out
    assert "Rename it to 'pos'." in called.out
    assert "ok       clips of owl: 0 pos and 12 neg in data" in called.out
    assert "for instance to 'canis_lupus'." in called.out
