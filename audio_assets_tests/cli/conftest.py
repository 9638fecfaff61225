"""Calls of ``audio-assets`` as from a shell."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from audio_assets.cli import main
from audio_assets_tests.small_audio import write_species


@dataclass(frozen=True)
class Called:
    code: int
    out: str
    err: str


Call = Callable[..., Called]


@pytest.fixture
def call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Call:
    """Calls ``audio-assets`` in a folder with a dagster.yaml and an audio root of one species."""
    (tmp_path / "dagster.yaml").write_text("telemetry:\n  enabled: false\n")
    write_species(tmp_path / "audio", "owl", recordings=6)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    for name, value in {
        "AUDIO_ROOT": "audio",
        "RESULTS_ROOT": "results",
        "MODELS": '["placeholder"]',
        "TRAINING_SIZES": "[4]",
        "FOLDS": "3",
        "REPEATS": "1",
        "DUPLICATE_ENCODER": "",
    }.items():
        monkeypatch.setenv(f"AUDIO_ASSETS_{name}", value)

    def call(*arguments: str) -> Called:
        monkeypatch.setattr(sys, "argv", ["audio-assets", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            main()
        shown = capfd.readouterr()
        code = exit.value.code
        return Called(code if isinstance(code, int) else 0, shown.out, shown.err)

    return call


def fail(*_: object, **__: object) -> None:
    raise RuntimeError("the disk is on fire")
