"""How alike altered copies of a clip are, and how alike different clips: the duplicate threshold.

    python benchmarks/near_duplicates.py [AUDIO] [ENCODER]

AUDIO is a folder of labelled clips with recordings (``clips.csv``); synthetic audio is always
looked at too. Every clip is altered in each of the ways below, encoded to a file, and embedded
like any other clip. What counts is the cosine of an altered copy to its original, against the
largest cosine of a clip to any clip of another recording of its species.
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

from audio_assets.assets.audio_inventory import take_inventory
from audio_assets.assets.plan import AssetPlan
from audio_assets.audio.decode import DurationLimits
from audio_assets.encoders.embed import Clip, embed_clips
from audio_assets.encoders.registry import load_encoder
from audio_assets.partitions import build_partitions
from audio_assets.settings import load_settings
from audio_assets.storage.listing import list_species
from audio_assets.synthetic import write_demo_audio

Sound = NDArray[np.float64]

THRESHOLDS = (0.95, 0.97, 0.98, 0.985, 0.99, 0.995, 0.998)
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
        inventory = take_inventory(plan, species)
        rows = inventory[(inventory["variant"] == "data") & (inventory["status"] == "ok")]
        sounds = {row.clip_id: soundfile.read(row.uri, always_2d=True) for row in rows.itertuples()}
        original = embed({row.clip_id: Path(row.uri).read_bytes() for row in rows.itertuples()},
                         encoder)  # fmt: skip
        names = list(original)
        vectors = np.stack([original[name] for name in names])
        copies = {}
        for title, alter in ALTERATIONS.items():
            altered = embed({name: alter(*sounds[name]).encoded() for name in names}, encoder)
            copies[title] = np.array([altered[n] @ original[n] for n in names if n in altered])
        recordings = rows.set_index("clip_id")["recording_id"].reindex(names)
        yield Measured(species, copies, vectors @ vectors.T, recordings.to_numpy(dtype=str))


def main(audio: Path | None, encoder: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        roots = {"synthetic": Path(folder)}
        write_demo_audio(roots["synthetic"], recordings_per_class=12, workers=2)
        if audio is not None:
            roots["given"] = audio
        found = [(name, m) for name, root in roots.items() for m in measure(root, encoder)]
    print(found)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else None,
         sys.argv[2] if len(sys.argv) > 2 else "birdnet")  # fmt: skip
