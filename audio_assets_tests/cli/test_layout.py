"""What ``run``, ``demo`` and ``doctor`` say of mistakes in the layout, and their exit codes."""

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
        ({"owl/data/pos": "owl/data/positive"}, RENAME),
        ({"owl/data/pos": "owl/pos"}, "owl holds 'pos' with 12 audio files, outside 'data'"),
        ({"owl/data/pos": "owl/data/pos2/deep", "owl/data/neg": "owl/data/neg2"}, "neither 'pos'"),
        ({"owl": "more/owl"}, "more holds species folders (owl) and is not a species"),
        ({"owl/data/pos": "pos", "owl/data/neg": "neg", "owl": ".owl"}, "outside the folder of a"),
        ({"owl/data/pos": "Pos", "owl/data/neg": "Neg", "owl": ".owl"}, "outside the folder of a"),
        ({"owl/data": "data", "owl": ".owl"}, "it is the folder of one species"),
        ({"owl/data/pos": "owl/data/pos1", "owl/data/pos1": "owl/data/pos/2023"}, "folders below"),
    ],
)
def test_a_wrong_layout_is_exit_code_1_with_the_remedy_before_anything_runs(
    call, command, moves, said
):
    for before, after in moves.items():
        rename(before, after)
    called = call(*command)
    assert called.code == 1
    assert said in called.err and "Error: " in called.err
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
    assert RENAME in called.out and "No species can be evaluated" in called.out
    assert "materialized" in called.out


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
