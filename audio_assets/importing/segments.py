"""Cut clips out of long recordings, as listed in a table of labelled segments."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from audio_assets.audio.decode import DurationLimits
from audio_assets.importing.clip_names import source_name
from audio_assets.importing.clips_csv import (
    add_recordings,
    read_clips_csv,
    require_agreement,
)
from audio_assets.importing.cutting import Cutting
from audio_assets.importing.drawn_negatives import draw_negatives
from audio_assets.importing.label_table import Reading, Segment, read_label_table
from audio_assets.importing.layout import (
    Imported,
    ImportRefusedError,
    Refused,
    require_species,
)
from audio_assets.importing.leftovers import Sources, leftover_clips
from audio_assets.importing.clip_times import (
    Clip,
    HoldsCallError,
    calls_by_file,
    clip_path,
    plan_clips,
    require_apart,
)
from audio_assets.tables import VARIANTS

_Rows = list[tuple[int, Segment | ImportRefusedError]]


def import_segments(
    table: Path,
    root: Path,
    *,
    species: str | None = None,
    recordings: Path | None = None,
    perch: bool = False,
    context: float | None = None,
    limits: DurationLimits | None = None,
    progress: Callable[[int, int], None] | None = None,
    reading: Reading | None = None,
    negatives: int = 0,
) -> Imported:
    """Cut the segments of a table out of their recordings.

    Clips keep the sample rate, the channels and, unless the file is lossy, the bits of their
    recording. A row that cannot be cut, or whose clip no run would use, is left out with its
    reason, and the others are cut. Clips of the same recordings that are not from the table are
    listed and stay where they are.

    Recordings are decoded to the real end of their audio, whatever their headers claim. For one
    that is cut off, the segments within the remaining audio are cut.

    A negative clip must not contain a call that the table labels. Therefore a negative segment that
    overlaps a positive one of the same file and species is left out; touching ends do not overlap.
    The 5 s window or the padding of any other negative is moved, still containing the whole
    segment, until no positive segment is in it. If there is no such position, that clip is left out
    with its reason, and the row's other clip is made all the same. Labels of other tables are
    unknown. The clip of a positive may contain a negative segment, and is not moved.

    Parameters
    ----------
    table
        CSV with the columns file, start, end (seconds), label (pos or neg, 1 or 0) and,
        optionally, recording (otherwise the file is the recording, in any spelling) and species;
        or another table that ``reading`` describes.
    root
        Audio root under which the clips are written, with their recordings in ``clips.csv``.
    species
        Species of rows without one.
    recordings
        Folder that the table's files are relative to; by default the table's own, or that of the
        recording in ``reading``.
    perch
        Also cut 5 s around the middle of every segment into ``data_5s``, moved inwards at the ends
        of a recording and, for negatives, off the positives.
    context
        Seconds that shorter segments are padded to with audio of their recording: around their
        middle, moved inwards at the ends of the recording and, for negatives, off the positives.
    limits
        Durations that runs accept; their defaults if not given.
    progress
        Called with (rows done, total rows).
    reading
        How to read the table.
    negatives
        Number of negatives per species to draw from stretches without a label, see
        :mod:`audio_assets.importing.drawn_negatives`.

    Raises
    ------
    ImportRefusedError
        If the table cannot be read, lacks a column or has no rows, or no run accepts clips of
        ``context`` seconds.
    AudioRootError
        If the root's ``clips.csv`` cannot be extended; nothing is cut then.
    """
    limits = DurationLimits() if limits is None else limits
    if species is not None:
        require_species(species)
    _require_context(context, limits)
    if recordings is None:
        beside = table if reading is None or reading.recording is None else reading.recording
        recordings = beside.parent
    read = read_label_table(table, recordings, species, reading)
    drawn = draw_negatives(read, negatives, context=context, perch=perch, limits=limits)
    rows: _Rows = [(line, row) for line, row in read.rows if row is not None]
    rows += [(segment.line, segment) for segment in drawn.segments]
    segments = [segment for _, segment in rows if isinstance(segment, Segment)]
    planned = dict[str, str]()
    for segment in segments:
        for variant in VARIANTS if perch else ("data",):
            planned.setdefault(clip_path(segment, variant, context), segment.recording)
    require_agreement(read_clips_csv(root), planned)
    done = Cutting(root, len(rows), limits=limits, context=context, progress=progress)
    clips = list[Clip]()
    try:
        clips += _clips(rows, done, perch, context)
        by_file = defaultdict(list)
        for clip in clips:
            by_file[os.path.realpath(clip.segment.file.path)].append(clip)
        for of_file in by_file.values():
            done.cut(of_file[0].segment.file.path, of_file)
    finally:
        # Also when interrupted: a clip without a line would count as a separate recording.
        if done.kept:
            add_recordings(root, {path: planned[path] for path in done.kept})
    made = {clip_path(segment, variant, context) for segment in segments for variant in VARIANTS}
    kept = [(clip.path, done.kept[clip.path]) for clip in clips if clip.path in done.kept]
    return Imported(
        tuple(path for path, is_new in kept if is_new),
        tuple(path for path, is_new in kept if not is_new),
        tuple(
            Refused(str(table), why, line if line > 0 else None)
            for line, why in [*sorted(done.refused), *((0, why) for why in drawn.refused)]
        ),
        leftover_clips(root, made - done.holding, _sources(segments)),
        (*read.remarks, *done.remarks),
        skipped=sum(row is None for _, row in read.rows),
        drawn=sum(clip.segment.is_drawn and clip.path in done.kept for clip in clips),
    )


def _require_context(context: float | None, limits: DurationLimits) -> None:
    if context is None:
        return
    if not math.isfinite(context) or limits.fault(context) is not None:
        raise ImportRefusedError(
            f"no run accepts clips of {context:g} s, the requested context",
            f"Pass --context from {limits.min_seconds:g} to {limits.max_seconds:g} (MIN_SECONDS "
            "and MAX_SECONDS).",
        )


def _clips(rows: _Rows, done: Cutting, perch: bool, context: float | None) -> list[Clip]:
    """Return the clips to cut; rows that cannot be cut are left out."""
    calls = calls_by_file([segment for _, segment in rows if isinstance(segment, Segment)])
    clips = list[Clip]()
    paths = set[str]()
    for line, segment in rows:
        try:
            if isinstance(segment, ImportRefusedError):
                raise segment
            beside = calls.get((segment.species, segment.file.name), ())
            of_row = plan_clips(segment, beside, context=context, perch=perch)
            require_apart(segment, beside)
            if of_row[0].path in paths:
                raise ImportRefusedError(
                    f"{of_row[0].path} is also cut by an earlier line", "Delete one."
                )
        except ImportRefusedError as error:
            if isinstance(error, HoldsCallError) and isinstance(segment, Segment):
                done.holding |= {clip_path(segment, variant, context) for variant in VARIANTS}
            done.refuse_row(line, error)
            continue
        clips += of_row
        paths |= {clip.path for clip in of_row}
        done.expect(of_row)
    return clips


def _sources(segments: Sequence[Segment]) -> dict[str, Sources]:
    by_species = defaultdict(list)
    for segment in segments:
        by_species[segment.species].append(segment)
    return {
        species: Sources(
            # Earlier versions named clips by the spelling of the file.
            {source_name(name) for s in of_species for name in (s.file.name, s.file.spelling)},
            {s.recording for s in of_species},
        )
        for species, of_species in by_species.items()
    }
