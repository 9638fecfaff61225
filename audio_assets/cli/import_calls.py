"""The calls ``audio-assets import ...`` and their options; the work is done elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from audio_assets.cli.options import QuietOption

import_app = typer.Typer(
    help="Bring labelled audio from other layouts into an audio root.", no_args_is_help=True
)
ToOption = Annotated[
    Path, typer.Option("--to", help="Audio root that receives {species}/data/{pos,neg}.")
]


SegmentSpeciesOption = Annotated[
    Optional[str], typer.Option("--species", "-s", help="Species of rows without one.")
]
RecordingOption = Annotated[
    Optional[Path],
    typer.Option("--recording", help="The recording, if the table names none."),
]
RecordingsOption = Annotated[
    Optional[Path],
    typer.Option(
        "--recordings",
        help="Folder that the table's files are relative to; by default the table's own. "
        "Recordings are identified by their paths below it.",
    ),
]
PositiveOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--positive",
        metavar="COLUMN=VALUE",
        help="Rows with this value are positive, for example Annotation=coyote; repeatable.",
    ),
]
OthersOption = Annotated[
    str,
    typer.Option(
        "--others",
        help="With --positive, what the other labelled rows are: skip (left out) or neg. Rows "
        "whose column is empty are always left out.",
    ),
]
NegativesOption = Annotated[
    int,
    typer.Option(
        "--negatives",
        min=0,
        help="Also cut this many negatives per species from stretches without a label, with "
        "durations like the positives'. Use it only if everything in the recordings was labelled.",
    ),
]
PerchOption = Annotated[
    bool, typer.Option("--perch", help="Also cut 5 s around each middle into data_5s.")
]
ContextOption = Annotated[
    Optional[float],
    typer.Option(
        "--context",
        metavar="SECONDS",
        help="Pad shorter segments to this length with audio of their recording: around "
        "their middle, within the recording, and for negatives without touching positives.",
    ),
]
_TABLES = {
    "csv": (
        "CSV with the columns file, start, end (seconds), label (pos or neg) and, optionally, "
        "recording and species.",
        "csv labels.csv --to my-clips --species coyote --perch",
    ),
    "raven": (
        "Selection table of Raven; several views of a selection count once.",
        "raven day1.selections.txt --to my-clips -s coyote --positive Annotation=coyote",
    ),
    "audacity": (
        "Labels exported by Audacity; name their recording with --recording.",
        "audacity labels.txt --to my-clips -s coyote --recording day1.wav --positive Label=coyote",
    ),
    "kaleidoscope": (
        "CSV of Kaleidoscope (id.csv, cluster.csv); MANUAL ID is the label.",
        "kaleidoscope cluster.csv --to my-clips -s coyote --positive 'MANUAL ID=coyote'",
    ),
    "birdnet": (
        "Result table of BirdNET-Analyzer: CSV, selection table or Kaleidoscope CSV. These are "
        "predictions: review them first.",
        "birdnet results.csv --to my-clips -s coyote --positive 'Common name=Coyote'",
    ),
}


def _add_table_import(kind: str) -> None:
    """Add the call that imports a kind of table."""
    about, example = _TABLES[kind]

    def import_table(
        table: Path,
        to: ToOption,
        species: SegmentSpeciesOption = None,
        recording: RecordingOption = None,
        recordings: RecordingsOption = None,
        positive: PositiveOption = None,
        others: OthersOption = "skip",
        negatives: NegativesOption = 0,
        perch: PerchOption = False,
        context: ContextOption = None,
        quiet: QuietOption = False,
    ) -> None:
        from audio_assets.cli.imports import run_import_table
        from audio_assets.importing.label_meaning import OTHERS

        if others not in OTHERS:
            raise typer.BadParameter("must be skip or neg", param_hint="--others")
        if others != OTHERS[0] and not positive:
            raise typer.BadParameter("needs --positive", param_hint="--others")
        if species is None and kind != "csv":
            raise typer.BadParameter("is required", param_hint="--species")
        code = run_import_table(
            table,
            to,
            kind,
            species=species,
            recording=recording,
            recordings=recordings,
            positive=positive or (),
            others=others,
            negatives=negatives,
            perch=perch,
            context=context,
            quiet=quiet,
        )
        raise typer.Exit(code)

    # As an annotation of the function, it would be evaluated where `about` is unknown.
    import_table.__annotations__["table"] = Annotated[Path, typer.Argument(help=about)]
    import_table.__doc__ = f"""Cut labelled segments of recordings. Exit 1 if a row was left out.

    Segments that no run would use, such as calls shorter than MIN_SECONDS, are left
    out with the reason; --context pads them into clips.

    Existing clips of the table's recordings that the table does not produce are listed, and
    do not change the exit code.

    If recorders name their files alike and each has its own table, give paths below one common
    folder (--recordings) or, in a CSV whose segments do not coincide, a column recording.

    Example: audio-assets import {example}
    """
    import_app.command(kind)(import_table)


for _kind in _TABLES:
    _add_table_import(_kind)


@import_app.command("esc50")
def import_esc50(
    folder: Annotated[Path, typer.Argument(help="ESC-50, unpacked: holds meta and audio.")],
    to: ToOption,
    category: Annotated[
        Optional[list[str]],
        typer.Option("--category", "-c", help="Only this category; repeatable."),
    ] = None,
    group_by: Annotated[
        str, typer.Option(help="Unit that counts as one recording: fold or source.")
    ] = "fold",
    negatives: Annotated[
        int, typer.Option(min=1, help="Negative clips per other category and fold.")
    ] = 1,
    quiet: QuietOption = False,
) -> None:
    """Copy categories of ESC-50, each as a species. Exit 1 if a file was left out.

    Example: audio-assets import esc50 ESC-50-master --to my-clips --category dog
    """
    from audio_assets.cli.imports import run_import_esc50

    if group_by not in ("fold", "source"):
        raise typer.BadParameter("must be fold or source", param_hint="--group-by")
    code = run_import_esc50(
        folder,
        to,
        categories=category or (),
        group_by=group_by,
        negatives=negatives,
        quiet=quiet,
    )
    raise typer.Exit(code)
