"""Report mistakes in the layout of the audio root, and refuse a run that could evaluate nothing."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from rich.console import Console

from audio_assets.catalog.layout import RootLayout
from audio_assets.catalog.listing import examine_layout, list_species
from audio_assets.errors import AudioRootError
from audio_assets.objects.roots import open_root
from audio_assets.settings import Settings

PUT_CLIPS = "Put clips into {species}/data/pos and {species}/data/neg there."


def checked_species(
    settings: Settings,
    chosen: Sequence[str],
    console: Console,
    *,
    variants: Collection[str],
    seen: Sequence[str] = (),
) -> list[str]:
    """Print the mistakes in the layout, and return the species to run.

    Folders that are a class, a variant or a collection of species are left out.

    Parameters
    ----------
    chosen
        From :func:`audio_assets.cli.run.choose_species`.
    variants
        Variants that the models of the run read.
    seen
        Species of earlier runs: one that has lost its clips is run, so that its results do not stay
        unchanged.

    Raises
    ------
    AudioRootError
        If no species can be evaluated and none has been run before.
    """
    root = open_root(settings.require_audio_root())
    layout = examine_layout(root, list_species(root), variants=variants)
    species = [name for name in chosen if name not in layout.not_species or name in seen]
    print_mistakes(layout, species, console)
    is_any_good = any(layout.can_be_evaluated(name) for name in species)
    if not is_any_good and not {*species} & {*seen}:
        mistakes = layout.mistakes(species)
        raise AudioRootError(
            f"No species under {settings.audio_root} can be evaluated",
            f"{mistakes[0]}." if mistakes else PUT_CLIPS,
        )
    return species


def print_mistakes(layout: RootLayout, species: Sequence[str], console: Console) -> None:
    """Print a line for each mistake of the root and of these species."""
    for mistake in layout.mistakes(species):
        console.print(
            f"Wrong layout: {mistake}",
            style="red",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
