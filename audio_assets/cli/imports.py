"""Implement ``audio-assets import``: bring labelled audio of other layouts into an audio root."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from audio_assets.audio.decode import DurationLimits
from audio_assets.cli.console import ConsoleProgress, QuietProgress, plain_console
from audio_assets.importing.esc50 import import_esc50
from audio_assets.importing.label_meaning import LabelRule, Selector
from audio_assets.importing.label_table import Reading
from audio_assets.importing.layout import Imported, Refused
from audio_assets.importing.segments import import_segments
from audio_assets.importing.table_formats import FORMATS
from audio_assets.progress import Advance, Progress
from audio_assets.settings import load_settings

SHOWN_LINES = 5


def run_import_table(
    table: Path,
    root: Path,
    kind: str,
    *,
    species: str | None,
    recording: Path | None,
    recordings: Path | None,
    positive: Sequence[str],
    others: str,
    negatives: int,
    perch: bool,
    context: float | None,
    quiet: bool,
) -> int:
    """Cut the segments of a table and return the exit code."""
    settings = load_settings()
    rule = LabelRule(tuple(Selector.parse(text) for text in positive), others)
    return _run(
        f"Clips of {table}",
        lambda advance: import_segments(
            table,
            root,
            species=species,
            recordings=recordings,
            perch=perch,
            context=context,
            limits=DurationLimits(settings.min_seconds, settings.max_seconds, settings.max_samples),
            progress=advance,
            reading=Reading(FORMATS[kind], rule, recording),
            negatives=negatives,
        ),
        root,
        quiet,
    )


def run_import_esc50(
    folder: Path,
    root: Path,
    *,
    categories: Sequence[str],
    group_by: str,
    negatives: int,
    quiet: bool,
) -> int:
    """Copy categories of ESC-50 and return the exit code."""
    return _run(
        f"Clips of {folder}",
        lambda advance: import_esc50(
            folder, root, categories, group_by=group_by, negatives=negatives, progress=advance
        ),
        root,
        quiet,
    )


def _run(title: str, work: Callable[[Advance], Imported], root: Path, quiet: bool) -> int:
    errors = plain_console(stderr=True)
    progress: Progress = QuietProgress() if quiet else ConsoleProgress(errors)
    with progress.task(title, lambda line: None) as advance:
        done = work(advance)
    for left in _left_out(done.refused):
        errors.print(f"Left out: {left}", highlight=False, soft_wrap=True)
    for remark in done.remarks:
        errors.print(f"Note: {remark}", highlight=False, soft_wrap=True)
    for path in done.leftover:
        errors.print(f"Not from this table: {root / path}", highlight=False, soft_wrap=True)
    if done.leftover:
        errors.print(
            "  Their recordings have the same names as this table's. Clips from another table "
            "are fine and stay; remove only those of rows that you have since corrected, or cut "
            "with another --context.",
            highlight=False,
            soft_wrap=True,
        )
    counts = f"{_clips(len(done.written))} written under {root}"
    if done.drawn:
        counts += f" ({_clips(done.drawn)} of them from stretches without a label)"
    if done.unchanged:
        counts += f", {len(done.unchanged)} already existed"
    if done.refused:
        counts += f", {len(done.refused)} left out"
    if done.skipped:
        rows = "1 row" if done.skipped == 1 else f"{done.skipped} rows"
        counts += f", {rows} with another label or none skipped"
    if done.leftover:
        counts += f", {len(done.leftover)} more not from this table"
    plain_console().print(counts, highlight=False, soft_wrap=True)
    # Two tables may describe the same recordings: clips from the other one are not an error.
    return 1 if done.refused else 0


def _left_out(refused: Sequence[Refused]) -> list[str]:
    """Describe what was left out, with one line per file and reason."""
    lines = defaultdict(list)
    for left in refused:
        lines[left.file, left.why].append(left.line)
    return [f"{file}{_lines(found)}: {why}" for (file, why), found in lines.items()]


def _lines(found: Sequence[int | None]) -> str:
    numbers = [str(line) for line in found if line is not None]
    if len(numbers) < 2:
        return "".join(f", line {line}" for line in numbers)
    more = ", ..." if len(numbers) > SHOWN_LINES else ""
    return f", {len(numbers)} lines ({', '.join(numbers[:SHOWN_LINES])}{more})"


def _clips(count: int) -> str:
    return "1 clip" if count == 1 else f"{count} clips"
