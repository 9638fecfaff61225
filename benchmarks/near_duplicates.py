"""How alike altered copies of a clip are, and how alike different clips: the duplicate threshold.

    python benchmarks/near_duplicates.py [AUDIO] [ENCODER]

AUDIO is a folder of labelled clips with recordings (``clips.csv``); synthetic audio is looked at in
any case. Every clip is altered in each of the ways below, written to a file, and embedded like any
other. What counts is the cosine of an altered copy to its original, against the cosines of clips of
different recordings of a species.
"""

import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from upath import UPath

from audio_assets.audio.decode import DurationLimits
from audio_assets.catalog.listing import list_species
from audio_assets.embeddings.stream import Clip, embed_clips
from audio_assets.models.registry import load_encoder
from audio_assets.pipeline.partitions import build_partitions
from audio_assets.pipeline.plan import AssetPlan
from audio_assets.pipeline.probes import take_inventory
from audio_assets.settings import load_settings
from audio_assets.synthetic import write_demo_audio

Sound = NDArray[np.float64]

THRESHOLDS = (0.93, 0.95, 0.96, 0.97, 0.98, 0.99)
LIMITS = DurationLimits(0.5, 600.0)


@dataclass(frozen=True)
class Copy:
    """A clip as a file: samples float64[n, channels], Hz, format and subtype of the file."""

    sound: Sound
    rate: int
    container: str = "WAV"
    subtype: str = "FLOAT"

    def encoded(self) -> bytes:
        file = io.BytesIO()
        sound = self.sound if self.subtype == "FLOAT" else np.clip(self.sound, -1, 1)
        soundfile.write(file, sound, self.rate, format=self.container, subtype=self.subtype)
        return file.getvalue()


def resampled(sound: Sound, rate: int, new: int) -> Sound:
    return np.asarray(soxr.resample(sound, rate, new, quality="HQ"))


def dithered(sound: Sound, _: int) -> Sound:
    # Triangular, two steps of 16 bits wide, as an audio editor writes it.
    rng = np.random.default_rng(0)
    return sound + (rng.random(sound.shape) - rng.random(sound.shape)) / 2**15


def later(seconds: float) -> Callable[[Sound, int], Sound]:
    """What a cut of the same length that begins later would hold, as far as the clip goes."""
    return lambda sound, rate: sound[round(seconds * rate) :]


def shares(start: float, end: float) -> Callable[[Sound, int], Sound]:
    return lambda sound, _: sound[round(start * len(sound)) : round(end * len(sound))]


ALTERATIONS: dict[str, Callable[[Sound, int], Copy]] = {
    "FLAC, 16 bit": lambda s, r: Copy(s, r, "FLAC", "PCM_16"),
    "WAV, 16 bit, dithered": lambda s, r: Copy(dithered(s, r), r, "WAV", "PCM_16"),
    "OGG Vorbis": lambda s, r: Copy(s, r, "OGG", "VORBIS"),
    "MP3": lambda s, r: Copy(s, r, "MP3", "MPEG_LAYER_III"),
    "resampled to 48 kHz": lambda s, r: Copy(resampled(s, r, 48_000), 48_000),
    "resampled to 22.05 kHz": lambda s, r: Copy(resampled(s, r, 22_050), 22_050),
    "gain -6 dB": lambda s, r: Copy(s / 2, r),
    "gain -20 dB": lambda s, r: Copy(s / 10, r),
    "begins 50 ms later": lambda s, r: Copy(later(0.05)(s, r), r),
    "begins 500 ms later": lambda s, r: Copy(later(0.5)(s, r), r),
    "last 10 % cut off": lambda s, r: Copy(shares(0, 0.9)(s, r), r),
    "first 10 % cut off": lambda s, r: Copy(shares(0.1, 1)(s, r), r),
    "22.05 kHz, -6 dB, MP3": lambda s, r: Copy(
        resampled(s, r, 22_050) / 2, 22_050, "MP3", "MPEG_LAYER_III"
    ),
}


@dataclass(frozen=True)
class Measured:
    """Cosines of one species: ``copies`` by alteration, float[n]; ``clips`` float[n, n]."""

    species: str
    copies: dict[str, NDArray[np.float64]]
    clips: NDArray[np.float64]
    recordings: NDArray[np.str_]

    @property
    def other(self) -> NDArray[np.bool_]:
        """Pairs of different recordings, each once."""
        return np.triu(self.recordings[:, None] != self.recordings[None, :])

    @property
    def same(self) -> NDArray[np.bool_]:
        """Pairs of different clips of one recording, each once."""
        return np.triu(self.recordings[:, None] == self.recordings[None, :], k=1)


def embed(files: dict[str, bytes], encoder: str) -> dict[str, NDArray[np.float64]]:
    """Unit embeddings by name; unusable clips are left out."""
    clips = [Clip(name, name) for name in files]
    results = embed_clips(
        clips,
        files.__getitem__,
        lambda: load_encoder(encoder),
        limits=LIMITS,
        workers=2,
        known=lambda _: False,
    )
    vectors = {r.clip_id: r.embedding.astype(float) for r in results if r.embedding is not None}
    return {name: vector / np.linalg.norm(vector) for name, vector in vectors.items()}


def measure(root: Path, encoder: str) -> Iterator[Measured]:
    settings = load_settings(audio_root=str(root))
    plan = AssetPlan(settings, build_partitions(settings))
    for species in list_species(UPath(root)).species:
        inventory, _ = take_inventory(plan.roots, plan.settings.recording_patterns, species)
        rows = inventory[(inventory["variant"] == "data") & (inventory["status"] == "ok")]
        sounds = {row.clip_id: soundfile.read(row.uri, always_2d=True) for row in rows.itertuples()}
        files = {row.clip_id: Path(row.uri).read_bytes() for row in rows.itertuples()}
        original = embed(files, encoder)
        names = list(original)
        vectors = np.stack([original[name] for name in names])
        copies = {}
        for title, alter in ALTERATIONS.items():
            altered = embed({name: alter(*sounds[name]).encoded() for name in names}, encoder)
            copies[title] = np.array([altered[n] @ original[n] for n in names if n in altered])
        recordings = rows.set_index("clip_id")["recording_id"].reindex(names)
        yield Measured(species, copies, vectors @ vectors.T, recordings.to_numpy(dtype=str))


def false_pairs_a_million(cosines: NDArray[np.float64], above: float) -> float:
    """Pairs of different recordings above a threshold among a million, extrapolated.

    A power of the distance to 1, where cosines end, fitted to the largest hundredth of them
    (Hill's estimator).
    """
    start = np.quantile(cosines, 0.99)
    power = 1 / np.log((1 - start) / (1 - cosines[cosines > start])).mean()
    return float(1e4 * min(1.0, ((1 - above) / (1 - start)) ** power))


def report(title: str, found: list[Measured]) -> None:
    """Print what a threshold finds, and what it would join falsely."""
    other = np.concatenate([m.clips[m.other] for m in found])
    same = np.concatenate([m.clips[m.same] for m in found])
    clips = sum(len(m.clips) for m in found)
    print(f"\n{title}: {clips} clips\n")
    print("| share of pairs above | " + " | ".join(f"{t:g}" for t in THRESHOLDS) + " |")
    print("|---" * (1 + len(THRESHOLDS)) + "|")
    for name in ALTERATIONS:
        cosines = np.concatenate([m.copies[name] for m in found])
        _row(f"copy: {name}", cosines)
    _row(f"other clips of the recording ({len(same)} pairs)", same)
    _row(f"clips of other recordings ({len(other)} pairs)", other)
    tail = [false_pairs_a_million(other, t) for t in THRESHOLDS]
    print(
        "| the same, a million pairs, extrapolated | " + " | ".join(f"{n:.2g}" for n in tail) + " |"
    )
    print(f"\nMost alike clips of different recordings: {other.max():.4f}")


def _row(name: str, cosines: NDArray[np.float64]) -> None:
    shares = [f"{np.mean(np.round(cosines, 6) > t):.2f}" for t in THRESHOLDS]
    print(f"| {name} | " + " | ".join(shares) + " |")


def main(audio: Path | None, encoder: str) -> None:
    if audio is not None:
        report(f"Clips under {audio}", list(measure(audio, encoder)))
    with tempfile.TemporaryDirectory() as folder:
        write_demo_audio(Path(folder), recordings_per_class=6, workers=2)
        report("Synthetic clips", list(measure(Path(folder), encoder)))


if __name__ == "__main__":
    main(
        Path(sys.argv[1]) if len(sys.argv) > 1 else None,
        sys.argv[2] if len(sys.argv) > 2 else "birdnet",
    )
