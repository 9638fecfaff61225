import json
import subprocess
import sys
from pathlib import Path

import pytest

from audio_assets.tables import QUARANTINE_REASONS

CASES = 2_400
SEED = 20_241


@pytest.mark.slow
def test_damaged_clips_decode_to_samples_or_to_a_reason_and_never_crash_or_hang(
    real_audio: Path,
) -> None:
    script = Path(__file__).with_name("fuzz_decode.py")
    done = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(real_audio), str(CASES), str(SEED)],
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout)
    print(found)
    outcomes = found["outcomes"]
    assert sum(outcomes.values()) == CASES >= 2_000
    assert set(outcomes) <= {"used", *QUARANTINE_REASONS}
    # The damage is neither all fatal nor all harmless, or the test would show little.
    assert {"used", "undecodable", "not_audio"} <= set(outcomes)
    assert len(found["kinds"]) == 6
