"""The instance that commands open; real processes, a real home."""

import subprocess
import sys
from pathlib import Path

import pytest

_OPEN = """
import sys
from audio_assets.cli.instance import local_instance
print("ready", flush=True)
sys.stdin.readline()
with local_instance("results") as instance:
    print(instance.get_runs(limit=1), instance.get_dynamic_partitions("species"))
"""


@pytest.mark.slow
def test_commands_that_meet_in_a_new_home_all_get_the_instance(tmp_path: Path) -> None:
    (tmp_path / "dagster.yaml").write_text("")
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", _OPEN],
            env={"DAGSTER_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        output, errors = process.communicate(timeout=120)
        assert (process.returncode, output) == (0, "[] []\n"), errors
