"""Declare ``audio-assets job``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from audio_assets.cli.options import JsonOption

job_app = typer.Typer(help="Launch jobs of the Dagster instance.", no_args_is_help=True)


@job_app.callback()
def _job() -> None:
    """Launch jobs of the Dagster instance."""


@job_app.command("launch")
def launch(
    job: Annotated[str, typer.Argument(help="The job, for example experiment.")],
    partition: Annotated[
        Optional[list[str]],
        typer.Argument(help="Partitions of the job, for example 'birdnet|coyote'."),
    ] = None,
    workspace: Annotated[
        Optional[Path],
        typer.Option(
            "--workspace",
            "-w",
            help="The workspace file of the daemon; by default workspace.yaml in this folder or "
            "in DAGSTER_HOME.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Queue a run of each partition for the daemon, whether or not its results are up to date.

    A name that does not exist is refused before anything is queued.

    Example: audio-assets job launch experiment 'birdnet|coyote'
    """
    from audio_assets.cli.launch import run_launch

    run_launch(job, partition or (), workspace, as_json=as_json)
