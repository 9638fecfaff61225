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


@import_app.command("csv")
def import_csv(
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV with the columns file, start, end (seconds), label (pos or neg) and, "
            "optionally, recording and species."
        ),
    ],
    to: ToOption,
    species: Annotated[
        Optional[str], typer.Option("--species", "-s", help="Species of rows without one.")
    ] = None,
    recordings: Annotated[
        Optional[Path],
        typer.Option(
            help="Folder that the table's files are relative to; by default the table's own. "
            "Recordings are identified by their paths below it."
        ),
    ] = None,
    perch: Annotated[
        bool, typer.Option("--perch", help="Also cut 5 s around each middle into data_5s.")
    ] = False,
    context: Annotated[
        Optional[float],
        typer.Option(
            metavar="SECONDS",
            help="Pad shorter segments to this length with audio of their recording: around "
            "their middle, within the recording, and for negatives without touching positives.",
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Cut labelled segments out of long recordings. Exit 1 if a row was left out.

    Segments that no run would use, such as calls shorter than MIN_SECONDS, are left
    out with the reason; --context pads them into clips.

    Existing clips of the table's recordings that the table does not produce are listed, and
    do not change the exit code.

    If recorders name their files alike and each has its own table, give paths below one common
    folder (--recordings) or, if no segments coincide, a column recording.

    Example: audio-assets import csv labels.csv --to my-clips --species coyote --perch
    """
    from audio_assets.cli.imports import run_import_csv

    raise typer.Exit(
        run_import_csv(
            table,
            to,
            species=species,
            recordings=recordings,
            perch=perch,
            context=context,
            quiet=quiet,
        )
    )


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
