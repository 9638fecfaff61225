"""Labels drawn by lot per recording teach nothing, however a program named the clips.

Only the recording can be heard, so that an AUC above chance comes from clips of one recording in
training and test: its interval has 0.5, or a warning stands beside the number.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from scipy.signal import lfilter

from audio_assets.cli.run import unknown_recordings_warnings
from audio_assets.evaluation.doubts.unknown_recordings import CURVE_WARNING
from audio_assets.published import load_learning_curves
from audio_assets.results.parquet import read_table
from audio_assets.tables import AUDIO_INVENTORY, LEAK_CHECK
from audio_assets_tests.place import Place, new_place

pytestmark = pytest.mark.slow

RECORDINGS, CLIPS = 24, 4
# Of recording r, number k, start a and end b in seconds, and confidence c.
STYLES = {
    "birdnet": "{c:.3f}_{k}_{r}_{a:.1f}s_{b:.1f}s",
    "birdnetlib": "{r}_{a:.0f}s-{b:.0f}s",
    "opensoundscape": "{r}_{a:.1f}s_{b:.1f}s",
    "kaleidoscope": "{r}_{k:03d}",
    "arbimon": "{s}_t202405{d}T{h}0{k}00000Z.202405{d}T{h}0{k}03000Z_fwav",
    "esc50": "1-{n}-{l}-0",
    "general": "{r}_{a:.0f}_{b:.0f}",
}
UNKNOWN = {"counted": "rec{n} take {k}", "by_time": "{m}0{k}00"}
Sounds = Callable[[int], list[np.ndarray]]


def write(root: Path, sounds: Sounds, rate: int) -> None:
    """One species per way to name clips, with the same sounds and labels."""
    rng = np.random.default_rng(4)
    labels = rng.permutation(["pos", "neg"] * (RECORDINGS // 2))
    for number in range(RECORDINGS):
        day, hour = f"{10 + number % 12}", f"{4 + number // 12:02d}"
        for k, samples in enumerate(sounds(number)):
            start = 3.0 * int(rng.integers(0, 900))
            parts = {
                "r": f"SMM{number % 3:02d}_202405{day}_{hour}0000",
                "m": f"SMM{number % 3:02d}_202405{day}_{hour}",
                "s": f"Rq48bGCkR0N{number % 3}",
                "n": 100032 + 17 * number,
                "l": "ABCDEFGH"[k],
                "d": day,
                "h": hour,
                "k": k,
                "a": start,
                "b": start + 3.0,
                "c": rng.uniform(0.5, 1),
            }
            for species, style in {**STYLES, **UNKNOWN}.items():
                path = (
                    root / species / "data" / str(labels[number]) / f"{style.format(**parts)}.wav"
                )
                path.parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(path, samples, rate)


def check(place: Place, models: tuple[str, ...]) -> None:
    species = [*STYLES, *UNKNOWN]
    changes = {"models": models, "training_sizes": (4, 16), "repeats": 5, "folds": 5}
    assert place.run(*species, **changes).failures == {}
    curves = load_learning_curves(place.results.root)
    auc = curves[(curves["metric"] == "roc_auc") & (curves["training_size"] > 0)]
    last = auc.sort_values("training_size").groupby(["species", "model"]).last()
    assert len(last) == len(species) * len(models)
    by_lot = (last["ci_low"] <= 0.5) & (last["ci_high"] >= 0.5)
    warned = last["ci_status"].str.contains(CURVE_WARNING)
    told = by_lot.groupby("species").all()
    assert told[list(STYLES)].all(), last
    assert warned.groupby("species").all()[list(UNKNOWN)].all()
    assert not warned.groupby("species").any()[list(STYLES)].any()
    # The doubt is real: without a word, these would be numbers that look right.
    assert not by_lot.groupby("species").all()[list(UNKNOWN)].any()
    for name in STYLES:
        path = place.results.table("audio_inventory", name)
        assert read_table(path, AUDIO_INVENTORY)["recording_id"].nunique() == RECORDINGS
    said = unknown_recordings_warnings(place.plan(**changes).settings, species)
    assert set(said) == set(UNKNOWN) and "AUDIO_ASSETS_RECORDING_PATTERNS='" in said["counted"]
    assert f"would assign them to {RECORDINGS} recordings" in said["counted"]
    report = place.results.report.read_text()
    assert report.count("Warning: Nothing says which clips come from the same recording") == len(
        UNKNOWN
    )
    assert "nothing to leak" not in report
    for name in UNKNOWN:
        leaks = read_table(place.results.table("leak_check", models[0], name), LEAK_CHECK)
        assert leaks["status"].str.startswith("nothing tells which clips belong together").all()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with new_place(tmp_path) as made:
        yield made


def test_a_hum_of_each_recording_is_not_taken_for_a_species(place: Place) -> None:
    rate = 16000

    def sounds(number: int) -> list[np.ndarray]:
        rng = np.random.default_rng(number)
        hum, tilt = rng.uniform(300, 5000), rng.uniform(0.2, 0.95)
        time = np.arange(rate) / rate
        noises = rng.normal(size=(CLIPS, len(time)))
        return [
            0.02 * lfilter([1], [1, -tilt], noise) + 0.03 * np.sin(2 * np.pi * hum * time)
            for noise in noises
        ]

    write(place.audio, sounds, rate)
    check(place, ("svm",))


def test_real_recordings_are_not_taken_for_a_species(place: Place, real_audio: Path) -> None:
    clips = pd.read_csv(real_audio / "clips.csv")
    clips = clips[clips["duration_s"] >= 4.9].drop_duplicates("group").sort_values("group")
    chosen = np.random.default_rng(1).permutation(clips["file"].to_numpy())

    def sounds(number: int) -> list[np.ndarray]:
        samples, rate = soundfile.read(real_audio / loud[number])
        assert rate == 44100
        return np.array_split(samples[: 5 * rate], CLIPS)

    loud = [file for file in chosen if _is_loud_throughout(real_audio / file)][:RECORDINGS]
    assert len(loud) == RECORDINGS
    write(place.audio, sounds, 44100)
    check(place, ("birdnet", "svm"))


def _is_loud_throughout(path: Path) -> bool:
    """ESC-50 pads short sounds with digital silence, which is no clip."""
    samples, rate = soundfile.read(path)
    pieces = np.array_split(samples[: 5 * rate], CLIPS)
    return rate == 44100 and samples.ndim == 1 and min(piece.std() for piece in pieces) > 1e-4
