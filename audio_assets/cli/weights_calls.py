"""Declare ``audio-assets weights``."""

from __future__ import annotations

from typing import Annotated

import typer

from audio_assets.cli.options import JsonOption, ModelOption, QuietOption

weights_app = typer.Typer(
    help="List, fetch and verify the weights of pretrained models.",
    no_args_is_help=True,
)


@weights_app.command("list")
def weights_list(model: ModelOption = None, as_json: JsonOption = False) -> None:
    """Show each model's weights: publisher, licence, and where they were found.

    Example: audio-assets weights list --model perch
    """
    from audio_assets.cli.weights import print_weights

    print_weights(model or (), as_json=as_json)


@weights_app.command("fetch")
def weights_fetch(
    model: ModelOption = None, as_json: JsonOption = False, quiet: QuietOption = False
) -> None:
    """Fetch missing weights from their publishers, by default for all enabled models.

    They go to AUDIO_ASSETS_WEIGHTS_ROOT if that is a local folder, else to AUDIO_ASSETS_CACHE_DIR.
    Exit 1 if anything could not be fetched.

    Example: audio-assets weights fetch --model vgg --model resnet
    """
    from audio_assets.cli.weights import run_fetch

    raise typer.Exit(run_fetch(model or (), as_json=as_json, quiet=quiet))


@weights_app.command("verify")
def weights_verify(
    model: ModelOption = None,
    embed: Annotated[
        bool,
        typer.Option(
            "--embed",
            help="Also embed a fixed sound and compare the result with the known value of the "
            "genuine weights; without a known value, print the result.",
        ),
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check the digests of the weights; exit 1 if any are missing or wrong.

    Example: audio-assets weights verify --embed
    """
    from audio_assets.cli.weights import run_verify

    raise typer.Exit(run_verify(model or (), embed=embed, as_json=as_json))
