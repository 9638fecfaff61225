"""The demo says what it takes before it starts; a whole demo keeps to it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets.cli.demo_cost import DEMO_MEGABYTES, DEMO_MINUTES
from audio_assets_tests.cli.conftest import Call


def test_a_disk_that_is_too_small_is_two_lines_before_anything_is_written(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = (DEMO_MEGABYTES - 1) * 10**6
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, free))
    called = call("demo", "--results", "shown")
    what, remedy = called.err.strip().splitlines()
    assert called.code == 1
    assert f"needs {DEMO_MEGABYTES} MB" in what and "--results" in remedy
    assert not (tmp_path / "shown").exists()


@pytest.mark.slow
@pytest.mark.posix
def test_a_whole_demo_keeps_to_what_it_said_and_a_run_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_HOME", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    results = tmp_path / "demo-results"
    lines = run_command("demo")
    assert lines[0].endswith(
        f"about {DEMO_MINUTES} min on two cores and {DEMO_MEGABYTES} MB of disk in demo-results."
    )
    # Blocks, which small files fill in part only.
    used = sum(path.lstat().st_blocks * 512 for path in results.rglob("*")) / 1e6
    # Not below what was used, and not far above it.
    assert 0.75 * DEMO_MEGABYTES < used <= DEMO_MEGABYTES
    steps = [re.match(r"step (\d+) of (\d+)[:,]", line) for line in lines]
    numbers = [tuple(map(int, step.groups())) for step in steps if step]
    assert numbers == [(number, len(numbers)) for number in range(1, len(numbers) + 1)]
    # Between them are only the lines of steps that take minutes, as on a busy machine.
    places = [place for place, step in enumerate(steps) if step]
    between = [lines[place] for place in range(places[0], places[-1]) if place not in places]
    assert not [line for line in between if not re.search(r": (at work|\d+ of \d+)", line)]
    assert "TensorFlow Lite" in (results / ".dagster/logs/libraries.log").read_text()

    monkeypatch.setenv("AUDIO_ASSETS_AUDIO_ROOT", str(results / "synthetic-audio"))
    monkeypatch.setenv("AUDIO_ASSETS_RESULTS_ROOT", str(results))
    again = run_command("run")
    assert "Everything is fresh; nothing was run." in again
    answers = lines.index(next(line for line in lines if line.startswith("Clips needed")))
    assert again[-len(lines[answers:]) :] == lines[answers:]


def run_command(call: str) -> list[str]:
    """The lines of standard output and standard error of a call that succeeds."""
    code = "from audio_assets.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, call],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.splitlines()
