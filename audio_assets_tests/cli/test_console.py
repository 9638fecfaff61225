"""Names, paths and patterns are printed as they are, and bars say what they are of."""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from audio_assets import cli
from audio_assets.automation.local_runner import RunSummary
from audio_assets.automation.steps import Step
from audio_assets.cli.console import (
    ConsoleProgress,
    StepProgress,
    duration_words,
    print_step,
)
from audio_assets.cli.status import Standing

PATTERN = "^(?P<recording>[a-z0-9]+):key:[/_]x"


def test_settings_are_shown_as_they_are(call, monkeypatch):
    monkeypatch.setenv("AUDIO_ASSETS_RECORDING_PATTERNS", json.dumps([PATTERN]))
    called = call("settings")
    assert called.code == 0
    assert PATTERN in called.out
    assert "[exact labels]" in called.out


def test_a_note_of_status_is_shown_as_it_is(call, monkeypatch):
    standing = Standing("owl", "placeholder", "failed", 1, 2, None, None, f"lost {PATTERN}")
    monkeypatch.setattr("audio_assets.cli.status.standings_of", lambda *_: [standing])
    assert f"lost {PATTERN}" in call("status").out


@pytest.mark.posix
@pytest.mark.parametrize(
    "arguments", [("run",), ("demo", "--audio", "audio", "--results", "res[ults]:key:")]
)
def test_a_run_and_a_demo_name_the_report_that_there_is(call, monkeypatch, tmp_path, arguments):
    monkeypatch.setenv("AUDIO_ASSETS_RESULTS_ROOT", "res[ults]:key:")
    report = tmp_path / "res[ults]:key:/report/index.html"
    report.parent.mkdir(parents=True)
    report.touch()
    for module in ("run", "demo"):
        monkeypatch.setattr(
            f"audio_assets.cli.{module}.materialize", lambda *_, **__: RunSummary([], {})
        )
    monkeypatch.setattr("audio_assets.cli.run.print_answers", lambda *_: None)
    monkeypatch.setattr("audio_assets.cli.run.print_verdicts", lambda *_: None)
    assert "res[ults]:key:/report/index.html" in call(*arguments).out


def test_a_bar_names_its_task_as_it_is():
    console = Console(width=120, force_terminal=True, file=io.StringIO(), color_system=None)
    with ConsoleProgress(console).task("Clips of a[b].csv", lambda line: None) as advance:
        advance(1, 1)
    assert "Clips of a[b].csv" in console.file.getvalue()


def test_the_calls_print_through_the_console_that_knows_no_markup():
    for path in Path(cli.__file__).parent.glob("*.py"):
        if path.name != "console.py":
            assert not re.search(r"(?<!\w)Console\(", path.read_text()), path


def test_a_bar_says_how_many_units_a_second():
    console = Console(width=120, force_terminal=True, file=io.StringIO(), color_system=None)
    with ConsoleProgress(console).task("owl: training", lambda line: None) as advance:
        for done in (0, 1, 2, 3):
            advance(done, 3)
    shown = console.file.getvalue()
    assert re.search(r"owl: training\s+━* *3/3 \S+/s 0:00:0", shown)


def test_a_sign_that_the_encoding_of_the_output_lacks_is_escaped(tmp_path):
    code = "from audio_assets.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "settings"],
        # As on Windows, whose pipes and files have an encoding of 256 signs.
        env={**os.environ, "PYTHONIOENCODING": "cp1252", "AUDIO_ASSETS_AUDIO_ROOT": "ä−"},
        cwd=tmp_path,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert "ä\\u2212" in done.stdout.decode("cp1252")


LONG = "canis_latrans_" + "x" * 60 + "_end"


@pytest.mark.parametrize("kind", [ConsoleProgress, StepProgress])
def test_a_bar_names_its_whole_task_at_80_columns(kind):
    console = Console(width=80, force_terminal=True, file=io.StringIO(), color_system=None)
    with kind(console).task(f"{LONG}: training random_forest", lambda line: None) as advance:
        advance(1, 2)
    shown = re.sub(r"\x1b\[[^a-zA-Z]*[a-zA-Z]", "", console.file.getvalue())
    assert "…" not in shown
    words = "".join(shown.split())
    assert LONG in words and "trainingrandom_forest" in words


def test_a_step_is_one_line_whatever_the_width():
    console = Console(width=80, file=io.StringIO())
    print_step(Step(3, 12, None, f"{LONG}: check the data"), console)
    print_step(Step(4, 12, 100.0, f"{LONG}: draw"), console)
    assert console.file.getvalue().splitlines() == [
        f"step 3 of 12: {LONG}: check the data",
        f"step 4 of 12, about 2 min left: {LONG}: draw",
    ]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 s"), (40.4, "40 s"), (89, "89 s"), (100, "2 min"), (3600, "60 min"), (9000, "2.5 h")],
)
def test_a_duration_is_in_a_unit_that_fits(seconds, words):
    assert duration_words(seconds) == words


def test_a_task_within_a_step_has_no_line_of_its_own():
    console = Console(width=80, file=io.StringIO())
    with StepProgress(console).task("owl: training", lambda line: None) as advance:
        for done in range(4):
            advance(done, 3)
    assert console.file.getvalue() == ""


def test_a_table_of_status_names_its_whole_species_at_80_columns(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    standing = Standing(LONG, "random_forest", "failed", 1, 2, None, None, "")
    monkeypatch.setattr("audio_assets.cli.status.standings_of", lambda *_: [standing])
    out = call("status").out
    assert "…" not in out
    cells = [line.split("│")[1].strip() for line in out.splitlines() if line.startswith("│")]
    assert LONG == "".join(cells)
