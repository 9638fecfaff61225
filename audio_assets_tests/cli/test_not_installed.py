"""Weights that are not there, in ``run``, ``demo``, ``status`` and ``doctor``: words and codes."""

import json
from pathlib import Path

import pytest

from audio_assets import load_learning_curves
from audio_assets.weights.sources import SOURCES

ONCE = "ot installed: perch, vgg, mobilenet, resnet. To install: audio-assets weights fetch"
DONE = {"birdnet", "random_forest", "svm"}


@pytest.fixture
def fresh(call, monkeypatch, tmp_path):
    """Call ``audio-assets`` with the default models, and without fetched weights."""
    monkeypatch.delenv("AUDIO_ASSETS_MODELS")
    monkeypatch.setenv("AUDIO_ASSETS_CACHE_DIR", str(tmp_path / "cache"))
    return call


def assert_said_once(text: str) -> None:
    assert text.count(ONCE) == 1
    assert "weights are missing" not in text and "Failed" not in text and "problem" not in text


def test_a_fresh_installation_has_no_problem_by_the_doctor(fresh):
    called = fresh("doctor")
    assert called.code == 0
    assert_said_once(called.out)
    assert f"note     models: n{ONCE} --model perch" in called.out
    assert "note     daemon: has never run on this instance." in called.out
    assert "ok       model birdnet: " in called.out and "  model perch: " not in called.out


def test_a_fresh_installation_has_no_failed_model_in_the_status(fresh):
    called = fresh("status")
    assert called.code == 0
    assert_said_once(called.out)
    assert "note     the daemon has never run on this instance." in called.out
    called = fresh("status", "--json")
    assert {row["model"]: (row["state"], row["note"]) for row in json.loads(called.out)} == {
        **dict.fromkeys(("perch", "vgg", "mobilenet", "resnet"), ("not installed", "")),
        **dict.fromkeys(DONE, ("missing", "")),
    }
    assert ONCE in called.err


@pytest.mark.slow
def test_a_run_of_the_default_models_succeeds_without_those_that_are_not_installed(fresh):
    called = fresh("run", "--quiet")
    assert called.code == 0
    assert_said_once(called.out)
    curves = load_learning_curves("results")
    assert set(curves["model"]) == DONE and curves["mean"].notna().any()
    report = Path("results/report/index.html").read_text()
    assert "not installed" in report and "weights are missing" not in report
    called = fresh("run", "--json")
    assert called.code == 0 and "Everything is fresh" in called.err
    assert json.loads(called.out)["not_installed"] == ["perch", "vgg", "mobilenet", "resnet"]
    states = {r["model"]: r["state"] for r in json.loads(fresh("status", "--json").out)}
    assert {model for model, state in states.items() if state == "fresh"} == DONE


@pytest.mark.slow
def test_a_demo_of_the_default_models_succeeds_without_those_that_are_not_installed(fresh):
    called = fresh("demo", "--audio", "audio", "--results", "shown", "--quiet")
    assert called.code == 0
    assert_said_once(called.out)


def test_a_model_that_a_call_names_is_an_error_without_its_weights(fresh):
    called = fresh("run", "--model", "vgg")
    assert called.code == 1
    assert called.err.startswith("Error: vgg: its weights are missing")
    assert "audio-assets weights fetch --model vgg" in called.err
    assert not Path("results").exists()


@pytest.mark.slow
def test_a_model_without_weights_that_a_call_names_stops_no_other(fresh):
    called = fresh("run", "--quiet", "--model", "vgg", "--model", "svm")
    assert called.code == 1
    assert "Failed: vgg, encoders: vgg: its weights are missing" in called.out
    assert set(load_learning_curves("results")["model"]) == {"svm"}


@pytest.mark.slow
@pytest.mark.parametrize("command", [("run",), ("demo", "--audio", "audio")])
def test_a_model_that_the_settings_name_is_an_error_without_its_weights(
    fresh, monkeypatch, command
):
    monkeypatch.setenv("AUDIO_ASSETS_MODELS", '["placeholder", "vgg"]')
    called = fresh(*command, "--quiet")
    assert called.code == 1
    assert "Failed: vgg, encoders: vgg: its weights are missing" in called.out
    assert "ot installed" not in called.out and "2 models" not in called.err
    assert "vgg: its weights are missing" in next(Path().rglob("index.html")).read_text()


def test_damaged_weights_of_a_default_model_are_a_problem(fresh, tmp_path):
    file = tmp_path / "cache/weights/vgg" / SOURCES["vgg"].files[0].name
    file.parent.mkdir(parents=True)
    file.write_bytes(b"damaged")
    called = fresh("doctor")
    assert called.code == 1
    assert "problem  model vgg: vgg: " in called.out and "damaged" in called.out
    assert "ot installed: perch, mobilenet, resnet. To" in called.out
