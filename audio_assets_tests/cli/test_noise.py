"""What libraries write from C goes to a log file, which is named if anything fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets_tests.cli.conftest import Call

NOISE = "Note: Illegal Audio-MPEG-Header"
_CHILD = """
import os, subprocess, sys
from pathlib import Path
from audio_assets.cli.noise import library_noise_to
with library_noise_to(Path("logs/libraries.log")):
    os.write(2, b"from C\\n")
    subprocess.run([sys.executable, "-c", "import os; os.write(2, b'from a worker\\\\n')"])
    print("from Python", file=sys.stderr)
os.write(2, b"after\\n")
print("Python after", file=sys.stderr)
"""


def test_the_descriptor_is_redirected_for_workers_too_and_python_is_not(tmp_path: Path) -> None:
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/libraries.log").write_text("of an earlier run")
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert done.stderr == "from Python\nafter\nPython after\n"
    assert (tmp_path / "logs/libraries.log").read_text() == "from C\nfrom a worker\n"


@pytest.mark.slow
@pytest.mark.parametrize("fails", [False, True])
def test_a_run_names_the_log_only_if_something_failed(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fails: bool
) -> None:
    from audio_assets.reporting.page import page

    def render_report(report: object) -> str:
        os.write(2, f"{NOISE}\n".encode())
        if fails:
            raise RuntimeError("the disk is on fire")
        return "<html></html>"

    monkeypatch.setattr(page, "render_report", render_report)
    called = call("run")
    log = tmp_path / "logs/libraries.log"
    assert called.code == int(fails)
    assert NOISE in log.read_text() and NOISE not in called.out + called.err
    assert (f"Messages of libraries: {log}" in called.out) == fails
    steps = [line for line in called.out.splitlines() if line.startswith("step ")]
    assert steps[0].startswith("step 1 of ") and len(steps) == int(steps[0].split()[3].rstrip(":"))
    assert called.out.index(steps[-1]) < called.out.index("asset partitions were materialized")
    assert steps == called.out.splitlines()[: len(steps)]
