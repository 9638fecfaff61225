"""Whether the process of a run still lives."""

import os
import subprocess
import sys
import time
from pathlib import Path

from audio_assets.instance.launcher import process_lives


def test_a_process_lives_until_it_ends():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        assert process_lives(process.pid, time.time())
        process.kill()
        # Dead and not yet waited for is dead, too.
        for _ in range(1000):
            if not process_lives(process.pid, time.time()):
                break
            time.sleep(0.01)
        assert not process_lives(process.pid, time.time())
    assert not process_lives(process.pid, time.time())


def test_a_later_process_with_the_same_id_is_another_one():
    assert process_lives(os.getpid(), time.time())
    assert not process_lives(os.getpid(), time.time() - 7 * 24 * 3600)


def test_without_a_proc_any_process_with_the_id_counts(tmp_path: Path):
    assert process_lives(os.getpid(), 0.0, proc=tmp_path / "none")
