"""Choose the models of a run, and report those without weights."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from audio_assets.errors import SettingsError
from audio_assets.models.installation import not_installed_words
from audio_assets.models.registry import get_model
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.stages import ENCODERS
from audio_assets.settings import Settings


def choose_models(
    settings: Settings, asked: Sequence[str], console: Console
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Return the models to run, and task -> reason for those that cannot be run.

    Models that are only enabled by default are left out if their weights are not installed; one
    line names them. A model that was asked for by name is never left out without an error.

    Parameters
    ----------
    asked
        Models of the call; those of the settings if empty.

    Raises
    ------
    UnknownModelError
        If there is no such model.
    SettingsError
        If a model is not enabled.
    MissingWeightsError
        If no model is left.
    """
    for model in asked:
        get_model(model)
        if model not in settings.models:
            raise SettingsError(
                f"The model {model} is not enabled", "Add it to AUDIO_ASSETS_MODELS."
            )
    missing = EnabledModels(settings).not_installed()
    wanted = asked or settings.models
    chosen = tuple(model for model in wanted if model not in missing)
    if not chosen:
        raise missing[wanted[0]]
    if not asked:
        print_not_installed(settings, console)
    return chosen, {f"{m}, {ENCODERS}": str(missing[m]) for m in asked if m in missing}


def print_not_installed(settings: Settings, console: Console) -> None:
    """Print a line that names the models without weights, if there are any."""
    if words := not_installed_words(EnabledModels(settings).not_installed()):
        console.print(words[0].upper() + words[1:], markup=False, highlight=False, soft_wrap=True)
