"""Small labelled audio for tests of everything but the sound: tones on noise, a few recordings."""

from pathlib import Path

import numpy as np
import soundfile

RATE = 16000


def clip(seed: int, *, tone: bool, seconds: float = 1.0, level: float = 0.1) -> np.ndarray:
    """Noise, with a tone of 1 to 3 kHz on it if asked for; float64[samples]."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(RATE * seconds)) / RATE
    noise = rng.normal(scale=0.1, size=len(time))
    if not tone:
        return noise
    return noise + level * np.sin(2 * np.pi * rng.uniform(1000, 3000) * time)


def write_clip(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    """Write 16-bit WAV (or what the ending says), making the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path


def write_species(
    root: Path,
    species: str,
    *,
    recordings: int = 10,
    clips: int = 2,
    variants: tuple[str, ...] = ("data",),
    labels: tuple[str, ...] = ("pos", "neg"),
    seed: int = 0,
) -> None:
    """``recordings`` recordings a class with ``clips`` clips each, named as users name them."""
    for variant in variants:
        for label in labels:
            for recording in range(recordings):
                for letter in "abcdefgh"[:clips]:
                    name = f"{species}-{label}-t-{recording:03d}_{label}_1sec_1_{letter}.wav"
                    number = hash_number(species, label, recording, letter, seed)
                    samples = clip(number, tone=label == "pos")
                    write_clip(root / species / variant / label / name, samples)


def hash_number(*parts: object) -> int:
    """A seed from anything, the same in every process."""
    import zlib

    return zlib.crc32(repr(parts).encode())
