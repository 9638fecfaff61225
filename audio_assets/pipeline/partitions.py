"""Define the partitions of assets: by species, by model, and by both.

Dagster orders the dimensions of a key by name, so a species × model key reads ``birdnet|coyote``.
"""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.storage.tags import PARTITION_NAME_TAG

from audio_assets.pipeline.stages import Per
from audio_assets.settings import Settings

SPECIES = dg.DynamicPartitionsDefinition(name="species")
"""One partition per species folder. Keys are checked before they are added, since Dagster does
not check them."""

REFUSED_TAG = "audio_assets/refused"
"""Tag of a run that was not queued because its job has no such partition."""

ENCODER_TAG = "audio_assets/encoder"
"""Tag of an asset that embeds with this encoder in every partition: its runs get the resources of
runs of the encoder's models."""

_ALIKE = 0.65
"""Ratio of equal letters from which a name may be a misspelled one."""


@dataclass(frozen=True)
class Partitions:
    """The partitions definitions of one set of settings."""

    models: dg.StaticPartitionsDefinition
    species_by_model: dg.MultiPartitionsDefinition

    def of(self, per: Per) -> dg.PartitionsDefinition[Any] | None:
        """Return the definition for a unit; None for :attr:`Per.ALL`."""
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
    """Build the partitions for the models that the settings turn on."""
    models = dg.StaticPartitionsDefinition(list(settings.models))
    return Partitions(
        models=models,
        species_by_model=dg.MultiPartitionsDefinition({"model": models, "species": SPECIES}),
    )


def partition_key(model: str, species: str) -> str:
    """Return the key of a species × model partition."""
    return f"{model}|{species}"


def split_key(key: str) -> tuple[str, str]:
    """Return model and species of a species × model key."""
    model, species = key.split("|")
    return model, species


def nearest_partitions(given: str, keys: Sequence[str]) -> str:
    """Return "Perhaps you mean ...? " with the keys that are spelled most alike; empty if none is.

    Model and species of a key are compared separately, so that a long model does not make up for
    another species.
    """
    parts = given.lower().split("|")
    alike = {
        key: min(
            difflib.SequenceMatcher(None, *pair).ratio()
            for pair in zip(parts, key.split("|"), strict=True)
        )
        for key in keys
        if key.count("|") == given.count("|")
    }
    close = sorted(
        (key for key in alike if alike[key] >= _ALIKE), key=lambda key: (-alike[key], key)
    )
    found = close[:3]
    return f"Perhaps you mean {' or '.join(found)}? " if found else ""


def wrong_partition(job: str, given: str | None, keys: Sequence[str]) -> str:
    """Write the error for a run of ``job`` whose partition is not among ``keys``."""
    fault = "names no partition" if given is None else f"has the unknown partition {given}"
    meant = "" if given is None else nearest_partitions(given, keys)
    tags = json.dumps({PARTITION_NAME_TAG: keys[0] if keys else "..."})
    return (
        f"This run of the job {job} {fault}\n{meant}"
        f"Choose one with --tags '{tags}'. "
        f"The partitions are: {', '.join(keys) or 'none yet'}"
    )
