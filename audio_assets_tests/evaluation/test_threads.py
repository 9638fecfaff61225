import hashlib
import os
import subprocess
import sys

import pytest

# 80 clips a class leave 128 to train on: there, the factorisation is shared among threads.
PROGRAM = """
import sys
if "scipy first" in sys.argv:
    import scipy.linalg
import numpy as np
from audio_assets.evaluation.scores.grid import score_folds
from audio_assets.evaluation.splits.plan import make_split_plan
rng = np.random.default_rng(0)
labels = np.repeat([0, 1], 80)
recordings = np.arange(160).astype(str)
clips = rng.normal(size=(160, 300)) + 0.1 * labels[:, None]
plan = make_split_plan(labels, recordings, keys=recordings.tolist(), repeats=1)
scores = score_folds(clips, labels, recordings, plan, sizes=(64,), head="logistic")
sys.stdout.buffer.write(scores.predictions["score"].to_numpy().tobytes())
"""


def digest(*arguments: str, threads: str | None) -> str:
    given = {} if threads is None else {"OMP_NUM_THREADS": threads}
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**inherited, **given},
        capture_output=True,
        check=True,
    )
    assert done.stdout
    return hashlib.sha256(done.stdout).hexdigest()


@pytest.mark.parametrize("threads", [None, "2"])
@pytest.mark.parametrize("arguments", [(), ("scipy first",)])
def test_scores_have_the_same_bits_whatever_was_imported_and_however_many_threads(
    arguments, threads
):
    assert digest(*arguments, threads=threads) == digest(threads="1")
