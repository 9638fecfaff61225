"""How assets are partitioned: by species, by model, and by both.

Dagster orders the dimensions of a key by name, so a species × model key reads ``birdnet|coyote``.
"""

from dataclasses import dataclass

import dagster as dg

from audio_assets.settings import Settings

SPECIES = dg.DynamicPartitionsDefinition(name="species")
"""Grows with the species folders found; keys are checked before they are added, since Dagster
does not check them."""


@dataclass(frozen=True)
class Partitions:
    """The partitions definitions of one set of settings."""

    models: dg.StaticPartitionsDefinition
    species_by_model: dg.MultiPartitionsDefinition


def build_partitions(settings: Settings) -> Partitions:
    """Partitions for the models that the settings turn on."""
    models = dg.StaticPartitionsDefinition(list(settings.models))
    return Partitions(
        models=models,
        species_by_model=dg.MultiPartitionsDefinition({"model": models, "species": SPECIES}),
    )


def partition_key(model: str, species: str) -> str:
    """Key of a species × model partition."""
    return f"{model}|{species}"


def split_key(key: str) -> tuple[str, str]:
    """Model and species of a species × model key."""
    model, species = key.split("|")
    return model, species
