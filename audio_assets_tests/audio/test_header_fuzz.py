import json
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets.tables import QUARANTINE_REASONS

SEED = 14_000
ROOT = Path(__file__).parents[2]
# The interpreter with its libraries takes some 150 MB.
MOST_MEGABYTES = 450


@pytest.mark.parametrize("cases", [200, pytest.param(2_500, marks=pytest.mark.slow)])
def test_audio_behind_a_changed_header_is_used_whole_or_refused(cases: int) -> None:
    command = [sys.executable, "-W", "error", "-m", "audio_assets_tests.audio.fuzz_headers"]
    done = subprocess.run(
        [*command, str(cases), str(SEED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout)
    outcomes = found["outcomes"]
    print(outcomes, found["slowest"], found["peak_mb"])
    assert not found["wrong"], "\n".join([f"{len(found['wrong'])} of {cases}:", *found["wrong"]])
    assert set(outcomes) == {"WAV", "FLAC", "OGG", "MP3", "SIZED"}
    for kind, counts in outcomes.items():
        assert sum(counts.values()) == cases / 5
        assert set(counts) <= {"used", *QUARANTINE_REASONS}
        # The changes are neither all fatal nor all harmless, or the test would show little.
        assert 0.15 < counts["used"] / (cases / 5) < 0.95, f"{kind}: {counts}"
    assert found["slowest"][0] < 5
    assert found["peak_mb"] < MOST_MEGABYTES
