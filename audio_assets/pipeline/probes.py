"""Probe the stages that depend on things outside Dagster: audio and encoders.

A probe finds the data version that such a stage would have now. Which partitions are stale is
decided in :mod:`audio_assets.pipeline.staleness`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from audio_assets.encoders.base import Encoder
from audio_assets.errors import EncoderError, WeightsError
from audio_assets.models.registry import load_encoder
from audio_assets.pipeline.enabled_models import EnabledModels
from audio_assets.pipeline.partitions import ENCODER_TAG
from audio_assets.pipeline.roots import Roots
from audio_assets.settings import Settings
from audio_assets.tables import AUDIO_INVENTORY

if TYPE_CHECKING:
    import pandas as pd

READ_ALL_TAG = "audio-assets/read-all"
"""Tag of a run that reads all local files for their checksums, as if none were known."""

LISTING = "listing"
"""Metadata with the digest of the listing; the audio sensor compares it with today's audio."""

_log = logging.getLogger(__name__)


class Found(NamedTuple):
    """Result of a probe: a data version, and metadata that must be up to date as well."""

    version: str
    metadata: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Probe:
    """Find the data version that an asset would have if it were materialized now.

    ``find`` is called with the partition, or an empty text for an asset without partitions.
    Only stages that read what Dagster does not record have one: audio in a bucket, weights on a
    disk.
    """

    asset: str
    find: Callable[[str], Found]


def inventory_probe(roots: Roots, patterns: Sequence[str], *, renew: bool = False) -> Probe:
    """Return the probe of audio_inventory, which lists the audio.

    With ``renew``, an inventory that records other modification times is stale as well. Its
    renewal changes no result, but saves reading the files again.
    """

    def find(species: str) -> Found:
        from audio_assets.catalog.inventory import inventory_version

        inventory, digest = take_inventory(roots, patterns, species)
        return Found(inventory_version(inventory), {LISTING: digest} if renew else {})

    return Probe("audio_inventory", find)


def encoder_probe(models: EnabledModels) -> Probe:
    """Return the probe of encoder_card, which finds the encoder's version."""
    return Probe("encoder_card", lambda model: Found(models.encoder_version(model)))


def duplicate_encoder_probe(settings: Settings, patience: float | None = None) -> Probe:
    """Return the probe of duplicate_encoder, which finds the fingerprint."""

    def find(_: str) -> Found:
        return Found(duplicate_encoder_version(settings, patience))

    return Probe("duplicate_encoder", find)


def take_inventory(
    roots: Roots, patterns: Sequence[str], species: str, *, read_all: bool = False
) -> tuple[pd.DataFrame, str]:
    """List a species: :data:`audio_assets.tables.AUDIO_INVENTORY` and the listing's digest.

    Local files in the table's last version are not read again, unless ``read_all``.
    """
    from audio_assets.catalog.inventory import build_inventory, known_checksums, listing_digest
    from audio_assets.catalog.listing import list_objects
    from audio_assets.catalog.recordings import read_recording_rules
    from audio_assets.objects.files import is_local

    root = roots.audio
    rules = read_recording_rules(root, patterns)
    # A bucket lists its checksums.
    knows = is_local(root) and not read_all
    last = roots.last_version(AUDIO_INVENTORY, species, _log) if knows else None
    known = {} if last is None else known_checksums(last)
    objects = list(list_objects(root, species, known=known))
    return build_inventory(objects, rules), listing_digest(objects, rules)


def duplicate_encoder_version(settings: Settings, patience: float | None = None) -> str:
    """Return the fingerprint of the encoder that finds near-duplicates, or ``off``.

    Parameters
    ----------
    patience
        Seconds after which to give up on a weights root in a bucket, if other than two minutes.

    Raises
    ------
    AudioAssetsError
        If its weights are missing, or its code fails; the message says how to do without it.
    """
    return (
        load_duplicate_encoder(settings, patience).fingerprint
        if settings.finds_near_duplicates
        else "off"
    )


def duplicate_encoder_tags(settings: Settings) -> dict[str, str]:
    """Return the tags of assets that use this encoder, which determine the size of a pod."""
    return {ENCODER_TAG: settings.duplicate_encoder} if settings.finds_near_duplicates else {}


def load_duplicate_encoder(settings: Settings, patience: float | None = None) -> Encoder:
    """Load a new encoder that finds near-duplicates; errors say how to do without it."""
    with as_duplicate_encoder(settings):
        return load_encoder(settings.duplicate_encoder, settings.weight_places(patience))


@contextmanager
def as_duplicate_encoder(settings: Settings) -> Iterator[None]:
    """Add to errors of that encoder why it is needed, and how to do without it."""
    try:
        yield
    except (EncoderError, WeightsError) as error:
        raise type(error)(
            f"near-duplicate clips cannot be found with {settings.duplicate_encoder}: {error.what}",
            f"{error.remedy} Or set AUDIO_ASSETS_DUPLICATE_ENCODER to another encoder, or to "
            "nothing to skip near-duplicates.",
        ) from error
