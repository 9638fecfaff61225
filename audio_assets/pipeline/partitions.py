"""Partitions of assets: by species, by model, and by both.

Dagster orders the dimensions of a key by name, so a species × model key reads ``birdnet|coyote``.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from audio_assets.pipeline.stages import Per
from audio_assets.settings import Settings

SPECIES = dg.DynamicPartitionsDefinition(name="species")
"""Grows with the species folders found; keys are checked before they are added, since Dagster
does not check them."""

REFUSED_TAG = "audio_assets/refused"
"""Tag of a run that was not queued, since its job has no such partition."""

ENCODER_TAG = "audio_assets/encoder"
"""Tag of an asset that embeds with this encoder, whatever its partition: its runs get what runs of
the encoder's models get."""


@dataclass(frozen=True)
class Partitions:
    """The partitions definitions of one set of settings."""

    models: dg.StaticPartitionsDefinition
    species_by_model: dg.MultiPartitionsDefinition

    def of(self, per: Per) -> dg.PartitionsDefinition[Any] | None:
        """Definition of what partitions stand for; None for one of everything."""
        match per:
            case Per.ALL:
                return None
            case Per.MODEL:
                return self.models
            case Per.SPECIES:
                return SPECIES
            case Per.SPECIES_AND_MODEL:
                return self.species_by_model


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


def wrong_partition(job: str, given: str | None, keys: Sequence[str]) -> str:
    """Describe a run of ``job`` whose partition is none of ``keys``, and what to do."""
    fault = "names no partition" if given is None else f"has the unknown partition {given}"
    tags = json.dumps({PARTITION_NAME_TAG: keys[0] if keys else "..."})
    return (
        f"This run of the job {job} {fault}\n"
        f"Give one of them, e.g. --tags '{tags}'. "
        f"There are: {', '.join(keys) or 'none yet'}"
    )
