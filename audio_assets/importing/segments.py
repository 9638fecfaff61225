"""Clips cut out of long recordings, as a table of labelled stretches of time says."""

from __future__ import annotations

import io
import os
import posixpath
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from audio_assets.importing.clips_csv import (
    add_recordings,
    read_clips_csv,
    require_agreement,
)
from audio_assets.importing.label_table import Segment, read_segments
from audio_assets.importing.layout import (
    Imported,
    ImportRefusedError,
    Refused,
    require_species,
    write_clip,
)
from audio_assets.importing.leftovers import Sources, leftover_clips
from audio_assets.tables import VARIANTS

PERCH_SECONDS = 5.0
# What WAV can hold as it is. Lossy files decode to floating point, which may exceed full scale.
_AS_THEY_ARE = {"PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE"}


class _HoldsCallError(ImportRefusedError):
    """The clips of a negative would hold a call that the table labels."""

    variants: tuple[str, ...] = tuple(VARIANTS)


class _HoldsCallAroundError(_HoldsCallError):
    """Only the 5 s around a negative would."""

    variants = ("data_5s",)


def import_segments(
    table: Path,
    root: Path,
    *,
    species: str | None = None,
    recordings: Path | None = None,
    perch: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Imported:
    """Cut the stretches that a table names out of their recordings.

    Clips keep the sample rate, the channels and, where the file is not lossy, the bits of their
    recording. A row that cannot be cut is left out with its reason, and the others are cut. Clips
    of the same recordings that the table does not make are named and stay where they are.

    A negative clip must not hold a call that the table labels. So a negative stretch that overlaps
    a positive one of the same file and species is left out; touching ends do not overlap. The 5 s
    of another are moved, still holding all of it, until no positive stretch is in them; where there
    is no such place, that clip is left out with its reason, and the clip in ``data`` is made all
    the same. What other tables label is not known. The 5 s of a positive may hold a negative
    stretch, and stay where they are.

    Parameters
    ----------
    table
        CSV with the columns file, start, end (seconds), label (pos or neg, 1 or 0) and, if wanted,
        recording (else the file is the recording, however it is spelled) and species.
    root
        Audio root that the clips are written under, with their recordings in ``clips.csv``.
    species
        Species of rows that name none.
    recordings
        Folder that the table's files are relative to; the table's own if not given.
    perch
        Also cut 5 s around the middle of every stretch into ``data_5s``, moved inwards at the ends
        of a recording and, for negatives, off the positives.
    progress
        Called with (rows done, rows in all).

    Raises
    ------
    ImportRefusedError
        If the table cannot be read, lacks a column or has no rows.
    AudioRootError
        If the root's ``clips.csv`` cannot be added to; nothing is cut then.
    """
    if species is not None:
        require_species(species)
    folder = recordings if recordings is not None else table.parent
    rows = read_segments(table, folder, species)
    written, unchanged, refused = list[str](), list[str](), list[Refused]()
    groups: dict[str, str] = {}
    segments = [segment for _, segment in rows if isinstance(segment, Segment)]
    calls = _calls(segments)
    made = {_path(segment, variant) for segment in segments for variant in VARIANTS}
    require_agreement(read_clips_csv(root), _planned(segments, perch))
    try:
        for number, (line, segment) in enumerate(rows, start=1):
            try:
                if isinstance(segment, ImportRefusedError):
                    raise segment
                beside = calls.get(_key(segment), ()) if segment.label == "neg" else ()
                _require_apart(segment, beside)
                for path, data in _cut(segment, perch, beside):
                    if path in groups:
                        raise ImportRefusedError(
                            f"{path} is cut by an earlier line too", "Drop one."
                        )
                    (written if write_clip(root, path, data) else unchanged).append(path)
                    groups[path] = segment.recording
            except ImportRefusedError as error:
                refused.append(Refused(str(table), error.what, line))
                if isinstance(error, _HoldsCallError) and isinstance(segment, Segment):
                    made.difference_update(_path(segment, variant) for variant in error.variants)
            if progress is not None:
                progress(number, len(rows))
    finally:
        # Also when interrupted: a clip without a line would count as a recording of its own.
        if groups:
            add_recordings(root, groups)
    leftover = leftover_clips(root, made, _sources(segments))
    return Imported(tuple(written), tuple(unchanged), tuple(refused), leftover)


def _planned(segments: Sequence[Segment], perch: bool) -> dict[str, str]:
    """Recording by path of the clips that are cut if nothing is in the way."""
    planned = dict[str, str]()
    for segment in segments:
        for variant in VARIANTS if perch else ("data",):
            planned.setdefault(_path(segment, variant), segment.recording)
    return planned


def _sources(segments: Sequence[Segment]) -> dict[str, Sources]:
    by_species = defaultdict(list)
    for segment in segments:
        by_species[segment.species].append(segment)
    return {
        species: Sources(
            # The name by the spelling is that of clips which were cut before spellings were one.
            {_source(name) for s in its for name in (s.file.name, s.file.spelling)},
            {s.recording for s in its},
        )
        for species, its in by_species.items()
    }


def _calls(segments: Sequence[Segment]) -> dict[tuple[str, str], list[Segment]]:
    """Positive stretches by species and file."""
    calls = defaultdict(list)
    for segment in segments:
        if segment.label == "pos":
            calls[_key(segment)].append(segment)
    return calls


def _key(segment: Segment) -> tuple[str, str]:
    return segment.species, segment.file.name


def _require_apart(negative: Segment, calls: Sequence[Segment]) -> None:
    held = [call for call in calls if negative.start < call.end and call.start < negative.end]
    if held:
        raise _HoldsCallError(
            f"the negative stretch {negative.start:g}-{negative.end:g} s holds a part of the "
            f"positive stretch {_named(held)}",
            "Correct the one that is wrong.",
        )


def _named(calls: Sequence[Segment]) -> str:
    return ", ".join(f"{call.start:g}-{call.end:g} s of line {call.line}" for call in calls)


def _cut(segment: Segment, perch: bool, calls: Sequence[Segment]) -> Iterator[tuple[str, bytes]]:
    """Path under the root and bytes of the clips of a segment, that in ``data`` first.

    Those in ``data_5s`` hold none of these calls, which lie before or after the segment.
    """
    import soundfile

    source = segment.file.path
    if not os.path.isfile(source):
        raise ImportRefusedError(f"there is no file {source}", "Correct the path.")
    try:
        with soundfile.SoundFile(source) as file:
            seconds = file.frames / file.samplerate
            # A table's seconds are rounded; a frame's worth past the end is no fault.
            if segment.end > seconds + 0.05:
                raise ImportRefusedError(
                    f"{source} has {seconds:.2f} s, and the stretch ends at {segment.end:g} s",
                    "Correct it.",
                )
            yield _path(segment, "data"), _wav(file, segment.start, segment.end)
            if perch:
                times = _five_seconds(segment, seconds, calls)
                yield _path(segment, "data_5s"), _wav(file, *times)
    except soundfile.SoundFileError as error:
        raise ImportRefusedError(f"{source} cannot be decoded: {error}", "Replace it.") from error


def _path(segment: Segment, variant: str) -> str:
    return f"{segment.species}/{variant}/{segment.label}/{_name(segment)}.wav"


def _five_seconds(
    segment: Segment, seconds: float, calls: Sequence[Segment]
) -> tuple[float, float]:
    """Start and end of the 5 s nearest to the middle of a stretch without any of these calls."""
    length = min(PERCH_SECONDS, seconds)
    # A short stretch stays within the 5 s, and the 5 s stay within a long one.
    ends = sorted((segment.start, segment.end - length))
    low, high = (min(max(end, 0.0), seconds - length) for end in ends)
    wanted = min(max((segment.start + segment.end - length) / 2.0, low), high)
    first = max([low, *(call.end for call in calls if call.end <= segment.start)])
    last = min([high, *(call.start - length for call in calls if call.start >= segment.end)])
    if first > last:
        held = [call for call in calls if call.start < high + length and low < call.end]
        raise _HoldsCallAroundError(
            f"5 s that hold {segment.start:g}-{segment.end:g} s would also hold a part of the "
            f"positive stretch {_named(held)}, so there is no clip in data_5s, only that in data",
            "Label a stretch that lies further from the call.",
        )
    start = min(max(wanted, first), last)
    return start, start + length


def _name(segment: Segment) -> str:
    """Name that tells file and time, and no two files or stretches share."""
    ends = "-".join(f"{time:.3f}".rstrip("0").rstrip(".") for time in (segment.start, segment.end))
    return f"{_source(segment.file.name)}_{ends}s"


def _source(name: str) -> str:
    stem, suffix = posixpath.splitext(name)
    flat = re.sub(r"[/\\]+", "__", stem.lstrip("./\\"))
    return f"{flat}.{suffix.lower().lstrip('.')}"


def _wav(file: Any, start: float, end: float) -> bytes:
    import soundfile

    first = round(start * file.samplerate)
    file.seek(first)
    samples = file.read(round(end * file.samplerate) - first, dtype="float64", always_2d=True)
    kept = file.subtype if file.subtype in _AS_THEY_ARE else "FLOAT"
    out = io.BytesIO()
    soundfile.write(out, samples, file.samplerate, format="WAV", subtype=kept)
    return out.getvalue()
