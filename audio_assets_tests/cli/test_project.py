"""A project from nothing: ``init`` and ``.env.example``."""

import json
import os
import stat
from pathlib import Path

import pytest

from audio_assets_tests.small_audio import write_species

EXAMPLE = Path(__file__).parents[2] / ".env.example"


@pytest.fixture
def unset(monkeypatch):
    """Leave every setting to the .env."""
    for name in list(os.environ):
        if name.startswith("AUDIO_ASSETS_"):
            monkeypatch.delenv(name)


def _findings(called) -> dict[str, dict[str, str]]:
    return {one["subject"]: one for one in json.loads(called.out)}


def test_the_example_settings_work_as_they_are(call, unset, tmp_path):
    (tmp_path / ".env").write_text(EXAMPLE.read_text())
    found = _findings(call("doctor", "--json"))
    assert found["settings"]["found"] == "all well-formed"
    assert found["audio"]["found"] == "audio, 1 species" and not found["audio"]["todo"]
    assert found["results"]["found"] == "results can be written to"
    called = call("status", "--json")
    assert called.code == 0 and {row["species"] for row in json.loads(called.out)} == {"owl"}
    assert "Error" not in called.err


def test_init_makes_a_project_in_which_every_call_finds_its_settings(
    call, unset, tmp_path, monkeypatch
):
    called = call("init", "work/owls", "-s", "barn_owl")
    assert called.code == 0
    assert called.out.startswith(
        "work/owls is ready. Put clips into work/owls/audio/barn_owl/data/"
    )
    project = tmp_path / "work/owls"
    assert stat.S_IMODE((project / ".env").stat().st_mode) == 0o600
    assert "audio/barn_owl/data/pos/" in (project / "README.md").read_text()
    assert (project / "audio/barn_owl/data/neg").is_dir()

    write_species(project / "audio", "barn_owl", recordings=3)
    (project / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    monkeypatch.chdir(project)
    found = _findings(call("doctor", "--json"))
    assert found["clips of barn_owl"]["found"] == "6 pos and 6 neg in data"
    called = call("status", "--json")
    assert called.code == 0 and "barn_owl" in called.out


@pytest.mark.parametrize("taken", [".env", "README.md", "audio"])
def test_init_overwrites_nothing(taken, call, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / taken).write_text("mine")
    called = call("init", "mine")
    assert called.code == 1 and f"mine already has {taken}" in called.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [taken]
    assert (tmp_path / "mine" / taken).read_text() == "mine"


def test_init_refuses_what_cannot_be_a_species_before_it_writes(call, tmp_path):
    called = call("init", "mine", "-s", "Barn Owl")
    assert called.code == 2 and "--species" in called.err and not (tmp_path / "mine").exists()
