"""What the doctor says of a place that is well, and of one thing after the other that is not."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audio_assets.cli import main
from audio_assets_tests.small_audio import write_species

Doctor = Callable[[], tuple[int, dict[str, dict[str, str]]]]


@pytest.fixture
def doctor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Doctor:
    """Calls ``audio-assets doctor``: exit code, and findings by subject."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    write_species(tmp_path / "audio", "owl", recordings=1, clips=1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for name, value in {
        "AUDIO_ROOT": "audio",
        "MODELS": '["placeholder"]',
        "DUPLICATE_ENCODER": "",
        "CACHE_DIR": "cache",
    }.items():
        monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)

    def call() -> tuple[int, dict[str, dict[str, str]]]:
        monkeypatch.setattr(sys, "argv", ["audio-assets", "doctor", "--json"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        findings = json.loads(capfd.readouterr().out)
        assert isinstance(exit.value.code, int)
        return exit.value.code, {finding["subject"]: finding for finding in findings}

    return call


def problems(findings: dict[str, dict[str, str]]) -> set[str]:
    return {subject for subject, finding in findings.items() if finding["todo"]}


def test_a_daemon_that_never_ran_is_a_note_and_nothing_is_a_problem_in_a_fresh_place(doctor):
    code, findings = doctor()
    assert code == 0 and problems(findings) == set()
    assert findings["daemon"]["is_note"]
    assert findings["daemon"]["found"].startswith("has never run on this instance. Nothing is")
    assert set(findings) == {
        "settings",
        "audio",
        "clips of owl",
        "results",
        "disk",
        "model placeholder",
        "duplicate encoder",
        "instance",
        "daemon",
        "partitions",
    }
    assert not list(Path("results").glob(".doctor*"))


def test_a_wrong_line_of_clips_csv_is_named(doctor):
    Path("audio/clips.csv").write_text("file,group\nowl/data/pos/a.wav,\n")
    code, findings = doctor()
    assert code == 1 and "line 2: file or group is empty" in findings["audio"]["found"]


@pytest.mark.parametrize(
    ("setting", "value", "subject"),
    [
        ("AUDIO_ROOT", "nowhere", "audio"),
        ("RESULTS_ROOT", "dagster.yaml/results", "results"),
        ("RESULTS_ROOT", "dagster.yaml", "results"),
        ("RESULTS_ROOT", "", "settings"),
        ("MODELS", '["placeholder", "vgg"]', "model vgg"),
        ("FOLDS", "-1", "settings"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(doctor, monkeypatch, setting, value, subject):
    monkeypatch.setenv(f"AUDIO_ASSETS_{setting}", value)
    code, findings = doctor()
    assert code == 1 and problems(findings) == {subject}
    # A fault in one thing hides none of the others.
    assert subject == "settings" or "partitions" in findings


def test_a_folder_that_cannot_be_a_species_is_a_problem(doctor):
    write_species(Path("audio"), "Barn owl", recordings=1, clips=1)
    code, findings = doctor()
    assert "Barn owl" in findings["audio"]["found"] and "Rename" in findings["audio"]["todo"]
