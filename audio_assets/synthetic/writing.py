"""Write the demo audio in the layout of users' clips."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audio_assets.errors import AudioRootError
from audio_assets.synthetic.encoding import encode
from audio_assets.synthetic.plan import FIXED_SECONDS, SPECIES, Entry, Recording, draw_entries
from audio_assets.synthetic.scenes import middle, scene
from audio_assets.synthetic.signals import RATE
from audio_assets.tables.task import PRESENCE

NOTICE_FILE = "NOTICE.txt"
NOTICE = (
    "The audio in this folder is synthetic, made by audio-assets to show the pipeline, and no "
    "result obtained from it says anything about real animals or people.\n"
)


@dataclass(frozen=True)
class DemoSummary:
    """Summary of the written audio.

    Attributes
    ----------
    root
        Folder of the species folders.
    species
        Species written.
    clips
        Files under data, over all species and both labels; data_5s holds as many.
    recordings
        Recordings per class by species, in the order of ``species``.
    size
        Bytes of audio.
    """

    root: Path
    species: tuple[str, ...]
    clips: int
    recordings: tuple[int, ...]
    size: int


def write_demo_audio(
    root: Path,
    *,
    seed: int = 0,
    species: Sequence[str] = SPECIES,
    recordings_per_class: int | None = None,
    workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> DemoSummary:
    """Write synthetic clips as `{root}/{species}/{data,data_5s}/{pos,neg}/*`.

    The same arguments yield the same bytes on one machine, so writing twice into one folder changes
    nothing.

    Parameters
    ----------
    root
        Folder to write to; created if missing.
    seed
        Base seed, not negative.
    species
        Some of :data:`audio_assets.synthetic.plan.SPECIES`.
    recordings_per_class
        Recordings of each label; by default 26 to 28, as the species has it. A recording has 1 to 5
        clips.
    workers
        Processes that make clips; the bytes do not depend on their number.
    progress
        Called with the number of clips done and in total.

    Raises
    ------
    ValueError
        If a species is unknown or named twice, or a number is out of range.
    AudioRootError
        If a target folder contains other files, which would be mixed with synthetic ones.
    """
    unknown = [name for name in species if name not in SPECIES]
    if unknown or len(set(species)) != len(species) or not species:
        raise ValueError(f"species {list(species)} is not a choice from {list(SPECIES)}")
    if seed < 0:
        raise ValueError(f"seed is {seed}, it cannot be negative")
    if recordings_per_class is not None and recordings_per_class < 1:
        raise ValueError(f"recordings_per_class is {recordings_per_class}, it must be at least 1")
    entries = tuple(draw_entries(seed, tuple(species), recordings_per_class))
    _refuse_other_files(root, entries)
    total = sum(entry.recording.slot.clips for entry in entries)
    done = size = 0
    root.mkdir(parents=True, exist_ok=True)
    (root / NOTICE_FILE).write_text(NOTICE, encoding="utf-8")
    clips = [
        (root, recording, clip, places)
        for recording, places in _by_recording(entries).items()
        for clip in range(recording.slot.clips)
    ]
    for (_, _, _, places), written in zip(clips, _written(clips, workers), strict=True):
        size += written
        done += len(places)
        if progress is not None:
            progress(done, total)
    counts = tuple(
        sum(entry.folder == name and PRESENCE.is_positive(entry.label) for entry in entries)
        for name in species
    )
    return DemoSummary(root, tuple(species), total, counts, size)


def _written(clips: list[tuple[Path, Recording, int, list[Entry]]], workers: int) -> Iterator[int]:
    """Yield the bytes written for each clip, in order."""
    if workers == 1:
        yield from (_write_clip(*clip) for clip in clips)
        return
    from joblib import Parallel, delayed

    pool = Parallel(n_jobs=workers, return_as="generator", batch_size=8)
    yield from pool(delayed(_write_clip)(*clip) for clip in clips)


def _by_recording(entries: tuple[Entry, ...]) -> dict[Recording, list[Entry]]:
    """Group the entries by recording, so that each is made once and its copies are equal."""
    places: dict[Recording, list[Entry]] = {}
    for entry in entries:
        places.setdefault(entry.recording, []).append(entry)
    return places


def _write_clip(root: Path, recording: Recording, clip: int, places: list[Entry]) -> int:
    """Write one clip in both variants to all its places; return the bytes written."""
    slot = recording.slot
    sound = _at_file_rate(recording, clip)
    size = 0
    for variant, seconds in _variants(recording):
        content = encode(middle(sound, seconds, slot.rate), slot.rate, slot.extension)
        for entry in places:
            path = _path(root, entry, variant, clip, seconds)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            size += len(content)
    return size


def _variants(recording: Recording) -> tuple[tuple[str, int], ...]:
    """Return the folders of a clip, with its seconds in each."""
    return (("data", recording.slot.seconds), ("data_5s", FIXED_SECONDS))


def _path(root: Path, entry: Entry, variant: str, clip: int, seconds: int) -> Path:
    return root / entry.folder / variant / entry.label / entry.clip_name(clip, seconds)


def _refuse_other_files(root: Path, entries: tuple[Entry, ...]) -> None:
    expected = {
        _path(root, entry, variant, clip, seconds)
        for entry in entries
        for clip in range(entry.recording.slot.clips)
        for variant, seconds in _variants(entry.recording)
    }
    folders = {path.parent for path in expected}
    for folder in sorted(folders):
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            if path not in expected:
                raise AudioRootError(
                    f"{path} is not part of this synthetic audio",
                    "Write it to an empty folder, or delete the files of earlier runs there.",
                )


def _at_file_rate(recording: Recording, clip: int) -> NDArray[np.float64]:
    """Return the scene of a clip at the rate of its file, float64[samples, channels]."""
    import soxr

    slot = recording.slot
    sound = soxr.resample(scene(recording, clip), RATE, slot.rate)
    if slot.channels == 1:
        return np.asarray(sound)[:, None]
    # Two microphones 3 dB apart: their average is the scene again, a little fainter.
    return np.column_stack([sound, 0.7 * sound])
