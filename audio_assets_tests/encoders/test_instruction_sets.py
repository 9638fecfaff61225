"""Encoders keep their promises on other kinds of processors, as far as this one can play them.

On one kind, a window gives the same bits however it is embedded; between two kinds, embeddings
differ by their last bits. The libraries choose their kernels when they are loaded, so each kind is
a process of its own. XNNPACK, which runs BirdNET's convolutions, lets nobody choose.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from audio_assets import evaluate
from audio_assets.encoders.promises import PROCESSOR_TOLERANCE
from audio_assets.evaluation.splits.plan import make_split_plan
from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.encoders.test_every_encoder import ENCODERS, ON_TENSORFLOW, SLOW
from audio_assets_tests.evaluation.conftest import simulate

ROOT = Path(__file__).parents[2]
RULES = (
    "test_a_windows_result_does_not_depend_on_its_neighbours_or_their_number",
    "test_a_windows_result_does_not_depend_on_where_it_lies_in_memory",
    "test_windows_embedded_one_by_one_by_several_threads_give_the_same_bits",
)
# What they may use; TensorFlow itself turns oneDNN off on processors that lack AVX-512.
KINDS = {
    "this one without oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "0"},
    "AVX2": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "AVX2",
        "OPENBLAS_CORETYPE": "Haswell",
        "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    },
    "AVX2 with oneDNN": {"TF_ENABLE_ONEDNN_OPTS": "1", "ONEDNN_MAX_CPU_ISA": "AVX2"},
    "AVX": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "AVX",
        "OPENBLAS_CORETYPE": "Sandybridge",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
    "SSE4.1": {
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "ONEDNN_MAX_CPU_ISA": "SSE41",
        "OPENBLAS_CORETYPE": "Nehalem",
        "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4 AVX512_ICL AVX512_SPR",
    },
}
# Writes what the encoders of argv[3:] make of the windows of the other tests to argv[2], as .npz,
# with weights from argv[1].
EMBED = """
import sys
import numpy as np
import pytest
from audio_assets.models.registry import load_encoder
from audio_assets.weights.places import WeightPlaces
from audio_assets_tests.encoders.test_every_encoder import ON_TENSORFLOW, windows
from audio_assets_tests.weights.stand_ins import without_digests

found = {}
with pytest.MonkeyPatch.context() as patch:
    for name in sys.argv[3:]:
        if name in ON_TENSORFLOW:
            without_digests(name, patch)
        encoder = load_encoder(name, WeightPlaces(sys.argv[1]))
        encoded = encoder.encode(windows(encoder))
        found[name] = encoded.embeddings
        if encoded.class_scores is not None:
            found[name + ", class scores"] = encoded.class_scores
np.savez(sys.argv[2], **found)
"""


def run_as(kind: str, *arguments: str) -> None:
    """Run Python as if on a processor of a kind; on this one as it is, if it is none of them."""
    run = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **KINDS.get(kind, {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-4000:]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_window_gives_the_same_bits_however_it_is_embedded(kind: str) -> None:
    file = "audio_assets_tests/encoders/test_every_encoder.py"
    tests = [f"{file}::{rule}[{name}]" for rule in RULES for name in ENCODERS if name not in SLOW]
    if kind == "AVX2":
        # The large backbones take long, so the rule that their batches broke, where they did.
        tests += [f"{file}::{RULES[0]}[{name}]" for name in SLOW]
    run_as(kind, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *tests)


@pytest.fixture(scope="module")
def embed(
    tmp_path_factory: pytest.TempPathFactory, stand_ins: Callable[..., WeightPlaces]
) -> Callable[[str], dict[str, np.ndarray]]:
    """What each encoder makes, on a kind, of the windows of the other tests."""
    root = str(stand_ins(*ON_TENSORFLOW).root)

    def embedded(kind: str) -> dict[str, np.ndarray]:
        file = tmp_path_factory.mktemp("embedded") / "found.npz"
        run_as(kind, "-c", EMBED, root, str(file), *ENCODERS)
        return dict(np.load(file))

    return embedded


@pytest.mark.slow
def test_kinds_of_processors_differ_within_the_tolerance(
    embed: Callable[[str], dict[str, np.ndarray]],
) -> None:
    here = embed("this one")
    assert len(here) > len(ENCODERS)
    differ = set()
    for kind in ("AVX2", "SSE4.1"):
        for name, there in embed(kind).items():
            expected = here[name].astype(np.float64)
            distance = np.linalg.norm(there - expected, axis=1)
            length = np.linalg.norm(expected, axis=1)
            assert (distance <= PROCESSOR_TOLERANCE * length).all(), (kind, name)
            if distance.any():
                differ.add(name)
    # Else the variables have lost their meaning, and nothing was tested.
    assert {"mobilenet", "vgg", "resnet"} <= differ


@pytest.mark.parametrize("seed", range(3))
def test_an_auc_survives_the_tolerance_unchanged(seed: int) -> None:
    clips = simulate(20, 20, shift=4.0, dimension=64, seed=seed)
    rng = np.random.default_rng(seed)
    moves = rng.normal(size=clips.embeddings.shape)
    moves /= np.linalg.norm(moves, axis=1, keepdims=True)
    lengths = np.linalg.norm(clips.embeddings, axis=1, keepdims=True)
    # Of checksums of the sounds, as runs draw it.
    plan = make_split_plan(clips.labels, clips.recordings, keys=clips.keys)
    curves = [
        evaluate(embeddings, clips.labels, clips.recordings, sizes=(4, 16, 32), splits=plan)
        for embeddings in (
            clips.embeddings,
            clips.embeddings + PROCESSOR_TOLERANCE * lengths * moves,
        )
    ]
    aucs = [curve[curve["metric"] == "roc_auc"]["mean"].to_numpy() for curve in curves]
    assert ((aucs[0] > 0.6) & (aucs[0] < 0.99)).all()
    np.testing.assert_array_equal(*aucs)
