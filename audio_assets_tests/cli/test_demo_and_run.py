"""`demo` and `run` on the same two folders are one: one instance, one answer, nothing repeated."""

import json
from importlib.resources import files
from pathlib import Path

import pytest

from audio_assets.environment import dagster_home
from audio_assets_tests.cli.conftest import Call
from audio_assets_tests.small_audio import write_species

DEMO = ("demo", "--audio", "audio", "--results", "results", "--quiet")
NOTHING = "Everything is fresh; nothing was run."


def answers(out: str) -> str:
    """The answers and all below them."""
    assert "Clips needed per class" in out
    return out[out.index("Clips needed per class") :]


@pytest.mark.slow
def test_a_run_after_a_demo_repeats_nothing_and_ends_with_the_same_answers(call: Call) -> None:
    demo, run, again = call(*DEMO), call("run"), call(*DEMO)
    assert (demo.code, run.code, again.code) == (0, 0, 0)
    assert NOTHING not in demo.out and NOTHING in run.out and NOTHING in again.out
    assert answers(demo.out).replace(str(Path.cwd()) + "/", "") == answers(run.out)
    assert answers(demo.out) == answers(again.out)
    assert json.loads(call("run", "--json").out)["materialized"] == []


@pytest.mark.slow
def test_a_demo_after_a_run_in_a_named_home_repeats_nothing(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "some" / "home"
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    assert call("run").code == 0
    assert (home / "dagster.yaml").read_bytes() == (
        files("audio_assets.instance").joinpath("dagster.yaml").read_bytes()
    )
    assert NOTHING in call(*DEMO).out
    assert not (tmp_path / "results/.dagster").exists()


@pytest.mark.slow
def test_a_demo_adds_no_species_to_an_instance_that_has_others(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert call("run").code == 0
    write_species(tmp_path / "more", "fox", recordings=6)
    called = call("demo", "--audio", "more", "--results", "shown", "--quiet")
    assert called.code == 0 and "runs of other species (owl)" in called.out
    assert (tmp_path / "shown/.dagster/dagster.yaml").is_file()
    assert {row["species"] for row in json.loads(call("status", "--json").out)} == {"owl"}


@pytest.mark.slow
def test_a_demo_in_a_folder_with_an_instance_leaves_that_instance_empty(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_species(tmp_path / "more", "fox", recordings=6)
    assert call("demo", "--audio", "more", "--results", "shown", "--quiet").code == 0
    assert {row["species"] for row in json.loads(call("status", "--json").out)} == {"owl"}


@pytest.mark.slow
def test_a_demo_runs_only_the_models_that_are_named(
    call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["placeholder", "svm", "random_forest"]')
    called = call(*DEMO, "--model", "placeholder", "--model", "svm")
    assert called.code == 0
    states = {row["model"]: row["state"] for row in json.loads(call("status", "--json").out)}
    assert states == {"placeholder": "fresh", "svm": "fresh", "random_forest": "missing"}


@pytest.mark.parametrize(("model", "named"), [("nonsense", "nonsense"), ("svm", "not enabled")])
def test_a_model_that_a_demo_cannot_run_is_exit_code_2_before_anything_is_written(
    call: Call, tmp_path: Path, model: str, named: str
) -> None:
    called = call("demo", "--results", "shown", "--model", model)
    assert called.code == 2 and named in called.err
    assert not (tmp_path / "shown/synthetic-audio").exists()


def test_without_any_dagster_yaml_one_is_made_in_the_results_root(
    call: Call, tmp_path: Path
) -> None:
    (tmp_path / "dagster.yaml").unlink()
    assert call("status").code == 0
    assert (tmp_path / "results/.dagster/dagster.yaml").is_file()


@pytest.mark.posix
def test_a_home_that_cannot_be_made_is_two_lines_that_name_the_setting(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "file" / "home"))
    called = call("run")
    assert called.code == 2
    what, remedy = called.err.strip().splitlines()
    assert "has no dagster.yaml" in what and "Set DAGSTER_HOME" in remedy


def test_the_home_is_the_named_one_then_that_of_the_results_then_this_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    own = tmp_path / "results/.dagster"
    assert dagster_home("results").absolute() == own
    (tmp_path / "dagster.yaml").touch()
    assert dagster_home("results") == tmp_path
    own.mkdir(parents=True)
    (own / "dagster.yaml").touch()
    assert dagster_home("results").absolute() == own
    monkeypatch.setenv("DAGSTER_HOME", "named")
    assert dagster_home("results") == tmp_path / "named"


def test_the_dagster_yaml_that_is_made_is_that_of_the_repository() -> None:
    repository = Path(__file__).parents[2]
    made = files("audio_assets.instance").joinpath("dagster.yaml").read_bytes()
    assert made == (repository / "dagster.yaml").read_bytes()


@pytest.mark.slow
def test_home_names_the_instance_of_the_demo_once_there_is_one(call: Call, tmp_path: Path) -> None:
    assert call("home").out == f"{tmp_path}\n"
    assert call(*DEMO).code == 0
    assert call("home").out == f"{tmp_path}/results/.dagster\n"


def test_make_ui_opens_the_instance_in_which_run_records() -> None:
    ui = Path(__file__).parents[2].joinpath("Makefile").read_text().split("\nui:")[1]
    assert 'home=$$($(BIN)/audio-assets home) && DAGSTER_HOME="$$home"' in ui.split("\n\n")[0]
