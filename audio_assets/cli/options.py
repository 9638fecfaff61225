"""Options shared by several calls of ``audio-assets``, with the completion of their values."""

from __future__ import annotations

from typing import Annotated, Optional

import typer


def complete_models(begun: str) -> list[str]:
    """Return the models whose names start with the typed text."""
    from audio_assets.models.registry import offered_model_names

    return [name for name in offered_model_names() if name.startswith(begun)]


def complete_species(begun: str) -> list[str]:
    """Return the species whose names start with the typed text."""
    from audio_assets.cli.complete import known_species

    return [name for name in known_species() if name.startswith(begun)]


SpeciesOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--species", "-s", help="Only this species; repeatable.", autocompletion=complete_species
    ),
]
ModelOption = Annotated[
    Optional[list[str]],
    typer.Option(
        "--model", "-m", help="Only this model; repeatable.", autocompletion=complete_models
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, results only.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")]
